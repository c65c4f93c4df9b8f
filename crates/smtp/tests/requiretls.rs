//! REQUIRETLS (RFC 8689) in both roles: in TLS only, never added, never left out.

mod support;

use rstest::rstest;
use smtp::client::{
    Dialogue, Extension, Message, NotBegun, Obstacle, Report, TlsWish, Transaction, WithoutTls,
};
use smtp::envelope::{MailFrom, Ret, ReversePath};
use smtp::limits::Limits;
use smtp::server::Role;
use support::clearance::{encrypted, in_clear, proven};
use support::driver::Driver;
use support::peer::{Peer, facts, mail, to};

fn requiring() -> MailFrom {
    MailFrom { requiretls: true, ..mail() }
}

const STARTTLS: &str = "250-mx\r\n250-STARTTLS\r\n250 PIPELINING\r\n";
const STARTTLS_AND_REQUIRETLS: &str = "250-mx\r\n250-STARTTLS\r\n250-REQUIRETLS\r\n250 PIPELINING\r\n";
const OFFERED: &str = "250-mx\r\n250-DSN\r\n250-RequireTLS\r\n250 PIPELINING\r\n";
const PLAIN: &str = "250-mx\r\n250 PIPELINING\r\n";

/// A server's word on EHLO in clear and, after STARTTLS, in TLS.
fn secured(in_clear: &'static str, in_tls: &'static str) -> Peer {
    let mut peer = Peer::new(TlsWish::IfOffered, &["220 mx\r\n", in_clear, "220 go\r\n", in_tls]);
    assert_eq!(peer.run(), Some(Report::Secured));
    peer.sent.clear();
    peer
}

