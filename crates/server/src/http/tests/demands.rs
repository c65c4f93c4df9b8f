use api::DemandRecorded;
use rstest::rstest;

use super::*;

#[tokio::test]
async fn a_demand_is_recorded_for_longer_than_a_relay_queues() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    for message_id in ["<1@home.example>", "2@home.example"] {
        let body = json!({ "message_id": message_id });
        let answer = server.ask("POST", "/demands").by(&token).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let recorded: DemandRecorded = answer.ok();
        assert_eq!(recorded.message_id, message_id.trim_matches(['<', '>']));
        assert_eq!(recorded.expires_at, server.now() + SignedDuration::from_hours(6 * 24));
    }
}

#[rstest]
#[case::message_id(json!({ "message_id": "one" }), "/message_id")]
#[case::no_message_id(json!({}), "/message_id")]
#[case::recipients(json!({ "message_id": "1@b", "recipients": ["a@b.example"] }), "/recipients")]
#[tokio::test]
async fn what_makes_no_sense_is_named(#[case] body: Value, #[case] field: &str) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("POST", "/demands").by(&token).json(&body).send().await;
    assert_eq!(answer.wrong_field(), field);
}
