//! The submission listeners: what they offer, whom they let in, what they refuse, and with which code.

use black_box::{Demo, Mail, Smtp};
use rstest::rstest;

#[test]
fn the_listeners_offer_what_the_issue_names() {
    let demo = Demo::start();
    let everywhere = ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "DSN", "ENHANCEDSTATUSCODES", "CHUNKING"];
    let mut clear = Smtp::connect(demo.submission());
    let before = clear.command("EHLO client.example").expect(250);
    assert!(before.offers("STARTTLS") && !before.offers("AUTH"), "{before:?}");
    clear.starttls();
    let mut implicit = Smtp::connect_tls(demo.submissions());
    for smtp in [&mut clear, &mut implicit] {
        let ehlo = smtp.command("EHLO client.example").expect(250);
        for keyword in everywhere {
            assert!(ehlo.offers(keyword), "{keyword}: {ehlo:?}");
        }
        assert!(!ehlo.offers("STARTTLS"), "{ehlo:?}");
        let auth = ehlo.lines.iter().find(|line| line.starts_with("AUTH ")).expect("AUTH");
        assert!(auth.contains("PLAIN") && auth.contains("LOGIN"), "{auth}");
    }
}

#[test]
fn nothing_but_starttls_works_in_clear() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect(demo.submission());
    smtp.command("EHLO client.example").expect(250);
    // RFC 3207 §4.
    smtp.command("MAIL FROM:<alice@home.example>").expect(530);
    let refused = smtp.log_in("alice@home.example", "demo");
    assert!((500..600).contains(&refused.code), "{refused:?}");
    smtp.command("NOOP").expect(250);
    smtp.command("QUIT").expect(221);
}

#[test]
fn nothing_is_accepted_without_a_login() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect_tls(demo.submissions());
    smtp.command("EHLO client.example").expect(250);
    smtp.command("MAIL FROM:<alice@home.example>").expect(530);
    smtp.log_in("alice@home.example", "wrong").expect(535);
    smtp.command("MAIL FROM:<alice@home.example>").expect(530);
}

#[test]
fn both_ways_to_log_in_work() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect_tls(demo.submissions());
    smtp.command("EHLO client.example").expect(250);
    smtp.command("AUTH PLAIN").expect(334);
    smtp.command("AGFsaWNlQGhvbWUuZXhhbXBsZQBkZW1v").expect(235);
    let mut smtp = Smtp::connect_tls(demo.submissions());
    smtp.command("EHLO client.example").expect(250);
    smtp.command("AUTH LOGIN").expect(334);
    smtp.command("YWxpY2VAaG9tZS5leGFtcGxl").expect(334);
    smtp.command("ZGVtbw==").expect(235);
}

#[test]
fn failed_logins_end_the_session() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect_tls(demo.submissions());
    smtp.command("EHLO client.example").expect(250);
    let codes: Vec<u16> = (0..10)
        .map_while(|_| {
            smtp.try_send(b"AUTH PLAIN AGFsaWNlQGhvbWUuZXhhbXBsZQB3cm9uZw==\r\n").ok()?;
            smtp.try_reply().ok().map(|reply| reply.code)
        })
        .collect();
    assert!(codes.len() < 10 && codes[0] == 535 && codes.last() == Some(&421), "{codes:?}");
}

#[rstest]
#[case::mail_from("bob@home.example", "alice@home.example", "")]
#[case::from("alice@home.example", "bob@home.example", "")]
#[case::from_elsewhere("alice@home.example", "carla@plain.example", "")]
#[case::sender("alice@home.example", "alice@home.example", "Sender: bob@home.example")]
#[case::second_from("alice@home.example", "alice@home.example, bob@home.example", "")]
fn nobody_sends_under_anothers_address(#[case] mail_from: &str, #[case] from: &str, #[case] field: &str) {
    let demo = Demo::start();
    let mut mail = Mail::new(from, &["bob@tls.example"]);
    mail.more.extend((!field.is_empty()).then(|| field.to_owned()));
    let mut smtp = demo.submit_as("alice@home.example");
    let reply = smtp.transact(mail_from, &["bob@tls.example"], &mail.to_string());
    assert!(matches!(reply.code, 550 | 553) && reply.text().starts_with("5.7.1"), "{reply:?}");
    if mail_from == "alice@home.example" {
        let answer = demo.alice().http.call("POST", "/api/v1/messages", "message/rfc822", mail.to_string());
        assert!((400..500).contains(&answer.status), "{answer:?}");
        answer.any_problem();
    }
    assert!(demo.deliveries().is_empty());
}

#[test]
fn a_message_comes_through_byte_for_byte() {
    let demo = Demo::start();
    let alice = demo.alice();
    let mut mail = Mail::to(&["bob@home.example"])
        .with("MIME-Version: 1.0")
        .with("Content-Type: text/plain; charset=utf-8");
    mail.body = format!(".\r\n..\r\n.dot\r\nGrüße\r\n{}\r\n \r\n\r\nend\r\n", "x".repeat(990));
    let message = mail.to_string();

    let mut smtp = demo.submit_as("alice@home.example");
    smtp.command("MAIL FROM:<alice@home.example> BODY=8BITMIME").expect(250);
    smtp.command("RCPT TO:<bob@home.example>").expect(250);
    alice.settled(&smtp.data(&message).queue_id());
    let body = |raw: Vec<u8>| {
        let text = String::from_utf8(raw).expect("UTF-8");
        text.split_once("\r\n\r\n").expect("an empty line").1.to_owned()
    };
    assert_eq!(body(demo.bob().wait_for_message("INBOX", &mail.message_id)), mail.body);

    // The same in chunks (RFC 3030), cut in the middle of a line.
    let chunked = Mail { message_id: "chunked@client.example".to_owned(), ..mail.clone() };
    let message = chunked.to_string();
    let (first, last) = message.as_bytes().split_at(message.len() - 12);
    smtp.command("MAIL FROM:<alice@home.example> BODY=8BITMIME").expect(250);
    smtp.command("RCPT TO:<bob@home.example>").expect(250);
    smtp.send(&[format!("BDAT {}\r\n", first.len()).as_bytes(), first].concat());
    smtp.reply().expect(250);
    smtp.send(&[format!("BDAT {} LAST\r\n", last.len()).as_bytes(), last].concat());
    alice.settled(&smtp.reply().queue_id());
    assert_eq!(body(demo.bob().wait_for_message("INBOX", "chunked@client.example")), mail.body);
}

