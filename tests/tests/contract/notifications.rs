//! What the sender asked to be told, and how much of the mail to return (RFC 3461).

use black_box::{Demo, Mail, Report, Smtp, User};

fn with_guarantee() -> (Demo, Smtp) {
    let demo = Demo::start();
    demo.alice().switch("on");
    let smtp = demo.submit_as("alice@home.example");
    (demo, smtp)
}

fn submit(smtp: &mut Smtp, mail: &Mail, mail_parameters: &str, rcpt_parameters: &str) -> String {
    smtp.command(&format!("MAIL FROM:<alice@home.example>{mail_parameters}")).expect(250);
    for recipient in mail.recipients() {
        smtp.command(&format!("RCPT TO:<{recipient}>{rcpt_parameters}")).expect(250);
    }
    smtp.data(&mail.to_string()).queue_id()
}

#[test]
fn the_headers_alone_are_returned_unless_all_is_asked_for() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    for (ret, all) in [("", false), (" RET=HDRS", false), (" RET=FULL", true)] {
        let mut mail = Mail::to(&["carla@plain.example"]);
        mail.body = "The secret is out.\r\n".to_owned();
        submit(&mut smtp, &mail, ret, "");
        let bounce = alice.wait_for_bounce(&mail.message_id);
        assert_eq!(bounce.raw.contains("The secret is out."), all, "{ret:?}");
        assert_eq!(bounce.returned_type == "message/rfc822", all, "{ret:?}");
        assert!(bounce.returned.contains(&format!("Subject: {}", mail.subject)), "{ret:?}");
    }
}

#[test]
fn never_suppresses_the_bounce_and_not_the_record() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    let silent = Mail::to(&["carla@plain.example"]);
    let id = submit(&mut smtp, &silent, "", " NOTIFY=NEVER");
    assert_eq!(alice.settled(&id).recipients[0].state, "stopped");
    let stop = alice.stop_of(&id).expect("the record");
    assert_eq!(stop.recipients[0].address, "carla@plain.example");
    // A later mail's bounce is there, and so the first one's would be.
    let loud = Mail::to(&["carla@plain.example"]);
    submit(&mut smtp, &loud, "", " NOTIFY=FAILURE,DELAY");
    alice.wait_for_bounce(&loud.message_id);
    assert_eq!(alice.bounces().len(), 1);
}

// rfc 3464 2.2.1: SHOULD If such an envelope identifier was present
// rfc 3464 2.2.1: MUST NOT Except when a DSN is issued by the sender's MTA
// rfc 3464 3: MUST NOT MTAs and gateways MUST NOT generate the Original-Recipient
#[test]
fn the_senders_own_ids_come_back() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    let mail = Mail::to(&["carla@plain.example"]);
    submit(&mut smtp, &mail, " ENVID=order+3D7", " ORCPT=rfc822;sales+2Beast@plain.example");
    let bounce = alice.wait_for_bounce(&mail.message_id);
    // RFC 3461 §6.3, xtext decoded.
    assert_eq!(bounce.field("original-envelope-id"), "order=7");
    let original = bounce.recipients[0].field("original-recipient").replace(' ', "");
    assert_eq!(original, "rfc822;sales+east@plain.example");

    let mail = Mail::to(&["carla@plain.example"]);
    submit(&mut smtp, &mail, "", "");
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(
        (bounce.field("original-envelope-id"), bounce.recipients[0].field("original-recipient")),
        ("", "")
    );
}

