use store::{Outcome, RecipientOutcome, Sqlite};

use super::*;
use crate::demo;

/// A report about a failed message of `erik@tls.example` with this wish, as it waits in the queue.
async fn report_about(wish: Wish) -> store::Job {
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
    failed.facts.reverse_path = ReversePath::Address("erik@tls.example".to_owned());
    failed.facts.wish = wish;
    let queue_id = failed.facts.queue_id.clone();
    store.accept(failed).await.expect("accepted");
    let job = store.claim_due(now, 1, &[]).await.expect("claimed").remove(0);
    let cause = guarantee::Cause::NullMx { domain: "plain.example".to_owned() };
    let outcome = RecipientOutcome { recipient: job.recipients[0].id, outcome: Outcome::Bounced(cause) };
    store.record(&queue_id, vec![outcome], now).await.expect("recorded");
    let reporter = Reporter::new(Arc::clone(&store), Events::new(), Arc::default(), Arc::new(demo::local()));
    reporter.inner.report(&queue_id, Notice::Failed).await.expect("filed");
    store.claim_due(Timestamp::now(), 1, &[]).await.expect("claimed").remove(0)
}

// rfc 8689 5: MUST They therefore MUST be protected in
// rfc 8689 5: MUST All non-delivery messages resulting from messages with
#[tokio::test]
async fn a_report_asks_for_requiretls_if_its_message_did() {
    let report = report_about(Wish::RequireTls).await;
    assert_eq!(report.facts.origin, guarantee::Origin::Report);
    assert_eq!(report.recipients[0].address, "erik@tls.example");
    assert_eq!(report.facts.wish, Wish::RequireTls);
    // It is not to be lost for the want of it.
    assert_eq!(report.requirement, guarantee::Requirement::Opportunistic);
    assert_eq!(report_about(Wish::None).await.facts.wish, Wish::None);
}
