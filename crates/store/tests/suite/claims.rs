use std::collections::{BTreeSet, HashSet};

use guarantee::Switch;
use store::{Job, MAX_JOB_RECIPIENTS, NextHop, RecipientOutcome};

use super::world::{ALICE, With as _, at, decision, deferred, delivered, home, message};

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.facts.queue_id.as_str()).collect()
}

fn hop(domain: &str) -> NextHop {
    NextHop::Domain(domain.to_owned())
}

#[tokio::test]
async fn recipients_share_a_job_by_message_next_hop_and_requirement() {
    let store = home().await;
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    store.record_override(&decision("m1", &["b@x.example"])).await.unwrap();
    store.accept(message("m1", &["a@x.example", "b@x.example", "c@y.example", "d@x.example"])).await.unwrap();
    store.accept(message("m2", &["a@x.example"])).await.unwrap();
    let jobs = store.claim(0).await;
    let mut groups: Vec<_> = jobs
        .iter()
        .map(|job| {
            (
                job.facts.queue_id.as_str(),
                job.recipients.iter().map(|to| to.address.as_str()).collect::<Vec<_>>(),
            )
        })
        .collect();
    groups.sort();
    assert_eq!(
        groups,
        [
            ("m1", vec!["a@x.example", "d@x.example"]),
            ("m1", vec!["b@x.example"]),
            ("m1", vec!["c@y.example"]),
            ("m2", vec!["a@x.example"]),
        ]
    );
}

#[tokio::test]
async fn the_longest_due_come_first() {
    let store = home().await;
    for (id, accepted) in [("m3", 30), ("m1", 10), ("m4", 40), ("m2", 20)] {
        store
            .accept(message(id, &["a@x.example"]).with(|new| new.facts.accepted_at = at(accepted)))
            .await
            .unwrap();
    }
    let jobs = store.claim_due(at(35), 2, &[]).await.unwrap();
    assert_eq!(ids(&jobs), ["m1", "m2"], "no more than were asked for");
    assert_eq!(ids(&store.claim(35).await), ["m3"], "nothing before it is due");
    assert_eq!(ids(&store.claim(40).await), ["m4"], "from the very moment on");
}

#[tokio::test]
async fn what_is_not_due_does_not_go_along_with_what_is() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example", "b@x.example"])).await.unwrap();
    store.record_for("m1", "a@x.example", deferred(60), 1).await;
    let jobs = store.claim(59).await;
    assert_eq!(jobs.len(), 1);
    let addresses: Vec<_> = jobs[0].recipients.iter().map(|to| to.address.as_str()).collect();
    assert_eq!(addresses, ["b@x.example"]);
}

#[tokio::test]
async fn what_is_claimed_is_not_claimed_again_until_released() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example", "b@x.example"])).await.unwrap();
    let jobs = store.claim(0).await;
    assert!(store.claim(0).await.is_empty());
    let first = jobs[0].recipients[0].id;
    store.release(&[first]).await.unwrap();
    let again = store.claim(0).await;
    assert_eq!(again[0].recipients.len(), 1);
    assert_eq!(again[0].recipients[0].id, first);
}

#[tokio::test]
async fn a_record_frees_the_claim() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example"])).await.unwrap();
    store.record_for("m1", "a@x.example", deferred(60), 1).await;
    assert!(store.claim(59).await.is_empty());
    let jobs = store.claim(60).await;
    assert_eq!(ids(&jobs), ["m1"]);
    assert_eq!(jobs[0].recipients[0].history.attempts, 1);
    assert_eq!(jobs[0].recipients[0].history.insecure_since, Some(at(0)));
}

#[tokio::test]
async fn a_record_that_fails_frees_nothing() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example"])).await.unwrap();
    let id = store.claim(0).await[0].recipients[0].id;
    let outcome = RecipientOutcome { recipient: id, outcome: delivered() };
    store.record("m9", vec![outcome], at(1)).await.unwrap_err();
    assert!(store.claim(1).await.is_empty());
}

#[tokio::test]
async fn what_is_delivered_is_never_claimed_again() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example"])).await.unwrap();
    store.record_for("m1", "a@x.example", delivered(), 1).await;
    assert!(store.claim(99_999).await.is_empty());
    assert_eq!(store.next_due(&[]).await.unwrap(), None);
}

#[tokio::test]
async fn busy_next_hops_are_passed_over() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example", "b@y.example", "bob@home.example"])).await.unwrap();
    let busy = [hop("x.example"), NextHop::Local];
    let jobs = store.claim_due(at(0), 10, &busy).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].next_hop, hop("y.example"));
    let rest: BTreeSet<_> = store.claim(0).await.into_iter().map(|job| job.next_hop).collect();
    assert_eq!(rest, busy.into_iter().collect());
}

#[tokio::test]
async fn a_backlog_of_one_next_hop_holds_up_nobody_else() {
    let store = home().await;
    for n in 0..50 {
        store.accept(message(&format!("slow{n}"), &["a@slow.example"])).await.unwrap();
    }
    store.accept(message("m1", &["a@x.example"]).with(|new| new.facts.accepted_at = at(9))).await.unwrap();
    assert_eq!(ids(&store.claim_due(at(9), 5, &[hop("slow.example")]).await.unwrap()), ["m1"]);
}

// rfc 5321 4.5.3.1.8: SHOULD A client that needs to deliver a message containing over 100
#[tokio::test]
async fn a_job_has_no_more_recipients_than_every_host_takes() {
    let store = home().await;
    let many: Vec<String> = (0..250).map(|n| format!("r{n}@x.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    store.accept(message("m1", &many)).await.unwrap();
    let mut seen = HashSet::new();
    let mut sizes = Vec::new();
    for limit in [2, 1] {
        let jobs = store.claim_due(at(0), limit, &[]).await.unwrap();
        assert_eq!(jobs.len(), limit);
        for job in jobs {
            sizes.push(job.recipients.len());
            seen.extend(job.recipients.into_iter().map(|to| to.address));
        }
    }
    assert_eq!((sizes, seen.len()), (vec![MAX_JOB_RECIPIENTS, MAX_JOB_RECIPIENTS, 50], 250));
    assert!(store.claim(0).await.is_empty());
}

#[tokio::test]
async fn the_next_due_is_the_first_that_nobody_has() {
    let store = home().await;
    assert_eq!(store.next_due(&[]).await.unwrap(), None);
    for (id, accepted, to) in
        [("m1", 10, "a@x.example"), ("m2", 20, "a@y.example"), ("m3", 30, "a@x.example")]
    {
        store.accept(message(id, &[to]).with(|new| new.facts.accepted_at = at(accepted))).await.unwrap();
    }
    assert_eq!(store.next_due(&[]).await.unwrap(), Some(at(10)));
    assert_eq!(store.next_due(&[hop("x.example")]).await.unwrap(), Some(at(20)));
    let jobs = store.claim_due(at(10), 10, &[]).await.unwrap();
    assert_eq!(store.next_due(&[]).await.unwrap(), Some(at(20)));
    assert_eq!(store.next_due(&[hop("y.example")]).await.unwrap(), Some(at(30)));
    store.release(&[jobs[0].recipients[0].id]).await.unwrap();
    assert_eq!(store.next_due(&[]).await.unwrap(), Some(at(10)), "released: due again at once");
}

#[tokio::test]
async fn nothing_is_asked_for_and_nothing_given() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example"])).await.unwrap();
    assert!(store.claim_due(at(0), 0, &[]).await.unwrap().is_empty());
    assert_eq!(ids(&store.claim(0).await), ["m1"]);
}
