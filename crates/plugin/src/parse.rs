use mail_parser::{Message, MessageParser};

/// Reads a message from anybody. One that was made to hang or to overflow the MIME library
/// ([`bounce::is_simple`]) has only its header read.
pub fn parse(raw: &[u8]) -> Option<Message<'_>> {
    let parser = MessageParser::default();
    if bounce::is_simple(raw) { parser.parse(raw) } else { parser.parse_headers(raw) }
}
