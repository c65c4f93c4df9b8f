use guarantee::{Level, Requirement, Switch};
use rstest::rstest;
use store::{Account, Mailbox, Pause, SessionRow, StoreError, StoredSwitch};
use tokio::task::JoinSet;

use super::world::{ALICE, BOB, Fresh, at, decision, home, letter, message, stopped};

fn session(token: u8, ends: i64) -> SessionRow {
    SessionRow { token_hash: [token; 32], account: "Alice@Home.example".to_owned(), expires_at: at(ends) }
}

#[tokio::test]
async fn an_account_is_found_in_any_case_and_keeps_its_spelling() {
    let store = crate::fresh();
    store.add_account("Carla@home.example", "hash", at(5)).await.unwrap();
    let found = store.account("cARLA@HOME.example").await.unwrap().unwrap();
    assert_eq!(
        (found.address.as_str(), found.password_hash.as_deref()),
        ("Carla@home.example", Some("hash"))
    );
    let listed = store.accounts().await.unwrap();
    assert_eq!(listed, [Account { address: "Carla@home.example".to_owned(), created_at: at(5) }]);
    assert!(store.account("nobody@home.example").await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_is_added_once() {
    let store = home().await;
    let again = store.add_account("ALICE@home.example", "other", at(1)).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    assert_eq!(store.account(ALICE).await.unwrap().unwrap().password_hash.as_deref(), Some("$argon2id$"));
}

#[tokio::test]
async fn an_account_whose_password_others_know_is_made_once_and_has_none_here() {
    let store = home().await;
    let made = store.ensure_account("Carla@home.example", at(7)).await.unwrap();
    let found = store.ensure_account("carla@HOME.example", at(9)).await.unwrap();
    assert_eq!((made.as_str(), found.as_str()), ("Carla@home.example", "Carla@home.example"));
    let account = store.account("carla@home.example").await.unwrap().unwrap();
    assert_eq!(account.password_hash, None);
    assert_eq!(store.switch("carla@home.example").await.unwrap().switch, Switch::Off);
    assert_eq!(store.accounts().await.unwrap().len(), 3);
    store.set_password("carla@home.example", "hash").await.unwrap();
    let account = store.account("carla@home.example").await.unwrap().unwrap();
    assert_eq!(account.password_hash.as_deref(), Some("hash"));

    assert_eq!(store.ensure_account("ALICE@home.example", at(9)).await.unwrap(), ALICE);
    let kept = store.account(ALICE).await.unwrap().unwrap().password_hash;
    assert_eq!(kept.as_deref(), Some("$argon2id$"), "who has a password keeps it");
}

#[tokio::test]
async fn an_account_asked_for_by_many_at_once_is_made_once() {
    let store = crate::fresh();
    let spellings = ["Carla@home.example", "carla@home.example"];
    let mut asking = JoinSet::new();
    for n in 0..20 {
        let store = store.store.clone();
        asking.spawn(async move { store.ensure_account(spellings[n % 2], at(7)).await.unwrap() });
    }
    let given = asking.join_all().await;
    assert!(given.iter().all(|address| *address == given[0]), "{given:?}");
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn accounts_are_listed_by_address() {
    let store = home().await;
    store.add_account("Aaron@home.example", "hash", at(9)).await.unwrap();
    let addresses: Vec<_> =
        store.accounts().await.unwrap().into_iter().map(|account| account.address).collect();
    assert_eq!(addresses, ["Aaron@home.example", ALICE, BOB]);
}

#[rstest]
#[case::set_password("set_password")]
#[case::remove("remove")]
#[case::switch("switch")]
#[case::set_guarantee("set_guarantee")]
#[case::session("session")]
#[case::decision("override")]
#[case::seen("seen")]
#[case::accept("accept")]
#[tokio::test]
async fn what_needs_an_account_says_that_it_is_not_there(#[case] operation: &str) {
    let store = crate::fresh();
    let answer = match operation {
        "set_password" => store.set_password(ALICE, "hash").await,
        "remove" => store.remove_account(ALICE).await,
        "switch" => store.switch(ALICE).await.map(|_| ()),
        "set_guarantee" => store.set_guarantee(ALICE, Switch::On, None).await.map(drop),
        "session" => store.add_session(&session(1, 10)).await,
        "override" => store.record_override(&decision("m1", &["carla@plain.example"])).await,
        "seen" => store.set_seen(ALICE, Mailbox::Inbox, 1, true).await,
        _ => store.accept(message("m1", &["carla@plain.example"])).await,
    };
    assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}");
}

#[rstest]
#[case::never_touched(&[], Switch::Off, false)]
#[case::off(&[Switch::Off], Switch::Off, false)]
#[case::on(&[Switch::On], Switch::On, true)]
#[case::on_then_off(&[Switch::On, Switch::Off], Switch::Off, true)]
#[case::paused(&[Switch::On, Switch::Paused { until: at(90) }], Switch::Paused { until: at(90) }, true)]
#[case::paused_then_off(&[Switch::Paused { until: at(90) }, Switch::Off], Switch::Off, true)]
#[tokio::test]
async fn the_switch_is_kept(#[case] set: &[Switch], #[case] switch: Switch, #[case] was_on: bool) {
    let store = home().await;
    for &position in set {
        store.set_guarantee("Alice@HOME.example", position, None).await.unwrap();
    }
    let stored = store.switch(ALICE).await.unwrap();
    assert_eq!((stored.switch, stored.was_on), (switch, was_on));
    assert_eq!(store.switch(BOB).await.unwrap().switch, Switch::Off, "another account's is another matter");
}

#[tokio::test]
async fn a_level_stays_until_another_is_given() {
    let store = home().await;
    let stands = |switch, was_on, level| StoredSwitch { switch, was_on, level };
    assert_eq!(store.switch(ALICE).await.unwrap(), stands(Switch::Off, false, Level::Encrypted));
    let set = async |switch, level| store.set_guarantee("Alice@HOME.example", switch, level).await.unwrap();
    let stricter = Level::Authenticated;
    assert_eq!(set(Switch::Off, Some(stricter)).await, stands(Switch::Off, false, stricter));
    assert_eq!(set(Switch::On, None).await, stands(Switch::On, true, stricter));
    assert_eq!(store.switch(ALICE).await.unwrap(), stands(Switch::On, true, stricter));
    assert_eq!(set(Switch::Off, Some(Level::Encrypted)).await, stands(Switch::Off, true, Level::Encrypted));
    assert_eq!(
        store.switch(BOB).await.unwrap(),
        StoredSwitch::default(),
        "another account's is another matter"
    );
}

#[rstest]
#[case::before(9, true)]
#[case::at_its_end(10, false)]
#[case::after(11, false)]
#[tokio::test]
async fn a_session_ends(#[case] now: i64, #[case] there: bool) {
    let store = home().await;
    store.add_session(&session(1, 10)).await.unwrap();
    let found = store.session(&[1; 32], at(now)).await.unwrap();
    let as_spelt = SessionRow { account: ALICE.to_owned(), ..session(1, 10) };
    assert_eq!(found, there.then_some(as_spelt));
    assert_eq!(store.session(&[2; 32], at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_is_removed_alone_and_twice() {
    let store = home().await;
    for token in [1, 2] {
        store.add_session(&session(token, 10)).await.unwrap();
    }
    store.remove_session(&[1; 32]).await.unwrap();
    store.remove_session(&[1; 32]).await.unwrap();
    assert!(store.session(&[1; 32], at(0)).await.unwrap().is_none());
    assert!(store.session(&[2; 32], at(0)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_that_account() {
    let store = home().await;
    store.add_session(&session(1, 10)).await.unwrap();
    store.add_session(&SessionRow { account: BOB.to_owned(), ..session(2, 10) }).await.unwrap();
    store.set_password("ALICE@home.example", "new").await.unwrap();
    assert_eq!(store.account(ALICE).await.unwrap().unwrap().password_hash.as_deref(), Some("new"));
    assert!(store.session(&[1; 32], at(0)).await.unwrap().is_none());
    assert!(store.session(&[2; 32], at(0)).await.unwrap().is_some());
}

/// Alice with a session, a message in each mailbox, a stop and a queued message.
async fn lived_in() -> Fresh {
    let store = home().await;
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    store.add_session(&session(1, 10)).await.unwrap();
    let mut sent = message("m1", &["carla@plain.example", "dora@tls.example"]);
    sent.sent_copy = Some(letter("copy"));
    store.accept(sent).await.unwrap();
    store.record_for("m1", "carla@plain.example", stopped(), 1).await;
    store
}

#[tokio::test]
async fn a_removed_account_takes_what_is_its_own_and_its_queued_mail_goes_out() {
    let store = lived_in().await;
    store.remove_account(ALICE).await.unwrap();
    assert!(store.account(ALICE).await.unwrap().is_none());
    assert!(store.session(&[1; 32], at(0)).await.unwrap().is_none());
    let jobs = store.claim(2).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].facts.account.as_deref(), jobs[0].requirement), (None, Requirement::Encrypted));
    assert!(!store.content("m1").await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_gets_the_address_next_sees_nothing_of_before() {
    let store = lived_in().await;
    store.remove_account(ALICE).await.unwrap();
    store.add_account(ALICE, "other", at(5)).await.unwrap();
    assert!(store.mailbox(ALICE, Mailbox::Sent, None).await.unwrap().is_empty());
    assert!(store.stops(ALICE, None).await.unwrap().is_empty());
    assert!(store.message_status(ALICE, "m1").await.unwrap().is_none());
    assert!(!store.switch(ALICE).await.unwrap().was_on);
    // what its queued mail comes to later is not the newcomer's either
    store.record_for_anyone("m1", stopped(), 6).await;
    assert!(store.stops(ALICE, None).await.unwrap().is_empty());
}

impl Fresh {
    async fn record_for_anyone(&self, queue_id: &str, outcome: store::Outcome, seconds: i64) {
        let jobs = self.claim(seconds).await;
        let outcomes = jobs
            .iter()
            .flat_map(|job| &job.recipients)
            .map(|to| store::RecipientOutcome { recipient: to.id, outcome: outcome.clone() });
        let progress = self.record(queue_id, outcomes.collect(), at(seconds)).await.unwrap();
        assert_eq!((progress.account, progress.stop), (None, None));
    }
}

fn pause(account: &str, until: i64) -> Pause {
    Pause { account: account.to_owned(), until: at(until) }
}

#[tokio::test]
async fn a_pause_is_ended_for_good_and_only_that_one() {
    let store = home().await;
    let paused = |until| Switch::Paused { until: at(until) };
    store.set_guarantee(ALICE, paused(90), Some(Level::Authenticated)).await.unwrap();
    assert_eq!(store.pauses().await.unwrap(), [pause(ALICE, 90)]);
    // It was made longer meanwhile, or is another's.
    for other in [pause(ALICE, 89), pause(BOB, 90), pause("carla@home.example", 90)] {
        assert_eq!(store.end_pause(&other).await.unwrap(), None);
    }
    let on = StoredSwitch { switch: Switch::On, was_on: true, level: Level::Authenticated };
    assert_eq!(store.end_pause(&pause(ALICE, 90)).await.unwrap(), Some(on));
    assert_eq!(store.switch(ALICE).await.unwrap(), on, "whatever the clock says");
    assert_eq!(store.end_pause(&pause(ALICE, 90)).await.unwrap(), None);
    assert!(store.pauses().await.unwrap().is_empty());
    for switch in [Switch::On, Switch::Off] {
        store.set_guarantee(BOB, switch, None).await.unwrap();
        assert_eq!(store.end_pause(&pause(BOB, 90)).await.unwrap(), None);
        assert_eq!(store.switch(BOB).await.unwrap().switch, switch);
    }
}
