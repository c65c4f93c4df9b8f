//! A message made of a JSON draft.

use api::{Attachment, Draft};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use smtp::address::Mailbox;

use super::Failure;
use crate::acceptance::new_message_id;
use crate::message_id;

/// Writes the message (RFC 5322), with its Bcc field: the Sent copy keeps it, what leaves does not.
///
/// # Errors
/// 422 with the field that is wrong.
pub(super) fn message(
    draft: Draft,
    account: &str,
    server_name: &str,
    now: Timestamp,
) -> Result<Vec<u8>, Failure> {
    let from = draft.from.as_deref().unwrap_or(account);
    let own_id = || Ok(new_message_id(server_name));
    let id = draft.message_id.as_deref().map_or_else(own_id, |id| id_in(id, "/message_id".to_owned()))?;
    let mut builder = MessageBuilder::new()
        .message_id(id)
        .date(now.as_second())
        .from(person(from, "/from".to_owned())?)
        .subject(on_one_line(draft.subject, "/subject")?)
        .text_body(draft.text);
    for (name, people) in [("To", &draft.to), ("Cc", &draft.cc), ("Bcc", &draft.bcc)] {
        if !people.is_empty() {
            builder = builder.header(name, Address::new_list(list(people, &name.to_lowercase())?));
        }
    }
    if let Some(id) = &draft.in_reply_to {
        builder = builder.in_reply_to(id_in(id, "/in_reply_to".to_owned())?);
    }
    if !draft.references.is_empty() {
        let ids =
            draft.references.iter().enumerate().map(|(index, id)| id_in(id, format!("/references/{index}")));
        builder = builder.references(ids.collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(html) = draft.html {
        builder = builder.html_body(html);
    }
    for (index, attachment) in draft.attachments.into_iter().enumerate() {
        let Attachment { name, content_type, content_base64 } = attachment;
        let at = format!("/attachments/{index}");
        let content_type = media_type(content_type, &at)?;
        let name = on_one_line(name, &format!("{at}/name"))?;
        let content = STANDARD.decode(content_base64).map_err(|error| {
            Failure::invalid(format!("{at}/content_base64"), format!("This is not base64: {error}."))
        })?;
        builder = builder.attachment(content_type, name, content);
    }
    builder
        .write_to_vec()
        .map_err(|error| Failure::invalid("", format!("The message cannot be written: {error}.")))
}

fn list(people: &[String], field: &str) -> Result<Vec<Address<'static>>, Failure> {
    people.iter().enumerate().map(|(index, text)| person(text, format!("/{field}/{index}"))).collect()
}

/// `address` or `Name <address>`; the name may be quoted.
fn person(text: &str, field: String) -> Result<Address<'static>, Failure> {
    let text = text.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|open| open.rsplit_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let name = name.strip_prefix('"').and_then(|open| open.strip_suffix('"')).unwrap_or(name);
    let name = on_one_line(name.to_owned(), &field)?;
    let address = Mailbox::parse(address).map_err(|error| {
        Failure::invalid(
            field,
            format!("{text} is not an address: {error}; write name@example.org or Name <name@example.org>."),
        )
    })?;
    Ok(Address::new_address((!name.is_empty()).then_some(name), address.to_string()))
}

fn id_in(text: &str, field: String) -> Result<String, Failure> {
    let id = message_id::parse(text).map(str::to_owned);
    id.ok_or_else(|| {
        Failure::invalid(field, "This is no Message-ID; one looks like <something@home.example>.")
    })
}

/// What is to stand in the header has no line ends or other control characters.
fn on_one_line(text: String, field: &str) -> Result<String, Failure> {
    if text.chars().any(char::is_control) {
        return Err(Failure::invalid(field, "Line ends and control characters are not allowed here."));
    }
    Ok(text)
}

