use guarantee::Origin;
use jiff::Timestamp;
use smtp::envelope::{Ret, ReversePath};
use store::{Filed, FiledReport, NewRecipient, PendingReport, ReportKind, ReportTo, Reported, StoreError};

use super::world::{
    ALICE, Fresh, With as _, at, bounced, deferred, delayed, delivered, evidence, home, letter, message,
    no_starttls, only, recipient, stopped, unreachable,
};

const CARLA: &str = "carla@plain.example";
const DORA: &str = "dora@tls.example";

async fn sent() -> Fresh {
    let store = home().await;
    let new = message("m1", &[]).with(|new| {
        new.facts.ret = Some(Ret::Full);
        new.facts.envid = Some("env".to_owned());
        new.recipients = vec![
            NewRecipient { orcpt: Some("rfc822;C".to_owned()), ..recipient(CARLA) },
            recipient(DORA),
            recipient("e@x.example"),
        ];
    });
    store.accept(new).await.unwrap();
    store
}

impl Fresh {
    async fn pending(&self) -> PendingReport {
        self.pending_report("m1").await.unwrap().unwrap()
    }
}

fn to_inbox(pending: &PendingReport, subject: &str, now: Timestamp) -> FiledReport {
    FiledReport {
        about: "m1".to_owned(),
        recipients: pending.recipients.iter().map(Reported::from).collect(),
        to: Some(ReportTo::Mailbox { account: ALICE.to_owned(), message: letter(subject) }),
        now,
    }
}

#[tokio::test]
async fn what_is_pending_has_all_that_a_report_needs() {
    let store = sent().await;
    assert!(store.pending_report("m1").await.unwrap().is_none());
    assert!(store.pending_report("m9").await.unwrap().is_none());
    store.record_for("m1", DORA, delayed(99), 5).await;
    store.record_for("m1", CARLA, stopped(), 6).await;
    let pending = store.pending().await;
    assert_eq!((pending.facts.queue_id.as_str(), pending.facts.account.as_deref()), ("m1", Some(ALICE)));
    assert_eq!(pending.facts.reverse_path, ReversePath::Address(ALICE.to_owned()));
    assert_eq!((pending.facts.ret, pending.facts.envid.as_deref()), (Some(Ret::Full), Some("env")));
    assert_eq!((pending.facts.accepted_at, pending.first_verdicts_missing), (at(0), 1));
    assert_eq!(pending.content, message("m1", &[]).content);
    let [carla, dora] = &pending.recipients[..] else { panic!("two, in the order given") };
    assert_eq!((carla.address.as_str(), carla.orcpt.as_deref()), (CARLA, Some("rfc822;C")));
    assert_eq!((carla.kind, &carla.cause, carla.at), (ReportKind::Stopped, &Some(no_starttls()), at(6)));
    assert_eq!((dora.kind, &dora.cause, dora.at), (ReportKind::Delayed, &Some(unreachable()), at(5)));
}

#[tokio::test]
async fn a_report_is_filed_and_nothing_is_pending() {
    let store = sent().await;
    store.record_for("m1", CARLA, stopped(), 5).await;
    let report = to_inbox(&store.pending().await, "Undelivered", at(6));
    assert_eq!(store.file_report(report).await.unwrap(), Filed::Done);
    assert_eq!(store.inbox().await, ["Undelivered"]);
    assert!(store.pending_report("m1").await.unwrap().is_none());
    assert!(store.reports_due().await.unwrap().is_empty());
}

// rfc 3464 3: SHOULD Each sender-specified recipient address
#[tokio::test]
async fn no_failure_is_reported_twice() {
    let store = sent().await;
    store.record_for("m1", CARLA, stopped(), 5).await;
    let report = to_inbox(&store.pending().await, "Undelivered", at(6));
    let (first, second) = tokio::join!(store.file_report(report.clone()), store.file_report(report));
    let mut answers = [first.unwrap(), second.unwrap()];
    answers.sort_by_key(|answer| *answer == Filed::Stale);
    assert_eq!(answers, [Filed::Done, Filed::Stale]);
    assert_eq!(store.inbox().await.len(), 1);
}

#[tokio::test]
async fn later_failures_are_reported_by_themselves() {
    let store = sent().await;
    store.record_for("m1", CARLA, stopped(), 5).await;
    let first = to_inbox(&store.pending().await, "first", at(6));
    store.record_for("m1", DORA, bounced(), 6).await;
    assert_eq!(store.file_report(first).await.unwrap(), Filed::Done, "what it says is still so");
    let pending = store.pending().await;
    assert_eq!(pending.recipients.len(), 1);
    assert_eq!(
        (pending.recipients[0].address.as_str(), pending.recipients[0].kind),
        (DORA, ReportKind::Failed)
    );
    assert_eq!(store.file_report(to_inbox(&pending, "second", at(7))).await.unwrap(), Filed::Done);
    assert_eq!(store.inbox().await, ["second", "first"]);
}

