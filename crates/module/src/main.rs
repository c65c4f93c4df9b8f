//! The browser's module, one for all hosts of the plugin: whose page it is in, it sees itself.

use js_sys::Reflect;

fn main() {
    console_error_panic_hook::set_once();
    // What every page of Roundcube has.
    if Reflect::has(&js_sys::global(), &"rcmail".into()).unwrap_or(false) {
        roundcube::start();
    } else {
        webmail::start();
    }
}
