//! The reference webmail: the plugin's first host, and all a person needs to live the guarantee's story.

mod answer;
mod drafts;
mod focus;
mod host;
mod html;
mod keep;
mod mail;
mod message;
mod route;
mod sending;
mod session;
mod text;
mod view;
mod when;
mod words;

use plugin::el;

/// Shows the webmail: takes the whole page.
pub fn start() {
    if let Some(boot) = leptos::prelude::document().get_element_by_id("boot") {
        boot.remove();
    }
    if let Some(root) = leptos::prelude::document().document_element() {
        // Before the module there are only German and English.
        let _ = root.set_attribute("lang", plugin::words::language());
    }
    leptos::mount::mount_to_body(view::app);
}
