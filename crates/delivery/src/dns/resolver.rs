//! Proven answers, one name and type at a time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use guarantee::{Age, LookupFailureKind, Proof};
use hickory_resolver::{
    net::{
        DnsError, NetError,
        dnssec::DnssecDnsHandle,
        xfer::{DnsHandle, FirstAnswer},
    },
    proto::{
        dnssec::{self, TrustAnchors},
        op::{DnsRequestOptions, DnsResponse, Query},
        rr::{Name, RecordType},
    },
};

use super::{
    DnsServers, Dnssec,
    anchor::Anchor,
    asking::{Asking, Question, Source, question},
    bounded::Bounded,
    denial::NSEC3_ITERATIONS,
    server::{Servers, Trust},
    step::Step,
    unsigned::{self, Cut},
};

/// Memory for answers that are kept, in octets.
const KEPT_OCTETS: u64 = 16 << 20;

/// The operator is told of the same fault no more often.
const ALARM_EVERY: Duration = Duration::from_mins(5);

/// RRsets that one look-up meets; the keys of each zone on its way are checked once.
const RRSETS: usize = 64;

/// The resolver; clones share what is kept.
#[derive(Clone)]
pub(super) struct Resolver {
    source: Source,
    validation: Arc<Validation>,
    steps: Bounded<Question, Step>,
    /// For one question with all that its validation asks.
    patience: Duration,
    alarm: Arc<Mutex<Option<Instant>>>,
}

enum Validation {
    Here(Anchor),
    ByServers,
}

impl Resolver {
    pub(super) fn new(servers: &DnsServers, dnssec: &Dnssec, timeout: Duration) -> Result<Self, String> {
        let (validation, trust) = match dnssec {
            Dnssec::Validate { anchor } => (Validation::Here(Anchor::parse(anchor)?), Trust::Nobody),
            Dnssec::TrustAd => (Validation::ByServers, Trust::Servers),
        };
        Ok(Self {
            source: Source::new(Servers::new(servers, trust, timeout)?),
            validation: Arc::new(validation),
            steps: Bounded::new(KEPT_OCTETS),
            patience: timeout * 3,
            alarm: Arc::default(),
        })
    }

    /// What is known of this name and type; past what is kept here if it is to be fresh.
    pub(super) async fn step(&self, name: &Name, kind: RecordType, age: Age) -> Step {
        let query = Query::query(name.to_lowercase(), kind);
        let question = question(&query);
        if age == Age::Cached
            && let Some(step) = self.steps.get(&question)
        {
            return step;
        }
        let (step, lives) = self.look_up(&query).await;
        if !matches!(step, Step::Failed(..)) && !lives.is_zero() {
            keep(&self.steps, question, &step, lives);
        }
        step
    }

    /// Whether the root's signatures can be checked; the error says why not, and the remedy.
    pub(super) async fn check(&self) -> Result<(), String> {
        match (self.root().await, &*self.validation) {
            (Ok(Proof::Secure), _) => Ok(()),
            (Ok(Proof::Insecure), Validation::ByServers) => Err("the DNS server does not check signatures: \
                 let it validate (RFC 4035 §3.2.3), or do not trust its AD bit"
                .to_owned()),
            (Ok(Proof::Insecure), Validation::Here(_)) => Err(OUR_FAULT.to_owned()),
            (Err((LookupFailureKind::Unanswered, detail)), _) => {
                Err(format!("the DNS servers do not answer ({detail}): name others, or mend the network"))
            }
            (Err((_, detail)), _) => Err(format!("{detail}: {OUR_FAULT}")),
        }
    }

    async fn root(&self) -> Result<Proof, (LookupFailureKind, String)> {
        let query = Query::query(Name::root(), RecordType::DNSKEY);
        let asking = Asking::new(&self.source, &query, None);
        let (step, _lives) = self.attempt(&query, &asking).await;
        match step {
            Step::Found { proof, .. }
            | Step::Alias { proof, .. }
            | Step::NoData(proof)
            | Step::NxDomain(proof) => Ok(proof),
            Step::Failed(_, detail) if asking.told().trouble.is_some() => {
                Err((LookupFailureKind::Unanswered, detail))
            }
            Step::Failed(kind, detail) => Err((kind, detail)),
        }
    }

