use bounce::Reason;
use leptos::prelude::*;
use leptos::wasm_split::wasm_split;

use super::later::{Draw, later};
use super::offer::{Checks, offer};
use super::parts::{MARKS, address, button, failure, filled, hint, paragraph, strong_address, warning};
use super::tell_dialog::tell;
use crate::browser::{self, Moment};
use crate::el::{El, classed, el, live, nothing, with_icon};
use crate::state::banner::{Banner, Confirmed, FailedGroup, StoppedGroup, Without};
use crate::state::cause::CauseWord;
use crate::state::reopen::Way;
use crate::words::{list, locale, plural, w};
use crate::{ClientError, Plugin};

/// The banner above a message: get `banner` from [`crate::Plugin::banner`]. Where it is [`Banner::Forged`]
/// the webmail switches the mail's links off.
#[component]
pub fn BounceBanner(
    /// What to show.
    #[prop(into)]
    banner: Signal<Banner>,
) -> impl IntoView {
    let is_shown = Memo::new(move |_| banner.with(|banner| !matches!(banner, Banner::None)));
    live(move || if is_shown.get() { later(part(), banner) } else { nothing() })
}

/// Where there is a banner, the part that has read the message is there already.
#[wasm_split(mail, wasm_split_path = ::leptos::wasm_split, fallible)]
fn part() -> Result<Draw<Signal<Banner>>, ClientError> {
    Ok(drawn)
}

fn drawn(banner: Signal<Banner>) -> AnyView {
    let plugin = Plugin::of_context();
    let failed = RwSignal::new(false);
    // An event that changes a number must not take the keyboard's place away: numbers live in parts of their own.
    let frame = Memo::new(move |_| banner.with(Banner::without_numbers));
    let checks = Checks::follow(plugin, frame);
    live(move || frame.with(|frame| section(plugin, frame, Following { banner, checks, failed })))
}

/// What changes within a banner.
#[derive(Clone, Copy)]
struct Following {
    banner: Signal<Banner>,
    checks: Checks,
    /// Whether the sent copy could not be opened.
    failed: RwSignal<bool>,
}

fn section(plugin: Plugin, frame: &Banner, following: Following) -> AnyView {
    let (class, name, title, text) = match frame {
        Banner::None => return nothing(),
        Banner::Confirmed(confirmed) if confirmed.may_be_attack() => {
            ("banner danger", "alert", w!(stopped_title), stopped(plugin, confirmed, following))
        }
        Banner::Confirmed(confirmed) => {
            ("banner warn", "stop", w!(stopped_title), stopped(plugin, confirmed, following))
        }
        Banner::Forged => {
            let links = classed("p", "small").text(w!(forged_links));
            ("banner danger", "alert", w!(forged_title), vec![paragraph(w!(forged)).into(), links.into()])
        }
        Banner::Unchecked(error) => {
            let mut said: Vec<AnyView> = vec![paragraph(w!(unchecked)).into()];
            if matches!(error, ClientError::LoggedOut | ClientError::Clock) {
                said.push(failure(error));
            }
            said.push(el("p").child(button("btn", w!(check_again), move || plugin.check_again())).into());
            ("banner", "ask", w!(unchecked_title), said)
        }
        Banner::Other(groups) => ("banner", "mail", w!(other_title), other(groups)),
        Banner::Delayed(recipients) => {
            let text = filled(&w!(delayed, recipients = MARKS[0]), |_| address(&list(recipients)));
            ("banner", "clock", w!(delayed_title), vec![text.into()])
        }
    };
    let mut said = classed("div", "banner-text").view(super::icon(name).into_any());
    said = said.child(el("h2").attr("id", "tlsg-banner").text(title));
    said = text.into_iter().fold(said, El::view);
    let section = classed("section", class).attr("aria-labelledby", "tlsg-banner").child(said);
    match frame {
        Banner::Confirmed(confirmed) => ways(section, plugin, confirmed, following.failed).into(),
        _ => section.into(),
    }
}

fn stopped(plugin: Plugin, confirmed: &Confirmed, following: Following) -> Vec<AnyView> {
    let Following { banner, checks, failed } = following;
    let mut said: Vec<AnyView> = confirmed.groups.iter().flat_map(sentences).map(AnyView::from).collect();
    let emphasis = |_| el("strong").text(w!(not));
    said.push(filled(&w!(stopped_not_sent, not = MARKS[0]), emphasis).into());
    if confirmed.may_be_attack() {
        said.push(paragraph(w!(attack_advice)).into());
    }
    let numbers = move |part: fn(&Confirmed) -> Option<El>| {
        live(move || {
            banner.with(|banner| match banner {
                Banner::Confirmed(confirmed) => part(confirmed).map_or_else(nothing, AnyView::from),
                _ => nothing(),
            })
        })
    };
    said.push(numbers(|confirmed| others(confirmed.delivered_others, confirmed.waiting_others)));
    let time = match browser::long(confirmed.stopped_at, locale()) {
        Moment::Today(time) => w!(today_at, time = time),
        Moment::Other(time) => time,
    };
    said.push(with_icon(classed("p", "state"), "check", w!(recorded, time = time)).into());
    said.extend(sent_again(confirmed).map(AnyView::from));
    said.push(offer(plugin, confirmed.clone(), checks, failed));
    said
}

