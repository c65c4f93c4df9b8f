use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::draft::Recipients;
use crate::state::reopen::{self, Whom};

fn stamp() -> Stamp {
    Stamp {
        message_id: "new@home.example".to_owned(),
        date: "2026-11-24T13:05:00Z".parse().unwrap(),
        boundary: "0123456789abcdef".to_owned(),
    }
}

fn written(draft: &Draft) -> String {
    String::from_utf8(write(draft, "alice@home.example", &stamp())).unwrap()
}

fn named(name: &str, email: &str) -> Address {
    Address { name: Some(name.to_owned()), email: email.to_owned() }
}

fn picture() -> Attachment {
    Attachment {
        name: "Grundriß.png".to_owned(),
        content_type: "image/png".to_owned(),
        content_id: Some("plan@home.example".to_owned()),
        inline: true,
        bytes: vec![0x89, b'P', b'N', b'G', 0, 0xff],
    }
}

fn file(name: &str, content_type: &str, bytes: &[u8]) -> Attachment {
    Attachment {
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        content_id: None,
        inline: false,
        bytes: bytes.to_vec(),
    }
}

fn full() -> Draft {
    Draft {
        from: Some(named("Alice Weber", "alice@home.example")),
        reply_to: vec![Address::bare("office@home.example")],
        recipients: Recipients {
            to: vec![named("Klein, Carla", "carla@plain.example"), Address::bare("bob@tls.example")],
            cc: vec![named("Jürgen", "j@tls.example")],
            bcc: vec![Address::bare("chef@home.example")],
        },
        subject: "Vertrag für Haus 12".to_owned(),
        text: "Guten Tag,\n\nanbei der Vertrag für Haus 12.\n\nAlice".to_owned(),
        html: Some(
            "<p>Guten Tag,</p><p>anbei der Vertrag: <img src=\"cid:plan@home.example\"></p>".to_owned(),
        ),
        attachments: vec![picture(), file("Vertrag.pdf", "application/pdf", b"%PDF-1.7 \r\n\x00")],
        in_reply_to: Some("answered@tls.example".to_owned()),
        references: vec!["first@tls.example".to_owned(), "answered@tls.example".to_owned()],
        ..Draft::default()
    }
}

#[test]
fn a_full_message() {
    insta::assert_snapshot!("full", written(&full()).replace("\r\n", "\n"));
}

#[test]
fn a_plain_message() {
    let draft = Draft {
        recipients: Recipients { to: vec![Address::bare("bob@tls.example")], ..Recipients::default() },
        subject: "Hello".to_owned(),
        text: "Hello Bob".to_owned(),
        ..Draft::default()
    };
    insta::assert_snapshot!("plain", written(&draft).replace("\r\n", "\n"));
}

#[rstest]
#[case::without_html(Draft { html: None, ..full() }, &["multipart/mixed", "text/plain", "image/png", "application/pdf"])]
#[case::without_files(Draft { attachments: vec![], ..full() }, &["multipart/alternative", "text/plain", "text/html"])]
#[case::picture_only(Draft { attachments: vec![picture()], ..full() },
    &["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"])]
#[case::html_only(Draft { text: String::new(), attachments: vec![], ..full() }, &["text/html"])]
#[case::all(full(), &["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related",
    "text/html", "image/png", "application/pdf"])]
fn structures(#[case] draft: Draft, #[case] expected: &[&str]) {
    let written = written(&draft);
    let message = MessageParser::default().parse(&written).unwrap();
    let types: Vec<String> = message
        .parts
        .iter()
        .filter_map(|part| part.content_type())
        .map(|one| format!("{}/{}", one.ctype(), one.subtype().unwrap_or_default()))
        .collect();
    assert_eq!(types, expected);
}

