//! Whether to remind the user after sending.

use api::Guarantee;
use jiff::Timestamp;

use super::panel::{Known, Panel};
use crate::draft::Draft;

/// What the reminder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// The guarantee is off.
    Off,
    /// It is paused until then.
    Paused(Timestamp),
}

/// After `sent` was sent: a reminder while the guarantee is off or paused and had been on, but not
/// after an override, whose very sense is that nothing need be switched.
pub fn next(sent: &Draft, guarantee: &Known<Guarantee>) -> Option<Reminder> {
    if !sent.overridden().is_empty() || !guarantee.get()?.was_on {
        return None;
    }
    match Panel::of(guarantee) {
        Panel::Off => Some(Reminder::Off),
        Panel::Paused(until) => Some(Reminder::Paused(until)),
        Panel::On | Panel::Waiting | Panel::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use api::GuaranteeState;
    use rstest::rstest;

    use super::*;
    use crate::draft::{Address, Recipients};

    const LATER: &str = "2026-11-24T13:00:00Z";

    #[rstest]
    #[case::off(GuaranteeState::Off, true, &[], Some(Reminder::Off))]
    #[case::never_on(GuaranteeState::Off, false, &[], None)]
    #[case::on(GuaranteeState::On, true, &[], None)]
    #[case::paused(GuaranteeState::Paused, true, &[], Some(Reminder::Paused(LATER.parse().unwrap())))]
    #[case::override_while_off(GuaranteeState::Off, true, &["c@plain.example"], None)]
    #[case::override_for_one_who_was_removed(GuaranteeState::Off, true, &["x@plain.example"], Some(Reminder::Off))]
    fn reminders(
        #[case] state: GuaranteeState,
        #[case] was_on: bool,
        #[case] without: &[&str],
        #[case] expected: Option<Reminder>,
    ) {
        let until = (state == GuaranteeState::Paused).then(|| LATER.parse().unwrap());
        let sent = Draft {
            recipients: Recipients { to: vec![Address::bare("c@plain.example")], ..Recipients::default() },
            without_guarantee_for: without.iter().map(ToString::to_string).collect(),
            ..Draft::default()
        };
        let guarantee = Known::Known(Guarantee { state, until, level: None, was_on });
        assert_eq!(next(&sent, &guarantee), expected);
        assert_eq!(next(&sent, &Known::Waiting), None);
    }
}
