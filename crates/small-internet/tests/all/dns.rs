//! DNS, by hand over UDP and TCP, and through a resolver.

use std::{net::Ipv4Addr, time::Duration};

use hickory_resolver::{
    Resolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::{
        op::{Edns, Message, Query, ResponseCode},
        rr::{Name, RData, RecordType},
    },
};
use rstest::rstest;
use small_internet::{Behaviour, DnsFault, Domain, MxHost, Site};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use crate::Fixture;

/// Whether a question asks for signatures (RFC 4035 §3.2.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dnssec {
    Wanted,
    Ignored,
}

fn question(name: &str, kind: RecordType, dnssec: Dnssec) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    if dnssec == Dnssec::Wanted {
        let mut edns = Edns::new();
        edns.set_max_payload(4096).set_dnssec_ok(true);
        message.set_edns(edns);
    }
    message
}

pub(crate) async fn ask(fixture: &Fixture, name: &str, kind: RecordType, dnssec: Dnssec) -> Option<Message> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(fixture.world.dns_addr()).await.unwrap();
    socket.send(&question(name, kind, dnssec).to_vec().unwrap()).await.unwrap();
    let mut buffer = [0; 4096];
    let length = timeout(Duration::from_secs(2), socket.recv(&mut buffer)).await.ok()?.unwrap();
    Some(Message::from_vec(&buffer[..length]).unwrap())
}

/// The answers' data, one after the other, in order of their text.
async fn answers(fixture: &Fixture, name: &str, kind: RecordType) -> (ResponseCode, Vec<String>) {
    let message = ask(fixture, name, kind, Dnssec::Ignored).await.expect("an answer");
    let mut answers: Vec<_> = message.answers.iter().map(|record| record.data.to_string()).collect();
    answers.sort();
    (message.metadata.response_code, answers)
}

#[tokio::test]
async fn every_row_has_its_mx() {
    let fixture = Fixture::new().await;
    for (name, expected) in [
        ("home.example.", &["10 mx.home.example."][..]),
        ("tls.example.", &["10 mx.tls.example."]),
        ("verified.example.", &["10 mx.verified.example."]),
        ("dane.example.", &["10 mx.dane.example."]),
        ("sts.example.", &["10 mx.sts.example."]),
        ("stripped.example.", &["10 mx.stripped.example."]),
        ("dane-mismatch.example.", &["10 mx.dane-mismatch.example."]),
        ("sts-mismatch.example.", &["10 mx.sts-mismatch.example."]),
        ("bogus.example.", &["10 mx.bogus.example."]),
        ("plain.example.", &["10 mx.plain.example."]),
        ("legacy.example.", &["10 mx.legacy.example."]),
        ("broken.example.", &["10 mx.broken.example."]),
        ("mixed.example.", &["10 mx1.mixed.example.", "20 mx2.mixed.example."]),
        ("down.example.", &["10 mx.down.example."]),
        ("nomail.example.", &["0 ."]),
        ("TLS.Example.", &["10 mx.tls.example."]),
        ("implicit.example.", &[]),
        ("nothing.example.", &[]),
    ] {
        let (code, found) = answers(&fixture, name, RecordType::MX).await;
        assert_eq!(
            (code, found.iter().map(String::as_str).collect::<Vec<_>>()),
            (ResponseCode::NoError, expected.to_vec())
        );
        for host in
            found.iter().filter_map(|mx| mx.split_once(' ')).map(|(_, host)| host).filter(|host| *host != ".")
        {
            let address = fixture.world.addresses(host.trim_end_matches('.'))[0];
            assert_eq!(answers(&fixture, host, RecordType::A).await.1, [address.to_string()]);
        }
    }
}

#[tokio::test]
async fn every_host_has_an_address_of_its_own() {
    let fixture = Fixture::new().await;
    let mut all: Vec<Ipv4Addr> = fixture.world.coordinates().hosts.values().flatten().copied().collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
    assert!(all.iter().all(|address| address.is_loopback() && address.octets()[1] != 0), "{all:?}");
}

#[rstest]
#[case("unknown.example.", RecordType::MX, ResponseCode::NXDomain)]
#[case("unknown.tls.example.", RecordType::A, ResponseCode::NXDomain)]
#[case("gmail.com.", RecordType::MX, ResponseCode::NXDomain)]
#[case("nothing.example.", RecordType::A, ResponseCode::NoError)]
#[case("mx.tls.example.", RecordType::AAAA, ResponseCode::NoError)]
#[tokio::test]
async fn what_is_not_there_is_denied_with_a_soa(
    #[case] name: &str,
    #[case] kind: RecordType,
    #[case] expected: ResponseCode,
) {
    let message = ask(&Fixture::new().await, name, kind, Dnssec::Ignored).await.unwrap();
    assert_eq!((message.metadata.response_code, message.answers.len()), (expected, 0));
    assert!(message.authorities.iter().any(|record| matches!(record.data, RData::SOA(_))), "{message}");
}

