use futures_util::FutureExt as _;
use store::{Outcome, RecipientOutcome, Sqlite};

use super::*;
use crate::{config::Place, demo, lmtp::Lmtp};

const ERIK: &str = "erik@tls.example";

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
