use guarantee::Origin;
use rstest::rstest;
use store::{NewMessage, ReplacementRow, StoreError};

use super::world::{ALICE, BOB, Fresh, With as _, at, home, message, stopped};

/// Alice's m1, stopped for carla.
async fn with_a_stop() -> Fresh {
    let store = home().await;
    store.accept(message("m1", &["carla@plain.example"])).await.unwrap();
    store.record_for("m1", "carla@plain.example", stopped(), 1).await;
    store
}

/// Alice's announcement that the message with this Message-ID is sent in the stead of m1, good until 600.
fn in_the_stead_of_m1(message_id: &str) -> ReplacementRow {
    ReplacementRow {
        account: ALICE.to_owned(),
        stop: "m1".to_owned(),
        message_id: message_id.to_owned(),
        expires_at: at(600),
    }
}

impl Fresh {
    async fn replaced_by(&self) -> Option<String> {
        self.stops(ALICE, None).await.unwrap().remove(0).replaced_by
    }
}

fn again() -> NewMessage {
    message("m2", &["carla@plain.example"])
}

#[rstest]
#[case::by_its_message_id(again(), true)]
#[case::just_in_time(again().with(|new| new.facts.accepted_at = at(599)), true)]
#[case::too_late(again().with(|new| new.facts.accepted_at = at(600)), false)]
#[case::another_message(again().with(|new| new.message_id = Some("m3@home.example".to_owned())), false)]
#[case::another_account(again().with(|new| new.facts.account = Some(BOB.to_owned())), false)]
#[case::not_submitted(again().with(|new| new.facts.origin = Origin::MailStore), false)]
#[tokio::test]
async fn what_was_announced_replaces_the_stopped_message(#[case] new: NewMessage, #[case] replaces: bool) {
    let store = with_a_stop().await;
    store.announce_replacement(&in_the_stead_of_m1("m2@home.example")).await.unwrap();
    store.accept(new).await.unwrap();
    assert_eq!(store.replaced_by().await, replaces.then(|| "m2".to_owned()));
}

/// Whom the later message does not go to is still without it; who got it from another one keeps that.
#[tokio::test]
async fn each_recipient_has_a_replacement_of_its_own() {
    let store = home().await;
    let all = ["carla@plain.example", "dora@plain.example", "eve@plain.example"];
    store.accept(message("m1", &all)).await.unwrap();
    for address in all {
        store.record_for("m1", address, stopped(), 1).await;
    }
    for (queue_id, to) in [("m2", "Carla@plain.example"), ("m3", "eve@plain.example")] {
        let new = message(queue_id, &[to, "bob@tls.example"]);
        store.accept(new.with(|new| new.replaces = Some("m1".to_owned()))).await.unwrap();
    }
    let stop = store.stops(ALICE, None).await.unwrap().remove(0);
    let by = stop.recipients.iter().map(|one| one.replaced_by.as_deref()).collect::<Vec<_>>();
    assert_eq!(by, [Some("m2"), None, Some("m3")]);
    assert_eq!(stop.replaced_by.as_deref(), Some("m3"));
}

#[tokio::test]
async fn an_announcement_may_come_after_the_message() {
    let store = with_a_stop().await;
    store.accept(again()).await.unwrap();
    store.announce_replacement(&in_the_stead_of_m1("m2@home.example")).await.unwrap();
    assert_eq!(store.replaced_by().await.as_deref(), Some("m2"));
}

#[tokio::test]
async fn an_announcement_is_used_once() {
    let store = with_a_stop().await;
    store.announce_replacement(&in_the_stead_of_m1("m2@home.example")).await.unwrap();
    store.accept(again()).await.unwrap();
    let same_id = message("m3", &["carla@plain.example"])
        .with(|new| new.message_id = Some("m2@home.example".to_owned()));
    store.accept(same_id).await.unwrap();
    assert_eq!(store.replaced_by().await.as_deref(), Some("m2"));
}

#[tokio::test]
async fn no_message_replaces_itself() {
    let store = with_a_stop().await;
    store.announce_replacement(&in_the_stead_of_m1("m1@home.example")).await.unwrap();
    assert_eq!(store.replaced_by().await, None);
}

#[rstest]
#[case::of_another_account(BOB, "m1")]
#[case::that_is_not_there(ALICE, "m9")]
#[tokio::test]
async fn a_stop_that_is_not_ones_own_is_not_there(#[case] account: &str, #[case] stop: &str) {
    let store = with_a_stop().await;
    let row = in_the_stead_of_m1("m2@home.example");
    let row = ReplacementRow { account: account.to_owned(), stop: stop.to_owned(), ..row };
    let refused = store.announce_replacement(&row).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    let own = again().with(|new| new.facts.account = Some(account.to_owned()));
    store.accept(own).await.unwrap();
    assert_eq!(store.replaced_by().await, None);
}

#[tokio::test]
async fn messages_are_found_by_their_message_id() {
    let store = home().await;
    for (queue_id, account) in [("m1", ALICE), ("m2", ALICE), ("m3", BOB)] {
        let new = message(queue_id, &["a@tls.example"]).with(|new| {
            new.message_id = Some("same@home.example".to_owned());
            new.facts.account = Some(account.to_owned());
        });
        store.accept(new).await.unwrap();
    }
    let ids = async |account| {
        let found = store.messages_with(account, "same@home.example").await.unwrap();
        found.into_iter().map(|status| status.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("Alice@home.example").await, ["m2", "m1"], "the last one first");
    assert_eq!(ids(BOB).await, ["m3"], "nobody else's");
    assert_eq!(store.messages_with(ALICE, "other@home.example").await.unwrap(), []);
}
