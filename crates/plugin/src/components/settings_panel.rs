use leptos::prelude::*;

use super::parts::{failure, paragraph};
use super::sprite::icon;
use super::switch_button::Switching;
use crate::Plugin;
use crate::browser;
use crate::state::cause::CauseWord;
use crate::state::panel::{self, Known, Panel, Row};
use crate::words::{locale, w};

/// Settings → My account → Transport encryption: the content below the page's title.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    let plugin = Plugin::of_context();
    let panel = plugin.panel();
    let switch = move || match panel.get().button() {
        Some(_) => known(plugin, panel),
        None => not_known(plugin),
    };
    view! {
        {switch}
        <section class="block" aria-labelledby="tlsg-stops">
            <h2 id="tlsg-stops">{w!(stops_title)}</h2>
            {move || plugin.stops().with(|stops| stops.get().map(|stops| table(panel::rows(stops))))}
        </section>
    }
    .into_any()
}

/// The switch. Running anew it changes the elements that are there, so the keyboard keeps its place.
fn known(plugin: Plugin, panel: Memo<Panel>) -> AnyView {
    let (icon_name, title, text) = match panel.get() {
        Panel::Paused(until) => {
            let time = browser::clock(until, locale());
            ("shieldpause", w!(panel_paused_title, time = time), w!(panel_paused))
        }
        Panel::On => ("shield", w!(panel_on_title).to_owned(), w!(panel_on)),
        Panel::Off | Panel::Waiting | Panel::Unknown => {
            ("shieldoff", w!(panel_off_title).to_owned(), w!(panel_off))
        }
    };
    let switching = Switching::new(plugin);
    view! {
        <section class=if panel.get() == Panel::On { "panel on" } else { "panel" } aria-labelledby="tlsg-state">
            {icon(icon_name)}
            <div role="status">
                <h2 id="tlsg-state">{title}</h2>
                {paragraph(text)}
                {switching.button(panel, true)}
                {switching.failure()}
                <p class="small">{w!(panel_always)}</p>
            </div>
        </section>
    }
    .into_any()
}

/// Instead of the switch while the server has not said how it stands.
fn not_known(plugin: Plugin) -> AnyView {
    let said = plugin.guarantee().with(|guarantee| match guarantee {
        Known::Failed(error) => vec![
            view! { <h2>{w!(panel_unknown_title)}</h2> }.into_any(),
            failure(error),
            view! { <button class="btn" type="button" on:click=move |_| plugin.refresh()>{w!(try_again)}</button> }
                .into_any(),
        ],
        Known::Waiting | Known::Known(_) => vec![paragraph(w!(panel_loading))],
    });
    view! { <section class="panel">{icon("ask")}<div>{said}</div></section> }.into_any()
}

fn table(rows: Vec<Row>) -> AnyView {
    if rows.is_empty() {
        return paragraph(w!(stops_none));
    }
    let column = |word: &'static str| view! { <th role="columnheader" scope="col">{word}</th> };
    // On narrow screens the rows are stacked, which takes a table's semantics away but for the roles.
    view! {
        <table role="table" aria-labelledby="tlsg-stops">
            <thead role="rowgroup">
                <tr role="row">{[w!(stops_time), w!(stops_who), w!(stops_cause)].map(column)}</tr>
            </thead>
            <tbody role="rowgroup">{rows.into_iter().map(line).collect::<Vec<_>>()}</tbody>
        </table>
        <p class="small">{w!(stops_days)}</p>
    }
    .into_any()
}

fn line(row: Row) -> AnyView {
    let time = match browser::short(row.stopped_at, locale()) {
        browser::Moment::Today(time) => w!(today, time = time),
        browser::Moment::Other(time) => time,
    };
    let cause = match row.cause {
        CauseWord::NoStarttls => w!(cause_no_starttls),
        CauseWord::StarttlsRefused => w!(cause_starttls_refused),
        CauseWord::HandshakeFailed => w!(cause_handshake_failed),
        CauseWord::Unknown => w!(cause_unknown),
    };
    let sent_again = if row.sent_again { w!(stops_resent) } else { "" };
    let cells = [(time, String::new()), (row.address, row.host), (cause.to_owned(), sent_again.to_owned())];
    let cell = |(text, small): (String, String)| {
        let small = (!small.is_empty()).then(|| view! { <span class="small">{small}</span> });
        view! { <td role="cell">{text}{small}</td> }
    };
    view! { <tr role="row">{cells.map(cell)}</tr> }.into_any()
}
