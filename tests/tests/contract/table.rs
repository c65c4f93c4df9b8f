//! Every row of the contract's table, over SMTP and over HTTP, with the guarantee on and off.

use black_box::{Demo, Mail, MessageStatus, User};
use rstest::rstest;

/// What becomes of a mail.
#[derive(Clone, Copy)]
enum Fate {
    /// It lies in the recipient's mailbox here.
    InTheMailbox,
    /// The named host has it, protected like this.
    Protected(&'static str, &'static str),
    /// The named host has it, in clear.
    Unprotected(&'static str),
    /// Nobody has it; the cause begins like this, with this status.
    Stopped(&'static str, &'static str),
    /// Nobody has it yet; the cause's kind.
    Deferred(&'static str),
    /// Nobody has it, for a reason that is not the guarantee's; the status.
    Bounced(&'static str),
}

use Fate::{Bounced, Deferred, InTheMailbox, Protected, Stopped, Unprotected};

#[rstest]
#[case::home("home.example", InTheMailbox, InTheMailbox)]
#[case::tls(
    "tls.example",
    Protected("mx.tls.example", "encrypted"),
    Protected("mx.tls.example", "encrypted")
)]
#[case::verified(
    "verified.example",
    Protected("mx.verified.example", "authenticated"),
    Protected("mx.verified.example", "authenticated")
)]
#[case::dane("dane.example", Protected("mx.dane.example", "dane"), Protected("mx.dane.example", "dane"))]
#[case::sts(
    "sts.example",
    Protected("mx.sts.example", "authenticated"),
    Protected("mx.sts.example", "authenticated")
)]
#[case::dane_mismatch(
    "dane-mismatch.example",
    Stopped("TLS is required, but host mx.dane-mismatch.example[127.", "5.7.5"),
    Deferred("dane_mismatch")
)]
#[case::sts_mismatch(
    "sts-mismatch.example",
    Stopped("TLS is required, but host mx.sts-mismatch.example[127.", "5.7.5"),
    Deferred("sts_mismatch")
)]
#[case::bogus("bogus.example", Deferred("dns_bogus"), Deferred("dns_bogus"))]
// Signed with an old algorithm, which a validator must not take for a forgery.
#[case::old_algorithm(
    "alg7.example",
    Protected("mx.alg7.example", "dane"),
    Protected("mx.alg7.example", "dane")
)]
#[case::plain(
    "plain.example",
    Stopped("TLS is required, but was not offered by host mx.plain.example[127.", "5.7.4"),
    Unprotected("mx.plain.example")
)]
#[case::legacy(
    "legacy.example",
    Stopped("TLS is required, but the handshake with host mx.legacy.example[127.", "5.7.5"),
    Unprotected("mx.legacy.example")
)]
#[case::broken(
    "broken.example",
    Stopped("TLS is required, but the handshake with host mx.broken.example[127.", "5.7.5"),
    Unprotected("mx.broken.example")
)]
#[case::mixed("mixed.example", Protected("mx2.mixed.example", "encrypted"), Unprotected("mx1.mixed.example"))]
#[case::down("down.example", Deferred("unreachable"), Deferred("unreachable"))]
#[case::nomail("nomail.example", Bounced("5.1.10"), Bounced("5.1.10"))]
fn row(#[case] domain: &str, #[case] on: Fate, #[case] off: Fate) {
    let demo = Demo::start();
    let alice = demo.alice();
    for (state, fate) in [("off", off), ("on", on)] {
        alice.switch(state);
        let over_smtp = Mail::to(&[&format!("bob@{domain}")]);
        let id = demo.submit_as("alice@home.example").submit(&over_smtp);
        check(&demo, &alice, &over_smtp, &alice.settled(&id), fate);
        let over_http = Mail::to(&[&format!("bob@{domain}")]);
        let id = alice.post(&over_http);
        check(&demo, &alice, &over_http, &alice.settled(&id), fate);
    }
}

fn check(demo: &Demo, alice: &User, mail: &Mail, status: &MessageStatus, fate: Fate) {
    let address = mail.to[0].as_str();
    let (_, domain) = address.split_once('@').expect("an address");
    assert_eq!(status.message_id, mail.message_id);
    assert_eq!(status.recipients.len(), 1, "{status:?}");
    let recipient = &status.recipients[0];
    assert_eq!(recipient.address, address);
    let delivered = |host: &str, tls: bool| {
        assert_eq!(recipient.state, "delivered", "{status:?}");
        let deliveries = demo.deliveries_of(&mail.message_id, domain);
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        let delivery = &deliveries[0];
        assert_eq!((delivery.host.as_str(), delivery.tls.is_some()), (host, tls), "{delivery:?}");
        assert_eq!(delivery.mail_from, mail.from);
        assert_eq!(delivery.rcpt_to, [address]);
    };
    match fate {
        InTheMailbox => {
            assert_eq!(recipient.state, "delivered", "{status:?}");
            demo.bob().wait_for_message("INBOX", &mail.message_id);
        }
        Protected(host, protection) => {
            delivered(host, true);
            assert_eq!(recipient.protection.as_deref(), Some(protection), "{status:?}");
        }
        Unprotected(host) => {
            delivered(host, false);
            assert_eq!(recipient.protection.as_deref(), Some("none"), "{status:?}");
        }
        Stopped(cause, code) => stopped(demo, alice, mail, status, (cause, code)),
        Deferred(cause) => {
            assert_eq!(
                (recipient.state.as_str(), recipient.cause.as_deref()),
                ("deferred", Some(cause)),
                "{status:?}"
            );
            assert_eq!(demo.deliveries_of(&mail.message_id, domain).len(), 0);
            assert!(alice.stop_of(&status.id).is_none());
            assert!(alice.bounces().iter().all(|bounce| bounce.original_message_id() != mail.message_id));
        }
        Bounced(code) => {
            assert_eq!(recipient.state, "bounced", "{status:?}");
            let bounce = alice.wait_for_bounce(&mail.message_id);
            assert_eq!(
                (bounce.recipients[0].field("action"), bounce.recipients[0].field("status")),
                ("failed", code)
            );
            assert!(alice.stop_of(&status.id).is_none());
        }
    }
}

/// The user is told by a bounce, the record says the same, and nothing left.
fn stopped(demo: &Demo, alice: &User, mail: &Mail, status: &MessageStatus, (cause, code): (&str, &str)) {
    let recipient = &status.recipients[0];
    assert_eq!(recipient.state, "stopped", "{status:?}");
    assert!(recipient.reason.as_deref().is_some_and(|reason| reason.starts_with(cause)), "{status:?}");
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), [recipient.address.as_str()]);
    assert_eq!(bounce.recipients[0].field("status"), code);
    assert!(bounce.recipients[0].diagnostic().starts_with(cause), "{bounce:?}");
    let stop = alice.stop_of(&status.id).expect("a recorded stop");
    assert_eq!((&stop.recipients[0].address, stop.recipients[0].status.as_str()), (&recipient.address, code));
    assert!(demo.deliveries().iter().all(|delivery| delivery.message_id.as_ref() != Some(&mail.message_id)));
}
