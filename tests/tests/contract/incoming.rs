//! Mail from outside for the own domain.

use black_box::{Demo, Mail, Smtp};

fn from_outside(demo: &Demo) -> Smtp {
    let mut smtp = Smtp::connect(demo.mx());
    smtp.command("EHLO mx.tls.example").expect(250);
    smtp
}

#[test]
fn a_reply_from_outside_comes_in_encrypted_if_the_sender_can() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect(demo.mx());
    assert!(smtp.command("EHLO mx.tls.example").expect(250).offers("STARTTLS"));
    smtp.starttls();
    smtp.command("EHLO mx.tls.example").expect(250);
    let mail = Mail::new("dora@tls.example", &["ALICE@Home.Example"]);
    smtp.transact("dora@tls.example", &["ALICE@Home.Example"], &mail.to_string()).expect(250);
    let raw = String::from_utf8(demo.alice().wait_for_message("INBOX", &mail.message_id)).expect("UTF-8");
    assert!(raw.starts_with("Return-Path: <dora@tls.example>\r\n"), "{raw}");
    assert!(raw.contains("with ESMTPS "), "RFC 3848: {raw}");
    assert!(raw.ends_with(&mail.to_string()), "as it was sent: {raw}");
}

#[test]
fn only_for_people_who_live_here() {
    let demo = Demo::start();
    let mut smtp = from_outside(&demo);
    smtp.command("MAIL FROM:<dora@tls.example>").expect(250);
    let unknown = smtp.command("RCPT TO:<nobody@home.example>").expect(550);
    assert!(unknown.text().starts_with("5.1.1"), "{unknown:?}");
    let relay = smtp.command("RCPT TO:<carla@plain.example>");
    assert!((550..=554).contains(&relay.code) && relay.text().starts_with("5.7.1"), "{relay:?}");
    smtp.command("RCPT TO:<bob@home.example>").expect(250);
}

#[test]
fn nobody_outside_is_let_in_as_a_user() {
    let demo = Demo::start();
    let mut smtp = from_outside(&demo);
    assert!(!smtp.command("EHLO mx.tls.example").expect(250).offers("AUTH"));
    let reply = smtp.log_in("alice@home.example", "demo");
    assert!(reply.code >= 500, "{reply:?}");
}

/// Whether it is genuine is for the page to say: by the server's record, which a forgery has none of.
#[test]
fn a_forged_stop_comes_in_and_leaves_no_record() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    let genuine = alice.wait_for_bounce(&mail.message_id);
    let forged = genuine.raw.replace(&mail.message_id, "forged@client.example").replace("carla@", "chef@");
    let mut smtp = from_outside(&demo);
    smtp.transact("", &["alice@home.example"], &forged).expect(250);
    alice.wait_for_bounce("forged@client.example");
    assert_eq!(alice.stops().len(), 1, "the genuine one");
}
