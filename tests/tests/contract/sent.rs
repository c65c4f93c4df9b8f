//! The stopped mail in the Sent folder: P9, P10.

use black_box::{Demo, Mail};
use serde_json::{Value, json};

#[test]
fn p09_the_sent_copy_is_there_and_the_record_says_it_was_not_sent() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    let id = alice.post(&mail);
    // Filed in the same transaction as the submission: there is nothing to wait for.
    let sent = alice.list("Sent");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].message_id.as_deref(), Some(mail.message_id.as_str()));
    alice.settled(&id);
    let stop = alice.stop_of(&id).expect("a recorded stop");
    assert_eq!(stop.message_id, mail.message_id, "the page finds the stop by it");
    assert_eq!(stop.recipients[0].address, "carla@plain.example");
    assert!(stop.recipients[0].stopped_at.ends_with('Z'));
    assert_eq!(stop.replaced_by, None);
}

#[test]
fn p09_smtp_submission_files_no_copy() {
    let demo = Demo::start();
    let alice = demo.alice();
    let id = demo.submit_as("alice@home.example").submit(&Mail::to(&["bob@tls.example"]));
    alice.settled(&id);
    assert_eq!(alice.list("Sent").len(), 0, "the mail program files its own");
}

#[test]
fn p10_the_copy_keeps_all_that_opening_as_new_needs() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut mail = Mail::to(&["carla@plain.example"])
        .with("In-Reply-To: <earlier@plain.example>")
        .with("References: <first@plain.example> <earlier@plain.example>")
        .with("MIME-Version: 1.0")
        .with("Content-Type: multipart/mixed; boundary=\"b\"");
    mail.cc.push("dora@tls.example".to_owned());
    mail.bcc.push("emil@tls.example".to_owned());
    mail.body = "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                 Gr=C3=BC=C3=9Fe\r\n--b\r\nContent-Type: application/octet-stream; name=\"a.bin\"\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
        .to_owned();
    alice.settled(&alice.post(&mail));
    let copy = String::from_utf8(alice.wait_for_message("Sent", &mail.message_id)).expect("UTF-8");
    let posted = mail.to_string();
    let (head, body) = posted.split_once("\r\n\r\n").expect("an empty line");
    assert!(copy.ends_with(body), "the body, byte for byte: {copy}");
    for field in head.split("\r\n") {
        assert!(copy.contains(field), "{field:?} is missing in {copy}");
    }
}

// rfc 5321 7.2: SHOULD NOT Especially when more than one RCPT command is present
// rfc 5321 7.2: SHOULD NOT The popular "Apparently-to" header field
#[test]
fn p10_blind_copies_are_delivered_and_named_to_nobody() {
    let demo = Demo::start();
    let alice = demo.alice();
    let mut mail = Mail::to(&["alice@home.example"]);
    mail.bcc = vec!["bob@home.example".to_owned(), "emil@tls.example".to_owned()];
    alice.settled(&alice.post(&mail));
    demo.wait_for_delivery(&mail.message_id, "tls.example");
    for user in [&alice, &demo.bob()] {
        let received = String::from_utf8(user.wait_for_message("INBOX", &mail.message_id)).expect("UTF-8");
        assert!(
            !received.contains("emil@tls.example") && !received.to_lowercase().contains("\r\nbcc:"),
            "{received}"
        );
    }
}

/// "Open as new" sends another message with the stopped recipients only.
#[test]
fn p10_a_message_sent_in_its_stead_is_found_from_the_stop() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let stopped = Mail::to(&["carla@plain.example", "bob@tls.example"]);
    let id = alice.post(&stopped);
    alice.settled(&id);
    let again = Mail::to(&["carla@plain.example"]);
    let lifted = json!({"message_id": again.message_id, "recipients": ["carla@plain.example"]});
    alice.http.post("/api/v1/overrides", &lifted).ok();
    let new_id = alice.post(&again);
    assert_eq!(alice.settled(&new_id).recipients[0].state, "delivered");
    assert_eq!(demo.deliveries_of(&stopped.message_id, "tls.example").len(), 1, "nobody gets the mail twice");
    assert_eq!(demo.deliveries_of(&again.message_id, "tls.example").len(), 0);
}

#[test]
fn p10_a_draft_becomes_a_message_with_all_its_parts() {
    let demo = Demo::start();
    let alice = demo.alice();
    let draft = json!({
        "to": ["Bob Example <bob@home.example>"],
        "cc": ["alice@home.example"],
        "subject": "Grüße aus München",
        "text": "Schöne Grüße\n.\nsagt Alice\n",
        "html": "<p>Schöne Grüße</p>",
        "attachments": [{"name": "über.txt", "content_type": "text/plain", "content_base64": "aGFsbG8="}],
        "in_reply_to": "earlier@plain.example",
        "references": ["first@plain.example", "earlier@plain.example"],
    });
    let answer: Value = alice.http.post("/api/v1/messages", &draft).ok().parse();
    alice.settled(answer["id"].as_str().expect("a queue id"));
    let message_id = answer["message_id"].as_str().expect("a Message-ID");
    let raw = demo.bob().wait_for_message("INBOX", message_id);
    let message = mail_parser::MessageParser::default().parse(&raw).expect("a message");
    assert_eq!(message.subject(), Some("Grüße aus München"));
    let text = message.body_text(0).expect("a text").replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "Schöne Grüße\n.\nsagt Alice");
    assert_eq!(message.body_html(0).expect("HTML").trim_end(), "<p>Schöne Grüße</p>");
    let attachment = message.attachment(0).expect("an attachment");
    assert_eq!(attachment.contents(), b"hallo");
    assert_eq!(message.in_reply_to().as_text(), Some("earlier@plain.example"));
    assert!(raw.is_ascii() || String::from_utf8(raw).is_ok());
}
