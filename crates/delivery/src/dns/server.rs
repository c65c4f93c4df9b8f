//! The name servers: who they are, and messages to and from them as they are.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{Stream, StreamExt};
use hickory_resolver::{
    ConnectionProvider, NameServerPool, PoolContext, TlsConfig,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts},
    net::{
        DnsError, NetError, NoRecords,
        runtime::TokioRuntimeProvider,
        xfer::{DnsHandle, FirstAnswer, RetryDnsHandle},
    },
    proto::{
        dnssec::Proof,
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Message, Query, ResponseCode},
        rr::{Record, RecordType},
    },
};

use super::{DnsServers, reduce::reduce};

/// Questions under way on one TCP connection; beyond it they would fail. Each job has two for each of its hosts.
const QUESTIONS: usize = 4096;

/// Whose word on signatures counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Only our own.
    Nobody,
    /// The servers', by the AD bit: each record comes with the proof that it says.
    Servers,
}

/// The configured name servers.
#[derive(Clone)]
pub(super) struct Servers {
    pool: RetryDnsHandle<NameServerPool<Provider>>,
    trust: Trust,
}

impl Servers {
    pub(super) fn new(servers: &DnsServers, trust: Trust, timeout: Duration) -> Result<Self, String> {
        let servers = match servers {
            DnsServers::System => {
                let (config, _options) = hickory_resolver::system_conf::read_system_conf()
                    .map_err(|error| format!("the machine's DNS configuration can't be read: {error}"))?;
                // No search list: a domain of a mail address is always whole.
                config.name_servers().to_vec()
            }
            DnsServers::At(addresses) => addresses.iter().map(name_server).collect(),
        };
        if let (Trust::Servers, Some(server)) =
            (trust, servers.iter().find(|server| !server.ip.is_loopback()))
        {
            let ip = server.ip;
            return Err(format!(
                "the DNS server {ip} is not on this machine, so anybody on the way can set its AD bit: \
                 run a validating resolver on loopback and name it, or do not trust the AD bit"
            ));
        }
        let tls = TlsConfig::new().map_err(|error| error.to_string())?;
        let config = ResolverConfig::from_name_servers(servers);
        let context = Arc::new(PoolContext::new(options(timeout), tls));
        let provider = Provider { tokio: TokioRuntimeProvider::default(), trust };
        let pool = NameServerPool::from_config(config.name_servers().to_vec(), context, provider);
        // Besides the first attempt.
        Ok(Self { pool: RetryDnsHandle::new(pool, 1), trust })
    }

    /// Asks once more without the servers' own validation if that may be why there is no answer (RFC 6840 §5.9). What
    /// then comes is bogus to them, if it says something of what was asked, for some say nothing instead of failing. Where
    /// their word counts it is no answer, only the reason why there is none.
    pub(super) async fn ask(&self, query: &Query) -> Result<Message, NetError> {
        let failed = match self.send(query, false).await {
            Err(error @ NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail))) => error,
            answered => return answered,
        };
        let Ok(message) = self.send(query, true).await else { return Err(failed) };
        let message = reduce(query, message);
        let denies = message.authorities.iter().any(|record| record.record_type() == RecordType::SOA);
        if message.answers.is_empty() && !denies {
            return Err(failed);
        }
        match self.trust {
            Trust::Nobody => Ok(message),
            Trust::Servers => Err(NetError::Dns(DnsError::DnssecBogus)),
        }
    }

    async fn send(&self, query: &Query, checking_disabled: bool) -> Result<Message, NetError> {
        let mut options = DnsRequestOptions::default();
        // The DO bit also asks for the AD bit (RFC 6840 §5.8).
        options.edns_set_dnssec_ok = true;
        let mut request = DnsRequest::from_query(query.clone(), options);
        request.metadata.checking_disabled = checking_disabled;
        match self.pool.send(request).first_answer().await {
            Ok(response) => Ok(response.into_message()),
            Err(NetError::Dns(DnsError::NoRecordsFound(none)))
                if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
            {
                Ok(nothing(query, none))
            }
            Err(error) => Err(error),
        }
    }
}

/// The library makes an error of a negative answer; here it is a message again.
fn nothing(query: &Query, none: NoRecords) -> Message {
    let mut message = Message::query();
    message.add_query(query.clone());
    message.metadata.response_code = none.response_code;
    match (none.authorities, none.soa) {
        (Some(authorities), _) => message.add_authorities(authorities.iter().cloned()),
        (None, Some(soa)) => message.add_authorities([soa.into_record_of_rdata()]),
        (None, None) => message.add_authorities([]),
    };
    message.into_response()
}

pub(super) fn records(message: &mut Message) -> impl Iterator<Item = &mut Record> {
    message.answers.iter_mut().chain(&mut message.authorities).chain(&mut message.additionals)
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

fn options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.max_active_requests = QUESTIONS;
    options
}

/// Connections to name servers.
#[derive(Clone)]
struct Provider {
    tokio: TokioRuntimeProvider,
    trust: Trust,
}

impl ConnectionProvider for Provider {
    type Conn = Marked;
    type FutureConn = Pin<Box<dyn Future<Output = Result<Marked, NetError>> + Send>>;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        context: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        let trust = self.trust;
        let opening = self.tokio.new_connection(ip, config, context)?;
        Ok(Box::pin(async move { Ok(Marked { connection: opening.await?, trust }) }))
    }

    fn runtime_provider(&self) -> &Self::RuntimeProvider {
        &self.tokio
    }
}

/// A connection that notes with each record what the AD bit says of it: of a negative answer, the library passes on
/// the records, but not the bit.
#[derive(Clone)]
struct Marked {
    connection: <TokioRuntimeProvider as ConnectionProvider>::Conn,
    trust: Trust,
}

impl DnsHandle for Marked {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let responses = self.connection.send(request);
        match self.trust {
            Trust::Nobody => Box::pin(responses),
            Trust::Servers => Box::pin(responses.map(|response| {
                let mut message = response?.into_message();
                let proof = if message.authentic_data { Proof::Secure } else { Proof::Insecure };
                for record in records(&mut message) {
                    record.proof = proof;
                }
                Ok(DnsResponse::from_message(message)?)
            })),
        }
    }
}
