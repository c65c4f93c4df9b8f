//! Lines and contents on an SMTP connection. Only CRLF ends a line, only CRLF.CRLF ends a content (RFC 5321 §2.3.8, §4.1.1.4).

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

/// Longest command line taken, in octets with CRLF: RFC 5321's 512, with room for every extension's parameters.
const MAX_LINE: usize = 4096;

/// A connection, in the clear or encrypted.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The receiver's end of a connection.
pub(crate) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
}

/// A command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its CRLF.
    Command(Vec<u8>),
    /// Longer than a command may be.
    TooLong,
    /// Ended by a bare LF, or with a bare CR in it.
    BareNewline,
    /// The client closed the connection.
    End,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The stream itself. What the client sent ahead is thrown away (RFC 3207 §4.2).
    pub(crate) fn into_inner(self) -> Box<dyn Stream> {
        self.stream.into_inner()
    }

    /// Sends octets as they are.
    pub(crate) async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }

    /// Reads a command line.
    pub(crate) async fn line(&mut self) -> io::Result<Line> {
        let mut line = Vec::new();
        let mut too_long = false;
        loop {
            let available = self.stream.fill_buf().await?;
            if available.is_empty() {
                return Ok(Line::End);
            }
            let end = available.iter().position(|&b| b == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(available.len());
            too_long |= line.len() + taken > MAX_LINE;
            if !too_long {
                line.extend_from_slice(&available[..taken]);
            }
            self.stream.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if too_long {
            return Ok(Line::TooLong);
        }
        Ok(match line.strip_suffix(b"\r\n") {
            Some(command) if !command.contains(&b'\r') => Line::Command(command.to_vec()),
            _ => Line::BareNewline,
        })
    }

    /// Waits for the next octet, without taking it; `false` if the client closed the connection.
    pub(crate) async fn ready(&mut self) -> io::Result<bool> {
        Ok(!self.stream.fill_buf().await?.is_empty())
    }

    /// Reads a content after the 354, of which it keeps up to `limit` octets; `None` if the client went before its end.
    pub(crate) async fn content(&mut self, limit: usize) -> io::Result<Option<Content>> {
        let mut content = Content::new(limit);
        loop {
            let available = self.stream.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let (taken, complete) = content.feed(available);
            self.stream.consume(taken);
            if complete {
                return Ok(Some(content));
            }
        }
    }

    /// Ends the connection in order, TLS included.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads and forgets until the client goes.
    pub(crate) async fn drain(&mut self) -> io::Result<()> {
        loop {
            match self.stream.fill_buf().await?.len() {
                0 => return Ok(()),
                n => self.stream.consume(n),
            }
        }
    }
}

/// A message's content, and what is noteworthy about its octets.
#[derive(Debug)]
pub(crate) struct Content {
    /// The octets, dots unstuffed (RFC 5321 §4.5.2), without the final dot's line.
    pub(crate) octets: Vec<u8>,
    /// It was longer than the limit; `octets` is only its beginning.
    pub(crate) oversize: bool,
    /// A CR or LF stood alone.
    pub(crate) bare_newline: bool,
    limit: usize,
    at: At,
}

/// Where in a line the next octet stands.
#[derive(Clone, Copy, Debug)]
enum At {
    LineStart,
    Dot,
    DotCr,
    Cr,
    Text,
}

impl Content {
    fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), oversize: false, bare_newline: false, limit, at: At::LineStart }
    }

    /// Takes octets up to the content's end; answers how many and whether the end is there.
    fn feed(&mut self, octets: &[u8]) -> (usize, bool) {
        for (i, &octet) in octets.iter().enumerate() {
            if self.step(octet) {
                return (i + 1, true);
            }
        }
        (octets.len(), false)
    }

    /// Takes one octet; `true` if it was the last.
    fn step(&mut self, octet: u8) -> bool {
        self.at = match (self.at, octet) {
            (At::LineStart, b'.') => At::Dot,
            (At::Dot, b'\r') => At::DotCr,
            (At::DotCr, b'\n') => return true,
            (At::DotCr, _) => {
                self.bare_newline = true;
                self.push(b'\r');
                self.text(octet)
            }
            (At::Cr, b'\n') => {
                self.push(octet);
                At::LineStart
            }
            (At::Cr, _) => {
                self.bare_newline = true;
                self.text(octet)
            }
            (At::LineStart | At::Dot | At::Text, _) => self.text(octet),
        };
        false
    }

    fn text(&mut self, octet: u8) -> At {
        self.push(octet);
        self.bare_newline |= octet == b'\n';
        if octet == b'\r' { At::Cr } else { At::Text }
    }

    fn push(&mut self, octet: u8) {
        if self.octets.len() < self.limit {
            self.octets.push(octet);
        } else {
            self.oversize = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wire(input: &[u8]) -> Wire {
        let (mut client, server) = tokio::io::duplex(input.len().max(1));
        client.write_all(input).await.unwrap();
        Wire::new(Box::new(server))
    }

    #[tokio::test]
    async fn only_crlf_ends_a_line() {
        let long = [b'a'; MAX_LINE + 1];
        for (input, expected) in [
            (&b"NOOP\r\n"[..], Line::Command(b"NOOP".to_vec())),
            (b"NOOP\n", Line::BareNewline),
            (b"NO\rOP\r\n", Line::BareNewline),
            (b"NOOP\r", Line::End),
            (&[&long[..], b"\r\n"].concat(), Line::TooLong),
        ] {
            assert_eq!(wire(input).await.line().await.unwrap(), expected, "{}", input.escape_ascii());
        }
    }

    #[tokio::test]
    async fn only_crlf_dot_crlf_ends_a_content() {
        // (what is sent, the content, whether a CR or LF stood alone)
        for (input, expected, bare) in [
            (&b"\r\n.\r\n"[..], &b"\r\n"[..], false),
            (b".\r\n", b"", false),
            (b"a\r\n..b\r\n.c\r\n.\r\n", b"a\r\n.b\r\nc\r\n", false),
            (b"a\n.\n\r\n.\r\n", b"a\n.\n\r\n", true),
            (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n", true),
            (b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n", true),
            (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", true),
            (b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n", true),
            (b"a\r\n.\n\r\n.\r\n", b"a\r\n\n\r\n", true),
            (b"a\r\r\n.\r\n", b"a\r\r\n", true),
            (b"\xe4\x00\xff\r\n.\r\n", b"\xe4\x00\xff\r\n", false),
        ] {
            let rest = b"QUIT\r\n";
            let mut wire = wire(&[input, rest].concat()).await;
            let content = wire.content(100).await.unwrap().unwrap();
            assert_eq!(content.octets.escape_ascii().to_string(), expected.escape_ascii().to_string());
            assert_eq!(content.bare_newline, bare, "{}", input.escape_ascii());
            assert!(!content.oversize);
            assert_eq!(wire.line().await.unwrap(), Line::Command(b"QUIT".to_vec()));
        }
    }

    #[tokio::test]
    async fn of_an_oversize_content_only_the_beginning_is_kept() {
        let content = wire(b"123456\r\n.\r\n").await.content(7).await.unwrap().unwrap();
        assert_eq!((&content.octets[..], content.oversize), (&b"123456\r"[..], true));
        assert!(wire(b"123456\r\n.").await.content(7).await.unwrap().is_none());
    }
}
