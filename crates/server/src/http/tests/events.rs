use api::{Event, Guarantee};
use futures_util::StreamExt;

use super::*;

struct Stream {
    pieces: axum::body::BodyDataStream,
    read: String,
}

impl Stream {
    async fn open(server: &Server, token: &str) -> Self {
        let response = server.ask("GET", "/events").by(token).begin().await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        let mut pieces = response.into_body().into_data_stream();
        // At once, so that a proxy hands on the head.
        assert_eq!(pieces.next().await.unwrap().unwrap(), ": \n\n");
        Self { pieces, read: String::new() }
    }

    /// The next event's name and data; nothing when the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        while !self.read.contains("\n\n") {
            self.read.push_str(std::str::from_utf8(&self.pieces.next().await?.unwrap()).unwrap());
        }
        let (event, rest) = self.read.split_once("\n\n").unwrap();
        let field =
            |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let told = (field("event:"), serde_json::from_str(&field("data:")).unwrap());
        self.read = rest.to_owned();
        Some(told)
    }
}

fn mailbox(name: &str) -> Event {
    Event::Mailbox { name: name.to_owned() }
}

#[tokio::test]
async fn each_account_is_told_its_own() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let mut stream = Stream::open(&server, &token).await;
    server.events.publish(BOB, mailbox("Sent"));
    server.events.publish(ALICE, mailbox("INBOX"));
    assert_eq!(stream.next().await.unwrap(), ("mailbox".to_owned(), json!({ "name": "INBOX" })));
    let on: Guarantee =
        server.ask("PUT", "/guarantee").by(&token).json(&json!({ "state": "on" })).send().await.ok();
    let told = stream.next().await.unwrap();
    assert_eq!(told, ("guarantee".to_owned(), serde_json::to_value(on).unwrap()));
}

#[tokio::test]
async fn whoever_was_too_slow_is_sent_to_fetch_anew() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let mut stream = Stream::open(&server, &token).await;
    for _ in 0..3000 {
        server.events.publish(ALICE, mailbox("INBOX"));
    }
    assert_eq!(stream.next().await.unwrap(), ("resync".to_owned(), json!({})));
    assert_eq!(stream.next().await.unwrap().0, "mailbox");
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let mut stream = Stream::open(&server, &token).await;
    server.ask("DELETE", "/session").by(&token).send().await.done();
    server.events.publish(ALICE, mailbox("INBOX"));
    assert_eq!(stream.next().await, None, "nothing is told after the log-out");
    server.ask("GET", "/events").by(&token).send().await.problem(401);
}

#[tokio::test]
async fn streams_of_one_account_are_counted() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::open(&server, &token).await);
    }
    server.ask("GET", "/events").by(&token).send().await.problem(429);
    drop(streams.pop());
    Stream::open(&server, &token).await;
}
