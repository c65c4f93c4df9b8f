use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn encoded(content: &str) -> Option<String> {
    to_seven_bit(content.as_bytes()).map(|out| String::from_utf8(out).unwrap())
}

/// Goldens: what goes in, and what comes out, with LF for CRLF.
#[rstest]
#[case::label_is_replaced(
    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\nSubject: x\n\nGrüße = \n",
    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\nSubject: x\n\nGr=C3=BC=C3=9Fe =3D=20\n"
)]
#[case::folded_label(
    "mime-version: 1.0\ncontent-transfer-encoding:\n 8BIT\nSubject: x\n\nü\n",
    "mime-version: 1.0\nContent-Transfer-Encoding: quoted-printable\nSubject: x\n\n=C3=BC\n"
)]
#[case::no_mime_at_all(
    "Subject: x\n\nü\n",
    "Subject: x\nContent-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n=C3=BC\n"
)]
#[case::no_header("\nü\n", "Content-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n=C3=BC\n")]
#[case::other_than_text(
    "MIME-Version: 1.0\nContent-Type: application/json\nContent-Transfer-Encoding: binary\n\n{\"a\": \"ü\"}\n",
    "MIME-Version: 1.0\nContent-Type: application/json\nContent-Transfer-Encoding: base64\n\neyJhIjogIsO8In0NCg==\n"
)]
#[case::only_what_must(
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b b\"\nContent-Transfer-Encoding: 8bit\n\npreamble\n--b b\nContent-Transfer-Encoding: 8bit\n\nascii \n--b b \nContent-Type: text/html\n\nü\n\n--b b\n\nü\n--b b--\nepilogue \n",
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b b\"\nContent-Transfer-Encoding: 7bit\n\npreamble\n--b b\nContent-Transfer-Encoding: 8bit\n\nascii \n--b b \nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n\n--b b\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n--b b--\nepilogue \n"
)]
#[case::forwarded(
    "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: binary\n\nSubject: y\n\nü\n",
    "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nSubject: y\nContent-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n=C3=BC\n"
)]
#[case::forwarded_and_forwarded(
    "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\nMIME-Version: 1.0\n\n\nü\n",
    "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\nMIME-Version: 1.0\n\nContent-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n=C3=BC\n"
)]
#[case::digest(
    "MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: y\nMIME-Version: 1.0\n\nü\n--b--\n",
    "MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: y\nMIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n--b--\n"
)]
#[case::signed_beside(
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/signed; boundary=b\nContent-Transfer-Encoding: 8bit\n\n--b\n\nx\n--b--\n--a\n\nü\n--a--\n",
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/signed; boundary=b\nContent-Transfer-Encoding: 8bit\n\n--b\n\nx\n--b--\n--a\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n--a--\n"
)]
#[case::global(
    "MIME-Version: 1.0\nContent-Type: message/global\n\nSubject: ü\n\nx\n",
    "MIME-Version: 1.0\nContent-Type: message/global\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogw7wNCg0KeA0K\n"
)]
#[case::nothing_to_do("Subject: x\n\nHello\n", "Subject: x\n\nHello\n")]
#[case::no_body("Subject: x\n", "Subject: x\n")]
#[case::empty("", "")]
fn goldens(#[case] before: &str, #[case] after: &str) {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(encoded(&crlf(before)), Some(crlf(after)));
}

const MULTIPART: &str = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";

