//! The world's DNS: the root, `example.` and a zone for each domain, on one server, which answers as a resolver that
//! does not validate would.
//!
//! The zones are our own: hickory's answer wrongly, in ways that a validating client notices, for a DS at an apex, for
//! wildcards, and with NSEC3; and ours can be signed wrongly on purpose.

mod denial;
mod fault;
mod keys;
mod records;
mod signing;
mod zone;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use hickory_server::{
    Server,
    net::runtime::Time,
    proto::{
        op::{Edns, Header, HeaderCounts, Metadata, OpCode, ResponseCode},
        rr::{LowerName, Name, Record, RecordType},
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    fault::Faults,
    keys::Kind,
    records::Source,
    zone::{Answer, Zone},
};
use crate::plan::Addresses;

pub use fault::DnsFault;
pub(crate) use keys::Keys;
pub(crate) use records::Content;

/// Time to live of all records, in seconds.
const TTL: u32 = 60;
/// Time to live of the answer that there is nothing, in seconds.
const NEGATIVE_TTL: u32 = 5;
const TCP_IDLE: Duration = Duration::from_secs(30);
/// So many answers may wait for a TCP client to read them.
const TCP_ANSWERS: usize = 32;
/// So many aliases are followed in one answer.
const MAX_ALIASES: usize = 8;
/// Largest answer over UDP, in octets.
const MAX_UDP: u16 = 4096;

type Zones = BTreeMap<LowerName, Zone>;

/// The name server: its zones, which may change, and its faults.
pub(crate) struct Dns {
    addresses: Addresses,
    server: SocketAddr,
    keys: Keys,
    faults: Faults,
    state: Mutex<State>,
}

struct State {
    content: Content,
    serial: u32,
    zones: Arc<Zones>,
}

impl Dns {
    /// The zones of that content.
    pub(crate) fn new(
        content: Content,
        addresses: Addresses,
        server: SocketAddr,
        keys: Keys,
    ) -> Result<Self> {
        let serial = 1;
        let source = Source { content: &content, addresses: &addresses, server, keys: &keys, serial };
        let zones = Arc::new(records::zones(&source)?);
        let state = Mutex::new(State { content, serial, zones });
        Ok(Self { addresses, server, keys, faults: Faults::default(), state })
    }

    /// Changes what the zones are made of. If that fails, everything is as before.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Content) -> Result<()>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = state.content.clone();
        change(&mut content)?;
        let serial = state.serial + 1;
        let Self { addresses, keys, .. } = self;
        let source = Source { content: &content, addresses, server: self.server, keys, serial };
        let zones = Arc::new(records::zones(&source)?);
        *state = State { content, serial, zones };
        Ok(())
    }

    /// The root's key, in the presentation format of zone files, a line of its own.
    pub(crate) fn trust_anchor(&self) -> Result<String> {
        let key = self.keys.of(&Name::root(), Kind::Ecdsa)?;
        Ok(format!(". IN DNSKEY {}\n", key.dnskey))
    }

    pub(crate) fn set_fault(&self, name: &str, fault: Option<DnsFault>) -> Result<()> {
        self.faults.set(name, fault)
    }

    fn zones(&self) -> Arc<Zones> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).zones)
    }

    /// The answer to a question, aliases followed; `None` for silence.
    fn answer(&self, name: &LowerName, kind: RecordType, dnssec: bool) -> Option<Answer> {
        let zones = self.zones();
        let mut answer = Answer::new(dnssec);
        let mut name = name.clone();
        for _ in 0..MAX_ALIASES {
            answer.dnssec = dnssec;
            match self.faults.of(&name, kind) {
                None => {}
                Some(DnsFault::NoSignatures) => answer.dnssec = false,
                Some(DnsFault::Silence) => return None,
                Some(DnsFault::ServFail) => return Some(Answer::failed(ResponseCode::ServFail)),
                Some(DnsFault::Refused) => return Some(Answer::failed(ResponseCode::Refused)),
                Some(DnsFault::Forged(address)) => {
                    answer.answers.extend(fault::forged(&name, kind, address));
                    return Some(answer);
                }
                Some(DnsFault::NxDomain) => return Some(Answer::failed(ResponseCode::NXDomain)),
                Some(DnsFault::ForgedTlsa(digest)) => {
                    answer.answers.push(fault::forged_tlsa(&name, digest));
                    return Some(answer);
                }
                Some(DnsFault::Garbage) => {
                    answer.answers.push(fault::garbage(&name, kind));
                    return Some(answer);
                }
            }
            let target = zone_of(&zones, &name, kind).and_then(|zone| zone.look(&name, kind, &mut answer));
            let Some(target) = target else { break };
            name = target;
        }
        Some(answer)
    }
}

impl Answer {
    fn failed(code: ResponseCode) -> Self {
        Self { code, ..Self::new(false) }
    }
}

/// The zone that answers a question about the name: of a zone's key its parent knows (RFC 4035 §3.1.4.1), all else
/// the deepest zone.
fn zone_of<'a>(zones: &'a Zones, name: &LowerName, kind: RecordType) -> Option<&'a Zone> {
    let mut zone = if kind == RecordType::DS { name.base_name() } else { name.clone() };
    while !zones.contains_key(&zone) && !zone.is_root() {
        zone = zone.base_name();
    }
    zones.get(&zone)
}

/// Starts the server; it runs until `stop`.
pub(crate) fn start(
    dns: Arc<Dns>,
    (udp, tcp): (UdpSocket, TcpListener),
    (tracker, stop): (&TaskTracker, CancellationToken),
) {
    let mut server = Server::new(Handler(dns));
    server.register_socket(udp);
    server.register_listener(tcp, TCP_IDLE, TCP_ANSWERS);
    tracker.spawn(async move {
        stop.cancelled().await;
        if let Err(error) = server.shutdown_gracefully().await {
            tracing::warn!(%error, "the DNS server of the small internet did not stop in order");
        }
    });
}

struct Handler(Arc<Dns>);

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let nothing = ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() });
        let dnssec = request.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
        let answer = match request.request_info() {
            _ if request.metadata.op_code != OpCode::Query => Answer::failed(ResponseCode::NotImp),
            Err(_) => Answer::failed(ResponseCode::FormErr),
            Ok(info) => match self.0.answer(info.query.name(), info.query.query_type(), dnssec) {
                Some(answer) => answer,
                None => return nothing,
            },
        };
        metadata.response_code = answer.code;
        metadata.authoritative = !matches!(answer.code, ResponseCode::ServFail | ResponseCode::Refused);
        metadata.recursion_available = true;
        let mut edns = Edns::new();
        edns.set_max_payload(request.max_payload().min(MAX_UDP)).set_dnssec_ok(dnssec);
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            builder.edns(&edns);
        }
        let none = || std::iter::empty::<&Record>();
        let message = builder.build(metadata, &answer.answers, &answer.authorities, none(), none());
        response.send_response(message).await.unwrap_or(nothing)
    }
}

fn absolute(name: &str) -> Result<Name> {
    Name::from_ascii(format!("{name}.")).with_context(|| format!("{name:?} is no domain name"))
}
