//! Roundcube's fields for recipients, read and filled.
//!
//! The skin Elastic hides each field behind a list of addresses with an input for the next one, and updates the field
//! without any event; what is typed is in the input alone until it is complete.

use plugin::state::recipients;
use plugin::{Address, Recipients};
use wasm_bindgen::JsCast;
use web_sys::{
    Event, HtmlElement, HtmlInputElement, HtmlTextAreaElement, MutationObserver, MutationObserverInit,
};

use crate::js;

/// The names of the three fields.
pub(crate) const NAMES: [&str; 3] = ["_to", "_cc", "_bcc"];

/// How much of the fields is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What is complete.
    Complete,
    /// And what is being typed.
    All,
}

/// The recipients as the fields have them now.
pub(crate) fn read(extent: Extent) -> Recipients {
    let [to, cc, bcc] = NAMES.map(|name| people(name, extent));
    Recipients { to, cc, bcc }
}

/// Makes the fields say this; what they say already stays as it was typed.
pub(crate) fn fill(wanted: &Recipients) {
    for (name, wanted) in NAMES.into_iter().zip([&wanted.to, &wanted.cc, &wanted.bcc]) {
        if people(name, Extent::All) == *wanted {
            continue;
        }
        if let Some(field) = field(name) {
            field.set_value(&recipients::show(wanted));
            // The list of addresses is made anew, and a field that has something to say is shown.
            if let Ok(change) = Event::new("change") {
                let _ = field.dispatch_event(&change);
            }
        }
    }
}

/// Has `act` happen whenever a field may have changed, for as long as the page lives.
pub(crate) fn watch(act: impl Fn() + 'static) {
    let act = js::function(move |_| act());
    let observer = MutationObserver::new(act.unchecked_ref());
    let options = MutationObserverInit::new();
    options.set_child_list(true);
    for name in NAMES {
        let Some(field) = field(name) else { continue };
        for event in ["input", "change"] {
            let _ = field.add_event_listener_with_callback(event, act.unchecked_ref());
        }
        // Typing changes nothing yet, so it costs nothing.
        let list = list_beside(&field);
        if let (Ok(observer), Some(list)) = (&observer, list) {
            let _ = observer.observe_with_options(&list, &options);
        }
    }
}

/// Puts an element below a field, within its row of the form.
pub(crate) fn put_below(name: &str, element: &HtmlElement) -> Option<()> {
    let field = field(name)?;
    let group = field.closest(".input-group").ok().flatten()?;
    group.after_with_node_1(element).ok()
}

fn people(name: &str, extent: Extent) -> Vec<Address> {
    recipients::parse(&text(name, extent)).addresses
}

/// What a field says.
fn text(name: &str, extent: Extent) -> String {
    let Some(field) = field(name) else { return String::new() };
    let Some(list) = list_beside(&field) else { return field.value() };
    let typed = list.query_selector("input").ok().flatten().filter(|_| extent == Extent::All);
    let typed = typed.and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
    joined(&list.text_content().unwrap_or_default(), &typed.map(|input| input.value()).unwrap_or_default())
}

/// The addresses of the list, each with a comma after it, and what is being typed.
fn joined(listed: &str, typed: &str) -> String {
    format!("{listed} {typed}").trim().to_owned()
}

fn field(name: &str) -> Option<HtmlTextAreaElement> {
    js::element(&format!("textarea[name=\"{name}\"]"))?.dyn_into().ok()
}

fn list_beside(field: &HtmlTextAreaElement) -> Option<HtmlElement> {
    let list = field.next_element_sibling()?;
    list.class_list().contains("recipient-input").then(|| list.dyn_into().ok())?
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "", &[])]
    #[case("a@x.example,", "", &["a@x.example"])]
    #[case("Carla Klein <c@x.example>,b@x.example,", "", &["Carla Klein <c@x.example>", "b@x.example"])]
    #[case("\"Klein, Carla\" <c@x.example>,", "d@x.exa", &["\"Klein, Carla\" <c@x.example>", "d@x.exa"])]
    #[case("", "d@x.exa", &["d@x.exa"])]
    #[case("a@x.example,", "half", &["a@x.example"])]
    fn what_the_list_and_its_input_say(#[case] listed: &str, #[case] typed: &str, #[case] expected: &[&str]) {
        let found = recipients::parse(&joined(listed, typed)).addresses;
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
}