#[rstest]
#[case::header("Subject: ü\n\nx\n")]
#[case::header_without_body("Subject: ü\n")]
#[case::header_of_a_part("MULTIPART--b\nSubject: ü\n\nx\n--b--\n")]
#[case::header_of_a_forwarded_message("Content-Type: message/rfc822\n\nSubject: ü\n\nx\n")]
#[case::preamble("MULTIPARTü\n--b\n\nx\n--b--\n")]
#[case::epilogue("MULTIPART--b\n\nx\n--b--\nü\n")]
#[case::behind_a_delimiter("MULTIPART--b ü\n\nx\n--b--\n")]
#[case::no_end("MULTIPART--b\n\nü\n")]
#[case::no_part("MULTIPARTü\n")]
#[case::only_an_end("MULTIPARTü\n--b--\n")]
#[case::no_boundary("Content-Type: multipart/mixed\n\n--b\n\nü\n--b--\n")]
#[case::empty_boundary("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nü\n----\n")]
#[case::no_end_within("MULTIPART--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nü\n--b--\n")]
#[case::signed("Content-Type: multipart/signed; boundary=b\n\n--b\n\nü\n--b--\n")]
#[case::signed_within("MULTIPART--b\nContent-Type: Multipart/Signed; boundary=c\n\n--c\n\nü\n--c--\n--b--\n")]
#[case::encrypted("Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nü\n--b--\n")]
#[case::says_base64("Content-Transfer-Encoding: base64\n\nü\n")]
#[case::says_quoted_printable("Content-Transfer-Encoding: Quoted-Printable\n\nü\n")]
#[case::says_something_else("Content-Transfer-Encoding: x-uuencode\n\nü\n")]
#[case::two_labels("Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 7bit\n\nü\n")]
#[case::two_types("Content-Type: text/plain\nContent-Type: text/html\n\nü\n")]
#[case::partial("Content-Type: message/partial; number=1; total=2; id=x\n\nü\n")]
#[case::delivery_status("Content-Type: message/delivery-status\n\nü: x\n")]
fn what_cannot_be_encoded_honestly(#[case] content: &str) {
    assert_eq!(encoded(&content.replace("MULTIPART", MULTIPART).replace('\n', "\r\n")), None);
}

/// A soft line break right before "--b" must not make a boundary of it.
#[test]
fn an_encoded_line_is_no_boundary() {
    let text = format!("ü{}--b--", "x".repeat(69));
    let content = format!("{MULTIPART}--b\n\n{text}\n--b--\n").replace('\n', "\r\n");
    assert!(String::from_utf8(quoted_printable::encode(&text)).unwrap().contains("\r\n--b--"));
    let out = encoded(&content).unwrap();
    let message = MessageParser::default().parse(&out).unwrap();
    assert_eq!(message.parts[1].content_transfer_encoding(), Some("base64"));
    assert_eq!(message.parts[1].text_contents(), Some(&*text));
}

/// Deeper than anybody nests; neither time nor the stack runs out.
#[test]
fn what_is_nested_too_deeply_is_left() {
    let nested = |depth: usize| {
        let opening: String = (0..depth)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}.\r\n\r\n--b{n}.\r\n"))
            .collect();
        let closing: String = (0..depth).rev().map(|n| format!("\r\n--b{n}.--")).collect();
        format!("{opening}\r\nü{closing}\r\n")
    };
    assert!(encoded(&nested(DEPTH - 1)).is_some());
    assert_eq!(encoded(&nested(DEPTH)), None);
    assert_eq!(encoded(&nested(20_000)), None);
}

/// A message as a tree.
#[derive(Clone, Debug)]
enum Tree {
    Leaf { kind: &'static str, label: &'static str, body: Vec<u8> },
    Multipart { subtype: &'static str, label: &'static str, parts: Vec<Tree> },
    Message { label: &'static str, inner: Box<Tree> },
}

impl Tree {
    /// Header and body; `number` makes the boundaries differ.
    fn write(&self, out: &mut Vec<u8>, number: &mut usize) {
        let mut header = |kind: &str, label: &str| {
            out.extend_from_slice(
                format!("Content-Type: {kind}\r\n{label}X-Other: a\r\n b\r\n\r\n").as_bytes(),
            );
        };
        match self {
            Self::Leaf { kind, label, body } => {
                header(kind, label);
                out.extend_from_slice(body);
            }
            Self::Multipart { subtype, label, parts } => {
                *number += 1;
                let boundary = format!("=_{number}");
                header(&format!("multipart/{subtype}; boundary=\"{boundary}\""), label);
                out.extend_from_slice(b"preamble");
                for part in parts {
                    out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
                    part.write(out, number);
                }
                out.extend_from_slice(format!("\r\n--{boundary}--\r\nepilogue").as_bytes());
            }
            Self::Message { label, inner } => {
                header("message/rfc822", label);
                out.extend_from_slice(b"MIME-Version: 1.0\r\nSubject: inner\r\n");
                inner.write(out, number);
            }
        }
    }

    fn leaves<'a>(&'a self, all: &mut Vec<&'a [u8]>) {
        match self {
            Self::Leaf { body, .. } => all.push(body),
            Self::Multipart { parts, .. } => parts.iter().for_each(|part| part.leaves(all)),
            Self::Message { inner, .. } => inner.leaves(all),
        }
    }
}

fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "Content-Transfer-Encoding: 8bit\r\n",
        "content-transfer-encoding: BINARY\r\n",
        "Content-Transfer-Encoding: 7bit\r\n",
    ])
}

/// Lines of any octets but CR, LF and, as the parser reads text, NUL; no longer than SMTP allows.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        3 => Just(b' '), 3 => Just(b'='), 2 => Just(b'-'), 2 => Just(b'.'), 2 => Just(b'\t'),
        10 => 0x20_u8..0x7f, 10 => 0x80_u8..=0xff,
    ];
    let line = prop::collection::vec(octet, 0..120);
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join(&b"\r\n"[..]))
}

fn tree() -> impl Strategy<Value = Tree> {
    let kind = prop::sample::select(vec![
        "text/plain; charset=iso-8859-1",
        "text/html; charset=windows-1252",
        "text/csv",
        "application/octet-stream",
        "image/png",
        "application/json",
    ]);
    let leaf = (kind, label(), body()).prop_map(|(kind, label, body)| Tree::Leaf { kind, label, body });
    leaf.prop_recursive(4, 12, 4, |inner| {
        let subtype = prop::sample::select(vec!["mixed", "alternative", "related", "report", "x-unknown"]);
        prop_oneof![
            (subtype, label(), prop::collection::vec(inner.clone(), 1..4))
                .prop_map(|(subtype, label, parts)| Tree::Multipart { subtype, label, parts }),
            // mail-parser 0.11 loses its way in a message that is nothing but a message.
            (
                label(),
                inner.prop_filter("a message in a message", |tree| !matches!(tree, Tree::Message { .. }))
            )
                .prop_map(|(label, inner)| Tree::Message { label, inner: Box::new(inner) }),
        ]
    })
}

/// The decoded bodies, in order, of everything that is no container.
fn decoded(message: &Message<'_>, all: &mut Vec<Vec<u8>>) {
    for part in &message.parts {
        match &part.body {
            PartType::Multipart(_) => {}
            PartType::Message(inner) => decoded(inner, all),
            _ => all.push(part.contents().to_vec()),
        }
    }
}

fn decoded_parts(content: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    decoded(&MessageParser::default().parse(content).unwrap(), &mut all);
    all
}

proptest! {
    /// What a mail program shows of the message is the same before and after.
    #[test]
    fn nothing_is_lost_by_encoding(tree in tree()) {
        let mut content = b"MIME-Version: 1.0\r\nSubject: outer\r\n".to_vec();
        tree.write(&mut content, &mut 0);
        content.extend_from_slice(b"\r\n");
        let out = to_seven_bit(&content).unwrap();
        prop_assert!(out.is_ascii());
        prop_assert!(out.split(|octet| *octet == b'\n').all(|line| line.len() <= 999));
        prop_assert_eq!(decoded_parts(&out).len(), decoded_parts(&content).len());
        prop_assert_eq!(decoded_parts(&out), decoded_parts(&content));
        if content.is_ascii() {
            prop_assert_eq!(&out, &content);
        }
        let mut leaves = Vec::new();
        tree.leaves(&mut leaves);
        prop_assert_eq!(leaves.len(), decoded_parts(&out).len());
        // It is at rest.
        prop_assert_eq!(to_seven_bit(&out), Some(out));
    }

    /// Whatever comes in: no panic, and what comes out is ASCII.
    #[test]
    fn anything_is_encoded_or_left(pieces in prop::collection::vec(prop_oneof![
        Just("\r\n".to_owned()), Just("\n".to_owned()), Just("\r".to_owned()), Just("--b".to_owned()), Just("--b--".to_owned()),
        Just("--".to_owned()), Just("ü".to_owned()), Just("Content-Type: multipart/mixed; boundary=b\r\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n".to_owned()), Just("Content-Transfer-Encoding: 8bit".to_owned()),
        Just("Content-Transfer-Encoding:".to_owned()), Just(" folded\r\n".to_owned()), ".{0,9}",
    ], 0..30)) {
        let content = pieces.concat();
        if let Some(out) = to_seven_bit(content.as_bytes()) {
            prop_assert!(out.is_ascii());
        }
    }
}
