use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use api::RecipientState;
use delivery::{Courier, DnsServers, Dnssec, MemoryPolicies, Ownership, Settings};
use guarantee::{HostAddress, Origin, Requirement, Wish};
use jiff::SignedDuration;
use rstest::rstest;
use smtp::envelope::ReversePath;
use store::{MessageFacts, NewMessage, NewRecipient, NextHop, RecipientId, Sqlite, Store};
use tempfile::TempDir;
use tokio::{sync::Notify as Bell, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    check::Checks,
    demo,
    events::Events,
    forwardings::{Forwardings, ForwardingsParts},
    lmtp::{
        real::Dovecot,
        scripted::{CLOSE, Scripted, Taken},
    },
    local::Local,
    queue::{Reporter, Reporting, Runner, Watch},
    senders::Senders,
};

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";
const NOBODY: &str = "nobody@home.example";

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

/// A queue at work, whose mailboxes another server has.
struct Queue {
    store: Arc<dyn Store>,
    events: Events,
    local: Arc<Local>,
    folder: TempDir,
    shutdown: CancellationToken,
    runner: Option<JoinHandle<()>>,
}

impl Queue {
    /// Not yet at work.
    async fn with(lmtp: Lmtp) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path().join("db")).expect("a store"));
        store.ensure_account(ALICE, Timestamp::UNIX_EPOCH).await.expect("an account");
        let local = Local { postmaster: Some(BOB.to_owned()), lmtp: Some(Arc::new(lmtp)), ..demo::local() };
        let (events, shutdown) = (Events::new(), CancellationToken::new());
        Self { store, events, local: Arc::new(local), folder, shutdown, runner: None }
    }

    async fn at_work(lmtp: Lmtp) -> Self {
        let mut this = Self::with(lmtp).await;
        this.start();
        this
    }

    fn start(&mut self) {
        let wake = Arc::<Bell>::default();
        let (store, events, local) = (&self.store, &self.events, &self.local);
        let watch = Watch::new(Arc::clone(store), Reporting::Off);
        let checks = Checks::new(courier(), Arc::clone(local), Arc::clone(store), watch.clone());
        let runner = Runner::new(RunnerParts {
            store: Arc::clone(store),
            courier: courier(),
            reporter: Reporter::new(Arc::clone(store), events.clone(), Arc::clone(&wake), Arc::clone(local)),
            forwardings: Forwardings::new(ForwardingsParts {
                store: Arc::clone(store),
                ways: Arc::new(checks.clone()),
                senders: Senders::own(Arc::clone(store)),
                local: Arc::clone(local),
                events: events.clone(),
                wake: Arc::clone(&wake),
            }),
            checks,
            watch,
            events: events.clone(),
            local: Arc::clone(local),
            wake,
            keep: SignedDuration::from_hours(1),
        });
        self.runner = Some(tokio::spawn(runner.run(self.shutdown.clone())));
    }

    async fn accept(&self, queue_id: &str, to: &[&str]) {
        let recipient = |&address: &&str| NewRecipient {
            address: address.to_owned(),
            next_hop: self.local.next_hop(address.split_once('@').expect("an address").1),
            notify: Notify::Unspecified,
            orcpt: None,
        };
        let content = b"Message-ID: <1@home.example>\r\nSubject: hello\r\n\r\nhi\r\n";
        let message = NewMessage {
            facts: facts(queue_id),
            message_id: None,
            subject: "hello".to_owned(),
            recipients: to.iter().map(recipient).collect(),
            content: content.as_slice().into(),
            end_to_end: false,
            sent_copy: None,
            replaces: None,
        };
        self.store.accept(message).await.expect("accepted");
    }

    /// Waits until the recipients of a message are in these states.
    async fn until(&self, queue_id: &str, states: &[RecipientState]) {
        let mut events = self.events.subscribe();
        let reached = async {
            loop {
                let status =
                    self.store.message_status(ALICE, queue_id).await.expect("readable").expect("hers");
                let now: Vec<_> = status.recipients.iter().map(|recipient| recipient.state).collect();
                if now == states {
                    return;
                }
                events.recv().await.expect("the sender is kept");
            }
        };
        timeout(LONG, reached).await.expect("in time");
    }

    async fn is_empty(&self) -> bool {
        self.store.queue().await.expect("readable").is_empty()
    }

    async fn rest(&mut self) {
        self.shutdown.cancel();
        self.runner.take().expect("at work").await.expect("no panic");
    }

    async fn stop(mut self) {
        self.rest().await;
        drop(self.folder);
    }
}

