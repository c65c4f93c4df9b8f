use api::RecipientState;
use guarantee::{Level, Origin, Requirement, Switch, Wish};
use rstest::rstest;
use smtp::envelope::{Notify, Ret, ReversePath};
use store::{Mailbox, NewMessage, NextHop, StoreError};

use super::world::{ALICE, BOB, With as _, at, home, letter, message, only, recipient, stopped};

use Requirement::{Authenticated, Encrypted, Opportunistic, Regardless, RequireTls};

#[rstest]
#[case::off(Switch::Off, Level::Encrypted, Origin::Submission, Wish::None, Opportunistic)]
#[case::on(Switch::On, Level::Encrypted, Origin::Submission, Wish::None, Encrypted)]
#[case::stricter(Switch::On, Level::Authenticated, Origin::Submission, Wish::None, Authenticated)]
#[case::stricter_and_off(Switch::Off, Level::Authenticated, Origin::Submission, Wish::None, Opportunistic)]
#[case::paused(Switch::Paused { until: at(11) }, Level::Encrypted, Origin::Submission, Wish::None, Opportunistic)]
#[case::pause_just_over(Switch::Paused { until: at(10) }, Level::Encrypted, Origin::Submission, Wish::None, Encrypted)]
#[case::header(Switch::On, Level::Authenticated, Origin::Submission, Wish::TlsOptional, Regardless)]
#[case::requiretls(Switch::Off, Level::Encrypted, Origin::Submission, Wish::RequireTls, RequireTls)]
#[case::from_the_mail_store(Switch::On, Level::Authenticated, Origin::MailStore, Wish::None, Opportunistic)]
#[case::requiretls_from_the_mail_store(
    Switch::Off,
    Level::Encrypted,
    Origin::MailStore,
    Wish::RequireTls,
    RequireTls
)]
#[case::incoming(Switch::On, Level::Encrypted, Origin::Incoming, Wish::None, Opportunistic)]
#[case::report(Switch::On, Level::Encrypted, Origin::Report, Wish::RequireTls, Opportunistic)]
#[tokio::test]
async fn the_requirement_is_decided(
    #[case] switch: Switch,
    #[case] level: Level,
    #[case] origin: Origin,
    #[case] wish: Wish,
    #[case] requirement: Requirement,
) {
    let store = home().await;
    store.set_guarantee(ALICE, switch, Some(level)).await.unwrap();
    let new = message("m1", &["c@plain.example"]).with(|new| {
        (new.facts.origin, new.facts.wish, new.facts.accepted_at) = (origin, wish, at(10));
    });
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
    store.set_guarantee(ALICE, before, None).await.unwrap();
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    store.set_guarantee(ALICE, after, None).await.unwrap();
    assert_eq!(store.claim(1).await[0].requirement, requirement);
}

#[rstest]
#[case::plain(message("m1", &["carla@plain.example"]))]
#[case::everything(message("m2", &[]).with(|new| { new.facts.reverse_path = ReversePath::Address("älice@home.example".to_owned()); new.facts.ret = Some(Ret::Full); new.facts.envid = Some("QQ+2B314159".to_owned()); new.facts.smtputf8 = true; new.facts.eight_bit = true; new.facts.wish = Wish::RequireTls; new.content = vec![0, 255, 13, 10].into(); new.recipients = vec![store::NewRecipient {
        notify: only("delay"),
        orcpt: Some("rfc822;Carla@plain.example".to_owned()),
        ..recipient("Carla@plain.example")
    }]; }))]
#[case::without_account(message("m3", &[]).with(|new| { new.facts.origin = Origin::MailStore; new.facts.account = None; new.facts.reverse_path = ReversePath::Null; new.facts.ret = Some(Ret::Hdrs); new.facts.wish = Wish::TlsOptional; new.message_id = None; new.recipients = vec![store::NewRecipient { notify: Notify::Never, ..recipient("bob@home.example") }]; }))]
#[tokio::test]
async fn a_job_has_what_was_accepted(#[case] new: NewMessage) {
    let store = home().await;
    store.accept(new.clone()).await.unwrap();
    let [job] = &store.claim(0).await[..] else { panic!("one job") };
    assert_eq!(job.facts, new.facts);
    assert_eq!(job.size, new.content.len() as u64);
    assert_eq!(job.next_hop, new.recipients[0].next_hop);
    let to = &job.recipients[0];
    assert_eq!(
        (&to.address, to.notify, &to.orcpt),
        (&new.recipients[0].address, new.recipients[0].notify, &new.recipients[0].orcpt)
    );
    assert_eq!((to.history.attempts, to.delay_reported), (0, false));
    assert_eq!(store.content(&new.facts.queue_id).await.unwrap(), new.content);
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
    let new = message("m1", &["a@tls.example"]).with(|new| {
        new.sent_copy = Some(letter("copy"));
        new.facts.accepted_at = at(7);
    });
    store.accept(new).await.unwrap();
    let sent = store.mailbox(ALICE, Mailbox::Sent, None).await.unwrap();
    assert_eq!((sent.len(), sent[0].subject.as_str(), sent[0].received_at), (1, "copy", at(7)));
    assert!(store.inbox().await.is_empty());
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let store = home().await;
    let copy_for_nobody = message("m1", &["a@tls.example"]).with(|new| {
        new.facts.account = None;
        new.sent_copy = Some(letter("copy"));
    });
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
    let new = message("m2", &["carla@plain.example"]).with(|new| {
        new.facts.account = Some(account.to_owned());
        new.replaces = Some(stop.to_owned());
    });
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
