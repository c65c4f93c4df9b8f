//! The file: made, migrated, opened again, shared with other processes, closed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guarantee::{Level, Protection, Switch};
use jiff::civil::date;
use rusqlite::Connection;
use store::{Sqlite, Store, StoreError, StoredSwitch};
use tokio::task::JoinSet;

use crate::suite::world::{ALICE, at, deferred, letter, message, policy, sighting, with_tls, without_tls};

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    (directory, path)
}

fn refusal(path: &PathBuf) -> String {
    match Sqlite::open(path) {
        Err(StoreError::Database(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_is_there_when_it_is_opened_again() {
    let (_directory, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    let mut new = message("m1", &["a@x.example"]);
    new.sent_copy = Some(letter("copy"));
    store.accept(new).await.unwrap();
    let claimed = store.claim_due(at(0), 1, &[]).await.unwrap();
    let outcome = store::RecipientOutcome { recipient: claimed[0].recipients[0].id, outcome: deferred(60) };
    store.record("m1", vec![outcome], at(1)).await.unwrap();
    let before = store.queue_entry("m1").await.unwrap();
    store.set_guarantee(ALICE, Switch::On, Some(Level::Authenticated)).await.unwrap();
    let met = [sighting("mx.x.example", with_tls(Protection::Dane)), sighting("mx.x.example", without_tls())];
    let day = date(2026, 11, 24);
    store.remember(Some(ALICE), &met, at(1)).await.unwrap();
    store.keep_sts_policy(&policy("x.example", 1)).await.unwrap();
    store.count_tls_results(day, &met).await.unwrap();
    let results = store.tls_results(day, "x.example").await.unwrap();
    assert!(store.mark_tls_reported(day, "x.example", at(2)).await.unwrap());
    drop(store);

    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.queue_entry("m1").await.unwrap(), before);
    let stands = StoredSwitch { switch: Switch::On, was_on: true, level: Level::Authenticated };
    assert_eq!(store.switch(ALICE).await.unwrap(), stands);
    let remembered = store.remembered(ALICE, "x.example", "mx.x.example").await.unwrap().unwrap();
    assert_eq!((remembered.best, remembered.last_tls), (Protection::Dane, at(1)));
    assert_eq!(store.sts_policy("x.example").await.unwrap(), Some(policy("x.example", 1)));
    assert_eq!(store.tls_results(day, "x.example").await.unwrap(), results);
    assert!(!store.mark_tls_reported(day, "x.example", at(3)).await.unwrap(), "no report is sent twice");
    assert_eq!(store.mailbox(ALICE, store::Mailbox::Sent, None).await.unwrap().len(), 1);
    assert_eq!(store.next_due(&[]).await.unwrap(), Some(at(60)));
    assert_eq!(store.claim_due(at(60), 1, &[]).await.unwrap().len(), 1, "claims die with their process");
}

#[tokio::test]
async fn an_empty_file_is_migrated() {
    let (_directory, path) = place();
    std::fs::write(&path, b"").unwrap();
    let store = Sqlite::open(&path).unwrap();
    assert!(store.accounts().await.unwrap().is_empty());
    let version: i64 = connection(&path).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let steps = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(usize::try_from(version).unwrap(), steps, "each step in the folder is taken");
}

fn connection(path: &PathBuf) -> Connection {
    Connection::open(path).unwrap()
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let (_directory, path) = place();
    let openers: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn({
                let path = path.clone();
                move || Sqlite::open(path).map(drop)
            })
        })
        .collect();
    for opener in openers {
        opener.join().unwrap().unwrap();
    }
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let (_directory, path) = place();
    drop(Sqlite::open(&path).unwrap());
    connection(&path).execute_batch("PRAGMA user_version = 99").unwrap();
    let text = refusal(&path);
    assert!(text.contains("store.sqlite") && text.contains("schema"), "{text}");
}

#[test]
fn what_is_no_database_is_refused() {
    let (_directory, path) = place();
    std::fs::write(&path, b"Received: from somewhere\r\n".repeat(100)).unwrap();
    let text = refusal(&path);
    assert!(text.contains("store.sqlite") && text.contains("not a database"), "{text}");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let text = refusal(&PathBuf::from("/nowhere/store.sqlite"));
    assert!(text.contains("/nowhere/store.sqlite"), "{text}");
}

#[tokio::test]
async fn only_the_owner_may_read_it() {
    let (_directory, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    for file in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        let mode = std::fs::metadata(path.with_file_name(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_change_by_another_process_is_noticed_once() {
    let (_directory, path) = place();
    let server = Sqlite::open(&path).unwrap();
    server.add_account(ALICE, "hash", at(0)).await.unwrap();
    server.accept(message("m1", &["a@x.example"])).await.unwrap();
    assert!(!server.changed_outside().await.unwrap(), "its own changes are none");

    let command_line = Sqlite::open(&path).unwrap();
    assert!(!server.changed_outside().await.unwrap(), "opening is none");
    command_line.retry("m1", at(5)).await.unwrap();
    drop(command_line);
    server.accept(message("m2", &["a@x.example"])).await.unwrap();
    assert!(server.changed_outside().await.unwrap(), "even when it has written since");
    assert!(!server.changed_outside().await.unwrap());

    connection(&path).query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    assert!(!server.changed_outside().await.unwrap(), "a checkpoint is none");
}

#[tokio::test]
async fn a_queue_has_one_runner() {
    let (_directory, path) = place();
    let first = Sqlite::open(&path).unwrap();
    let second = Sqlite::open(&path).unwrap();
    first.claim_due(at(0), 1, &[]).await.unwrap();
    let refused = second.claim_due(at(0), 1, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("another server"), "{refused}");
    second.add_account(ALICE, "hash", at(0)).await.unwrap();
    first.close().await;
    second.claim_due(at(0), 1, &[]).await.unwrap();
}

#[tokio::test]
async fn reading_never_waits_for_writing() {
    let (_directory, path) = place();
    let store = Arc::new(Sqlite::open(&path).unwrap());
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    let elsewhere = connection(&path);
    elsewhere.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.set_guarantee(ALICE, Switch::On, None).await }
    });
    // also more reads at once than there are connections
    let mut reading = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        reading.spawn(async move { store.switch(ALICE).await.unwrap().switch });
    }
    assert!(reading.join_all().await.into_iter().all(|switch| switch == Switch::Off));
    assert!(!writing.is_finished());
    elsewhere.execute_batch("COMMIT").unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(store.switch(ALICE).await.unwrap().switch, Switch::On);
}

#[tokio::test]
async fn closing_does_what_was_asked_before_and_refuses_the_rest() {
    let (_directory, path) = place();
    let store = Arc::new(Sqlite::open(&path).unwrap());
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    let mut accepting = JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(&store);
        let id = format!("m{n}");
        accepting.spawn(async move { store.accept(message(&id, &["a@x.example"])).await.map(|()| id) });
    }
    tokio::task::yield_now().await;
    store.close().await;
    store.close().await;
    let answers = accepting.join_all().await;
    assert!(matches!(store.accept(message("late", &[])).await, Err(StoreError::Closed)));
    assert!(matches!(store.accounts().await, Err(StoreError::Closed)));
    assert!(matches!(store.next_due(&[]).await, Err(StoreError::Closed)));

    let reopened = Sqlite::open(&path).unwrap();
    for answer in answers {
        match answer {
            Ok(id) => assert!(reopened.queue_entry(&id).await.unwrap().is_some(), "{id}"),
            Err(error) => assert!(matches!(error, StoreError::Closed), "{error}"),
        }
    }
}

#[tokio::test]
async fn what_was_claimed_for_a_caller_who_gave_up_is_given_back() {
    let (_directory, path) = place();
    let store = Arc::new(Sqlite::open(&path).unwrap());
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    store.accept(message("m1", &["a@x.example"])).await.unwrap();
    // the writer is kept waiting by another process, and the claim behind it is given up
    let elsewhere = connection(&path);
    elsewhere.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.set_guarantee(ALICE, Switch::On, None).await }
    });
    let claim = store.claim_due(at(0), 1, &[]);
    assert!(tokio::time::timeout(Duration::from_millis(300), claim).await.is_err());
    elsewhere.execute_batch("COMMIT").unwrap();
    writing.await.unwrap().unwrap();
    // the first of these comes after the claim that nobody hears of, the second after what it gives back
    store.release(&[]).await.unwrap();
    store.release(&[]).await.unwrap();
    assert_eq!(store.claim_due(at(0), 1, &[]).await.unwrap().len(), 1);
}
