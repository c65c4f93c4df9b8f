use rstest::rstest;
use store::{LocalDelivery, Mailbox, MailboxMessage, StoreError};

use super::world::{ALICE, BOB, Fresh, at, home, letter, message};

impl Fresh {
    /// Puts a message into the account's INBOX at that moment.
    async fn receive(&self, account: &str, what: MailboxMessage, seconds: i64) {
        let id = format!("in-{account}-{}", what.listing.subject);
        let mut incoming = message(&id, &[account]);
        incoming.facts.account = None;
        self.accept(incoming).await.unwrap();
        let recipient = self.claim(0).await[0].recipients[0].id;
        let delivery = LocalDelivery {
            queue_id: id,
            recipient,
            account: account.to_owned(),
            message: what,
            now: at(seconds),
        };
        self.deliver_local(delivery).await.unwrap();
    }

    async fn subjects(&self, account: &str, limit: Option<u32>) -> Vec<String> {
        let list = self.mailbox(account, Mailbox::Inbox, limit).await.unwrap();
        list.into_iter().map(|listed| listed.subject).collect()
    }
}

#[tokio::test]
async fn a_list_shows_what_the_message_says() {
    let store = home().await;
    store.receive(ALICE, letter("hello"), 7).await;
    let list = store.mailbox("ALICE@HOME.example", Mailbox::Inbox, None).await.unwrap();
    let [listed] = &list[..] else { panic!("one message") };
    assert_eq!(listed.message_id.as_deref(), Some("hello@tls.example"));
    assert_eq!((listed.from.as_str(), listed.to.as_str()), ("Dora <dora@tls.example>", ALICE));
    assert_eq!((listed.subject.as_str(), listed.date), ("hello", at(-60)));
    assert_eq!((listed.received_at, listed.seen), (at(7), false));
    assert_eq!(listed.size, letter("hello").raw.len() as u64);
    let raw = store.mailbox_raw(ALICE, Mailbox::Inbox, listed.id).await.unwrap();
    assert_eq!(raw, Some(letter("hello").raw));
}

#[tokio::test]
async fn a_message_without_a_date_has_that_of_its_receipt() {
    let store = home().await;
    let mut undated = letter("hello");
    undated.listing.date = None;
    store.receive(ALICE, undated, 7).await;
    assert_eq!(store.mailbox(ALICE, Mailbox::Inbox, None).await.unwrap()[0].date, at(7));
}

#[rstest]
#[case::all(None, &["third", "second", "first"])]
#[case::some(Some(2), &["third", "second"])]
#[case::more_than_there_are(Some(9), &["third", "second", "first"])]
#[tokio::test]
async fn a_list_is_newest_received_first(#[case] limit: Option<u32>, #[case] subjects: &[&str]) {
    let store = home().await;
    for (subject, received) in [("second", 2), ("first", 1), ("third", 2)] {
        store.receive(ALICE, letter(subject), received).await;
    }
    assert_eq!(store.subjects(ALICE, limit).await, subjects);
}

#[tokio::test]
async fn ids_increase_and_tell_nothing_of_others() {
    let store = home().await;
    store.receive(ALICE, letter("a"), 1).await;
    for n in 0..5 {
        store.receive(BOB, letter(&format!("b{n}")), 1).await;
    }
    store.receive(ALICE, letter("c"), 1).await;
    let ids: Vec<_> = store
        .mailbox(ALICE, Mailbox::Inbox, None)
        .await
        .unwrap()
        .into_iter()
        .map(|listed| listed.id)
        .collect();
    assert_eq!(ids, [2, 1]);
}

#[rstest]
#[case::anothers(BOB, Mailbox::Inbox)]
#[case::in_the_other_mailbox(ALICE, Mailbox::Sent)]
#[case::of_nobody("nobody@home.example", Mailbox::Inbox)]
#[tokio::test]
async fn a_message_is_found_where_it_is_and_nowhere_else(#[case] account: &str, #[case] mailbox: Mailbox) {
    let store = home().await;
    store.receive(ALICE, letter("hello"), 1).await;
    assert!(store.mailbox(account, mailbox, None).await.unwrap().is_empty());
    assert_eq!(store.mailbox_raw(account, mailbox, 1).await.unwrap(), None);
    let marked = store.set_seen(account, mailbox, 1, true).await;
    assert!(matches!(marked, Err(StoreError::NotFound(_))), "{marked:?}");
}

#[tokio::test]
async fn a_message_is_marked_read_and_unread() {
    let store = home().await;
    store.receive(ALICE, letter("hello"), 1).await;
    for seen in [true, true, false] {
        store.set_seen(ALICE, Mailbox::Inbox, 1, seen).await.unwrap();
        assert_eq!(store.mailbox(ALICE, Mailbox::Inbox, None).await.unwrap()[0].seen, seen);
    }
}

#[rstest]
#[case("INBOX", Some(Mailbox::Inbox))]
#[case("inbox", Some(Mailbox::Inbox))]
#[case("Sent", Some(Mailbox::Sent))]
#[case("sent", None)]
#[case("Trash", None)]
#[case("", None)]
fn mailboxes_have_names(#[case] name: &str, #[case] mailbox: Option<Mailbox>) {
    assert_eq!(Mailbox::from_name(name), mailbox);
}
