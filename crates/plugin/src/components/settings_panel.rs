use api::GuaranteeState;
use leptos::prelude::*;
use leptos_i18n::t;

use super::failure::Failure;
use super::switch_button::SwitchButton;
use crate::Plugin;
use crate::browser;
use crate::client::ClientError;
use crate::i18n::use_i18n;
use crate::state::cause::CauseWord;
use crate::state::panel::{self, Known, Panel, Row};

/// Settings → My account → Transport encryption: the content below the page's title.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    let plugin = Plugin::of_context();
    let panel = plugin.panel();
    let is_known = Memo::new(move |_| panel.get().button().is_some());
    view! {
        <Show when=move || is_known.get() fallback=|| view! { <NotKnown/> }>
            <Switch/>
        </Show>
        <Stops/>
    }
}

#[component]
fn Switch() -> impl IntoView {
    let panel = Plugin::of_context().panel();
    let i18n = use_i18n();
    let failed = RwSignal::new(None::<ClientError>);
    let is_on = Memo::new(move |_| panel.get() == Panel::On);
    let icon = move || match panel.get() {
        Panel::Paused(_) => "#i-shieldpause",
        Panel::Off => "#i-shieldoff",
        Panel::On | Panel::Waiting | Panel::Unknown => "#i-shield",
    };
    let title = move || match panel.get() {
        Panel::Paused(until) => {
            t!(i18n, plugin.panel_paused_title, time = browser::clock(until, i18n.get_locale())).into_any()
        }
        Panel::On => t!(i18n, plugin.panel_on_title).into_any(),
        Panel::Off | Panel::Waiting | Panel::Unknown => t!(i18n, plugin.panel_off_title).into_any(),
    };
    let text = move || match panel.get() {
        Panel::Paused(_) => t!(i18n, plugin.panel_paused).into_any(),
        Panel::On => t!(i18n, plugin.panel_on).into_any(),
        Panel::Off | Panel::Waiting | Panel::Unknown => t!(i18n, plugin.panel_off).into_any(),
    };
    view! {
        <section class="panel" class:on=is_on aria-labelledby="tlsg-state">
            <svg class="i" aria-hidden="true"><use href=icon></use></svg>
            <div role="status">
                <h2 id="tlsg-state">{title}</h2>
                <p>{text}</p>
                <SwitchButton
                    asks=Signal::derive(move || panel.get().button().unwrap_or(GuaranteeState::On))
                    class=Signal::derive(move || if is_on.get() { "btn big" } else { "btn big primary" })
                    failed
                />
                <Failure error=failed/>
                <p class="small">{t!(i18n, plugin.panel_always)}</p>
            </div>
        </section>
    }
}

/// Instead of the switch while the server has not said how it stands.
#[component]
fn NotKnown() -> impl IntoView {
    let plugin = Plugin::of_context();
    let i18n = use_i18n();
    let guarantee = plugin.guarantee();
    let error = Memo::new(move |_| match guarantee.get() {
        Known::Failed(error) => Some(error),
        Known::Waiting | Known::Known(_) => None,
    });
    let answer = move || {
        match error.get() {
        None => view! { <p>{t!(i18n, plugin.panel_loading)}</p> }.into_any(),
        Some(_) => view! {
            <h2>{t!(i18n, plugin.panel_unknown_title)}</h2>
            <Failure error/>
            <button class="btn" type="button" on:click=move |_| plugin.refresh()>{t!(i18n, plugin.try_again)}</button>
        }
        .into_any(),
    }
    };
    view! {
        <section class="panel">
            <svg class="i" aria-hidden="true"><use href="#i-ask"></use></svg>
            <div>{answer}</div>
        </section>
    }
}

#[component]
fn Stops() -> impl IntoView {
    let stops = Plugin::of_context().stops();
    let i18n = use_i18n();
    let content = move || {
        let rows = panel::rows(stops.get().get()?);
        if rows.is_empty() {
            return Some(view! { <p>{t!(i18n, plugin.stops_none)}</p> }.into_any());
        }
        let rows = rows.into_iter().map(|row| view! { <StopRow row/> }).collect_view();
        // On narrow screens the rows are stacked, which takes a table's semantics away but for the roles.
        Some(
            view! {
                <table role="table" aria-labelledby="tlsg-stops">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col">{t!(i18n, plugin.stops_time)}</th>
                            <th role="columnheader" scope="col">{t!(i18n, plugin.stops_who)}</th>
                            <th role="columnheader" scope="col">{t!(i18n, plugin.stops_cause)}</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
                <p class="small">{t!(i18n, plugin.stops_days)}</p>
            }
            .into_any(),
        )
    };
    view! {
        <section class="block" aria-labelledby="tlsg-stops">
            <h2 id="tlsg-stops">{t!(i18n, plugin.stops_title)}</h2>
            {content}
        </section>
    }
}

#[component]
fn StopRow(row: Row) -> impl IntoView {
    let i18n = use_i18n();
    let time = move || match browser::short(row.stopped_at, i18n.get_locale()) {
        browser::Moment::Today(time) => t!(i18n, plugin.today, time).into_any(),
        browser::Moment::Other(time) => time.into_any(),
    };
    let cause = match row.cause {
        CauseWord::NoStarttls => t!(i18n, plugin.cause_no_starttls).into_any(),
        CauseWord::StarttlsRefused => t!(i18n, plugin.cause_starttls_refused).into_any(),
        CauseWord::HandshakeFailed => t!(i18n, plugin.cause_handshake_failed).into_any(),
        CauseWord::Unknown => t!(i18n, plugin.cause_unknown).into_any(),
    };
    let sent_again =
        row.sent_again.then(|| view! { <span class="small">{t!(i18n, plugin.stops_resent)}</span> });
    view! {
        <tr role="row">
            <td role="cell">{time}</td>
            <td role="cell">{row.address}<span class="small">{row.host}</span></td>
            <td role="cell">{cause}{sent_again}</td>
        </tr>
    }
}
