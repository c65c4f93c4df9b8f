use api::{AuthenticatedBy, MessageRecipient, MessageStatus};
use leptos::prelude::*;

use super::parts::{cause, failure};
use crate::Plugin;
use crate::browser::{self, Moment};
use crate::el::{El, classed, el, live, nothing, with_icon};
use crate::state::evidence::{self, Detail, Standing, Wait};
use crate::state::panel::Known;
use crate::words::{locale, w};

/// "Delivery" on an open message of the sent folder: what became of it, recipient by recipient, and what proves it.
#[component]
pub fn Delivery(
    /// The message's Message-ID, with or without `<>`.
    #[prop(into)]
    message_id: String,
) -> impl IntoView {
    let plugin = Plugin::of_context();
    let answer: RwSignal<Known<bool>> = RwSignal::default();
    let asked = StoredValue::new(false);
    let id = message_id.clone();
    // Asked for once it is opened; from then on the server's events keep it up to date.
    let ask = move |_| {
        if asked.get_value() {
            return;
        }
        asked.set_value(true);
        let id = id.clone();
        leptos::task::spawn_local(async move {
            let found = plugin.ask_what_became_of(&id).await;
            let _ = asked.try_set_value(found.is_ok());
            let _ = answer.try_set(found.into());
        });
    };
    let status = Memo::new(move |_| plugin.status(&message_id));
    // The lines stay as they are; what changes is within them, so that nothing closes that somebody has opened.
    let addresses = Memo::new(move |_| {
        let of = |status: &MessageStatus| status.recipients.iter().map(|one| one.address.clone()).collect();
        status.with(|status| status.as_ref().map_or_else(Vec::new, of))
    });
    let content = live(move || {
        let addresses = addresses.get();
        if !addresses.is_empty() {
            let lines = addresses.iter().enumerate().map(|(at, address)| line(status, at, address));
            return classed("ul", "evidence").children(lines).into();
        }
        let said = match answer.get() {
            Known::Failed(error) => return failure(&error),
            Known::Known(false) => w!(delivery_unknown),
            Known::Known(true) | Known::Waiting => w!(panel_loading),
        };
        classed("p", "small").text(said).into()
    });
    AnyView::from(el("details").on("toggle", ask).child(el("summary").text(w!(delivery))).view(content))
}

fn line(status: Memo<Option<MessageStatus>>, at: usize, address: &str) -> El {
    let part = move |part: fn(&MessageRecipient) -> AnyView| {
        live(move || {
            status.with(|status| {
                status.as_ref().and_then(|status| status.recipients.get(at)).map_or_else(nothing, part)
            })
        })
    };
    let more = el("details").child(classed("summary", "small").text(w!(details))).view(part(details));
    el("li").child(classed("p", "addr").text(address)).view(part(state)).child(more)
}

fn state(recipient: &MessageRecipient) -> AnyView {
    let (class, icon, word) = said(evidence::standing(recipient));
    let small = |text: &str| classed("p", "small").text(text).into();
    let mut lines: Vec<AnyView> = vec![with_icon(classed("p", class), icon, word).into()];
    lines.extend(evidence::next_attempt(recipient).map(|time| small(&w!(next_attempt, time = moment(time)))));
    lines.extend(evidence::is_own_decision(recipient).then(|| small(w!(own_decision))));
    lines.into_any()
}

fn moment(time: jiff::Timestamp) -> String {
    match browser::short(time, locale()) {
        Moment::Today(time) | Moment::Other(time) => time,
    }
}

fn details(recipient: &MessageRecipient) -> AnyView {
    let mut list = classed("dl", "meta");
    for (detail, value) in evidence::details(recipient) {
        let (name, value) = match detail {
            Detail::Host => (w!(detail_host), value),
            Detail::Tls => (w!(detail_tls), value),
            Detail::KeyExchange => (w!(detail_key_exchange), value),
            Detail::Resumed => (w!(detail_key_exchange), w!(detail_resumed).to_owned()),
            Detail::Proof => (w!(detail_proof), value),
            Detail::Certificate => (w!(detail_certificate), value),
            Detail::Answer => (w!(detail_answer), value),
        };
        list = list.child(el("dt").text(name)).child(classed("dd", "addr").text(value));
    }
    let (time, changed) = (w!(stops_time), moment(recipient.changed_at));
    list.child(el("dt").text(time)).child(el("dd").text(changed)).into()
}

/// The class, the icon and the words.
fn said(standing: Standing) -> (&'static str, &'static str, String) {
    let (class, icon, word) = match standing {
        Standing::Underway => ("state", "clock", w!(sent_underway)),
        Standing::DeliveredHere => ("state ok", "check", w!(sent_here)),
        Standing::DeliveredUnprotected => ("state warn", "open", w!(sent_unprotected)),
        Standing::DeliveredEncrypted => ("state ok", "lock", w!(sent_encrypted)),
        Standing::DeliveredVerified(by) => {
            let word = match by {
                AuthenticatedBy::Dane => w!(sent_dane),
                AuthenticatedBy::MtaSts => w!(sent_sts),
                AuthenticatedBy::Certificate => w!(sent_certificate),
            };
            ("state ok", "lockcheck", word)
        }
        Standing::Waits(wait) => ("state", "clock", waits(wait)),
        Standing::Stopped(word) => return ("state warn", "stop", w!(sent_stopped, cause = cause(word))),
        Standing::Undeliverable => ("state warn", "alert", w!(other_title)),
    };
    (class, icon, word.to_owned())
}

fn waits(wait: Wait) -> &'static str {
    match wait {
        Wait::OwnLine => w!(waits_own_line),
        Wait::DnsBogus => w!(waits_dns_bogus),
        Wait::DnsFailed => w!(waits_dns_failed),
        Wait::DomainDemands => w!(waits_domain_demands),
        Wait::OtherHost => w!(waits_other_host),
        Wait::Host => w!(waits_host),
    }
}
