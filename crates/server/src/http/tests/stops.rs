use api::Stop;

use super::*;

#[tokio::test]
async fn there_are_none_at_first() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    assert_eq!(server.ask("GET", "/stops").by(&token).send().await.ok::<Vec<Stop>>(), []);
    assert_eq!(server.ask("GET", "/stops?limit=1").by(&token).send().await.ok::<Vec<Stop>>(), []);
    let answer = server.ask("GET", "/stops?limit=none").by(&token).send().await;
    assert_eq!(answer.wrong_field(), "limit");
    server.ask("GET", "/stops").send().await.problem(401);
}

/// Submits a message with this Message-ID to carla; its queue id.
async fn submit(server: &Server, token: &str, message_id: &str) -> String {
    let draft =
        json!({ "to": ["carla@plain.example"], "subject": "S", "text": "T", "message_id": message_id });
    let answer = server.ask("POST", "/messages").by(token).json(&draft).send().await;
    answer.ok::<api::Submitted>().id
}

/// A stop of this user's: its id.
async fn stopped(server: &Server, token: &str) -> String {
    let id = submit(server, token, "m1@home.example").await;
    let host =
        ::guarantee::HostAddress { name: "mx.plain.example".to_owned(), address: [192, 0, 2, 1].into() };
    let cause = ::guarantee::Cause::NoStarttls { host };
    let job = server.store.claim_due(Timestamp::now(), 1, &[]).await.unwrap().remove(0);
    let stopped = |to: &store::JobRecipient| store::RecipientOutcome {
        recipient: to.id,
        outcome: store::Outcome::Stopped(cause.clone()),
    };
    let outcomes = job.recipients.iter().map(stopped).collect();
    let _progress = server.store.record(&id, outcomes, Timestamp::now()).await.unwrap();
    id
}

#[tokio::test]
async fn a_page_says_what_is_sent_in_the_stead_of_a_stopped_message() {
    let server = Server::start().await;
    let (alice, bob) = (server.log_in(ALICE).await, server.log_in(BOB).await);
    let path = format!("/stops/{}/replacements", stopped(&server, &alice).await);
    let body = json!({ "message_id": "<m2@home.example>" });
    server.ask("POST", &path).by(&bob).json(&body).send().await.problem(404);
    server.ask("POST", "/stops/m9/replacements").by(&alice).json(&body).send().await.problem(404);
    let wrong = server.ask("POST", &path).by(&alice).json(&json!({ "message_id": "m2" })).send().await;
    assert_eq!(wrong.wrong_field(), "/message_id");
    // acceptance goes by the real time, which the tests' clock knows nothing of: so the message comes first
    let again = submit(&server, &alice, "m2@home.example").await;
    let answer = server.ask("POST", &path).by(&alice).json(&body).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let stops: Vec<Stop> = server.ask("GET", "/stops").by(&alice).send().await.ok();
    assert_eq!(stops[0].replaced_by.as_deref(), Some(again.as_str()));
}

#[tokio::test]
async fn messages_are_found_by_their_message_id() {
    let server = Server::start().await;
    let (alice, bob) = (server.log_in(ALICE).await, server.log_in(BOB).await);
    let id = submit(&server, &alice, "m2@home.example").await;
    for (path, token, ids) in [
        ("/messages?message_id=%3Cm2%40home.example%3E", &alice, vec![id.clone()]),
        ("/messages?message_id=m2@home.example", &alice, vec![id]),
        ("/messages?message_id=m2@home.example", &bob, vec![]),
        ("/messages?message_id=m3@home.example", &alice, vec![]),
    ] {
        let found: Vec<api::MessageStatus> = server.ask("GET", path).by(token).send().await.ok();
        assert_eq!(found.into_iter().map(|status| status.id).collect::<Vec<_>>(), ids, "{path}");
    }
    let wrong = server.ask("GET", "/messages?message_id=m2").by(&alice).send().await;
    assert_eq!(wrong.wrong_field(), "message_id");
    server.ask("GET", "/messages").by(&alice).send().await.problem(400);
}
