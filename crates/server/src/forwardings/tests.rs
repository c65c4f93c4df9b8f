use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use api::ProtectionWord;
use guarantee::{Authentication, HostAddress, Origin, Requirement, Wish};
use rstest::rstest;
use smtp::envelope::Notify as Asked;
use store::{AddedForwarding, JobRecipient, Mailbox, MessageFacts, NewForwardingRow, RecipientId, Sqlite};

use super::*;
use crate::{config::Place as At, demo, lmtp::Lmtp};

use Protection::{Authenticated, Dane, Encrypted, None as InClear};

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";
const TARGET: &str = "carla@x.example";

/// What each look finds, the first first; the last for all that follow.
#[derive(Default)]
struct Scripted(Mutex<HashMap<String, Vec<Option<Protection>>>>);

#[async_trait]
impl Ways for Scripted {
    async fn way(&self, address: &str) -> Option<Protection> {
        let mut ways = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = ways.get_mut(address)?;
        if answers.len() > 1 { answers.remove(0) } else { answers[0] }
    }
}

struct Place {
    watch: Forwardings,
    store: Arc<dyn Store>,
    ways: Arc<Scripted>,
    events: Events,
    _data: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::with(demo::local()).await
    }

    async fn with(local: Local) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let store = Sqlite::open(data.path().join("tls-guarantee.db")).expect("a store");
        let store: Arc<dyn Store> = Arc::new(store);
        for account in [ALICE, BOB] {
            store.add_account(account, "hash", Timestamp::UNIX_EPOCH).await.expect("added");
        }
        let (ways, events) = (Arc::<Scripted>::default(), Events::new());
        let watch = Forwardings::new(ForwardingsParts {
            store: Arc::clone(&store),
            ways: Arc::<Scripted>::clone(&ways),
            senders: Senders::own(Arc::clone(&store)),
            local: Arc::new(local),
            events: events.clone(),
            wake: Arc::default(),
        });
        Self { watch, store, ways, events, _data: data }
    }

    /// Watched for that account, known to be that, and due.
    async fn watched(&self, account: &str, protection: Option<Protection>) {
        let new = NewForwardingRow {
            account: account.to_owned(),
            address: TARGET.to_owned(),
            protection,
            created_at: Timestamp::UNIX_EPOCH,
            next_look_at: Timestamp::UNIX_EPOCH,
        };
        let added = self.store.add_forwarding(new).await.expect("added");
        assert!(matches!(added, AddedForwarding::Added(_)), "{added:?}");
    }

    fn finds(&self, finds: &[Option<Protection>]) {
        let mut ways = self.ways.0.lock().unwrap_or_else(PoisonError::into_inner);
        ways.insert(TARGET.to_owned(), finds.to_vec());
    }

    async fn look(&self, finds: &[Option<Protection>]) {
        self.finds(finds);
        let due = self.store.forwardings_due(Timestamp::MAX, 10).await.expect("read");
        for of in due {
            self.watch.inner.look(&of).await.expect("looked");
        }
    }

    async fn mails(&self, account: &str) -> usize {
        self.store.mailbox(account, Mailbox::Inbox, None).await.expect("a mailbox").len()
    }

    async fn shown(&self, account: &str) -> ProtectionWord {
        self.store.forwardings(account).await.expect("read")[0].protection
    }

    /// A mail to the target goes through the mail store's entry, and is delivered with that protection.
    async fn passes(&self, header: &str, reverse_path: &str, protection: Protection) {
        let content = format!("Received: from here\r\n{header}Subject: hello\r\n\r\nhi\r\n");
        let host = HostAddress { name: "mx.x.example".to_owned(), address: [192, 0, 2, 1].into() };
        let fate = Fate::Delivered {
            protection,
            authentication: Authentication::Nothing,
            host,
            tls: None,
            reply: "250 taken".to_owned(),
            dsn: delivery::DsnOffer::NotOffered,
        };
        self.watch.passed(&job(reverse_path), content.as_bytes(), &[fate]).await;
    }
}

fn job(reverse_path: &str) -> Job {
    Job {
        facts: MessageFacts {
            queue_id: "q".to_owned(),
            origin: Origin::MailStore,
            account: None,
            reverse_path: match reverse_path {
                "" => ReversePath::Null,
                address => ReversePath::Address(address.to_owned()),
            },
            ret: None,
            envid: None,
            smtputf8: false,
            eight_bit: false,
            wish: Wish::None,
            accepted_at: Timestamp::UNIX_EPOCH,
        },
        size: 0,
        next_hop: NextHop::Domain("x.example".to_owned()),
        requirement: Requirement::Opportunistic,
        recipients: vec![JobRecipient {
            id: RecipientId(1),
            address: TARGET.to_owned(),
            notify: Asked::Unspecified,
            orcpt: None,
            history: guarantee::History::default(),
            delay_reported: false,
        }],
    }
}

