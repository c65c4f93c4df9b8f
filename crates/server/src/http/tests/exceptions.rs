use api::Exception;
use rstest::rstest;

use super::*;

async fn add(server: &Server, token: &str, pattern: &str) -> (StatusCode, Exception) {
    let body = json!({ "pattern": pattern, "note": " their server is old " });
    let answer = server.ask("POST", "/exceptions").by(token).json(&body).send().await;
    (answer.status, answer.ok())
}

#[tokio::test]
async fn an_exception_is_added_once_listed_and_revoked() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let (status, first) = add(&server, &token, " Carla@Plain.example ").await;
    assert_eq!((status, first.pattern.as_str()), (StatusCode::CREATED, "Carla@Plain.example"));
    assert_eq!((first.note.as_str(), first.created_at), ("their server is old", server.now()));
    server.pass(SignedDuration::from_mins(1));
    assert_eq!(add(&server, &token, "carla@plain.EXAMPLE").await, (StatusCode::OK, first.clone()));
    let (_, second) = add(&server, &token, "bücher.example").await;
    let list = |query: &'static str| {
        let (server, token) = (&server, &token);
        async move {
            server.ask("GET", &format!("/exceptions{query}")).by(token).send().await.ok::<Vec<Exception>>()
        }
    };
    assert_eq!(list("").await, [second.clone(), first.clone()]);
    assert_eq!(list("?limit=1").await, std::slice::from_ref(&second));
    let path = format!("/exceptions/{}", second.id);
    let bob = server.log_in(BOB).await;
    for (token, status) in
        [(&bob, StatusCode::NOT_FOUND), (&token, StatusCode::NO_CONTENT), (&token, StatusCode::NOT_FOUND)]
    {
        assert_eq!(server.ask("DELETE", &path).by(token).send().await.status, status);
    }
    assert_eq!(list("").await, [first]);
    let answer = server.ask("DELETE", "/exceptions/none").by(&token).send().await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[rstest]
#[case::no_pattern(json!({}), "/pattern")]
#[case::neither(json!({ "pattern": "carla" }), "/pattern")]
#[case::a_wildcard(json!({ "pattern": "*.plain.example" }), "/pattern")]
#[case::empty(json!({ "pattern": "" }), "/pattern")]
#[case::too_long(json!({ "pattern": format!("{}@plain.example", "a".repeat(300)) }), "/pattern")]
#[case::a_long_note(json!({ "pattern": "plain.example", "note": "ä".repeat(201) }), "/note")]
#[case::unknown(json!({ "pattern": "plain.example", "why": "x" }), "/why")]
#[tokio::test]
async fn what_makes_no_sense_is_named(#[case] body: Value, #[case] field: &str) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("POST", "/exceptions").by(&token).json(&body).send().await;
    assert_eq!(answer.wrong_field(), field);
}

#[tokio::test]
async fn a_note_has_two_hundred_characters_and_an_account_as_many_exceptions() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let ask = async |pattern: String| {
        let body = json!({ "pattern": pattern, "note": "ä".repeat(200) });
        server.ask("POST", "/exceptions").by(&token).json(&body).send().await.status
    };
    for number in 0..200 {
        assert_eq!(ask(format!("d{number}.example")).await, StatusCode::CREATED);
    }
    assert_eq!(ask("one.more.example".to_owned()).await, StatusCode::CONFLICT);
    assert_eq!(ask("d0.example".to_owned()).await, StatusCode::OK);
}
