//! Which policy counts: the record, the `id`, what is kept, and for which domain.

use std::sync::Arc;

use async_trait::async_trait;
use delivery::{KeptPolicy, PolicyStore, Route};
use guarantee::{Age, LookupFailureKind, MxAnswer, StsMode};
use jiff::Timestamp;
use rstest::rstest;
use small_internet::{Behaviour, DnsFault, Domain, Page, Policy, PolicyAnswer};

use super::fixture::{DAY, Fixture, told};

const RECORD: &str = "_mta-sts.odd.example";

fn enforcing() -> Policy {
    Policy::enforce(["mx.odd.example"])
}

/// A long wait would show: nothing is fetched while the `id` is the same, not even by another process.
// rfc 8461 3.2: SHOULD Well-behaved clients SHOULD cache a policy for
#[tokio::test]
async fn a_policy_is_fetched_once() {
    let fixture = Fixture::new(enforcing()).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
    assert_eq!(
        told(&fixture.restarted(), "ODD.example", Age::Cached).await,
        "cached 1 of odd.example: enforce mx.odd.example"
    );
    assert_eq!(fixture.requests(), 1);
    let kept = fixture.kept().await.unwrap();
    assert_eq!((kept.policy.max_age, kept.policy.id.as_str()), (7 * DAY, "1"));
}

#[tokio::test]
async fn another_id_is_another_policy() {
    let fixture = Fixture::new(enforcing()).await;
    fixture.told(Age::Cached).await;
    fixture.set(Policy::with_mode("testing", ["*.odd.example"]).id("2")).await;
    let restarted = fixture.restarted();
    assert_eq!(told(&restarted, "odd.example", Age::Cached).await, "cached 2: testing *.odd.example");
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.kept().await.unwrap().policy.id, "2");
}

/// Before a mail is stopped, a look is taken past the DNS cache and past the `id`.
// rfc 8461 5: MUST NOT When a message fails to deliver due to
#[tokio::test]
async fn a_fresh_look_passes_by_all_that_is_kept() {
    let fixture = Fixture::new(enforcing()).await;
    fixture.told(Age::Cached).await;
    fixture.set(Policy::enforce(["*.odd.example"])).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
    assert_eq!(fixture.told(Age::Fresh).await, "fresh 1: enforce *.odd.example");
    fixture.set(Policy::with_mode("none", []).id("2")).await;
    assert_eq!(fixture.told(Age::Fresh).await, "fresh 2: none ");
    assert_eq!(fixture.requests(), 3);
}

/// No record, or none that counts: nothing is fetched, and what is kept stays in force.
// rfc 8461 3.1: MUST If the number of resulting records is
// rfc 8461 3.3: MUST Conversely, if no "live" policy can be
#[rstest]
#[case::none(&[])]
#[case::two(&["v=STSv1; id=7", "v=STSv1; id=8"])]
#[case::invalid(&["v=STSv1; id=-"])]
#[case::other(&["v=spf1 -all"])]
#[tokio::test]
async fn without_a_valid_record_nothing_is_fetched(#[case] records: &[&str]) {
    let fixture = Fixture::new(Policy { id: None, ..enforcing() }).await;
    fixture.world.set_txt("odd.example", RECORD, records).unwrap();
    assert_eq!(fixture.told(Age::Cached).await, "none");
    assert_eq!(fixture.told(Age::Fresh).await, "none");
    fixture.keep(StsMode::Enforce, DAY, 100).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.kept.example");
    assert_eq!(fixture.told(Age::Fresh).await, "fresh 1: enforce mx.kept.example");
    assert_eq!(fixture.requests(), 0);
}

/// What can't be looked up is unknown: then there may be an update, and no look at it was possible.
// rfc 8461 3.3: MUST Conversely, if no "live" policy can be
// rfc 8461 5: MUST NOT When a message fails to deliver due to
#[rstest]
#[case(DnsFault::ServFail)]
#[case(DnsFault::Silence)]
#[case(DnsFault::Garbage)]
#[tokio::test]
async fn a_record_that_cannot_be_looked_up_says_nothing(#[case] fault: DnsFault) {
    let fixture = Fixture::new(enforcing()).await;
    fixture.world.set_dns_fault(RECORD, Some(fault)).unwrap();
    assert_eq!(fixture.told(Age::Cached).await, "unknown");
    fixture.keep(StsMode::Enforce, DAY, 100).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.kept.example");
    assert_eq!(fixture.told(Age::Fresh).await, "cached 1: enforce mx.kept.example");
    assert_eq!(fixture.requests(), 0);
}

