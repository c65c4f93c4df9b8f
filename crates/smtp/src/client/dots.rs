//! The message on its way out: line ends and dot-stuffing (RFC 5321 §2.3.8, §4.5.2).

/// Writes a message for DATA, piece by piece.
#[derive(Debug)]
pub struct DotWriter {
    at: At,
}

#[derive(Debug, PartialEq, Eq)]
enum At {
    LineStart,
    Text,
    /// After a CR, which has been written together with the LF it stands for.
    Cr,
}

impl Default for DotWriter {
    fn default() -> Self {
        Self { at: At::LineStart }
    }
}

impl DotWriter {
    /// Appends the next octets to `out`: a dot at the start of a line is doubled, and a bare CR or LF becomes
    /// CRLF, so that no server can take it for an end that we don't mean.
    pub fn write(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        while let Some(&first) = rest.first() {
            match (first, &self.at) {
                (b'\n', At::Cr) => self.at = At::LineStart,
                (b'\n', _) => {
                    out.extend_from_slice(b"\r\n");
                    self.at = At::LineStart;
                }
                (b'\r', _) => {
                    out.extend_from_slice(b"\r\n");
                    self.at = At::Cr;
                }
                (_, at) => {
                    if first == b'.' && *at != At::Text {
                        out.push(b'.');
                    }
                    let end =
                        rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(rest.len());
                    out.extend_from_slice(&rest[..end]);
                    self.at = At::Text;
                    rest = &rest[end..];
                    continue;
                }
            }
            rest = &rest[1..];
        }
    }

    /// Ends the last line if need be, and the message.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.at == At::Text {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        self.at = At::LineStart;
    }
}
