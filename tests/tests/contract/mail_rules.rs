//! What RFC 5321 asks of whoever passes mail on: addresses and trace fields stay as they are.

use black_box::{Demo, Mail, Smtp};
use rstest::rstest;

/// A message of bob's INBOX.
fn as_bob_reads_it(demo: &Demo, message_id: &str) -> String {
    String::from_utf8(demo.bob().wait_for_message("INBOX", message_id)).expect("UTF-8")
}

// rfc 5321 2.4: MUST The local-part of a mailbox MUST BE treated as case sensitive
// rfc 5321 2.4: MUST Therefore, SMTP implementations MUST take care to preserve the case of mailbox local-parts
#[test]
fn local_parts_keep_their_case_and_differ_by_it() {
    let demo = Demo::start();
    let mail = Mail::to(&["Dora.K@TLS.Example", "dora.k@tls.example", "dora.k@tls.Example"]);
    let id = demo.submit_as("alice@home.example").submit(&mail);
    let status = demo.alice().settled(&id);
    assert_eq!(status.recipients.len(), 2, "{status:?}");
    demo.wait_for_delivery(&mail.message_id, "tls.example");
    let mut to: Vec<String> = demo
        .deliveries_of(&mail.message_id, "tls.example")
        .into_iter()
        .flat_map(|delivery| delivery.rcpt_to)
        .map(|address| address.split('@').next().unwrap_or_default().to_owned())
        .collect();
    to.sort();
    assert_eq!(to, ["Dora.K", "dora.k"]);
}

/// What is not a whole domain name is not made one.
// rfc 5321 2.3.5: MUST NOT Local nicknames or unqualified names
// rfc 5321 2.3.5: MUST NOT Local aliases MUST NOT appear
// rfc 5321 5.1: SHOULD NOT Due to a history of problems
#[rstest]
#[case::no_domain("bob")]
#[case::nickname("bob@home")]
#[case::unqualified("dora@tls")]
#[case::host("dora@mx.tls")]
fn names_are_not_completed(#[case] address: &str) {
    let demo = Demo::start();
    let alice = demo.alice();
    let mail = Mail::to(&[address]);
    let mut smtp = demo.submit_as("alice@home.example");
    let reply = smtp.transact("alice@home.example", &[address], &mail.to_string());
    if reply.code == 250 {
        let status = alice.settled(&reply.queue_id());
        let recipient = &status.recipients[0];
        assert_eq!(
            (recipient.address.as_str(), recipient.state.as_str()),
            (address, "bounced"),
            "{status:?}"
        );
    } else {
        assert!((500..=559).contains(&reply.code), "{reply:?}");
    }
    assert!(demo.deliveries().is_empty());
    assert!(demo.bob().list("INBOX").is_empty());
}

// rfc 5321 4.4: MUST NOT An Internet mail program MUST NOT change or delete a Received
// rfc 5321 4.4: MUST NOT change the order of existing lines
#[test]
fn trace_fields_stay_as_they_are_below_ours() {
    let demo = Demo::start();
    let trace = "Received: from b.example by c.example; Tue, 24 Nov 2026 08:00:02 +0000\r\n\
                 Received:  from a.example (HELO  [192.0.2.7])\r\n\tby b.example;\r\n\
                 \x20 Tue, 24 Nov 2026 08:00:01 +0000 (a  comment)\r\n";
    let mail = Mail::to(&["bob@home.example"]);
    let submitted = format!("{trace}{mail}");
    let mut smtp = demo.submit_as("alice@home.example");
    smtp.transact("alice@home.example", &["bob@home.example"], &submitted).expect(250);
    let submitted = as_bob_reads_it(&demo, &mail.message_id);
    let arriving = Mail::new("erik@tls.example", &["bob@home.example"]);
    let mut smtp = Smtp::connect(demo.mx());
    smtp.command("EHLO mx.tls.example").expect(250);
    smtp.transact("erik@tls.example", &["bob@home.example"], &format!("{trace}{arriving}")).expect(250);
    for (raw, mail) in [(submitted, mail), (as_bob_reads_it(&demo, &arriving.message_id), arriving)] {
        assert!(raw.ends_with(&format!("{trace}{mail}")), "{raw}");
        let above = raw.len() - trace.len() - mail.to_string().len();
        assert_eq!(raw[..above].matches("Received: ").count(), 1, "ours, above: {raw}");
    }
}

// rfc 5321 4.4: SHOULD NOT A message-originating SMTP system
#[test]
fn a_submitted_return_path_is_not_passed_on() {
    let demo = Demo::start();
    let mail = Mail::to(&["bob@home.example"]).with("Return-Path: <eve@evil.example>");
    demo.submit_as("alice@home.example").submit(&mail);
    let raw = as_bob_reads_it(&demo, &mail.message_id);
    assert!(raw.starts_with("Return-Path: <alice@home.example>\r\n"), "{raw}");
    assert!(raw.matches("Return-Path:").count() == 1 && !raw.contains("eve@evil.example"), "{raw}");
}

/// Neither From nor Sender nor Reply-To says who is told of a failure.
// rfc 5321 4.4: MUST The reverse-path address
// rfc 5321 6.1: MUST The recipient of this notification
#[test]
fn a_failure_is_told_to_the_reverse_path() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    let mail = Mail::new("bob@home.example", &["carla@nomail.example"])
        .with("Sender: bob@home.example")
        .with("Reply-To: bob@home.example")
        .with("Errors-To: bob@home.example");
    let mut smtp = Smtp::connect(demo.store());
    smtp.command("EHLO store.home.example").expect(250);
    smtp.transact("alice@home.example", &["carla@nomail.example"], &mail.to_string()).expect(250);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.header("To").trim_matches(['<', '>']), "alice@home.example");
    assert!(bob.bounces().is_empty());
}
