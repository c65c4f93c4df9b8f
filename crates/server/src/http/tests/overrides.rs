use api::OverrideRecorded;
use rstest::rstest;

use super::*;

#[tokio::test]
async fn a_decision_is_recorded_for_ten_minutes() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    for message_id in ["<1@home.example>", "2@home.example"] {
        let body = json!({ "message_id": message_id, "recipients": ["Carla@Plain.example", "d@x.example"] });
        let answer = server.ask("POST", "/overrides").by(&token).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let recorded: OverrideRecorded = answer.ok();
        assert_eq!(recorded.message_id, message_id.trim_matches(['<', '>']));
        assert_eq!(recorded.recipients, ["Carla@Plain.example", "d@x.example"], "as asked");
        assert_eq!(recorded.expires_at, server.now() + SignedDuration::from_mins(10));
    }
}

#[rstest]
#[case::none(json!({ "message_id": "1@b", "recipients": [] }), "/recipients")]
#[case::too_many(json!({ "message_id": "1@b", "recipients": vec!["a@b.example"; 101] }), "/recipients")]
#[case::no_address(json!({ "message_id": "1@b", "recipients": ["a@b.example", "c"] }), "/recipients/1")]
#[case::domain(json!({ "message_id": "1@b", "recipients": ["b.example"] }), "/recipients/0")]
#[case::message_id(json!({ "message_id": "one", "recipients": ["a@b.example"] }), "/message_id")]
#[case::white_space(json!({ "message_id": "<1 @b>", "recipients": ["a@b.example"] }), "/message_id")]
#[case::no_message_id(json!({ "recipients": ["a@b.example"] }), "/message_id")]
#[tokio::test]
async fn what_makes_no_sense_is_named(#[case] body: Value, #[case] field: &str) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("POST", "/overrides").by(&token).json(&body).send().await;
    assert_eq!(answer.wrong_field(), field);
}
