use std::time::Duration;

use gloo_timers::future::sleep;
use guarantee::Level;
use leptos::prelude::*;
use leptos::wasm_split::wasm_split;

use super::asked::{section, unanswered};
use super::exceptions::exceptions;
use super::forwarding_check::forwarding_check;
use super::later::{Draw, later};
use super::level_choice::level_choice;
use super::memory::memory;
use super::overrides::overrides;
use super::parts::{button, cause, failure, paragraph, when};
use super::pause_panel::pause_panel;
use super::preferences::preferences;
use super::switch_button::Switching;
use super::table::{Line, cell, table};
use super::weeks::weeks;
use crate::Plugin;
use crate::browser;
use crate::client::ClientError;
use crate::el::{classed, el, live, nothing};
use crate::state::panel::{self, Known, Panel, Row};
use crate::words::{locale, w};

const STOPS: &str = "tlsg-stops";

/// Settings → My account → Transport encryption: the content below the page's title.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    let plugin = Plugin::of_context();
    let panel = plugin.panel();
    let is_known = Memo::new(move |_| panel.get().button().is_some());
    let switch = move || if is_known.get() { known(plugin, panel) } else { not_known(plugin) };
    // The switch comes first, and the rest when it is there to be used; who can't be asked is said once.
    let was_known = Memo::new(move |was: Option<&bool>| was == Some(&true) || is_known.get());
    let soon = async || {
        sleep(Duration::ZERO).await;
        rest().await
    };
    let below = live(move || if was_known.get() { later(soon(), plugin) } else { nothing() });
    vec![live(switch), level_choice(plugin), below].into_any()
}

/// What is below the switch.
#[wasm_split(settings, wasm_split_path = ::leptos::wasm_split, fallible)]
fn rest() -> Result<Draw<Plugin>, ClientError> {
    Ok(below)
}

/// Each of these asks the server for itself, and says itself when there is no answer.
fn below(plugin: Plugin) -> AnyView {
    let parts: Vec<AnyView> = vec![
        preferences(plugin).into(),
        exceptions(plugin).into(),
        forwarding_check(plugin).into(),
        stops(plugin),
        overrides(plugin).into(),
        memory(plugin).into(),
        weeks(plugin).into(),
    ];
    parts.into_any()
}

/// The last stops; nothing is said of them before they are known.
fn stops(plugin: Plugin) -> AnyView {
    live(move || {
        plugin.stops().with(|stops| {
            let section = section(STOPS, w!(stops_title));
            match stops {
                Known::Waiting => nothing(),
                Known::Failed(error) => {
                    section.child(unanswered(error, w!(stops_title), move || plugin.refresh())).into()
                }
                Known::Known(stops) if stops.is_empty() => section.child(paragraph(w!(stops_none))).into(),
                Known::Known(stops) => {
                    let columns = [w!(stops_time), w!(stops_who), w!(stops_cause)];
                    let lines = panel::rows(stops).iter().map(line).collect();
                    let days = paragraph(w!(stops_days)).class("small");
                    section.child(table(STOPS, &columns, lines)).child(days).into()
                }
            }
        })
    })
}

fn line(row: &Row) -> Line {
    let sent_again = if row.sent_again { w!(stops_resent) } else { "" };
    vec![cell(&when(row.stopped_at), ""), cell(&row.address, &row.host), cell(cause(row.cause), sent_again)]
}

/// The switch. What changes is within elements that stay, so the keyboard keeps its place.
fn known(plugin: Plugin, panel: Memo<Panel>) -> AnyView {
    let class = move || Some(if panel.get() == Panel::On { "panel on" } else { "panel" }.to_owned());
    let icon = live(move || {
        let name = match panel.get() {
            Panel::On => "shield",
            Panel::Paused(_) => "shieldpause",
            Panel::Off | Panel::Waiting | Panel::Unknown => "shieldoff",
        };
        super::icon(name).into_any()
    });
    let title = move || match panel.get() {
        Panel::On => w!(panel_on_title).to_owned(),
        Panel::Paused(until) => w!(panel_paused_title, time = browser::until(until, locale())),
        Panel::Off | Panel::Waiting | Panel::Unknown => w!(panel_off_title).to_owned(),
    };
    let text = move || {
        let said = match (panel.get(), plugin.level()) {
            (Panel::On, Level::Encrypted) => w!(panel_on),
            (Panel::On, Level::Authenticated) => w!(panel_on_authenticated),
            (Panel::Paused(_), _) => w!(panel_paused),
            (Panel::Off | Panel::Waiting | Panel::Unknown, _) => w!(panel_off),
        };
        said.to_owned()
    };
    let switching = Switching::new(plugin);
    let state = el("div")
        .attr("role", "status")
        .child(el("h2").attr("id", "tlsg-state").live_text(title))
        .child(el("p").live_text(text));
    let said = el("div")
        .child(state)
        .child(switching.button(panel, true))
        .view(switching.failure())
        .view(pause_panel(switching, panel))
        .child(classed("p", "small").text(w!(panel_always)));
    el("section")
        .live_attr("class", class)
        .attr("aria-labelledby", "tlsg-state")
        .view(icon)
        .child(said)
        .into()
}

/// Instead of the switch while the server has not said how it stands.
fn not_known(plugin: Plugin) -> AnyView {
    let error = Memo::new(move |_| {
        plugin.guarantee().with(|guarantee| match guarantee {
            Known::Failed(error) => Some(error.clone()),
            Known::Waiting | Known::Known(_) => None,
        })
    });
    let said = live(move || {
        let said = el("div");
        match error.get() {
            Some(error) => said
                .child(el("h2").text(w!(panel_unknown_title)))
                .view(failure(&error))
                .child(button("btn", w!(try_again), move || plugin.refresh())),
            None => said.child(paragraph(w!(panel_loading))),
        }
        .into()
    });
    classed("section", "panel").view(super::icon("ask").into_any()).view(said).into()
}
