//! The client's dialogue from the greeting to QUIT, against a server that says what each test wants.

mod support;

use rstest::rstest;
use smtp::client::{
    Action, Capabilities, Dialogue, Failure, Loss, Message, NotBegun, RecipientOutcome, Report, Stage,
    TlsWish, Transaction, WithoutTls,
};
use support::clearance::in_clear;
use support::peer::{Peer, facts, mail, to};

const PIPELINING: &str = "250-mx\r\n250 PIPELINING\r\n";

// rfc 3207 4: MUST After receiving a 220 response to a STARTTLS command
// rfc 5321 4.1.1.1: MUST Although EHLO keywords may be specified in upper, lower, or mixed case
// rfc 5321 4.1.1.1: SHOULD NOT In the interest of interoperability, it is probably wise
// rfc 5321 4.1.1.1: SHOULD A client SMTP SHOULD start an SMTP session by issuing the EHLO command
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

// rfc 5321 2.2.1: SHOULD clients SHOULD preferentially utilize EHLO rather than HELO
// rfc 5321 2.2.1: MUST SMTP clients and servers MUST support the original HELO mechanisms as a fallback
// rfc 5321 3.2: SHOULD the client SHOULD be able to fall back and send HELO
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

// rfc 5321 4.1.4: SHOULD The QUIT command SHOULD be used by the client SMTP to request connection closure, even when no session
// rfc 5321 4.1.1.10: MUST NOT The sender MUST NOT intentionally close the transmission channel until it sends a QUIT
// rfc 5321 4.1.1.10: SHOULD wait until it receives the reply (even if there was an error response
#[rstest]
#[case::unwanted(&["554 5.7.1 go away\r\n"], Stage::Greeting, "")]
#[case::multi_line(&["554-go\r\n554 away\r\n"], Stage::Greeting, "")]
#[case::not_now(&["450 later\r\n"], Stage::Greeting, "")]
#[case::talking_on(&["554 go away\r\n554 really"], Stage::Greeting, "")]
#[case::at_ehlo(&["220 mx\r\n", "554 no\r\n"], Stage::Ehlo, "EHLO client.example\r\n")]
#[case::at_helo(&["220 mx\r\n", "502 what\r\n", "550 no\r\n"], Stage::Helo,
    "EHLO client.example\r\nHELO client.example\r\n")]
