//! A server that says what each test wants, and the client's side of it.

use std::collections::VecDeque;

use smtp::client::{Action, Dialogue, Loss, Message, Outcome, Report, TlsWish, Transaction, WithoutTls};
use smtp::content::{ContentFacts, EightBit};
use smtp::envelope::{BodyType, MailFrom, Notify, RcptTo, ReversePath};

use super::clearance::in_clear;

/// A server of canned replies: one per read.
pub struct Peer {
    pub dialogue: Dialogue,
    pub replies: VecDeque<&'static str>,
    pub sent: String,
    pub content: VecDeque<&'static [u8]>,
}

impl Peer {
    pub fn new(wish: TlsWish, replies: &[&'static str]) -> Self {
        let dialogue = Dialogue::new("client.example", wish);
        Self {
            dialogue,
            replies: replies.iter().copied().collect(),
            sent: String::new(),
            content: VecDeque::new(),
        }
    }

    /// A connection greeted in clear by a server with these extensions.
    pub fn greeted(ehlo: &'static str) -> Self {
        let mut peer = Self::new(TlsWish::IfOffered, &["220 mx\r\n", ehlo]);
        assert_eq!(peer.run(), Some(Report::InClear(WithoutTls::NotOffered)));
        peer.sent.clear();
        peer
    }

    /// Goes on until something is settled; the handshake always succeeds.
    pub fn run(&mut self) -> Option<Report> {
        loop {
            match self.dialogue.next_action() {
                Action::Send { octets, .. } => self.sent += &String::from_utf8(octets).expect("UTF-8"),
                Action::Receive(_) => match self.replies.pop_front() {
                    Some("TIMEOUT") => self.dialogue.lost(Loss::TimedOut),
                    Some(reply) => self.dialogue.feed(reply.as_bytes()),
                    None => self.dialogue.lost(Loss::Closed),
                },
                Action::Handshake => {
                    self.sent += "[tls]";
                    self.dialogue.tls_established();
                }
                Action::Content => match self.content.pop_front() {
                    Some(octets) => self.dialogue.content(octets),
                    None => self.dialogue.end_content(),
                },
                Action::Report(report) => return Some(report),
                Action::Idle => return None,
            }
        }
    }

    pub fn transact(&mut self, recipients: &[RcptTo], replies: &[&'static str]) -> Outcome {
        let message = Message { mail: &mail(), recipients, content: facts() };
        let transaction =
            Transaction::new(&in_clear(), self.dialogue.capabilities(), &message).expect("no obstacle");
        self.dialogue.begin(transaction).expect("ready");
        self.replies.extend(replies);
        match self.run() {
            Some(Report::Finished(outcome)) => outcome,
            other => panic!("not finished: {other:?}"),
        }
    }
}

pub fn mail() -> MailFrom {
    MailFrom {
        reverse_path: ReversePath::Address("alice@home.example".to_owned()),
        body: BodyType::SevenBit,
        smtputf8: false,
        ret: None,
        envid: None,
        requiretls: false,
    }
}

pub fn to(addresses: &[&str]) -> Vec<RcptTo> {
    let rcpt =
        |address: &&str| RcptTo { address: (*address).to_owned(), notify: Notify::Unspecified, orcpt: None };
    addresses.iter().map(rcpt).collect()
}

pub fn facts() -> ContentFacts {
    ContentFacts { size: 10, longest_line: 8, eight_bit: EightBit::Nowhere }
}