    async fn look_up(&self, query: &Query) -> (Step, Duration) {
        let begun = Instant::now();
        let asking = Asking::new(&self.source, query, None);
        let (step, lives) = self.attempt(query, &asking).await;
        if !matches!(step, Step::Failed(LookupFailureKind::Bogus, _)) {
            return (self.alias_of_unsigned(query, step).await, lives);
        }
        // Keys may have been replaced since they were kept.
        let (step, lives, told) = if asking.told().kept {
            let asking = Asking::new(&self.source, query, Some(begun));
            let (step, lives) = self.attempt(query, &asking).await;
            (step, lives, asking.told())
        } else {
            (step, lives, asking.told())
        };
        let Step::Failed(LookupFailureKind::Bogus, detail) = step else { return (step, lives) };
        (self.failed(query, detail, told.trouble).await, Duration::ZERO)
    }

    /// What does not hold is bogus unless something on the way to its proof was not answered, or nothing holds at all.
    async fn failed(&self, query: &Query, detail: String, trouble: Option<String>) -> Step {
        if let Some(trouble) = trouble {
            return Step::unanswered(trouble);
        }
        let holds = match &*self.validation {
            Validation::ByServers => true,
            Validation::Here(_) => self.root().await == Ok(Proof::Secure),
        };
        if holds {
            return Step::Failed(
                LookupFailureKind::Bogus,
                format!("{detail} ({} of {})", query.query_type(), query.name()),
            );
        }
        self.alarm();
        Step::Failed(LookupFailureKind::OwnFault, OUR_FAULT.to_owned())
    }

    fn alarm(&self) {
        let now = Instant::now();
        let mut last = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.duration_since(last) >= ALARM_EVERY) {
            *last = Some(now);
            tracing::error!("{OUR_FAULT}; mail waits until then");
        }
    }

    async fn attempt(&self, query: &Query, asking: &Asking) -> (Step, Duration) {
        let answered = tokio::time::timeout(self.patience, self.proven(query, asking)).await;
        Step::of(query, answered.unwrap_or(Err(NetError::Timeout)), asking.told().age)
    }

    async fn proven(&self, query: &Query, asking: &Asking) -> Result<DnsResponse, NetError> {
        match &*self.validation {
            Validation::Here(anchor) => {
                let keys = Arc::new(keys(anchor, asking).await?);
                let validating = DnssecDnsHandle::with_trust_anchor(asking.clone(), keys)
                    .nsec3_iteration_limits(Some(NSEC3_ITERATIONS), Some(u16::MAX))
                    .validation_cache_size(RRSETS);
                let lookup = |query| validating.lookup(query, DnsRequestOptions::default()).first_answer();
                let result = lookup(query.clone()).await;
                if unsigned::claims(&result) && !query.name().is_root() {
                    rightly_unsigned(query.name(), &result, lookup).await?;
                }
                result
            }
            Validation::ByServers => Ok(DnsResponse::from_message(asking.ask(query).await?)?),
        }
    }

    /// The AD bit says of a CNAME and all behind it whether all are secure: the CNAME has to be asked for by itself
    /// (RFC 7672 §2.1.3), or else the DNAME that it follows from: widespread resolvers take the CNAME, which is
    /// unsigned, for bogus when it is asked for (unbound 1.17).
    async fn alias_of_unsigned(&self, query: &Query, step: Step) -> Step {
        match (&*self.validation, step) {
            (Validation::ByServers, Step::Alias { target, dname, proof: Proof::Insecure, age })
                if query.query_type() != RecordType::CNAME =>
            {
                let query = match &dname {
                    Some(dname) => Query::query(dname.clone(), RecordType::DNAME),
                    None => Query::query(query.name().clone(), RecordType::CNAME),
                };
                match self.attempt(&query, &Asking::new(&self.source, &query, None)).await.0 {
                    Step::Found { proof, .. } => Step::Alias { target, dname, proof, age },
                    Step::Failed(kind, detail) => Step::Failed(kind, detail),
                    Step::Alias { .. } | Step::NoData(_) | Step::NxDomain(_) => {
                        Step::Alias { target, dname, proof: Proof::Insecure, age }
                    }
                }
            }
            (_, step) => step,
        }
    }
}

