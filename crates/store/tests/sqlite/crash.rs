//! A process that is killed: what it was promised before is there afterwards.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use api::RecipientState;
use store::{Filed, FiledReport, RecipientOutcome, Reported, Sqlite, Store};

use crate::suite::world::{ALICE, at, delivered, message, stopped};

/// Where the child's store is; set by the parent alone.
const CHILD: &str = "STORE_TEST_KILLED_CHILD";

/// How many lines the child may say before it is killed.
const LINES: usize = 1500;

/// Not a test by itself: the process that is killed. Says each thing on a line of its own once it has been promised.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = Arc::new(Sqlite::open(Path::new(&path)).unwrap());
    store.add_account(ALICE, "hash", at(0)).await.unwrap();
    let mut working = tokio::task::JoinSet::new();
    for worker in 0..16 {
        let store = Arc::clone(&store);
        working.spawn(async move {
            for n in 0.. {
                let id = format!("{worker}-{n}");
                store.accept(message(&id, &["a@x.example"])).await.unwrap();
                println!("#accepted {id}");
                for job in store.claim_due(at(0), 1, &[]).await.unwrap() {
                    finish(&*store, &job.facts.queue_id, job.recipients[0].id).await;
                }
            }
        });
    }
    working.join_all().await;
}

/// Delivers, stops and reports, stops, or forgets about a message, by its number.
async fn finish(store: &dyn Store, id: &str, recipient: store::RecipientId) {
    let what = id.rsplit('-').next().unwrap().parse::<u32>().unwrap() % 4;
    if what == 0 {
        return;
    }
    let outcome = if what == 1 { delivered() } else { stopped() };
    store.record(id, vec![RecipientOutcome { recipient, outcome }], at(1)).await.unwrap();
    println!("#{} {id}", if what == 1 { "delivered" } else { "stopped" });
    if what == 3 {
        let pending = store.pending_report(id).await.unwrap().unwrap();
        let recipients = pending.recipients.iter().map(Reported::from).collect();
        let report = FiledReport { about: id.to_owned(), recipients, to: None, now: at(2) };
        assert_eq!(store.file_report(report).await.unwrap(), Filed::Done);
        println!("#reported {id}");
    }
}

/// What the child was promised, by word; it is killed in the middle.
fn promises_of_a_killed_child(path: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut promises: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for (n, line) in lines.map_while(Result::ok).enumerate() {
        if n == LINES {
            child.kill().unwrap(); // SIGKILL; what it said before is still in the pipe
        }
        // the test harness says things of its own, once on the same line
        if let Some((_, promise)) = line.split_once('#')
            && let Some((word, id)) = promise.split_once(' ')
        {
            promises.entry(word.to_owned()).or_default().insert(id.to_owned());
        }
    }
    assert!(!child.wait().unwrap().success());
    promises
}

// rfc 5321 6.1: MUST NOT It MUST NOT lose the message for frivolous reasons
#[tokio::test]
async fn what_was_promised_before_a_kill_is_there_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let promises = promises_of_a_killed_child(&path);
    let promised = |word: &str| promises.get(word).cloned().unwrap_or_default();
    for word in ["accepted", "delivered", "stopped", "reported"] {
        assert!(promised(word).len() > 20, "the child was killed before it had done enough: {word}");
    }

    let store = Sqlite::open(&path).unwrap();
    let claimed = store.claim_due(at(9), usize::MAX, &[]).await.unwrap();
    let claimed: HashSet<_> = claimed.into_iter().map(|job| job.facts.queue_id).collect();
    let stops: HashSet<_> =
        store.stops(ALICE, None).await.unwrap().into_iter().map(|stop| stop.queue_id).collect();
    let to_report: HashSet<_> = store.reports_due().await.unwrap().into_iter().collect();
    let (delivered, stopped, reported) = (promised("delivered"), promised("stopped"), promised("reported"));

    for id in promised("accepted") {
        let status =
            store.message_status(ALICE, &id).await.unwrap().unwrap_or_else(|| panic!("{id} is lost"));
        let waits = status.recipients[0].state == RecipientState::Queued;
        assert_eq!(claimed.contains(&id), waits, "{id} waits for nobody");
        assert!(!waits || !store.content(&id).await.unwrap().is_empty(), "{id} has lost its content");
    }
    assert!(delivered.iter().all(|id| !claimed.contains(id)), "delivered mail would be sent again");
    assert!(stopped.iter().all(|id| !claimed.contains(id) && stops.contains(id)), "a stop is lost");
    assert!(stopped.iter().all(|id| reported.contains(id) || id_was_reported_unheard(id, &to_report)));
    assert!(reported.iter().all(|id| !to_report.contains(id)), "a report would be sent again");
    assert!(to_report.iter().all(|id| stops.contains(id)), "a stop without its record");
}

/// A stopped message whose report was not confirmed is still to be reported; unless the report was on the disk
/// already and the kill came before the child could say so.
fn id_was_reported_unheard(id: &str, to_report: &HashSet<String>) -> bool {
    to_report.contains(id) || id.rsplit('-').next().unwrap().parse::<u32>().unwrap() % 4 == 3
}