#[tokio::test]
async fn zones_have_name_servers() {
    let fixture = Fixture::new().await;
    for zone in [".", "example.", "tls.example."] {
        assert_eq!(answers(&fixture, zone, RecordType::NS).await.1, ["ns.example."]);
        assert_eq!(answers(&fixture, zone, RecordType::SOA).await.1.len(), 1);
    }
    assert_eq!(
        answers(&fixture, "ns.example.", RecordType::A).await.1,
        [fixture.world.dns_addr().ip().to_string()]
    );
}

/// RFC 1035 §4.2.1: an answer over UDP has 512 octets unless more are asked for; the rest comes over TCP.
#[tokio::test]
async fn long_answers_are_truncated() {
    let text = "a".repeat(600);
    let domain = Domain::new("long.example", Behaviour::tls()).txt("long.example", &text);
    let fixture = Fixture::with([domain]).await;
    let over_udp = async |dnssec| ask(&fixture, "long.example.", RecordType::TXT, dnssec).await.unwrap();
    let short = over_udp(Dnssec::Ignored).await;
    assert!(short.metadata.truncation && short.answers.is_empty());
    let long = over_udp(Dnssec::Wanted).await;
    assert!(!long.metadata.truncation);
    let over_tcp = ask_over_tcp(&fixture, "long.example.", RecordType::TXT).await;
    for answer in [long, over_tcp] {
        assert_eq!(answer.answers[0].data.to_string(), text);
    }
}

#[tokio::test]
async fn dns_answers_over_tcp() {
    let fixture = Fixture::new().await;
    let answer = ask_over_tcp(&fixture, "tls.example.", RecordType::MX).await;
    assert_eq!(answer.answers.len(), 1);
}

async fn ask_over_tcp(fixture: &Fixture, name: &str, kind: RecordType) -> Message {
    let mut stream = TcpStream::connect(fixture.world.dns_addr()).await.unwrap();
    let question = question(name, kind, Dnssec::Ignored).to_vec().unwrap();
    stream.write_u16(question.len().try_into().unwrap()).await.unwrap();
    stream.write_all(&question).await.unwrap();
    let mut answer = vec![0; stream.read_u16().await.unwrap().into()];
    stream.read_exact(&mut answer).await.unwrap();
    Message::from_vec(&answer).unwrap()
}

#[tokio::test]
async fn faults_come_and_go() {
    let fixture = Fixture::new().await;
    let code = async || {
        let answer = ask(&fixture, "tls.example.", RecordType::MX, Dnssec::Ignored).await;
        answer.map(|answer| answer.metadata.response_code)
    };
    for (fault, expected) in [
        (Some(DnsFault::ServFail), Some(ResponseCode::ServFail)),
        (Some(DnsFault::Refused), Some(ResponseCode::Refused)),
        (Some(DnsFault::Silence), None),
        (None, Some(ResponseCode::NoError)),
    ] {
        fixture.world.set_dns_fault("tls.example", fault).unwrap();
        assert_eq!(code().await, expected, "{fault:?}");
        assert_eq!(answers(&fixture, "mx.tls.example.", RecordType::A).await.0, ResponseCode::NoError);
    }
}

#[tokio::test]
async fn a_resolver_finds_its_way() {
    let two = MxHost {
        site: Site::Own(vec![Behaviour::down(), Behaviour::tls()]),
        ..MxHost::new(10, "mx.two.example", Behaviour::tls())
    };
    let none =
        MxHost { site: Site::Own(Vec::new()), ..MxHost::new(10, "gone.two.example", Behaviour::tls()) };
    let fixture = Fixture::with([
        Domain::with_mx("two.example", vec![two, none]),
        Domain::implicit("other.test", Behaviour::tls()),
    ])
    .await;
    let dns = fixture.world.dns_addr();
    let mut connection = ConnectionConfig::udp();
    connection.port = dns.port();
    let servers = vec![NameServerConfig::new(dns.ip(), true, vec![connection])];
    let config = ResolverConfig::from_parts(None, vec![], servers);
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::new()).build().unwrap();

    let alias = resolver.mx_lookup("alias.example.").await.unwrap();
    assert!(
        alias.answers().iter().any(|record| record.data.to_string() == "10 mx.tls.example."),
        "{alias:?}"
    );
    let addresses = resolver.ipv4_lookup("mx.two.example.").await.unwrap();
    assert_eq!(addresses.answers().len(), 2);
    assert!(resolver.ipv4_lookup("gone.two.example.").await.unwrap_err().is_nx_domain());
    assert!(resolver.mx_lookup("other.test.").await.unwrap_err().is_no_records_found());
    assert_eq!(resolver.ipv4_lookup("other.test.").await.unwrap().answers().len(), 1);
}
