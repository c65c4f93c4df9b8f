//! The world's DNS: the root, `example.` and a zone for each domain, on one authoritative server.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use hickory_server::{
    Server,
    net::runtime::{Time, TokioRuntimeProvider},
    proto::{
        op::{Header, HeaderCounts, Metadata, ResponseCode},
        rr::{
            LowerName, Name, RData, Record,
            rdata::{A, CNAME, MX, NS, SOA},
        },
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, MessageResponseBuilder, ZoneHandler, ZoneType},
};
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    domain::Records,
    plan::{Addresses, Plan, mx_hosts},
};

/// Time to live of all records, in seconds.
const TTL: u32 = 60;
/// Time to live of the answer that there is nothing, in seconds.
const NEGATIVE_TTL: u32 = 5;
const SERIAL: u32 = 1;
const TCP_IDLE: Duration = Duration::from_secs(30);
/// So many answers may wait for a TCP client to read them.
const TCP_ANSWERS: usize = 32;

/// A fault of the DNS server, for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// The answer is SERVFAIL.
    ServFail,
    /// The answer is REFUSED.
    Refused,
    /// There is no answer.
    Silence,
}

/// The faults by name, as they are now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<HashMap<LowerName, DnsFault>>>);

impl Faults {
    pub(crate) fn set(&self, name: &str, fault: Option<DnsFault>) -> Result<()> {
        let name = LowerName::from(absolute(name)?);
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => faults.insert(name, fault),
            None => faults.remove(&name),
        };
        Ok(())
    }

    fn of(&self, request: &Request) -> Option<DnsFault> {
        let info = request.request_info().ok()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(info.query.name()).copied()
    }
}

/// Starts the server; it runs until `stop`.
pub(crate) fn start(
    (udp, tcp): (UdpSocket, TcpListener),
    catalog: Catalog,
    faults: Faults,
    (tracker, stop): (&TaskTracker, CancellationToken),
) {
    let mut server = Server::new(Handler { catalog, faults });
    server.register_socket(udp);
    server.register_listener(tcp, TCP_IDLE, TCP_ANSWERS);
    tracker.spawn(async move {
        stop.cancelled().await;
        if let Err(error) = server.shutdown_gracefully().await {
            tracing::warn!(%error, "the DNS server of the small internet did not stop in order");
        }
    });
}

struct Handler {
    catalog: Catalog,
    faults: Faults,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let code = match self.faults.of(request) {
            None => return self.catalog.handle_request::<R, T>(request, response).await,
            Some(DnsFault::ServFail) => Some(ResponseCode::ServFail),
            Some(DnsFault::Refused) => Some(ResponseCode::Refused),
            Some(DnsFault::Silence) => None,
        };
        let metadata = Metadata::response_from_request(&request.metadata);
        let nothing = ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() });
        let Some(code) = code else { return nothing };
        let message =
            MessageResponseBuilder::from_message_request(request).error_msg(&request.metadata, code);
        response.send_response(message).await.unwrap_or(nothing)
    }
}

/// The zones of a plan. Each domain that is no alias is a zone of its own; every record goes into the deepest zone there is.
pub(crate) fn catalog(plan: &Plan, addresses: &Addresses, server: SocketAddr) -> Result<Catalog> {
    let mut records = Vec::new();
    let mut zones = BTreeSet::from([Name::root(), absolute("example")?]);
    for (domain, of_domain) in &plan.domains {
        let name = absolute(domain)?;
        if let Records::Alias(target) = of_domain {
            records.push((name, RData::CNAME(CNAME(absolute(target)?))));
            continue;
        }
        if let Records::NullMx { .. } = of_domain {
            // RFC 7505 §3
            records.push((name.clone(), RData::MX(MX::new(0, Name::root()))));
        }
        for mx in mx_hosts(of_domain) {
            records.push((name.clone(), RData::MX(MX::new(mx.preference, absolute(&mx.name)?))));
        }
        zones.insert(name);
    }
    for (host, addresses) in addresses {
        let host = absolute(host)?;
        records.extend(addresses.iter().map(|address| (host.clone(), RData::A(A(*address)))));
    }
    name_servers(&mut records, &zones, server)?;
    into_catalog(records, zones)
}

/// One name server for all zones, with a name that `example.` serves (the server gives no glue from below a cut).
fn name_servers(records: &mut Vec<(Name, RData)>, zones: &BTreeSet<Name>, server: SocketAddr) -> Result<()> {
    let ns = absolute("ns.example")?;
    if let IpAddr::V4(address) = server.ip() {
        records.push((ns.clone(), RData::A(A(address))));
    }
    records.extend(zones.iter().map(|zone| (zone.clone(), RData::NS(NS(ns.clone())))));
    Ok(())
}

fn into_catalog(records: Vec<(Name, RData)>, zones: BTreeSet<Name>) -> Result<Catalog> {
    let mut handlers = BTreeMap::new();
    for zone in zones {
        let mut handler = InMemoryZoneHandler::<TokioRuntimeProvider>::empty(
            zone.clone(),
            ZoneType::Primary,
            AxfrPolicy::Deny,
            None,
        );
        put(&mut handler, &zone, soa()?)?;
        handlers.insert(zone, handler);
    }
    for (name, data) in records {
        let mut zone = name.clone();
        while !handlers.contains_key(&zone) {
            zone = zone.base_name();
        }
        // The delegation in the parent says the same as the zone itself.
        if zone == name && !name.is_root() && matches!(data, RData::NS(_)) {
            let parent = parent_zone(&name, &handlers);
            let handler = handlers.get_mut(&parent).context("the root is a zone")?;
            put(handler, &name, data.clone())?;
        }
        let handler = handlers.get_mut(&zone).context("the root is a zone")?;
        put(handler, &name, data)?;
    }
    let mut catalog = Catalog::new();
    for (zone, handler) in handlers {
        catalog.upsert(LowerName::from(zone), vec![Arc::new(handler) as Arc<dyn ZoneHandler>]);
    }
    Ok(catalog)
}

fn parent_zone<T>(zone: &Name, zones: &BTreeMap<Name, T>) -> Name {
    let mut parent = zone.base_name();
    while !zones.contains_key(&parent) {
        parent = parent.base_name();
    }
    parent
}

fn put(handler: &mut InMemoryZoneHandler, name: &Name, data: RData) -> Result<()> {
    let what = format!("{name} {data}");
    let put = handler.upsert_mut(Record::from_rdata(name.clone(), TTL, data), SERIAL);
    put.then_some(()).ok_or_else(|| anyhow!("the zone does not take the record {what}"))
}

fn soa() -> Result<RData> {
    let (server, mailbox) = (absolute("ns.example")?, absolute("hostmaster.example")?);
    Ok(RData::SOA(SOA::new(server, mailbox, SERIAL, 3600, 600, 86_400, NEGATIVE_TTL)))
}

fn absolute(name: &str) -> Result<Name> {
    Name::from_ascii(format!("{name}.")).with_context(|| format!("{name:?} is no domain name"))
}
