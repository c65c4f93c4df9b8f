use api::{AuthenticatedBy, RecipientState};
use guarantee::{Authentication, Cause, Protection};
use rstest::rstest;
use smtp::envelope::{Notify, ReversePath};
use store::{
    DsnDuty, Evidence, LocalDelivery, Mailbox, NewRecipient, Outcome, RecipientId, RecipientOutcome,
    ReportKind, StoreError,
};

use super::world::{
    ALICE, BOB, Fresh, With as _, at, bounced, deferred, delayed, delivered, evidence, home, letter, message,
    no_starttls, only, passed_on, recipient, stopped,
};

const CARLA: &str = "carla@plain.example";
const DORA: &str = "dora@tls.example";

/// One message of Alice's to Carla and Dora.
async fn sent() -> Fresh {
    let store = home().await;
    store.accept(message("m1", &[CARLA, DORA])).await.unwrap();
    store
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_evidence() {
    let store = sent().await;
    let progress = store.record_for("m1", DORA, delivered(), 5).await;
    assert_eq!((progress.account.as_deref(), progress.first_verdicts_missing), (Some(ALICE), 1));
    assert_eq!((progress.reports_pending, progress.stop), (vec![], None));
    let shown = store.shown("m1", DORA).await;
    assert_eq!((shown.state, shown.protection), (RecipientState::Delivered, Some(Protection::Encrypted)));
    assert_eq!(shown.reason.as_deref(), Some("250 2.0.0 taken"));
    assert_eq!(
        (shown.tls.as_deref(), shown.cipher.as_deref()),
        (Some("TLSv1.3"), Some("TLS_AES_256_GCM_SHA384"))
    );
    assert_eq!(
        (shown.key_exchange.as_deref(), shown.certificate_sha256.as_deref()),
        (Some("X25519"), Some("00ff"))
    );
    assert_eq!((shown.host.as_deref(), shown.cause, shown.status), (Some("mx.plain.example"), None, None));
    assert_eq!((shown.changed_at, shown.next_attempt_at), (at(5), None));
    assert_eq!(store.state("m1", CARLA).await, RecipientState::Queued);
}

const RECORD: &str = "3 1 1 00ff";
const NAME: &str = "mx.tls.example";

#[rstest]
#[case::not_at_all(Authentication::Nothing, None, None)]
#[case::a_host_of_unproven_name(Authentication::UnprovenHost { record: RECORD.to_owned() }, None, Some(RECORD))]
#[case::certificate(Authentication::Certificate { name: NAME.to_owned() }, Some(AuthenticatedBy::Certificate), Some(NAME))]
#[case::policy(Authentication::MtaSts { name: NAME.to_owned() }, Some(AuthenticatedBy::MtaSts), Some(NAME))]
#[case::dane(Authentication::Dane { record: RECORD.to_owned() }, Some(AuthenticatedBy::Dane), Some(RECORD))]
#[tokio::test]
async fn it_is_shown_how_the_host_was_authenticated(
    #[case] authentication: Authentication,
    #[case] by: Option<AuthenticatedBy>,
    #[case] with: Option<&str>,
) {
    let store = sent().await;
    let evidence = Evidence { authentication, ..evidence() };
    store.record_for("m1", DORA, Outcome::Delivered { evidence, dsn: DsnDuty::PassedOn }, 5).await;
    let shown = store.shown("m1", DORA).await;
    assert_eq!((shown.authenticated_by, shown.authentication.as_deref()), (by, with));
}

#[tokio::test]
async fn a_delivery_in_clear_has_no_evidence_of_tls() {
    let store = sent().await;
    let evidence = Evidence { protection: Protection::None, tls: None, ..evidence() };
    store.record_for("m1", DORA, Outcome::Delivered { evidence, dsn: DsnDuty::PassedOn }, 5).await;
    let shown = store.shown("m1", DORA).await;
    assert_eq!(shown.protection, Some(Protection::None));
    assert_eq!(
        (shown.tls, shown.cipher, shown.key_exchange, shown.certificate_sha256),
        (None, None, None, None)
    );
}

#[rstest]
#[case::never_seen_there(no_starttls(), "no_starttls", None)]
#[case::seen_before(Cause::Downgrade { now: Box::new(no_starttls()), seen: at(-90) }, "downgrade", Some(at(-90)))]
#[tokio::test]
async fn a_stop_says_when_there_was_better(
    #[case] cause: Cause,
    #[case] word: &str,
    #[case] seen: Option<jiff::Timestamp>,
) {
    let store = sent().await;
    store.record_for("m1", CARLA, Outcome::Stopped(cause.clone()), 5).await;
    let stops = store.stops(ALICE, None).await.unwrap();
    let [carla] = &stops[0].recipients[..] else { panic!("one: {stops:?}") };
    assert_eq!((carla.cause.as_str(), carla.tls_last_seen), (word, seen));
    assert_eq!((carla.reason.as_str(), carla.status.as_str()), (cause.text().as_str(), "5.7.4"));
    assert_eq!(carla.host, "mx.plain.example");
    assert_eq!(store.shown("m1", CARLA).await.cause.as_deref(), Some(word));
}

#[tokio::test]
async fn a_deferral_is_shown_with_its_cause_and_next_attempt() {
    let store = sent().await;
    let progress = store.record_for("m1", CARLA, deferred(90), 5).await;
    assert_eq!(
        (progress.first_verdicts_missing, progress.reports_pending),
        (1, vec![]),
        "deferred is a first verdict"
    );
    let shown = store.shown("m1", CARLA).await;
    assert_eq!((shown.state, shown.next_attempt_at), (RecipientState::Deferred, Some(at(90))));
    assert_eq!((shown.cause.as_deref(), shown.status.as_deref()), (Some("unreachable"), Some("4.4.1")));
    assert_eq!(shown.reason.as_deref(), Some("connect to mx.plain.example[127.0.1.2]: connection refused"));
}

#[tokio::test]
async fn a_bounce_is_shown_with_its_cause() {
    let store = sent().await;
    store.record_for("m1", CARLA, bounced(), 5).await;
    let shown = store.shown("m1", CARLA).await;
    assert_eq!((shown.state, shown.status.as_deref()), (RecipientState::Bounced, Some("5.1.10")));
    assert!(store.stops(ALICE, None).await.unwrap().is_empty(), "not of the guarantee's doing");
}

#[tokio::test]
async fn a_stop_is_recorded_with_the_state() {
    let store = sent().await;
    let progress = store.record_for("m1", CARLA, stopped(), 5).await;
    let stops = store.stops("Alice@home.example", None).await.unwrap();
    assert_eq!(progress.stop.as_ref(), stops.first());
    let [stop] = &stops[..] else { panic!("one stop: {stops:?}") };
    assert_eq!((stop.queue_id.as_str(), stop.message_id.as_deref()), ("m1", Some("m1@home.example")));
    assert_eq!((stop.subject.as_str(), stop.replaced_by.as_deref()), ("Subject of m1", None));
    assert_eq!((stop.delivered_others, stop.waiting_others), (0, 1));
    let [to] = &stop.recipients[..] else { panic!("one recipient") };
    assert_eq!((to.address.as_str(), to.stopped_at), (CARLA, at(5)));
    assert_eq!((to.host.as_str(), to.host_address.as_str()), ("mx.plain.example", "127.0.1.2"));
    assert_eq!((to.cause.as_str(), to.status.as_str()), ("no_starttls", "5.7.4"));
    assert_eq!(to.reason, "TLS is required, but was not offered by host mx.plain.example[127.0.1.2]");
    assert!(store.stops(BOB, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn later_stops_of_a_message_belong_to_the_same_record() {
    let store = home().await;
    store.accept(message("m1", &[CARLA, DORA, "e@x.example", "f@y.example"])).await.unwrap();
    store.record_for("m1", CARLA, stopped(), 5).await;
    store.record_for("m1", "e@x.example", delivered(), 6).await;
    store.record_for("m1", DORA, stopped(), 7).await;
    let stops = store.stops(ALICE, None).await.unwrap();
    assert_eq!(stops.len(), 1);
    let addresses: Vec<_> =
        stops[0].recipients.iter().map(|to| (to.address.as_str(), to.stopped_at)).collect();
    assert_eq!(addresses, [(CARLA, at(5)), (DORA, at(7))]);
    assert_eq!((stops[0].delivered_others, stops[0].waiting_others), (1, 1));
}

#[tokio::test]
async fn stops_are_listed_newest_first() {
    let store = home().await;
    for (n, id) in ["m1", "m2", "m3"].into_iter().enumerate() {
        store.accept(message(id, &[CARLA])).await.unwrap();
        store.record_for(id, CARLA, stopped(), n as i64).await;
    }
    let ids = |stops: Vec<api::Stop>| stops.into_iter().map(|stop| stop.queue_id).collect::<Vec<_>>();
    assert_eq!(ids(store.stops(ALICE, None).await.unwrap()), ["m3", "m2", "m1"]);
    assert_eq!(ids(store.stops(ALICE, Some(2)).await.unwrap()), ["m3", "m2"]);
    assert_eq!(ids(store.stops(ALICE, Some(0)).await.unwrap()), [""; 0]);
}

/// The null one for no address.
fn path(address: &str) -> ReversePath {
    if address.is_empty() { ReversePath::Null } else { ReversePath::Address(address.to_owned()) }
}

// rfc 3464 2.3.3: SHOULD NOT This action-value SHOULD NOT be used unless
// rfc 5321 3.6.3: MUST NOT Of course, SMTP servers MUST NOT send notification
// rfc 5321 4.5.4: MUST NOT A queuing strategy MUST NOT send error messages
// rfc 5321 6.1: MUST NOT However, if this address is null
#[rstest]
#[case::stopped(ALICE, Notify::Unspecified, stopped(), Some(ReportKind::Stopped))]
#[case::stopped_asked(ALICE, only("failure"), stopped(), Some(ReportKind::Stopped))]
#[case::stopped_not_asked(ALICE, only("delay"), stopped(), None)]
#[case::stopped_never(ALICE, Notify::Never, stopped(), None)]
#[case::stopped_null("", Notify::Unspecified, stopped(), None)]
#[case::bounced(ALICE, Notify::Unspecified, bounced(), Some(ReportKind::Failed))]
#[case::bounced_not_asked(ALICE, only("success"), bounced(), None)]
#[case::bounced_never(ALICE, Notify::Never, bounced(), None)]
#[case::bounced_null("", only("failure"), bounced(), None)]
#[case::delayed(ALICE, Notify::Unspecified, delayed(9), Some(ReportKind::Delayed))]
#[case::delayed_asked(ALICE, only("delay"), delayed(9), Some(ReportKind::Delayed))]
#[case::delayed_not_asked(ALICE, only("failure"), delayed(9), None)]
#[case::delayed_never(ALICE, Notify::Never, delayed(9), None)]
#[case::delayed_null("", Notify::Unspecified, delayed(9), None)]
#[case::deferred(ALICE, Notify::Unspecified, deferred(9), None)]
#[case::delivered(ALICE, Notify::Unspecified, delivered(), None)]
#[case::delivered_not_asked(ALICE, only("failure"), delivered(), None)]
#[case::delivered_never(ALICE, Notify::Never, delivered(), None)]
#[case::relayed(ALICE, only("success"), delivered(), Some(ReportKind::Relayed))]
#[case::relayed_null("", only("success"), delivered(), None)]
#[case::passed_on(ALICE, only("success"), passed_on(), None)]
#[tokio::test]
async fn what_is_reported(
    #[case] reverse_path: &str,
    #[case] notify: Notify,
    #[case] outcome: Outcome,
    #[case] report: Option<ReportKind>,
) {
    let store = home().await;
    let reverse_path = path(reverse_path);
    let recipients = vec![NewRecipient { notify, ..recipient(CARLA) }];
    store
        .accept(message("m1", &[]).with(|new| {
            new.facts.reverse_path = reverse_path;
            new.recipients = recipients;
        }))
        .await
        .unwrap();
    let is_stop = matches!(outcome, Outcome::Stopped(_));
    let progress = store.record_for("m1", CARLA, outcome, 5).await;
    assert_eq!(progress.reports_pending, Vec::from_iter(report));
    let pending = store.pending_report("m1").await.unwrap();
    assert_eq!(pending.map(|pending| pending.recipients[0].kind), report);
    assert_eq!(store.reports_due().await.unwrap().len(), usize::from(report.is_some()));
    // NOTIFY=NEVER and the null reverse-path suppress the report, never the record of the stop
    assert_eq!(store.stops(ALICE, None).await.unwrap().len(), usize::from(is_stop));
}

#[tokio::test]
async fn what_is_final_stays_so() {
    let store = sent().await;
    let jobs = store.claim(0).await;
    let id = |address| -> RecipientId {
        jobs.iter().flat_map(|job| &job.recipients).find(|to| to.address == address).unwrap().id
    };
    let dora = RecipientOutcome { recipient: id(DORA), outcome: delivered() };
    store.record("m1", vec![dora], at(5)).await.unwrap();
    for outcome in [bounced(), stopped(), delayed(99)] {
        let again = RecipientOutcome { recipient: id(DORA), outcome };
        let progress = store.record("m1", vec![again], at(6)).await.unwrap();
        assert_eq!((progress.reports_pending, progress.first_verdicts_missing), (vec![], 1));
    }
    let shown = store.shown("m1", DORA).await;
    assert_eq!((shown.state, shown.changed_at), (RecipientState::Delivered, at(5)));
    assert!(store.stops(ALICE, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn recipients_of_another_message_are_left_alone() {
    let store = sent().await;
    store.accept(message("m2", &[DORA])).await.unwrap();
    let jobs = store.claim(0).await;
    let other = jobs.iter().find(|job| job.facts.queue_id == "m2").unwrap().recipients[0].id;
    let outcome = RecipientOutcome { recipient: other, outcome: delivered() };
    store.record("m1", vec![outcome], at(5)).await.unwrap();
    assert_eq!(store.state("m2", DORA).await, RecipientState::Queued);
}

#[tokio::test]
async fn several_outcomes_are_one_record() {
    let store = sent().await;
    let jobs = store.claim(0).await;
    let outcomes = jobs
        .iter()
        .flat_map(|job| &job.recipients)
        .map(|to| RecipientOutcome { recipient: to.id, outcome: stopped() })
        .collect();
    let progress = store.record("m1", outcomes, at(5)).await.unwrap();
    let each_kind_once = vec![ReportKind::Stopped];
    assert_eq!((progress.reports_pending, progress.first_verdicts_missing), (each_kind_once, 0));
    assert_eq!(progress.stop.unwrap().recipients.len(), 2);
}

#[tokio::test]
async fn the_content_goes_when_all_is_done() {
    let store = sent().await;
    store.record_for("m1", DORA, delivered(), 5).await;
    assert!(store.content("m1").await.is_ok());
    store.record_for("m1", CARLA, delivered(), 6).await;
    let gone = store.content("m1").await;
    assert!(matches!(gone, Err(StoreError::NotFound(_))), "{gone:?}");
    assert_eq!(store.state("m1", CARLA).await, RecipientState::Delivered, "what became of it stays");
}

fn local(recipient: RecipientId, account: &str) -> LocalDelivery {
    LocalDelivery {
        queue_id: "m1".to_owned(),
        recipient,
        account: account.to_owned(),
        message: letter("hello"),
        now: at(5),
    }
}

#[tokio::test]
async fn a_local_delivery_lies_in_the_inbox_once() {
    let store = home().await;
    store.accept(message("m1", &["alice@home.example"])).await.unwrap();
    let id = store.claim(0).await[0].recipients[0].id;
    for _ in 0..2 {
        let progress = store.deliver_local(local(id, "ALICE@home.example")).await.unwrap();
        assert_eq!((progress.first_verdicts_missing, progress.reports_pending), (0, vec![]));
    }
    assert_eq!(store.inbox().await, ["hello"]);
    let shown = store.shown("m1", "alice@home.example").await;
    assert_eq!((shown.state, shown.protection, shown.changed_at), (RecipientState::Delivered, None, at(5)));
    assert!(store.content("m1").await.is_err(), "finished");
    assert!(store.claim(99).await.is_empty());
}

#[rstest]
#[case(ALICE, Notify::Unspecified, None)]
#[case(ALICE, Notify::Never, None)]
#[case(ALICE, only("failure"), None)]
#[case(ALICE, only("success"), Some(ReportKind::Delivered))]
#[case("", only("success"), None)]
#[tokio::test]
async fn a_local_delivery_is_reported_if_asked_for(
    #[case] reverse_path: &str,
    #[case] notify: Notify,
    #[case] report: Option<ReportKind>,
    #[values(true, false)] mailbox_in_the_store: bool,
) {
    let store = home().await;
    let recipients = vec![NewRecipient { notify, ..recipient(BOB) }];
    let reverse_path = path(reverse_path);
    store
        .accept(message("m1", &[]).with(|new| {
            new.facts.reverse_path = reverse_path;
            new.recipients = recipients;
        }))
        .await
        .unwrap();
    let progress = if mailbox_in_the_store {
        let id = store.claim(0).await[0].recipients[0].id;
        store.deliver_local(local(id, BOB)).await.unwrap()
    } else {
        store.record_for("m1", BOB, Outcome::Filed, 5).await
    };
    assert_eq!(progress.reports_pending, Vec::from_iter(report));
    if report.is_none() {
        assert!(store.content("m1").await.is_err(), "finished");
    }
    let pending = store.pending_report("m1").await.unwrap();
    assert_eq!(pending.map(|pending| pending.recipients[0].kind), report);
}

#[tokio::test]
async fn a_local_delivery_to_nobody_changes_nothing() {
    let store = home().await;
    store.accept(message("m1", &["nobody@home.example"])).await.unwrap();
    let id = store.claim(0).await[0].recipients[0].id;
    let answer = store.deliver_local(local(id, "nobody@home.example")).await;
    assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}");
    assert_eq!(store.state("m1", "nobody@home.example").await, RecipientState::Queued);
    assert!(store.mailbox(ALICE, Mailbox::Inbox, None).await.unwrap().is_empty());
}