#[tokio::test]
async fn a_delay_is_told_once() {
    let store = sent().await;
    store.record_for("m1", CARLA, delayed(60), 5).await;
    let notice = to_inbox(&store.pending().await, "delayed", at(6));
    assert_eq!(store.file_report(notice).await.unwrap(), Filed::Done);
    let jobs = store.claim(60).await;
    let told = jobs.iter().flat_map(|job| &job.recipients).find(|to| to.address == CARLA).unwrap();
    assert!(told.delay_reported);
    let id = told.id;
    store.release(&[id]).await.unwrap();
    assert_eq!(store.record_for("m1", CARLA, delayed(120), 61).await.reports_pending, []);
}

#[tokio::test]
async fn a_delay_that_became_a_stop_is_told_as_one() {
    let store = sent().await;
    store.record_for("m1", CARLA, delayed(60), 5).await;
    let notice = to_inbox(&store.pending().await, "delayed", at(6));
    store.record_for("m1", CARLA, stopped(), 61).await;
    assert_eq!(store.file_report(notice).await.unwrap(), Filed::Stale);
    assert!(store.inbox().await.is_empty());
    assert_eq!(store.pending().await.recipients[0].kind, ReportKind::Stopped);
}

#[tokio::test]
async fn a_delay_stays_to_be_told_until_it_is_over() {
    let store = sent().await;
    store.record_for("m1", CARLA, delayed(60), 5).await;
    assert_eq!(store.record_for("m1", CARLA, deferred(120), 61).await.reports_pending, [ReportKind::Delayed]);
    assert_eq!(store.record_for("m1", CARLA, delivered(), 121).await.reports_pending, []);
    assert!(store.reports_due().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_success_is_told_with_the_hosts_reply() {
    let store = home().await;
    let recipients = vec![NewRecipient { notify: only("success"), ..recipient(DORA) }];
    store.accept(message("m1", &[]).with(|new| new.recipients = recipients)).await.unwrap();
    let progress = store.record_for("m1", DORA, delivered(), 5).await;
    assert_eq!(progress.reports_pending, [ReportKind::Relayed]);
    let pending = store.pending().await;
    let [dora] = &pending.recipients[..] else { panic!("one: {pending:?}") };
    assert_eq!((dora.kind, &dora.cause, &dora.evidence), (ReportKind::Relayed, &None, &Some(evidence())));
    assert_eq!(store.file_report(to_inbox(&pending, "relayed", at(6))).await.unwrap(), Filed::Done);
    assert!(store.pending_report("m1").await.unwrap().is_none());
    assert!(store.content("m1").await.is_err(), "finished");
}

#[tokio::test]
async fn the_content_stays_until_the_failure_is_reported() {
    let store = home().await;
    store.accept(message("m1", &[CARLA])).await.unwrap();
    store.record_for("m1", CARLA, stopped(), 5).await;
    assert!(store.content("m1").await.is_ok());
    let report = FiledReport { to: None, ..to_inbox(&store.pending().await, "", at(6)) };
    assert_eq!(store.file_report(report).await.unwrap(), Filed::Done);
    assert!(matches!(store.content("m1").await, Err(StoreError::NotFound(_))));
    assert!(store.inbox().await.is_empty());
}

#[tokio::test]
async fn a_report_can_go_into_the_queue() {
    let store = home().await;
    let from_outside = ReversePath::Address("someone@tls.example".to_owned());
    store.accept(message("m1", &[CARLA]).with(|new| new.facts.reverse_path = from_outside)).await.unwrap();
    store.record_for("m1", CARLA, bounced(), 5).await;
    let report = message("r1", &["someone@tls.example"]).with(|new| {
        new.facts.origin = Origin::Report;
        new.facts.account = None;
        new.facts.reverse_path = ReversePath::Null;
        new.facts.accepted_at = at(6);
    });
    let filed = FiledReport {
        to: Some(ReportTo::Queue(Box::new(report))),
        ..to_inbox(&store.pending().await, "", at(6))
    };
    assert_eq!(store.file_report(filed).await.unwrap(), Filed::Done);
    let jobs = store.claim(6).await;
    assert_eq!(
        (jobs.len(), jobs[0].facts.queue_id.as_str(), jobs[0].facts.origin),
        (1, "r1", Origin::Report)
    );
}

#[tokio::test]
async fn a_report_that_cannot_be_filed_stays_pending() {
    let store = sent().await;
    store.record_for("m1", CARLA, stopped(), 5).await;
    let mut report = to_inbox(&store.pending().await, "Undelivered", at(6));
    report.to = Some(ReportTo::Mailbox { account: "nobody@home.example".to_owned(), message: letter("x") });
    let answer = store.file_report(report).await;
    assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}");
    assert_eq!(store.reports_due().await.unwrap(), ["m1"]);
}

#[tokio::test]
async fn a_report_about_another_message_is_stale() {
    let store = sent().await;
    store.accept(message("m2", &[CARLA])).await.unwrap();
    store.record_for("m1", DORA, stopped(), 5).await;
    let report = FiledReport { about: "m2".to_owned(), ..to_inbox(&store.pending().await, "x", at(6)) };
    assert_eq!(store.file_report(report).await.unwrap(), Filed::Stale);
}
