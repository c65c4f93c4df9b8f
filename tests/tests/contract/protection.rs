//! What the guarantee does to the sending itself: P1, P2, P5, P13.

use std::process::Command;

use black_box::{Demo, Mail, run};
use rstest::rstest;

// rfc 3207 6: SHOULD The additional option of using TLS when possible
#[test]
fn p01_tls_is_tried_for_every_mail_without_the_guarantee_too() {
    let demo = Demo::start();
    let alice = demo.alice();
    let mail = Mail::to(&["bob@tls.example", "carla@plain.example", "dora@broken.example"]);
    let id = alice.post(&mail);
    alice.settled(&id);
    let tls = demo.deliveries_of(&mail.message_id, "tls.example");
    assert_eq!(tls[0].tls.as_deref(), Some("TLSv1.3"));
    // Tried there as well; where it does not work the mail goes in clear.
    for domain in ["plain.example", "broken.example"] {
        assert_eq!(demo.deliveries_of(&mail.message_id, domain)[0].tls, None, "{domain}");
    }
}

// rfc 3207 6: MUST In order to defend against such attacks
#[test]
fn p02_with_the_guarantee_nothing_leaves_unprotected_and_the_user_is_told() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mails: Vec<Mail> =
        ["plain", "legacy", "broken"].map(|host| Mail::to(&[&format!("carla@{host}.example")])).into();
    let ids: Vec<String> = mails.iter().map(|mail| alice.post(mail)).collect();
    for (mail, id) in mails.iter().zip(&ids) {
        assert_eq!(alice.settled(id).recipients[0].state, "stopped");
        alice.wait_for_bounce(&mail.message_id);
    }
    let unprotected: Vec<_> =
        demo.deliveries().into_iter().filter(|delivery| delivery.tls.is_none()).collect();
    assert!(unprotected.is_empty(), "{unprotected:?}");
}

// rfc 5321 4.4: MUST In such cases, the response to the DATA command MUST be an OK reply
// rfc 5321 4.4: MUST However, the SMTP server MUST compose and send an "undeliverable mail" notification
#[test]
fn p05_only_insecure_recipients_are_stopped() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail =
        Mail::to(&["bob@tls.example", "carla@plain.example", "bob@home.example", "dora@mixed.example"]);
    let status = alice.settled(&demo.submit_as("alice@home.example").submit(&mail));
    let states: Vec<_> = status.recipients.iter().map(|r| (r.address.as_str(), r.state.as_str())).collect();
    assert_eq!(
        states,
        [
            ("bob@tls.example", "delivered"),
            ("carla@plain.example", "stopped"),
            ("bob@home.example", "delivered"),
            ("dora@mixed.example", "delivered"),
        ]
    );
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["carla@plain.example"]);
    demo.wait_for_delivery(&mail.message_id, "tls.example");
    demo.bob().wait_for_message("INBOX", &mail.message_id);
    assert_eq!(demo.deliveries_of(&mail.message_id, "plain.example").len(), 0);
}

// rfc 5321 4.5.4.1: SHOULD When a mail message is to be delivered to multiple recipients
// rfc 5321 4.5.4.1: SHOULD That is, the SMTP client SHOULD use the command sequence
// rfc 5321 4.5.4.1: SHOULD This efficiency feature SHOULD be implemented
#[test]
fn p05_recipients_of_one_domain_share_its_fate_and_a_transaction() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail =
        Mail::to(&["bob@tls.example", "carla@tls.example", "dora@plain.example", "emil@plain.example"]);
    alice.settled(&alice.post(&mail));
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), ["dora@plain.example", "emil@plain.example"]);
    let deliveries = demo.deliveries_of(&mail.message_id, "tls.example");
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    assert_eq!(deliveries[0].rcpt_to, ["bob@tls.example", "carla@tls.example"]);
}

#[test]
fn p05_a_wellformed_recipient_is_never_refused_for_what_its_server_offers() {
    let demo = Demo::start();
    demo.alice().switch("on");
    let mut smtp = demo.submit_as("alice@home.example");
    smtp.command("MAIL FROM:<alice@home.example>").expect(250);
    for domain in ["plain.example", "legacy.example", "down.example", "nomail.example", "unknown.example"] {
        smtp.command(&format!("RCPT TO:<carla@{domain}>")).expect(250);
    }
}

/// The host speaks TLS 1.0 and 1.1 only.
#[test]
fn p13_a_host_with_old_tls_only_gets_nothing_under_the_guarantee() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@legacy.example"]);
    let status = alice.settled(&alice.post(&mail));
    assert_eq!(status.recipients[0].state, "stopped");
    assert_eq!(demo.deliveries_of(&mail.message_id, "legacy.example").len(), 0);
    alice.switch("off");
    let mail = Mail::to(&["carla@legacy.example"]);
    alice.settled(&alice.post(&mail));
    // Never with the old protocol, which would only look like protection.
    assert_eq!(demo.deliveries_of(&mail.message_id, "legacy.example")[0].tls, None);
}

#[rstest]
#[case::tls_1_0("-tls1", false)]
#[case::tls_1_1("-tls1_1", false)]
#[case::tls_1_2("-tls1_2", true)]
#[case::tls_1_3("-tls1_3", true)]
fn p13_our_own_listeners_take_no_old_tls(#[case] version: &str, #[case] taken: bool) {
    let demo = Demo::start();
    let smtp: &[&str] = &["-starttls", "smtp"];
    for (server, starttls) in [(demo.submissions(), &[][..]), (demo.submission(), smtp), (demo.mx(), smtp)] {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-brief", version, "-cipher", "DEFAULT:@SECLEVEL=0", "-connect"]);
        let output = run(openssl.arg(server.to_string()).args(starttls), b"QUIT\r\n");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), taken, "{server} {version}: {said}");
        // It is our refusal, not one of the client's own library.
        assert_eq!(said.contains("SSL alert number"), !taken, "{server} {version}: {said}");
    }
}
