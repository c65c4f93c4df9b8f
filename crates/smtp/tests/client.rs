//! The client's transactions, against a server that says what each test wants.

mod support;

use rstest::rstest;
use smtp::client::{
    Action, Connection, Disposition, Loss, Message, NotBegun, Outcome, RecipientOutcome, Report, Stage,
    Transaction,
};
use smtp::content::{ContentFacts, EightBit};
use smtp::envelope::{Notify, Ret, ReversePath};
use smtp::reply::Reply;
use support::clearance::{encrypted, in_clear};
use support::peer::{Peer, facts, mail, to};

/// `accepted`, or stage and code, or stage and `lost`.
fn words(outcome: &RecipientOutcome) -> String {
    match outcome {
        RecipientOutcome::Accepted(reply) => format!("accepted {}", reply.code),
        RecipientOutcome::Refused { stage, reply } => format!("{} {}", stage.command(), reply.code),
        RecipientOutcome::Lost { stage, .. } => format!("{} lost", stage.command()),
    }
}

fn all_words(outcome: &Outcome) -> Vec<String> {
    outcome.recipients.iter().map(words).collect()
}

const PIPELINING: &str = "250-mx\r\n250 PIPELINING\r\n";
const PLAIN: &str = "250 mx\r\n";

// rfc 5321 3.3: MUST Mail transaction commands MUST be used in the order discussed above.
#[test]
fn with_pipelining_the_envelope_is_one_write() {
    let mut peer = Peer::greeted(PIPELINING);
    peer.content.push_back(b"a: b\r\n\r\n.\r\n");
    let replies = ["250 ok\r\n250 ok\r\n", "250 ok\r\n354 go\r\n", "250 2.0.0 got it\r\n"];
    let outcome = peer.transact(&to(&["a@tls.example", "b@tls.example"]), &replies);
    assert_eq!(
        peer.sent,
        "MAIL FROM:<alice@home.example>\r\nRCPT TO:<a@tls.example>\r\nRCPT TO:<b@tls.example>\r\nDATA\r\n\
         a: b\r\n\r\n..\r\n.\r\n"
    );
    assert_eq!(all_words(&outcome), ["accepted 250", "accepted 250"]);
    assert_eq!(outcome.connection, Connection::Usable);
}

