//! Hosts that misbehave.

use std::{
    io::ErrorKind,
    net::TcpStream,
    time::{Duration, Instant},
};

use rstest::rstest;
use small_internet::{
    Action, Behaviour, Domain, Event, Handshake, MxHost, Presence, Rule, Site, Stage, StartTls,
};
use tokio::task::block_in_place;

use crate::{
    Fixture,
    client::{Client, Demand},
};

async fn with(behaviour: Behaviour) -> Fixture {
    Fixture::with([Domain::new("odd.example", behaviour)]).await
}

fn connect(fixture: &Fixture) -> Client {
    Client::connect_silently(fixture.host("mx.odd.example")).unwrap()
}

#[rstest]
#[case::reply_421("421 4.3.2 Not now", &["421 4.3.2 Not now"])]
#[case::reply_554("554 5.3.2 No mail here", &["554 5.3.2 No mail here", "503", "221"])]
#[tokio::test(flavor = "multi_thread")]
async fn greetings(#[case] greeting: &str, #[case] replies: &[&str]) {
    let fixture = with(Behaviour::plain().rule(Rule::reply(Stage::Greeting, greeting))).await;
    block_in_place(|| {
        let mut client = connect(&fixture);
        assert_eq!(client.reply().unwrap(), replies[0]);
        for (command, reply) in ["EHLO c", "QUIT"].into_iter().zip(&replies[1..]) {
            client.expect(command, reply);
        }
        assert_eq!(client.rest().unwrap(), b"");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_close_at_the_greeting() {
    let fixture = with(Behaviour::plain().rule(Rule::at(Stage::Greeting, Action::Close))).await;
    block_in_place(|| assert_eq!(connect(&fixture).rest().unwrap(), b""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_accept_and_say_nothing() {
    let fixture = with(Behaviour::plain().rule(Rule::at(Stage::Greeting, Action::Silence))).await;
    block_in_place(|| {
        let mut client = connect(&fixture);
        client.set_patience(Duration::from_millis(200));
        assert_eq!(client.reply().unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_does_not_even_accept() {
    let fixture = with(Behaviour::black_hole()).await;
    block_in_place(|| {
        let address = fixture.host("mx.odd.example");
        for _ in 0..3 {
            let error = TcpStream::connect_timeout(&address, Duration::from_millis(300)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_know_helo_only() {
    let fixture = with(Behaviour::helo_only()).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        client.expect("EHLO c", "502");
        client.expect("HELO c", "250 ");
        assert!(client.bring("bob@odd.example", b"x").unwrap().starts_with("250"));
    });
}

#[rstest]
#[case("454 4.7.0 TLS not available")]
#[case("554 5.7.0 No TLS for you")]
#[tokio::test(flavor = "multi_thread")]
async fn starttls_may_be_refused_after_it_was_offered(#[case] reply: &str) {
    let fixture = with(Behaviour::refusing_tls(reply)).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        assert!(client.say("EHLO c").unwrap().contains("STARTTLS"));
        assert_eq!(client.say("STARTTLS").unwrap(), reply);
        assert!(client.bring("bob@odd.example", b"x").unwrap().starts_with("250"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_may_be_injected_behind_the_220() {
    let handshake = Handshake::Modern {
        certificate: small_internet::Certificate::SelfSigned,
        versions: small_internet::Versions::Both,
    };
    let text = "250-odd.example\r\n250 AUTH PLAIN\r\n".to_owned();
    let fixture =
        with(Behaviour { starttls: StartTls::Injecting { text, handshake }, ..Behaviour::tls() }).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        client.expect("STARTTLS", "220");
        assert_eq!(client.reply().unwrap(), "250-odd.example\r\n250 AUTH PLAIN");
        assert!(client.handshake(&Demand::modern()).is_ok());
    });
}

#[rstest]
#[case::close(Handshake::Close, "unexpected EOF")]
#[case::garbage(Handshake::Garbage, "wrong version number")]
#[tokio::test(flavor = "multi_thread")]
async fn handshakes_may_fail_without_an_alert(#[case] handshake: Handshake, #[case] expected: &str) {
    let fixture = with(Behaviour::offering(handshake)).await;
    let error =
        block_in_place(|| fixture.connect("mx.odd.example").starttls(&Demand::modern())).err().unwrap();
    assert!(error.contains(expected), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_be_silent_after_the_client_hello() {
    let fixture = with(Behaviour::offering(Handshake::Silence)).await;
    let error = block_in_place(|| {
        let client = fixture.connect("mx.odd.example");
        client.set_patience(Duration::from_millis(200));
        client.starttls(&Demand::modern())
    });
    assert!(error.is_err());
}

/// A rule for one local part leaves the others alone.
#[rstest]
#[case::mail(Stage::Mail, "450 4.7.1 Not you")]
#[case::rcpt(Stage::Rcpt, "550 5.1.1 Nobody")]
#[case::data(Stage::Data, "451 4.3.0 Not now")]
#[case::end_of_data(Stage::EndOfData, "552 5.7.0 I do not like it")]
#[tokio::test(flavor = "multi_thread")]
async fn replies_for_a_local_part(#[case] stage: Stage, #[case] reply: &str) {
    let fixture = with(Behaviour::plain().rule(Rule::reply(stage, reply).for_local_part("odd"))).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        client.expect("EHLO c", "250");
        for (local, beginning) in [("odd", reply), ("even", "250 2.0.0 Kept as 0")] {
            let commands = [
                (Stage::Mail, format!("MAIL FROM:<{local}@home.example>")),
                (Stage::Rcpt, format!("RCPT TO:<{local}@odd.example>")),
                (Stage::Data, "DATA".to_owned()),
                (Stage::EndOfData, "Subject: x\r\n.".to_owned()),
            ];
            let last = commands.iter().find_map(|(at, command)| {
                let answer = client.say(command).unwrap();
                (!["2", "3"].contains(&&answer[..1]) || *at == Stage::EndOfData).then_some((*at, answer))
            });
            let (at, answer) = last.unwrap();
            assert_eq!(answer, beginning);
            assert_eq!(at, if local == "odd" { stage } else { Stage::EndOfData });
            client.expect("RSET", "250");
        }
    });
    assert_eq!(fixture.world.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_may_hold_for_the_first_times_only() {
    let fixture = with(Behaviour::plain().rule(Rule::reply(Stage::Rcpt, "450 4.7.1 Later").times(2))).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        client.expect("EHLO c", "250");
        client.expect("MAIL FROM:<>", "250");
        client.expect("RCPT TO:<a@odd.example>", "450");
        let mut second = fixture.connect("mx.odd.example");
        second.expect("EHLO c", "250");
        second.expect("MAIL FROM:<>", "250");
        second.expect("RCPT TO:<a@odd.example>", "450");
        second.expect("RCPT TO:<a@odd.example>", "250");
        client.expect("RCPT TO:<a@odd.example>", "250");
    });
}

#[rstest]
#[case::in_the_middle(Stage::Content, Action::Close, 0)]
#[case::after_the_dot(Stage::EndOfData, Action::Close, 0)]
#[case::after_keeping_it(Stage::EndOfData, Action::KeepAndClose, 1)]
#[tokio::test(flavor = "multi_thread")]
async fn connections_may_end_in_data(#[case] stage: Stage, #[case] action: Action, #[case] kept: usize) {
    let fixture = with(Behaviour::plain().rule(Rule::at(stage, action))).await;
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        client.expect("EHLO c", "250");
        client.expect("MAIL FROM:<>", "250");
        client.expect("RCPT TO:<a@odd.example>", "250");
        client.expect("DATA", "354");
        if stage == Stage::EndOfData {
            client.send(b"Subject: x\r\n.\r\n").unwrap();
        } else {
            client.send(b"Subject: x\r\n").unwrap();
        }
        let error = client.reply().unwrap_err();
        assert!([ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&error.kind()), "{error}");
    });
    assert_eq!(fixture.world.deliveries().len(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_may_be_slow() {
    let fixture = with(Behaviour::plain().pace(Duration::from_millis(50))).await;
    block_in_place(|| {
        let started = Instant::now();
        let mut client = fixture.connect("mx.odd.example");
        client.expect("EHLO c", "250");
        assert!(started.elapsed() >= Duration::from_millis(100));
    });
    let waiting = Behaviour::plain().rule(Rule::at(Stage::Mail, Action::Wait(Duration::from_millis(100))));
    fixture.world.set_behaviour(fixture.world.addresses("mx.odd.example")[0], waiting).await.unwrap();
    block_in_place(|| {
        let mut client = fixture.connect("mx.odd.example");
        client.expect("EHLO c", "250");
        let started = Instant::now();
        client.expect("MAIL FROM:<>", "250");
        assert!(started.elapsed() >= Duration::from_millis(100));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_of_a_host_has_a_behaviour_and_it_may_change() {
    let site = Site::Own(vec![Behaviour::down(), Behaviour::plain()]);
    let host = MxHost { site, ..MxHost::elsewhere(10, "mx.odd.example") };
    let fixture = Fixture::with([Domain::with_mx("odd.example", vec![host])]).await;
    let [first, second] = fixture.world.addresses("mx.odd.example") else { panic!("two addresses") };
    let connect = |address: std::net::Ipv4Addr| {
        block_in_place(|| {
            Client::connect((address, fixture.world.smtp_port()).into()).map_err(|error| error.kind())
        })
    };
    let refused = Some(ErrorKind::ConnectionRefused);
    assert_eq!((connect(*first).err(), connect(*second).err()), (refused, None));
    fixture.world.set_behaviour(*first, Behaviour::tls()).await.unwrap();
    fixture
        .world
        .set_behaviour(*second, Behaviour { presence: Presence::Absent, ..Behaviour::tls() })
        .await
        .unwrap();
    assert_eq!((connect(*first).err(), connect(*second).err()), (None, refused));
    fixture.world.set_behaviour(*first, Behaviour::black_hole()).await.unwrap();
    fixture.world.set_behaviour(*first, Behaviour::plain()).await.unwrap();
    assert_eq!(connect(*first).err(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told() {
    let fixture = Fixture::new().await;
    let mut events = fixture.world.events();
    block_in_place(|| {
        let _ = fixture.connect("mx.broken.example").starttls(&Demand::modern());
        let mut client = fixture.connect("mx.plain.example");
        client.expect("HELO c", "250");
        client.bring("bob@plain.example", b"x").unwrap();
    });
    let mut told = Vec::new();
    while !matches!(told.last(), Some(Event::Delivered(_))) {
        told.push(events.recv().await.unwrap());
    }
    let broken = "mx.broken.example".to_owned();
    assert!(told.contains(&Event::Connected { host: broken.clone() }));
    assert!(
        told.contains(&Event::Handshake { host: broken, outcome: Err("failed by this host".to_owned()) })
    );
    assert_eq!(told.last(), Some(&Event::Delivered(fixture.world.deliveries()[0].clone())));
}
