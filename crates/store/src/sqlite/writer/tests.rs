use std::sync::mpsc::{Sender, channel, sync_channel};

use rstest::rstest;

use super::*;
use crate::sqlite::cells::change;

fn numbers() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let schema = "PRAGMA foreign_keys = ON;
        CREATE TABLE number (n INTEGER PRIMARY KEY);
        CREATE TABLE later (n INTEGER REFERENCES number DEFERRABLE INITIALLY DEFERRED);";
    connection.execute_batch(schema).unwrap();
    connection
}

fn there(connection: &Connection) -> Vec<i64> {
    let mut statement = connection.prepare("SELECT n FROM number ORDER BY n").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

type Answer = oneshot::Receiver<Result<()>>;

fn operation(
    octets: usize,
    work: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
) -> (Box<dyn Operation>, Answer) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Pending { octets, work: Some(work), outcome: None, frees: Vec::new(), reply }), answer)
}

/// Inserts the numbers one after the other.
fn insert(numbers: &'static [i64]) -> (Box<dyn Operation>, Answer) {
    operation(0, move |connection| {
        for n in numbers {
            change(connection, "INSERT INTO number (n) VALUES (?1)", [n])?;
        }
        Ok(())
    })
}

/// Does the operations in one transaction; whether each was told that it is done.
fn done(connection: &Connection, operations: Vec<(Box<dyn Operation>, Answer)>) -> Vec<bool> {
    let (mut operations, answers): (Vec<_>, Vec<_>) = operations.into_iter().unzip();
    let committed = commit(connection, &mut operations);
    for operation in operations {
        operation.settle(&committed, &mut Claims::default());
    }
    answers.into_iter().map(|mut answer| answer.try_recv().unwrap().is_ok()).collect()
}

#[test]
fn an_operation_that_fails_undoes_only_itself() {
    let connection = numbers();
    let operations = vec![insert(&[1, 2]), insert(&[3, 1]), insert(&[4]), insert(&[2]), insert(&[3])];
    assert_eq!(done(&connection, operations), [true, false, true, false, true]);
    assert_eq!(there(&connection), [1, 2, 3, 4]);
}

#[test]
fn when_the_commit_fails_all_are_told() {
    let connection = numbers();
    let dangling =
        operation(0, |connection| change(connection, "INSERT INTO later (n) VALUES (99)", []).map(|_| ()));
    assert_eq!(done(&connection, vec![insert(&[1]), dangling, insert(&[2])]), [false, false, false]);
    assert!(there(&connection).is_empty());
    assert_eq!(done(&connection, vec![insert(&[1])]), [true], "the next transaction is none the worse");
}

#[test]
fn when_the_transaction_is_given_up_all_are_told() {
    let connection = numbers();
    let disk_full = operation(0, |connection| {
        connection.execute_batch("ROLLBACK")?;
        Err(StoreError::Database("database or disk is full".to_owned()))
    });
    assert_eq!(done(&connection, vec![insert(&[1]), disk_full, insert(&[2])]), [false, false, false]);
    assert!(there(&connection).is_empty());
}

fn send(tasks: &Sender<Queued>, task: Task) {
    tasks.send(Queued { task, permit: None }).unwrap();
}

#[rstest]
#[case::few(&[0; 3], 3)]
#[case::many(&[0; MAX_GROUP + 5], MAX_GROUP)]
#[case::large(&[MAX_GROUP_OCTETS / 2; 5], 2)]
#[case::very_large(&[MAX_GROUP_OCTETS * 2; 2], 1)]
fn a_group_has_its_bounds(#[case] octets: &[usize], #[case] taken: usize) {
    let (tasks, waiting) = channel();
    for &octets in octets {
        send(&tasks, Task::Write(operation(octets, |_| Ok(())).0));
    }
    let group = Group::gather(waiting.recv().unwrap(), &waiting, 1);
    assert_eq!(group.writes.len(), taken);
}

#[test]
fn nothing_after_a_stop_is_done() {
    let (tasks, waiting) = channel();
    send(&tasks, Task::Write(operation(0, |_| Ok(())).0));
    send(&tasks, Task::Stop);
    let (late, mut answer) = operation(0, |_| Ok(()));
    send(&tasks, Task::Write(late));
    run(&mut desk().0, &waiting);
    drop(waiting);
    assert!(matches!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
}

fn desk() -> (Desk, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let connection = open::writer(&path).unwrap();
    connection.execute_batch("CREATE TABLE number (n INTEGER PRIMARY KEY)").unwrap();
    let (nudge, _) = sync_channel(1);
    (Desk { connection, path, claims: Claims::default(), data_version: 0, nudge }, directory)
}

#[test]
fn a_log_that_has_grown_is_emptied() {
    let (desk, directory) = desk();
    let log = || std::fs::metadata(directory.path().join("store.sqlite-wal")).unwrap().len();
    let size = log();
    assert!(size > 0);
    let before = desk.connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
    assert_eq!(keep_log_small(&desk, size + 1), size + 1);
    assert_eq!(log(), size, "not large enough yet");
    assert_eq!(keep_log_small(&desk, size), WAL_LIMIT);
    assert_eq!(log(), 0);
    let after = desk.connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
    assert_eq!(after, before, "or the server would take it for a change by another process");
}

#[test]
fn a_log_that_somebody_reads_is_left_for_later() {
    let (desk, directory) = desk();
    let reader = open::reader(&desk.path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM number").unwrap();
    change(&desk.connection, "INSERT INTO number (n) VALUES (1)", []).unwrap();
    let size = std::fs::metadata(directory.path().join("store.sqlite-wal")).unwrap().len();
    assert!(keep_log_small(&desk, 1) > size);
    change(&desk.connection, "INSERT INTO number (n) VALUES (2)", []).unwrap();
}
