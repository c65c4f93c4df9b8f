//! An open message: the banner above it, and what became of it if it was sent.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::Plugin;
use plugin::components::{BounceBanner, Delivery, SentMark};
use plugin::el::{effect, live, nothing};
use plugin::state::banner::Banner;

use crate::page::{Message, Page};
use crate::{actions, js, links, within};

/// Starts what the message has need of.
pub(crate) fn start(plugin: Plugin, page: &Rc<Page>) {
    let Some(message) = page.message.clone() else { return };
    if message.may_be_report {
        within("tls-guarantee-banner", move || banner(plugin, &message));
    } else if message.sent && !message.message_id.is_empty() {
        within("tls-guarantee-mark", move || mark(message.message_id));
    }
}

fn mark(message_id: String) -> AnyView {
    let id = message_id.clone();
    vec![
        view! { <SentMark message_id=id /> }.into_any(),
        view! { <Delivery message_id=message_id /> }.into_any(),
    ]
    .into_any()
}

fn banner(plugin: Plugin, message: &Message) -> AnyView {
    let raw: RwSignal<Option<Arc<[u8]>>> = RwSignal::new(None);
    let (mbox, uid) = (message.mbox.clone(), message.uid.clone());
    spawn_local(async move {
        match actions::raw(&mbox, &uid).await {
            Ok(bytes) => raw.set(Some(bytes.into())),
            // Nothing is claimed then: the message stands as Roundcube shows it.
            Err(error) => js::complain(&format!("the message could not be read: {error:?}")),
        }
    });
    live(move || {
        let Some(raw) = raw.get() else { return nothing() };
        let banner = plugin.banner(&raw);
        effect(move || links::switch(banner.with(distrusts)));
        view! { <BounceBanner banner=banner /> }.into_any()
    })
}

/// Whether the banner says that the message is not what it says, or may not be.
fn distrusts(banner: &Banner) -> bool {
    match banner {
        Banner::Forged | Banner::Unchecked(_) => true,
        Banner::None | Banner::Confirmed(_) | Banner::Other(_) | Banner::Delayed(_) => false,
    }
}
