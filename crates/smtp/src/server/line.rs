//! Command lines: only CRLF ends one (RFC 5321 §2.3.8), and none grows beyond its limit.

/// What came of reading on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// All input is used up and the line goes on.
    More,
    /// A line, without its CRLF.
    Line(Vec<u8>),
    /// The line is to be refused; said once, as soon as it is certain. The rest of it is passed over.
    Fault(Fault, Start),
    /// A refused line does not end.
    Endless,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A CR without LF, or an LF without CR: somebody may be trying to smuggle a command.
    BareCrOrLf,
    /// Longer than its limit.
    TooLong,
}

/// How the refused line began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With `BDAT`: where its chunk ends is not known.
    Bdat,
    /// With `AUTH`.
    Auth,
    /// Otherwise.
    Other,
}

/// The bounds of a line, CRLF included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) line: usize,
    /// If it is an AUTH command.
    pub(crate) auth: usize,
    pub(crate) refused: usize,
}

/// The line being read.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    line: Vec<u8>,
    after_cr: bool,
    /// Octets of the refused line so far; 0 while it is not refused.
    refused: usize,
}

impl LineReader {
    /// Whether a line has begun that has not ended.
    pub(crate) fn is_within_line(&self) -> bool {
        !self.line.is_empty() || self.after_cr || self.refused > 0
    }

    /// Reads from the front of `input` and says how many octets were used.
    pub(crate) fn read(&mut self, input: &[u8], bounds: Bounds) -> (usize, Read) {
        for (index, &octet) in input.iter().enumerate() {
            let used = index + 1;
            let ended = self.after_cr && octet == b'\n';
            let bare = !ended && (self.after_cr || octet == b'\n');
            self.after_cr = octet == b'\r';
            if self.refused > 0 {
                self.refused += 1;
                if ended {
                    self.refused = 0;
                } else if self.refused > bounds.refused {
                    return (used, Read::Endless);
                }
                continue;
            }
            if ended {
                return (used, Read::Line(std::mem::take(&mut self.line)));
            }
            if bare {
                return (used, self.refuse(Fault::BareCrOrLf));
            }
            if octet != b'\r' {
                if self.line.len() + "?\r\n".len() > self.limit(bounds) {
                    return (used, self.refuse(Fault::TooLong));
                }
                self.line.push(octet);
            }
        }
        (input.len(), Read::More)
    }

    fn limit(&self, bounds: Bounds) -> usize {
        if start(&self.line) == Start::Auth { bounds.auth } else { bounds.line }
    }

    fn refuse(&mut self, fault: Fault) -> Read {
        let line = std::mem::take(&mut self.line);
        self.refused = line.len() + 1;
        Read::Fault(fault, start(&line))
    }
}

fn start(line: &[u8]) -> Start {
    match line.get(..4) {
        Some(verb) if verb.eq_ignore_ascii_case(b"BDAT") => Start::Bdat,
        Some(verb) if verb.eq_ignore_ascii_case(b"AUTH") => Start::Auth,
        _ => Start::Other,
    }
}
