//! The rows of the contract's table, one mail each.

use std::process::Command;

use rstest::rstest;
use tokio::task::block_in_place;

use crate::{
    Fixture,
    client::{Client, Demand},
};

const MESSAGE: &[u8] = b"Message-ID: <1@home.example>\r\nSubject: x\r\n\r\nHello";

/// In the clear, every host that listens takes mail.
#[rstest]
#[case("tls.example", "mx.tls.example")]
#[case("verified.example", "mx.verified.example")]
#[case("plain.example", "mx.plain.example")]
#[case("legacy.example", "mx.legacy.example")]
#[case("broken.example", "mx.broken.example")]
#[case("mixed.example", "mx1.mixed.example")]
#[case("mixed.example", "mx2.mixed.example")]
#[case("implicit.example", "implicit.example")]
#[tokio::test(flavor = "multi_thread")]
async fn mail_in_the_clear_is_recorded(#[case] domain: &str, #[case] host: &str) {
    let fixture = Fixture::new().await;
    let to = format!("any.body+x@{domain}");
    block_in_place(|| {
        let mut client = fixture.connect(host);
        client.expect("EHLO client.example", "250-");
        assert!(client.bring(&to, MESSAGE).unwrap().starts_with("250 2.0.0 "));
        client.expect("QUIT", "221");
    });
    let delivery = fixture.world.deliveries().pop().unwrap();
    assert_eq!((&*delivery.domain, &*delivery.host), (domain, host));
    assert_eq!((&*delivery.mail_from, &delivery.rcpt_to), ("alice@home.example", &vec![to]));
    assert_eq!((&*delivery.message_id, delivery.tls), ("1@home.example", None));
    assert_eq!(fixture.world.raw(0).unwrap(), [MESSAGE, b"\r\n"].concat());
}

#[rstest]
#[case("mx.tls.example", true)]
#[case("mx.verified.example", true)]
#[case("mx.dane.example", true)]
#[case("mx.sts.example", true)]
#[case("mx.stripped.example", true)]
#[case("mx.dane-mismatch.example", true)]
#[case("mx.sts-mismatch.example", true)]
#[case("mx.bogus.example", true)]
#[case("mx.plain.example", false)]
#[case("mx.legacy.example", true)]
#[case("mx.broken.example", true)]
#[case("mx1.mixed.example", false)]
#[case("mx2.mixed.example", true)]
#[tokio::test(flavor = "multi_thread")]
async fn starttls_is_offered_or_not(#[case] host: &str, #[case] offered: bool) {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect(host);
        let reply = client.say("EHLO client.example").unwrap();
        let keywords: Vec<_> = reply.lines().skip(1).map(|line| &line[4..]).collect();
        assert_eq!(keywords.contains(&"STARTTLS"), offered, "{reply}");
        for keyword in ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 67108864"] {
            assert!(keywords.contains(&keyword), "{keyword} is not in {reply}");
        }
        if !offered {
            client.expect("STARTTLS", "502 ");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_example_speaks_tls_13_with_a_certificate_of_its_own() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let verify = Some((fixture.world.ca_pem(), "mx.tls.example"));
        let error = start(&fixture, "mx.tls.example", &Demand { verify, ..Demand::modern() }).err().unwrap();
        assert!(error.contains("self-signed certificate"), "{error}");
        let mut client = start(&fixture, "mx.tls.example", &Demand::modern()).unwrap();
        assert_eq!(client.version(), "TLSv1.3");
        client.expect("MAIL FROM:<alice@home.example>", "503"); // what was said before STARTTLS is forgotten
        let reply = client.say("EHLO client.example").unwrap();
        assert!(!reply.contains("STARTTLS"), "{reply}");
        assert!(client.bring("bob@tls.example", MESSAGE).unwrap().starts_with("250 "));
    });
    assert_eq!(fixture.world.deliveries()[0].tls.as_deref(), Some("TLSv1.3"));
    assert_eq!(fixture.world.transaction(0).unwrap().sni.as_deref(), Some("ignored.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn verified_example_has_a_certificate_of_the_ca_for_its_mx_name() {
    let fixture = Fixture::new().await;
    let data = tempfile::tempdir().unwrap();
    let other = small_internet::World::start(small_internet::WorldConfig::new(data.path())).await.unwrap();
    let ca = std::fs::read_to_string(&fixture.world.coordinates().ca).unwrap();
    assert_eq!(ca, fixture.world.ca_pem());
    for (ca, name, verifies) in [
        (ca.as_str(), "mx.verified.example", true),
        (ca.as_str(), "verified.example", false),
        (other.ca_pem(), "mx.verified.example", false),
    ] {
        block_in_place(|| {
            let started = start(
                &fixture,
                "mx.verified.example",
                &Demand { verify: Some((ca, name)), ..Demand::modern() },
            );
            assert_eq!(started.is_ok(), verifies, "{name}: {:?}", started.err());
        });
    }
}

/// RFC 8689 §2: the keyword is announced, and the parameter understood, inside TLS only.
#[tokio::test(flavor = "multi_thread")]
async fn dane_example_knows_requiretls_in_tls_only() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.dane.example");
        assert!(!client.say("EHLO client.example").unwrap().contains("REQUIRETLS"));
        client.expect("MAIL FROM:<> REQUIRETLS", "555 5.5.4");
        let mut client = client.starttls(&Demand::modern()).unwrap();
        let reply = client.say("EHLO client.example").unwrap();
        assert!(reply.lines().any(|line| &line[4..] == "REQUIRETLS"), "{reply}");
        client.expect("MAIL FROM:<> REQUIRETLS=YES", "501");
        client.expect("MAIL FROM:<> REQUIRETLS", "250");
        client.expect("RCPT TO:<bob@dane.example>", "250");
        client.expect("DATA", "354");
        client.expect("Subject: x\r\n.", "250");
    });
    assert_eq!(fixture.world.transaction(0).unwrap().mail, "MAIL FROM:<> REQUIRETLS");
}