#[test]
fn a_whole_transaction_can_be_pipelined() {
    let demo = Demo::start();
    let mail = Mail::to(&["bob@tls.example"]);
    let mut smtp = demo.submit_as("alice@home.example");
    smtp.send(b"MAIL FROM:<alice@home.example>\r\nRCPT TO:<bob@tls.example>\r\nRCPT TO:<@>\r\nDATA\r\n");
    assert_eq!([(); 4].map(|()| smtp.reply().code), [250, 250, 501, 354]);
    smtp.send(format!("{mail}.\r\nNOOP\r\nQUIT\r\n").as_bytes());
    smtp.reply().queue_id();
    assert_eq!([(); 2].map(|()| smtp.reply().code), [250, 221]);
    assert!(smtp.is_closed());
    demo.wait_for_delivery(&mail.message_id, "tls.example");
}

/// CVE-2011-0411: what stands in the buffer when TLS begins was sent by anybody.
#[test]
fn nothing_pipelined_past_starttls_is_heard() {
    let demo = Demo::start();
    for server in [demo.submission(), demo.mx()] {
        let mut smtp = Smtp::connect(server);
        smtp.command("EHLO client.example").expect(250);
        smtp.send(b"STARTTLS\r\nNOOP injected\r\n");
        let reply = smtp.reply();
        if reply.code == 220 {
            smtp.handshake();
            let ehlo = smtp.command("EHLO client.example").expect(250);
            assert!(ehlo.lines.len() > 1, "the injected NOOP was answered instead: {ehlo:?}");
        } else {
            assert!(reply.code >= 400, "{reply:?}");
        }
    }
}

/// CVE-2023-51764 to 51766: only CRLF.CRLF ends a message.
// rfc 5321 2.3.8: MUST NOT Conforming implementations MUST NOT recognize or generate
#[rstest]
#[case::lf_dot_lf("\n.\n")]
#[case::lf_dot_crlf("\n.\r\n")]
#[case::crlf_dot_lf("\r\n.\n")]
#[case::cr_dot_cr("\r.\r")]
#[case::cr_dot_crlf("\r.\r\n")]
#[case::crlf_dot_cr("\r\n.\r")]
fn nothing_else_ends_a_message(#[case] end: &str) {
    let demo = Demo::start();
    let mut smtp = demo.submit_as("alice@home.example");
    smtp.command("MAIL FROM:<alice@home.example>").expect(250);
    smtp.command("RCPT TO:<bob@tls.example>").expect(250);
    smtp.command("DATA").expect(354);
    let head = "From: alice@home.example\r\nMessage-ID: <first@client.example>\r\n\r\nfirst";
    let smuggled = "MAIL FROM:<alice@home.example>\r\nRCPT TO:<eve@tls.example>\r\nDATA\r\nsmuggled\r\n.\r\n";
    smtp.send(format!("{head}{end}{smuggled}").as_bytes());
    let reply = smtp.reply();
    assert!(reply.code == 550 || reply.code == 250, "{reply:?}");
    // One reply for one message: what follows is the answer to this NOOP.
    let noop = smtp.command("NOOP").expect(250);
    assert!(!noop.text().contains("queued as"), "{noop:?}");
    assert!(demo.deliveries().iter().all(|d| !d.rcpt_to.contains(&"eve@tls.example".to_owned())));
}

#[test]
fn limits_have_their_own_replies() {
    let demo = Demo::start();
    let mut smtp = demo.submit_as("alice@home.example");
    let ehlo = smtp.command("EHLO client.example").expect(250);
    let size = ehlo.lines.iter().find_map(|line| line.strip_prefix("SIZE ")).expect("a limit");
    let above = size.parse::<u64>().expect("a number") + 1;
    let reply = smtp.command(&format!("MAIL FROM:<alice@home.example> SIZE={above}")).expect(552);
    assert!(reply.text().starts_with("5.3.4"), "{reply:?}");
    smtp.command(&format!("MAIL FROM:<alice@home.example> SIZE={size}")).expect(250);
    smtp.command("RSET").expect(250);
    let long = "x".repeat(100_000);
    let reply = smtp.command(&format!("NOOP {long}")).expect(500);
    assert!(reply.text().starts_with("5."), "{reply:?}");

    // RFC 5321 §4.5.3.1.10: at least 100 recipients; too many is 452.
    smtp.command("MAIL FROM:<alice@home.example>").expect(250);
    let mut accepted = 0;
    let last = loop {
        let reply = smtp.command(&format!("RCPT TO:<r{accepted}@tls.example>"));
        if reply.code != 250 || accepted > 5000 {
            break reply;
        }
        accepted += 1;
    };
    assert!(accepted >= 100 && last.code == 452, "{accepted}: {last:?}");
    assert!(last.text().starts_with("4.5.3"), "{last:?}");
}
