use api::{Exception, Preferences};
use guarantee::{Level, Origin, Requirement, Switch, Wish};
use rstest::rstest;
use store::{
    AddedException, DemandRow, MAX_DEMANDS, MAX_EXCEPTIONS, NewExceptionRow, NewMessage, Pattern,
    RecordedDemand, StoreError,
};

use super::world::{ALICE, BOB, Fresh, With as _, at, decision, home, message};

async fn guaranteed() -> Fresh {
    let store = home().await;
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    store.set_guarantee(BOB, Switch::On, None).await.unwrap();
    store
}

fn exception(account: &str, pattern: &str) -> NewExceptionRow {
    NewExceptionRow {
        account: account.to_owned(),
        pattern: Pattern::parse(pattern).unwrap(),
        note: format!("why {pattern}"),
        created_at: at(5),
    }
}

fn demand(queue_id: &str) -> DemandRow {
    DemandRow {
        account: ALICE.to_owned(),
        message_id: format!("{queue_id}@home.example"),
        expires_at: at(600),
    }
}

fn again(queue_id: &str, of: &str, to: &[&str]) -> NewMessage {
    message(queue_id, to).with(|new| new.message_id = Some(format!("{of}@home.example")))
}

impl Fresh {
    async fn except(&self, pattern: &str) -> Exception {
        match self.add_exception(exception(ALICE, pattern)).await.unwrap() {
            AddedException::Added(exception) => exception,
            other => panic!("{other:?}"),
        }
    }

    async fn demand(&self, queue_id: &str) {
        let recorded = self.record_demand(&demand(queue_id)).await.unwrap();
        assert_eq!(recorded, RecordedDemand::Recorded);
    }

    /// What must hold for each recipient of the message.
    async fn requirements(&self, queue_id: &str) -> Vec<Requirement> {
        let entry = self.queue_entry(queue_id).await.unwrap().unwrap();
        entry.status.recipients.iter().map(|to| to.requirement).collect()
    }
}

#[rstest]
#[case::its_address("Carla@plain.example", Requirement::Opportunistic, Requirement::Encrypted)]
#[case::its_domain("PLAIN.example", Requirement::Opportunistic, Requirement::Opportunistic)]
#[case::another_domain("other.example", Requirement::Encrypted, Requirement::Encrypted)]
#[case::a_subdomain("mail.plain.example", Requirement::Encrypted, Requirement::Encrypted)]
#[case::its_parent("example.example", Requirement::Encrypted, Requirement::Encrypted)]
#[tokio::test]
async fn an_exception_lifts_the_guarantee_for_whom_it_covers(
    #[case] pattern: &str,
    #[case] carla: Requirement,
    #[case] dora: Requirement,
) {
    let store = guaranteed().await;
    store.except(pattern).await;
    store.accept(message("m1", &["cARLA@plain.example", "dora@plain.example"])).await.unwrap();
    // and again: it stands
    store.accept(message("m2", &["carla@plain.example", "dora@plain.example"])).await.unwrap();
    for queue_id in ["m1", "m2"] {
        assert_eq!(store.requirements(queue_id).await, [carla, dora], "{queue_id}");
    }
}

#[tokio::test]
async fn an_exception_for_a_domain_is_none_for_its_subdomains() {
    let store = guaranteed().await;
    store.except("plain.example").await;
    store.accept(message("m1", &["c@mail.plain.example", "c@explain.example"])).await.unwrap();
    assert_eq!(store.requirements("m1").await, [Requirement::Encrypted; 2]);
}

#[rstest]
#[case::another_account(message("m1", &["c@plain.example"]).with(|new| new.facts.account = Some(BOB.to_owned())), Requirement::Encrypted)]
#[case::the_message_asks_for_more(message("m1", &["c@plain.example"]).with(|new| new.facts.wish = Wish::RequireTls), Requirement::RequireTls)]
#[tokio::test]
async fn an_exception_lifts_nothing_else(#[case] new: NewMessage, #[case] requirement: Requirement) {
    let store = guaranteed().await;
    store.except("plain.example").await;
    store.accept(new).await.unwrap();
    assert_eq!(store.requirements("m1").await, [requirement]);
}

#[tokio::test]
async fn an_exception_touches_nothing_accepted() {
    let store = guaranteed().await;
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    let added = store.except("plain.example").await;
    store.accept(message("m2", &["c@plain.example"])).await.unwrap();
    store.remove_exception(ALICE, added.id).await.unwrap();
    store.accept(message("m3", &["c@plain.example"])).await.unwrap();
    for (queue_id, requirement) in
        [("m1", Requirement::Encrypted), ("m2", Requirement::Opportunistic), ("m3", Requirement::Encrypted)]
    {
        assert_eq!(store.requirements(queue_id).await, [requirement], "{queue_id}");
    }
}