/// After its time a policy is over, whatever becomes of the next one.
#[rstest]
#[case::in_force(DAY - 60, "cached 1: enforce mx.kept.example")]
#[case::over(DAY + 1, "none")]
#[tokio::test]
async fn a_policy_ends(#[case] seconds_ago: u32, #[case] expected: &str) {
    let fixture = Fixture::new(Policy { id: None, ..enforcing() }).await;
    fixture.keep(StsMode::Enforce, DAY, seconds_ago).await;
    assert_eq!(fixture.told(Age::Cached).await, expected);
}

#[tokio::test]
async fn one_that_is_over_is_fetched_again_under_the_same_id() {
    let fixture = Fixture::new(enforcing()).await;
    fixture.keep(StsMode::Enforce, DAY, DAY + 1).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
    assert_eq!(fixture.requests(), 1);
}

/// A lifetime of nothing: it counts for the attempt that it was fetched for.
#[tokio::test]
async fn a_policy_may_be_too_short_to_keep() {
    let text = "version: STSv1\nmode: enforce\nmx: mx.odd.example\nmax_age: 0";
    let fixture = Fixture::new(Policy::text(text)).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
    assert_eq!(fixture.requests(), 2);
}

/// A domain takes its policy back by mode `none` (§8.3), which is kept like any other.
#[tokio::test]
async fn a_policy_is_taken_back() {
    let fixture = Fixture::new(Policy::with_mode("none", []).id("2")).await;
    fixture.keep(StsMode::Enforce, 7 * DAY, DAY).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 2: none ");
    fixture.set(Policy::absent()).await;
    assert_eq!(told(&fixture.restarted(), "odd.example", Age::Fresh).await, "fresh 2: none ");
}

// rfc 8461 3.1: MUST The "_mta-sts" record MAY return a CNAME
#[tokio::test]
async fn a_record_may_be_anothers() {
    let policy = Policy { id: None, ..Policy::enforce(["mx.odd.example"]) };
    let odd = Domain::new("odd.example", Behaviour::verified()).policy(policy);
    let fixture = Fixture::with([odd.cname(RECORD, "_mta-sts.sts.example")]).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
}

// rfc 8461 3.4: MUST NOT When sending mail to a mailbox at
#[tokio::test]
async fn a_parents_policy_is_not_a_childs() {
    let child = Domain::new("sub.odd.example", Behaviour::verified());
    let odd = Domain::new("odd.example", Behaviour::verified()).policy(enforcing());
    let fixture = Fixture::with([odd, child]).await;
    assert_eq!(told(&fixture.courier, "sub.odd.example", Age::Cached).await, "none");
    assert_eq!(told(&fixture.courier, "sub.odd.example", Age::Fresh).await, "none");
    assert_eq!(fixture.requests(), 0);
}

/// The policy domain is the one in the address, whatever its MX or CNAME leads to.
#[tokio::test]
async fn an_alias_has_a_policy_of_its_own() {
    let odd = Domain::new("odd.example", Behaviour::verified()).policy(enforcing());
    let fixture = Fixture::with([odd, Domain::alias("alias.example", "odd.example")]).await;
    assert_eq!(told(&fixture.courier, "alias.example", Age::Cached).await, "none");
    assert_eq!(fixture.requests(), 0);
}

