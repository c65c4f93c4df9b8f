//! `/checks`: how mail to these recipients would travel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Check, CheckRequest, CheckResponse, Event, Outcome, ProtectionWord};
use axum::Json;
use axum::extract::State;
use smtp::address::Mailbox;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout_at};

use super::auth::LoggedIn;
use super::body::JsonBody;
use super::openapi::{Always, Changes, Counted, NeedsLogin, ReadsJson};
use super::overrides::counted;
use super::slots::Slot;
use super::{App, Failure};

/// When the answer leaves: within the contract's 3 seconds.
const ANSWER_AFTER: Duration = Duration::from_millis(2700);

/// Ask how mail to these recipients would travel.
///
/// The answer comes within 3 seconds, in the order asked. What takes longer is `unknown` and follows as an event `check`.
/// An answer may be up to ten minutes old, as `observed_at` says; it is of an account's own asking, never of another's.
/// An account can look at 300 domains within an hour.
#[utoipa::path(
    post, path = "/checks", tag = "guarantee", operation_id = "check", request_body = CheckRequest,
    security(("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses((status = 200, description = "One for each recipient, in the order asked.", body = CheckResponse), Counted, ReadsJson, Changes, NeedsLogin, Always),
)]
pub(super) async fn check(
    State(app): State<App>,
    user: LoggedIn,
    JsonBody(asked): JsonBody<CheckRequest>,
) -> Result<Json<CheckResponse>, Failure> {
    counted(&asked.recipients)?;
    let slot = Arc::new(app.0.checks.take(&user.account)?);
    let deadline = Instant::now() + ANSWER_AFTER;
    let mut results: Vec<Check> = asked.recipients.iter().map(|text| unknown(text)).collect();
    let (answers, mut arriving) = mpsc::unbounded_channel();
    let groups = by_domain(&asked.recipients, &mut results);
    let addresses: Vec<String> = groups.iter().flatten().map(|(address, _)| address.clone()).collect();
    app.checker.admit(&user.account, &addresses).await.map_err(too_many)?;
    for group in groups {
        let task = look(app.clone(), user.account.clone(), group, answers.clone(), Arc::clone(&slot));
        tokio::spawn(task);
    }
    drop(answers);
    collect(&mut arriving, deadline, &mut results).await;
    Ok(Json(CheckResponse { results }))
}

/// Recipients of one domain: the address that is looked at, and how it was asked for.
type Group = Vec<(String, String)>;

/// One group a domain; what is no address gets its answer at once.
fn by_domain(asked: &[String], results: &mut [Check]) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (text, result) in asked.iter().zip(results) {
        match Mailbox::parse(text) {
            Ok(address) => {
                let group = groups.entry(address.domain().to_string()).or_default();
                let entry = (address.to_string(), text.clone());
                if !group.contains(&entry) {
                    group.push(entry);
                }
            }
            Err(error) => {
                result.protection = ProtectionWord::Invalid;
                result.reason = format!("This is not an address: {error}.");
            }
        }
    }
    groups.into_values().collect()
}

/// Looks at one domain and answers; by event, when the answer has left without it.
async fn look(
    app: App,
    account: String,
    group: Group,
    answers: UnboundedSender<Vec<Check>>,
    _slot: Arc<Slot>,
) {
    let mut addresses: Vec<String> = group.iter().map(|(address, _)| address.clone()).collect();
    addresses.dedup();
    let found = app.checker.check(&account, addresses).await;
    let as_asked = |(address, asked): &(String, String)| {
        let check = found.iter().find(|check| check.recipient == *address).cloned();
        let check = check.unwrap_or_else(|| unknown(asked));
        Check { recipient: asked.clone(), ..check }
    };
    if let Err(late) = answers.send(group.iter().map(as_asked).collect()) {
        for check in late.0 {
            app.events.publish(&account, Event::Check(check));
        }
    }
}

/// Puts in what arrives until the deadline. What is sent before the door closes is still taken in, so that every
/// answer is told exactly once.
async fn collect(arriving: &mut UnboundedReceiver<Vec<Check>>, deadline: Instant, results: &mut [Check]) {
    let mut put_in = |found: Vec<Check>| {
        for check in found {
            for result in results.iter_mut().filter(|result| result.recipient == check.recipient) {
                *result = check.clone();
            }
        }
    };
    while let Ok(Some(found)) = timeout_at(deadline, arriving.recv()).await {
        put_in(found);
    }
    arriving.close();
    while let Ok(found) = arriving.try_recv() {
        put_in(found);
    }
}

pub(super) fn too_many(wait: Duration) -> Failure {
    let minutes = wait.as_secs().div_ceil(60);
    Failure::too_many(
        format!(
            "You have looked at very many domains within an hour. Ask again in about {minutes} minutes; mail can be sent meanwhile."
        ),
        wait,
    )
}

fn unknown(recipient: &str) -> Check {
    let reason = "The receiving server has not answered yet.";
    Check::new(recipient, ProtectionWord::Unknown, Outcome::Unknown, reason)
}