/// Who was stopped where and why.
fn sentences(group: &StoppedGroup) -> Vec<El> {
    let [recipients, host, attack] = MARKS;
    let text = match group.cause {
        // It was not the guarantee that stopped it, which may even be off.
        _ if group.demanded => w!(stopped_demanded, recipients = recipients, host = host),
        CauseWord::NoStarttls => w!(stopped_no_starttls, recipients = recipients, host = host),
        CauseWord::StarttlsRefused => w!(stopped_starttls_refused, recipients = recipients, host = host),
        CauseWord::HandshakeFailed => w!(stopped_handshake_failed, recipients = recipients, host = host),
        CauseWord::Downgrade => {
            w!(stopped_downgrade, attack = attack, recipients = recipients, host = host)
        }
        CauseWord::IdentityLost => {
            w!(stopped_identity_lost, attack = attack, recipients = recipients, host = host)
        }
        CauseWord::DaneMismatch => {
            w!(stopped_mismatch, recipients = recipients, host = host, mechanism = "DANE")
        }
        CauseWord::StsMismatch => {
            w!(stopped_mismatch, recipients = recipients, host = host, mechanism = "MTA-STS")
        }
        CauseWord::NotAuthenticated => w!(stopped_not_authenticated, recipients = recipients, host = host),
        CauseWord::RequireTlsNotOffered => {
            w!(stopped_require_tls_not_offered, recipients = recipients, host = host)
        }
        CauseWord::RequireTlsFailed => w!(stopped_require_tls_failed, recipients = recipients, host = host),
        CauseWord::Unknown => w!(stopped_unknown, recipients = recipients, host = host),
    };
    let sentence = filled(&text, |mark| match mark {
        _ if mark == host => address(&group.host),
        _ if mark == attack => el("strong").text(w!(attack)),
        _ => strong_address(&list(&group.recipients)),
    });
    let seen = group.last_seen.filter(|_| group.cause.is_worse_than_before()).map(|time| {
        let date = browser::day(time, locale());
        let text = if group.cause == CauseWord::Downgrade {
            w!(tls_last_seen, date = date)
        } else {
            w!(proof_last_seen, date = date)
        };
        paragraph(&text)
    });
    std::iter::once(sentence).chain(seen).collect()
}

/// To whom it was sent since.
fn sent_again(confirmed: &Confirmed) -> Option<El> {
    match &confirmed.sent_again_to[..] {
        [] => None,
        _ if confirmed.is_settled() => Some(paragraph(w!(sent_again))),
        some => Some(paragraph(&w!(sent_again_to_some, recipients = list(some)))),
    }
}

/// What became of the others, as numbers.
fn others(delivered: u32, waiting: u32) -> Option<El> {
    let mut said = Vec::new();
    if delivered > 0 {
        said.push(plural(&w!(others_delivered, count = delivered), delivered));
    }
    if waiting > 0 {
        said.push(plural(&w!(others_waiting, count = waiting), waiting));
    }
    let (class, name) = if delivered > 0 { ("state ok", "lockcheck") } else { ("state", "clock") };
    (delivered > 0 || waiting > 0).then(|| with_icon(classed("p", class), name, said.join(" · ") + "."))
}

/// The ways, equal among each other; a button's name is only its title, the rest describes it.
fn ways(section: El, plugin: Plugin, confirmed: &Confirmed, failed: RwSignal<bool>) -> El {
    let liftable = list(&confirmed.liftable());
    let mut rows = vec![
        ("talk", w!(way_tell), w!(way_tell_text).to_owned(), None),
        ("key", w!(way_end_to_end), w!(way_end_to_end_text).to_owned(), Some(Way::EndToEnd)),
    ];
    let without = match confirmed.without() {
        Without::NoHelp => None,
        Without::Readable => Some(w!(way_without_text, recipients = liftable)),
        Without::Unproven => Some(w!(way_without_unproven, recipients = liftable)),
    };
    let name = if without.is_some() { w!(ways) } else { w!(ways_two) };
    rows.extend(without.map(|text| ("open", w!(way_without), text, Some(Way::WithoutGuarantee))));
    let confirmed = StoredValue::new(confirmed.clone());
    let row = |(name, title, text, way): (&'static str, &'static str, String, Option<Way>)| {
        let press = move || match way {
            None => confirmed.with_value(|confirmed| tell(plugin, &confirmed.recipients())),
            Some(way) => open(plugin, confirmed.get_value(), way, failed),
        };
        let id = format!("tlsg-{name}");
        el("li")
            .view(super::icon(name).into_any())
            .child(button("", title, press).attr("aria-describedby", &id))
            .child(paragraph(&text).attr("id", &id))
            .view(super::icon("right").into_any())
    };
    let list_of_ways = classed("ul", "ways").attr("aria-label", name).children(rows.into_iter().map(row));
    let not_opened = move || match failed.get() {
        true => warning("alert", w!(way_failed), true).into(),
        false => nothing(),
    };
    section.child(list_of_ways).children(confirmed.with_value(notes)).view(live(not_opened))
}

/// What is to be known of the ways: whom leaving the guarantee out does not reach, and what it does to REQUIRETLS.
fn notes(confirmed: &Confirmed) -> Vec<El> {
    let bound = confirmed.bound();
    let mut notes = Vec::new();
    if !bound.is_empty() {
        notes.push(hint("info", &w!(way_without_no_help, recipients = list(&bound))));
    }
    if confirmed.asks_for_require_tls() {
        notes.push(hint("info", w!(way_without_require_tls)));
    }
    notes
}

pub(super) fn open(plugin: Plugin, confirmed: Confirmed, way: Way, failed: RwSignal<bool>) {
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
            filled(&text, |_| address(&list(&group.recipients))).into()
        })
        .collect();
    if said.is_empty() {
        said.push(paragraph(w!(other_nobody)).into());
    }
    said.push(paragraph(w!(other_not_us)).into());
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
