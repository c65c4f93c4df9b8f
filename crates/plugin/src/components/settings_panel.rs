use guarantee::Level;
use leptos::prelude::*;

use super::level_choice::level_choice;
use super::parts::{button, cause, failure, paragraph};
use super::pause_panel::pause_panel;
use super::switch_button::Switching;
use crate::Plugin;
use crate::browser;
use crate::el::{El, classed, el, live, nothing};
use crate::state::panel::{self, Known, Panel, Row};
use crate::words::{locale, w};

/// Settings → My account → Transport encryption: the content below the page's title.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    let plugin = Plugin::of_context();
    let panel = plugin.panel();
    let is_known = Memo::new(move |_| panel.get().button().is_some());
    let switch = move || if is_known.get() { known(plugin, panel) } else { not_known(plugin) };
    let heading = || el("h2").attr("id", "tlsg-stops").text(w!(stops_title));
    // Nothing is said of stops before they are known.
    let stops = live(move || {
        plugin.stops().with(|stops| {
            stops.get().map_or_else(nothing, |stops| {
                let section = classed("section", "block").attr("aria-labelledby", "tlsg-stops");
                section.child(heading()).view(table(panel::rows(stops))).into()
            })
        })
    });
    vec![live(switch), level_choice(plugin), stops].into_any()
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

fn table(rows: Vec<Row>) -> AnyView {
    if rows.is_empty() {
        return paragraph(w!(stops_none)).into();
    }
    // On narrow screens the rows are stacked, which takes a table's semantics away but for the roles.
    let row = || el("tr").attr("role", "row");
    let column = |word| el("th").attr("role", "columnheader").attr("scope", "col").text(word);
    let head = row().children([w!(stops_time), w!(stops_who), w!(stops_cause)].map(column));
    let lines = rows.into_iter().map(|one| row().children(cells(one)));
    let table = el("table")
        .attr("role", "table")
        .attr("aria-labelledby", "tlsg-stops")
        .child(el("thead").attr("role", "rowgroup").child(head))
        .child(el("tbody").attr("role", "rowgroup").children(lines));
    vec![AnyView::from(table), classed("p", "small").text(w!(stops_days)).into()].into_any()
}

fn cells(row: Row) -> [El; 3] {
    let time = match browser::short(row.stopped_at, locale()) {
        browser::Moment::Today(time) => w!(today, time = time),
        browser::Moment::Other(time) => time,
    };
    let sent_again = if row.sent_again { w!(stops_resent) } else { "" };
    let cells = [
        (time, String::new()),
        (row.address, row.host),
        (cause(row.cause).to_owned(), sent_again.to_owned()),
    ];
    cells.map(|(text, small)| {
        let small = (!small.is_empty()).then(|| classed("span", "small").text(small));
        el("td").attr("role", "cell").text(text).maybe(small)
    })
}
