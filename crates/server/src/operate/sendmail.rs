//! `sendmail`: hands a message to the server as `/usr/sbin/sendmail` does, for programs that know only that:
//! Dovecot's Sieve calls it for automatic replies and forwardings, and acts on the exit code.

mod arguments;
mod handover;

use std::fmt;
use std::io::{self, Read};

use arguments::{Arguments, Ending};

use super::options::Sendmail;

/// Exit codes of `sysexits.h`, as callers of sendmail know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// The command line is wrong.
    Usage = 64,
    /// A recipient is refused, or is no address.
    NoUser = 67,
    /// The message is refused.
    Unavailable = 69,
    /// The message can't be read from standard input.
    Input = 74,
    /// The caller is to try again.
    Later = 75,
    /// Whoever calls may not.
    NotAllowed = 77,
}

/// The exit code for a command line that is none.
pub(super) const USAGE: u8 = Exit::Usage as u8;

/// Why a message was not handed over; nothing of it was taken.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, text: text.to_string() }
    }
}

/// Octets of a message, far above what the server takes: it refuses a larger one by itself.
const LARGEST: u64 = 200 << 20;

/// Hands the message on standard input over; gives the exit code.
pub(super) fn run(options: &Sendmail) -> u8 {
    let done = Arguments::parse(&options.arguments).and_then(|arguments| {
        // All of it first: the server does not wait for slow callers.
        let message = read(&mut io::stdin().lock(), arguments.ending)?;
        handover::hand_over(&options.socket, &arguments, &message)
    });
    match done {
        Ok(()) => 0,
        Err(Failure { exit, text }) => {
            eprintln!("tls-guarantee sendmail: {text}");
            exit as u8
        }
    }
}

fn read(input: &mut impl Read, ending: Ending) -> Result<Vec<u8>, Failure> {
    let mut message = Vec::new();
    let read = input.take(LARGEST + 1).read_to_end(&mut message);
    read.map_err(|error| Failure::new(Exit::Input, format!("the message can't be read: {error}")))?;
    if message.len() as u64 > LARGEST {
        return Err(Failure::new(Exit::Unavailable, "the message is larger than any mail (200 MiB)"));
    }
    if ending == Ending::Dot
        && let Some(end) = dot_line(&message)
    {
        message.truncate(end);
    }
    Ok(message)
}

/// Where the first line of one dot begins.
fn dot_line(message: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if matches!(line, b"." | b".\n" | b".\r\n") {
            return Some(start);
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_dot_ends_it(Ending::Dot, "a\n.\nb\n", "a\n")]
    #[case::with_crlf(Ending::Dot, "a\r\n.\r\nb", "a\r\n")]
    #[case::at_the_end(Ending::Dot, "a\n.", "a\n")]
    #[case::at_the_start(Ending::Dot, ".\nb", "")]
    #[case::two_dots(Ending::Dot, "a\n..\nb", "a\n..\nb")]
    #[case::dots_in_a_line(Ending::Dot, "a.\n", "a.\n")]
    #[case::data(Ending::Input, "a\n.\nb\n", "a\n.\nb\n")]
    fn a_line_of_one_dot(#[case] ending: Ending, #[case] input: &str, #[case] message: &str) {
        assert_eq!(read(&mut input.as_bytes(), ending).expect("read"), message.as_bytes());
    }
}
