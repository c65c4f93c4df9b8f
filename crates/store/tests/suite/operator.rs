use api::RecipientState;
use guarantee::Origin;
use rstest::rstest;
use smtp::envelope::ReversePath;
use store::{Filed, FiledReport, RecipientOutcome, Reported, SessionRow, StoreError};

use super::world::{ALICE, With as _, at, deferred, delayed, delivered, home, message, stopped};

const CARLA: &str = "carla@plain.example";

#[tokio::test]
async fn the_queue_lists_what_waits_oldest_first() {
    let store = home().await;
    for (id, accepted) in [("m2", 20), ("m3", 30), ("m1", 10)] {
        store.accept(message(id, &[CARLA]).with(|new| new.facts.accepted_at = at(accepted))).await.unwrap();
    }
    store.record_for("m3", CARLA, delivered(), 30).await;
    let queue = store.queue().await.unwrap();
    let ids: Vec<_> = queue.iter().map(|entry| entry.status.id.as_str()).collect();
    assert_eq!(ids, ["m1", "m2"]);
    let entry = &queue[0];
    assert_eq!((entry.account.as_deref(), entry.origin), (Some(ALICE), Origin::Submission));
    assert_eq!(entry.reverse_path, ReversePath::Address(ALICE.to_owned()));
    assert_eq!(entry.size, message("m1", &[]).content.len() as u64);
    assert_eq!(store.queue_entry("m1").await.unwrap().as_ref(), Some(entry));
    let finished = store.queue_entry("m3").await.unwrap().unwrap();
    assert_eq!(finished.status.recipients[0].state, RecipientState::Delivered);
    assert!(store.queue_entry("m9").await.unwrap().is_none());
}

#[tokio::test]
async fn a_retry_makes_what_waits_due_at_once() {
    let store = home().await;
    store.accept(message("m1", &[CARLA, "dora@tls.example", "e@x.example"])).await.unwrap();
    store.record_for("m1", CARLA, deferred(5000), 1).await;
    store.record_for("m1", "e@x.example", delivered(), 1).await;
    assert_eq!(store.retry("m1", at(10)).await.unwrap(), 2);
    assert_eq!(store.shown("m1", CARLA).await.next_attempt_at, Some(at(10)));
    let due = store.shown("m1", "dora@tls.example").await.next_attempt_at;
    assert_eq!(due, Some(at(0)), "what is due already keeps its place");
    assert_eq!(store.claim(10).await.len(), 2);
}

#[tokio::test]
async fn a_removed_message_leaves_the_queue_without_a_report() {
    let store = home().await;
    store.accept(message("m1", &[CARLA, "dora@tls.example", "e@x.example"])).await.unwrap();
    store.record_for("m1", "e@x.example", delivered(), 1).await;
    store.record_for("m1", CARLA, delayed(5000), 1).await;
    assert_eq!(store.remove("m1", at(10)).await.unwrap(), 2);
    let shown = store.shown("m1", CARLA).await;
    assert_eq!((shown.state, shown.cause.as_deref()), (RecipientState::Bounced, Some("removed_by_operator")));
    assert!(shown.reason.unwrap().contains("operator"));
    assert_eq!((shown.changed_at, shown.next_attempt_at), (at(10), None));
    assert_eq!(store.state("m1", "e@x.example").await, RecipientState::Delivered);
    assert!(store.reports_due().await.unwrap().is_empty());
    assert!(store.queue().await.unwrap().is_empty());
    assert!(matches!(store.content("m1").await, Err(StoreError::NotFound(_))));
    assert!(store.claim(9999).await.is_empty());
}

#[tokio::test]
async fn an_outcome_that_comes_after_the_removal_is_ignored() {
    let store = home().await;
    store.accept(message("m1", &[CARLA])).await.unwrap();
    let id = store.claim(0).await[0].recipients[0].id;
    store.remove("m1", at(1)).await.unwrap();
    let outcome = RecipientOutcome { recipient: id, outcome: stopped() };
    let progress = store.record("m1", vec![outcome], at(2)).await.unwrap();
    assert_eq!((progress.reports_pending, progress.stop), (vec![], None));
    assert_eq!(store.state("m1", CARLA).await, RecipientState::Bounced);
    assert!(store.stops(ALICE, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn messages_that_are_not_there_are_not_found() {
    let store = home().await;
    assert_eq!(store.retry("m9", at(0)).await.unwrap(), 0);
    assert_eq!(store.remove("m9", at(0)).await.unwrap(), 0);
    assert!(matches!(store.record("m9", vec![], at(0)).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.content("m9").await, Err(StoreError::NotFound(_))));
}

#[rstest]
#[case::finished_before(100, true)]
#[case::finished_just_then(5, false)]
#[case::finished_after(4, false)]
#[tokio::test]
async fn finished_messages_and_their_stops_are_forgotten(#[case] keep_since: i64, #[case] forgotten: bool) {
    let store = home().await;
    store.accept(message("m1", &[CARLA])).await.unwrap();
    store.record_for("m1", CARLA, stopped(), 4).await;
    let pending = store.pending_report("m1").await.unwrap().unwrap();
    let recipients = pending.recipients.iter().map(Reported::from).collect();
    let report = FiledReport { about: "m1".to_owned(), recipients, to: None, now: at(5) };
    assert_eq!(store.file_report(report).await.unwrap(), Filed::Done);
    store.purge(at(200), at(keep_since)).await.unwrap();
    assert_eq!(store.message_status(ALICE, "m1").await.unwrap().is_none(), forgotten);
    assert_eq!(store.stops(ALICE, None).await.unwrap().is_empty(), forgotten);
}

#[rstest]
#[case::waiting(deferred(9999))]
#[case::not_reported_yet(stopped())]
#[tokio::test]
async fn unfinished_messages_are_kept_however_old(#[case] outcome: store::Outcome) {
    let store = home().await;
    store.accept(message("m1", &[CARLA])).await.unwrap();
    store.record_for("m1", CARLA, outcome, 1).await;
    store.purge(at(9_000_000), at(8_000_000)).await.unwrap();
    assert!(store.message_status(ALICE, "m1").await.unwrap().is_some());
    assert!(store.content("m1").await.is_ok());
}

#[tokio::test]
async fn many_messages_are_forgotten_in_steps() {
    let store = home().await;
    let mut accepting = tokio::task::JoinSet::new();
    for n in 0..450 {
        let store = store.store.clone();
        accepting.spawn(async move { store.accept(message(&format!("m{n}"), &[])).await.unwrap() });
    }
    accepting.join_all().await;
    store.purge(at(9), at(9)).await.unwrap();
    for n in [0, 199, 200, 449] {
        assert!(store.queue_entry(&format!("m{n}")).await.unwrap().is_none(), "m{n}");
    }
}

#[rstest]
#[case::just_before(599, true)]
#[case::at_their_end(600, false)]
#[tokio::test]
async fn ended_sessions_are_forgotten(#[case] now: i64, #[case] kept: bool) {
    let store = home().await;
    let session = SessionRow { token_hash: [1; 32], account: ALICE.to_owned(), expires_at: at(600) };
    store.add_session(&session).await.unwrap();
    store.purge(at(now), at(0)).await.unwrap();
    // asked for an earlier moment, so that only what was forgotten is missing
    assert_eq!(store.session(&[1; 32], at(1)).await.unwrap().is_some(), kept);
}
