//! `/guarantee`: the account's switch.

use api::{Event, Guarantee, GuaranteeState, Problem};
use axum::Json;
use axum::extract::State;
use guarantee::Switch;
use jiff::{SignedDuration, Timestamp};
use store::{Pause, StoredSwitch};

use super::auth::LoggedIn;
use super::body::JsonBody;
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson};
use super::{App, Failure};

/// The longest pause; "until I switch it on" is `off`.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// How far a client's clock may be ahead: its "24 hours from now" is shortened to ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(60);

/// The switch as it stands.
#[utoipa::path(
    get, path = "/guarantee", tag = "guarantee", operation_id = "guarantee",
    responses((status = 200, description = "The switch as it stands: a pause that is over is `on`.", body = Guarantee), NeedsLogin, Always),
)]
pub(super) async fn guarantee(State(app): State<App>, user: LoggedIn) -> Result<Json<Guarantee>, Failure> {
    let stored = app.store.switch(&user.account).await?;
    Ok(Json(shown(stored, app.clock.now())))
}

/// Set the switch, and the level if one is given.
///
/// It takes effect at once: for every message accepted after the answer, and for none accepted before.
#[utoipa::path(
    put, path = "/guarantee", tag = "guarantee", operation_id = "set_guarantee", request_body = Guarantee,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 200, description = "The switch as it stands now.", body = Guarantee),
        (status = 422, description = "A field is wrong: `until` is missing, past, too far ahead, or given without `paused`.", body = Problem, content_type = "application/problem+json"),
        ReadsJson, Changes, NeedsLogin, Always,
    ),
)]
pub(super) async fn set_guarantee(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(wanted): JsonBody<Guarantee>,
) -> Result<Json<Guarantee>, Failure> {
    let switch = switch(wanted, app.clock.now())?;
    let stored = app.store.set_guarantee(&user.account, switch, wanted.level).await?;
    let now_set = shown(stored, app.clock.now());
    app.events.publish(&user.account, Event::Guarantee(now_set));
    if let Switch::Paused { until } = stored.switch {
        app.pauses.wait_for(Pause { account: user.account, until });
    }
    Ok(Json(now_set))
}

/// Tells the account's other pages that what decides on its mail has changed: they ask anew.
pub(super) async fn tell(app: &App, account: &str) -> Result<(), Failure> {
    let stored = app.store.switch(account).await?;
    app.events.publish(account, Event::Guarantee(shown(stored, app.clock.now())));
    Ok(())
}

fn switch(wanted: Guarantee, now: Timestamp) -> Result<Switch, Failure> {
    match (wanted.state, wanted.until) {
        (GuaranteeState::On, None) => Ok(Switch::On),
        (GuaranteeState::Off, None) => Ok(Switch::Off),
        (GuaranteeState::On | GuaranteeState::Off, Some(_)) => {
            Err(until("Only a pause ends: leave `until` out, or send the state `paused`."))
        }
        (GuaranteeState::Paused, None) => Err(until(
            "A pause needs its end, at most 24 hours ahead; to switch off without an end, send `off`.",
        )),
        (GuaranteeState::Paused, Some(end)) if end <= now => {
            Err(until("The end of the pause is in the past."))
        }
        (GuaranteeState::Paused, Some(end)) => {
            let latest = now + LONGEST_PAUSE;
            if end > latest + CLOCKS_DIFFER {
                return Err(until(
                    "A pause lasts at most 24 hours; to switch off without an end, send `off`.",
                ));
            }
            Ok(Switch::Paused { until: end.min(latest) })
        }
    }
}

fn until(detail: &str) -> Failure {
    Failure::invalid("/until", detail)
}

fn shown(stored: StoredSwitch, now: Timestamp) -> Guarantee {
    let (state, until) = match stored.switch.at(now) {
        Switch::On => (GuaranteeState::On, None),
        Switch::Off => (GuaranteeState::Off, None),
        Switch::Paused { until } => (GuaranteeState::Paused, Some(until)),
    };
    Guarantee { state, until, level: Some(stored.level), was_on: stored.was_on }
}
