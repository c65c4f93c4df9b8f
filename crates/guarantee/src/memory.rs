use std::{collections::HashMap, net::IpAddr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Cause, Protection, Sighted, TlsDetails};

/// What has not been seen for so long is forgotten: a domain may change its provider, a host its software.
pub const FADES_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What one account's mail to one domain has met at one MX host. It is kept for each account by itself, so that what
/// a user is told never says when somebody else wrote where; and for each host, so that another MX set is another matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The best protection.
    pub best: Protection,
    /// When there was TLS for the first time.
    pub first_tls: Timestamp,
    /// And for the last.
    pub last_tls: Timestamp,
    /// When the host last proved who it is.
    pub last_authenticated: Option<Timestamp>,
    /// How many connections had TLS.
    pub count: u64,
    /// The last of them.
    pub tls: TlsDetails,
}

impl Remembered {
    /// What is remembered after one more sighting with TLS at `now`; `before` is what was remembered, unless it has faded.
    pub fn after(before: Option<Self>, tls: &TlsDetails, protection: Protection, now: Timestamp) -> Self {
        let before = before.filter(|before| before.holds_at(now));
        let authenticated = (protection >= Protection::Authenticated).then_some(now);
        Self {
            best: before.as_ref().map_or(protection, |before| before.best.max(protection)),
            first_tls: before.as_ref().map_or(now, |before| before.first_tls),
            last_tls: now,
            last_authenticated: authenticated
                .or_else(|| before.as_ref().and_then(|before| before.last_authenticated)),
            count: before.map_or(0, |before| before.count).saturating_add(1),
            tls: tls.clone(),
        }
    }

    /// Whether it has not faded yet.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_tls) < FADES_AFTER
    }
}

/// Names a stop a possible downgrade if its host has given more before.
pub fn recognise(cause: Cause, remembered: Option<&Remembered>, now: Timestamp) -> Cause {
    let Some(remembered) = remembered.filter(|remembered| remembered.holds_at(now)) else { return cause };
    let seen = match &cause {
        Cause::NoStarttls { .. } | Cause::StarttlsRefused { .. } | Cause::HandshakeFailed { .. } => {
            Some(remembered.last_tls)
        }
        Cause::NotAuthenticated { .. } => {
            remembered.last_authenticated.filter(|last| now.duration_since(*last) < FADES_AFTER)
        }
        _ => None,
    };
    match seen {
        Some(seen) => Cause::Downgrade { now: Box::new(cause), seen },
        None => cause,
    }
}

impl Cause {
    /// Whether its ground is that there is no TLS: what trouble on our own line looks like as well.
    pub fn is_loss_of_tls(&self) -> bool {
        match self {
            Self::NoStarttls { .. } | Self::StarttlsRefused { .. } | Self::HandshakeFailed { .. } => true,
            Self::Downgrade { now, .. } => now.is_loss_of_tls(),
            Self::RequireTlsFailed { why } => why.is_loss_of_tls(),
            _ => false,
        }
    }
}

/// Within this time unrelated destinations count as losing TLS together.
pub const LINE_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// So many domains.
const LINE_DOMAINS: usize = 5;

/// In so many networks.
const LINE_NETWORKS: usize = 3;

/// Watches whether unrelated destinations lose TLS together: then it is our own line that is tampered with.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Each domain's last sighting.
    seen: HashMap<String, OnLine>,
}

#[derive(Clone, Debug)]
struct OnLine {
    network: IpAddr,
    at: Timestamp,
    loss: Loss,
}

/// What a sighting says of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// There is TLS.
    HasTls,
    /// There is none, at a domain that had it within [`FADES_AFTER`].
    LostTls,
    /// There is none, and none is remembered.
    NeverHad,
}

impl Loss {
    /// Of a sighting at a domain which had TLS within [`FADES_AFTER`], or had not; `None` if it says nothing.
    pub fn of(sighted: &Sighted, had_tls: bool) -> Option<Self> {
        match (sighted, had_tls) {
            (Sighted::Tls { .. } | Sighted::Flawed { .. }, _) => Some(Self::HasTls),
            (Sighted::NoTls { .. }, true) => Some(Self::LostTls),
            (Sighted::NoTls { .. }, false) => Some(Self::NeverHad),
            (Sighted::NoPolicy { .. }, _) => None,
        }
    }
}

impl Line {
    /// Domains watched at a time.
    const MOST: usize = 10_000;

    /// Takes note of a sighting.
    pub fn note(&mut self, domain: &str, address: IpAddr, loss: Loss, now: Timestamp) {
        if self.seen.len() >= Self::MOST {
            self.seen.retain(|_, one| now.duration_since(one.at) < LINE_WINDOW);
        }
        if self.seen.len() < Self::MOST || self.seen.contains_key(domain) {
            self.seen.insert(domain.to_owned(), OnLine { network: network(address), at: now, loss });
        }
    }

    /// Whether at least five domains in three networks have lost TLS within ten minutes, and they are half of those tried.
    pub fn is_suspect(&self, now: Timestamp) -> bool {
        let recent: Vec<&OnLine> =
            self.seen.values().filter(|one| now.duration_since(one.at) < LINE_WINDOW).collect();
        let lost: Vec<&&OnLine> = recent.iter().filter(|one| one.loss == Loss::LostTls).collect();
        let mut networks: Vec<IpAddr> = lost.iter().map(|one| one.network).collect();
        networks.sort_unstable();
        networks.dedup();
        lost.len() >= LINE_DOMAINS && networks.len() >= LINE_NETWORKS && lost.len() * 2 >= recent.len()
    }
}

/// What an operator routes as one: a /24, or a /48.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
    }
}
