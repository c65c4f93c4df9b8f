use futures_util::FutureExt as _;
use guarantee::Wish;
use rstest::rstest;
use store::{Outcome, RecipientOutcome, Sqlite};

use super::*;
use crate::{
    config::Place,
    demo,
    lmtp::{Lmtp, scripted::Scripted},
    srs::Srs,
};

const ERIK: &str = "erik@tls.example";
const ALICE: &str = "alice@home.example";

/// A report about a failed message of this reverse-path with this wish, as it waits in the queue of a server with these
/// mailboxes, which was woken for it.
async fn report_about(reverse_path: &str, wish: Wish, local: Local) -> store::Job {
    let data = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(data.path().join("tls-guarantee.db")).expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    let now = Timestamp::now();
    let mut failed = report_message(
        "carla@plain.example",
        NextHop::Domain("plain.example".to_owned()),
        b"Message-ID: <1@tls.example>\r\n\r\nHello\r\n".to_vec(),
        now,
    );
    failed.facts.origin = guarantee::Origin::MailStore;
    failed.facts.reverse_path = ReversePath::Address(reverse_path.to_owned());
    failed.facts.wish = wish;
    let queue_id = failed.facts.queue_id.clone();
    store.accept(failed).await.expect("accepted");
    let job = store.claim_due(now, 1, &[]).await.expect("claimed").remove(0);
    let cause = guarantee::Cause::NullMx { domain: "plain.example".to_owned() };
    let outcome = RecipientOutcome { recipient: job.recipients[0].id, outcome: Outcome::Bounced(cause) };
    store.record(&queue_id, vec![outcome], now).await.expect("recorded");
    let wake = Arc::<Notify>::default();
    let reporter = Reporter::new(Arc::clone(&store), Events::new(), Arc::clone(&wake), Arc::new(local));
    for _ in 0..2 {
        reporter.inner.report(&queue_id, Notice::Failed).await.expect("filed");
    }
    assert!(wake.notified().now_or_never().is_some(), "the queue is told");
    let mut reports = store.claim_due(Timestamp::now(), 9, &[]).await.expect("claimed");
    assert_eq!(reports.len(), 1, "none twice");
    reports.remove(0)
}

// rfc 8689 5: MUST They therefore MUST be protected in
// rfc 8689 5: MUST All non-delivery messages resulting from messages with
#[tokio::test]
async fn a_report_asks_for_requiretls_if_its_message_did() {
    let report = report_about(ERIK, Wish::RequireTls, demo::local()).await;
    assert_eq!(report.facts.origin, guarantee::Origin::Report);
    assert_eq!(report.recipients[0].address, ERIK);
    assert_eq!(report.facts.wish, Wish::RequireTls);
    // It is not to be lost for the want of it.
    assert_eq!(report.requirement, guarantee::Requirement::Opportunistic);
    assert_eq!(report_about(ERIK, Wish::None, demo::local()).await.facts.wish, Wish::None);
}

#[tokio::test]
async fn where_another_server_has_the_mailboxes_it_is_given_the_report() {
    let lmtp = Lmtp::new(Place::Unix("/nowhere".into()), "home.example".to_owned());
    let local = Local { lmtp: Some(Arc::new(lmtp)), ..demo::local() };
    let report = report_about("alice@home.example", Wish::None, local).await;
    assert_eq!((&report.next_hop, &report.facts.reverse_path), (&NextHop::Local, &ReversePath::Null));
    assert_eq!(report.recipients[0].address, "alice@home.example");
}

/// The reverse-path and the account of a message, and who reads reports about it.
#[rstest]
#[case::own(ALICE, Some(ALICE), Some(ALICE))]
#[case::alias("info@home.example", Some(ALICE), Some(ALICE))]
#[case::marked("alice+x@home.example", Some(ALICE), Some(ALICE))]
#[case::nobody("nobody@home.example", None, None)]
#[case::removed("info@home.example", Some("removed@home.example"), None)]
#[case::elsewhere(ERIK, None, Some(ERIK))]
#[tokio::test]
async fn reports_find_their_reader_in_the_own_mailboxes(
    #[case] reverse_path: &str,
    #[case] account: Option<&str>,
    #[case] reader: Option<&str>,
) {
    assert_eq!(reader_of(reverse_path, account, demo::local()).await.as_deref(), reader);
}

/// The mailboxes' server may know an alias, or only log-ins.
#[rstest]
#[case::own(ALICE, ALICE)]
#[case::alias_it_knows("info@home.example", "info@home.example")]
#[case::alias_it_does_not_know("team@home.example", ALICE)]
#[tokio::test]
async fn reports_find_their_reader_in_another_servers_mailboxes(
    #[case] reverse_path: &str,
    #[case] reader: &str,
) {
    let lmtp = Scripted::start(&[("RCPT team@home.example", "550 5.1.1 no such user")]);
    let local = Local { lmtp: Some(Arc::new(lmtp.client())), ..demo::local() };
    assert_eq!(reader_of(reverse_path, Some(ALICE), local).await.as_deref(), Some(reader));
}

/// What is told about forwarded mail is for whoever sent it.
#[tokio::test]
async fn reports_about_forwarded_mail_go_back_to_its_sender() {
    let srs = Srs::new("home.example".to_owned(), b"a secret of at least 32 characters");
    let sender = Address::parse(ERIK).expect("an address");
    let path = srs.rewrite(&sender, Timestamp::now().into()).expect("rewritten");
    let local = Local { srs: Some(srs), ..demo::local() };
    assert_eq!(reader_of(&path, None, local).await.as_deref(), Some(ERIK));
    assert_eq!(reader_of(&path, None, demo::local()).await, None, "an address like others");
}

async fn reader_of(reverse_path: &str, account: Option<&str>, local: Local) -> Option<String> {
    let data = tempfile::tempdir().expect("a directory");
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(data.path().join("test.db")).expect("a store"));
    let now = Timestamp::now();
    store.ensure_account(ALICE, now).await.expect("an account");
    let reporter = Reporter::new(store, Events::new(), Arc::default(), Arc::new(local));
    let mut about = report_message(ERIK, NextHop::Local, Vec::new(), now).facts;
    about.reverse_path = ReversePath::Address(reverse_path.to_owned());
    about.account = account.map(str::to_owned);
    reporter.inner.reader(&about, now).await.expect("looked up").map(|(reader, _)| reader)
}
