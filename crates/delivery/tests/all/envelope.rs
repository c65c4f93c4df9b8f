//! Envelope and message on the wire: parameters, encodings, limits.

use delivery::{Attempt, DsnOffer, Fate};
use guarantee::Requirement;
use mail_parser::{MessageParser, MimeHeaders};
use rstest::rstest;
use small_internet::{Behaviour, Domain, Extension};
use smtp::envelope::{Notify, NotifyOn, Ret, ReversePath};

use crate::fixture::{CONTENT, Encrypted, Fixture, Opportunistic, attempt, recipient};

const MX: &str = "mx.odd.example";
const ENCRYPTED: &str = "delivered encrypted in TLSv1.3 by mx.odd.example[1]";

fn size() -> usize {
    CONTENT.len()
}

/// RFC 3461 §5.2: what was given is passed on, and nothing else.
// rfc 5321 2.2.1: MUST Contemporary SMTP implementations MUST support the basic extension mechanisms
// rfc 5321 4.1.1: MUST NOT In the absence of specific extensions offered by the server
// rfc 5321 4.1.1.3: MUST NOT The client MUST NOT transmit parameters other than
#[rstest]
#[case::offered(Behaviour::tls().with(Extension::Dsn), true)]
#[case::not_offered(Behaviour::tls(), false)]
#[tokio::test(flavor = "multi_thread")]
async fn dsn_parameters(#[case] behaviour: Behaviour, #[case] offered: bool) {
    let fixture = Fixture::odd(behaviour).await;
    let mut attempt = attempt("odd.example", Encrypted);
    (attempt.ret, attempt.envid) = (Some(Ret::Full), Some("QQ+2B314159".to_owned()));
    let notify = [
        Notify::Unspecified,
        Notify::Never,
        Notify::On(NotifyOn { success: true, failure: false, delay: false }),
        Notify::On(NotifyOn { success: false, failure: true, delay: true }),
    ];
    attempt.recipients =
        notify.map(|notify| delivery::AttemptRecipient { notify, ..recipient("bob", "odd.example") }).into();
    attempt.recipients[0].orcpt = Some("rfc822;b+2Bob@old.example".to_owned());
    let fates = fixture.fates(attempt).await;
    let told = fates.iter().filter(|fate| matches!(fate, Fate::Delivered { dsn: DsnOffer::Offered, .. }));
    assert_eq!(told.count(), if offered { 4 } else { 0 });
    assert_eq!(fates.iter().map(|fate| fixture.told(fate)).collect::<Vec<_>>(), [ENCRYPTED; 4]);
    let transaction = fixture.world.transaction(0).unwrap();
    let mail = format!("MAIL FROM:<alice@home.example> SIZE={}", size());
    let rcpt = "RCPT TO:<bob@odd.example>";
    if offered {
        assert_eq!(transaction.mail, format!("{mail} RET=FULL ENVID=QQ+2B314159"));
        assert_eq!(
            transaction.rcpt,
            [
                format!("{rcpt} ORCPT=rfc822;b+2Bob@old.example"),
                format!("{rcpt} NOTIFY=NEVER"),
                format!("{rcpt} NOTIFY=SUCCESS"),
                format!("{rcpt} NOTIFY=FAILURE,DELAY"),
            ]
        );
    } else {
        assert_eq!(transaction.mail, mail);
        assert_eq!(transaction.rcpt, [rcpt; 4]);
    }
}

// rfc 3464 2: MUST Whenever an SMTP transaction is used to send a DSN
// rfc 5321 4.4: MUST All notification messages about undeliverable mail MUST be sent using the MAIL command
// rfc 5321 4.5.5: SHOULD NOT add a non-null reverse-path, or change a null reverse-path
#[tokio::test(flavor = "multi_thread")]
async fn reports_leave_with_a_null_reverse_path() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    let mut attempt = attempt("odd.example", Opportunistic);
    attempt.reverse_path = ReversePath::Null;
    assert_eq!(fixture.attempt(attempt).await, [ENCRYPTED]);
    assert_eq!(fixture.world.transaction(0).unwrap().mail, format!("MAIL FROM:<> SIZE={}", size()));
}

