//! How mail to each recipient would travel, below Roundcube's fields.

use leptos::prelude::*;
use plugin::Composing;
use plugin::components::{Field, ProtectionNotes, RecipientProtection};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::{fields, js, show};

/// Puts a list below each field of recipients, and below all fields what is said of them together.
pub(super) fn start(composing: Composing) {
    for (name, field) in fields::NAMES.into_iter().zip([Field::To, Field::Cc, Field::Bcc]) {
        if let Some(place) = place("tls-guarantee tls-guarantee-protection")
            && fields::put_below(name, &place).is_some()
        {
            let list = move || view! { <RecipientProtection composing=composing field=field /> }.into_any();
            show(place, Box::new(list));
        }
    }
    if let Some(place) = place("tls-guarantee")
        && put_below_all(&place).is_some()
    {
        show(place, Box::new(move || view! { <ProtectionNotes composing=composing /> }.into_any()));
    }
}

fn place(class: &str) -> Option<HtmlElement> {
    let place: HtmlElement = document().create_element("div").ok()?.unchecked_into();
    place.set_class_name(class);
    Some(place)
}

/// A row of the form, below the subject: what comes and goes there moves no field away from under anybody's finger.
fn put_below_all(place: &HtmlElement) -> Option<()> {
    let subject = js::element("#compose_subject")?;
    let [row, label] = ["row", "col-2"].map(self::place);
    let row = row?;
    row.set_id("tls-guarantee-protections");
    place.class_list().add_1("col-10").ok()?;
    row.append_with_node_2(label?.as_ref(), place).ok()?;
    subject.after_with_node_1(&row).ok()
}
