use bounce::Reason;
use leptos::prelude::*;

use super::parts::{MARKS, address, filled, paragraph, strong_address, warning};
use super::sprite::icon;
use super::tell_dialog::TellDialog;
use crate::Plugin;
use crate::browser::{self, Moment};
use crate::state::banner::{Banner, Confirmed, FailedGroup, StoppedGroup};
use crate::state::cause::CauseWord;
use crate::state::recipients::list;
use crate::state::reopen::Way;
use crate::words::{locale, w};

/// The banner above a message: get `banner` from [`crate::Plugin::banner`]. Where it is [`Banner::Forged`]
/// the webmail switches the mail's links off.
#[component]
pub fn BounceBanner(
    /// What to show.
    #[prop(into)]
    banner: Signal<Banner>,
) -> impl IntoView {
    let plugin = Plugin::of_context();
    let tell = TellDialog::new(plugin);
    let failed = RwSignal::new(false);
    // The dialog lies beside, so that an event which changes a number in the banner does not close it.
    view! {
        {move || banner.with(|banner| section(plugin, banner, tell, failed))}
        {tell.view()}
    }
    .into_any()
}

fn section(plugin: Plugin, banner: &Banner, tell: TellDialog, failed: RwSignal<bool>) -> Option<AnyView> {
    let (class, name, title, text, ways) = match banner {
        Banner::None => return None,
        Banner::Confirmed(confirmed) => {
            let ways = Some(ways(plugin, confirmed, tell, failed));
            ("banner warn", "stop", w!(stopped_title), stopped(confirmed), ways)
        }
        Banner::Forged => {
            let links = view! { <p class="small">{w!(forged_links)}</p> }.into_any();
            ("banner danger", "alert", w!(forged_title), vec![paragraph(w!(forged)), links], None)
        }
        Banner::Unchecked => {
            let again = view! {
                <p><button class="btn" type="button" on:click=move |_| plugin.check_again()>{w!(check_again)}</button></p>
            };
            ("banner", "ask", w!(unchecked_title), vec![paragraph(w!(unchecked)), again.into_any()], None)
        }
        Banner::Other(groups) => ("banner", "mail", w!(other_title), other(groups), None),
        Banner::Delayed(recipients) => {
            let text = filled(&w!(delayed, recipients = MARKS[0]), |_| address(list(recipients)));
            ("banner", "clock", w!(delayed_title), vec![text], None)
        }
    };
    Some(
        view! {
            <section class=class aria-labelledby="tlsg-banner">
                <div class="banner-text">{icon(name)}<h2 id="tlsg-banner">{title}</h2>{text}</div>
                {ways}
            </section>
        }
        .into_any(),
    )
}

fn stopped(confirmed: &Confirmed) -> Vec<AnyView> {
    let mut said: Vec<AnyView> = confirmed.groups.iter().map(sentence).collect();
    let emphasis = |_| view! { <strong>{w!(not)}</strong> }.into_any();
    said.push(filled(&w!(stopped_not_sent, not = MARKS[0]), emphasis));
    said.extend(others(confirmed.delivered_others, confirmed.waiting_others));
    let time = match browser::long(confirmed.stopped_at, locale()) {
        Moment::Today(time) => w!(today_at, time = time),
        Moment::Other(time) => time,
    };
    said.push(state("state", "check", w!(recorded, time = time)));
    if confirmed.sent_again {
        said.push(paragraph(w!(sent_again)));
    }
    said
}

/// Who was stopped where and why.
fn sentence(group: &StoppedGroup) -> AnyView {
    let [recipients, host] = MARKS;
    let text = match group.cause {
        CauseWord::NoStarttls => w!(stopped_no_starttls, recipients = recipients, host = host),
        CauseWord::StarttlsRefused => w!(stopped_starttls_refused, recipients = recipients, host = host),
        CauseWord::HandshakeFailed => w!(stopped_handshake_failed, recipients = recipients, host = host),
        CauseWord::Unknown => w!(stopped_unknown, recipients = recipients, host = host),
    };
    filled(&text, |mark| {
        if mark == host { address(group.host.clone()) } else { strong_address(list(&group.recipients)) }
    })
}