/// A report about REQUIRETLS mail asks for it wherever it can be had, and is lost for the want of it nowhere.
// rfc 8689 5: MUST They therefore MUST be protected in
// rfc 8689 5: MUST All non-delivery messages resulting from messages with
// rfc 8689 5: SHOULD NOT When the MAIL FROM return-path is empty
#[rstest]
#[case::offered("dane.example", true)]
#[case::not_offered("tls.example", false)]
#[case::without_tls("plain.example", false)]
#[tokio::test(flavor = "multi_thread")]
async fn reports_say_requiretls_where_it_is_offered(#[case] domain: &str, #[case] said: bool) {
    let fixture = Fixture::new([]).await;
    let mut attempt = attempt(domain, Opportunistic);
    (attempt.reverse_path, attempt.requiretls) = (ReversePath::Null, true);
    let told = fixture.attempt(attempt).await;
    assert!(told[0].starts_with("delivered"), "{told:?}");
    let mail = fixture.world.transaction(0).unwrap().mail;
    assert_eq!(mail.ends_with(" REQUIRETLS"), said, "{mail}");
}

/// What its sender demands of the next host alone is passed on where that can be, and where it can't the mail goes.
#[rstest]
#[case::offered("dane.example", true)]
#[case::not_offered("alg7.example", false)]
#[tokio::test(flavor = "multi_thread")]
async fn demanded_mail_says_requiretls_where_it_is_offered(#[case] domain: &str, #[case] said: bool) {
    let fixture = Fixture::new([]).await;
    let attempt = Attempt { requiretls: true, ..attempt(domain, Requirement::Authenticated) };
    let told = fixture.attempt(attempt).await;
    assert!(told[0].starts_with("delivered"), "{told:?}");
    let mail = fixture.world.transaction(0).unwrap().mail;
    assert_eq!(mail.ends_with(" REQUIRETLS"), said, "{mail}");
}

// rfc 5321 4.5.4.1: SHOULD When a mail message is to be delivered to multiple recipients
// rfc 5321 4.5.4.1: SHOULD That is, the SMTP client SHOULD use the command sequence
// rfc 5321 4.5.4.1: SHOULD This efficiency feature SHOULD be implemented
#[rstest]
#[case(Behaviour::tls())]
#[case(Behaviour::tls().without(Extension::Pipelining))]
#[case(Behaviour::tls().without(Extension::Size).without(Extension::EnhancedStatusCodes))]
#[case(Behaviour::helo_only())]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_recipients_share_a_transaction(#[case] behaviour: Behaviour) {
    let fixture = Fixture::odd(behaviour).await;
    let mut attempt = attempt("odd.example", Opportunistic);
    attempt.recipients = (0..100).map(|n| recipient(&format!("bob{n}"), "odd.example")).collect();
    let fates = fixture.attempt(attempt).await;
    assert!(fates.len() == 100 && fates.iter().all(|fate| fate.starts_with("delivered")), "{fates:?}");
    assert_eq!((fixture.count(MX, "MAIL"), fixture.world.deliveries()[0].rcpt_to.len()), (1, 100));
}

/// What arrives is what was sent, octet by octet.
// rfc 5321 2.4: SHOULD In general, a relay SMTP SHOULD assume that the message content
// rfc 5321 4.1.1.4: MUST NOT An extra <CRLF> MUST NOT be added
#[rstest]
#[case::dots("Subject: x\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n".to_owned())]
#[case::dot_first(".\r\n".to_owned())]
#[case::empty_body("Subject: x\r\n\r\n".to_owned())]
#[case::large(format!("{CONTENT}{}", format!(".{}\r\n", "x".repeat(70)).repeat(75_000)))]
#[tokio::test(flavor = "multi_thread")]
async fn the_message_arrives_unchanged(#[case] content: String) {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    for (number, requirement) in [Encrypted, Opportunistic].into_iter().enumerate() {
        let mut attempt = attempt("odd.example", requirement);
        attempt.content = content.clone().into();
        assert_eq!(fixture.attempt(attempt).await, [ENCRYPTED]);
        assert!(fixture.world.raw(number).unwrap() == content.as_bytes(), "the message was changed");
    }
}