#[rstest]
#[case::dane_to_authenticated(Some(Dane), &[Some(Authenticated)], 1, ProtectionWord::Authenticated)]
#[case::dane_to_encrypted(Some(Dane), &[Some(Encrypted)], 1, ProtectionWord::Encrypted)]
#[case::encrypted_to_none(Some(Encrypted), &[Some(InClear)], 1, ProtectionWord::None)]
#[case::the_same(Some(Encrypted), &[Some(Encrypted)], 0, ProtectionWord::Encrypted)]
#[case::better(Some(Encrypted), &[Some(Dane)], 0, ProtectionWord::Dane)]
#[case::not_known_now(Some(Dane), &[None], 0, ProtectionWord::Dane)]
#[case::not_known_before(None, &[Some(InClear)], 0, ProtectionWord::None)]
#[case::a_moment_s_trouble(Some(Dane), &[Some(InClear), Some(Dane)], 0, ProtectionWord::Dane)]
#[case::the_better_of_two(Some(Dane), &[Some(InClear), Some(Encrypted)], 1, ProtectionWord::Encrypted)]
#[case::not_confirmed(Some(Dane), &[Some(InClear), None], 0, ProtectionWord::Dane)]
#[tokio::test]
async fn a_loss_is_told_and_nothing_else(
    #[case] known: Option<Protection>,
    #[case] finds: &[Option<Protection>],
    #[case] mails: usize,
    #[case] shown: ProtectionWord,
) {
    let place = Place::new().await;
    place.watched(ALICE, known).await;
    place.look(finds).await;
    assert_eq!((place.mails(ALICE).await, place.shown(ALICE).await), (mails, shown));
}

#[tokio::test]
async fn each_loss_is_told_once_and_the_page_hears_of_the_mail() {
    let place = Place::new().await;
    place.watched(ALICE, Some(Dane)).await;
    let mut events = place.events.subscribe();
    place.look(&[Some(InClear)]).await;
    let told = events.recv().await.expect("an event");
    assert_eq!((told.account.as_str(), told.event.name()), (ALICE, "mailbox"));
    place.look(&[Some(InClear)]).await;
    assert_eq!(place.mails(ALICE).await, 1, "it is known");
    place.look(&[Some(Encrypted)]).await;
    place.look(&[Some(InClear)]).await;
    assert_eq!(place.mails(ALICE).await, 2, "it had become better");
    assert_eq!(place.mails(BOB).await, 0);
}

#[tokio::test]
async fn all_that_is_due_is_looked_at_and_then_not_for_a_day() {
    let place = Place::new().await;
    place.watched(ALICE, None).await;
    place.watched(BOB, None).await;
    place.finds(&[Some(Encrypted)]);
    let now = Timestamp::now();
    place.watch.inner.round(now).await.expect("a round");
    for account in [ALICE, BOB] {
        assert_eq!(place.shown(account).await, ProtectionWord::Encrypted);
    }
    let due = async |hours| {
        place.store.forwardings_due(now + SignedDuration::from_hours(hours), 10).await.expect("read").len()
    };
    assert_eq!((due(21).await, due(27).await), (0, 2));
}

#[rstest]
#[case::known(Some(InClear), 22 * 60, 26 * 60)]
#[case::unknown(None, 150, 210)]
fn looks_are_spread(#[case] known: Option<Protection>, #[case] least: i64, #[case] most: i64) {
    let now = Timestamp::UNIX_EPOCH;
    let minutes: std::collections::HashSet<i64> =
        (0..50).map(|_| next_look(known, now).as_second() / 60).collect();
    assert!(minutes.len() > 5 && minutes.iter().all(|at| (least..=most).contains(at)), "{minutes:?}");
}

#[rstest]
#[case::pigeonhole_names_the_user("X-Sieve-Redirected-From: alice@home.example\r\n", "erik@tls.example", 1)]
#[case::on_top_of_what_the_mail_brought(
    "X-Sieve-Redirected-From: bob@home.example\r\nX-Sieve-Redirected-From: alice@home.example\r\n",
    "erik@tls.example",
    0
)]
#[case::under_the_user_s_own_address("", "alice@home.example", 1)]
#[case::with_a_mark("", "alice+sieve@home.example", 1)]
#[case::nobody_s("", "erik@tls.example", 0)]
#[case::nobody_s_by_name("X-Sieve-Redirected-From: erik@tls.example\r\n", "alice@home.example", 0)]
#[case::sent_by_no_person("Auto-Submitted: auto-generated; x=no\r\n", "alice@home.example", 0)]
#[case::sent_by_a_person("Auto-Submitted: No (by hand)\r\n", "alice@home.example", 1)]
#[case::a_report_s("X-Sieve-Redirected-From: alice@home.example\r\n", "", 0)]
#[tokio::test]
async fn what_a_forwarded_mail_meets_is_compared_at_once(
    #[case] header: &str,
    #[case] reverse_path: &str,
    #[case] mails: usize,
) {
    let place = Place::new().await;
    place.watched(ALICE, Some(Encrypted)).await;
    place.passes(header, reverse_path, InClear).await;
    assert_eq!(place.mails(ALICE).await, mails);
    place.passes(header, reverse_path, InClear).await;
    assert_eq!(place.mails(ALICE).await, mails, "once");
}

/// Where the mailboxes are another server's.
#[tokio::test]
async fn the_mail_goes_through_the_queue_where_mailboxes_are_elsewhere() {
    let lmtp = Lmtp::new(At::Unix("/nowhere/lmtp".into()), "home.example".to_owned());
    let place = Place::with(Local { lmtp: Some(Arc::new(lmtp)), ..demo::local() }).await;
    place.watched(ALICE, Some(Encrypted)).await;
    place.look(&[Some(InClear)]).await;
    let queue = place.store.queue().await.expect("the queue");
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0].status.recipients[0].address, ALICE);
    assert_eq!(place.mails(ALICE).await, 0);
}
