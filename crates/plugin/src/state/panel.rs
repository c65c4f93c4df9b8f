//! The settings panel.

use api::{Guarantee, GuaranteeState};
use jiff::Timestamp;

use crate::client::ClientError;

/// Something the server was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Known<T> {
    /// No answer yet.
    #[default]
    Waiting,
    /// The answer.
    Known(T),
    /// No answer to work with.
    Failed(ClientError),
}

impl<T> Known<T> {
    /// The answer, if there is one.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Waiting | Self::Failed(_) => None,
        }
    }
}

impl<T> From<Result<T, ClientError>> for Known<T> {
    fn from(answer: Result<T, ClientError>) -> Self {
        match answer {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Failed(error),
        }
    }
}

/// What the panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// Not known yet.
    Waiting,
    /// Not to be known right now.
    Unknown,
    /// On: the button deactivates.
    On,
    /// Off: the button activates.
    Off,
    /// Paused until then: the button activates.
    Paused(Timestamp),
}

impl Panel {
    /// The panel for what is known. A pause that is over is on, before the server has said so.
    pub fn of(guarantee: &Known<Guarantee>, now: Timestamp) -> Self {
        let guarantee = match guarantee {
            Known::Waiting => return Self::Waiting,
            Known::Failed(_) => return Self::Unknown,
            Known::Known(guarantee) => guarantee,
        };
        match (guarantee.state, guarantee.until) {
            (GuaranteeState::On, _) => Self::On,
            (GuaranteeState::Paused, Some(until)) if until > now => Self::Paused(until),
            (GuaranteeState::Paused, Some(_)) => Self::On,
            (GuaranteeState::Off | GuaranteeState::Paused, _) => Self::Off,
        }
    }

    /// What the button asks for, if there is one.
    pub fn button(self) -> Option<GuaranteeState> {
        match self {
            Self::Waiting | Self::Unknown => None,
            Self::On => Some(GuaranteeState::Off),
            Self::Off | Self::Paused(_) => Some(GuaranteeState::On),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-24T12:00:00Z";
    const LATER: &str = "2026-11-24T13:00:00Z";
    const BEFORE: &str = "2026-11-24T11:00:00Z";

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::on(GuaranteeState::On, None, Panel::On, GuaranteeState::Off)]
    #[case::off(GuaranteeState::Off, None, Panel::Off, GuaranteeState::On)]
    #[case::paused(GuaranteeState::Paused, Some(LATER), Panel::Paused(time(LATER)), GuaranteeState::On)]
    #[case::pause_over(GuaranteeState::Paused, Some(BEFORE), Panel::On, GuaranteeState::Off)]
    #[case::pause_ends_now(GuaranteeState::Paused, Some(NOW), Panel::On, GuaranteeState::Off)]
    #[case::pause_without_end(GuaranteeState::Paused, None, Panel::Off, GuaranteeState::On)]
    fn panels(
        #[case] state: GuaranteeState,
        #[case] until: Option<&str>,
        #[case] panel: Panel,
        #[case] button: GuaranteeState,
    ) {
        let guarantee = Guarantee { state, until: until.map(time), was_on: true };
        assert_eq!(Panel::of(&Known::Known(guarantee), time(NOW)), panel);
        assert_eq!(panel.button(), Some(button));
    }

    #[rstest]
    #[case::waiting(Known::Waiting, Panel::Waiting)]
    #[case::away(Known::Failed(ClientError::Away), Panel::Unknown)]
    fn nothing_is_claimed_that_is_not_known(#[case] guarantee: Known<Guarantee>, #[case] panel: Panel) {
        assert_eq!(Panel::of(&guarantee, time(NOW)), panel);
        assert_eq!(panel.button(), None);
    }
}