#[rstest]
#[case::full(full())]
#[case::without_html(Draft { html: None, ..full() })]
#[case::html_only(Draft { attachments: vec![], ..full() })]
#[case::no_text(Draft { text: String::new(), html: None, ..full() })]
#[case::long_line(Draft { text: "x".repeat(5000), ..full() })]
#[case::dots_and_from(Draft { text: ".\n..\nFrom here\n".to_owned(), ..full() })]
#[case::white_space_at_line_ends(Draft { text: "a \n\tb\t\n c".to_owned(), html: None, ..full() })]
#[case::script(Draft { text: "メール".repeat(40), subject: "メール".repeat(40), html: None, ..full() })]
#[case::text_files(Draft { attachments: vec![
    file("a.csv", "text/csv; charset=\"iso-8859-1\"", b"f\xfcr;1\r\n"),
    file("unix.txt", "text/plain; charset=\"utf-8\"", b"a\nb\n"),
    file("bare-cr.txt", "text/plain", b"a\rb"),
    file("empty.txt", "text/plain", b""),
    file("seite.html", "text/html", b"<p>\xe4</p>"),
], html: None, ..full() })]
#[case::calendar(Draft { attachments: vec![file("", "text/calendar; method=\"REQUEST\"", b"BEGIN:VCALENDAR")], ..full() })]
#[case::attached_message(Draft { attachments: vec![
    file("", "message/rfc822", b"Subject: inner\r\n\r\ninner\r\n"),
    file("weiter.eml", "message/rfc822", "Subject: f\u{fc}r\r\n\r\n\u{e4}".as_bytes()),
], html: None, ..full() })]
#[case::many(Draft { attachments: (0..200).map(|n| file(&format!("{n}.bin"), "application/x-n", &[0; 3])).collect(), ..full() })]
fn what_is_written_is_reopened_as_it_was(#[case] draft: Draft) {
    let reopened = reopen::draft(written(&draft).as_bytes(), Whom::All);
    assert_eq!(reopened, draft);
}

#[rstest]
#[case::bare_line_feeds(b"Subject: x\n\nbare line feeds\n".to_vec())]
#[case::bare_carriage_return(b"Subject: x\r\n\r\na\rb\r\n".to_vec())]
#[case::nul(b"Subject: x\r\n\r\n\0\r\n".to_vec())]
#[case::long_line([b"Subject: x\r\n\r\n".to_vec(), vec![b'x'; 999], b"\r\n".to_vec()].concat())]
fn a_message_that_cannot_be_attached_as_it_is_goes_as_a_file(#[case] bytes: Vec<u8>) {
    let attachments = vec![file("x.eml", "message/rfc822", &bytes)];
    let reopened = reopen::draft(written(&Draft { attachments, ..full() }).as_bytes(), Whom::All);
    assert_eq!(reopened.attachments[0].content_type, "application/octet-stream");
    assert_eq!(reopened.attachments[0].bytes, bytes);
}

/// Whatever was pasted: no line of it becomes a field.
#[rstest]
#[case::subject(Draft { subject: "x\r\nX-Evil: 1".to_owned(), ..full() })]
#[case::name(Draft { from: Some(named("x\r\nX-Evil: 1", "a@b.example")), ..full() })]
#[case::email(Draft { from: Some(Address::bare("a@b.example\r\nX-Evil: 1")), ..full() })]
#[case::in_reply_to(Draft { in_reply_to: Some("a\r\nX-Evil: 1".to_owned()), ..full() })]
#[case::references(Draft { references: vec!["a\r\nX-Evil: 1".to_owned()], ..full() })]
#[case::file_name(Draft { attachments: vec![file("x\r\nX-Evil: 1", "a/b", b"")], ..full() })]
#[case::file_type(Draft { attachments: vec![file("x", "a/b\r\nX-Evil: 1", b"")], ..full() })]
#[case::content_id(Draft { attachments: vec![Attachment { content_id: Some("x\r\nX-Evil: 1".to_owned()), ..picture() }], ..full() })]
fn no_field_is_smuggled_in(#[case] draft: Draft) {
    let written = written(&draft);
    assert!(!written.lines().any(|line| line.starts_with("X-Evil")), "{written}");
}

#[test]
fn every_line_is_short_enough_and_ends_as_it_should() {
    let draft = Draft {
        subject: "ä".repeat(3000),
        text: "ü".repeat(3000),
        recipients: Recipients {
            to: (0..100).map(|n| named("Ä Ö Ü", &format!("n{n}@tls.example"))).collect(),
            ..Recipients::default()
        },
        references: (0..100).map(|n| format!("{n}@tls.example")).collect(),
        ..full()
    };
    let written = written(&draft);
    // RFC 5322 §2.1.1
    assert!(written.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
}

proptest! {
    #[test]
    fn any_words_survive(
        subject in "[ -~äöüß€😀]{0,80}", text in "[ -~äöüß€😀\n]{0,300}", name in "[ -~äöüß€😀]{1,30}",
    ) {
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assume!(!name.is_empty());
        let draft = Draft { subject, text, from: Some(named(&name, "a@b.example")), ..full() };
        prop_assume!(!draft.text.is_empty());
        prop_assert_eq!(reopen::draft(written(&draft).as_bytes(), Whom::All), draft);
    }
}
