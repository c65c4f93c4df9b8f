//! How the user is told: P6, P7.

use std::time::{Duration, Instant};

use black_box::{Demo, Mail, Report};

#[test]
fn p06_the_bounce_comes_within_a_second_of_the_stop() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let events = alice.events();
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    events.wait_for("the stop", |event| (event.name == "stop").then_some(()));
    let stopped = Instant::now();
    alice.wait_for_bounce(&mail.message_id);
    let took = stopped.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

// rfc 3464 2: MUST The DSN MUST be addressed
// rfc 3464 2: SHOULD The envelope sender address of the DSN
// rfc 3464 2: MUST be chosen so that DSNs will not generate mail loops
// rfc 3464 2.3.2: MUST The generic-address sub-field of the Final-Recipient field
// rfc 5321 3.6.3: SHOULD Formats specified for non-delivery reports
// rfc 5321 3.6.3: MUST When such a message is transmitted, the reverse-path MUST be set to null
// rfc 5321 4.4: MUST use a null return path
// rfc 5321 6.1: MUST This notification MUST be sent using a null
#[test]
fn p06_it_is_the_standard_bounce_and_names_each_recipient_with_its_cause() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut mail = Mail::to(&["bob@tls.example", "carla@plain.example", "dora@legacy.example"]);
    "An offer".clone_into(&mut mail.subject);
    let status = alice.settled(&demo.submit_as("alice@home.example").submit(&mail));
    let bounce = alice.wait_for_bounce(&mail.message_id);

    assert_eq!(bounce.header("Subject"), Report::SUBJECT);
    assert_eq!(bounce.header("Return-Path"), "<>", "never bounced itself");
    assert!(bounce.header("From").contains("MAILER-DAEMON@home.example"), "{}", bounce.header("From"));
    assert!(bounce.header("To").contains("alice@home.example"), "{}", bounce.header("To"));
    assert_eq!(bounce.header("Auto-Submitted"), "auto-replied");
    assert!(!bounce.header("Date").is_empty() && !bounce.header("Message-ID").is_empty());
    assert_eq!(bounce.header("In-Reply-To").trim_matches(['<', '>']), mail.message_id);

    assert_eq!(bounce.field("reporting-mta"), "dns; home.example");
    assert!(!bounce.field("arrival-date").is_empty());
    assert_eq!(bounce.addresses(), ["carla@plain.example", "dora@legacy.example"]);
    for recipient in &bounce.recipients {
        assert_eq!(recipient.field("action"), "failed");
        let cause = recipient.diagnostic();
        let recorded =
            status.recipients.iter().find(|r| r.address == recipient.address()).expect("a recipient");
        assert_eq!(recorded.reason.as_deref(), Some(cause), "the record has the same cause");
        let text = bounce.unwrapped_text();
        assert!(text.contains(recipient.address()) && text.contains(cause), "{text}");
    }
    assert!(!bounce.text.contains("bob@tls.example"), "only those it was not sent to are named");
}

#[test]
fn p06_the_text_says_in_both_languages_whose_doing_it_was() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    let text = alice.wait_for_bounce(&mail.message_id).unwrapped_text();
    assert!(text.contains("Ihre TLS-Versand-Garantie hat diesen Versand gestoppt."), "{text}");
    assert!(text.contains("Your TLS sending guarantee stopped this mail."), "{text}");
}

#[test]
fn p06_every_line_of_the_bounce_is_fit_for_mail() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut mail = Mail::to(&["carla@plain.example"]);
    "Grüße, ".repeat(40).clone_into(&mut mail.subject);
    let id = alice.post(&mail);
    alice.settled(&id);
    let raw = alice.wait_for_bounce(&mail.message_id).raw;
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "bare CR or LF");
    assert!(raw.split("\r\n").all(|line| line.len() <= 998));
}

// rfc 3464 3: SHOULD Each sender-specified recipient address
// rfc 5321 4.4: MUST A single notification listing all of the failed recipients
// rfc 5321 4.4: SHOULD For economy of processing by the sender
#[test]
fn p06_one_stop_makes_one_bounce() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail =
        Mail::to(&["carla@plain.example", "dora@plain.example", "emil@broken.example", "frida@tls.example"]);
    alice.settled(&alice.post(&mail));
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.recipients.len(), 3);
    assert_eq!(alice.bounces().len(), 1);
    assert_eq!(alice.stops().len(), 1);
}

#[test]
fn p07_the_cause_is_the_sentence_that_mail_administrators_know() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    let id = alice.post(&mail);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    let recipient = &bounce.recipients[0];
    let cause = recipient.diagnostic();
    let address = cause
        .strip_prefix("TLS is required, but was not offered by host mx.plain.example[")
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or_else(|| panic!("{cause:?}"));
    assert!(address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()), "{address}");
    assert_eq!(recipient.field("status"), "5.7.4");
    let stop = alice.stop_of(&id).expect("a recorded stop");
    assert_eq!(
        (stop.recipients[0].reason.as_str(), stop.recipients[0].host.as_str()),
        (cause, "mx.plain.example")
    );
    assert_eq!(stop.message_id, mail.message_id);
}
