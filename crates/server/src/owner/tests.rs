use std::sync::Arc;

use guarantee::Switch;
use jiff::ToSpan;
use rstest::rstest;
use rusqlite::Connection;
use store::Sqlite;
use tempfile::TempDir;

use super::*;
use crate::config::SendersOptions;

/// Alice has the guarantee, carla the stricter one, bob paused it; `team` is shared, `ghost` has never been here.
async fn place(now: Timestamp) -> (TempDir, Arc<dyn Store>, Senders) {
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path().join("test.db")).expect("opens"));
    let until = now.checked_add(1.hour()).expect("a time");
    let users = [
        ("alice@home.example", Switch::On, Level::Encrypted),
        ("bob@home.example", Switch::Paused { until }, Level::Authenticated),
        ("carla@home.example", Switch::On, Level::Authenticated),
        ("dora@home.example", Switch::Off, Level::Encrypted),
    ];
    for (user, switch, level) in users {
        store.ensure_account(user, now).await.expect("made");
        store.set_guarantee(user, switch, Some(level)).await.expect("set");
    }
    let database = folder.path().join("aliases.sqlite");
    let connection = Connection::open(&database).expect("opens");
    connection
        .execute_batch(
            "CREATE TABLE alias (address TEXT, login TEXT);
             INSERT INTO alias VALUES
                 ('team@home.example', 'bob@home.example'), ('team@home.example', 'alice@home.example'),
                 ('team@home.example', 'carla@home.example'), ('team@home.example', 'ghost@home.example'),
                 ('dora@home.example', 'alice@home.example'),
                 ('two@home.example', 'bob@home.example'), ('two@home.example', 'dora@home.example'),
                 ('ghosts@home.example', 'ghost@home.example');",
        )
        .expect("written");
    let query = "SELECT login FROM alias WHERE address = ?1 ORDER BY rowid".to_owned();
    let senders = Senders::new(Arc::clone(&store), Some(&SendersOptions { database, query }));
    (folder, store, senders)
}

#[rstest]
#[case::own("alice@home.example", Some(("alice@home.example", Some(Level::Encrypted))))]
#[case::any_case("Alice@HOME.example", Some(("alice@home.example", Some(Level::Encrypted))))]
#[case::marked("alice+shop@home.example", Some(("alice@home.example", Some(Level::Encrypted))))]
#[case::paused("bob@home.example", Some(("bob@home.example", None)))]
#[case::the_strictest("team@home.example", Some(("carla@home.example", Some(Level::Authenticated))))]
#[case::somebody_elses_too("dora@home.example", Some(("alice@home.example", Some(Level::Encrypted))))]
#[case::the_first_of_equals("two@home.example", Some(("bob@home.example", None)))]
#[case::marked_alias("team+x@home.example", Some(("carla@home.example", Some(Level::Authenticated))))]
#[case::never_been_here("ghosts@home.example", None)]
#[case::foreign("erik@tls.example", None)]
#[case::only_a_mark("+alice@home.example", None)]
#[tokio::test]
async fn whose_mail(#[case] reverse_path: &str, #[case] expected: Option<(&str, Option<Level>)>) {
    let now = Timestamp::now();
    let (_folder, store, senders) = place(now).await;
    let found = owner_of(&*store, &senders, reverse_path, now).await.expect("looked up");
    assert_eq!(found.as_ref().map(|owner| (owner.account.as_str(), owner.demands)), expected);
}

#[tokio::test]
async fn a_pause_that_is_over_is_over() {
    let now = Timestamp::now();
    let (_folder, store, senders) = place(now).await;
    let later = now.checked_add(61.minutes()).expect("a time");
    let found = owner_of(&*store, &senders, "bob@home.example", later).await.expect("looked up");
    assert_eq!(found.and_then(|owner| owner.demands), Some(Level::Authenticated));
}

#[tokio::test]
async fn a_database_that_fails_is_nobodys_no() {
    let now = Timestamp::now();
    let (folder, store, senders) = place(now).await;
    std::fs::remove_file(folder.path().join("aliases.sqlite")).expect("removed");
    assert!(owner_of(&*store, &senders, "x@home.example", now).await.is_err());
}
