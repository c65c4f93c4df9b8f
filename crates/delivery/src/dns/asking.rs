//! Questions of one look-up: those the validator asks about keys and cuts on its way are remembered for the next.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{Stream, stream};
use guarantee::Age;
use hickory_resolver::{
    net::{DnsError, NetError, runtime::TokioRuntimeProvider, xfer::DnsHandle},
    proto::{
        op::{DnsRequest, DnsResponse, Message, Query},
        rr::{Name, RData, Record, RecordType},
    },
};

use super::{
    bounded::Bounded,
    reduce::{age, reduce},
    server::{Servers, records},
};

/// Keys and cuts are kept no longer than this, whatever their TTL.
const KEPT_FOR: Duration = Duration::from_hours(1);

/// What is denied is kept no longer than this, so that a mended zone is seen soon.
pub(super) const DENIED_FOR: Duration = Duration::from_secs(60);

/// A question that nobody answered in time is not asked again for this time: it costs its asker the whole timeout.
const SILENT_FOR: Duration = Duration::from_secs(30);

/// Memory for messages that are kept, in octets.
const KEPT_OCTETS: u64 = 16 << 20;

/// What an entry of a cache takes besides what it says, in octets: two names, and the cache's own.
pub(super) const ENTRY_OCTETS: usize = 1024;

/// Questions that nobody answered.
const SILENT: u64 = 4096;

/// A question by name and type.
pub(super) type Question = (Name, RecordType);

/// The name servers, and what they have said of keys and cuts.
#[derive(Clone)]
pub(super) struct Source {
    servers: Servers,
    chain: Bounded<Question, Kept>,
    silent: Bounded<Question, ()>,
}

#[derive(Clone)]
struct Kept {
    message: Message,
    since: Instant,
}

impl Source {
    pub(super) fn new(servers: Servers) -> Self {
        Self { servers, chain: Bounded::new(KEPT_OCTETS), silent: Bounded::new(SILENT) }
    }
}

/// One look-up's way to the name servers.
#[derive(Clone)]
pub(super) struct Asking {
    source: Source,
    begun: Instant,
    /// What is kept since before this time is not believed.
    not_before: Option<Instant>,
    /// What it is all about.
    question: Question,
    told: Arc<Mutex<Told>>,
}

/// What a look-up has met with on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// A question that was not answered, and why: whatever does not hold then need not be bogus.
    pub(super) trouble: Option<String>,
    /// Something came from what was kept before it began.
    pub(super) kept: bool,
    /// Whether the answer that it is all about is straight from its source, if that can be told.
    pub(super) age: Option<Age>,
}

impl Asking {
    pub(super) fn new(source: &Source, query: &Query, not_before: Option<Instant>) -> Self {
        let (source, question) = (source.clone(), question(query));
        Self { source, begun: Instant::now(), not_before, question, told: Arc::default() }
    }

    pub(super) fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The answer, reduced to what was asked.
    pub(super) async fn ask(&self, query: &Query) -> Result<Message, NetError> {
        let question = question(query);
        if let Some(kept) = self.source.chain.get(&question)
            && self.not_before.is_none_or(|time| kept.since >= time)
        {
            self.note(|told| told.kept |= kept.since < self.begun);
            return Ok(kept.counted_down());
        }
        let answered = match self.source.silent.get(&question) {
            Some(()) => Err(NetError::Timeout),
            None => self.source.servers.ask(query).await,
        };
        match answered {
            Ok(message) => {
                let message = reduce(query, message);
                if question == self.question {
                    self.note(|told| told.age = age(&message));
                }
                self.keep(question, &message);
                Ok(message)
            }
            // An answer, and not believed by the servers.
            Err(bogus @ NetError::Dns(DnsError::DnssecBogus)) => Err(bogus),
            Err(error) => {
                let (name, kind) = &question;
                self.note(|told| told.trouble = Some(format!("{kind} of {name}: {error}")));
                if matches!(error, NetError::Timeout) {
                    self.source.silent.insert(question, (), SILENT_FOR, 1);
                }
                Err(error)
            }
        }
    }

    fn keep(&self, question: Question, message: &Message) {
        if !matches!(question.1, RecordType::DNSKEY | RecordType::DS | RecordType::NS) {
            return;
        }
        let data = message.to_vec().map_or(usize::from(u16::MAX), |octets| octets.len());
        let records = message.answers.len() + message.authorities.len();
        let octets = ENTRY_OCTETS + records * size_of::<Record>() + data;
        let kept = Kept { message: message.clone(), since: Instant::now() };
        // One look-up asks several times: what has no TTL is at least the same for all of it.
        let lives = time_to_live(message, KEPT_FOR).max(Duration::from_secs(1));
        self.source.chain.insert(question, kept, lives, u32::try_from(octets).unwrap_or(u32::MAX));
    }
}

pub(super) fn question(query: &Query) -> Question {
    (query.name().to_lowercase(), query.query_type())
}

impl Kept {
    fn counted_down(&self) -> Message {
        let passed = u32::try_from(self.since.elapsed().as_secs()).unwrap_or(u32::MAX);
        let mut message = self.message.clone();
        for record in records(&mut message) {
            record.ttl = record.ttl.saturating_sub(passed);
        }
        message
    }
}

/// How long a message holds.
pub(super) fn time_to_live(message: &Message, at_most: Duration) -> Duration {
    let found = message.answers.iter().map(|record| record.ttl).min();
    // RFC 2308 §5: the SOA's TTL and its MINIMUM field.
    let denied = message.authorities.iter().filter_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    });
    match found {
        Some(seconds) => Duration::from_secs(seconds.into()).min(at_most),
        None => Duration::from_secs(denied.min().unwrap_or(0).into()).min(DENIED_FOR),
    }
}

impl DnsHandle for Asking {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let asking = self.clone();
        Box::pin(stream::once(Box::pin(async move {
            let query = request.queries.first().ok_or("no question")?;
            let answered = match asking.ask(query).await {
                // Only where the validator looks for zone cuts. Some servers of unsigned names answer for addresses
                // alone; whoever takes a cut away only makes more to be proven.
                Err(_) if query.query_type() == RecordType::NS => Message::query().into_response(),
                answered => answered?,
            };
            Ok(DnsResponse::from_message(answered)?)
        })))
    }
}
