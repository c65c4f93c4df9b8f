//! The receiver is strict and exact.

use rstest::rstest;
use small_internet::{Behaviour, Channel, Domain, Extension, MxHost};
use tokio::task::block_in_place;

use crate::{Fixture, client::Demand};

/// Dialogues with the host of `tls.example`: what is said, and how each reply begins.
#[rstest]
#[case::order(&[("MAIL FROM:<a@b.example>", "503"), ("RCPT TO:<a@tls.example>", "503"), ("DATA", "503")])]
#[case::helo(&[("HELO c", "250 mx"), ("MAIL FROM:<a@b.example> SIZE=5", "555"), ("MAIL FROM:<a@b.example>", "250")])]
#[case::twice(&[("EHLO c", "250"), ("MAIL FROM:<>", "250"), ("MAIL FROM:<>", "503"), ("RSET", "250"), ("MAIL FROM:<>", "250")])]
#[case::no_name(&[("EHLO", "501 5.5.4"), ("HELO ", "501")])]
#[case::syntax(&[("EHLO c", "250"), ("MAIL FROM: <a@b.example>", "501"), ("MAIL FROM:a@b.example", "501"), ("MAIL FROM:<a>", "501 5.1.7"), ("MAIL TO:<a@b.example>", "501")])]
#[case::parameters(&[("EHLO c", "250"), ("MAIL FROM:<> BODY=9BIT", "501"), ("MAIL FROM:<> RET=HDRS", "555 5.5.4"), ("MAIL FROM:<> REQUIRETLS", "555"), ("mail from:<> size=5 body=8bitmime smtputf8", "250")])]
#[case::too_large(&[("EHLO c", "250"), ("MAIL FROM:<> SIZE=67108865", "552 5.3.4"), ("MAIL FROM:<> SIZE=67108864", "250")])]
#[case::relay(&[("EHLO c", "250"), ("MAIL FROM:<>", "250"), ("RCPT TO:<a@plain.example>", "550 5.7.1"), ("RCPT TO:<a@ALIAS.example>", "250"), ("RCPT TO:<Postmaster>", "250"), ("RCPT TO:<a>", "501 5.1.3"), ("RCPT TO:<a@[127.0.0.1]>", "550")])]
#[case::utf8(&[("EHLO c", "250"), ("MAIL FROM:<ä@b.example>", "553 5.6.7"), ("MAIL FROM:<>", "250"), ("RCPT TO:<ä@tls.example>", "553 5.6.7"), ("RSET", "250"), ("MAIL FROM:<> SMTPUTF8", "250"), ("RCPT TO:<ä@tls.example>", "250")])]
#[case::no_recipient(&[("EHLO c", "250"), ("MAIL FROM:<>", "250"), ("DATA", "503")])]
#[case::unknown(&[("EHLO c", "250"), ("HELP", "500 5.5.1"), ("VRFY a", "252"), ("NOOP", "250"), ("AUTH PLAIN", "500"), ("BDAT 5", "500"), ("STARTTLS now", "501")])]
#[case::bare_newlines(&[("EHLO c\n", "500 5.5.2"), ("EHLO\rc", "500 5.5.2")])]
#[tokio::test(flavor = "multi_thread")]
async fn dialogues(#[case] dialogue: &[(&str, &str)]) {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        for (command, reply) in dialogue {
            if let Some(bare) = command.strip_suffix('\n') {
                client.send(format!("{bare}\n").as_bytes()).unwrap();
                assert!(client.reply().unwrap().starts_with(reply), "{command:?}");
            } else {
                client.expect(command, reply);
            }
        }
    });
    assert_eq!(fixture.world.deliveries(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pipelined_behind_starttls_is_thrown_away() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.send(b"STARTTLS\r\nEHLO attacker\r\nMAIL FROM:<attacker@home.example>\r\n").unwrap();
        assert!(client.reply().unwrap().starts_with("220"));
        let mut client = client.handshake(&Demand::modern()).unwrap();
        client.expect("RCPT TO:<bob@tls.example>", "503");
        client.expect("MAIL FROM:<alice@home.example>", "503");
    });
    let commands = fixture.world.commands("mx.tls.example");
    let seen: Vec<_> = commands.iter().map(|command| (command.channel, command.line.as_str())).collect();
    assert_eq!(
        seen,
        [
            (Channel::Clear, "STARTTLS"),
            (Channel::Tls, "RCPT TO:<bob@tls.example>"),
            (Channel::Tls, "MAIL FROM:<alice@home.example>")
        ]
    );
}

