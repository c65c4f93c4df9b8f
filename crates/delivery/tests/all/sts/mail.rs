//! What policies do to mail.

use delivery::Courier;
use guarantee::{Requirement, StsMode};
use rstest::rstest;
use small_internet::{Policy, PolicyAnswer};

use super::fixture::{DAY, Fixture};
use crate::{fixture::attempt, peer};

async fn send(courier: &Courier, requirement: Requirement) -> String {
    let told = peer::told(&courier.attempt(attempt("odd.example", requirement)).await.fates[0]);
    told.split([':', '[']).next().unwrap_or_default().to_owned()
}

// rfc 8461 5: MUST NOT "enforce": In this mode, Sending MTAs MUST NOT
#[rstest]
#[case::named(Policy::enforce(["mx.odd.example"]), "delivered authenticated")]
#[case::by_wildcard(Policy::enforce(["*.odd.example"]), "delivered authenticated")]
#[case::not_named(Policy::enforce(["mx.other.example"]), "stopped 5.7.5")]
#[case::wildcard_of_its_own(Policy::enforce(["*.mx.odd.example"]), "stopped 5.7.5")]
#[case::testing(Policy::with_mode("testing", ["mx.other.example"]), "delivered encrypted")]
#[case::none(Policy::with_mode("none", ["mx.other.example"]), "delivered encrypted")]
#[case::unavailable(Policy::answering(PolicyAnswer::Absent), "delivered encrypted")]
#[tokio::test]
async fn modes(#[case] policy: Policy, #[case] expected: &str) {
    let fixture = Fixture::new(policy).await;
    assert_eq!(send(&fixture.courier, Requirement::Encrypted).await, expected);
}

/// The policy was replaced without a new `id`: the mail is not stopped by the old one.
// rfc 8461 5: MUST NOT When a message fails to deliver due to
#[tokio::test]
async fn an_update_is_looked_for_before_a_stop() {
    let fixture = Fixture::new(Policy::enforce(["mx.odd.example"])).await;
    fixture.keep(StsMode::Enforce, DAY, 100).await;
    assert_eq!(send(&fixture.courier, Requirement::Encrypted).await, "delivered authenticated");
    assert_eq!(fixture.requests(), 1);
}

/// An update is announced and kept from us: that is no certainty, and no reason to send either.
#[tokio::test]
async fn an_update_that_cannot_be_had_is_waited_for() {
    let fixture = Fixture::new(Policy::answering(PolicyAnswer::Absent).id("2")).await;
    fixture.keep(StsMode::Enforce, DAY, 100).await;
    let told = send(&fixture.courier, Requirement::Encrypted).await;
    assert!(told.starts_with("deferred"), "{told}");
}

/// A policy outlives the process, and whoever blocks record and policy host at its next start (§10.2).
// rfc 8461 3.3: MUST Conversely, if no "live" policy can be
#[tokio::test]
async fn a_blocked_policy_binds_after_a_restart() {
    let fixture = Fixture::new(Policy::enforce(["mx.other.example"])).await;
    assert_eq!(send(&fixture.courier, Requirement::Encrypted).await, "stopped 5.7.5");
    fixture.set(Policy::absent()).await;
    assert_eq!(send(&fixture.restarted(), Requirement::Encrypted).await, "stopped 5.7.5");
    let told = send(&fixture.restarted(), Requirement::Opportunistic).await;
    assert!(told.starts_with("deferred"), "{told}");
}
