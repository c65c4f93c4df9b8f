use api::{ListedMessage, MessageStatus, RecipientState, Submitted};
use rstest::rstest;

use super::*;

const MESSAGE: &str = "From: Alice <alice@home.example>\r\nTo: bob@tls.example\r\nCc: Team: a@x.example, bob@tls.example;\r\n\
    Bcc: carla@plain.example\r\nSubject: Hello\r\nMessage-ID: <1@home.example>\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n\
    \r\nHello\r\n";

async fn submit(server: &Server, token: &str, message: &str) -> Submitted {
    let answer =
        server.ask("POST", "/messages").by(token).body("message/rfc822", message.to_owned()).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let submitted: Submitted = answer.ok();
    assert_eq!(answer.header("location"), format!("/api/v1/messages/{}", submitted.id));
    submitted
}

#[tokio::test]
async fn a_raw_message_goes_to_everybody_in_to_cc_and_bcc_once() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let submitted = submit(&server, &token, MESSAGE).await;
    assert_eq!(submitted.message_id, "1@home.example");
    let ask = server.ask("GET", &format!("/messages/{}", submitted.id)).by(&token);
    let status: MessageStatus = ask.send().await.ok();
    assert_eq!((status.id, status.message_id.as_deref()), (submitted.id.clone(), Some("1@home.example")));
    let recipients: Vec<&str> =
        status.recipients.iter().map(|recipient| recipient.address.as_str()).collect();
    assert_eq!(recipients, ["bob@tls.example", "a@x.example", "carla@plain.example"]);
    assert!(status.recipients.iter().all(|recipient| recipient.state == RecipientState::Queued));

    let content = server.store.content(&submitted.id).await.unwrap();
    assert!(!String::from_utf8_lossy(&content).contains("carla"), "Bcc never leaves");
    let sent: Vec<ListedMessage> = server.ask("GET", "/mailboxes/Sent/messages").by(&token).send().await.ok();
    let path = format!("/mailboxes/Sent/messages/{}/raw", sent[0].id);
    let copy = server.ask("GET", &path).by(&token).send().await;
    assert!(String::from_utf8_lossy(&copy.body).contains("Bcc: carla@plain.example"), "the copy keeps it");
}

#[tokio::test]
async fn nobody_sees_what_became_of_the_mail_of_others() {
    let server = Server::start().await;
    let (alice, bob) = (server.log_in(ALICE).await, server.log_in(BOB).await);
    let submitted = submit(&server, &alice, MESSAGE).await;
    let others = server.ask("GET", &format!("/messages/{}", submitted.id)).by(&bob).send().await;
    let nothing = server.ask("GET", "/messages/nothing").by(&bob).send().await;
    assert_eq!(others.problem(404), nothing.problem(404));
}

#[tokio::test]
async fn lines_may_end_in_lf_alone() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let submitted = submit(&server, &token, &MESSAGE.replace("\r\n", "\n")).await;
    let content = server.store.content(&submitted.id).await.unwrap();
    assert!(content.ends_with(b"\r\n\r\nHello\r\n"));
}

#[tokio::test]
async fn a_draft_is_written_by_the_server() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let draft = json!({ "to": ["Bob <bob@tls.example>"], "bcc": ["carla@plain.example"], "subject": "Grüße", "text": "Hallo" });
    let answer = server.ask("POST", "/messages").by(&token).json(&draft).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let submitted: Submitted = answer.ok();
    let status = server.store.message_status(ALICE, &submitted.id).await.unwrap().unwrap();
    let recipients: Vec<&str> =
        status.recipients.iter().map(|recipient| recipient.address.as_str()).collect();
    assert_eq!(recipients, ["bob@tls.example", "carla@plain.example"]);
    assert_eq!(status.message_id, Some(submitted.message_id.clone()));
    let content = server.store.content(&submitted.id).await.unwrap();
    let text = String::from_utf8_lossy(&content);
    assert!(text.contains("From: <alice@home.example>") && text.contains(&submitted.message_id), "{text}");
}

#[tokio::test]
async fn a_message_can_replace_a_stopped_one_and_nothing_else_is_asked_in_the_query() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let ask = server.ask("POST", "/messages?replaces=1").by(&token).body("message/rfc822", MESSAGE);
    assert_eq!(ask.send().await.status, StatusCode::ACCEPTED);
    let ask = server.ask("POST", "/messages?token=1").by(&token).body("message/rfc822", MESSAGE);
    ask.send().await.problem(400);
}

#[rstest]
#[case::another_from(MESSAGE.replace("alice@home.example", "bob@home.example"), 403, Some("From"))]
#[case::no_recipient("From: alice@home.example\r\n\r\nHello\r\n".to_owned(), 422, Some("To"))]
#[case::no_address("From: alice@home.example\r\nTo: Bob\r\n\r\nHello\r\n".to_owned(), 422, Some("To"))]
#[case::no_from("To: bob@tls.example\r\n\r\nHello\r\n".to_owned(), 422, Some("From"))]
#[case::no_header("Hello\r\n".to_owned(), 422, Some("header"))]
#[case::empty(String::new(), 422, Some("To"))]
#[tokio::test]
async fn what_cannot_be_sent_is_refused_whole(
    #[case] message: String,
    #[case] status: u16,
    #[case] field: Option<&str>,
) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("POST", "/messages").by(&token).body("message/rfc822", message).send().await;
    assert_eq!(answer.problem(status).field.as_deref(), field);
    let sent: Vec<ListedMessage> = server.ask("GET", "/mailboxes/Sent/messages").by(&token).send().await.ok();
    assert_eq!(sent, []);
}

#[tokio::test]
async fn formats_and_sizes() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let post = || server.ask("POST", "/messages").by(&token);
    post().send().await.problem(415);
    post().body("text/plain", MESSAGE).send().await.problem(415);
    let upper_case = post().body("Message/RFC822; charset=utf-8", MESSAGE).send().await;
    assert_eq!(upper_case.status, StatusCode::ACCEPTED);
    post().body("application/json", "{").send().await.problem(400);
    let wrong_type = post().json(&json!({ "to": "bob@tls.example" })).send().await;
    assert_eq!(wrong_type.wrong_field(), "/to");
    let announced = post().body("message/rfc822", MESSAGE).header("content-length", "60000000").send().await;
    announced.problem(413);
    let line = "0123456789abcdef".repeat(4) + "\r\n";
    let large = MESSAGE.to_owned() + &line.repeat((50 << 20) / line.len());
    post().body("message/rfc822", large).send().await.problem(413);
    server.ask("POST", "/messages").body("message/rfc822", MESSAGE).send().await.problem(401);
}

#[tokio::test]
async fn one_account_cannot_take_all_places_for_uploads() {
    let server = Server::start().await;
    let (alice, bob) = (server.log_in(ALICE).await, server.log_in(BOB).await);
    let endless = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let mut uploads = Vec::new();
    for _ in 0..4 {
        let ask = server.ask("POST", "/messages").by(&alice).body("message/rfc822", endless());
        let mut upload = Box::pin(ask.begin());
        // Polled once it has taken its place and waits for its body; the log-in is looked up by another thread.
        let waits = tokio::time::timeout(std::time::Duration::from_millis(200), &mut upload).await;
        assert!(waits.is_err());
        uploads.push(upload);
    }
    server.ask("POST", "/messages").by(&alice).body("message/rfc822", MESSAGE).send().await.problem(429);
    submit(&server, &bob, &MESSAGE.replace("alice@", "bob@")).await;
    drop(uploads);
    submit(&server, &alice, MESSAGE).await;
}
