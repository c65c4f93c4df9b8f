use std::collections::HashSet;

use guarantee::{Requirement, Switch};
use store::{RecipientOutcome, StoreError};
use tokio::task::JoinSet;

use super::world::{ALICE, at, delivered, home, message};

#[tokio::test]
async fn two_hundred_accept_at_once_and_those_that_fail_fail_alone() {
    let store = home().await;
    store.accept(message("taken", &["a@x.example"])).await.unwrap();
    let mut accepting = JoinSet::new();
    for n in 0..200 {
        let store = store.store.clone();
        accepting.spawn(async move {
            let id = if n % 10 == 3 { "taken".to_owned() } else { format!("m{n}") };
            (id.clone(), store.accept(message(&id, &["a@x.example", "b@y.example"])).await)
        });
    }
    for (id, answer) in accepting.join_all().await {
        match answer {
            Ok(()) => assert_ne!(id, "taken"),
            Err(StoreError::Exists(_)) => assert_eq!(id, "taken"),
            Err(other) => panic!("{id}: {other}"),
        }
    }
    let queue = store.queue().await.unwrap();
    let ids: HashSet<_> = queue.iter().map(|entry| entry.status.id.as_str()).collect();
    assert_eq!((queue.len(), ids.len()), (181, 181));
    assert!(queue.iter().all(|entry| entry.status.id == "taken" || entry.status.recipients.len() == 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_never_overlap_and_nothing_is_delivered_twice() {
    let store = home().await;
    for n in 0..60 {
        store.accept(message(&format!("m{n}"), &["a@x.example", "b@y.example"])).await.unwrap();
    }
    let mut working = JoinSet::new();
    for _ in 0..6 {
        let store = store.store.clone();
        working.spawn(async move {
            let mut done = Vec::new();
            loop {
                let jobs = store.claim_due(at(1), 3, &[]).await.unwrap();
                if jobs.is_empty() {
                    return done;
                }
                for job in jobs {
                    let recipient = job.recipients[0].id;
                    let outcome = RecipientOutcome { recipient, outcome: delivered() };
                    store.record(&job.facts.queue_id, vec![outcome], at(1)).await.unwrap();
                    done.push(recipient);
                }
            }
        });
    }
    let done: Vec<_> = working.join_all().await.into_iter().flatten().collect();
    assert_eq!(done.len(), 120);
    assert_eq!(done.into_iter().collect::<HashSet<_>>().len(), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_was_set_binds_whatever_is_accepted_afterwards() {
    let store = home().await;
    for round in 0..30 {
        let switch = if round % 2 == 0 { Switch::On } else { Switch::Off };
        // others' mail keeps the writer busy meanwhile
        let mut others = JoinSet::new();
        for n in 0..8 {
            let store = store.store.clone();
            others.spawn(
                async move { store.accept(message(&format!("o{round}-{n}"), &["a@x.example"])).await },
            );
        }
        store.set_guarantee(ALICE, switch, None).await.unwrap();
        let id = format!("m{round}");
        store.accept(message(&id, &["a@x.example"])).await.unwrap();
        let expected = if switch == Switch::On { Requirement::Encrypted } else { Requirement::Opportunistic };
        assert_eq!(store.shown(&id, "a@x.example").await.requirement, expected, "round {round}");
        for other in others.join_all().await {
            other.unwrap();
        }
    }
}
