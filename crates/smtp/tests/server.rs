//! The server session where scripts don't reach: well-formed dialogues, secrets, the driver's own doings.

mod support;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rstest::rstest;
use smtp::content::EightBit;
use smtp::envelope::{BodyType, Notify, Ret};
use smtp::limits::Limits;
use smtp::reply::Reply;
use smtp::server::{AuthResult, Dropped, Event, Login, Mechanism, Proof, Role, Secret, Waiting};
use support::driver::{Driver, tls};

fn mx() -> Driver {
    let mut driver = Driver::new(Role::Mx, Limits::default(), false);
    driver.feed(b"EHLO client.example\r\n");
    driver.record.sent.clear();
    driver
}

fn sent(driver: &mut Driver) -> String {
    String::from_utf8(std::mem::take(&mut driver.record.sent)).expect("ASCII")
}

const ENVELOPE: &[u8] = b"MAIL FROM:<a@tls.example>\r\nRCPT TO:<bob@home.example>\r\n";

#[test]
fn a_message_by_data_arrives_without_its_stuffing() {
    let mut driver = mx();
    driver.feed(ENVELOPE);
    driver.feed(b"DATA\r\nSubject: x\r\n\r\n..\r\n..a\r\n.\r\n");
    let (envelope, message) = &driver.record.kept[0];
    assert_eq!(message, b"Subject: x\r\n\r\n.\r\n.a\r\n");
    assert_eq!(envelope.mail.reverse_path.as_str(), "a@tls.example");
    assert_eq!(envelope.recipients.len(), 1);
    assert!(sent(&mut driver).ends_with("250 2.0.0 queued as 1\r\n"));
}

#[test]
fn a_message_by_bdat_arrives_as_it_is() {
    let mut driver = mx();
    driver.feed(ENVELOPE);
    driver.feed(b"BDAT 11\r\na: b\r\n\r\n..\rBDAT 1\r\n\nBDAT 0 LAST\r\n");
    assert_eq!(driver.record.kept[0].1, b"a: b\r\n\r\n..\r\n");
    assert!(
        sent(&mut driver)
            .contains("250 2.0.0 11 octets received\r\n250 2.0.0 1 octets received\r\n250 2.0.0 queued")
    );
}

#[test]
fn the_envelope_keeps_the_dsn_wishes() {
    let mut driver = mx();
    driver.feed(b"MAIL FROM:<> BODY=8BITMIME RET=FULL ENVID=QQ123\r\n");
    driver.feed(b"RCPT TO:<bob@home.example> NOTIFY=NEVER ORCPT=rfc822;bobby@home.example\r\nDATA\r\n.\r\n");
    let envelope = &driver.record.kept[0].0;
    assert_eq!(envelope.mail.body, BodyType::EightBitMime);
    assert_eq!(envelope.mail.ret, Some(Ret::Full));
    assert_eq!(envelope.mail.envid.as_deref(), Some("QQ123"));
    assert_eq!(envelope.recipients[0].notify, Notify::Never);
    assert_eq!(envelope.recipients[0].orcpt.as_deref(), Some("rfc822;bobby@home.example"));
}

#[test]
fn pipelined_replies_leave_together() {
    let mut driver = mx();
    driver.session.feed(ENVELOPE);
    driver.session.feed(b"RCPT TO:<alice@home.example>\r\nDATA\r\n");
    let mut writes = Vec::new();
    while let Some(event) = driver.session.next_event() {
        match event {
            Event::Send(octets) => writes.push(String::from_utf8(octets).expect("ASCII")),
            Event::MailFrom { .. } => driver.session.mail_result(Ok(())),
            Event::RcptTo(_) => driver.session.rcpt_result(Ok(())),
            _ => {}
        }
    }
    let codes: Vec<&str> = writes[0].lines().map(|line| &line[..3]).collect();
    assert_eq!((writes.len(), codes), (1, vec!["250", "250", "250", "354"]));
}

#[test]
fn a_login_works_both_ways_and_names_the_user() {
    for dialogue in [
        &b"AUTH PLAIN AGFsaWNlQGhvbWUuZXhhbXBsZQBkZW1v\r\n"[..],
        b"AUTH PLAIN\r\nAGFsaWNlQGhvbWUuZXhhbXBsZQBkZW1v\r\n",
        b"auth login\r\nYWxpY2VAaG9tZS5leGFtcGxl\r\nZGVtbw==\r\n",
        b"AUTH LOGIN YWxpY2VAaG9tZS5leGFtcGxl\r\nZGVtbw==\r\n",
    ] {
        let mut driver = Driver::new(Role::Submission, Limits::default(), true);
        driver.feed(b"EHLO client.example\r\n");
        driver.feed(dialogue);
        assert_eq!(driver.session.user(), Some("alice@home.example"));
        assert_eq!(driver.session.with_protocol(), "ESMTPSA");
        assert!(sent(&mut driver).ends_with("235 2.7.0 Login accepted\r\n"));
    }
}