// rfc 8461 3.4: MUST When sending mail via a "smart host"
#[rstest]
#[case::name("odd.example", "cached 1 of odd.example: enforce mx.odd.example")]
#[case::other_case("ODD.example", "cached 1 of odd.example: enforce mx.odd.example")]
#[case::host_below("mx.odd.example", "none")]
#[case::address("127.0.0.1", "none")]
#[case::address_of_ipv6("::1", "none")]
#[tokio::test]
async fn through_a_smart_host_its_policy_counts(#[case] host: &str, #[case] expected: &str) {
    let fixture = Fixture::new(enforcing()).await;
    let courier = fixture.changed(|settings| {
        settings.routes.insert("sts.example".to_owned(), Route { host: host.to_owned(), port: 25 });
    });
    assert_eq!(told(&courier, "sts.example", Age::Cached).await, expected);
    assert_eq!(fixture.world.policy_requests("sts.example"), 0);
}

#[rstest]
#[case("[127.0.0.1]")]
#[case("127.0.0.1")]
#[case("odd.example/..")]
#[case("@odd.example")]
#[case("x:y@odd.example")]
#[case("")]
#[tokio::test]
async fn what_is_no_name_has_no_policy(#[case] next_hop: &str) {
    let fixture = Fixture::new(enforcing()).await;
    fixture.keep_for(next_hop, StsMode::Enforce, DAY, 100).await;
    assert_eq!(told(&fixture.courier, next_hop, Age::Fresh).await, "none");
    assert_eq!(fixture.requests(), 0);
}

/// Attempts at the same time fetch together.
#[tokio::test]
async fn a_policy_is_fetched_once_for_many_who_wait() {
    let PolicyAnswer::Page(page) = enforcing().answer else { panic!("a page") };
    let pause = std::time::Duration::from_millis(3);
    let fixture = Fixture::new(Policy::answering(PolicyAnswer::Slow { page, pause })).await;
    for age in [Age::Cached, Age::Fresh] {
        let before = fixture.requests();
        let all = futures_util::future::join_all((0..20).map(|_| fixture.told(age))).await;
        assert!(all.iter().all(|told| told.ends_with("1: enforce mx.odd.example")), "{all:?}");
        assert_eq!(fixture.requests(), before + 1);
    }
}

/// Whoever gives up waiting does not take the fetch away from the others.
#[tokio::test]
async fn one_who_leaves_does_not_end_the_fetch_of_another() {
    let page = Page::text("version: STSv1\nmode: enforce\nmx: mx.odd.example\nmax_age: 100");
    let pause = std::time::Duration::from_millis(5);
    let fixture = Fixture::new(Policy::answering(PolicyAnswer::Slow { page, pause })).await;
    let mut events = fixture.world.events();
    let mut leaving = Box::pin(fixture.told(Age::Cached));
    let begun = async {
        while fixture.requests() == 0 {
            events.recv().await.unwrap();
        }
    };
    tokio::select! {
        told = &mut leaving => panic!("too early: {told}"),
        () = begun => {}
    }
    let staying = fixture.told(Age::Cached);
    let leave = async { drop(leaving) };
    let (told, ()) = tokio::join!(staying, leave);
    assert_eq!(told, "cached 1: enforce mx.odd.example");
}

/// What is kept can't be read: then it is not known what binds.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl PolicyStore for Broken {
    async fn load(&self, _domain: &str) -> Result<Option<KeptPolicy>, String> {
        Err("the disk is gone".to_owned())
    }

    async fn keep(&self, _kept: &KeptPolicy) -> Result<(), String> {
        Err("the disk is gone".to_owned())
    }

    async fn fetched_before(&self, _time: Timestamp, _limit: usize) -> Result<Vec<String>, String> {
        Err("the disk is gone".to_owned())
    }

    async fn forget(&self, _domain: &str) -> Result<(), String> {
        Err("the disk is gone".to_owned())
    }
}

#[tokio::test]
async fn without_what_is_kept_nothing_is_sent_on_a_guess() {
    let fixture = Fixture::new(enforcing()).await;
    let courier = fixture.changed(|settings| settings.policies = Arc::new(Broken));
    let (facts, _) = courier.facts("odd.example", Age::Cached).await;
    let MxAnswer::Failed(failure) = facts.mx else { panic!("{facts:?}") };
    assert_eq!(failure.kind, LookupFailureKind::OwnFault);
    assert_eq!(failure.detail, "the kept MTA-STS policies can't be read: the disk is gone");
    courier.refresh_policies(Timestamp::now()).await;
}
