//! Real receivers: Debian's Postfix, reached by a static route.

use black_box::{Mail, Postfix, PostfixTls, Server, wait_for};
use rstest::rstest;

const DOMAIN: &str = "postfix.example";

/// What becomes of a mail under the guarantee.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Encrypted,
    /// The bounce has this cause, up to the host, and this status.
    Stopped(&'static str, &'static str),
}

#[rstest]
#[case::with_tls(PostfixTls::Modern, Fate::Encrypted)]
#[case::with_a_broken_certificate_chain(PostfixTls::BrokenChain, Fate::Encrypted)]
#[case::without_tls(
    PostfixTls::None,
    Fate::Stopped("TLS is required, but was not offered by host ", "5.7.4")
)]
#[case::with_tls_1_1_only(
    PostfixTls::Tls11Only,
    Fate::Stopped("TLS is required, but the handshake with host ", "5.7.5")
)]
fn postfix_receives(#[case] tls: PostfixTls, #[case] fate: Fate) {
    let Some(postfix) = Postfix::start(DOMAIN, tls) else { return };
    let server = Server::with_routes(&[(DOMAIN, postfix.address())]);
    let alice = server.alice();
    let mut smtp = server.submit();
    let encrypted = "(using TLSv1.";

    // Without the guarantee it arrives in any case: encrypted where that works, else in clear (P1).
    let mut mail = Mail::to(&["dora@postfix.example", "emil@postfix.example"]);
    mail.body = ".\r\n..two dots\r\nthe end\r\n".to_owned();
    alice.settled(&smtp.submit(&mail));
    let received = postfix.wait_for_message(&mail.message_id);
    assert_eq!(received.contains(encrypted), matches!(fate, Fate::Encrypted), "{received}");
    assert!(received.ends_with("\n\n.\n..two dots\nthe end\n"), "{received}");
    wait_for("both copies", || (postfix.received().len() == 2).then_some(()));

    alice.switch("on");
    let mail = Mail::to(&["dora@postfix.example"]);
    let status = alice.settled(&smtp.submit(&mail));
    match fate {
        Fate::Encrypted => {
            assert_eq!(status.recipients[0].state, "delivered", "{status:?}");
            assert!(postfix.wait_for_message(&mail.message_id).contains(encrypted));
        }
        Fate::Stopped(cause, code) => {
            assert_eq!(status.recipients[0].state, "stopped", "{status:?}");
            let bounce = alice.wait_for_bounce(&mail.message_id);
            let recipient = &bounce.recipients[0];
            assert_eq!((recipient.address(), recipient.field("status")), ("dora@postfix.example", code));
            let host = recipient.diagnostic().strip_prefix(cause).unwrap_or_else(|| panic!("{recipient:?}"));
            assert!(host.contains(&format!("[{}]", postfix.address().ip())), "{host}");
            assert_eq!(postfix.received().len(), 2, "nothing more came");
        }
    }
}

/// A recipient that the receiving server itself refuses is a bounce of its own kind.
// rfc 3464 2.3.6: SHOULD However, this field SHOULD be included
// rfc 5321 3.6.3: MUST If an SMTP server has accepted the task of relaying
// rfc 5321 4.1.1.4: MUST Errors that are diagnosed subsequently
// rfc 5321 6.1: MUST If there is a delivery failure after acceptance
#[test]
fn postfix_refuses_a_recipient() {
    let Some(postfix) = Postfix::start(DOMAIN, PostfixTls::Modern) else { return };
    let server =
        Server::with_routes(&[(DOMAIN, postfix.address()), ("elsewhere.example", postfix.address())]);
    let alice = server.alice();
    alice.switch("on");
    let mail = Mail::to(&["dora@postfix.example", "carla@elsewhere.example"]);
    let status = alice.settled(&server.submit().submit(&mail));
    let states: Vec<_> = status.recipients.iter().map(|recipient| recipient.state.as_str()).collect();
    assert_eq!(states, ["delivered", "bounced"], "{status:?}");
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), ["carla@elsewhere.example"]);
    // RFC 3464 §2.3.6: the other side's words, under its own name.
    assert!(bounce.recipients[0].field("diagnostic-code").starts_with("smtp;"), "{bounce:?}");
    assert!(bounce.recipients[0].diagnostic().contains("Relay access denied"), "{bounce:?}");
    assert!(!bounce.recipients[0].field("remote-mta").is_empty());
    assert!(alice.stops().is_empty());
}