#[tokio::test]
async fn exceptions_are_listed_newest_first_and_are_the_accounts_own() {
    let store = home().await;
    let first = store.except("Bücher.example").await;
    let second = store.except("c@plain.example").await;
    store.add_exception(exception(BOB, "bobs.example")).await.unwrap();
    assert_eq!(store.exceptions(ALICE).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(
        first,
        Exception {
            id: 1,
            pattern: "Bücher.example".to_owned(),
            note: "why Bücher.example".to_owned(),
            created_at: at(5)
        }
    );
    // Bob's first: no id tells of others' decisions.
    assert_eq!(store.exceptions(BOB).await.unwrap()[0].id, 1);
    let not_his = store.remove_exception(BOB, second.id).await;
    assert!(matches!(not_his, Err(StoreError::NotFound(_))), "{not_his:?}");
    assert_eq!(store.exceptions(ALICE).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_same_again_is_the_one_that_is_there() {
    let store = home().await;
    let first = store.except("bücher.example").await;
    let again = store.add_exception(exception(ALICE, "XN--Bcher-KVA.example")).await.unwrap();
    assert_eq!(again, AddedException::WasThere(first));
    assert_eq!(store.exceptions(ALICE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_id_is_given_once() {
    let store = home().await;
    let first = store.except("a.example").await;
    store.remove_exception(ALICE, first.id).await.unwrap();
    let gone = store.remove_exception(ALICE, first.id).await;
    assert!(matches!(gone, Err(StoreError::NotFound(_))), "{gone:?}");
    assert!(store.except("a.example").await.id > first.id);
}

#[tokio::test]
async fn there_is_a_most() {
    let store = home().await;
    for number in 0..MAX_EXCEPTIONS {
        store.except(&format!("d{number}.example")).await;
    }
    let one_more = || exception(ALICE, "one.more.example");
    assert_eq!(store.add_exception(one_more()).await.unwrap(), AddedException::TooMany);
    let again = store.add_exception(exception(ALICE, "d7.example")).await.unwrap();
    assert!(matches!(again, AddedException::WasThere(_)), "{again:?}");
    let bobs = store.add_exception(exception(BOB, "one.more.example")).await.unwrap();
    assert!(matches!(bobs, AddedException::Added(_)), "{bobs:?}");
    let some = store.exceptions(ALICE).await.unwrap()[3].id;
    store.remove_exception(ALICE, some).await.unwrap();
    assert!(matches!(store.add_exception(one_more()).await.unwrap(), AddedException::Added(_)));
}

#[rstest]
#[case::both(true, true, Requirement::Opportunistic)]
#[case::not_preferred(true, false, Requirement::Encrypted)]
#[case::not_encrypted(false, true, Requirement::Encrypted)]
#[tokio::test]
async fn end_to_end_encrypted_mail_may_leave_without_tls_if_the_account_says_so(
    #[case] end_to_end: bool,
    #[case] end_to_end_without_tls: bool,
    #[case] requirement: Requirement,
) {
    let store = guaranteed().await;
    assert_eq!(store.preferences(ALICE).await.unwrap(), Preferences { end_to_end_without_tls: false });
    let wanted = Preferences { end_to_end_without_tls };
    store.set_preferences(ALICE, wanted).await.unwrap();
    assert_eq!(store.preferences("Alice@home.example").await.unwrap(), wanted);
    assert_eq!(store.preferences(BOB).await.unwrap(), Preferences::default());
    let encrypted = |queue_id, account: &str| {
        message(queue_id, &["c@plain.example"]).with(|new| {
            new.end_to_end = end_to_end;
            new.facts.account = Some(account.to_owned());
        })
    };
    store.accept(encrypted("m1", ALICE)).await.unwrap();
    store.accept(encrypted("m2", BOB)).await.unwrap();
    assert_eq!(store.requirements("m1").await, [requirement]);
    assert_eq!(store.requirements("m2").await, [Requirement::Encrypted]);
}

#[rstest]
#[case::off(Switch::Off)]
#[case::on(Switch::On)]
#[case::paused(Switch::Paused { until: at(900) })]
#[tokio::test]
async fn a_demand_holds_for_every_recipient_whatever_else_is_decided(#[case] switch: Switch) {
    let store = home().await;
    store.set_guarantee(ALICE, switch, Some(Level::Encrypted)).await.unwrap();
    store.set_preferences(ALICE, Preferences { end_to_end_without_tls: true }).await.unwrap();
    store.except("plain.example").await;
    store.record_override(&decision("m1", &["d@plain.example"])).await.unwrap();
    store.demand("m1").await;
    let to = ["c@plain.example", "d@plain.example", "e@tls.example"];
    store.accept(message("m1", &to).with(|new| new.end_to_end = true)).await.unwrap();
    assert_eq!(store.requirements("m1").await, [Requirement::Authenticated; 3]);
    let jobs = store.claim(1).await;
    assert!(jobs.iter().all(|job| job.facts.wish == Wish::Demanded), "{jobs:?}");
}

#[rstest]
#[case::as_recorded(message("m1", &["c@plain.example"]), true)]
#[case::just_in_time(message("m1", &["c@plain.example"]).with(|new| new.facts.accepted_at = at(599)), true)]
#[case::too_late(message("m1", &["c@plain.example"]).with(|new| new.facts.accepted_at = at(600)), false)]
#[case::another_message(again("m1", "m9", &["c@plain.example"]), false)]
#[case::no_message_id(message("m1", &["c@plain.example"]).with(|new| new.message_id = None), false)]
#[case::another_account(message("m1", &["c@plain.example"]).with(|new| new.facts.account = Some(BOB.to_owned())), false)]
#[case::another_door(message("m1", &["c@plain.example"]).with(|new| new.facts.origin = Origin::MailStore), false)]
#[tokio::test]
async fn a_demand_holds_for_what_it_was_made_for(#[case] new: NewMessage, #[case] demanded: bool) {
    let store = home().await;
    store.demand("m1").await;
    store.accept(new).await.unwrap();
    let expected = if demanded { Requirement::Authenticated } else { Requirement::Opportunistic };
    assert_eq!(store.requirements("m1").await, [expected]);
    // in parts, or again: it still holds
    for queue_id in ["m2", "m3"] {
        store.accept(again(queue_id, "m1", &["c@plain.example"])).await.unwrap();
        assert_eq!(store.requirements(queue_id).await, [Requirement::Authenticated]);
    }
}

#[tokio::test]
async fn a_demand_made_again_is_good_again() {
    let store = home().await;
    store.demand("m1").await;
    let longer = DemandRow { expires_at: at(900), ..demand("m1") };
    assert_eq!(store.record_demand(&longer).await.unwrap(), RecordedDemand::Recorded);
    let late = message("m1", &["c@plain.example"]).with(|new| new.facts.accepted_at = at(800));
    store.accept(late).await.unwrap();
    assert_eq!(store.requirements("m1").await, [Requirement::Authenticated]);
}

#[tokio::test]
async fn a_demand_holds_after_a_refused_submission() {
    let store = home().await;
    store.accept(message("q1", &["d@tls.example"])).await.unwrap();
    store.demand("m1").await;
    store.accept(again("q1", "m1", &["c@plain.example"])).await.unwrap_err();
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    assert_eq!(store.requirements("m1").await, [Requirement::Authenticated]);
}

/// None is dropped for another: its message could leave in clear.
#[tokio::test]
async fn an_account_has_so_many_demands_and_no_more() {
    let store = home().await;
    for n in 0..MAX_DEMANDS {
        store.demand(&format!("m{n}")).await;
    }
    assert_eq!(store.record_demand(&demand("more")).await.unwrap(), RecordedDemand::TooMany);
    store.demand("m0").await;
    let of_bob = DemandRow { account: BOB.to_owned(), ..demand("more") };
    assert_eq!(store.record_demand(&of_bob).await.unwrap(), RecordedDemand::Recorded);
    store.accept(message("m0", &["c@plain.example"])).await.unwrap();
    assert_eq!(store.requirements("m0").await, [Requirement::Authenticated]);
    store.purge(at(600), at(0)).await.unwrap();
    store.demand("more").await;
}

#[rstest]
#[case::before(599, Requirement::Authenticated)]
#[case::after(600, Requirement::Opportunistic)]
#[tokio::test]
async fn a_demand_that_has_ended_is_forgotten(#[case] purged_at: i64, #[case] requirement: Requirement) {
    let store = home().await;
    store.demand("m1").await;
    store.purge(at(purged_at), at(0)).await.unwrap();
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    assert_eq!(store.requirements("m1").await, [requirement]);
}

#[tokio::test]
async fn decisions_go_with_the_account() {
    let store = guaranteed().await;
    store.except("plain.example").await;
    store.demand("m1").await;
    store.set_preferences(ALICE, Preferences { end_to_end_without_tls: true }).await.unwrap();
    store.remove_account(ALICE).await.unwrap();
    assert!(matches!(store.exceptions(ALICE).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.preferences(ALICE).await, Err(StoreError::NotFound(_))));
    let set = store.set_preferences(ALICE, Preferences::default()).await;
    assert!(matches!(set, Err(StoreError::NotFound(_))));
    store.add_account(ALICE, "$argon2id$", at(9)).await.unwrap();
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    assert!(store.exceptions(ALICE).await.unwrap().is_empty());
    assert_eq!(store.preferences(ALICE).await.unwrap(), Preferences::default());
    let new = message("m1", &["c@plain.example"]).with(|new| new.end_to_end = true);
    store.accept(new).await.unwrap();
    assert_eq!(store.requirements("m1").await, [Requirement::Encrypted]);
}
