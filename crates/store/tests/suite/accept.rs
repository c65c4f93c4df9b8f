use api::RecipientState;
use guarantee::{Origin, Requirement, Switch};
use rstest::rstest;
use smtp::envelope::{Notify, Ret, ReversePath};
use store::{Mailbox, NewMessage, NextHop, StoreError};

use super::world::{ALICE, BOB, at, home, letter, message, only, recipient, stopped};

use Requirement::{Encrypted, Opportunistic};

#[rstest]
#[case::off(Switch::Off, Origin::Submission, false, Opportunistic)]
#[case::on(Switch::On, Origin::Submission, false, Encrypted)]
#[case::paused(Switch::Paused { until: at(11) }, Origin::Submission, false, Opportunistic)]
#[case::pause_just_over(Switch::Paused { until: at(10) }, Origin::Submission, false, Encrypted)]
#[case::header(Switch::On, Origin::Submission, true, Opportunistic)]
#[case::from_the_mail_store(Switch::On, Origin::MailStore, false, Opportunistic)]
#[case::incoming(Switch::On, Origin::Incoming, false, Opportunistic)]
#[case::report(Switch::On, Origin::Report, false, Opportunistic)]
#[tokio::test]
async fn the_requirement_is_decided(
    #[case] switch: Switch,
    #[case] origin: Origin,
    #[case] tls_required_no: bool,
    #[case] requirement: Requirement,
) {
    let store = home().await;
    store.set_switch(ALICE, switch).await.unwrap();
    let new =
        NewMessage { origin, tls_required_no, accepted_at: at(10), ..message("m1", &["c@plain.example"]) };
    store.accept(new).await.unwrap();
    assert_eq!(store.claim(10).await[0].requirement, requirement);
    assert_eq!(store.shown("m1", "c@plain.example").await.requirement, requirement);
}

#[rstest]
#[case::switched_off_later(Switch::On, Switch::Off, Encrypted)]
#[case::paused_later(Switch::On, Switch::Paused { until: at(99) }, Encrypted)]
#[case::switched_on_later(Switch::Off, Switch::On, Opportunistic)]
#[tokio::test]
async fn later_switches_touch_nothing_accepted(
    #[case] before: Switch,
    #[case] after: Switch,
    #[case] requirement: Requirement,
) {
    let store = home().await;
    store.set_switch(ALICE, before).await.unwrap();
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    store.set_switch(ALICE, after).await.unwrap();
    assert_eq!(store.claim(1).await[0].requirement, requirement);
}

#[rstest]
#[case::plain(message("m1", &["carla@plain.example"]))]
#[case::everything(NewMessage {
    reverse_path: ReversePath::Address("älice@home.example".to_owned()),
    ret: Some(Ret::Full),
    envid: Some("QQ+2B314159".to_owned()),
    smtputf8: true,
    eight_bit: true,
    content: vec![0, 255, 13, 10].into(),
    recipients: vec![store::NewRecipient {
        notify: only("delay"),
        orcpt: Some("rfc822;Carla@plain.example".to_owned()),
        ..recipient("Carla@plain.example")
    }],
    ..message("m2", &[])
})]
#[case::without_account(NewMessage {
    origin: Origin::MailStore,
    account: None,
    reverse_path: ReversePath::Null,
    ret: Some(Ret::Hdrs),
    message_id: None,
    recipients: vec![store::NewRecipient { notify: Notify::Never, ..recipient("bob@home.example") }],
    ..message("m3", &[])
})]
#[tokio::test]
async fn a_job_has_what_was_accepted(#[case] new: NewMessage) {
    let store = home().await;
    store.accept(new.clone()).await.unwrap();
    let [job] = &store.claim(0).await[..] else { panic!("one job") };
    assert_eq!(job.queue_id, new.queue_id);
    assert_eq!((job.origin, &job.account, &job.reverse_path), (new.origin, &new.account, &new.reverse_path));
    assert_eq!((job.ret, &job.envid), (new.ret, &new.envid));
    assert_eq!((job.smtputf8, job.eight_bit), (new.smtputf8, new.eight_bit));
    assert_eq!((job.size, job.accepted_at), (new.content.len() as u64, new.accepted_at));
    assert_eq!(job.next_hop, new.recipients[0].next_hop);
    let to = &job.recipients[0];
    assert_eq!(
        (&to.address, to.notify, &to.orcpt),
        (&new.recipients[0].address, new.recipients[0].notify, &new.recipients[0].orcpt)
    );
    assert_eq!((to.history.attempts, to.delay_reported), (0, false));
    assert_eq!(store.content(&new.queue_id).await.unwrap(), new.content);
}

