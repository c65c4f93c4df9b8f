use std::time::Duration;

use api::{Check, Outcome};
use gloo_timers::future::sleep;
use leptos::prelude::*;

use super::bounce_banner::open;
use super::parts::{button, paragraph};
use crate::Plugin;
use crate::browser::{self, Moment};
use crate::el::{classed, effect, el, live, nothing, with_icon};
use crate::state::banner::{Banner, Confirmed};
use crate::state::panel::Panel;
use crate::state::reopen::Way;
use crate::words::{list, locale, w};

/// Whom a banner asks about at most.
const ASKED: usize = 20;
/// When to ask once more for what the server did not know at once: it answers within three seconds, and goes on looking.
const ONCE_MORE: Duration = Duration::from_secs(4);

/// What the server says of the way to a banner's recipients now.
#[derive(Clone, Copy)]
pub(super) struct Checks(RwSignal<Vec<Check>>);

impl Checks {
    /// Asks whenever the banner shows another stop, or other recipients of it. Nothing is said where there is no answer:
    /// then the banner stands as it is.
    pub(super) fn follow(plugin: Plugin, frame: Memo<Banner>) -> Self {
        let checks = Self(RwSignal::new(Vec::new()));
        let asked = Memo::new(move |_| {
            frame.with(|frame| match frame {
                Banner::Confirmed(confirmed) if !confirmed.is_settled() => confirmed.addressees(),
                _ => Vec::new(),
            })
        });
        effect(move || {
            let mut recipients = asked.get();
            recipients.truncate(ASKED);
            if !recipients.is_empty() {
                leptos::task::spawn_local(checks.ask(plugin, recipients));
            }
        });
        checks
    }

    async fn ask(self, plugin: Plugin, recipients: Vec<String>) {
        for wait in [Duration::ZERO, ONCE_MORE] {
            sleep(wait).await;
            let Ok(client) = plugin.asks() else { return };
            let Ok(answer) = client.check(recipients.clone()).await else { return };
            let is_complete = answer.results.iter().all(|check| check.outcome != Outcome::Unknown);
            if self.0.try_set(answer.results).is_some() || is_complete {
                return;
            }
        }
    }
}

/// "The way is encrypted by now": the stopped message is offered again, to those whom it reaches, and with the guarantee.
pub(super) fn offer(plugin: Plugin, confirmed: Confirmed, checks: Checks, failed: RwSignal<bool>) -> AnyView {
    let panel = plugin.panel();
    let confirmed = StoredValue::new(confirmed);
    let reachable = Memo::new(move |_| {
        checks.0.with(|checks| confirmed.with_value(|one| one.reachable(checks, panel.get())))
    });
    let offered = live(move || {
        let Some(reachable) = reachable.get() else { return nothing() };
        let time = match browser::long(reachable.seen.unwrap_or_else(browser::now), locale()) {
            Moment::Today(time) | Moment::Other(time) => time,
        };
        let found = w!(by_now, recipients = list(&reachable.recipients), time = time);
        let meant = if panel.get() == Panel::On { w!(by_now_send) } else { w!(by_now_send_off) };
        let again = move || {
            let only = confirmed.with_value(|confirmed| confirmed.only(&reachable.recipients));
            open(plugin, only, Way::Again, failed);
        };
        classed("div", "offer")
            .child(with_icon(classed("p", "state ok"), "lock", found))
            .child(paragraph(meant))
            .child(button("btn", w!(send_again), again))
            .into()
    });
    el("div").attr("role", "status").view(offered).into()
}
