//! The client's dialogue against a server that says what each test wants.

mod support;

use rstest::rstest;
use smtp::client::{
    Action, Connection, Dialogue, Disposition, Failure, Loss, Message, NotBegun, Outcome, RecipientOutcome,
    Report, Stage, TlsWish, Transaction, WithoutTls,
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

#[rstest]
#[case::one_line("250 mx.tls.example\r\n", false)]
#[case::offered("250-mx\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", true)]
#[case::any_case("250-mx\r\n250 StartTls\r\n", true)]
#[case::with_parameter("250-mx\r\n250 STARTTLS now\r\n", true)]
#[case::part_of_another("250-mx\r\n250-XSTARTTLS\r\n250 STARTTLSX\r\n", false)]
#[case::in_the_greeting_line("250-STARTTLS is my name\r\n250 SIZE\r\n", false)]
#[case::in_a_parameter("250-mx\r\n250 X STARTTLS\r\n", false)]
#[case::lf_only("250-mx\n250 STARTTLS\n", true)]
fn starttls_is_a_whole_keyword(#[case] ehlo: &'static str, #[case] offered: bool) {
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx ESMTP\r\n", ehlo, "220 go\r\n", "250 mx\r\n"]);
    let report = peer.run();
    if offered {
        assert_eq!(report, Some(Report::Secured));
        assert_eq!(peer.sent, "EHLO client.example\r\nSTARTTLS\r\n[tls]EHLO client.example\r\n");
    } else {
        assert_eq!(report, Some(Report::InClear(WithoutTls::NotOffered)));
        assert_eq!(peer.sent, "EHLO client.example\r\n");
    }
}

#[rstest]
#[case(500, true)]
#[case(501, true)]
#[case(502, true)]
#[case(504, true)]
#[case(550, true)]
#[case(554, false)]
#[case(521, false)]
#[case(421, false)]
#[case(450, false)]
fn helo_only_where_ehlo_is_unknown(#[case] code: u16, #[case] falls_back: bool) {
    let reply: &'static str = Box::leak(format!("{code} no\r\n").into_boxed_str());
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx\r\n", reply, "250 mx\r\n"]);
    let report = peer.run();
    if falls_back {
        assert_eq!(report, Some(Report::InClear(WithoutTls::NotOffered)));
        assert_eq!(peer.sent, "EHLO client.example\r\nHELO client.example\r\n");
    } else {
        let refused = matches!(report, Some(Report::Failed(Failure::Refused { stage: Stage::Ehlo, .. })));
        assert!(refused, "{report:?}");
        assert_eq!(peer.run(), None);
    }
}

#[rstest]
#[case::busy("421 too busy\r\n", Stage::Greeting)]
#[case::unwanted("554 5.7.1 go away\r\n", Stage::Greeting)]
#[case::multi_line("554-go\r\n554 away\r\n", Stage::Greeting)]
fn a_greeting_can_refuse(#[case] greeting: &'static str, #[case] at: Stage) {
    let report = Peer::new(TlsWish::IfOffered, &[greeting]).run();
    assert!(
        matches!(report, Some(Report::Failed(Failure::Refused { stage, .. })) if stage == at),
        "{report:?}"
    );
}

const OFFERED: &str = "250-mx\r\n250 STARTTLS\r\n";

#[rstest]
#[case::transient("454 4.7.0 not now\r\n")]
#[case::permanent("502 5.5.1 what?\r\n")]
fn a_refused_starttls_is_told_and_leaves_the_connection_usable(#[case] reply: &'static str) {
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx\r\n", OFFERED, reply]);
    let Some(Report::InClear(without @ WithoutTls::Refused(_))) = peer.run() else { panic!("not refused") };
    let transient = reply.starts_with('4');
    assert_eq!(
        without.observation(),
        Some(guarantee::Starttls::Refused { transient, reply: reply.trim_end().to_owned() })
    );
    let outcome =
        peer.transact(&to(&["a@tls.example"]), &["250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"]);
    assert_eq!(all_words(&outcome), ["accepted 250"]);
}

#[test]
fn without_the_wish_starttls_is_not_tried() {
    let mut peer = Peer::new(TlsWish::Never, &["220 mx\r\n", OFFERED]);
    assert_eq!(peer.run(), Some(Report::InClear(WithoutTls::NotTried)));
    assert_eq!(peer.sent, "EHLO client.example\r\n");
}

#[rstest]
#[case::behind_the_220("220 go\r\n250 injected\r\n")]
#[case::half_a_line("220 go\r\n2")]
fn bytes_behind_the_220_are_an_attack(#[case] reply: &'static str) {
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx\r\n", OFFERED, reply]);
    assert_eq!(peer.run(), Some(Report::Failed(Failure::Injected)));
    assert_eq!(peer.run(), None);
    assert!(!peer.sent.contains("[tls]"));
}

#[test]
fn replies_nobody_asked_for_end_the_dialogue() {
    // The 220 to a STARTTLS that has not been said yet.
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n220 go\r\n"]);
    let report = peer.run();
    assert!(
        matches!(report, Some(Report::Failed(Failure::Lost { loss: Loss::Nonsense(_), .. }))),
        "{report:?}"
    );
    assert_eq!(peer.sent, "EHLO client.example\r\n");
}

#[test]
fn what_was_learnt_in_clear_is_forgotten() {
    let in_clear = "250-mx\r\n250-PIPELINING\r\n250-SIZE 1\r\n250 STARTTLS\r\n";
    let mut peer =
        Peer::new(TlsWish::IfOffered, &["220 mx\r\n", in_clear, "220 go\r\n", "250-mx\r\n250 DSN\r\n"]);
    assert_eq!(peer.run(), Some(Report::Secured));
    assert_eq!(peer.dialogue.capabilities().max_size(), None);
    assert!(!peer.dialogue.capabilities().offers(smtp::client::Extension::Pipelining));
    assert!(peer.dialogue.capabilities().offers(smtp::client::Extension::Dsn));
}

#[rstest]
#[case::http("HTTP/1.1 400 Bad Request\r\n")]
#[case::low_code("150 wait\r\n")]
#[case::high_code("650 what\r\n")]
#[case::no_separator("220mx\r\n")]
#[case::ssh("SSH-2.0-OpenSSH\r\n")]
#[case::empty("\r\n")]
fn what_is_no_reply_ends_the_dialogue(#[case] greeting: &'static str) {
    let report = Peer::new(TlsWish::IfOffered, &[greeting]).run();
    assert!(
        matches!(report, Some(Report::Failed(Failure::Lost { loss: Loss::Nonsense(_), .. }))),
        "{report:?}"
    );
}

#[test]
fn endless_replies_are_given_up() {
    for piece in ["220-mx\r\n", "x"] {
        let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
        dialogue.feed(piece.repeat(5000).as_bytes());
        let action = dialogue.next_action();
        assert!(matches!(action, Action::Report(Report::Failed(Failure::Lost { .. }))), "{action:?}");
    }
}

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

#[rstest]
#[case(Stage::EndOfData, "250 ok", Disposition::Delivered)]
#[case(Stage::Rcpt, "550 no", Disposition::Failed)]
#[case(Stage::Rcpt, "450 no", Disposition::Deferred)]
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
