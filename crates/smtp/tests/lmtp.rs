//! The LMTP client (RFC 2033) against a server that says what each test wants.

mod support;

use std::collections::VecDeque;

use proptest::prelude::*;
use rstest::rstest;
use smtp::client::{
    Action, Connection, Failure, LmtpDialogue, LmtpTransaction, Loss, Message, Obstacle, Outcome,
    RecipientOutcome, Report, Stage, WithoutTls,
};
use smtp::content::{ContentFacts, EightBit};
use smtp::envelope::RcptTo;
use support::peer::{facts, mail, to};

const PIPELINING: &str = "250-store\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n";
const PLAIN: &str = "250 store\r\n";
const BOTH: &[&str] = &["alice@home.example", "bob@home.example"];

/// A server of canned replies, one per read; `TIMEOUT` is none, and after the last it hangs up.
struct Peer {
    dialogue: LmtpDialogue,
    replies: VecDeque<String>,
    sent: String,
}

impl Peer {
    fn new(replies: &[&str]) -> Self {
        let dialogue = LmtpDialogue::new("home.example");
        Self {
            dialogue,
            replies: replies.iter().map(|&reply| reply.to_owned()).collect(),
            sent: String::new(),
        }
    }

    fn greeted(lhlo: &str) -> Self {
        let mut peer = Self::new(&["220 store LMTP\r\n", lhlo]);
        assert_eq!(peer.run(), Some(Report::InClear(WithoutTls::NotTried)));
        assert_eq!(std::mem::take(&mut peer.sent), "LHLO home.example\r\n");
        peer
    }

    fn run(&mut self) -> Option<Report> {
        let mut content = Some(b"a: b\r\n\r\n.\r\n".as_slice());
        loop {
            match self.dialogue.next_action() {
                Action::Send { octets, .. } => self.sent += &String::from_utf8(octets).expect("UTF-8"),
                Action::Receive(_) => match self.replies.pop_front().as_deref() {
                    Some("TIMEOUT") => self.dialogue.lost(Loss::TimedOut),
                    Some(reply) => self.dialogue.feed(reply.as_bytes()),
                    None => self.dialogue.lost(Loss::Closed),
                },
                Action::Content => match content.take() {
                    Some(octets) => self.dialogue.content(octets),
                    None => self.dialogue.end_content(),
                },
                Action::Report(report) => return Some(report),
                Action::Idle => return None,
                Action::Handshake => panic!("a handshake in LMTP"),
            }
        }
    }

    fn finish(&mut self, transaction: LmtpTransaction, replies: &[&str]) -> Outcome {
        self.replies = replies.iter().map(|&reply| reply.to_owned()).collect();
        self.dialogue.begin(transaction).expect("ready");
        match self.run() {
            Some(Report::Finished(outcome)) => outcome,
            other => panic!("not finished: {other:?}"),
        }
    }

    fn deliver(&mut self, replies: &[&str]) -> Outcome {
        let message = Message { mail: &mail(), recipients: &to(BOTH), content: facts() };
        let transaction =
            LmtpTransaction::deliver(self.dialogue.capabilities(), &message).expect("no obstacle");
        self.finish(transaction, replies)
    }
}

/// `accepted`, or stage and code, or stage and `lost`.
fn words(outcome: &Outcome) -> Vec<String> {
    let word = |outcome: &RecipientOutcome| match outcome {
        RecipientOutcome::Accepted(reply) => format!("accepted {}", reply.code),
        RecipientOutcome::Refused { stage, reply } => format!("{} {}", stage.command(), reply.code),
        RecipientOutcome::Lost { stage, .. } => format!("{} lost", stage.command()),
    };
    outcome.recipients.iter().map(word).collect()
}

#[test]
fn each_recipient_has_a_reply_of_its_own_to_the_dot() {
    let mut peer = Peer::greeted(PIPELINING);
    let outcome =
        peer.deliver(&["250 m\r\n250 a\r\n250 b\r\n", "354 go\r\n", "250 2.0.0 a\r\n452 4.2.2 b\r\n"]);
    assert_eq!(
        peer.sent,
        "MAIL FROM:<alice@home.example>\r\nRCPT TO:<alice@home.example>\r\nRCPT TO:<bob@home.example>\r\nDATA\r\n\
         a: b\r\n\r\n..\r\n.\r\n"
    );
    assert_eq!(words(&outcome), ["accepted 250", "end of DATA 452"]);
    assert_eq!(outcome.connection, Connection::Usable);
    peer.sent.clear();
    peer.replies.push_back("221 2.0.0 bye\r\n".to_owned());
    peer.dialogue.quit();
    assert_eq!(peer.run(), Some(Report::Quit));
    assert_eq!(peer.sent, "QUIT\r\n");
}