// rfc 5321 3.6.3: MUST NOT Of course, SMTP servers MUST NOT send notification
// rfc 5321 4.5.4: MUST NOT A queuing strategy MUST NOT send error messages
// rfc 5321 4.5.5: SHOULD NOT reply to messages with a null reverse-path
// rfc 5321 6.1: MUST NOT However, if this address is null
#[test]
fn a_stopped_mail_from_the_null_sender_is_recorded_and_makes_no_bounce() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    let mail = Mail::to(&["carla@plain.example"]);
    let id = smtp.transact("", &["carla@plain.example"], &mail.to_string()).queue_id();
    assert_eq!(alice.settled(&id).recipients[0].state, "stopped");
    assert!(alice.stop_of(&id).is_some());
    let loud = Mail::to(&["carla@plain.example"]);
    smtp.submit(&loud);
    alice.wait_for_bounce(&loud.message_id);
    // RFC 5321 §6.1: no notification about mail with a null reverse-path.
    assert_eq!(alice.bounces().len(), 1);
}

fn success_reports(of: &User, message_id: &str) -> Vec<Report> {
    let list = of.list("INBOX").into_iter();
    list.filter(|listed| listed.subject == "Successful Mail Delivery Report")
        .map(|listed| Report::read(&of.raw("INBOX", &listed.id())))
        .filter(|report| report.original_message_id() == message_id)
        .collect()
}

fn wait_for_success(of: &User, message_id: &str) -> Report {
    let found = || success_reports(of, message_id).into_iter().next();
    of.wait_until(&format!("the success report of {message_id}"), found)
}

/// RFC 3461 §5.2: we report the delivery here, and the relaying to a host that does not offer DSN.
#[test]
fn a_success_is_reported_to_who_asks_for_it() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    for (to, action) in [("bob@home.example", "delivered"), ("dora@tls.example", "relayed")] {
        let mut mail = Mail::to(&[to]);
        mail.body = "The secret is out.\r\n".to_owned();
        submit(&mut smtp, &mail, " RET=FULL ENVID=order+3D7", " NOTIFY=SUCCESS ORCPT=rfc822;you@old.example");
        let report = wait_for_success(&alice, &mail.message_id);
        assert_eq!((report.addresses(), report.field("original-envelope-id")), (vec![to], "order=7"));
        let recipient = &report.recipients[0];
        assert_eq!(recipient.field("action"), action);
        assert!(recipient.field("status").starts_with("2."), "{recipient:?}");
        assert_eq!(recipient.field("original-recipient").replace(' ', ""), "rfc822;you@old.example");
        assert_eq!(recipient.field("diagnostic-code").starts_with("smtp; 250"), action == "relayed");
        // RFC 3461 §4.3: RET is about failures.
        assert!(!report.raw.contains("The secret is out."), "{}", report.raw);
    }
    assert_eq!(alice.bounces().len(), 0);
}

#[test]
fn success_and_failure_are_reports_of_their_own() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    let mail = Mail::to(&["dora@tls.example", "carla@plain.example"]);
    submit(&mut smtp, &mail, "", " NOTIFY=SUCCESS,FAILURE");
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["carla@plain.example"]);
    assert_eq!(wait_for_success(&alice, &mail.message_id).addresses(), ["dora@tls.example"]);
    assert_eq!((alice.bounces().len(), success_reports(&alice, &mail.message_id).len()), (1, 1));
}

// rfc 3464 2.3.3: SHOULD NOT This action-value SHOULD NOT be used unless
#[test]
fn a_success_is_reported_to_nobody_else() {
    let (demo, mut smtp) = with_guarantee();
    let alice = demo.alice();
    let to = ["bob@home.example", "dora@tls.example"];
    let silent = ["", " NOTIFY=NEVER", " NOTIFY=FAILURE,DELAY"].map(|notify| {
        let mail = Mail::to(&to);
        alice.settled(&submit(&mut smtp, &mail, "", notify));
        mail.message_id
    });
    // A later mail's report is there, and so the others' would be.
    let loud = Mail::to(&to);
    submit(&mut smtp, &loud, "", " NOTIFY=SUCCESS");
    wait_for_success(&alice, &loud.message_id);
    for message_id in silent {
        assert_eq!(success_reports(&alice, &message_id).len(), 0, "{message_id}");
    }
}
