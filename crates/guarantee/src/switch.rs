use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An account's switch of the guarantee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Switch {
    /// Off until the user switches it on.
    #[default]
    Off,
    /// On.
    On,
    /// Off until the given time, then on again by itself.
    Paused {
        /// The end of the pause, by the server's clock. The server switches on when it has come, so that it does not
        /// come again with a clock that is set back.
        until: Timestamp,
    },
}

impl Switch {
    /// The switch as it stands at `now`: a pause that is over is on.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        match self {
            Self::Paused { until } if until <= now => Self::On,
            other => other,
        }
    }

    /// Whether mail accepted at `now` is under the guarantee.
    pub fn holds_at(self, now: Timestamp) -> bool {
        self.at(now) == Self::On
    }
}