/// What became of the others, as numbers.
fn others(delivered: u32, waiting: u32) -> Option<AnyView> {
    let said_delivered = match delivered {
        0 => String::new(),
        1 => w!(others_delivered_one).to_owned(),
        count => w!(others_delivered, count = count),
    };
    let said_waiting = match waiting {
        0 => String::new(),
        1 => w!(others_waiting_one).to_owned(),
        count => w!(others_waiting, count = count),
    };
    let between = if delivered > 0 && waiting > 0 { " · " } else { "" };
    let (class, name) = if delivered > 0 { ("state ok", "lockcheck") } else { ("state", "clock") };
    (delivered > 0 || waiting > 0)
        .then(|| state(class, name, format!("{said_delivered}{between}{said_waiting}.")))
}

fn state(class: &'static str, name: &'static str, text: String) -> AnyView {
    view! { <p class=class>{icon(name)}" "<span>{text}</span></p> }.into_any()
}

/// The three ways, equal among each other; a button's name is only its title, the rest describes it.
fn ways(plugin: Plugin, confirmed: &Confirmed, tell: TellDialog, failed: RwSignal<bool>) -> AnyView {
    let recipients = confirmed.recipients();
    let without = w!(way_without_text, recipients = list(&recipients));
    let rows = [
        ("talk", w!(way_tell), w!(way_tell_text).to_owned(), None),
        ("key", w!(way_end_to_end), w!(way_end_to_end_text).to_owned(), Some(Way::EndToEnd)),
        ("open", w!(way_without), without, Some(Way::WithoutGuarantee)),
    ];
    let confirmed = StoredValue::new(confirmed.clone());
    let row = |(name, title, text, way): (&'static str, &'static str, String, Option<Way>)| {
        let press = move |_| match way {
            None => confirmed.with_value(|confirmed| tell.open(&confirmed.recipients())),
            Some(way) => open(plugin, confirmed.get_value(), way, failed),
        };
        let id = format!("tlsg-{name}");
        view! {
            <li>
                {icon(name)}
                <button type="button" aria-describedby=id.clone() on:click=press>{title}</button>
                <p id=id>{text}</p>
                {icon("right")}
            </li>
        }
    };
    view! {
        <ul class="ways" aria-label=w!(ways)>{rows.map(row)}</ul>
        {move || failed.get().then(|| warning("alert", w!(way_failed).to_owned(), true))}
    }
    .into_any()
}

fn open(plugin: Plugin, confirmed: Confirmed, way: Way, failed: RwSignal<bool>) {
    failed.set(false);
    leptos::task::spawn_local(async move {
        let opened = plugin.open_stopped(&confirmed, way).await;
        let _ = failed.try_set(opened.is_err());
    });
}

fn other(groups: &[FailedGroup]) -> Vec<AnyView> {
    let mut said: Vec<AnyView> = groups
        .iter()
        .map(|group| {
            let text = w!(other, recipients = MARKS[0], reason = reason(group.reason));
            filled(&text, |_| address(list(&group.recipients)))
        })
        .collect();
    if said.is_empty() {
        said.push(paragraph(w!(other_nobody)));
    }
    said.push(paragraph(w!(other_not_us)));
    said
}

/// A reason as the end of a sentence.
fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::UnknownUser => w!(reason_unknown_address),
        Reason::DomainNotFound => w!(reason_unknown_domain),
        Reason::MailboxFull => w!(reason_mailbox_full),
        Reason::TooBig => w!(reason_too_large),
        Reason::Rejected => w!(reason_refused),
        Reason::Unreachable => w!(reason_unreachable),
        Reason::NoEncryption => w!(reason_encryption),
        Reason::Delayed | Reason::Other => w!(reason_unknown),
    }
}