#[test]
fn passwords_are_not_printed() {
    let secret = Secret::new("hunter2".to_owned());
    let password = Proof::Password { identity: "alice".to_owned(), password: secret.clone() };
    let login = Login { mechanism: Mechanism::Plain, proof: password };
    let event = format!("{:?}", Event::Authenticate(login));
    assert!(event.contains("alice") && !event.contains("hunter2"), "{event}");
    let login = Login { mechanism: Mechanism::Xoauth2, proof: Proof::Token(secret) };
    let event = format!("{:?}", Event::Authenticate(login));
    assert!(event.contains("Token") && !event.contains("hunter2"), "{event}");
}

#[test]
fn a_message_the_driver_refuses_is_read_to_its_end() {
    let mut driver = mx();
    driver.feed(ENVELOPE);
    driver.feed(b"DATA\r\na: b\r\n");
    let full = Reply::new(452, (4, 3, 1), "The disk is full");
    driver.session.refuse_message(full.clone());
    driver.feed(b"more\r\n.\r\nNOOP\r\n");
    assert_eq!(driver.record.dropped, [Dropped::Refused(full)]);
    assert!(sent(&mut driver).ends_with("452 4.3.1 The disk is full\r\n250 2.0.0 Ok\r\n"));
}

#[test]
fn a_chunk_the_driver_refuses_is_not_acknowledged() {
    let mut driver = mx();
    driver.feed(ENVELOPE);
    sent(&mut driver);
    driver.session.feed(b"BDAT 3\r\nabcBDAT 0 LAST\r\n");
    while let Some(event) = driver.session.next_event() {
        match event {
            Event::DataChunk(_) => driver.session.refuse_message(Reply::new(452, (4, 3, 1), "full")),
            Event::Send(octets) => driver.record.sent.extend(octets),
            _ => {}
        }
    }
    assert_eq!(sent(&mut driver), "452 4.3.1 full\r\n452 4.3.1 full\r\n");
}

#[rstest]
#[case::nothing_begun(b"", 0)]
#[case::envelope(b"MAIL FROM:<a@tls.example>\r\n", 0)]
#[case::in_data(b"MAIL FROM:<a@tls.example>\r\nRCPT TO:<bob@home.example>\r\nDATA\r\nhalf a mess", 1)]
#[case::in_bdat(b"MAIL FROM:<a@tls.example>\r\nRCPT TO:<bob@home.example>\r\nBDAT 100 LAST\r\nhalf", 1)]
fn an_end_in_the_middle_drops_the_message(#[case] octets: &[u8], #[case] dropped: usize) {
    for end in [
        |driver: &mut Driver| driver.session.peer_closed(),
        |driver: &mut Driver| driver.session.idle_timeout(),
        |driver: &mut Driver| driver.session.shutdown(),
    ] {
        let mut driver = mx();
        driver.feed(octets);
        end(&mut driver);
        driver.run();
        assert_eq!(driver.record.dropped, vec![Dropped::Abandoned; dropped]);
        assert!(driver.record.closed && driver.record.kept.is_empty());
        assert_eq!(driver.session.waiting(), Waiting::Closed);
    }
}

#[test]
fn the_last_words() {
    let mut driver = mx();
    driver.session.idle_timeout();
    driver.run();
    assert_eq!(sent(&mut driver), "421 4.4.2 Nothing came for too long\r\n");
    let mut driver = mx();
    driver.session.shutdown();
    driver.run();
    assert_eq!(sent(&mut driver), "421 4.3.2 The server is stopping; try again soon\r\n");
    let mut driver = mx();
    sent(&mut driver);
    driver.session.refuse_connection();
    driver.run();
    assert_eq!(sent(&mut driver), "421 4.7.0 Too many connections; try again later\r\n");
    driver.feed(b"NOOP\r\n");
    assert_eq!(sent(&mut driver), "");
}