fn courier() -> Courier {
    let settings = Settings {
        hello_name: "mail.home.example".to_owned(),
        own: Ownership { names: Vec::new(), addresses: Vec::new(), loopback_is_the_world: false },
        dns: DnsServers::At(vec![([127, 0, 0, 1], 9).into()]),
        dnssec: Dnssec::TrustAd,
        port: 9,
        https_port: 9,
        roots: Vec::new(),
        policies: Arc::new(MemoryPolicies::default()),
        routes: HashMap::new(),
    };
    Courier::new(settings).expect("a courier, though nothing goes out")
}

fn facts(queue_id: &str) -> MessageFacts {
    MessageFacts {
        queue_id: queue_id.to_owned(),
        origin: Origin::Submission,
        account: Some(ALICE.to_owned()),
        reverse_path: ReversePath::Address(ALICE.to_owned()),
        ret: None,
        envid: None,
        smtputf8: false,
        eight_bit: false,
        wish: Wish::None,
        accepted_at: Timestamp::now(),
    }
}

fn is_report(taken: &Taken) -> bool {
    (taken.mail.as_str(), taken.recipient.as_str()) == ("<> BODY=8BITMIME", ALICE)
        && taken.content.starts_with("Date: ")
        && taken.content.contains("report-type=delivery-status")
}

#[tokio::test]
async fn each_recipient_goes_its_way_and_the_sender_has_the_report() {
    let rules =
        [("RCPT nobody@home.example", "550 5.1.1 who?"), (". bob@home.example", "452 4.2.2 Mailbox is full")];
    let mut mailboxes = Scripted::start(&rules);
    let queue = Queue::at_work(mailboxes.client()).await;
    queue.accept("q1", &[ALICE, NOBODY, BOB]).await;
    let mail = timeout(LONG, mailboxes.taken()).await.expect("in time");
    assert_eq!((mail.mail.as_str(), mail.recipient.as_str()), ("<alice@home.example>", ALICE));
    assert!(
        mail.content.starts_with("Message-ID: <1@home.example>\r\n"),
        "nothing of ours in front: {mail:?}"
    );
    let report = timeout(LONG, mailboxes.taken()).await.expect("in time");
    assert!(is_report(&report), "{report:?}");
    assert!(report.content.contains("There is no mailbox nobody@home.example here"), "{report:?}");
    queue.until("q1", &[RecipientState::Delivered, RecipientState::Bounced, RecipientState::Deferred]).await;
    assert_eq!(mailboxes.left(), None);
    queue.stop().await;
}

#[tokio::test]
async fn mailboxes_that_come_back_have_the_mail_soon_and_once() {
    let mut mailboxes = Scripted::away();
    let queue = Queue::at_work(mailboxes.client()).await;
    queue.accept("q1", &[ALICE]).await;
    queue.until("q1", &[RecipientState::Deferred]).await;
    let begun = Instant::now();
    mailboxes.come(&[]);
    queue.until("q1", &[RecipientState::Delivered]).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(mailboxes.taken().await.recipient, ALICE);
    assert_eq!(mailboxes.left(), None);
    assert!(queue.is_empty().await);
    queue.stop().await;
}

#[tokio::test]
async fn mail_of_unknown_fate_is_sent_again() {
    let mut mailboxes = Scripted::start(&[(". alice@home.example", CLOSE)]);
    let queue = Queue::at_work(mailboxes.client()).await;
    queue.accept("q1", &[ALICE]).await;
    queue.until("q1", &[RecipientState::Deferred]).await;
    mailboxes.go();
    mailboxes.come(&[]);
    queue.until("q1", &[RecipientState::Delivered]).await;
    queue.stop().await;
}

#[tokio::test]
async fn a_stop_from_before_a_restart_is_reported_once() {
    let mut mailboxes = Scripted::start(&[]);
    let mut queue = Queue::with(mailboxes.client()).await;
    queue.accept("q1", &["carla@plain.example"]).await;
    let job = queue.store.claim_due(Timestamp::now(), 1, &[]).await.expect("readable").remove(0);
    let cause = Cause::NoStarttls { host: host() };
    let outcome = RecipientOutcome { recipient: job.recipients[0].id, outcome: Outcome::Stopped(cause) };
    queue.store.record("q1", vec![outcome], Timestamp::now()).await.expect("recorded");
    queue.start();
    let report = timeout(LONG, mailboxes.taken()).await.expect("in time");
    assert!(is_report(&report), "{report:?}");
    queue.rest().await;
    queue.shutdown = CancellationToken::new();
    queue.start();
    queue.accept("q2", &[ALICE]).await;
    queue.until("q2", &[RecipientState::Delivered]).await;
    assert_eq!(mailboxes.taken().await.mail, "<alice@home.example>", "no second report");
    assert_eq!(mailboxes.left(), None);
    assert_eq!(queue.store.stops(ALICE, None).await.expect("readable").len(), 1);
    queue.stop().await;
}