/// None of these may end the content early, and none is kept (CVE-2023-51764 and its like).
#[rstest]
#[case("\n.\n")]
#[case("\n.\r\n")]
#[case("\r.\r\n")]
#[case("\r\n.\n")]
#[case("\r\n.\r")]
#[case("\r.\r")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled(#[case] end: &str) {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.expect("EHLO c", "250");
        let content = format!(
            "Subject: x\r\n\r\nx{end}MAIL FROM:<b@home.example>\r\nRCPT TO:<bob@tls.example>\r\nDATA\r\nx"
        );
        assert!(client.bring("bob@tls.example", content.as_bytes()).unwrap().starts_with("550 5.5.2"));
        client.expect("NOOP", "250");
    });
    assert_eq!(fixture.world.deliveries(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_are_kept_as_they_are() {
    let fixture = Fixture::new().await;
    let every_octet: Vec<u8> = (0..=255).filter(|octet| !b"\r\n".contains(octet)).collect();
    let content = [b"Subject: x\r\n\r\n...\r\n", &every_octet[..], b"\r\n"].concat();
    let stuffed = [b"Subject: x\r\n\r\n....\r\n", &every_octet[..]].concat();
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.expect("EHLO c", "250");
        client.expect("MAIL FROM:<> BODY=8BITMIME SIZE=300", "250");
        client.expect("RCPT TO:<bob@tls.example>", "250");
        client.expect("RCPT TO:<\"c d\"@alias.example>", "250");
        client.expect("DATA", "354");
        client.send(&stuffed).unwrap();
        client.expect("\r\n.", "250 2.0.0 Kept as 0");
    });
    assert_eq!(fixture.world.raw(0).unwrap().escape_ascii().to_string(), content.escape_ascii().to_string());
    let transaction = fixture.world.transaction(0).unwrap();
    assert_eq!(transaction.mail, "MAIL FROM:<> BODY=8BITMIME SIZE=300");
    assert_eq!(transaction.rcpt, ["RCPT TO:<bob@tls.example>", "RCPT TO:<\"c d\"@alias.example>"]);
    let delivery = &fixture.world.deliveries()[0];
    assert_eq!((&*delivery.mail_from, &*delivery.message_id), ("", ""));
    assert_eq!(delivery.rcpt_to, ["bob@tls.example", "\"c d\"@alias.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_that_are_not_offered_do_not_work() {
    let bare = Behaviour { extensions: [Extension::Size].into(), ..Behaviour::plain() }.size_limit(100);
    let fixture = Fixture::with([Domain::new("bare.example", bare)]).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.bare.example");
        assert_eq!(client.say("EHLO c").unwrap(), "250-mx.bare.example\r\n250 SIZE 100");
        client.expect("MAIL FROM:<> BODY=8BITMIME", "555 Parameter");
        client.expect("MAIL FROM:<> SMTPUTF8", "555");
        client.expect("MAIL FROM:<> SIZE=101", "552 The");
        for (content, reply) in [
            ("Subject: ä\r\n\r\nx", "554 The header"),
            ("Subject: x\r\n\r\nä", "554 There are octets above 127"),
            (&*"x".repeat(99), "552 The"),
            (&*"x".repeat(98), "250 Kept"),
        ] {
            let answer = client.bring("bob@bare.example", content.as_bytes()).unwrap();
            assert!(answer.starts_with(reply), "{answer}");
        }
    });
    assert_eq!(fixture.world.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dsn_parameters_are_taken_where_dsn_is_offered() {
    let fixture = Fixture::with([Domain::new("dsn.example", Behaviour::plain().with(Extension::Dsn))]).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.dsn.example");
        assert!(client.say("EHLO c").unwrap().contains("\r\n250 DSN"));
        client.expect("MAIL FROM:<> RET=HDRS ENVID=x", "250");
        client.expect("RCPT TO:<a@dsn.example> NOTIFY=SUCCESS ORCPT=rfc822;a@dsn.example", "250");
        client.expect("RCPT TO:<a@dsn.example> NOTIFY", "555");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_may_serve_several_domains_and_idn() {
    let shared = Domain::with_mx("xn--bcher-kva.example", vec![MxHost::elsewhere(10, "mx.tls.example")]);
    let fixture = Fixture::with([shared]).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.expect("EHLO c", "250");
        client.expect("MAIL FROM:<> SMTPUTF8", "250");
        client.expect("RCPT TO:<a@xn--bcher-kva.example>", "250");
        client.expect("RCPT TO:<ä@bücher.example>", "250");
        client.expect("RCPT TO:<ä@bücher.invalid>", "550");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_nonsense_is_ended() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.send(&[b'a'; 100_000]).unwrap();
        client.expect("", "500 5.5.2 Line too long");
        for _ in 1..100 {
            client.expect("NONSENSE", "500 5.5.1");
        }
        assert!(client.reply().unwrap().starts_with("421 "));
        assert!(client.rest().unwrap().is_empty());
    });
}