// rfc 5321 4.3.1: MUST the sender MUST wait for this response before sending further commands
#[test]
fn without_pipelining_each_command_waits_for_its_reply() {
    let mut dialogue_sends = Vec::new();
    let mut peer = Peer::greeted(PLAIN);
    let message = Message { mail: &mail(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        Transaction::new(&in_clear(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    peer.dialogue.begin(transaction).expect("ready");
    for reply in ["250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
        let Action::Send { octets, .. } = peer.dialogue.next_action() else { panic!("nothing to send") };
        dialogue_sends.push(String::from_utf8(octets).expect("ASCII"));
        assert!(matches!(peer.dialogue.next_action(), Action::Receive(_)));
        peer.dialogue.feed(reply.as_bytes());
    }
    assert_eq!(
        dialogue_sends,
        ["MAIL FROM:<alice@home.example>\r\n", "RCPT TO:<a@tls.example>\r\n", "DATA\r\n"]
    );
    assert_eq!(peer.dialogue.next_action(), Action::Content);
}

// rfc 5321 4.2: MUST Consequently, a sender-SMTP MUST be prepared to handle codes not specified
// rfc 5321 4.2: MUST do so by interpreting the first digit only
// rfc 5321 4.3.2: SHOULD when possible, interpret only the first digit of the reply
// rfc 5321 4.3.2: MUST be prepared to deal with unrecognized reply codes by interpreting the first digit only
/// Replies to MAIL, two RCPT, DATA and the message, and what becomes of the recipients.
#[rstest]
#[case::all_well(&["250 m\r\n", "250 r\r\n", "250 r\r\n", "354 d\r\n", "250 e\r\n"], ["accepted 250", "accepted 250"], Connection::Usable)]
#[case::any_2yz_will_do(&["251 m\r\n", "252 r\r\n", "299 r\r\n", "300 d\r\n", "200 e\r\n"], ["accepted 200", "accepted 200"], Connection::Usable)]
#[case::one_refused(&["250 m\r\n", "550 5.1.1 r\r\n", "250 r\r\n", "354 d\r\n", "250 e\r\n"], ["RCPT TO 550", "accepted 250"], Connection::Usable)]
#[case::the_other_deferred(&["250 m\r\n", "250 r\r\n", "451 r\r\n", "354 d\r\n", "250 e\r\n"], ["accepted 250", "RCPT TO 451"], Connection::Usable)]
#[case::content_refused(&["250 m\r\n", "250 r\r\n", "250 r\r\n", "354 d\r\n", "554 e\r\n"], ["end of DATA 554", "end of DATA 554"], Connection::Usable)]
#[case::one_refused_and_the_content(&["250 m\r\n", "550 r\r\n", "250 r\r\n", "354 d\r\n", "452 e\r\n"], ["RCPT TO 550", "end of DATA 452"], Connection::Usable)]
#[case::data_refused(&["250 m\r\n", "250 r\r\n", "550 r\r\n", "451 d\r\n"], ["DATA 451", "RCPT TO 550"], Connection::Usable)]
#[case::data_answered_250(&["250 m\r\n", "250 r\r\n", "250 r\r\n", "250 d\r\n"], ["DATA 250", "DATA 250"], Connection::Usable)]
#[case::lost_after_mail(&["250 m\r\n"], ["RCPT TO lost", "RCPT TO lost"], Connection::Dead)]
#[case::lost_after_rcpt(&["250 m\r\n", "550 r\r\n", "250 r\r\n"], ["RCPT TO 550", "DATA lost"], Connection::Dead)]
#[case::lost_after_the_dot(&["250 m\r\n", "250 r\r\n", "550 r\r\n", "354 d\r\n"], ["end of DATA lost", "RCPT TO 550"], Connection::Dead)]
#[case::timeout_after_the_dot(&["250 m\r\n", "250 r\r\n", "250 r\r\n", "354 d\r\n", "TIMEOUT"], ["end of DATA lost", "end of DATA lost"], Connection::Dead)]
#[case::leave_after_mail(&["421 m\r\n"], ["MAIL FROM 421", "MAIL FROM 421"], Connection::Dead)]
#[case::leave_after_rcpt(&["250 m\r\n", "250 r\r\n", "421 r\r\n"], ["RCPT TO 421", "RCPT TO 421"], Connection::Dead)]
#[case::leave_after_a_refusal(&["250 m\r\n", "550 r\r\n", "421 r\r\n"], ["RCPT TO 550", "RCPT TO 421"], Connection::Dead)]
#[case::leave_after_data(&["250 m\r\n", "250 r\r\n", "250 r\r\n", "421 d\r\n"], ["DATA 421", "DATA 421"], Connection::Dead)]
#[case::leave_after_the_dot(&["250 m\r\n", "250 r\r\n", "250 r\r\n", "354 d\r\n", "421 e\r\n"], ["end of DATA 421", "end of DATA 421"], Connection::Dead)]
#[case::nonsense(&["250 m\r\n", "what\r\n"], ["RCPT TO lost", "RCPT TO lost"], Connection::Dead)]
fn each_recipient_has_an_outcome(
    #[case] replies: &[&'static str],
    #[case] expected: [&str; 2],
    #[case] connection: Connection,
    #[values(PIPELINING, PLAIN)] ehlo: &'static str,
) {
    let mut peer = Peer::greeted(ehlo);
    let outcome = peer.transact(&to(&["a@tls.example", "b@tls.example"]), replies);
    assert_eq!(all_words(&outcome), expected);
    assert_eq!(outcome.connection, connection);
}

// rfc 5321 3.8: SHOULD SMTP clients that experience a connection close, reset
// rfc 5321 4.2.1: SHOULD Each reply in this category might have a different time value
// rfc 5321 4.5.3.1.10: SHOULD Clients SHOULD treat a 552 code in this case as a temporary
// rfc 5321 4.5.3.1.10: SHOULD the client SHOULD also be prepared for a 552
#[rstest]
#[case(Stage::EndOfData, "250 ok", Disposition::Delivered)]
#[case(Stage::Rcpt, "550 no", Disposition::Failed)]
#[case(Stage::Rcpt, "450 no", Disposition::Deferred)]
#[case(Stage::Rcpt, "552 too many recipients", Disposition::Deferred)]
#[case(Stage::EndOfData, "552 too large", Disposition::Failed)]
#[case(Stage::EndOfData, "354 what", Disposition::Deferred)]
#[case(Stage::Data, "250 what", Disposition::Deferred)]
#[case(Stage::Rset, "500 what", Disposition::Deferred)]
fn only_a_permanent_refusal_of_the_mail_is_final(
    #[case] stage: Stage,
    #[case] reply: &str,
    #[case] expected: Disposition,
) {
    let (code, text) = reply.split_once(' ').expect("code and text");
    let reply = Reply::bare(code.parse().expect("a code"), vec![text.to_owned()]);
    let outcome = if stage == Stage::EndOfData && reply.is_positive() {
        RecipientOutcome::Accepted(reply)
    } else {
        RecipientOutcome::Refused { stage, reply }
    };
    assert_eq!(outcome.disposition(), expected);
    let lost = RecipientOutcome::Lost { stage, loss: Loss::TimedOut };
    assert_eq!(lost.disposition(), Disposition::Deferred);
}

// rfc 5321 3.3: MUST NOT If one of those replies (or any other 5yz reply) is received
#[rstest]
#[case::data_refused_too("554 no valid recipients\r\n", "")]
#[case::data_accepted_for_nobody("354 go\r\n", ".\r\n")]
fn when_all_are_refused_in_a_pipeline_nothing_is_sent(#[case] data: &'static str, #[case] dot: &str) {
    let mut peer = Peer::greeted(PIPELINING);
    peer.content.push_back(b"secret");
    let replies = ["250 ok\r\n550 r\r\n550 r\r\n", data, "554 nothing\r\n"];
    let outcome = peer.transact(&to(&["a@tls.example", "b@tls.example"]), &replies);
    assert_eq!(all_words(&outcome), ["RCPT TO 550", "RCPT TO 550"]);
    assert_eq!(outcome.connection, Connection::Usable);
    assert!(peer.sent.ends_with(&format!("DATA\r\n{dot}")), "{}", peer.sent);
}

#[test]
fn when_mail_is_refused_no_rcpt_is_said() {
    let mut peer = Peer::greeted(PLAIN);
    let outcome = peer.transact(&to(&["a@tls.example"]), &["550 5.7.1 not you\r\n"]);
    assert_eq!(all_words(&outcome), ["MAIL FROM 550"]);
    assert_eq!(peer.sent, "MAIL FROM:<alice@home.example>\r\n");
}

#[test]
fn when_mail_is_refused_in_a_pipeline_rcpt_replies_mean_nothing() {
    let mut peer = Peer::greeted(PIPELINING);
    let replies = ["550 not you\r\n250 r\r\n354 d\r\n", "250 empty\r\n"];
    let outcome = peer.transact(&to(&["a@tls.example"]), &replies);
    assert_eq!(all_words(&outcome), ["MAIL FROM 550"]);
    assert!(peer.sent.ends_with("DATA\r\n.\r\n"));
}

// rfc 5321 4.1.4: MUST NOT MAIL (or SEND, SOML, or SAML) MUST NOT be sent if a mail transaction is already open
// rfc 5321 4.1.4: MUST The last command in a session MUST be the QUIT
#[test]
fn a_transaction_cut_short_is_reset_before_the_next() {
    let mut peer = Peer::greeted(PLAIN);
    peer.transact(&to(&["a@tls.example"]), &["250 m\r\n", "550 r\r\n"]);
    peer.sent.clear();
    let replies = ["250 reset\r\n", "250 m\r\n", "250 r\r\n", "354 d\r\n", "250 e\r\n"];
    let outcome = peer.transact(&to(&["b@tls.example"]), &replies);
    assert_eq!(all_words(&outcome), ["accepted 250"]);
    assert!(peer.sent.starts_with("RSET\r\nMAIL"));
    peer.sent.clear();
    peer.transact(&to(&["c@tls.example"]), &replies[1..]);
    assert!(peer.sent.starts_with("MAIL"), "a transaction that ended with its message needs no RSET");
    peer.sent.clear();
    peer.dialogue.quit();
    peer.replies.push_back("221 bye\r\n");
    assert_eq!(peer.run(), Some(Report::Quit));
    assert_eq!(peer.sent, "QUIT\r\n");
}

#[test]
fn a_421_while_idle_is_an_end_and_no_reply_to_mail() {
    let mut peer = Peer::greeted(PIPELINING);
    peer.dialogue.feed(b"421 4.4.2 idle for too long\r\n");
    let outcome = peer.transact(&to(&["a@tls.example"]), &[]);
    assert_eq!(all_words(&outcome), ["MAIL FROM 421"]);
    assert_eq!(outcome.connection, Connection::Dead);
    assert_eq!(peer.sent, "");
}

#[test]
fn what_the_server_says_while_the_message_goes_out_is_heard() {
    let mut peer = Peer::greeted(PIPELINING);
    let message = Message { mail: &mail(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        Transaction::new(&in_clear(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    peer.dialogue.begin(transaction).expect("ready");
    peer.dialogue.feed(b"");
    assert!(matches!(peer.dialogue.next_action(), Action::Send { .. }));
    peer.dialogue.feed(b"250 m\r\n250 r\r\n354 d\r\n");
    assert_eq!(peer.dialogue.next_action(), Action::Content);
    peer.dialogue.content(b"half a message");
    peer.dialogue.feed(b"552 5.3.4 too large\r\n");
    peer.dialogue.lost(Loss::Closed);
    let Some(Report::Finished(outcome)) = peer.run() else { panic!("not finished") };
    assert_eq!(all_words(&outcome), ["message 552"]);
}

#[test]
fn many_recipients_go_out_in_groups() {
    let addresses: Vec<String> = (0..300).map(|n| format!("recipient{n:04}@tls.example")).collect();
    let recipients = to(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let mut peer = Peer::greeted(PIPELINING);
    let message = Message { mail: &mail(), recipients: &recipients, content: facts() };
    let transaction =
        Transaction::new(&in_clear(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    peer.dialogue.begin(transaction).expect("ready");
    let mut groups = Vec::new();
    loop {
        match peer.dialogue.next_action() {
            Action::Send { octets, .. } => {
                let commands = octets.iter().filter(|&&octet| octet == b'\n').count();
                assert!(octets.len() < 5000);
                let ends_with_data = octets.ends_with(b"DATA\r\n");
                groups.push(commands);
                peer.dialogue.feed("250 ok\r\n".repeat(commands - usize::from(ends_with_data)).as_bytes());
                if ends_with_data {
                    peer.dialogue.feed(b"354 go\r\n");
                }
            }
            Action::Content => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(groups.len() > 2);
    assert_eq!(groups.iter().sum::<usize>(), 302);
}

#[test]
fn a_clearance_for_tls_is_no_clearance_in_clear() {
    let mut peer = Peer::greeted(PIPELINING);
    let message = Message { mail: &mail(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        Transaction::new(&encrypted(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    assert_eq!(peer.dialogue.begin(transaction), Err(NotBegun::NotSecured));
    assert_eq!(peer.run(), None);
    assert_eq!(peer.sent, "");
}

// rfc 5321 4.1.1.3: MUST NOT The client MUST NOT transmit parameters other than
#[test]
fn the_dsn_wishes_go_along_as_they_are() {
    let mut peer = Peer::greeted("250-mx\r\n250-DSN\r\n250-SIZE\r\n250-8BITMIME\r\n250 PIPELINING\r\n");
    let mut mail = mail();
    mail.reverse_path = ReversePath::Null;
    mail.ret = Some(Ret::Hdrs);
    mail.envid = Some("QQ+2B1".to_owned());
    let mut recipients = to(&["a@tls.example", "b@tls.example"]);
    recipients[0].notify = Notify::Never;
    recipients[0].orcpt = Some("rfc822;x@tls.example".to_owned());
    let content = ContentFacts { eight_bit: EightBit::Body, ..facts() };
    let message = Message { mail: &mail, recipients: &recipients, content };
    let transaction =
        Transaction::new(&in_clear(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    peer.dialogue.begin(transaction).expect("ready");
    peer.run();
    assert_eq!(
        peer.sent,
        "MAIL FROM:<> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1\r\n\
         RCPT TO:<a@tls.example> NOTIFY=NEVER ORCPT=rfc822;x@tls.example\r\nRCPT TO:<b@tls.example>\r\nDATA\r\n"
    );
}

// rfc 5321 4.2: MUST An SMTP client MUST determine its actions only by the reply code, not by the text
// rfc 5321 4.2: MUST in the general case, any text, including no text at all
// rfc 5321 4.2: SHOULD Since, in violation of this specification, the text is sometimes not sent
// rfc 5321 4.2.1: MUST but clients MUST be prepared for it to be omitted
#[rstest]
#[case::misleading(&["250 550 5.1.1 no\r\n", "250 error\r\n", "354 250 done\r\n", "250 554 rejected\r\n"], "accepted 250")]
#[case::no_text(&["250 \r\n", "250 \r\n", "354 \r\n", "250 \r\n"], "accepted 250")]
#[case::no_space(&["250\r\n", "250\r\n", "354\r\n", "250\r\n"], "accepted 250")]
#[case::several_lines(&["250-550 no\r\n250-\r\n250\r\n", "250-a\r\n250 b\r\n", "354-a\r\n354 b\r\n", "250-554 no\r\n250 yes\r\n"], "accepted 250")]
#[case::refused_kindly(&["250 m\r\n", "550 250 ok\r\n"], "RCPT TO 550")]
#[case::several_lines_of_refusal(&["250 m\r\n", "550-250 ok\r\n550-2.1.5 ok\r\n550 ok\r\n"], "RCPT TO 550")]
#[case::an_enhanced_code_of_another_class(&["250 m\r\n", "450 5.1.1 no\r\n"], "RCPT TO 450")]
fn the_text_decides_nothing(
    #[case] replies: &[&'static str],
    #[case] expected: &str,
    #[values(PIPELINING, PLAIN)] ehlo: &'static str,
) {
    let mut peer = Peer::greeted(ehlo);
    let outcome = peer.transact(&to(&["a@tls.example"]), replies);
    assert_eq!(all_words(&outcome), [expected]);
}

// rfc 5321 3.3: MUST NOT more generally, message data MUST NOT be sent unless a 354 reply
#[rstest]
#[case("250 ok\r\n")]
#[case("451 not now\r\n")]
#[case("554 no\r\n")]
#[case("421 bye\r\n")]
fn the_message_waits_for_the_reply_to_data(
    #[case] reply: &'static str,
    #[values(PIPELINING, PLAIN)] ehlo: &'static str,
) {
    let mut peer = Peer::greeted(ehlo);
    peer.content.push_back(b"secret");
    let outcome = peer.transact(&to(&["a@tls.example"]), &["250 m\r\n", "250 r\r\n", reply]);
    assert_eq!(all_words(&outcome), [format!("DATA {}", &reply[..3])]);
    assert!(peer.sent.ends_with("DATA\r\n"), "{}", peer.sent);
}

// rfc 5321 4.5.3.1.10: SHOULD the client SHOULD also be prepared for a 552
#[rstest]
#[case::says_so("552 5.5.3 too many recipients\r\n", Disposition::Deferred)]
#[case::says_nothing("552 no\r\n", Disposition::Deferred)]
#[case::a_full_mailbox("552 5.2.2 mailbox full\r\n", Disposition::Failed)]
#[case::too_many_now("452 4.5.3 too many recipients\r\n", Disposition::Deferred)]
#[case::another_code("550 5.5.3 too many recipients\r\n", Disposition::Failed)]
fn too_many_recipients_come_again(#[case] reply: &'static str, #[case] expected: Disposition) {
    let mut peer = Peer::greeted(PLAIN);
    let replies = ["250 m\r\n", "250 r\r\n", reply, "354 d\r\n", "250 e\r\n"];
    let outcome = peer.transact(&to(&["a@tls.example", "b@tls.example"]), &replies);
    let dispositions: Vec<_> = outcome.recipients.iter().map(RecipientOutcome::disposition).collect();
    assert_eq!(dispositions, [Disposition::Delivered, expected]);
}

// rfc 5321 4.5.3.2: SHOULD the minimum per-command timeout values SHOULD be as follows
#[rstest]
#[case::initial_220(Stage::Greeting, 5)]
#[case::mail(Stage::Mail, 5)]
#[case::rcpt(Stage::Rcpt, 5)]
#[case::data(Stage::Data, 2)]
#[case::data_block(Stage::Block, 3)]
#[case::data_termination(Stage::EndOfData, 10)]
fn each_command_has_its_time(#[case] stage: Stage, #[case] minutes: u64) {
    assert!(stage.timeout().as_secs() >= 60 * minutes);
}
