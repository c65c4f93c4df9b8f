use ::guarantee::Level;
use api::{Event, Guarantee, GuaranteeState};
use rstest::rstest;

use super::*;

#[tokio::test]
async fn a_switch_goes_on_off_and_into_a_pause_that_ends_by_itself() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let get = || async { server.ask("GET", "/guarantee").by(&token).send().await.ok::<Guarantee>() };
    let put = |body: Value| {
        let ask = server.ask("PUT", "/guarantee").by(&token).json(&body);
        async { ask.send().await.ok::<Guarantee>() }
    };
    let mut events = server.events.subscribe();
    let level = Some(Level::Encrypted);
    let off_at_first = Guarantee { state: GuaranteeState::Off, until: None, level, was_on: false };
    assert_eq!(get().await, off_at_first);

    let on = Guarantee { state: GuaranteeState::On, until: None, level, was_on: true };
    assert_eq!(put(json!({ "state": "on" })).await, on);
    assert_eq!(get().await, on);
    let told = events.try_recv().unwrap();
    assert_eq!((told.account.as_str(), told.event), (ALICE, Event::Guarantee(on)));

    let until = server.now() + SignedDuration::from_hours(1);
    let paused = Guarantee { state: GuaranteeState::Paused, until: Some(until), level, was_on: true };
    assert_eq!(put(json!({ "state": "paused", "until": until })).await, paused);
    assert_eq!(get().await, paused);
    server.pass(SignedDuration::from_hours(1));
    assert_eq!(get().await, on, "the pause is over");

    let off = Guarantee { state: GuaranteeState::Off, until: None, level, was_on: true };
    assert_eq!(put(json!({ "state": "off", "until": null, "was_on": false })).await, off);
    assert_eq!(get().await, off);
    let bobs = server.log_in(BOB).await;
    let bobs = server.ask("GET", "/guarantee").by(&bobs).send().await;
    assert_eq!(bobs.ok::<Guarantee>(), off_at_first, "Bob's is his own");
}

#[rstest]
#[case::no_end(json!({ "state": "paused" }), "/until")]
#[case::past(json!({ "state": "paused", "until": "2026-11-24T11:59:59Z" }), "/until")]
#[case::now(json!({ "state": "paused", "until": "2026-11-24T12:00:00Z" }), "/until")]
#[case::too_far(json!({ "state": "paused", "until": "2026-11-25T12:05:00Z" }), "/until")]
#[case::on_until(json!({ "state": "on", "until": "2026-11-24T13:00:00Z" }), "/until")]
#[case::off_until(json!({ "state": "off", "until": "2026-11-24T13:00:00Z" }), "/until")]
#[case::no_time(json!({ "state": "paused", "until": "tomorrow" }), "/until")]
#[case::no_state(json!({}), "/state")]
#[case::unknown_state(json!({ "state": "maybe" }), "/state")]
#[case::unknown_level(json!({ "state": "on", "level": "dane" }), "/level")]
#[case::unknown_field(json!({ "state": "on", "colour": "red" }), "/colour")]
#[tokio::test]
async fn what_makes_no_sense_changes_nothing(#[case] body: Value, #[case] field: &str) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("PUT", "/guarantee").by(&token).json(&body).send().await;
    assert_eq!(answer.wrong_field(), field);
    let stands: Guarantee = server.ask("GET", "/guarantee").by(&token).send().await.ok();
    assert_eq!(stands.state, GuaranteeState::Off);
}

#[tokio::test]
async fn a_clock_that_is_a_little_ahead_gets_its_24_hours_by_ours() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let body = json!({ "state": "paused", "until": "2026-11-25T12:00:30Z" });
    let set: Guarantee = server.ask("PUT", "/guarantee").by(&token).json(&body).send().await.ok();
    assert_eq!(set.until, Some(server.now() + SignedDuration::from_hours(24)));
}

#[tokio::test]
async fn a_level_stays_until_another_is_given() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let put = async |body: Value| {
        server.ask("PUT", "/guarantee").by(&token).json(&body).send().await.ok::<Guarantee>().level
    };
    assert_eq!(put(json!({ "state": "on" })).await, Some(Level::Encrypted));
    assert_eq!(put(json!({ "state": "on", "level": "authenticated" })).await, Some(Level::Authenticated));
    assert_eq!(put(json!({ "state": "off" })).await, Some(Level::Authenticated));
    assert_eq!(put(json!({ "state": "on", "level": null })).await, Some(Level::Authenticated));
    let shown: Guarantee = server.ask("GET", "/guarantee").by(&token).send().await.ok();
    assert_eq!(shown.level, Some(Level::Authenticated));
    assert_eq!(put(json!({ "state": "on", "level": "encrypted" })).await, Some(Level::Encrypted));
}