/// Whoever answers can say much: it counts by the memory it takes.
fn keep(steps: &Bounded<Question, Step>, question: Question, step: &Step, lives: Duration) {
    let weight = u32::try_from(step.octets()).unwrap_or(u32::MAX);
    steps.insert(question, step.clone().cached(), lives, weight);
}

/// From the root down, whether the name is below an unsigned delegation, or its own zone denies by what counts as
/// unsigned; bogus if neither.
async fn rightly_unsigned<F>(
    name: &Name,
    result: &Result<DnsResponse, NetError>,
    lookup: impl Fn(Query) -> F,
) -> Result<(), NetError>
where
    F: Future<Output = Result<DnsResponse, NetError>>,
{
    let mut zone = Name::root();
    for labels in 1..=usize::from(name.num_labels()) {
        let at = name.trim_to(labels);
        let cut = match lookup(Query::query(at.clone(), RecordType::DS)).await {
            Ok(answer) => unsigned::cut(&at, &zone, &answer),
            Err(NetError::Dns(DnsError::Nsec { response, proof: dnssec::Proof::Insecure, .. })) => {
                // RFC 9276 §3.2: too many iterations.
                unsigned::cut(&at, &zone, &response).map(|_| Cut::Unsigned)
            }
            Err(error) => return Err(error),
        };
        match cut {
            Some(Cut::Unsigned) => return Ok(()),
            Some(Cut::Signed) => zone = at,
            Some(Cut::None) => {}
            None => return Err(NetError::Dns(DnsError::DnssecBogus)),
        }
    }
    if unsigned::iterates(result, &zone) {
        return Ok(());
    }
    Err(NetError::Dns(DnsError::DnssecBogus))
}

async fn keys(anchor: &Anchor, asking: &Asking) -> Result<TrustAnchors, NetError> {
    if !anchor.needs_keys() {
        return Ok(anchor.keys(None));
    }
    let root = Query::query(Name::root(), RecordType::DNSKEY);
    Ok(anchor.keys(Some(&asking.ask(&root).await?)))
}

const OUR_FAULT: &str = "the root of the DNS can't be validated: the trust anchor is out of date, \
     or the DNS server gives no signatures; renew the one or replace the other";

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::{RData, rdata::TXT};
    use rstest::rstest;

    use super::*;

    fn text(strings: Vec<&[u8]>) -> Step {
        let data = vec![RData::TXT(TXT::from_bytes(strings))];
        Step::Found { data, proof: Proof::Secure, age: Age::Fresh }
    }

    /// However long answers are, and however many there are of short ones.
    #[rstest]
    #[case::long(text(vec![&[b'x'; 255]; 235]), 60_000, 1_000)]
    #[case::of_short_strings(text(vec![b"x"; 30_000]), 1_400_000, 100)]
    #[case::denials(Step::NoData(Proof::Secure), 1024, 40_000)]
    fn answers_fill_no_memory(#[case] step: Step, #[case] octets: u64, #[case] answers: u64) {
        let steps = Bounded::new(KEPT_OCTETS);
        let asked =
            |number: u64| (Name::from_ascii(format!("{number}.example.")).expect("a name"), RecordType::TXT);
        for number in 0..answers {
            keep(&steps, asked(number), &step, Duration::from_mins(1));
        }
        steps.settle();
        let kept = (0..answers).filter(|number| steps.get(&asked(*number)).is_some()).count();
        let kept = u64::try_from(kept).expect("a small number");
        assert!((1..=KEPT_OCTETS / octets).contains(&kept), "{kept} of {answers}");
    }
}
