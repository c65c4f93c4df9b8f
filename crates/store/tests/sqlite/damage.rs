//! A damaged disk: complaints that name the row, and no more harm than need be.

use guarantee::{Protection, Sighting};
use jiff::civil::{Date, date};
use rstest::rstest;
use rusqlite::Connection;
use store::{RecipientOutcome, Sqlite, Store, StoreError};

use crate::suite::world::{ALICE, at, delivered, message, policy, sighting, stopped, with_tls, without_tls};

const DAY: Date = date(2026, 11, 24);

/// TLS at one connection and none at another.
fn met() -> [Sighting; 2] {
    let host = "mx.x.example";
    [sighting(host, with_tls(Protection::Encrypted)), sighting(host, without_tls())]
}

/// Alice's message m1: stopped for one, delivered to one, waiting for one; something of all the rest; and an open
/// connection to the file.
async fn lived_in() -> (Sqlite, Connection, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let store = Sqlite::open(&path).unwrap();
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    store.accept(message("m1", &["a@x.example", "b@y.example", "c@z.example"])).await.unwrap();
    for (job, outcome) in store.claim_due(at(0), 2, &[]).await.unwrap().iter().zip([stopped(), delivered()]) {
        let outcome = RecipientOutcome { recipient: job.recipients[0].id, outcome };
        store.record("m1", vec![outcome], at(1)).await.unwrap();
    }
    store.remember(Some(ALICE), &met(), at(1)).await.unwrap();
    store.count_tls_results(DAY, &met()).await.unwrap();
    store.keep_sts_policy(&policy("x.example", 0)).await.unwrap();
    (store, Connection::open(&path).unwrap(), directory)
}

#[rstest]
#[case::notify("UPDATE recipient SET notify = '{'", "record", "recipient 3, column notify")]
#[case::cause("UPDATE recipient SET cause = 'null'", "status", "recipient 1, column cause")]
#[case::cause_of_a_stop(
    "UPDATE recipient SET cause = '{\"kind\":\"no\"}'",
    "stops",
    "recipient 1, column cause"
)]
#[case::cause_to_report("UPDATE recipient SET cause = ''", "pending", "recipient 1, column cause")]
#[case::kind_to_report(
    "UPDATE recipient SET report = 'x' WHERE id = 1",
    "pending",
    "recipient 1, column report"
)]
#[case::evidence(
    "UPDATE recipient SET evidence = '[]' WHERE id = 2",
    "status",
    "recipient 2, column evidence"
)]
#[case::state("UPDATE recipient SET state = 'lost' WHERE id = 2", "status", "recipient 2, column state")]
#[case::requirement("UPDATE recipient SET requirement = ''", "status", "recipient 1, column requirement")]
#[case::time(
    "UPDATE recipient SET changed_at = 9223372036854775807",
    "status",
    "recipient 1, column changed_at"
)]
#[case::origin("UPDATE message SET origin = 'elsewhere'", "queue", "message m1, column origin")]
#[case::size("UPDATE message SET size = -1", "queue", "message m1, column size")]
#[case::ret("UPDATE message SET ret = 'some'", "pending", "message m1, column ret")]
#[case::content("DELETE FROM content", "pending", "message m1, column octets")]
#[case::switch("UPDATE account SET switch = '{}'", "switch", "account alice@home.example, column switch")]
#[case::switch_at_acceptance(
    "UPDATE account SET switch = ''",
    "accept",
    "account alice@home.example, column switch"
)]
#[case::level("UPDATE account SET level = 'high'", "accept", "account alice@home.example, column level")]
#[case::wish("UPDATE message SET wish = 'more'", "pending", "message m1, column wish")]
#[case::memory("UPDATE memory SET tls = '{}'", "remembered", "memory of mx.x.example, column tls")]
#[case::memory_to_change(
    "UPDATE memory SET best = 'best'",
    "remember",
    "memory of mx.x.example, column best"
)]
#[case::policy("UPDATE sts_policy SET policy = ''", "policy", "sts_policy x.example, column policy")]
#[case::policy_met("UPDATE tls_policy SET policy = '{}'", "results", "tls_policy 1, column policy")]
#[case::failure("UPDATE tls_failure SET count = -1", "results", "tls_failure 1, column count")]
#[case::day("UPDATE tls_report SET day = '2026-11-24x'", "reports", "tls_report x.example, column day")]
#[tokio::test]
async fn a_damaged_cell_is_named(#[case] damage: &str, #[case] operation: &str, #[case] named: &str) {
    let (store, file, _directory) = lived_in().await;
    file.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    assert!(file.execute(damage, []).unwrap() > 0);
    let answer = match operation {
        "record" => {
            let waiting = store.claim_due(at(1), 1, &[]).await.unwrap();
            assert!(waiting.is_empty(), "left out of the queue");
            let outcome = RecipientOutcome { recipient: store::RecipientId(3), outcome: delivered() };
            store.record("m1", vec![outcome], at(1)).await.map(|_| ())
        }
        "status" => store.message_status(ALICE, "m1").await.map(|_| ()),
        "stops" => store.stops(ALICE, None).await.map(|_| ()),
        "pending" => store.pending_report("m1").await.map(|_| ()),
        "queue" => store.queue().await.map(|_| ()),
        "switch" => store.switch(ALICE).await.map(|_| ()),
        "remember" => store.remember(Some(ALICE), &met(), at(9)).await,
        "remembered" => store.remembered(ALICE, "x.example", "mx.x.example").await.map(|_| ()),
        "policy" => store.sts_policy("x.example").await.map(|_| ()),
        "results" => store.tls_results(DAY, "x.example").await.map(|_| ()),
        "reports" => store.tls_reports_due(date(2026, 11, 25)).await.map(|_| ()),
        _ => store.accept(message("m2", &["a@x.example"])).await,
    };
    match answer {
        Err(StoreError::Database(text)) => assert!(text.starts_with(named), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::a_recipient("UPDATE recipient SET history = '{' WHERE id = 3")]
#[case::a_message("UPDATE message SET origin = '' WHERE queue_id = 'm1'")]
#[tokio::test]
async fn what_cannot_be_read_does_not_hold_up_the_rest(#[case] damage: &str) {
    let (store, file, _directory) = lived_in().await;
    store.accept(message("m2", &["a@x.example"])).await.unwrap();
    assert_eq!(file.execute(damage, []).unwrap(), 1);
    let jobs = store.claim_due(at(0), 10, &[]).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.facts.queue_id.as_str()).collect::<Vec<_>>(), ["m2"]);
    assert_eq!(store.next_due(&[]).await.unwrap(), None, "or the runner would spin");
}