/// Replies to MAIL, two RCPT, DATA, and then for each accepted recipient.
#[rstest]
#[case::all_well(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "250 a\r\n250 b\r\n"], ["accepted 250", "accepted 250"], Connection::Usable)]
#[case::one_by_one(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "250 a\r\n", "250 b\r\n"], ["accepted 250", "accepted 250"], Connection::Usable)]
#[case::the_first_refused(&["250 m\r\n", "550 5.1.1 a\r\n", "250 b\r\n", "354 d\r\n", "250 b\r\n"], ["RCPT TO 550", "accepted 250"], Connection::Usable)]
#[case::the_second_refused(&["250 m\r\n", "250 a\r\n", "550 b\r\n", "354 d\r\n", "250 a\r\n"], ["accepted 250", "RCPT TO 550"], Connection::Usable)]
#[case::for_good_and_for_now(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "552 5.2.2 a\r\n451 4.2.0 b\r\n"], ["end of DATA 552", "end of DATA 451"], Connection::Usable)]
#[case::lost_between(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "250 a\r\n"], ["accepted 250", "end of DATA lost"], Connection::Dead)]
#[case::silent_between(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "250 a\r\n", "TIMEOUT"], ["accepted 250", "end of DATA lost"], Connection::Dead)]
#[case::nonsense_between(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "250 a\r\nwhat\r\n"], ["accepted 250", "end of DATA lost"], Connection::Dead)]
#[case::leaving_between(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "250 a\r\n421 bye\r\n"], ["accepted 250", "end of DATA 421"], Connection::Dead)]
#[case::leaving_at_once(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n", "421 bye\r\n250 b\r\n"], ["end of DATA 421", "end of DATA 421"], Connection::Dead)]
#[case::lost_at_the_dot(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "354 d\r\n"], ["end of DATA lost", "end of DATA lost"], Connection::Dead)]
#[case::lost_at_data(&["250 m\r\n", "250 a\r\n", "250 b\r\n"], ["DATA lost", "DATA lost"], Connection::Dead)]
#[case::lost_at_rcpt(&["250 m\r\n", "250 a\r\n"], ["RCPT TO lost", "RCPT TO lost"], Connection::Dead)]
#[case::lost_at_mail(&[], ["MAIL FROM lost", "MAIL FROM lost"], Connection::Dead)]
#[case::mail_refused(&["452 4.3.1 m\r\n", "250 a\r\n", "250 b\r\n"], ["MAIL FROM 452", "MAIL FROM 452"], Connection::Usable)]
#[case::data_refused(&["250 m\r\n", "250 a\r\n", "250 b\r\n", "451 d\r\n"], ["DATA 451", "DATA 451"], Connection::Usable)]
#[case::nobody(&["250 m\r\n", "550 a\r\n", "451 b\r\n"], ["RCPT TO 550", "RCPT TO 451"], Connection::Usable)]
fn every_reply_belongs_to_somebody(
    #[case] replies: &[&str],
    #[case] expected: [&str; 2],
    #[case] connection: Connection,
    #[values(PIPELINING, PLAIN)] lhlo: &str,
) {
    let mut peer = Peer::greeted(lhlo);
    // Where the first reply already says all, no more commands are sent without pipelining.
    let replies = match (lhlo, replies) {
        (PLAIN, [refused, ..]) if refused.starts_with('4') => &replies[..1],
        _ => replies,
    };
    let outcome = peer.deliver(replies);
    assert_eq!(words(&outcome), expected);
    assert_eq!(outcome.connection, connection);
    let nobody = expected.iter().all(|word| word.starts_with("RCPT TO") || word.starts_with("MAIL"));
    assert_eq!(peer.sent.contains("DATA"), !nobody, "DATA only if somebody is accepted: {}", peer.sent);
}