#[test]
fn injected_commands_are_counted_and_forgotten() {
    let mut driver = Driver::new(Role::Submission, Limits::default(), false);
    driver.session.feed(b"EHLO client.example\r\nSTARTTLS\r\nEHLO evil\r\n");
    let mut injected = None;
    while let Some(event) = driver.session.next_event() {
        if let Event::StartTls { injected: octets } = event {
            injected = Some(octets);
        }
    }
    assert_eq!(injected, Some(11));
    driver.session.feed(b"MAIL FROM:<evil@tls.example>\r\n");
    driver.session.tls_established(tls());
    assert_eq!(driver.session.next_event(), None);
    assert_eq!(driver.session.client_name(), None);
    assert!(driver.session.tls().is_some());
}

#[test]
fn eight_bit_is_told_without_being_declared() {
    let mut driver = mx();
    driver.session.feed(ENVELOPE);
    driver.session.feed(b"DATA\r\na: b\r\n\r\n\xc3\xa9\r\n.\r\n");
    let mut facts = None;
    while let Some(event) = driver.session.next_event() {
        match event {
            Event::MailFrom { .. } => driver.session.mail_result(Ok(())),
            Event::RcptTo(_) => driver.session.rcpt_result(Ok(())),
            Event::MessageEnd(seen) => facts = Some(seen),
            _ => {}
        }
    }
    let facts = facts.expect("a message");
    assert_eq!((facts.size, facts.longest_line, facts.eight_bit), (12, 4, EightBit::Body));
}

#[rstest]
fn the_trusted_need_neither_login_nor_tls(#[values(Role::Store, Role::Relay)] role: Role) {
    let mut driver = Driver::new(role, Limits::default(), false);
    driver.feed(b"EHLO store\r\nMAIL FROM:<>\r\nRCPT TO:<carla@plain.example>\r\nDATA\r\n.\r\n");
    assert_eq!(driver.record.kept.len(), 1);
    assert_eq!(driver.session.with_protocol(), "ESMTP");
    sent(&mut driver);
    driver.feed(b"EHLO store\r\nSTARTTLS\r\nAUTH PLAIN\r\n");
    let replies = sent(&mut driver);
    assert!(!replies.contains("AUTH ") && !replies.contains("STARTTLS\r"), "{replies}");
    assert!(replies.ends_with("502 5.5.1 There is no login here\r\n"), "{replies}");
}

/// A session inside TLS in which AUTH has come.
fn logging_in(auth: &[u8]) -> Driver {
    let mechanisms = vec![Mechanism::OauthBearer, Mechanism::Xoauth2];
    let mut driver = Driver::with_mechanisms(Role::Submission, Limits::default(), true, mechanisms);
    driver.feed(b"EHLO client.example\r\n");
    sent(&mut driver);
    driver.session.feed(auth);
    driver
}

#[rstest]
#[case::oauthbearer(
    "OAUTHBEARER",
    Mechanism::OauthBearer,
    "n,a=alice@home.example,\u{1}auth=Bearer good\u{1}\u{1}"
)]
#[case::xoauth2("xoauth2", Mechanism::Xoauth2, "user=alice@home.example\u{1}auth=Bearer good\u{1}\u{1}")]
fn a_token_is_handed_on_as_it_came(
    #[case] name: &str,
    #[case] mechanism: Mechanism,
    #[case] response: &str,
    #[values(" ", "\r\n")] between: &str,
) {
    let encoded = STANDARD.encode(response);
    let mut driver = logging_in(format!("AUTH {name}{between}{encoded}\r\n").as_bytes());
    let mut logins = Vec::new();
    while let Some(event) = driver.session.next_event() {
        if let Event::Authenticate(login) = event {
            logins.push(login);
            driver.session.auth_result(AuthResult::Accepted { user: "alice".to_owned() });
        }
    }
    assert_eq!(logins, [Login { mechanism, proof: Proof::Token(Secret::new(response.to_owned())) }]);
    assert_eq!(driver.session.user(), Some("alice"));
}

#[rstest]
#[case::longest(9210, "334 ")]
#[case::too_long(9211, "535 5.7.8")]
fn a_challenge_keeps_to_the_longest_line(#[case] length: usize, #[case] expected: &str) {
    let mut driver = logging_in(b"AUTH XOAUTH2 eA==\r\n");
    let mut reply = String::new();
    while let Some(event) = driver.session.next_event() {
        match event {
            Event::Authenticate(_) => {
                driver.session.auth_result(AuthResult::Challenge { text: "x".repeat(length) });
            }
            Event::Send(octets) => reply += &String::from_utf8(octets).expect("ASCII"),
            _ => {}
        }
    }
    assert!(reply.starts_with(expected) && reply.len() <= 12_288, "{} {reply}", reply.len());
    if expected == "334 " {
        assert_eq!(STANDARD.decode(reply[4..].trim_end()).map(|text| text.len()), Ok(length));
    }
}
