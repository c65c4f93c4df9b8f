//! `/overrides`: this message, to these recipients, without the guarantee.

use api::{OverrideRecorded, OverrideRequest};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use smtp::address::Mailbox;
use store::OverrideRow;

use super::auth::LoggedIn;
use super::body::{self, JsonBody};
use super::openapi::{Always, Changes, NeedsLogin, ReadsJson};
use super::{App, Failure};

/// How long a decision waits for its message.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// Recipients of one request.
pub(super) const RECIPIENTS: usize = 100;

/// Record the decision to send a message to some of its recipients without the guarantee.
///
/// It holds once, for ten minutes, whichever way the message is submitted. DANE and MTA-STS still bind.
#[utoipa::path(
    post, path = "/overrides", tag = "guarantee", operation_id = "record_override", request_body = OverrideRequest,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses((status = 201, description = "Recorded.", body = OverrideRecorded), ReadsJson, Changes, NeedsLogin, Always),
)]
pub(super) async fn record_override(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(asked): JsonBody<OverrideRequest>,
) -> Result<(StatusCode, Json<OverrideRecorded>), Failure> {
    let message_id = body::message_id("/message_id", &asked.message_id)?;
    let recipients = addresses(&asked.recipients)?;
    let recorded_at = app.clock.now();
    let expires_at = recorded_at + LASTS;
    let decision = OverrideRow { account: user.account, message_id, recipients, recorded_at, expires_at };
    app.store.record_override(&decision).await?;
    let recorded =
        OverrideRecorded { message_id: decision.message_id, recipients: asked.recipients, expires_at };
    Ok((StatusCode::CREATED, Json(recorded)))
}

/// The recipients as envelopes have them, each once.
fn addresses(asked: &[String]) -> Result<Vec<String>, Failure> {
    counted(asked)?;
    let mut addresses = Vec::with_capacity(asked.len());
    for (index, text) in asked.iter().enumerate() {
        let address = Mailbox::parse(text).map_err(|error| {
            Failure::invalid(format!("/recipients/{index}"), format!("This is not an address: {error}."))
        })?;
        addresses.push(address.to_string());
    }
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

/// 1 to 100.
pub(super) fn counted(recipients: &[String]) -> Result<(), Failure> {
    if (1..=RECIPIENTS).contains(&recipients.len()) {
        Ok(())
    } else {
        Err(Failure::invalid("/recipients", format!("Send from 1 to {RECIPIENTS} recipients.")))
    }
}
