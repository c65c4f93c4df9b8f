use api::ListedMessage;
use rstest::rstest;

use super::*;

fn message(number: u32) -> String {
    format!(
        "From: Alice <alice@home.example>\r\nTo: Bob <bob@tls.example>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= {number}\r\n\
         Message-ID: <{number}@home.example>\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\nHello\r\n"
    )
}

async fn with_three_sent() -> (Server, String) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    for number in 1..=3 {
        let ask = server.ask("POST", "/messages").by(&token).body("message/rfc822", message(number));
        assert_eq!(ask.send().await.status, StatusCode::ACCEPTED);
    }
    (server, token)
}

#[tokio::test]
async fn a_list_has_the_newest_first() {
    let (server, token) = with_three_sent().await;
    let list = |query: &'static str| {
        let ask = server.ask("GET", &format!("/mailboxes/Sent/messages{query}")).by(&token);
        async { ask.send().await.ok::<Vec<ListedMessage>>() }
    };
    let all = list("").await;
    let ids: Vec<&str> = all.iter().filter_map(|message| message.message_id.as_deref()).collect();
    assert_eq!(ids, ["3@home.example", "2@home.example", "1@home.example"]);
    assert_eq!(all[0].subject, "Grüße 3");
    assert_eq!((all[0].from.as_str(), all[0].to.as_str()), ("Alice", "Bob"));
    assert_eq!(list("?limit=2").await, all[..2]);
    let ask = server.ask("GET", "/mailboxes/INBOX/messages").by(&token);
    assert_eq!(ask.send().await.ok::<Vec<ListedMessage>>(), []);
    let bob = server.log_in(BOB).await;
    let ask = server.ask("GET", "/mailboxes/Sent/messages").by(&bob);
    assert_eq!(ask.send().await.ok::<Vec<ListedMessage>>(), []);
}

#[tokio::test]
async fn a_message_comes_as_a_file_that_runs_nowhere() {
    let (server, token) = with_three_sent().await;
    let sent: Vec<ListedMessage> = server.ask("GET", "/mailboxes/Sent/messages").by(&token).send().await.ok();
    let path = format!("/mailboxes/Sent/messages/{}/raw", sent[0].id);
    let answer = server.ask("GET", &path).by(&token).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, message(3));
    assert_eq!(answer.header("content-type"), "message/rfc822");
    assert!(answer.header("content-disposition").starts_with("attachment;"));
    assert!(answer.header("content-security-policy").starts_with("sandbox;"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    let bob = server.log_in(BOB).await;
    server.ask("GET", &path).by(&bob).send().await.problem(404);
    server.ask("GET", &path.replace("Sent", "INBOX")).by(&token).send().await.problem(404);
}

#[tokio::test]
async fn a_message_is_marked_read() {
    let (server, token) = with_three_sent().await;
    let list = || async {
        server.ask("GET", "/mailboxes/Sent/messages").by(&token).send().await.ok::<Vec<ListedMessage>>()
    };
    let before = list().await;
    let path = format!("/mailboxes/Sent/messages/{}", before[1].id);
    for seen in [true, false, true] {
        let answer = server.ask("PATCH", &path).by(&token).json(&json!({ "seen": seen })).send().await;
        answer.done();
        assert_eq!(list().await[1].seen, seen);
    }
    assert_eq!(list().await[0].seen, before[0].seen);
    let bob = server.log_in(BOB).await;
    server.ask("PATCH", &path).by(&bob).json(&json!({ "seen": true })).send().await.problem(404);
    let answer = server.ask("PATCH", &path).by(&token).json(&json!({ "seen": "yes" })).send().await;
    assert_eq!(answer.wrong_field(), "/seen");
}

#[rstest]
#[case("/mailboxes/Drafts/messages", 404)]
#[case("/mailboxes/sent/messages", 404)]
#[case("/mailboxes/%ff/messages", 404)]
#[case("/mailboxes/Sent/messages/one/raw", 404)]
#[case("/mailboxes/Sent/messages/999999/raw", 404)]
#[case("/mailboxes/Sent/messages/-1/raw", 404)]
#[case("/mailboxes/Sent/messages/99999999999999999999/raw", 404)]
#[case("/mailboxes/Sent/messages?limit=0", 422)]
#[case("/mailboxes/Sent/messages?limit=-1", 422)]
#[case("/mailboxes/Sent/messages?limit=all", 422)]
#[case("/mailboxes/Sent/messages?limit=4294967296", 422)]
#[case("/mailboxes/Sent/messages?access_token=x", 400)]
#[case("/mailboxes/Sent/messages?limit=1&limit=2", 400)]
#[tokio::test]
async fn what_is_not_there(#[case] path: &str, #[case] status: u16) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    server.ask("GET", path).by(&token).send().await.problem(status);
}

#[tokio::test]
async fn inbox_is_found_in_any_case() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("GET", "/mailboxes/Inbox/messages").by(&token).send().await;
    assert_eq!(answer.ok::<Vec<ListedMessage>>(), []);
}
