//! Policies are fetched anew long before they end (RFC 8461 §3.3, §10.2).

use guarantee::{Age, StsMode};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use small_internet::{DnsFault, Policy, PolicyAnswer};

use super::fixture::{DAY, Fixture, logged, write_log};

const HOUR: u32 = 60 * 60;

// rfc 8461 3.3: SHOULD Finally, to mitigate the risk of persistent
// rfc 8461 10.2: SHOULD NOT Because this attack is also possible upon
#[rstest]
#[case::young(7 * DAY, 23 * HOUR, false)]
#[case::a_day_old(7 * DAY, DAY, true)]
#[case::half_of_a_day_over(DAY, 12 * HOUR, true)]
#[case::less_than_half_over(DAY, 11 * HOUR, false)]
#[case::very_short(100, 60, true)]
#[tokio::test]
async fn old_policies_are_fetched_anew(
    #[case] max_age: u32,
    #[case] seconds_ago: u32,
    #[case] fetched: bool,
) {
    let fixture = Fixture::new(Policy::enforce(["mx.odd.example"])).await;
    fixture.keep(StsMode::Enforce, max_age, seconds_ago).await;
    let now = Timestamp::now();
    fixture.courier.refresh_policies(now).await;
    assert_eq!(fixture.requests(), usize::from(fetched));
    let kept = fixture.kept().await.unwrap();
    assert_eq!(kept.fetched_at == now, fetched);
    assert_eq!(kept.policy.mx == ["mx.odd.example"], fetched);
}

/// Somebody who suppresses the record does not end the policy; a new `id` is taken over.
// rfc 8461 10.2: SHOULD NOT Because this attack is also possible upon
#[rstest]
#[case::suppressed(Some(DnsFault::ServFail), Some("2"), "1")]
#[case::gone(None, None, "1")]
#[case::same(None, Some("1"), "1")]
#[case::new(None, Some("2"), "2")]
#[tokio::test]
async fn whatever_the_record_says(
    #[case] fault: Option<DnsFault>,
    #[case] id: Option<&str>,
    #[case] kept_id: &str,
) {
    let policy = Policy { id: id.map(str::to_owned), ..Policy::with_mode("testing", ["mx.odd.example"]) };
    let fixture = Fixture::new(policy).await;
    fixture.keep(StsMode::Enforce, 7 * DAY, 2 * DAY).await;
    fixture.world.set_dns_fault("_mta-sts.odd.example", fault).unwrap();
    fixture.courier.refresh_policies(Timestamp::now()).await;
    let kept = fixture.kept().await.unwrap();
    assert_eq!((kept.policy.id.as_str(), kept.policy.mode), (kept_id, StsMode::Testing));
}

// rfc 8461 10.2: SHOULD Additionally, MTAs SHOULD alert administrators to repeated
#[rstest]
#[case(StsMode::Enforce, 3)]
#[case(StsMode::None, 0)]
#[tokio::test]
async fn a_failure_is_told_and_leaves_the_policy(#[case] mode: StsMode, #[case] lines: usize) {
    write_log();
    let fixture = Fixture::new(Policy::answering(PolicyAnswer::Absent)).await;
    fixture.keep(mode, 7 * DAY, 2 * DAY).await;
    let before = fixture.kept().await;
    let now = Timestamp::now();
    for hour in 0..3 {
        fixture.courier.refresh_policies(now + SignedDuration::from_hours(hour)).await;
    }
    assert_eq!(fixture.kept().await, before);
    let told = logged();
    assert_eq!(told.len(), lines, "{told:?}");
    assert!(told.iter().all(|line| line.contains("could not be refreshed") && line.contains("odd.example")));
    let expected = format!("fresh 1: {} mx.kept.example", mode.as_str());
    assert_eq!(fixture.told(Age::Fresh).await, expected);
}

#[tokio::test]
async fn one_that_is_over_is_forgotten() {
    let fixture = Fixture::new(Policy::enforce(["mx.odd.example"])).await;
    fixture.keep(StsMode::Enforce, DAY, DAY + 1).await;
    fixture.courier.refresh_policies(Timestamp::now()).await;
    assert_eq!((fixture.kept().await, fixture.requests()), (None, 0));
}
