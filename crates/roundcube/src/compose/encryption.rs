//! What encrypts the content end to end, where Roundcube has it: its plugin Enigma, or the browser's Mailvelope.

use leptos::prelude::*;
use plugin::el::effect;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::Composer;
use crate::js;

/// Enigma's choice "Encrypt this message".
const ENIGMA: &str = "#enigmaencryptopt";
/// Roundcube's command that opens Mailvelope's editor, or closes it.
const MAILVELOPE: &str = "compose-encrypted";

/// Switches it on when the user wants to encrypt, and hears of it when they switch it themselves. Answers whether it was
/// switched on here.
pub(super) fn start(composer: Composer) -> RwSignal<bool> {
    let is_switched_on = RwSignal::new(false);
    let wanted = Memo::new(move |_| composer.draft.with(|draft| draft.end_to_end));
    effect(move || {
        if wanted.get() && !is_on() {
            is_switched_on.set(switch_on());
        }
    });
    let hear = move |is: bool| {
        if wanted.get_untracked() != is {
            composer.draft.update(|draft| draft.end_to_end = is);
        }
    };
    if let Some(enigma) = enigma() {
        let changed = js::function(move |_| hear(is_on()));
        let _ = enigma.add_event_listener_with_callback("change", changed.unchecked_ref());
    }
    js::listen(MAILVELOPE, js::function(move |_| hear(is_on())));
    if is_on() {
        hear(true);
    }
    is_switched_on
}

/// Whether the content is going to be encrypted.
pub(super) fn is_on() -> bool {
    enigma().is_some_and(|enigma| enigma.checked()) || js::get(&js::rcmail(), "mailvelope_editor").is_truthy()
}

fn enigma() -> Option<HtmlInputElement> {
    let found = js::element(ENIGMA)?.dyn_into::<HtmlInputElement>().ok()?;
    (!found.disabled()).then_some(found)
}

/// Answers whether there was something to switch on.
fn switch_on() -> bool {
    if let Some(enigma) = enigma() {
        enigma.set_checked(true);
        // Enigma's and Elastic's own scripts are to know.
        return Event::new("change").is_ok_and(|change| enigma.dispatch_event(&change).is_ok());
    }
    let rcmail = js::rcmail();
    let is_there = js::at(&rcmail, &["commands", MAILVELOPE]).is_truthy();
    if is_there {
        js::call(&rcmail, "command", &[MAILVELOPE.into()]);
    }
    is_there
}