/// A probe that brings no mail does not use STARTTLS up.
#[tokio::test(flavor = "multi_thread")]
async fn stripped_example_offers_starttls_until_there_was_a_mail() {
    let fixture = Fixture::new().await;
    let host = "mx.stripped.example";
    block_in_place(|| {
        for _ in 0..2 {
            let mut probe = start(&fixture, host, &Demand::modern()).unwrap();
            probe.expect("EHLO client.example", "250");
            probe.expect("MAIL FROM:<>", "250");
            probe.expect("RCPT TO:<bob@stripped.example>", "250");
            probe.expect("QUIT", "221");
        }
        let mut late = start(&fixture, host, &Demand::modern()).unwrap();
        late.expect("EHLO client.example", "250");
        let mut later = start(&fixture, host, &Demand::modern()).unwrap();
        later.expect("EHLO client.example", "250");
        later.expect("MAIL FROM:<>", "250");
        later.expect("RCPT TO:<bob@stripped.example>", "250");
        let mut hesitant = fixture.connect(host);
        assert!(hesitant.say("EHLO client.example").unwrap().contains("STARTTLS"));

        let mut first = start(&fixture, host, &Demand::modern()).unwrap();
        first.expect("EHLO client.example", "250");
        assert!(first.bring("bob@stripped.example", MESSAGE).unwrap().starts_with("250 "));
        assert_eq!(first.rest().unwrap(), b"", "the host closes after the mail");

        late.expect("MAIL FROM:<>", "421");
        later.expect("DATA", "354");
        later.expect("Subject: x\r\n.", "421");
        hesitant.expect("STARTTLS", "502");
        for _ in 0..2 {
            let mut next = fixture.connect(host);
            assert!(!next.say("EHLO client.example").unwrap().contains("STARTTLS"));
            next.expect("STARTTLS", "502");
            assert!(next.bring("bob@stripped.example", MESSAGE).unwrap().starts_with("250 "));
            next.expect("QUIT", "221");
        }
    });
    let tls: Vec<_> = fixture.world.deliveries().into_iter().map(|delivery| delivery.tls).collect();
    assert_eq!(tls, [Some("TLSv1.3".to_owned()), None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stripped_example_begins_anew_with_each_start_of_the_world() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let world =
            small_internet::World::start(small_internet::WorldConfig::new(data.path())).await.unwrap();
        block_in_place(|| {
            let address = (world.addresses("mx.stripped.example")[0], world.smtp_port()).into();
            let mut client = Client::connect(address).unwrap();
            assert!(client.say("EHLO client.example").unwrap().contains("STARTTLS"));
            assert!(client.bring("bob@stripped.example", MESSAGE).unwrap().starts_with("250 "));
        });
        world.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_example_speaks_tls_10_and_11_only() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let error = start(&fixture, "mx.legacy.example", &Demand::modern()).err().unwrap();
        assert!(error.contains("alert protocol version"), "{error}");
        let mut client = start(&fixture, "mx.legacy.example", &Demand::anything()).unwrap();
        assert_eq!(client.version(), "TLSv1.1");
        client.expect("EHLO client.example", "250-");
        assert!(client.bring("bob@legacy.example", MESSAGE).unwrap().starts_with("250 "));
        client.expect("QUIT", "221");
    });
    assert_eq!(fixture.world.deliveries()[0].tls.as_deref(), Some("TLSv1.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_example_answers_the_client_hello_with_an_alert() {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        for demand in [Demand::modern(), Demand::anything()] {
            let error = start(&fixture, "mx.broken.example", &demand).err().unwrap();
            assert!(error.contains("alert handshake failure"), "{error}");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn down_example_refuses_connections_at_its_mx_host() {
    let fixture = Fixture::new().await;
    let error = block_in_place(|| Client::connect(fixture.host("mx.down.example"))).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// A client that goes to the domain's own address although there is an MX (RFC 5321 §5.1) is seen.
#[rstest]
#[case("nomail.example")]
#[case("down.example")]
#[case("tls.example")]
#[tokio::test(flavor = "multi_thread")]
async fn the_domains_own_address_takes_what_should_not_come_there(#[case] domain: &str) {
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = fixture.connect(domain);
        client.expect("EHLO client.example", "250-");
        client.bring(&format!("bob@{domain}"), MESSAGE).unwrap();
    });
    assert_eq!(fixture.world.deliveries()[0].host, domain);
}

#[tokio::test(flavor = "multi_thread")]
async fn home_example_is_passed_on_to_the_server() {
    use std::{io::Write, net::TcpListener};
    let fixture = Fixture::new().await;
    block_in_place(|| {
        let mut client = Client::connect_silently(fixture.host("mx.home.example")).unwrap();
        assert!(client.reply().unwrap().starts_with("421 "));

        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        fixture.world.set_home(server.local_addr().unwrap());
        let mut client = Client::connect_silently(fixture.host("mx.home.example")).unwrap();
        server.accept().unwrap().0.write_all(b"220 the server itself\r\n").unwrap();
        assert_eq!(client.reply().unwrap(), "220 the server itself");
    });
}

/// Python's smtplib, where there is a Python.
#[tokio::test(flavor = "multi_thread")]
async fn smtplib_delivers_verified() {
    let fixture = Fixture::new().await;
    let script = "
import smtplib, ssl, sys
address, port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
client = smtplib.SMTP(address, int(port))
client._host = 'mx.verified.example'
client.starttls(context=context)
client.sendmail('alice@home.example', ['bob@verified.example'], 'Message-ID: <py@home.example>\\r\\n\\r\\nHi\\r\\n.\\r\\n')
client.quit()
";
    let address = fixture.host("mx.verified.example");
    let ca = fixture.data.path().join("small-internet/ca.pem");
    let python = Command::new("python3")
        .args(["-c", script, &address.ip().to_string(), &address.port().to_string()])
        .arg(ca)
        .status();
    let Ok(status) = python else { return println!("not run: no python3") };
    assert!(status.success());
    let delivery = fixture.world.wait_for(|all| all.first().cloned()).await;
    assert_eq!((&*delivery.message_id, delivery.tls.as_deref()), ("py@home.example", Some("TLSv1.3")));
    assert!(fixture.world.raw(0).unwrap().ends_with(b"\r\n\r\nHi\r\n.\r\n"));
}

fn start(fixture: &Fixture, host: &str, demand: &Demand<'_>) -> Result<Client, String> {
    let mut client = fixture.connect(host);
    client.expect("EHLO client.example", "250-");
    client.starttls(demand)
}
