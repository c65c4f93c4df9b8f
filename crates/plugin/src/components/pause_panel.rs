use std::time::Duration;

use gloo_timers::future::sleep;
use leptos::prelude::*;

use super::parts::{button, paragraph};
use super::switch_button::Switching;
use crate::browser;
use crate::el::{El, classed, el, live, nothing};
use crate::state::panel::Panel;
use crate::state::pause::{Pause, offered};
use crate::words::w;

/// How often what is offered is looked at: "until tonight" is over some time.
const LOOK: Duration = Duration::from_secs(60);

/// The pauses, beside the button that deactivates; nothing while there is nothing to pause. While paused they set another end.
pub(super) fn pause_panel(switching: Switching, panel: Memo<Panel>) -> AnyView {
    let offered = offered_now();
    let title = move || {
        let title =
            if matches!(panel.get(), Panel::Paused(_)) { w!(pause_other_end) } else { w!(pause_title) };
        title.to_owned()
    };
    let has_any = Memo::new(move |_| matches!(panel.get(), Panel::On | Panel::Paused(_)));
    live(move || {
        if !has_any.get() {
            return nothing();
        }
        let buttons = live(move || {
            offered
                .get()
                .map(|pause| AnyView::from(choice(switching, pause)))
                .into_iter()
                .collect_view()
                .into_any()
        });
        el("div")
            .attr("role", "group")
            .attr("aria-labelledby", "tlsg-pause")
            .class("pause")
            .child(el("h3").attr("id", "tlsg-pause").live_text(title))
            .child(classed("div", "row").view(buttons))
            .child(paragraph(w!(pause_hint)).class("small"))
            .into()
    })
}

fn choice(switching: Switching, pause: Pause) -> El {
    let word = match pause {
        Pause::Quarter => w!(pause_quarter),
        Pause::Hour => w!(pause_hour),
        Pause::Evening => w!(pause_evening),
        Pause::Morning => w!(pause_morning),
    };
    let press = move || switching.pause(pause.end(browser::now(), &browser::at_hour));
    button("btn", word, press).truth("aria-disabled", move || switching.is_busy())
}

/// What is offered at the user's time of day, for as long as the owner lives.
fn offered_now() -> Memo<[Pause; 3]> {
    let minute = RwSignal::new(browser::minute_of_day());
    leptos::task::spawn_local(async move {
        loop {
            sleep(LOOK).await;
            if minute.try_set(browser::minute_of_day()).is_some() {
                return;
            }
        }
    });
    Memo::new(move |_| offered(minute.get()))
}
