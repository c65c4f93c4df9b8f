//! What unbound says of a name, in the same words as ours.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    io::{Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use delivery::{Answer, Dns};
use guarantee::{Age, LookupFailureKind, Proof};
use hickory_resolver::proto::{
    op::{Edns, Message, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};

/// What is known of records: how far they are proven, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Records(Security, BTreeSet<String>),
    NoData(Security),
    NxDomain(Security),
    Bogus,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Security {
    Insecure,
    Secure,
}

impl Told {
    /// One word for the class.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Records(security, _) | Self::NoData(security) | Self::NxDomain(security) => {
                match security {
                    Security::Secure => "secure",
                    Security::Insecure => "insecure",
                }
            }
            Self::Bogus => "bogus",
            Self::Failed => "failed",
        }
    }
}

/// What our look-up says. Addresses are of both families.
pub(crate) async fn ours(dns: &Dns, kind: &str, name: &str) -> Told {
    let age = Age::Cached;
    match kind {
        "MX" => words(dns.mx(name, age).await, |(preference, host)| format!("{preference} {host}")),
        "A" => words(dns.addresses(name, age).await, |address| address.to_string()),
        "TLSA" => words(dns.tlsa(25, name, age).await, |tlsa| {
            format!("{} {} {} {:02x?}", tlsa.usage, tlsa.selector, tlsa.matching, tlsa.data)
        }),
        "TXT" => words(dns.txt(name, age).await, |text| text),
        _ => panic!("{kind}"),
    }
}

fn words<T>(answer: Answer<T>, word: impl Fn(T) -> String) -> Told {
    let security = |proof| if proof == Proof::Secure { Security::Secure } else { Security::Insecure };
    match answer {
        Answer::Found(found) => {
            Told::Records(security(found.proof), found.records.into_iter().map(word).collect())
        }
        Answer::NoData(proof) => Told::NoData(security(proof)),
        Answer::NxDomain(proof) => Told::NxDomain(security(proof)),
        Answer::Failed(failure) => match failure.kind {
            LookupFailureKind::Bogus => Told::Bogus,
            LookupFailureKind::Unanswered => Told::Failed,
            LookupFailureKind::OwnFault => panic!("own fault: {}", failure.detail),
        },
    }
}

/// What a validating unbound says.
pub(crate) fn theirs(unbound: SocketAddr, kind: &str, name: &str) -> Told {
    let ask = |name: &str, kind| look_up(unbound, name, kind);
    match kind {
        "MX" => ask(name, RecordType::MX),
        "A" => both(ask(name, RecordType::A), ask(name, RecordType::AAAA)),
        "TLSA" => ask(&format!("_25._tcp.{name}"), RecordType::TLSA),
        "TXT" => ask(name, RecordType::TXT),
        _ => panic!("{kind}"),
    }
}

/// Addresses of both families in one.
fn both(v4: Told, v6: Told) -> Told {
    use Told::{Bogus, Failed, NoData, NxDomain, Records};
    match (v4, v6) {
        (Bogus, _) | (_, Bogus) => Bogus,
        (Failed, _) | (_, Failed) => Failed,
        (Records(one, mut all), Records(other, more)) => {
            all.extend(more);
            Records(one.min(other), all)
        }
        (Records(one, all), NoData(other) | NxDomain(other))
        | (NoData(other) | NxDomain(other), Records(one, all)) => Records(one.min(other), all),
        (NxDomain(one), NxDomain(other)) => NxDomain(one.min(other)),
        (NoData(one) | NxDomain(one), NoData(other) | NxDomain(other)) => NoData(one.min(other)),
    }
}

/// SERVFAIL may be either; where there is an answer if nothing is checked, it was bogus (RFC 4035 §3.2.2).
fn look_up(unbound: SocketAddr, name: &str, kind: RecordType) -> Told {
    let message = ask(unbound, name, kind, Checking::Enabled);
    let code = message.metadata.response_code;
    let security = if message.metadata.authentic_data { Security::Secure } else { Security::Insecure };
    let found: BTreeSet<String> = message
        .answers
        .iter()
        .filter(|record| record.record_type() == kind)
        .map(|record| data(&record.data))
        .collect();
    match code {
        ResponseCode::NoError if !found.is_empty() => Told::Records(security, found),
        ResponseCode::NoError => Told::NoData(security),
        ResponseCode::NXDomain => Told::NxDomain(security),
        _ if says_something(&ask(unbound, name, kind, Checking::Disabled), kind) => Told::Bogus,
        _ => Told::Failed,
    }
}

/// Some of the data, or a denial: not just an alias to what is not answered.
fn says_something(message: &Message, kind: RecordType) -> bool {
    message.answers.iter().any(|record| record.record_type() == kind)
        || message.authorities.iter().any(|record| record.record_type() == RecordType::SOA)
}

fn data(data: &RData) -> String {
    match data {
        RData::MX(mx) => {
            let host = mx.exchange.to_ascii().to_ascii_lowercase();
            format!("{} {}", mx.preference, host.trim_end_matches('.'))
        }
        RData::A(a) => a.0.to_string(),
        RData::AAAA(aaaa) => aaaa.0.to_string(),
        RData::TXT(txt) => String::from_utf8_lossy(&txt.txt_data.concat()).into_owned(),
        RData::TLSA(tlsa) => {
            let numbers: [u8; 3] = [tlsa.cert_usage.into(), tlsa.selector.into(), tlsa.matching.into()];
            let [usage, selector, matching] = numbers;
            format!("{usage} {selector} {matching} {:02x?}", tlsa.cert_data)
        }
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Checking {
    Enabled,
    Disabled,
}

fn ask(server: SocketAddr, name: &str, kind: RecordType, checking: Checking) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = checking == Checking::Disabled;
    message.add_query(Query::query(Name::from_ascii(format!("{name}.")).unwrap(), kind));
    let mut edns = Edns::new();
    edns.set_dnssec_ok(true);
    edns.set_max_payload(1232);
    message.edns = Some(edns);
    let question = message.to_vec().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket.send_to(&question, server).unwrap();
    let mut buffer = vec![0; 4096];
    let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{kind} of {name}: {error}"));
    let answer = Message::from_vec(&buffer[..length]).unwrap();
    if answer.metadata.truncation { over_tcp(server, &question) } else { answer }
}

fn over_tcp(server: SocketAddr, question: &[u8]) -> Message {
    let mut stream = TcpStream::connect(server).unwrap();
    let length = u16::try_from(question.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], question].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).unwrap();
    Message::from_vec(&answer).unwrap()
}
