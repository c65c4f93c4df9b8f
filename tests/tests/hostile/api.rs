//! Malformed calls of the HTTP API.

use black_box::{Demo, User};
use rstest::rstest;

const JSON: &str = "application/json";
const MAIL: &str = "message/rfc822";

/// What the calls of one path share.
struct Call {
    method: &'static str,
    path: &'static str,
    content_type: &'static str,
    body: String,
}

fn call(method: &'static str, path: &'static str, content_type: &'static str, body: &str) -> Call {
    Call { method, path, content_type, body: body.to_owned() }
}

fn put_guarantee(body: &str) -> Call {
    call("PUT", "/guarantee", JSON, body)
}

fn post(path: &'static str, body: &str) -> Call {
    call("POST", path, JSON, body)
}

fn deep(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(100_000), close.repeat(100_000))
}

#[rstest]
#[case::guarantee_no_body(put_guarantee(""))]
#[case::guarantee_no_json(put_guarantee("on"))]
#[case::guarantee_cut_off(put_guarantee("{\"state\":"))]
#[case::guarantee_a_list(put_guarantee("[\"on\"]"))]
#[case::guarantee_null(put_guarantee("null"))]
#[case::guarantee_unknown_state(put_guarantee("{\"state\":\"maybe\"}"))]
#[case::guarantee_wrong_case(put_guarantee("{\"state\":\"ON\"}"))]
#[case::guarantee_a_number(put_guarantee("{\"state\":1}"))]
#[case::guarantee_unknown_field(put_guarantee("{\"state\":\"on\",\"level\":9}"))]
#[case::guarantee_twice(put_guarantee("{\"state\":\"on\",\"state\":\"off\"}"))]
#[case::guarantee_until_nonsense(put_guarantee("{\"state\":\"paused\",\"until\":\"soon\"}"))]
#[case::guarantee_until_a_number(put_guarantee("{\"state\":\"paused\",\"until\":1}"))]
#[case::guarantee_until_past(put_guarantee("{\"state\":\"paused\",\"until\":\"1999-01-01T00:00:00Z\"}"))]
#[case::guarantee_until_far(put_guarantee("{\"state\":\"paused\",\"until\":\"9999-01-01T00:00:00Z\"}"))]
#[case::guarantee_until_without_zone(put_guarantee(
    "{\"state\":\"paused\",\"until\":\"2026-11-24T12:00:00\"}"
))]
#[case::guarantee_deep(put_guarantee(&deep("[", "]")))]
#[case::guarantee_not_utf8(call("PUT", "/guarantee", JSON, "{\"state\":\"\u{0}\"}"))]
#[case::guarantee_form(call("PUT", "/guarantee", "application/x-www-form-urlencoded", "state=on"))]
#[case::guarantee_no_type(call("PUT", "/guarantee", "", "{\"state\":\"on\"}"))]
#[case::guarantee_post(post("/guarantee", "{\"state\":\"on\"}"))]
#[case::guarantee_delete(call("DELETE", "/guarantee", "", ""))]
#[case::checks_no_recipients(post("/checks", "{}"))]
#[case::checks_a_word(post("/checks", "{\"recipients\":\"bob@tls.example\"}"))]
#[case::checks_numbers(post("/checks", "{\"recipients\":[1,2]}"))]
#[case::checks_too_many(post("/checks", &format!("{{\"recipients\":[{}\"a@b.example\"]}}", "\"a@b.example\",".repeat(20_000))))]
#[case::checks_huge(post("/checks", &format!("{{\"recipients\":[\"{}\"]}}", "a".repeat(60 << 20))))]
#[case::forwardings_empty(post("/forwardings", "{}"))]
#[case::forwardings_a_literal(post("/forwardings", "{\"address\":\"a@[127.0.0.1]\"}"))]
#[case::forwardings_huge(post("/forwardings", &format!("{{\"address\":\"{}@b.example\"}}", "a".repeat(100_000))))]
#[case::forwardings_no_id(call("DELETE", "/forwardings/99999999999999999999", "", ""))]
#[case::overrides_empty(post("/overrides", "{}"))]
#[case::overrides_no_recipients(post("/overrides", "{\"message_id\":\"a@b\",\"recipients\":[]}"))]
#[case::overrides_no_message(post(
    "/overrides",
    "{\"message_id\":\"\",\"recipients\":[\"bob@tls.example\"]}"
))]
#[case::overrides_line_end(post(
    "/overrides",
    "{\"message_id\":\"a@b\\r\\nX: y\",\"recipients\":[\"bob@tls.example\"]}"
))]
#[case::overrides_no_address(post("/overrides", "{\"message_id\":\"a@b\",\"recipients\":[\"bob\"]}"))]
#[case::overrides_huge_id(post("/overrides", &format!("{{\"message_id\":\"{}@b\",\"recipients\":[\"bob@tls.example\"]}}", "a".repeat(100_000))))]
#[case::messages_no_type(call("POST", "/messages", "", "From: alice@home.example\r\n\r\n"))]
#[case::messages_text(call("POST", "/messages", "text/plain", "From: alice@home.example\r\n\r\n"))]
#[case::messages_empty(call("POST", "/messages", MAIL, ""))]
#[case::messages_no_recipient(call("POST", "/messages", MAIL, "From: alice@home.example\r\n\r\nHello\r\n"))]
#[case::messages_recipient_nonsense(call(
    "POST",
    "/messages",
    MAIL,
    "From: alice@home.example\r\nTo: bob\r\n\r\nHello\r\n"
))]
#[case::messages_recipient_group_empty(call(
    "POST",
    "/messages",
    MAIL,
    "From: alice@home.example\r\nTo: undisclosed-recipients:;\r\n\r\nHello\r\n"
))]
#[case::messages_of_another(call(
    "POST",
    "/messages",
    MAIL,
    "From: bob@home.example\r\nTo: bob@tls.example\r\n\r\nHello\r\n"
))]
#[case::messages_too_large(call("POST", "/messages", MAIL, &format!("From: alice@home.example\r\nTo: bob@tls.example\r\n\r\n{}", "x\r\n".repeat(20 << 20))))]
#[case::draft_empty(post("/messages", "{}"))]
#[case::draft_no_recipients(post("/messages", "{\"to\":[],\"subject\":\"x\",\"text\":\"x\"}"))]
#[case::draft_nonsense_recipient(post("/messages", "{\"to\":[\"bob\"],\"text\":\"x\"}"))]
#[case::draft_of_another(post(
    "/messages",
    "{\"from\":\"bob@home.example\",\"to\":[\"bob@tls.example\"],\"text\":\"x\"}"
))]
#[case::draft_attachment_not_base64(post(
    "/messages",
    "{\"to\":[\"bob@tls.example\"],\"attachments\":[{\"name\":\"a\",\"content_type\":\"text/plain\",\"content_base64\":\"***\"}]}"
))]
#[case::draft_attachment_type_nonsense(post(
    "/messages",
    "{\"to\":[\"bob@tls.example\"],\"attachments\":[{\"name\":\"a\",\"content_type\":\"text/plain\\r\\nX: y\",\"content_base64\":\"\"}]}"
))]
#[case::draft_message_id_injection(post(
    "/messages",
    "{\"to\":[\"bob@tls.example\"],\"message_id\":\"a@b>\\r\\nBcc: <eve@tls.example\"}"
))]
#[case::draft_unknown_field(post("/messages", "{\"to\":[\"bob@tls.example\"],\"priority\":1}"))]
#[case::message_unknown(call("GET", "/messages/no-such-id", "", ""))]
#[case::message_traversal(call("GET", "/messages/..%2f..%2fetc%2fpasswd", "", ""))]
#[case::message_nul(call("GET", "/messages/%00", "", ""))]
#[case::message_not_utf8(call("GET", "/messages/%ff%fe", "", ""))]
#[case::message_injection(call("GET", "/messages/x'%20OR%201=1--", "", ""))]
#[case::mailbox_unknown(call("GET", "/mailboxes/Trash/messages", "", ""))]
#[case::mailbox_traversal(call("GET", "/mailboxes/%2e%2e/messages", "", ""))]
#[case::mailbox_message_unknown(call("GET", "/mailboxes/INBOX/messages/999999/raw", "", ""))]
#[case::mailbox_message_nonsense(call("GET", "/mailboxes/INBOX/messages/abc/raw", "", ""))]
#[case::mailbox_message_negative(call("GET", "/mailboxes/INBOX/messages/-1/raw", "", ""))]
#[case::mailbox_message_overflow(call("GET", "/mailboxes/INBOX/messages/99999999999999999999/raw", "", ""))]
#[case::limit_negative(call("GET", "/stops?limit=-1", "", ""))]
#[case::limit_nonsense(call("GET", "/stops?limit=x", "", ""))]
#[case::limit_overflow(call("GET", "/stops?limit=99999999999999999999", "", ""))]
#[case::session_empty(post("/session", "{}"))]
#[case::session_wrong(post("/session", "{\"address\":\"alice@home.example\",\"password\":\"\"}"))]
#[case::session_huge_password(post("/session", &format!("{{\"address\":\"alice@home.example\",\"password\":\"{}\"}}", "x".repeat(1 << 20))))]
#[case::session_not_an_address(post("/session", "{\"address\":\"\\u0000\",\"password\":\"demo\"}"))]
#[case::unknown_path(call("GET", "/nothing/here", "", ""))]
#[case::unknown_method(call("BREW", "/guarantee", "", ""))]
fn a_malformed_call_gets_a_problem_and_changes_nothing(#[case] call: Call) {
    let mut demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let problem = refused(&alice, call);
    assert!(problem["status"].as_u64().is_some_and(|status| (400..500).contains(&status)), "{problem}");
    assert_eq!(alice.guarantee()["state"], "on");
    assert!(alice.list("Sent").is_empty() && alice.stops().is_empty() && demo.deliveries().is_empty());
    demo.assert_alive();
}

fn refused(user: &User, call: Call) -> serde_json::Value {
    let path = format!("/api/v1{}", call.path);
    user.http.call(call.method, &path, call.content_type, call.body).any_problem()
}

/// Bytes that are no HTTP at all.
#[rstest]
#[case::nonsense(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")]
#[case::no_version(b"GET /\r\n\r\n")]
#[case::smtp(b"EHLO client.example\r\n\r\n")]
#[case::two_lengths(
    b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"
)]
#[case::length_and_chunks(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
#[case::length_negative(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
#[case::header_with_nul(b"GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n")]
fn what_is_no_http_is_answered_or_closed(#[case] bytes: &[u8]) {
    use std::io::{Read, Write};
    let mut demo = Demo::start();
    let mut stream = std::net::TcpStream::connect(demo.http()).expect("a connection");
    stream.set_read_timeout(Some(black_box::PATIENCE)).expect("a time limit");
    stream.write_all(bytes).expect("sending");
    stream.shutdown(std::net::Shutdown::Write).expect("the end");
    let mut answer = Vec::new();
    // A reset is an answer too.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    demo.assert_alive();
}
