//! Server-sent events out of a stream of bytes.

use api::Event;
use serde::Deserialize;

/// One event as it stood on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// `event:`; empty if there was none.
    pub(crate) name: String,
    /// The `data:` lines.
    pub(crate) data: String,
}

impl Message {
    /// The API's event, or nothing for one that this page does not know. The type is chosen by hand: to let serde
    /// do it takes the code for every type twice.
    pub(crate) fn event(&self) -> Option<Event> {
        let data = self.data.as_bytes();
        match self.name.as_str() {
            "stop" => serde_json::from_slice(data).ok().map(Event::Stop),
            "delivery" => serde_json::from_slice(data).ok().map(Event::Delivery),
            "guarantee" => serde_json::from_slice(data).ok().map(Event::Guarantee),
            "check" => serde_json::from_slice(data).ok().map(Event::Check),
            "mailbox" => serde_json::from_slice(data).ok().map(|Mailbox { name }| Event::Mailbox { name }),
            _ => None,
        }
    }
}

/// The content of `mailbox`.
#[derive(Deserialize)]
struct Mailbox {
    name: String,
}

/// Octets of one event beyond which it is dropped: no honest one is that large.
const LIMIT: usize = 1 << 20;

/// Takes the stream in pieces as they come.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    after_cr: bool,
    message: Message,
    has_data: bool,
    too_large: bool,
}

impl Parser {
    /// Takes the next piece, answers the events it completed.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<Message> {
        let mut complete = Vec::new();
        for &byte in piece {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    complete.extend(self.end_line());
                }
                _ => {
                    self.after_cr = false;
                    if self.line.len() < LIMIT {
                        self.line.push(byte);
                    } else {
                        self.too_large = true;
                    }
                }
            }
        }
        complete
    }

    fn end_line(&mut self) -> Option<Message> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_message();
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.message.name),
            "data" if self.message.data.len() + value.len() > LIMIT => self.too_large = true,
            "data" => {
                if self.has_data {
                    self.message.data.push('\n');
                }
                self.has_data = true;
                self.message.data.push_str(value);
            }
            // A comment (empty field: the server's sign of life), `id` and `retry`, which are not used here.
            _ => {}
        }
        None
    }

    fn end_message(&mut self) -> Option<Message> {
        let message = std::mem::take(&mut self.message);
        let whole = std::mem::take(&mut self.has_data) && !std::mem::take(&mut self.too_large);
        whole.then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = Parser::default();
        pieces
            .iter()
            .flat_map(|piece| parser.push(piece))
            .map(|message| (message.name, message.data))
            .collect()
    }

    #[rstest]
    #[case::lf(b"event: stop\ndata: {}\n\n", &[("stop", "{}")])]
    #[case::crlf(b"event: stop\r\ndata: {}\r\n\r\n", &[("stop", "{}")])]
    #[case::cr(b"event: stop\rdata: {}\r\r", &[("stop", "{}")])]
    #[case::no_space(b"event:stop\ndata:{}\n\n", &[("stop", "{}")])]
    #[case::one_space_only(b"data:  x\n\n", &[("", " x")])]
    #[case::two_lines(b"data: 1\ndata: 2\n\n", &[("", "1\n2")])]
    #[case::comment(b": alive\n\ndata: 1\n\n", &[("", "1")])]
    #[case::without_data(b"event: stop\n\n", &[])]
    #[case::name_does_not_stay(b"event: a\ndata: 1\n\ndata: 2\n\n", &[("a", "1"), ("", "2")])]
    #[case::unfinished(b"data: 1\n", &[])]
    #[case::other_fields(b"id: 7\nretry: 10\ndata: 1\nwhatever\n\n", &[("", "1")])]
    #[case::not_utf8(b"data: \xff\n\n", &[("", "\u{fffd}")])]
    fn events(#[case] stream: &[u8], #[case] expected: &[(&str, &str)]) {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect();
        assert_eq!(read(&[stream]), expected);
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&single), expected, "byte by byte");
    }

    #[test]
    fn an_oversized_event_is_dropped_and_the_next_one_read() {
        let mut parser = Parser::default();
        let mut messages = parser.push(b"data: ");
        for _ in 0..3 {
            messages.extend(parser.push(&vec![b'x'; LIMIT / 2]));
        }
        messages.extend(parser.push(b"\n\ndata: 1\n\n"));
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].data, "1");
    }

    /// Every event that the API knows is read as it was written.
    #[rstest]
    #[case::guarantee(Event::Guarantee(api::Guarantee { state: api::GuaranteeState::On, until: None, level: None, was_on: true }))]
    #[case::mailbox(Event::Mailbox { name: "INBOX".to_owned() })]
    #[case::stop(Event::Stop(api::Stop { id: "1".to_owned(), queue_id: "Q".to_owned(), message_id: None,
        subject: String::new(), recipients: vec![], delivered_others: 0, waiting_others: 0, replaced_by: None, demanded: false }))]
    #[case::delivery(Event::Delivery(api::MessageStatus { id: "Q".to_owned(), message_id: None,
        accepted_at: "2026-11-24T13:05:00Z".parse().unwrap(), recipients: vec![] }))]
    #[case::check(Event::Check(api::Check::new(
        "a@b.example",
        api::ProtectionWord::None,
        api::Outcome::Stop,
        ""
    )))]
    fn known_events(#[case] event: Event) {
        let mut written = serde_json::to_value(&event).unwrap();
        let message = Message { name: event.name().to_owned(), data: written["data"].take().to_string() };
        assert_eq!(message.event(), Some(event));
    }

    #[rstest]
    #[case::unknown("weather", r#"{"name":"INBOX"}"#)]
    #[case::other_content("stop", r#"{"name":"INBOX"}"#)]
    #[case::not_json("mailbox", "INBOX")]
    fn unknown_events(#[case] name: &str, #[case] data: &str) {
        let message = Message { name: name.to_owned(), data: data.to_owned() };
        assert_eq!(message.event(), None);
    }
}
