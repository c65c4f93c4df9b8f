//! The host's replies in clear, one by one, and what is done to them.

use super::{Octets, Strip, Tamper, Tampering};

const STARTTLS: &[u8] = b"STARTTLS";

/// What the client is to get, segment by segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Altered {
    pub(super) segments: Vec<Vec<u8>>,
    /// After the segments, these octets again and again.
    pub(super) endless: Option<Octets>,
}

/// Cuts what the host says into replies, counts them, and tampers with them.
#[derive(Debug, Default)]
pub(super) struct Replies {
    rest: Vec<u8>,
    count: usize,
    held_back: Vec<u8>,
}

impl Replies {
    /// The altered replies that these octets complete.
    pub(super) fn feed(&mut self, octets: &[u8], tampering: &[Tampering]) -> Vec<Altered> {
        self.rest.extend_from_slice(octets);
        let mut altered = Vec::new();
        while let Some(end) = end_of_reply(&self.rest) {
            let reply: Vec<u8> = self.rest.drain(..end).collect();
            let number = self.count;
            let mine = tampering.iter().filter(|one| one.reply == number).map(|one| &one.what);
            altered.push(self.alter(reply, mine));
            self.count += 1;
        }
        altered
    }

    fn alter<'a>(&mut self, reply: Vec<u8>, tampering: impl Iterator<Item = &'a Tamper>) -> Altered {
        let mut reply = reply;
        let mut endless = None;
        let mut segment = usize::MAX;
        let mut held_back = Vec::new();
        for tamper in tampering {
            match tamper {
                Tamper::Drop => reply.clear(),
                Tamper::Repeat => reply.extend_from_within(..),
                Tamper::HoldBack => held_back.append(&mut reply),
                Tamper::Reverse => {
                    let lines: Vec<&[u8]> = reply.split_inclusive(|octet| *octet == b'\n').rev().collect();
                    reply = lines.concat();
                }
                Tamper::Instead(octets) => reply.clone_from(&octets.0),
                Tamper::Before(octets) => reply = [&octets.0, &reply[..]].concat(),
                Tamper::Behind(octets) => reply.extend_from_slice(&octets.0),
                Tamper::Strip(how) => reply = strip(&reply, *how),
                Tamper::Segments(octets) => segment = (*octets).max(1),
                Tamper::Endless(octets) => endless = Some(octets.clone()),
            }
        }
        reply.append(&mut self.held_back);
        self.held_back = held_back;
        let segments = if segment == usize::MAX {
            vec![reply]
        } else {
            reply.chunks(segment).map(<[u8]>::to_vec).collect()
        };
        Altered { segments, endless }
    }
}

/// Where the first reply ends: behind the first line whose code is not followed by a hyphen.
fn end_of_reply(octets: &[u8]) -> Option<usize> {
    let mut end = 0;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if line.last() != Some(&b'\n') {
            return None;
        }
        end += line.len();
        if line.get(3) != Some(&b'-') {
            return Some(end);
        }
    }
    None
}

fn strip(reply: &[u8], how: Strip) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> =
        reply.split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    match how {
        Strip::All => lines.truncate(1),
        Strip::Line => lines.retain(|line| !has_keyword(line)),
        Strip::Overwrite | Strip::Case | Strip::Split | Strip::Tail => {
            for line in lines.iter_mut().filter(|line| has_keyword(line)) {
                let (front, back) = (line[..4].to_vec(), line[4 + STARTTLS.len()..].to_vec());
                let keyword = match how {
                    Strip::Overwrite => b"XXXXXXXX".to_vec(),
                    Strip::Case => b"StartTls".to_vec(),
                    Strip::Split => [&b"START\r\n"[..], &front, b"TLS"].concat(),
                    _ => b"STARTTLSX".to_vec(),
                };
                // The first half of a split line is not the last of its reply.
                let split_front = [&front[..3], b"-"].concat();
                let front = if how == Strip::Split { split_front } else { front };
                *line = [front, keyword, back].concat();
            }
        }
    }
    let mut stripped = lines.concat();
    let last = stripped.split_inclusive(|octet| *octet == b'\n').next_back().map_or(0, <[u8]>::len);
    let hyphen = stripped.len() - last + 3;
    if last > 3 {
        stripped[hyphen] = b' ';
    }
    stripped
}

fn has_keyword(line: &[u8]) -> bool {
    line.get(4..).is_some_and(|text| text.starts_with(STARTTLS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const EHLO: &str = "250-mx.example\r\n250-SIZE\r\n250 STARTTLS\r\n";

    fn altered(input: &str, tampering: &[Tampering]) -> String {
        let altered = Replies::default().feed(input.as_bytes(), tampering);
        let segments: Vec<_> = altered.into_iter().flat_map(|one| one.segments).collect();
        String::from_utf8(segments.concat()).unwrap()
    }

    #[rstest]
    #[case(Tamper::Drop, "220 hi\r\n250 end\r\n")]
    #[case(Tamper::HoldBack, &format!("220 hi\r\n250 end\r\n{EHLO}"))]
    #[case(Tamper::Reverse, "220 hi\r\n250 STARTTLS\r\n250-SIZE\r\n250-mx.example\r\n250 end\r\n")]
    #[case(Tamper::Instead("x".into()), "220 hi\r\nx250 end\r\n")]
    #[case(Tamper::Before("x".into()), &format!("220 hi\r\nx{EHLO}250 end\r\n"))]
    #[case(Tamper::Behind("x".into()), &format!("220 hi\r\n{EHLO}x250 end\r\n"))]
    #[case(Tamper::Repeat, &format!("220 hi\r\n{EHLO}{EHLO}250 end\r\n"))]
    #[case(Tamper::Strip(Strip::Line), "220 hi\r\n250-mx.example\r\n250 SIZE\r\n250 end\r\n")]
    #[case(Tamper::Strip(Strip::All), "220 hi\r\n250 mx.example\r\n250 end\r\n")]
    #[case(
        Tamper::Strip(Strip::Overwrite),
        "220 hi\r\n250-mx.example\r\n250-SIZE\r\n250 XXXXXXXX\r\n250 end\r\n"
    )]
    #[case(Tamper::Strip(Strip::Case), "220 hi\r\n250-mx.example\r\n250-SIZE\r\n250 StartTls\r\n250 end\r\n")]
    #[case(
        Tamper::Strip(Strip::Tail),
        "220 hi\r\n250-mx.example\r\n250-SIZE\r\n250 STARTTLSX\r\n250 end\r\n"
    )]
    #[case(
        Tamper::Strip(Strip::Split),
        "220 hi\r\n250-mx.example\r\n250-SIZE\r\n250-START\r\n250 TLS\r\n250 end\r\n"
    )]
    fn the_second_reply_is_altered_and_no_other(#[case] what: Tamper, #[case] expected: &str) {
        let tampering = [Tampering { reply: 1, what }];
        assert_eq!(altered(&format!("220 hi\r\n{EHLO}250 end\r\n"), &tampering), expected);
    }

    #[test]
    fn a_reply_comes_in_segments_and_only_when_it_is_whole() {
        let mut replies = Replies::default();
        let tampering = [Tampering { reply: 0, what: Tamper::Segments(4) }];
        assert_eq!(replies.feed(b"220-a\r\n220", &tampering), []);
        let altered = replies.feed(b" b\r\n", &tampering);
        assert_eq!(altered[0].segments, [b"220-", &b"a\r\n2"[..], b"20 b", b"\r\n"]);
    }
}
