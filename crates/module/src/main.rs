//! The browser's module, one for all hosts of the plugin: whose page it is in, it sees itself.
//!
//! Every page loads what the hosts have in common. What only one of them needs is a part of its own, as are the plugin's
//! ([`plugin::parts`]).

use js_sys::Reflect;
use leptos::wasm_split::wasm_split;
use plugin::ClientError;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

fn main() {
    console_error_panic_hook::set_once();
}

/// Starts the page; called by the page's own script, once.
///
/// # Errors
/// When the host's part can't be loaded.
#[wasm_bindgen]
pub async fn start() -> Result<(), JsValue> {
    // What every page of Roundcube has.
    let started = match Reflect::has(&js_sys::global(), &"rcmail".into()) {
        Ok(true) => in_roundcube().await,
        _ => in_webmail().await,
    };
    started.map_err(|_| JsError::new("a part of the module is missing").into())
}

#[wasm_split(roundcube, wasm_split_path = ::leptos::wasm_split, fallible)]
fn in_roundcube() -> Result<(), ClientError> {
    roundcube::start();
    Ok(())
}

#[wasm_split(webmail, wasm_split_path = ::leptos::wasm_split, fallible)]
fn in_webmail() -> Result<(), ClientError> {
    webmail::start();
    Ok(())
}
