//! A name server that refuses to answer.

use std::{net::UdpSocket, thread, time::Duration};

/// DNSKEY (RFC 4034 §2).
const DNSKEY: [u8; 2] = [0, 48];

/// What a server refuses to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuses {
    /// Everything: a delegation to it is lame.
    All,
    /// Questions for keys; all else is as another name server has it.
    Keys { else_of: &'static str },
}

/// Answers at this address, as long as the test lives.
pub(crate) fn start(at: &str, refuses: Refuses) {
    let socket = UdpSocket::bind((at, 53)).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let query = &buffer[..length];
            let answer = match refuses {
                Refuses::Keys { else_of } if question_type(query) != Some(DNSKEY) => pass_on(query, else_of),
                Refuses::Keys { .. } | Refuses::All => refusal(query),
            };
            if let Some(answer) = answer {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
}

/// The type that the first question asks for; its name is never compressed.
fn question_type(query: &[u8]) -> Option<[u8; 2]> {
    let mut at = 12;
    while *query.get(at)? != 0 {
        at += usize::from(query[at]) + 1;
    }
    query.get(at + 1..at + 3)?.try_into().ok()
}

/// The question back, as a response with REFUSED (RFC 1035 §4.1.1).
fn refusal(query: &[u8]) -> Option<Vec<u8>> {
    let mut answer = query.to_vec();
    *answer.get_mut(2)? |= 0x80;
    *answer.get_mut(3)? = 5;
    Some(answer)
}

fn pass_on(query: &[u8], of: &str) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    socket.send_to(query, (of, 53)).ok()?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}
