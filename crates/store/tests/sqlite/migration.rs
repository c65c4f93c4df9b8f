//! A file of an earlier version is opened, and nothing in it is lost.

use std::path::Path;

use api::RecipientState;
use guarantee::{Level, Requirement, Switch, Wish};
use rusqlite::Connection;
use store::{Mailbox, Sqlite, Store, StoredSwitch};

use crate::suite::world::{ALICE, BOB, at, message};

const FIRST_SCHEMA: &str = include_str!("../../migrations/0001_start/up.sql");
const ITS_ROWS: &str = include_str!("0001.sql");

/// A database as the first version left it.
fn first(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON").unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    connection.execute_batch(ITS_ROWS).unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_version_keeps_all_that_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    first(&path);
    let store = Sqlite::open(&path).unwrap();

    let accounts: Vec<_> = store.accounts().await.unwrap().into_iter().map(|one| one.address).collect();
    assert_eq!(accounts, [ALICE, BOB]);
    let stands = |switch| StoredSwitch { switch, was_on: true, level: Level::Encrypted };
    assert_eq!(store.switch(ALICE).await.unwrap(), stands(Switch::On));
    assert_eq!(store.switch(BOB).await.unwrap(), stands(Switch::Paused { until: at(1800) }));
    assert_eq!(store.session(&[1; 32], at(1)).await.unwrap().unwrap().account, ALICE);
    assert_eq!(store.mailbox(ALICE, Mailbox::Sent, None).await.unwrap().len(), 1);
    assert!(store.exceptions(ALICE).await.unwrap().is_empty());
    assert!(!store.preferences(ALICE).await.unwrap().end_to_end_without_tls, "off at first");

    assert_eq!(store.overrides(ALICE, at(-999_999)).await.unwrap()[0].message_id, "m9@home.example");
    assert!(store.forwardings(ALICE).await.unwrap().is_empty());
    assert!(
        store.weeks(ALICE, at(0)).await.unwrap().iter().all(|week| week.stopped == 0),
        "counted from now on"
    );

    let status = store.message_status(ALICE, "m1").await.unwrap().unwrap();
    let states: Vec<_> = status.recipients.iter().map(|one| one.state).collect();
    assert_eq!(states, [RecipientState::Stopped, RecipientState::Delivered, RecipientState::Deferred]);
    let [_, dora, _] = &status.recipients[..] else { panic!("three") };
    assert_eq!((dora.cipher.as_deref(), &dora.key_exchange), (Some("TLS_AES_256_GCM_SHA384"), &None));
    assert_eq!((dora.authenticated_by, &dora.authentication), (None, &None));
    let stops = store.stops(ALICE, None).await.unwrap();
    assert_eq!((stops[0].id.as_str(), stops[0].recipients[0].tls_last_seen), ("m1", None));
    let pending = store.pending_report("m1").await.unwrap().unwrap();
    assert_eq!((pending.facts.envid.as_deref(), pending.content.len()), (Some("env"), 9));

    let jobs = store.claim_due(at(60), 10, &[]).await.unwrap();
    let found: Vec<_> = jobs
        .iter()
        .map(|job| {
            (job.facts.queue_id.as_str(), job.facts.wish, job.requirement, job.recipients[0].history.attempts)
        })
        .collect();
    // what was decided when it was accepted stays so
    let expected = [
        ("m2", Wish::TlsOptional, Requirement::Opportunistic, 0),
        ("m1", Wish::None, Requirement::Encrypted, 1),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_file_of_the_first_version_goes_on_as_one_of_this() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    first(&path);
    for _ in 0..2 {
        drop(Sqlite::open(&path).unwrap());
    }
    let store = Sqlite::open(&path).unwrap();
    store.set_guarantee(ALICE, Switch::On, Some(Level::Authenticated)).await.unwrap();
    store.accept(message("m4", &["c@plain.example"])).await.unwrap();
    let shown = store.message_status(ALICE, "m4").await.unwrap().unwrap();
    assert_eq!(shown.recipients[0].requirement, Requirement::Authenticated);
    store.remove_account(ALICE).await.unwrap();
    store.purge(at(9999), at(9999)).await.unwrap();
    assert!(store.queue_entry("m3").await.unwrap().is_none());
    let broken: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(broken, 0);
}
