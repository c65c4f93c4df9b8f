//! The end of DATA and its dot-stuffing (RFC 5321 §4.5.2).

/// Finds the end of DATA, which is `CRLF.CRLF` and nothing else, and takes dot-stuffing away.
#[derive(Debug, Default)]
pub(crate) struct DotReader {
    at: At,
    after_cr: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    Dot,
    DotCr,
    Text,
}

/// How far [`DotReader::read`] came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All input is used up.
    More,
    /// The end was found after so many octets of input.
    Ended(usize),
}

impl DotReader {
    /// Appends the message's octets in `input` to `out`, up to the end of the message.
    pub(crate) fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> Progress {
        let mut index = 0;
        while let Some(&octet) = input.get(index) {
            match self.at {
                At::LineStart if octet == b'.' => {
                    self.at = At::Dot;
                    index += 1;
                }
                At::Dot if octet == b'\r' => {
                    self.at = At::DotCr;
                    index += 1;
                }
                At::DotCr if octet == b'\n' => {
                    *self = Self::default();
                    return Progress::Ended(index + 1);
                }
                At::DotCr => {
                    out.push(b'\r');
                    self.after_cr = true;
                    self.at = At::Text;
                }
                At::LineStart | At::Dot => self.at = At::Text,
                At::Text => index += self.text(&input[index..], out),
            }
        }
        Progress::More
    }

    /// Copies up to and including the next LF.
    fn text(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let lf = input.iter().position(|&octet| octet == b'\n');
        let length = lf.map_or(input.len(), |at| at + 1);
        let before_lf = if length > 1 { input[length - 2] == b'\r' } else { self.after_cr };
        if lf.is_some() && before_lf {
            self.at = At::LineStart;
        }
        self.after_cr = input[length - 1] == b'\r';
        out.extend_from_slice(&input[..length]);
        length
    }
}
