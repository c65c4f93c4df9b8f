//! How many messages a second are accepted for good, and how long each takes, at several numbers of submitters.
//!
//! `cargo run -p store --example throughput [DIRECTORY]`; the file is made in that directory, else where temporary
//! files are made, and is deleted afterwards. What it measures is mostly the disk's sync.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use guarantee::{Origin, Switch, Wish};
use jiff::Timestamp;
use smtp::envelope::{Notify, ReversePath};
use store::{MessageFacts, NewMessage, NewRecipient, NextHop, Sqlite, Store, StoreError};
use tokio::task::JoinSet;

/// How long each number of submitters is measured.
const FOR: Duration = Duration::from_secs(3);

/// Octets of a message's content.
const SIZE: usize = 4096;

const ACCOUNT: &str = "alice@home.example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let below = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    println!("{:>10} {:>10} {:>8} {:>8} {:>8}", "submitters", "accepts/s", "p50 ms", "p99 ms", "max ms");
    for submitters in [1, 8, 50, 200] {
        let directory = tempfile::tempdir_in(&below)?;
        let store = Arc::new(Sqlite::open(directory.path().join("store.sqlite"))?);
        store.add_account(ACCOUNT, "no hash", Timestamp::now()).await?;
        store.set_guarantee(ACCOUNT, Switch::On, None).await?;
        let started = Instant::now();
        let mut times = measure(&store, submitters).await?;
        let rate = times.len() as f64 / started.elapsed().as_secs_f64();
        times.sort_unstable();
        let at =
            |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).map_or(0.0, millis);
        println!("{submitters:>10} {rate:>10.0} {:>8.2} {:>8.2} {:>8.2}", at(50), at(99), at(100));
        store.close().await;
    }
    Ok(())
}

fn millis(time: &Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How long each acceptance took.
async fn measure(store: &Arc<Sqlite>, submitters: usize) -> Result<Vec<Duration>, StoreError> {
    let content = Bytes::from(vec![b'x'; SIZE]);
    let until = Instant::now() + FOR;
    let mut submitting = JoinSet::new();
    for submitter in 0..submitters {
        let (store, content) = (Arc::clone(store), content.clone());
        submitting.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let new = message(format!("{submitter}-{}", times.len()), content.clone());
                let started = Instant::now();
                store.accept(new).await?;
                times.push(started.elapsed());
            }
            Ok::<_, StoreError>(times)
        });
    }
    let mut all = Vec::new();
    for times in submitting.join_all().await {
        all.extend(times?);
    }
    Ok(all)
}

fn message(queue_id: String, content: Bytes) -> NewMessage {
    NewMessage {
        message_id: Some(format!("{queue_id}@home.example")),
        facts: MessageFacts {
            queue_id,
            origin: Origin::Submission,
            account: Some(ACCOUNT.to_owned()),
            reverse_path: ReversePath::Address(ACCOUNT.to_owned()),
            ret: None,
            envid: None,
            smtputf8: false,
            eight_bit: false,
            wish: Wish::None,
            accepted_at: Timestamp::now(),
        },
        subject: "How many?".to_owned(),
        recipients: vec![NewRecipient {
            address: "carla@plain.example".to_owned(),
            next_hop: NextHop::Domain("plain.example".to_owned()),
            notify: Notify::Unspecified,
            orcpt: None,
        }],
        content,
        end_to_end: false,
        sent_copy: None,
        replaces: None,
    }
}