/// No host ever sees the end of a message where none is (SMTP smuggling): a bare LF leaves as CRLF.
// rfc 5321 2.3.8: MUST NOT Conforming implementations MUST NOT recognize or generate
// rfc 5321 2.3.8: MUST NOT SMTP client implementations MUST NOT transmit these characters
// rfc 5321 2.3.8: MUST transmit them only as a <CRLF> sequence
// rfc 5321 4.1.1.4: MUST The only exception to this rule
#[tokio::test(flavor = "multi_thread")]
async fn a_bare_newline_ends_nothing() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.content = "Subject: x\n\n.\nMAIL FROM:<eve@evil.example>\r.\rend".into();
    assert_eq!(fixture.attempt(attempt).await, [ENCRYPTED]);
    let expected = b"Subject: x\r\n\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n.\r\nend\r\n";
    assert_eq!(fixture.world.raw(0).unwrap(), expected);
}

const GERMAN: &str = "Message-ID: <1@home.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n";

fn german(local_parts: &[&str]) -> delivery::Attempt {
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.content = GERMAN.into();
    attempt.eight_bit = true;
    attempt.recipients = local_parts.iter().map(|local| recipient(local, "odd.example")).collect();
    attempt
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_bits_pass_where_they_may() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    assert_eq!(fixture.attempt(german(&["bob"])).await, [ENCRYPTED]);
    let mail = format!("MAIL FROM:<alice@home.example> SIZE={} BODY=8BITMIME", GERMAN.len());
    assert_eq!(fixture.world.transaction(0).unwrap().mail, mail);
    assert_eq!(fixture.world.raw(0).unwrap(), GERMAN.as_bytes());
}

/// RFC 6152 §3.
// rfc 5321 2.4: MUST NOT An originating SMTP client that has not successfully negotiated
// rfc 5321 4.5.2: MUST If such transformations are necessary, they MUST be reversible
#[tokio::test(flavor = "multi_thread")]
async fn where_they_may_not_the_message_is_encoded_anew() {
    let fixture = Fixture::odd(Behaviour::tls().without(Extension::EightBitMime)).await;
    assert_eq!(fixture.attempt(german(&["bob"])).await, [ENCRYPTED]);
    let raw = fixture.world.raw(0).unwrap();
    assert!(raw.is_ascii());
    let mail = format!("MAIL FROM:<alice@home.example> SIZE={}", raw.len());
    assert_eq!(fixture.world.transaction(0).unwrap().mail, mail);
    let message = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(message.body_text(0).unwrap(), "Grüße\r\n");
    assert_eq!(message.content_transfer_encoding(), Some("quoted-printable"));
}

/// What can't be encoded anew is the host's limit, not a matter of time; another host may do.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_encoded_anew_needs_another_host() {
    let seven_bit = || Behaviour::tls().without(Extension::EightBitMime);
    let domains = [
        Domain::new("odd.example", seven_bit()),
        Domain::with_hosts("two.example", [(10, seven_bit()), (20, Behaviour::tls())]),
        Domain::with_hosts("away.example", [(10, seven_bit()), (20, Behaviour::down())]),
    ];
    let fixture = Fixture::new(domains).await;
    for (domain, expected) in [
        ("odd.example", "bounced 5.6.3: host mx.odd.example[1] takes no 8-bit content (8BITMIME)"),
        ("two.example", "delivered encrypted in TLSv1.3 by mx2.two.example[1]"),
        ("away.example", "deferred 4.4.1: connect to mx2.away.example[1]: Connection refused"),
    ] {
        let mut attempt = attempt(domain, Encrypted);
        attempt.content = "Subject: Grüße\r\n\r\nHello\r\n".into();
        assert_eq!(fixture.attempt(attempt).await, [expected]);
    }
    assert_eq!(fixture.count("mx.odd.example", "MAIL"), 0);
}

