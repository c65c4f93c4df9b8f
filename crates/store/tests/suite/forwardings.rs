use api::{Forwarding, ProtectionWord};
use guarantee::Protection;
use store::{
    AddedForwarding, Filed, ForwardingSeen, MAX_FORWARDINGS, NewForwardingRow, ReportTo, StoreError,
    WatchedForwarding,
};

use super::world::{ALICE, BOB, Fresh, With as _, at, home, letter, message};

use Protection::{Dane, Encrypted, None as InClear};

const CARLA: &str = "Carla@x.example";

fn new(account: &str, address: &str) -> NewForwardingRow {
    NewForwardingRow {
        account: account.to_owned(),
        address: address.to_owned(),
        protection: Some(Encrypted),
        created_at: at(5),
        next_look_at: at(100),
    }
}

impl Fresh {
    async fn watch(&self, new: NewForwardingRow) -> Forwarding {
        match self.add_forwarding(new).await.unwrap() {
            AddedForwarding::Added(forwarding) => forwarding,
            other => panic!("{other:?}"),
        }
    }

    async fn due_at(&self, seconds: i64) -> Vec<(String, String)> {
        let due = self.forwardings_due(at(seconds), 10).await.unwrap();
        due.into_iter().map(|one| (one.account, one.address)).collect()
    }
}

fn seen(of: &WatchedForwarding, protection: Option<Protection>, mail: Option<ReportTo>) -> ForwardingSeen {
    ForwardingSeen { of: of.clone(), protection, now: at(200), next_look_at: at(300), mail }
}

fn to_alice() -> Option<ReportTo> {
    Some(ReportTo::Mailbox { account: ALICE.to_owned(), message: letter("lost") })
}

#[tokio::test]
async fn a_forwarding_is_watched_until_it_is_removed() {
    let store = home().await;
    let first = store.watch(new(ALICE, CARLA)).await;
    let expected = Forwarding {
        id: 1,
        address: CARLA.to_owned(),
        protection: ProtectionWord::Encrypted,
        checked_at: Some(at(5)),
        created_at: at(5),
    };
    assert_eq!(first, expected);
    let second = store.watch(NewForwardingRow { protection: None, ..new(ALICE, "d@x.example") }).await;
    assert_eq!((second.id, second.protection, second.checked_at), (2, ProtectionWord::Unknown, None));
    assert_eq!(store.forwardings(ALICE).await.unwrap(), [second, first.clone()], "newest first");
    assert!(store.forwardings(BOB).await.unwrap().is_empty());
    let again = store.add_forwarding(new(ALICE, "carla@X.example")).await.unwrap();
    assert_eq!(again, AddedForwarding::WasThere(first));
    assert!(matches!(store.remove_forwarding(BOB, 1).await, Err(StoreError::NotFound(_))));
    store.remove_forwarding(ALICE, 2).await.unwrap();
    assert!(matches!(store.remove_forwarding(ALICE, 2).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.watch(new(ALICE, "e@x.example")).await.id, 3, "no id is given twice");
}

#[tokio::test]
async fn an_account_has_so_many_and_no_more() {
    let store = home().await;
    for n in 0..MAX_FORWARDINGS {
        store.watch(new(ALICE, &format!("c{n}@x.example"))).await;
    }
    assert_eq!(store.add_forwarding(new(ALICE, CARLA)).await.unwrap(), AddedForwarding::TooMany);
    store.watch(new(BOB, CARLA)).await;
}

#[tokio::test]
async fn those_that_are_due_are_found_the_longest_due_first() {
    let store = home().await;
    store.watch(new(ALICE, CARLA)).await;
    store.watch(NewForwardingRow { next_look_at: at(90), ..new(BOB, CARLA) }).await;
    assert_eq!(store.due_at(89).await, []);
    let both = [(BOB.to_owned(), CARLA.to_owned()), (ALICE.to_owned(), CARLA.to_owned())];
    assert_eq!(store.due_at(100).await, both);
    assert_eq!(store.forwardings_due(at(100), 1).await.unwrap().len(), 1);
    store.remove_account(BOB).await.unwrap();
    assert_eq!(store.due_at(100).await, both[1..]);
}

#[tokio::test]
async fn a_loss_and_its_mail_are_one_and_told_once() {
    let store = home().await;
    store.watch(new(ALICE, CARLA)).await;
    let watched = store.watched_forwarding("ALICE@home.example", "carla@x.example").await.unwrap().unwrap();
    assert_eq!(watched.known, Some((Encrypted, at(5))));
    let lost = seen(&watched, Some(InClear), to_alice());
    assert_eq!(store.note_forwarding(lost.clone()).await.unwrap(), Filed::Done);
    assert_eq!(store.inbox().await, ["lost"]);
    assert_eq!(
        store.note_forwarding(lost).await.unwrap(),
        Filed::Stale,
        "somebody else has noted it meanwhile"
    );
    assert_eq!(store.inbox().await, ["lost"]);
    let shown = &store.forwardings(ALICE).await.unwrap()[0];
    assert_eq!((shown.protection, shown.checked_at), (ProtectionWord::None, Some(at(200))));
    assert_eq!((store.due_at(299).await.len(), store.due_at(300).await.len()), (0, 1));
}

#[tokio::test]
async fn what_cannot_be_said_changes_nothing_but_the_next_look() {
    let store = home().await;
    store.watch(NewForwardingRow { protection: Some(Dane), ..new(ALICE, CARLA) }).await;
    let watched = store.watched_forwarding(ALICE, CARLA).await.unwrap().unwrap();
    assert_eq!(store.note_forwarding(seen(&watched, None, None)).await.unwrap(), Filed::Done);
    assert_eq!(store.watched_forwarding(ALICE, CARLA).await.unwrap(), Some(watched));
    assert_eq!((store.due_at(299).await.len(), store.due_at(300).await.len()), (0, 1));
}

/// Where mailboxes are another server's, the mail goes through the queue.
#[tokio::test]
async fn a_mail_may_go_through_the_queue_and_none_is_filed_for_what_is_gone() {
    let store = home().await;
    store.watch(NewForwardingRow { protection: None, ..new(ALICE, CARLA) }).await;
    let watched = store.watched_forwarding(ALICE, CARLA).await.unwrap().unwrap();
    assert_eq!(watched.known, None);
    let queued = |queue_id: &str| {
        let mail = message(queue_id, &[ALICE]).with(|new| new.facts.account = None);
        Some(ReportTo::Queue(Box::new(mail)))
    };
    let done = store.note_forwarding(seen(&watched, Some(Encrypted), queued("m1"))).await.unwrap();
    assert_eq!(done, Filed::Done);
    assert!(store.queue_entry("m1").await.unwrap().is_some());
    let watched = store.watched_forwarding(ALICE, CARLA).await.unwrap().unwrap();
    store.remove_forwarding(ALICE, watched.id).await.unwrap();
    let gone = store.note_forwarding(seen(&watched, Some(InClear), queued("m2"))).await.unwrap();
    assert_eq!(gone, Filed::Stale);
    assert!(store.queue_entry("m2").await.unwrap().is_none());
}