/// `type/subtype` (RFC 2045 §5.1). What has a structure of its own can't be an opaque file (RFC 2046 §5.1, §5.2).
fn media_type(text: String, at: &str) -> Result<String, Failure> {
    let is_token = |token: &str| {
        !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let field = || format!("{at}/content_type");
    match text.split_once('/') {
        Some((kind, _)) if kind.eq_ignore_ascii_case("multipart") || kind.eq_ignore_ascii_case("message") => {
            let detail = "For a message within a message, send the whole as message/rfc822 instead of JSON.";
            Err(Failure::invalid(field(), detail))
        }
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => Ok(text),
        _ => Err(Failure::invalid(field(), "This is no media type; one looks like application/pdf.")),
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};
    use rstest::rstest;

    use super::*;

    fn draft() -> Draft {
        Draft {
            to: vec!["Bob Büro <bob@tls.example>".to_owned()],
            bcc: vec!["carla@plain.example".to_owned()],
            subject: "Grüße".to_owned(),
            text: "Hallo\nBob\n.\n".to_owned(),
            ..Draft::default()
        }
    }

    fn write(draft: Draft) -> Result<Vec<u8>, Failure> {
        message(draft, "alice@home.example", "mail.home.example", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn says_what_the_draft_says() {
        let html = Some("<p>Hallo</p>".to_owned());
        let attachments = vec![Attachment {
            name: "Ü \"1\".pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            content_base64: "AAEC/w==".to_owned(),
        }];
        let in_reply_to = Some("<1@x.example>".to_owned());
        let references = vec!["0@x.example".to_owned(), "1@x.example".to_owned()];
        let raw = write(Draft { html, attachments, in_reply_to, references, ..draft() }).unwrap();
        assert!(raw.is_ascii());
        let message = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(message.subject(), Some("Grüße"));
        let to = message.to().unwrap().first().unwrap();
        assert_eq!((to.name(), to.address()), (Some("Bob Büro"), Some("bob@tls.example")));
        assert_eq!(message.from().unwrap().first().unwrap().address(), Some("alice@home.example"));
        assert_eq!(message.bcc().unwrap().first().unwrap().address(), Some("carla@plain.example"));
        assert_eq!(message.in_reply_to().as_text(), Some("1@x.example"));
        assert_eq!(message.references().as_text_list().unwrap(), ["0@x.example", "1@x.example"]);
        assert_eq!(message.date().unwrap().to_timestamp(), 0);
        assert!(message.message_id().unwrap().ends_with("@mail.home.example"));
        assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), "Hallo\nBob\n.\n");
        assert_eq!(message.body_html(0).unwrap(), "<p>Hallo</p>");
        let file = message.attachment(0).unwrap();
        assert_eq!(file.attachment_name(), Some("Ü \"1\".pdf"));
        assert_eq!(file.contents(), [0, 1, 2, 255]);
    }

    #[rstest]
    #[case::subject(Draft { subject: "a\r\nBcc: x@y.example".to_owned(), ..draft() }, "/subject")]
    #[case::name(Draft { to: vec!["a\nb <bob@tls.example>".to_owned()], ..draft() }, "/to/0")]
    #[case::address(Draft { cc: vec!["a@b.example".to_owned(), "bob".to_owned()], ..draft() }, "/cc/1")]
    #[case::two_in_one(Draft { to: vec!["a@b.example, c@d.example".to_owned()], ..draft() }, "/to/0")]
    #[case::message_id(Draft { message_id: Some("a b".to_owned()), ..draft() }, "/message_id")]
    #[case::reference(Draft { references: vec!["<a@b>\r\nX: y".to_owned()], ..draft() }, "/references/0")]
    #[case::file_type(with_file("a", "text/plain\r\nX: y", ""), "/attachments/0/content_type")]
    #[case::multipart(with_file("a", "multipart/mixed", ""), "/attachments/0/content_type")]
    #[case::file_name(with_file("a\r\n", "text/plain", ""), "/attachments/0/name")]
    #[case::base64(with_file("a", "text/plain", "~"), "/attachments/0/content_base64")]
    fn what_cannot_be_written_is_named(#[case] draft: Draft, #[case] field: &str) {
        assert_eq!(write(draft).unwrap_err().field_name(), Some(field));
    }

    fn with_file(name: &str, content_type: &str, content_base64: &str) -> Draft {
        let [name, content_type, content_base64] = [name, content_type, content_base64].map(str::to_owned);
        Draft { attachments: vec![Attachment { name, content_type, content_base64 }], ..draft() }
    }
}
