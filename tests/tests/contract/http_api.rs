//! The HTTP API's manners and the page's delivery.

use black_box::{Demo, Mail};
use rstest::rstest;
use serde_json::{Value, json};

#[test]
fn without_a_session_everything_is_closed() {
    let demo = Demo::start();
    let calls = [
        ("GET", "/guarantee"),
        ("PUT", "/guarantee"),
        ("POST", "/checks"),
        ("POST", "/overrides"),
        ("POST", "/demands"),
        ("GET", "/exceptions"),
        ("POST", "/exceptions"),
        ("DELETE", "/exceptions/1"),
        ("GET", "/preferences"),
        ("PUT", "/preferences"),
        ("GET", "/overrides"),
        ("GET", "/memory"),
        ("GET", "/weeks"),
        ("GET", "/forwardings"),
        ("POST", "/forwardings"),
        ("DELETE", "/forwardings/1"),
        ("POST", "/messages"),
        ("GET", "/messages/x"),
        ("GET", "/stops"),
        ("GET", "/mailboxes/INBOX/messages"),
        ("GET", "/mailboxes/INBOX/messages/1/raw"),
        ("GET", "/events"),
        ("DELETE", "/session"),
    ];
    for http in [demo.anonymous(), demo.anonymous().with_token("made-up")] {
        for (method, path) in calls {
            http.call(method, &format!("/api/v1{path}"), "application/json", "{}").problem(401);
        }
        // Never a token in a URL.
        http.get(&format!("/api/v1/stops?token={}", demo.alice().http.token().expect("a token")))
            .problem(401);
    }
}

#[test]
fn a_session_ends_when_it_is_deleted() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.http.delete("/api/v1/session").ok();
    alice.http.get("/api/v1/guarantee").problem(401);
}

#[test]
fn it_is_described_by_openapi() {
    let demo = Demo::start();
    let document: Value = demo.anonymous().get("/api/v1/openapi.json").ok().parse();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{document}");
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in [
        ("/session", &["post", "delete"][..]),
        ("/guarantee", &["get", "put"]),
        ("/checks", &["post"]),
        ("/overrides", &["get", "post"]),
        ("/memory", &["get"]),
        ("/weeks", &["get"]),
        ("/forwardings", &["get", "post"]),
        ("/forwardings/{id}", &["delete"]),
        ("/demands", &["post"]),
        ("/exceptions", &["get", "post"]),
        ("/exceptions/{id}", &["delete"]),
        ("/preferences", &["get", "put"]),
        ("/messages", &["post"]),
        ("/messages/{id}", &["get"]),
        ("/stops", &["get"]),
        ("/mailboxes/{name}/messages", &["get"]),
        ("/mailboxes/{name}/messages/{id}/raw", &["get"]),
        ("/events", &["get"]),
    ] {
        let described = paths.get(&format!("/api/v1{path}")).or_else(|| paths.get(path));
        for method in methods {
            assert!(described.is_some_and(|path| path.get(method).is_some()), "{method} {path}");
        }
    }
}

#[test]
fn lists_are_newest_first_and_can_be_limited() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mails: Vec<Mail> = (0..3).map(|_| Mail::to(&["carla@plain.example"])).collect();
    for mail in &mails {
        alice.settled(&alice.post(mail));
        alice.wait_for_bounce(&mail.message_id);
    }
    let newest_first: Vec<&str> = mails.iter().rev().map(|mail| mail.message_id.as_str()).collect();
    let stops: Vec<String> = alice.stops().into_iter().map(|stop| stop.message_id).collect();
    assert_eq!(stops, newest_first);
    let sent: Vec<String> = alice.list("Sent").into_iter().filter_map(|listed| listed.message_id).collect();
    assert_eq!(sent, newest_first);
    for list in ["/stops", "/mailboxes/Sent/messages", "/mailboxes/INBOX/messages"] {
        let two: Vec<Value> = alice.http.get(&format!("/api/v1{list}?limit=2")).ok().parse();
        let all: Vec<Value> = alice.http.get(&format!("/api/v1{list}")).ok().parse();
        assert_eq!((two.as_slice(), all.len()), (&all[..2], 3), "{list}");
        alice.http.get(&format!("/api/v1{list}?limit=many")).any_problem();
    }
    alice.http.get("/api/v1/mailboxes/Nowhere/messages").problem(404);
}