#[test]
fn what_is_offered_is_said_and_nothing_else() {
    let message = |recipients: &[&str]| to(recipients);
    let content = ContentFacts { size: 10, longest_line: 8, eight_bit: EightBit::Body };
    let mut peer = Peer::greeted("250-store\r\n250-SIZE 100\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
    let recipients = message(&["jürgen@home.example"]);
    let whole = Message { mail: &mail(), recipients: &recipients, content };
    let transaction = LmtpTransaction::deliver(peer.dialogue.capabilities(), &whole).expect("no obstacle");
    peer.finish(transaction, &["250 m\r\n", "250 r\r\n", "354 d\r\n", "250 r\r\n"]);
    assert!(
        peer.sent.starts_with("MAIL FROM:<alice@home.example> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n"),
        "{}",
        peer.sent
    );
    let plain = Peer::greeted(PLAIN);
    let cannot = LmtpTransaction::deliver(plain.dialogue.capabilities(), &whole);
    assert_eq!(cannot.err(), Some(Obstacle::AddressNeedsSmtputf8));
    let large = Message { content: ContentFacts { size: 101, ..facts() }, recipients: &to(BOTH), ..whole };
    let cannot = LmtpTransaction::deliver(peer.dialogue.capabilities(), &large);
    assert_eq!(cannot.err(), Some(Obstacle::TooLarge { size: 101, limit: 100 }));
}

#[rstest]
#[case::there(&["250 m\r\n", "250 2.1.5 a\r\n", "250 b\r\n"], ["accepted 250", "accepted 250"])]
#[case::one_is_not(&["250 m\r\n", "550 5.1.1 a\r\n", "250 b\r\n"], ["RCPT TO 550", "accepted 250"])]
#[case::not_now(&["250 m\r\n", "451 a\r\n", "TIMEOUT"], ["RCPT TO 451", "RCPT TO lost"])]
fn a_question_sends_no_message(#[case] replies: &[&str], #[case] expected: [&str; 2]) {
    let mut peer = Peer::greeted("250-store\r\n250-SIZE 100\r\n250 PIPELINING\r\n");
    let question = LmtpTransaction::ask(peer.dialogue.capabilities(), &to(BOTH)).expect("no obstacle");
    let outcome = peer.finish(question, replies);
    assert_eq!(words(&outcome), expected);
    assert_eq!(peer.sent, "MAIL FROM:<>\r\nRCPT TO:<alice@home.example>\r\nRCPT TO:<bob@home.example>\r\n");
}

#[rstest]
#[case::greeting(&["554 no\r\n"], "connection 554")]
#[case::lhlo(&["220 store\r\n", "500 what\r\n"], "LHLO 500")]
#[case::lhlo_421(&["220 store\r\n", "421 busy\r\n"], "LHLO 421")]
#[case::smtp_is_not_tried(&["220 store\r\n", "502 what\r\n", "250 store\r\n"], "LHLO 502")]
#[case::silence(&["TIMEOUT"], "connection lost")]
#[case::closed_at_lhlo(&["220 store\r\n"], "LHLO lost")]
#[case::another_protocol(&["* OK IMAP\r\n"], "connection lost")]
fn a_server_that_does_not_greet_gets_nothing(#[case] replies: &[&str], #[case] expected: &str) {
    let mut peer = Peer::new(replies);
    let failed = match peer.run() {
        Some(Report::Failed(Failure::Refused { stage, reply })) => {
            format!("{} {}", stage.command(), reply.code)
        }
        Some(Report::Failed(Failure::Lost { stage, .. })) => format!("{} lost", stage.command()),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed, expected);
    assert!(!peer.sent.contains("HELO") && !peer.sent.contains("EHLO"), "{}", peer.sent);
    assert_eq!(peer.run(), None);
}

/// What a server does with one recipient.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Refused(u16),
    Taken(u16),
}

fn way() -> impl Strategy<Value = Way> {
    let code = prop::sample::select(vec![250_u16, 451, 452, 550, 552]);
    prop_oneof![
        1 => prop::sample::select(vec![450_u16, 550]).prop_map(Way::Refused),
        3 => code.prop_map(Way::Taken),
    ]
}

