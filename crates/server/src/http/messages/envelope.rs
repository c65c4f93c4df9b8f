//! The envelope of a message that comes without one: from its own header.

use std::collections::HashSet;

use bytes::Bytes;
use smtp::address::Mailbox;
use smtp::envelope::{BodyType, MailFrom, Notify, RcptTo, ReversePath};

use super::Failure;
use crate::headers::Headers;

/// Recipients of one message, as at the SMTP door.
const RECIPIENTS: usize = 1000;

/// Who it is from and to.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) mail_from: MailFrom,
    pub(super) recipients: Vec<RcptTo>,
}

/// Reads the recipients from To, Cc and Bcc, groups included, each once. Reports go to the account.
pub(super) fn read(message: &[u8], account: &str) -> Result<Envelope, Failure> {
    let headers = Headers::read(message).map_err(|malformed| {
        let remedy = "the header ends with an empty line, and each field is \"Name: value\"";
        Failure::invalid("header", format!("The message is malformed: {malformed}; {remedy}."))
    })?;
    let mut mailboxes = Vec::new();
    let mut seen = HashSet::new();
    for field in ["To", "Cc", "Bcc"] {
        for mailbox in mailboxes_in(&headers, field)? {
            if seen.insert(mailbox.to_string()) {
                mailboxes.push(mailbox);
            }
        }
    }
    if mailboxes.is_empty() {
        return Err(Failure::invalid("To", "The message has no recipient: name one in To, Cc or Bcc."));
    }
    if mailboxes.len() > RECIPIENTS {
        return Err(Failure::invalid(
            "To",
            format!("A message goes to at most {RECIPIENTS} recipients; split it."),
        ));
    }
    let smtputf8 =
        !header(message).is_ascii() || mailboxes.iter().any(|mailbox| !mailbox.local_part().is_ascii());
    let body = if message.is_ascii() { BodyType::SevenBit } else { BodyType::EightBitMime };
    let reverse_path = ReversePath::Address(account.to_owned());
    let recipient =
        |mailbox: &Mailbox| RcptTo { address: mailbox.to_string(), notify: Notify::Unspecified, orcpt: None };
    Ok(Envelope {
        mail_from: MailFrom { reverse_path, body, smtputf8, ret: None, envid: None, requiretls: false },
        recipients: mailboxes.iter().map(recipient).collect(),
    })
}

fn mailboxes_in(headers: &Headers<'_>, field: &str) -> Result<Vec<Mailbox>, Failure> {
    let addresses = headers.addresses(field).ok_or_else(|| {
        Failure::invalid(field, format!("An entry of {field} has no address; write name@example.org."))
    })?;
    let parse = |address: String| {
        Mailbox::parse(&address).map_err(|error| {
            Failure::invalid(field, format!("{address} in {field} is not an address: {error}."))
        })
    };
    addresses.into_iter().map(parse).collect()
}

/// Everything before the first empty line.
fn header(message: &[u8]) -> &[u8] {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n");
    &message[..end.unwrap_or(message.len())]
}

/// The message with every line ended by CRLF (RFC 5322 §2.1): a CR or LF alone would be a line's end to some
/// servers and not to others.
pub(super) fn with_crlf(message: Bytes) -> Bytes {
    let stray = |at: usize| match message[at] {
        b'\n' => at == 0 || message[at - 1] != b'\r',
        b'\r' => message.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    if !(0..message.len()).any(stray) {
        return message;
    }
    let mut lines = Vec::with_capacity(message.len() + message.len() / 32);
    for (at, octet) in message.iter().enumerate() {
        match (octet, stray(at)) {
            (_, true) => lines.extend_from_slice(b"\r\n"),
            (octet, false) => lines.push(*octet),
        }
    }
    lines.into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b"a\r\nb\r\n", b"a\r\nb\r\n")]
    #[case(b"a\nb\n", b"a\r\nb\r\n")]
    #[case(b"a\rb", b"a\r\nb")]
    #[case(b"\n\r", b"\r\n\r\n")]
    #[case(b"a\n\r\nb", b"a\r\n\r\nb")]
    #[case(b"a\r\r\nb", b"a\r\n\r\nb")]
    #[case(b"", b"")]
    fn lines_end_in_crlf(#[case] message: &'static [u8], #[case] expected: &[u8]) {
        assert_eq!(with_crlf(Bytes::from_static(message)), expected);
    }

    fn recipients(header: &str) -> Result<Vec<String>, Failure> {
        let message = format!("From: alice@home.example\r\n{header}\r\nhello\r\n");
        let envelope = read(message.as_bytes(), "alice@home.example")?;
        Ok(envelope.recipients.into_iter().map(|recipient| recipient.address).collect())
    }

    #[rstest]
    #[case::all_three("To: a@x.example\r\nCc: b@x.example\r\nBcc: c@x.example\r\n", &["a@x.example", "b@x.example", "c@x.example"])]
    #[case::each_once("To: a@x.example, A <a@X.Example>\r\nBcc: a@x.example\r\n", &["a@x.example"])]
    #[case::local_parts_have_case("To: a@x.example, A@x.example\r\n", &["a@x.example", "A@x.example"])]
    #[case::groups("To: friends: a@x.example, b@y.example;\r\n", &["a@x.example", "b@y.example"])]
    #[case::bcc_alone("To: undisclosed-recipients:;\r\nBcc: c@x.example\r\n", &["c@x.example"])]
    #[case::folded("To: a@x.example,\r\n \"B, b\" <b@y.example>\r\n", &["a@x.example", "b@y.example"])]
    #[case::idn("To: a@bücher.example\r\n", &["a@xn--bcher-kva.example"])]
    fn come_from_the_header(#[case] header: &str, #[case] expected: &[&str]) {
        assert_eq!(recipients(header).unwrap(), expected);
    }

    #[rstest]
    #[case::none("")]
    #[case::an_empty_group("To: undisclosed-recipients:;\r\n")]
    #[case::a_name_alone("To: Bob\r\n")]
    #[case::no_domain("To: bob@\r\n")]
    #[case::an_address_literal("To: bob@[192.0.2.1]\r\n")]
    #[case::a_broken_header("To bob\r\n")]
    fn are_refused(#[case] header: &str) {
        assert!(recipients(header).is_err());
    }

    #[rstest]
    #[case("To: a@x.example\r\n", "hello", false, BodyType::SevenBit)]
    #[case("To: a@x.example\r\n", "grüße", false, BodyType::EightBitMime)]
    #[case("To: a@x.example\r\nSubject: grüße\r\n", "hello", true, BodyType::EightBitMime)]
    fn knows_what_the_way_must_carry(
        #[case] header: &str,
        #[case] body: &str,
        #[case] smtputf8: bool,
        #[case] body_type: BodyType,
    ) {
        let envelope = read(format!("{header}\r\n{body}\r\n").as_bytes(), "alice@home.example").unwrap();
        assert_eq!((envelope.mail_from.smtputf8, envelope.mail_from.body), (smtputf8, body_type));
    }
}