#[rstest]
#[case::tls("tls.example", "encrypted", "deliver")]
#[case::plain("plain.example", "none", "stop")]
#[case::legacy("legacy.example", "none", "stop")]
#[case::broken("broken.example", "none", "stop")]
#[case::mixed("mixed.example", "encrypted", "deliver")]
#[case::down("down.example", "unknown", "defer")]
fn a_check_tells_before_what_sending_would_do(
    #[case] domain: &str,
    #[case] protection: &str,
    #[case] outcome: &str,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    let events = alice.events();
    let asked = json!({"recipients": [format!("bob@{domain}")]});
    let answer: Value = alice.http.post("/api/v1/checks", &asked).ok().parse();
    let mut result = answer["results"][0].clone();
    if result["outcome"] == "unknown" {
        // What takes longer than three seconds follows as an event.
        result = events
            .wait_for("the check's result", |event| (event.name == "check").then(|| event.data.clone()));
    }
    assert_eq!(result["recipient"], format!("bob@{domain}"));
    assert_eq!(
        (&result["protection"], &result["outcome"]),
        (&json!(protection), &json!(outcome)),
        "{result}"
    );
    assert_eq!(result["promised"], false);
    assert!(result["reason"].is_string());
    assert!(demo.deliveries().is_empty(), "nothing is sent to find out");
}

#[test]
fn a_check_of_no_address_says_so() {
    let demo = Demo::start();
    let alice = demo.alice();
    let answer: Value = alice.http.post("/api/v1/checks", &json!({"recipients": ["nonsense"]})).ok().parse();
    assert_eq!(answer["results"][0]["protection"], "invalid", "{answer}");
}

#[test]
fn a_message_id_is_taken_with_or_without_brackets_and_answered_without() {
    let demo = Demo::start();
    let alice = demo.alice();
    let recorded = |message_id: &str| {
        let body = json!({"message_id": message_id, "recipients": ["carla@plain.example"]});
        let answer: Value = alice.http.post("/api/v1/overrides", &body).ok().parse();
        answer["message_id"].clone()
    };
    assert_eq!(
        (recorded("<a@client.example>"), recorded("a@client.example")),
        (json!("a@client.example"), json!("a@client.example"))
    );
}

#[test]
fn the_page_comes_with_a_strict_policy_and_the_right_types() {
    let demo = Demo::start();
    let page = demo.anonymous().get("/").ok();
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    let policy = page.header("content-security-policy");
    for directive in
        ["default-src", "script-src 'self' 'wasm-unsafe-eval'", "frame-ancestors", "base-uri", "form-action"]
    {
        assert!(policy.contains(directive), "{directive}: {policy}");
    }
    let scripts =
        policy.split(';').find(|directive| directive.trim().starts_with("script-src")).unwrap_or_default();
    assert!(!scripts.contains("'unsafe-inline'") && !scripts.contains("'unsafe-eval'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let module = demo
        .anonymous()
        .send("GET", "/tls_guarantee_bg.wasm", |request| request.header("Accept-Encoding", "br, gzip"));
    let module = module.ok();
    assert_eq!(module.header("content-type"), "application/wasm");
    assert_eq!(module.header("content-encoding"), "br");
    assert!(module.header("vary").to_lowercase().contains("accept-encoding"), "{:?}", module.headers);
    assert!(
        !module.header("cache-control").is_empty() && !module.header("etag").is_empty(),
        "{:?}",
        module.headers
    );
    let etag = module.header("etag").to_owned();
    let again = demo.anonymous().send("GET", "/tls_guarantee_bg.wasm", |request| {
        request.header("Accept-Encoding", "br, gzip").header("If-None-Match", etag)
    });
    assert_eq!((again.status, again.body.len()), (304, 0));
    let plain = demo.anonymous().get("/tls_guarantee_bg.wasm").ok();
    assert!(plain.body.starts_with(b"\0asm"), "not compressed for those who did not ask");
}

#[rstest]
#[case::api("/api/v1/nothing")]
#[case::traversal("/../Cargo.toml")]
#[case::encoded_traversal("/%2e%2e/%2e%2e/Cargo.toml")]
#[case::hidden("/.stamp")]
fn what_is_not_there_is_not_found(#[case] path: &str) {
    let demo = Demo::start();
    let answer = demo.anonymous().get(path);
    assert!((400..500).contains(&answer.status) || !answer.text().contains("[workspace]"), "{answer:?}");
    if path.starts_with("/api") {
        answer.problem(404);
    }
}