/// RFC 1870.
// rfc 5321 4.5.3.1: MUST Clients MAY attempt to transmit these
// rfc 5321 4.5.3.1.7: SHOULD SMTP client systems that will send large messages
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_needs_another_host() {
    let small = || Behaviour::tls().size_limit(size() - 1);
    let domains = [
        Domain::new("odd.example", small()),
        Domain::with_hosts("two.example", [(10, small()), (20, Behaviour::tls().size_limit(size()))]),
        // A host that does not announce its limit tells it at the end.
        Domain::new("late.example", small().without(Extension::Size)),
    ];
    let fixture = Fixture::new(domains).await;
    let limit = size() - 1;
    let too_large = format!("bounced 5.3.4: host mx.odd.example[1] takes at most {limit} octets a message");
    assert_eq!(fixture.send("odd.example", Encrypted).await, too_large);
    assert_eq!(fixture.count("mx.odd.example", "MAIL"), 0);
    let by_the_second = "delivered encrypted in TLSv1.3 by mx2.two.example[1]";
    assert_eq!(fixture.send("two.example", Encrypted).await, by_the_second);
    let late = fixture.send("late.example", Encrypted).await;
    assert!(late.starts_with("bounced 5.3.4: host mx.late.example[1] said: 552 5.3.4 "), "{late}");
}

/// The encoded form may be larger than the host takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_once_encoded_is_too_large() {
    let host = Behaviour::tls().without(Extension::EightBitMime).size_limit(GERMAN.len());
    let fixture = Fixture::odd(host).await;
    let fates = fixture.attempt(german(&["bob"])).await;
    assert!(fates[0].starts_with("bounced 5.3.4: host mx.odd.example[1] takes at most "), "{fates:?}");
}

/// RFC 6531 §3.5. One recipient's address keeps nobody else from their mail.
// rfc 5321 4.1.2: MUST NOT These characters MUST NOT be used in MAIL or RCPT
#[tokio::test(flavor = "multi_thread")]
async fn internationalised_addresses() {
    let fixture = Fixture::new([
        Domain::new("odd.example", Behaviour::tls().without(Extension::SmtpUtf8)),
        Domain::new("able.example", Behaviour::tls()),
    ])
    .await;
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.smtputf8 = true;
    attempt.recipients = vec![recipient("jürgen", "odd.example"), recipient("bob", "odd.example")];
    let refused = "bounced 5.6.7: host mx.odd.example[1] takes no internationalised addresses (SMTPUTF8)";
    assert_eq!(fixture.attempt(attempt.clone()).await, [refused, ENCRYPTED]);
    assert_eq!(fixture.world.deliveries()[0].rcpt_to, ["bob@odd.example"]);

    attempt.next_hop = "able.example".to_owned();
    attempt.recipients = vec![recipient("jürgen", "able.example"), recipient("bob", "able.example")];
    let delivered = "delivered encrypted in TLSv1.3 by mx.able.example[1]";
    assert_eq!(fixture.attempt(attempt).await, [delivered, delivered]);
    let mail = format!("MAIL FROM:<alice@home.example> SIZE={} SMTPUTF8", size());
    assert_eq!(fixture.world.transaction(1).unwrap().mail, mail);
}

/// RFC 6532: neither does an internationalised header pass where SMTPUTF8 is not known.
#[tokio::test(flavor = "multi_thread")]
async fn internationalised_headers() {
    let fixture = Fixture::odd(Behaviour::tls().without(Extension::SmtpUtf8)).await;
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.smtputf8 = true;
    attempt.content = "Subject: Grüße\r\n\r\nHello\r\n".into();
    let refused = "bounced 5.6.7: host mx.odd.example[1] takes no internationalised addresses (SMTPUTF8)";
    assert_eq!(fixture.attempt(attempt).await, [refused]);
}

/// Two recipients, one of whom the host can't take and one whom it does not want now.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_address_harms_only_itself() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.recipients.push(recipient("eve>\r\nRCPT TO:<mallory", "odd.example"));
    let fates = fixture.attempt(attempt).await;
    assert_eq!(fates[0], ENCRYPTED);
    assert!(fates[1].starts_with("bounced 5.3.0: a fault of this server: a malformed envelope"), "{fates:?}");
    assert_eq!(fixture.world.deliveries()[0].rcpt_to, ["bob@odd.example"]);
}