fn addresses(count: usize) -> Vec<RcptTo> {
    let names: Vec<String> = (0..count).map(|index| format!("r{index}@home.example")).collect();
    to(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// All replies of a server that goes these ways.
fn replies(ways: &[Way]) -> Vec<String> {
    let rcpt = |way: &Way| match way {
        Way::Refused(code) => format!("{code} no\r\n"),
        Way::Taken(_) => "250 yes\r\n".to_owned(),
    };
    let mut all = vec!["250 m\r\n".to_owned()];
    all.extend(ways.iter().map(rcpt));
    if ways.iter().any(|way| matches!(way, Way::Taken(_))) {
        all.push("354 go\r\n".to_owned());
        all.extend(ways.iter().filter_map(|way| match way {
            Way::Taken(code) => Some(format!("{code} done\r\n")),
            Way::Refused(_) => None,
        }));
    }
    all
}

proptest! {
    #[test]
    fn each_recipient_gets_its_own_outcome(ways in prop::collection::vec(way(), 1..20), pipelining in any::<bool>(), heard in any::<prop::sample::Index>()) {
        let mut peer = Peer::greeted(if pipelining { PIPELINING } else { PLAIN });
        let recipients = addresses(ways.len());
        let message = Message { mail: &mail(), recipients: &recipients, content: facts() };
        let transaction = LmtpTransaction::deliver(peer.dialogue.capabilities(), &message).expect("no obstacle");
        // The server hangs up after some of its replies, or after all.
        let all = replies(&ways);
        let heard = heard.index(all.len() + 1);
        let said: Vec<&str> = all[..heard].iter().map(String::as_str).collect();
        let outcome = peer.finish(transaction, &said);
        prop_assert_eq!(outcome.recipients.len(), ways.len());
        let mut verdicts = 2 + ways.len();
        for (index, (way, outcome)) in ways.iter().zip(&outcome.recipients).enumerate() {
            match way {
                Way::Refused(code) if heard > 1 + index => {
                    prop_assert!(matches!(outcome, RecipientOutcome::Refused { stage: Stage::Rcpt, reply } if reply.code == *code), "{:?}", outcome);
                }
                Way::Taken(code) if { verdicts += 1; heard >= verdicts } => match outcome {
                    RecipientOutcome::Accepted(reply) => prop_assert!(reply.code == *code && *code == 250),
                    RecipientOutcome::Refused { stage: Stage::EndOfData, reply } => prop_assert!(reply.code == *code && *code != 250),
                    other => prop_assert!(false, "{:?}", other),
                },
                _ => prop_assert!(matches!(outcome, RecipientOutcome::Lost { .. }), "{:?}", outcome),
            }
        }
    }

    #[test]
    fn no_server_makes_it_panic_or_believe_too_much(
        octets in prop::collection::vec(prop_oneof![
            Just(b"250 ok\r\n".to_vec()), Just(b"354 go\r\n".to_vec()), Just(b"250-x\r\n".to_vec()), Just(b"421 bye\r\n".to_vec()),
            Just(b"550 5.1.1 no\r\n".to_vec()), prop::collection::vec(any::<u8>(), 0..30),
        ], 0..12),
        count in 1_usize..5,
        question in any::<bool>(),
    ) {
        let mut peer = Peer::greeted(PIPELINING);
        let recipients = addresses(count);
        let message = Message { mail: &mail(), recipients: &recipients, content: facts() };
        let capabilities = peer.dialogue.capabilities();
        let transaction = if question {
            LmtpTransaction::ask(capabilities, &recipients)
        } else {
            LmtpTransaction::deliver(capabilities, &message)
        };
        peer.dialogue.begin(transaction.expect("no obstacle")).expect("ready");
        let mut octets = octets.into_iter();
        let mut positive = 0;
        let outcome = loop {
            match peer.dialogue.next_action() {
                Action::Receive(_) => match octets.next() {
                    Some(some) => {
                        positive += some.windows(3).filter(|three| three[0] == b'2').count();
                        peer.dialogue.feed(&some);
                    }
                    None => peer.dialogue.lost(Loss::Closed),
                },
                Action::Content => peer.dialogue.end_content(),
                Action::Report(Report::Finished(outcome)) => break outcome,
                Action::Send { .. } => {}
                other => prop_assert!(false, "{:?}", other),
            }
        };
        prop_assert_eq!(outcome.recipients.len(), count);
        let believed = outcome.recipients.iter().filter(|one| matches!(one, RecipientOutcome::Accepted(_))).count();
        prop_assert!(believed <= positive, "{} believed of {}", believed, positive);
    }
}