#[rstest]
#[case::nobodys(&[("RCPT postmaster@home.example", "550 5.1.1 who?")], BOB)]
#[case::somebodys(&[], "postmaster@home.example")]
#[tokio::test]
async fn postmaster_is_always_somebody(#[case] rules: &[(&str, &str)], #[case] reader: &str) {
    let mut mailboxes = Scripted::start(rules);
    let queue = Queue::at_work(mailboxes.client()).await;
    assert!(queue.local.takes(&*queue.store, "postmaster@home.example").await.is_ok());
    queue.accept("q1", &["postmaster@home.example"]).await;
    assert_eq!(timeout(LONG, mailboxes.taken()).await.expect("in time").recipient, reader);
    queue.stop().await;
}

/// Alice's mails, once there are so many: Dovecot tells nobody when it files one.
async fn new_mails(dovecot: &Dovecot, count: usize) -> Vec<String> {
    let there = async {
        loop {
            let mails = dovecot.mails("alice");
            if mails.len() >= count {
                return mails;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, there).await.expect("in time")
}

#[tokio::test]
async fn debians_dovecot_has_the_report_at_once_and_after_a_restart_soon() {
    let Some(dovecot) = Dovecot::start() else { return };
    let queue = Queue::at_work(dovecot.client()).await;
    queue.accept("q1", &[NOBODY]).await;
    queue.until("q1", &[RecipientState::Bounced]).await;
    let begun = Instant::now();
    let mails = new_mails(&dovecot, 1).await;
    // A fraction of a second, on a machine with nothing else to do.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(mails[0].starts_with("Return-Path: <>\n") && mails[0].contains(NOBODY), "{mails:?}");
    dovecot.go();
    queue.accept("q2", &[ALICE]).await;
    queue.until("q2", &[RecipientState::Deferred]).await;
    dovecot.come();
    queue.until("q2", &[RecipientState::Delivered]).await;
    assert_eq!(new_mails(&dovecot, 2).await.len(), 2);
    queue.stop().await;
}

fn host() -> HostAddress {
    HostAddress { name: "mx.plain.example".to_owned(), address: [192, 0, 2, 1].into() }
}

fn refused(reply: &str) -> Cause {
    let status = reply.split(' ').nth(1).unwrap_or_default().to_owned();
    Cause::Rejected { host: host(), status, command: "RCPT TO".to_owned(), reply: reply.to_owned() }
}

/// After so many attempts and so long, the next comes so soon; or it is over.
#[rstest]
#[case::later(
    Verdict::Later(refused("452 4.2.2 full")),
    0,
    SignedDuration::ZERO,
    Some(SignedDuration::from_mins(2))
)]
#[case::away(
    Verdict::Away(refused("421 4.3.2 bye")),
    0,
    SignedDuration::ZERO,
    Some(SignedDuration::from_secs(1))
)]
#[case::long_away(
    Verdict::Away(refused("421 4.3.2 bye")),
    50,
    SignedDuration::from_hours(5),
    Some(SignedDuration::from_mins(5))
)]
#[case::too_long_away(Verdict::Away(refused("421 4.3.2 bye")), 50, guarantee::EXPIRES_AFTER, None)]
fn what_can_wait_waits(
    #[case] verdict: Verdict,
    #[case] attempts: u32,
    #[case] waited: SignedDuration,
    #[case] expected: Option<SignedDuration>,
) {
    let recipient = JobRecipient {
        id: RecipientId(1),
        address: ALICE.to_owned(),
        notify: Notify::Unspecified,
        orcpt: None,
        history: History { attempts, ..History::default() },
        delay_reported: false,
    };
    let job = Job {
        facts: facts("q"),
        size: 0,
        next_hop: NextHop::Local,
        requirement: Requirement::Encrypted,
        recipients: vec![recipient.clone()],
    };
    let now = job.facts.accepted_at + waited;
    match (outcome(&job, &recipient, verdict, now), expected) {
        (Outcome::Deferred { history, next_attempt_at, report_delay, .. }, Some(wait)) => {
            assert_eq!((history.attempts, next_attempt_at), (attempts + 1, now + wait));
            assert_eq!(report_delay, !waited.is_zero());
        }
        (Outcome::Bounced(Cause::Expired { .. }), None) => {}
        other => panic!("{other:?}"),
    }
}
