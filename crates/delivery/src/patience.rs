use std::time::Duration;

use smtp::client::{CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT, Stage};
use tokio::time::Instant;

/// For a connection to an address that was silent a short while ago: two requests' time, not thirty seconds.
const CONNECT_AGAIN: Duration = Duration::from_secs(3);

/// How long a host is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest wait for anything single. No limit of its own by default: RFC 5321 §4.5.3.2 has one for each stage.
    pub single: Duration,
    /// For all hosts of one attempt together, the reply to a complete message excepted: however many hosts take
    /// their time, and however slowly one takes or sends its octets, a job ends. 50 MiB in it are 7 KiB a second.
    pub attempt: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { single: Duration::MAX, attempt: Duration::from_hours(2) }
    }
}

impl Patience {
    /// This long, or as long as a single wait may be.
    pub(crate) fn cap(&self, own: Duration) -> Duration {
        own.min(self.single)
    }
}

/// The patience that is left in one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remaining {
    patience: Patience,
    end: Instant,
}

impl Remaining {
    /// That of an attempt that begins now.
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, end: Instant::now() + patience.attempt }
    }

    /// Until when a stage may last that begins now.
    pub(crate) fn stage(&self, stage: Stage) -> Instant {
        let own = Instant::now() + self.patience.cap(stage.timeout());
        // With the message complete the host may have it; to give up early would only make two of it.
        if stage == Stage::EndOfData { own } else { own.min(self.end) }
    }

    /// Until when a connection may take to come about.
    pub(crate) fn connect(&self, was_silent: bool) -> Instant {
        self.until(if was_silent { CONNECT_AGAIN } else { CONNECT_TIMEOUT })
    }

    /// Until when a TLS handshake may take.
    pub(crate) fn handshake(&self) -> Instant {
        self.until(HANDSHAKE_TIMEOUT)
    }

    fn until(&self, limit: Duration) -> Instant {
        self.end.min(Instant::now() + self.patience.cap(limit))
    }
}
