use guarantee::StsMode;
use rstest::rstest;

use super::world::{Fresh, at, policy};

/// A store that has fetched these domains' policies at these moments.
async fn with(policies: &[(&str, i64)]) -> Fresh {
    let store = crate::fresh();
    for (domain, fetched) in policies {
        store.keep_sts_policy(&policy(domain, *fetched)).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_policy_is_kept_until_another_takes_its_place() {
    let store = with(&[("sts.example", 0), ("other.example", 0)]).await;
    assert_eq!(store.sts_policy("STS.example").await.unwrap(), Some(policy("sts.example", 0)));
    assert_eq!(store.sts_policy("example").await.unwrap(), None);
    let mut newer = policy("Sts.example", 60);
    (newer.policy.id, newer.policy.mode) = ("20261125".to_owned(), StsMode::None);
    newer.policy.mx.clear();
    store.keep_sts_policy(&newer).await.unwrap();
    assert_eq!(store.sts_policy("sts.example").await.unwrap(), Some(newer));
    assert_eq!(store.sts_policy("other.example").await.unwrap(), Some(policy("other.example", 0)));
}

#[rstest]
#[case::all(100, 10, &["b.example", "a.example", "c.example"])]
#[case::no_more_than_asked_for(100, 2, &["b.example", "a.example"])]
#[case::only_before(30, 10, &["b.example", "a.example"])]
#[case::none(10, 10, &[])]
#[tokio::test]
async fn the_oldest_are_refreshed_first(#[case] before: i64, #[case] limit: usize, #[case] domains: &[&str]) {
    let store = with(&[("a.example", 20), ("b.example", 10), ("c.example", 30)]).await;
    assert_eq!(store.sts_policies_fetched_before(at(before), limit).await.unwrap(), domains);
}

#[tokio::test]
async fn a_policy_is_forgotten_when_asked() {
    let store = with(&[("a.example", 20), ("b.example", 10)]).await;
    store.forget_sts_policy("A.example").await.unwrap();
    store.forget_sts_policy("never.example").await.unwrap();
    assert_eq!(store.sts_policy("a.example").await.unwrap(), None);
    assert!(store.sts_policy("b.example").await.unwrap().is_some());
}

#[rstest]
#[case::in_force(609, true)]
#[case::over(610, false)]
#[tokio::test]
async fn a_policy_that_is_over_is_forgotten(#[case] now: i64, #[case] there: bool) {
    let store = with(&[("a.example", 10)]).await;
    // it is the policy's own max_age that counts, not for how long the rest is kept
    store.purge(at(now), at(now)).await.unwrap();
    assert_eq!(store.sts_policy("a.example").await.unwrap().is_some(), there);
}

#[tokio::test]
async fn no_max_age_is_too_long() {
    let store = crate::fresh();
    let mut kept = policy("a.example", 0);
    (kept.policy.max_age, kept.fetched_at) =
        (u32::MAX, jiff::Timestamp::MAX - jiff::SignedDuration::from_secs(1));
    store.keep_sts_policy(&kept).await.unwrap();
    store.purge(at(0), at(0)).await.unwrap();
    assert!(store.sts_policy("a.example").await.unwrap().is_some());
}
