use std::collections::BTreeSet;

use guarantee::{Origin, Requirement, Switch};
use rstest::rstest;
use store::{NewMessage, OverrideRow};

use super::world::{ALICE, BOB, Fresh, With as _, at, decision, home, message};

async fn guaranteed() -> Fresh {
    let store = home().await;
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    store.set_guarantee(BOB, Switch::On, None).await.unwrap();
    store
}

impl Fresh {
    /// Whether the guarantee was lifted for that recipient of the message.
    async fn lifted(&self, queue_id: &str, address: &str) -> bool {
        let entry = self.queue_entry(queue_id).await.unwrap().unwrap();
        let to = entry.status.recipients.iter().find(|to| to.address == address).unwrap();
        to.requirement == Requirement::Opportunistic
    }
}

#[tokio::test]
async fn an_override_lifts_the_guarantee_for_those_it_names() {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["carla@plain.example"])).await.unwrap();
    store.accept(message("m1", &["carla@plain.example", "dora@plain.example"])).await.unwrap();
    assert!(store.lifted("m1", "carla@plain.example").await);
    assert!(!store.lifted("m1", "dora@plain.example").await);
}

#[rstest]
#[case::as_recorded("carla@plain.example", at(1), true)]
#[case::in_another_case("CARLA@plain.example", at(1), true)]
#[case::just_in_time("carla@plain.example", at(599), true)]
#[case::too_late("carla@plain.example", at(600), false)]
#[case::for_somebody_else("carl@plain.example", at(1), false)]
#[tokio::test]
async fn an_override_is_used_by_what_it_was_made_for(
    #[case] to: &str,
    #[case] accepted_at: jiff::Timestamp,
    #[case] lifted: bool,
) {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["Carla@plain.example"])).await.unwrap();
    store.accept(message("m1", &[to]).with(|new| new.facts.accepted_at = accepted_at)).await.unwrap();
    assert_eq!(store.lifted("m1", to).await, lifted);
}

#[rstest]
#[case::another_message(message("m1", &["c@plain.example"]).with(|new| new.message_id = Some("m9@home.example".to_owned())))]
#[case::no_message_id(message("m1", &["c@plain.example"]).with(|new| new.message_id = None))]
#[case::another_account(message("m1", &["c@plain.example"]).with(|new| new.facts.account = Some(BOB.to_owned())))]
#[tokio::test]
async fn an_override_is_not_used_by_others(#[case] other: NewMessage) {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["c@plain.example"])).await.unwrap();
    store.accept(other).await.unwrap();
    assert!(!store.lifted("m1", "c@plain.example").await);
    // and is still there for its own
    store
        .accept(
            message("m2", &["c@plain.example"])
                .with(|new| new.message_id = Some("m1@home.example".to_owned())),
        )
        .await
        .unwrap();
    assert!(store.lifted("m2", "c@plain.example").await);
}

#[tokio::test]
async fn an_override_is_used_once() {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["c@plain.example"])).await.unwrap();
    for id in ["q1", "q2"] {
        let same = message("m1", &["c@plain.example"]).with(|new| new.facts.queue_id = id.to_owned());
        store.accept(same).await.unwrap();
    }
    assert!(store.lifted("q1", "c@plain.example").await);
    assert!(!store.lifted("q2", "c@plain.example").await);
}

#[tokio::test]
async fn an_override_is_used_up_even_where_it_changes_nothing() {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["c@plain.example"])).await.unwrap();
    store.set_guarantee(ALICE, Switch::Off, None).await.unwrap();
    store
        .accept(message("m1", &["c@plain.example"]).with(|new| new.facts.queue_id = "q1".to_owned()))
        .await
        .unwrap();
    store.set_guarantee(ALICE, Switch::On, None).await.unwrap();
    store
        .accept(message("m1", &["c@plain.example"]).with(|new| new.facts.queue_id = "q2".to_owned()))
        .await
        .unwrap();
    assert!(!store.lifted("q2", "c@plain.example").await);
}

#[tokio::test]
async fn a_decision_for_two_may_be_used_in_two_submissions() {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["c@plain.example", "d@plain.example"])).await.unwrap();
    for (id, to) in [("q1", "c@plain.example"), ("q2", "d@plain.example")] {
        store.accept(message("m1", &[to]).with(|new| new.facts.queue_id = id.to_owned())).await.unwrap();
        assert!(store.lifted(id, to).await);
    }
}

#[tokio::test]
async fn a_refused_submission_uses_nothing_up() {
    let store = guaranteed().await;
    store.accept(message("q1", &["d@tls.example"])).await.unwrap();
    store.record_override(&decision("m1", &["c@plain.example"])).await.unwrap();
    let refused = message("m1", &["c@plain.example"]).with(|new| new.facts.queue_id = "q1".to_owned());
    store.accept(refused).await.unwrap_err();
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    assert!(store.lifted("m1", "c@plain.example").await);
}

#[tokio::test]
async fn a_decision_made_again_is_good_again() {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["c@plain.example"])).await.unwrap();
    store
        .accept(message("m1", &["c@plain.example"]).with(|new| new.facts.queue_id = "q1".to_owned()))
        .await
        .unwrap();
    let again = OverrideRow { expires_at: at(900), ..decision("m1", &["c@plain.example"]) };
    store.record_override(&again).await.unwrap();
    let late = message("m1", &["c@plain.example"]).with(|new| {
        new.facts.queue_id = "q2".to_owned();
        new.facts.accepted_at = at(800);
    });
    store.accept(late).await.unwrap();
    assert!(store.lifted("q2", "c@plain.example").await);
}

#[tokio::test]
async fn only_a_submission_uses_an_override() {
    let store = guaranteed().await;
    store.record_override(&decision("m1", &["c@plain.example"])).await.unwrap();
    let other = message("m1", &["c@plain.example"]).with(|new| {
        new.facts.queue_id = "q1".to_owned();
        new.facts.origin = Origin::MailStore;
    });
    store.accept(other).await.unwrap();
    store.accept(message("m1", &["c@plain.example"])).await.unwrap();
    assert!(store.lifted("m1", "c@plain.example").await);
}

#[tokio::test]
async fn of_simultaneous_submissions_one_uses_the_override() {
    let store = guaranteed().await;
    for round in 0..20 {
        let id = format!("m{round}");
        store.record_override(&decision(&id, &["c@plain.example"])).await.unwrap();
        let mut accepting = tokio::task::JoinSet::new();
        for copy in 0..4 {
            let (store, id) = (store.store.clone(), id.clone());
            accepting.spawn(async move {
                let same = message(&id, &["c@plain.example"])
                    .with(|new| new.facts.queue_id = format!("{id}-{copy}"));
                store.accept(same).await.unwrap();
            });
        }
        accepting.join_all().await;
        let mut lifted = BTreeSet::new();
        for copy in 0..4 {
            if store.lifted(&format!("{id}-{copy}"), "c@plain.example").await {
                lifted.insert(copy);
            }
        }
        assert_eq!(lifted.len(), 1, "round {round}: {lifted:?}");
    }
}