// rfc 8689 2: MUST This option MUST only be specified in the context
// rfc 8689 2: MUST Following the negotiation of STARTTLS, the SMTP server
// rfc 8689 4.2.1: MUST Ensure that the response to the subsequent EHLO
// rfc 3207 4.2: MUST The client MUST discard any knowledge obtained from the server
#[rstest]
#[case::offered_in_tls(STARTTLS, OFFERED, true)]
#[case::offered_before_and_after(STARTTLS_AND_REQUIRETLS, OFFERED, true)]
#[case::offered_before_only(STARTTLS_AND_REQUIRETLS, PLAIN, false)]
#[case::never_offered(STARTTLS, PLAIN, false)]
fn only_the_offer_in_tls_counts(
    #[case] in_clear: &'static str,
    #[case] in_tls: &'static str,
    #[case] offered: bool,
) {
    let peer = secured(in_clear, in_tls);
    let message = Message { mail: &requiring(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction = Transaction::new(&proven(), peer.dialogue.capabilities(), &message);
    assert_eq!(transaction.as_ref().err(), (!offered).then_some(&Obstacle::NoRequireTls));
    assert_eq!(peer.dialogue.capabilities().offers(Extension::RequireTls), offered);
}

// rfc 8689 2: MUST The session itself MUST employ TLS transmission.
#[rstest]
#[case::tls_is_not_wished(TlsWish::Never, STARTTLS_AND_REQUIRETLS, None)]
#[case::tls_is_not_offered(TlsWish::IfOffered, OFFERED, None)]
#[case::tls_is_refused(TlsWish::IfOffered, STARTTLS_AND_REQUIRETLS, Some("454 not now\r\n"))]
fn an_offer_in_clear_is_none(
    #[case] wish: TlsWish,
    #[case] ehlo: &'static str,
    #[case] refusal: Option<&'static str>,
) {
    let mut peer = Peer::new(wish, &["220 mx\r\n", ehlo]);
    peer.replies.extend(refusal);
    assert!(matches!(peer.run(), Some(Report::InClear(_))));
    assert!(!peer.dialogue.capabilities().offers(Extension::RequireTls));
    let message = Message { mail: &requiring(), recipients: &to(&["a@tls.example"]), content: facts() };
    for clearance in [in_clear(), proven()] {
        let transaction = Transaction::new(&clearance, peer.dialogue.capabilities(), &message);
        assert_eq!(transaction.err(), Some(Obstacle::NoRequireTls));
    }
}

#[test]
fn a_transaction_made_for_tls_does_not_begin_in_clear() {
    let offering = secured(STARTTLS, OFFERED);
    let message = Message { mail: &requiring(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        Transaction::new(&proven(), offering.dialogue.capabilities(), &message).expect("no obstacle");
    let mut peer = Peer::greeted(OFFERED);
    assert_eq!(peer.dialogue.begin(transaction), Err(NotBegun::NotSecured));
    assert_eq!(peer.run(), None);
    assert_eq!(peer.sent, "");
}

// rfc 8689 2: MUST The certificate presented by the SMTP server either MUST be verified successfully by a trust chain
#[test]
fn a_host_that_has_not_proven_itself_is_not_told() {
    let peer = secured(STARTTLS, OFFERED);
    let recipients = to(&["a@tls.example"]);
    for reverse_path in [ReversePath::Null, ReversePath::Address("alice@home.example".to_owned())] {
        let mail = MailFrom { reverse_path, ..requiring() };
        let message = Message { mail: &mail, recipients: &recipients, content: facts() };
        let transaction = Transaction::new(&encrypted(), peer.dialogue.capabilities(), &message);
        assert_eq!(transaction.err(), Some(Obstacle::NoRequireTls));
        let mail = MailFrom { requiretls: false, ..mail };
        let message = Message { mail: &mail, recipients: &recipients, content: facts() };
        assert!(Transaction::new(&encrypted(), peer.dialogue.capabilities(), &message).is_ok());
    }
}

// rfc 8689 5: MUST If both RET=FULL and REQUIRETLS are present
#[rstest]
#[case::said(requiring(), "MAIL FROM:<alice@home.example> REQUIRETLS\r\n")]
#[case::by_a_report(MailFrom { reverse_path: ReversePath::Null, ..requiring() }, "MAIL FROM:<> REQUIRETLS\r\n")]
#[case::ret_full(
    MailFrom { ret: Some(Ret::Full), envid: Some("x".to_owned()), ..requiring() },
    "MAIL FROM:<alice@home.example> REQUIRETLS RET=HDRS ENVID=x\r\n"
)]
#[case::ret_hdrs(
    MailFrom { ret: Some(Ret::Hdrs), ..requiring() },
    "MAIL FROM:<alice@home.example> REQUIRETLS RET=HDRS\r\n"
)]
#[case::not_asked_for(
    MailFrom { ret: Some(Ret::Full), ..mail() },
    "MAIL FROM:<alice@home.example> RET=FULL\r\n"
)]
fn what_mail_says(#[case] mail: MailFrom, #[case] line: &str) {
    let mut peer = secured(STARTTLS, OFFERED);
    let message = Message { mail: &mail, recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        Transaction::new(&proven(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    peer.dialogue.begin(transaction).expect("ready");
    peer.run();
    assert!(peer.sent.starts_with(line), "{}", peer.sent);
}

#[test]
fn helo_within_tls_promises_nothing() {
    let mut peer = Peer::new(
        TlsWish::IfOffered,
        &[
            "220 mx\r\n",
            STARTTLS_AND_REQUIRETLS,
            "220 go\r\n",
            "502 what?\r\n",
            "250-mx\r\n250 REQUIRETLS\r\n",
        ],
    );
    assert_eq!(peer.run(), Some(Report::Secured));
    assert!(peer.sent.ends_with("[tls]EHLO client.example\r\nHELO client.example\r\n"));
    assert!(!peer.dialogue.capabilities().offers(Extension::RequireTls));
}

/// A session in TLS, after EHLO and, for submission, the login.
fn in_tls(role: Role) -> Driver {
    let mut driver = Driver::new(role, Limits::default(), true);
    driver.feed(b"EHLO client.example\r\n");
    if role == Role::Submission {
        driver.feed(b"AUTH PLAIN AGFsaWNlQGhvbWUuZXhhbXBsZQBkZW1v\r\n");
    }
    driver
}

// rfc 8689 4.1: MUST Upon receipt of the REQUIRETLS option on a MAIL FROM command
#[rstest]
#[case::said("alice@home.example", " requiretls", true)]
#[case::said_among_others("alice@home.example", " RET=FULL REQUIRETLS SIZE=9", true)]
#[case::by_a_report("", " REQUIRETLS", true)]
#[case::unsaid("alice@home.example", "", false)]
fn a_message_is_kept_with_its_wish(
    #[values(Role::Submission, Role::Mx)] role: Role,
    #[values("DATA\r\na: b\r\n.\r\n", "BDAT 6 LAST\r\na: b\r\n")] message: &str,
    #[case] sender: &str,
    #[case] parameters: &str,
    #[case] wish: bool,
) {
    let mut driver = in_tls(role);
    let envelope = format!("MAIL FROM:<{sender}>{parameters}\r\nRCPT TO:<bob@home.example>\r\n");
    driver.feed(format!("{envelope}{message}").as_bytes());
    let (kept, _) = driver.record.kept.first().expect("it is accepted");
    assert_eq!(kept.mail.requiretls, wish);
    // The next message begins anew.
    driver.feed(b"MAIL FROM:<>\r\nRCPT TO:<bob@home.example>\r\nDATA\r\n.\r\n");
    assert!(!driver.record.kept[1].0.mail.requiretls);
}

#[test]
fn the_longest_mail_command_has_room_for_it() {
    let mut driver = in_tls(Role::Mx);
    let local = "l".repeat(64);
    let domain = format!("{0}.{0}.{0}.{1}", "d".repeat(60), "e".repeat(5));
    let sender = format!("{local}@{domain}");
    // RFC 1870 §3 (26 octets), RFC 6152 §2 (17), RFC 4954 §5 (500), RFC 6531 §3.4 (10), RFC 3461 §4 (8 and 107).
    let line = format!(
        "MAIL FROM:<{sender}> SIZE=00000000000000000009 BODY=8BITMIME AUTH={} SMTPUTF8 RET=FULL ENVID={} REQUIRETLS\r\n",
        "a".repeat(494),
        "e".repeat(100),
    );
    driver.feed(line.as_bytes());
    driver.feed(b"RCPT TO:<bob@home.example>\r\nDATA\r\n.\r\n");
    assert!(driver.record.kept.first().expect("it is accepted").0.mail.requiretls);
    assert!(Limits::default().command_line >= 512 + 26 + 17 + 500 + 10 + 8 + 107 + 11);
}

/// Our client and our server, mouth to ear, from the greeting in clear.
#[test]
fn our_client_and_our_server_agree() {
    let mut driver = Driver::new(Role::Mx, Limits::default(), false);
    let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
    let mut heard = 0;
    loop {
        use smtp::client::Action;
        match dialogue.next_action() {
            Action::Send { octets, .. } => driver.feed(&octets),
            Action::Receive(_) => {
                dialogue.feed(&driver.record.sent[heard..]);
                heard = driver.record.sent.len();
            }
            Action::Handshake => {
                driver.handshake();
                dialogue.tls_established();
            }
            Action::Report(Report::Secured) => {
                let mail = MailFrom { ret: Some(Ret::Full), ..requiring() };
                let recipients = to(&["bob@home.example"]);
                let message = Message { mail: &mail, recipients: &recipients, content: facts() };
                let transaction = Transaction::new(&proven(), dialogue.capabilities(), &message);
                dialogue.begin(transaction.expect("it is offered")).expect("it is greeted");
            }
            Action::Content => dialogue.end_content(),
            Action::Report(Report::Finished(_)) => break,
            other => panic!("{other:?}"),
        }
    }
    let mail = &driver.record.kept[0].0.mail;
    assert_eq!((mail.requiretls, mail.ret), (true, Some(Ret::Hdrs)));
}

#[test]
fn what_is_said_of_tls_in_clear_is_told_to_nobody() {
    let mut peer = Peer::new(TlsWish::Never, &["220 mx\r\n", OFFERED]);
    assert_eq!(peer.run(), Some(Report::InClear(WithoutTls::NotTried)));
    let message = Message { mail: &mail(), recipients: &to(&["a@tls.example"]), content: facts() };
    let transaction =
        Transaction::new(&in_clear(), peer.dialogue.capabilities(), &message).expect("no obstacle");
    peer.sent.clear();
    peer.dialogue.begin(transaction).expect("ready");
    peer.run();
    assert!(!peer.sent.contains("REQUIRETLS"), "{}", peer.sent);
}