fn who_refuses_us_is_taken_leave_of(
    #[case] replies: &[&'static str],
    #[case] at: Stage,
    #[case] before: &str,
    #[values(&["221 bye\r\n"], &["TIMEOUT"], &["what\r\n"], &["421 bye\r\n"], &[])]
    farewell: &[&'static str],
) {
    let mut peer = Peer::new(TlsWish::IfOffered, replies);
    peer.replies.extend(farewell);
    let report = peer.run();
    assert!(
        matches!(report, Some(Report::Failed(Failure::Refused { stage, .. })) if stage == at),
        "{report:?}"
    );
    assert_eq!(peer.sent, format!("{before}QUIT\r\n"));
    assert!(peer.replies.is_empty(), "its reply is waited for");
    assert_eq!(peer.run(), None);
}

#[rstest]
#[case::at_once(&["421 too busy\r\n"], Stage::Greeting, "")]
#[case::at_ehlo(&["220 mx\r\n", "421 too busy\r\n"], Stage::Ehlo, "EHLO client.example\r\n")]
#[case::at_starttls(&["220 mx\r\n", OFFERED, "421 too busy\r\n"], Stage::StartTls, "EHLO client.example\r\nSTARTTLS\r\n")]
fn a_421_is_the_server_s_own_end(#[case] replies: &[&'static str], #[case] at: Stage, #[case] said: &str) {
    let mut peer = Peer::new(TlsWish::IfOffered, replies);
    let report = peer.run();
    assert!(
        matches!(report, Some(Report::Failed(Failure::Refused { stage, .. })) if stage == at),
        "{report:?}"
    );
    assert_eq!(peer.run(), None);
    assert_eq!(peer.sent, said);
}

// rfc 5321 4.3.1: SHOULD The sender SHOULD wait for this greeting message
// rfc 5321 4.1.1.1: MUST In any event, a client MUST issue HELO or EHLO before starting a mail transaction
// rfc 5321 4.1.4: MUST A session that will contain mail transactions MUST first be initialized
#[test]
fn nothing_is_said_out_of_turn() {
    let other = Peer::greeted(PIPELINING);
    let message = Message { mail: &mail(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        || Transaction::new(&in_clear(), other.dialogue.capabilities(), &message).expect("no obstacle");
    let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
    dialogue.feed(b"220-mx\r\n220");
    for _ in 0..2 {
        assert_eq!(dialogue.next_action(), Action::Receive(Stage::Greeting));
        assert_eq!(dialogue.begin(transaction()), Err(NotBegun::NotReady));
        dialogue.quit();
    }
    dialogue.feed(b" mx\r\n");
    let octets = b"EHLO client.example\r\n".to_vec();
    assert_eq!(dialogue.next_action(), Action::Send { octets, stage: Stage::Ehlo });
    dialogue.feed(b"250-mx\r\n250-PIPELINING\r\n");
    assert_eq!(dialogue.next_action(), Action::Receive(Stage::Ehlo));
    assert_eq!(dialogue.begin(transaction()), Err(NotBegun::NotReady));
    dialogue.feed(b"250 HELP\r\n");
    assert_eq!(dialogue.next_action(), Action::Report(Report::InClear(WithoutTls::NotOffered)));
    assert_eq!(dialogue.begin(transaction()), Ok(()));
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
    assert!(matches!(outcome.recipients[..], [RecipientOutcome::Accepted(_)]), "{outcome:?}");
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

// rfc 3207 4: MUST After receiving a 220 response to a STARTTLS command
// rfc 3207 4: SHOULD If, after having issued the STARTTLS command, the client finds out
#[test]
fn between_the_220_and_the_handshake_nothing_is_said() {
    let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
    dialogue.feed(b"220 mx\r\n");
    assert!(matches!(dialogue.next_action(), Action::Send { .. }));
    dialogue.feed(OFFERED.as_bytes());
    assert!(matches!(dialogue.next_action(), Action::Send { stage: Stage::StartTls, .. }));
    dialogue.feed(b"220 go\r\n");
    for _ in 0..2 {
        assert_eq!(dialogue.next_action(), Action::Handshake);
        dialogue.quit();
        // What comes in clear from here on is thrown away.
        dialogue.feed(b"250-mx\r\n250 SIZE 1\r\n");
    }
    let mut failing = dialogue;
    failing.lost(Loss::Closed);
    assert_eq!(failing.next_action(), Action::Idle);
    failing.tls_established();
    failing.quit();
    assert_eq!(failing.next_action(), Action::Idle);
}

// rfc 3207 4.2: MUST Both the client and the server MUST know if there is a TLS session active
// rfc 3207 4.2: MUST NOT A client MUST NOT attempt to start a TLS session if a TLS session is already active
#[test]
fn starttls_is_not_said_twice() {
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx\r\n", OFFERED, "220 go\r\n", OFFERED]);
    assert!(!peer.dialogue.is_secured());
    assert_eq!(peer.run(), Some(Report::Secured));
    assert!(peer.dialogue.is_secured());
    assert_eq!(peer.run(), None);
    assert_eq!(peer.sent, "EHLO client.example\r\nSTARTTLS\r\n[tls]EHLO client.example\r\n");
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

// rfc 3207 4.2: MUST The client MUST discard any knowledge obtained from the server
// rfc 3207 4.2: SHOULD The client SHOULD send an EHLO command as the first command
// rfc 3207 6: MUST For this reason, clients and servers MUST discard any knowledge
#[test]
fn what_was_learnt_in_clear_is_forgotten() {
    let in_clear = "250-mx\r\n250-PIPELINING\r\n250-SIZE 1\r\n250 STARTTLS\r\n";
    let mut peer =
        Peer::new(TlsWish::IfOffered, &["220 mx\r\n", in_clear, "220 go\r\n", "250-mx\r\n250 DSN\r\n"]);
    assert_eq!(peer.run(), Some(Report::Secured));
    assert_eq!(peer.dialogue.capabilities().max_size(), None);
    assert!(!peer.dialogue.capabilities().offers(smtp::client::Extension::Pipelining));
    assert!(peer.dialogue.capabilities().offers(smtp::client::Extension::Dsn));

    let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
    dialogue.feed(b"220 mx\r\n");
    let mut replies = [in_clear, "220 go\r\n"].into_iter();
    while dialogue.next_action() != Action::Handshake {
        if let Action::Receive(_) = dialogue.next_action() {
            dialogue.feed(replies.next().expect("no more is awaited").as_bytes());
        }
    }
    dialogue.tls_established();
    assert_eq!(dialogue.capabilities(), &Capabilities::none(), "already before EHLO is answered");
}

// rfc 5321 4.2: SHOULD Clients that receive such out-of-range codes
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