#[tokio::test]
async fn the_status_tells_what_is_known_at_once() {
    let store = home().await;
    store.accept(message("m1", &["b@tls.example", "a@plain.example"])).await.unwrap();
    let status = store.message_status("ALICE@home.example", "m1").await.unwrap().unwrap();
    assert_eq!((status.id.as_str(), status.message_id.as_deref()), ("m1", Some("m1@home.example")));
    assert_eq!(status.accepted_at, at(0));
    let addresses: Vec<_> = status.recipients.iter().map(|to| to.address.as_str()).collect();
    assert_eq!(addresses, ["b@tls.example", "a@plain.example"], "in the order given");
    let first = &status.recipients[0];
    assert_eq!((first.state, first.next_attempt_at), (RecipientState::Queued, Some(at(0))));
    assert_eq!((&first.reason, &first.cause, &first.status), (&None, &None, &None));
}

#[tokio::test]
async fn a_status_is_its_accounts_own() {
    let store = home().await;
    store.accept(message("m1", &["a@plain.example"])).await.unwrap();
    assert!(store.message_status(BOB, "m1").await.unwrap().is_none());
    assert!(store.message_status(ALICE, "m2").await.unwrap().is_none());
}

#[tokio::test]
async fn the_sent_copy_is_filed_with_the_message() {
    let store = home().await;
    let new = NewMessage {
        sent_copy: Some(letter("copy")),
        accepted_at: at(7),
        ..message("m1", &["a@tls.example"])
    };
    store.accept(new).await.unwrap();
    let sent = store.mailbox(ALICE, Mailbox::Sent, None).await.unwrap();
    assert_eq!((sent.len(), sent[0].subject.as_str(), sent[0].received_at), (1, "copy", at(7)));
    assert!(store.inbox().await.is_empty());
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let store = home().await;
    let copy_for_nobody =
        NewMessage { account: None, sent_copy: Some(letter("copy")), ..message("m1", &["a@tls.example"]) };
    assert!(matches!(store.accept(copy_for_nobody).await, Err(StoreError::NotFound(_))));
    assert!(store.queue_entry("m1").await.unwrap().is_none());
    assert!(store.claim(0).await.is_empty());
}

#[tokio::test]
async fn a_queue_id_is_taken_once() {
    let store = home().await;
    store.accept(message("m1", &["a@tls.example"])).await.unwrap();
    let again = store.accept(message("m1", &["b@tls.example"])).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    assert_eq!(store.claim(0).await[0].recipients.len(), 1);
}

#[tokio::test]
async fn a_message_for_nobody_is_finished_at_once() {
    let store = home().await;
    store.accept(message("m1", &[])).await.unwrap();
    assert!(matches!(store.content("m1").await, Err(StoreError::NotFound(_))));
}

#[rstest]
#[case::of_the_same_account(ALICE, "m1", Some("m2"))]
#[case::of_another_account(BOB, "m1", None)]
#[case::of_a_stop_that_is_not_there(ALICE, "m9", None)]
#[tokio::test]
async fn a_message_replaces_a_stopped_one(
    #[case] account: &str,
    #[case] stop: &str,
    #[case] replaced_by: Option<&str>,
) {
    let store = home().await;
    store.accept(message("m1", &["carla@plain.example"])).await.unwrap();
    store.record_for("m1", "carla@plain.example", stopped(), 1).await;
    let new = NewMessage {
        account: Some(account.to_owned()),
        replaces: Some(stop.to_owned()),
        ..message("m2", &["carla@plain.example"])
    };
    store.accept(new).await.unwrap();
    let stops = store.stops(ALICE, None).await.unwrap();
    assert_eq!((stops.len(), stops[0].replaced_by.as_deref()), (1, replaced_by));
}

#[tokio::test]
async fn local_recipients_are_a_next_hop_of_their_own() {
    let store = home().await;
    store.accept(message("m1", &["bob@home.example", "a@tls.example"])).await.unwrap();
    let mut hops: Vec<_> = store.claim(0).await.into_iter().map(|job| job.next_hop).collect();
    hops.sort();
    assert_eq!(hops, [NextHop::Local, NextHop::Domain("tls.example".to_owned())]);
}
