//! What the attacks came to, in figures.

use std::fmt;

use delivery::Fate;
use guarantee::Protection;
use small_internet::Seen;

/// What the attacks came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) attacks: u64,
    pub(super) mails: u64,
    connections: u64,
    /// Attacks in which the true host completed a handshake.
    pub(super) handshakes: u64,
    /// Attacks in which an impostor did.
    deceived: u64,
    pub(super) delivered: u64,
    /// Of those, without TLS.
    in_clear: u64,
    /// Of those, the host having proven who it is.
    authenticated: u64,
    stopped: u64,
    deferred: u64,
    bounced: u64,
}

impl Tally {
    /// Of one attack, without the fates.
    pub(super) fn of(seen: &Seen) -> Self {
        Self {
            attacks: 1,
            connections: seen.connections as u64,
            handshakes: u64::from(seen.handshakes > 0),
            deceived: u64::from(seen.deceived > 0),
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, fate: &Fate) {
        self.mails += 1;
        match fate {
            Fate::Delivered { protection, .. } => {
                self.delivered += 1;
                self.in_clear += u64::from(*protection == Protection::None);
                self.authenticated += u64::from(*protection >= Protection::Authenticated);
            }
            Fate::Stopped { .. } => self.stopped += 1,
            Fate::Deferred { .. } => self.deferred += 1,
            Fate::Bounced(_) => self.bounced += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.attacks += other.attacks;
        self.mails += other.mails;
        self.connections += other.connections;
        self.handshakes += other.handshakes;
        self.deceived += other.deceived;
        self.delivered += other.delivered;
        self.in_clear += other.in_clear;
        self.authenticated += other.authenticated;
        self.stopped += other.stopped;
        self.deferred += other.deferred;
        self.bounced += other.bounced;
    }

    /// A test that stops everything shows nothing, nor does one that lets everything pass.
    pub(super) fn assert_that_much_was_tried(&self) {
        let some = self.attacks / 100;
        for (what, count) in [
            ("handshakes", self.handshakes),
            ("impostors believed", self.deceived),
            ("deliveries", self.delivered),
            ("deliveries in clear", self.in_clear),
            ("deliveries to a proven host", self.authenticated),
            ("stops", self.stopped),
            ("deferrals", self.deferred),
        ] {
            assert!(count >= some, "only {count} {what} in {} attacks", self.attacks);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attacks, mails, connections, handshakes, deceived, .. } = self;
        let Self { delivered, in_clear, authenticated, stopped, deferred, bounced, .. } = self;
        write!(
            f,
            "{attacks} attacks on {mails} mails over {connections} connections: {handshakes} reached TLS with the true \
             host, {deceived} with an impostor; delivered {delivered} ({in_clear} in clear, {authenticated} to a proven \
             host), stopped {stopped}, deferred {deferred}, bounced {bounced}"
        )
    }
}
