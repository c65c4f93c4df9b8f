//! Server-sent events out of a stream of bytes.

use api::Event;

/// One event as it stood on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// `event:`; empty if there was none.
    pub(crate) name: String,
    /// The `data:` lines.
    pub(crate) data: String,
}

impl Message {
    /// The API's event, or nothing for one that this page does not know.
    pub(crate) fn event(&self) -> Option<Event> {
        let name = serde_json::to_string(&self.name).ok()?;
        serde_json::from_str(&format!(r#"{{"event":{name},"data":{}}}"#, self.data)).ok()
    }
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

    #[rstest]
    #[case::mailbox("mailbox", r#"{"name":"INBOX"}"#, true)]
    #[case::unknown("weather", r#"{"name":"INBOX"}"#, false)]
    #[case::other_content("stop", r#"{"name":"INBOX"}"#, false)]
    #[case::not_json("mailbox", "INBOX", false)]
    #[case::name_with_quote("mail\"box", "{}", false)]
    fn known_events(#[case] name: &str, #[case] data: &str, #[case] known: bool) {
        let message = Message { name: name.to_owned(), data: data.to_owned() };
        assert_eq!(message.event().is_some(), known);
    }
}
