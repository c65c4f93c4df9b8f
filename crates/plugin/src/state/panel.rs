//! The settings panel.

use api::{Guarantee, GuaranteeState, Stop, StoppedRecipient};
use jiff::Timestamp;

use super::cause::CauseWord;
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
    /// The panel for what is known. When a pause is over, the server says: the browser's clock may differ from its own.
    pub fn of(guarantee: &Known<Guarantee>) -> Self {
        let guarantee = match guarantee {
            Known::Waiting => return Self::Waiting,
            Known::Failed(_) => return Self::Unknown,
            Known::Known(guarantee) => guarantee,
        };
        match (guarantee.state, guarantee.until) {
            (GuaranteeState::On, _) => Self::On,
            (GuaranteeState::Paused, Some(until)) => Self::Paused(until),
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

/// A line of the table of stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub stopped_at: Timestamp,
    /// Who was not sent to.
    pub address: String,
    /// The MX host's name.
    pub host: String,
    /// Why.
    pub cause: CauseWord,
    /// Whether another message was sent there in its stead.
    pub sent_again: bool,
}

/// How many lines the table has at most.
const ROWS: usize = 50;

/// The table of stops, newest first.
pub fn rows(stops: &[Stop]) -> Vec<Row> {
    let of_stop = |stop: &Stop| {
        let row = |recipient: &StoppedRecipient| Row {
            stopped_at: recipient.stopped_at,
            address: recipient.address.clone(),
            host: recipient.host.clone(),
            cause: CauseWord::of_stopped(recipient),
            sent_again: recipient.replaced_by.is_some(),
        };
        stop.recipients.iter().map(row).collect::<Vec<_>>()
    };
    let mut rows: Vec<Row> = stops.iter().flat_map(of_stop).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.stopped_at));
    rows.truncate(ROWS);
    rows
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LATER: &str = "2026-11-24T13:00:00Z";
    const LONG_AGO: &str = "2000-01-01T00:00:00Z";

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::on(GuaranteeState::On, None, Panel::On, GuaranteeState::Off)]
    #[case::off(GuaranteeState::Off, None, Panel::Off, GuaranteeState::On)]
    #[case::paused(GuaranteeState::Paused, Some(LATER), Panel::Paused(time(LATER)), GuaranteeState::On)]
    #[case::until_the_server_says_so(
        GuaranteeState::Paused,
        Some(LONG_AGO),
        Panel::Paused(time(LONG_AGO)),
        GuaranteeState::On
    )]
    #[case::pause_without_end(GuaranteeState::Paused, None, Panel::Off, GuaranteeState::On)]
    fn panels(
        #[case] state: GuaranteeState,
        #[case] until: Option<&str>,
        #[case] panel: Panel,
        #[case] button: GuaranteeState,
    ) {
        let guarantee = Guarantee { state, until: until.map(time), level: None, was_on: true };
        assert_eq!(Panel::of(&Known::Known(guarantee)), panel);
        assert_eq!(panel.button(), Some(button));
    }

    #[rstest]
    #[case::waiting(Known::Waiting, Panel::Waiting)]
    #[case::away(Known::Failed(ClientError::Away), Panel::Unknown)]
    fn nothing_is_claimed_that_is_not_known(#[case] guarantee: Known<Guarantee>, #[case] panel: Panel) {
        assert_eq!(Panel::of(&guarantee), panel);
        assert_eq!(panel.button(), None);
    }

    #[test]
    fn the_table_is_newest_first_and_not_endless() {
        let stop = |minute: usize, replaced_by: Option<&str>| Stop {
            id: minute.to_string(),
            queue_id: "q".to_owned(),
            message_id: None,
            subject: String::new(),
            recipients: vec![StoppedRecipient {
                address: format!("{minute}@plain.example"),
                host: "mx.plain.example".to_owned(),
                host_address: "127.0.0.5".to_owned(),
                reason: String::new(),
                cause: "no_starttls".to_owned(),
                tls_last_seen: None,
                status: "5.7.4".to_owned(),
                stopped_at: time(&format!("2026-11-24T11:{minute:02}:00Z")),
                replaced_by: replaced_by.map(str::to_owned),
            }],
            delivered_others: 0,
            waiting_others: 0,
            replaced_by: replaced_by.map(str::to_owned),
            demanded: false,
        };
        let rows =
            rows(&(0..60).map(|minute| stop(minute, (minute == 59).then_some("r"))).collect::<Vec<_>>());
        assert_eq!(rows.len(), 50);
        assert_eq!((rows[0].address.as_str(), rows[0].sent_again), ("59@plain.example", true));
        assert_eq!((rows[49].address.as_str(), rows[49].sent_again), ("10@plain.example", false));
        assert_eq!(rows[0].cause, CauseWord::NoStarttls);
    }
}
