//! How long a pause lasts.

use jiff::Timestamp;

/// The latest minute of the day, by the clock on the user's wall, at which a pause "until tonight" is offered.
const LATE: u32 = 19 * 60 + 30;

/// A pause that is offered; each is shorter than the 24 hours that the server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
    /// Until tonight, at eight.
    Evening,
    /// Until tomorrow morning, at eight.
    Morning,
}

/// What is offered at this minute of the user's day.
pub fn offered(minute: u32) -> [Pause; 3] {
    [Pause::Quarter, Pause::Hour, if minute > LATE { Pause::Morning } else { Pause::Evening }]
}

impl Pause {
    /// When it ends if it begins now. `at_hour` knows the user's zone: when it is that hour, so many days from today.
    pub fn end(self, now: Timestamp, at_hour: &dyn Fn(u32, u32) -> Timestamp) -> Timestamp {
        match self {
            Self::Quarter => after(now, 15),
            Self::Hour => after(now, 60),
            Self::Evening => at_hour(0, 20),
            Self::Morning => at_hour(1, 8),
        }
    }
}

fn after(now: Timestamp, minutes: i64) -> Timestamp {
    Timestamp::from_second(now.as_second() + minutes * 60).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;
    use jiff::tz::TimeZone;
    use jiff::{SignedDuration, ToSpan, ZonedDateTime};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn minute(at: &ZonedDateTime) -> u32 {
        u32::try_from(at.hour()).unwrap() * 60 + u32::try_from(at.minute()).unwrap()
    }

    fn end(pause: Pause, now: &ZonedDateTime) -> ZonedDateTime {
        let at_hour = |days: u32, hour: u32| {
            let day = now.date() + i64::from(days).days();
            let at = day.at(i8::try_from(hour).unwrap(), 0, 0, 0);
            at.to_zoned_datetime(now.time_zone().clone()).unwrap().timestamp()
        };
        pause.end(now.timestamp(), &at_hour).to_zoned_datetime(now.time_zone().clone())
    }

    #[rstest]
    #[case::morning("2026-11-24T09:10:20", Pause::Quarter, "2026-11-24T09:25:20")]
    #[case::over_midnight("2026-11-24T23:50:00", Pause::Hour, "2026-11-25T00:50:00")]
    #[case::tonight("2026-11-24T09:10:20", Pause::Evening, "2026-11-24T20:00:00")]
    #[case::just_in_time("2026-11-24T19:30:59", Pause::Evening, "2026-11-24T20:00:00")]
    #[case::too_late("2026-11-24T19:31:00", Pause::Morning, "2026-11-25T08:00:00")]
    #[case::just_before_midnight("2026-12-31T23:59:59", Pause::Morning, "2027-01-01T08:00:00")]
    #[case::after_midnight("2026-11-25T00:00:00", Pause::Evening, "2026-11-25T20:00:00")]
    // In Berlin the hour from two to three is skipped on 29 March 2026, and there twice on 25 October.
    #[case::into_the_skipped_hour("2026-03-29T01:50:00", Pause::Quarter, "2026-03-29T03:05:00")]
    #[case::a_day_of_23_hours("2026-03-29T00:30:00", Pause::Evening, "2026-03-29T20:00:00")]
    #[case::a_night_of_23_hours("2026-03-28T19:45:00", Pause::Morning, "2026-03-29T08:00:00")]
    #[case::through_the_hour_that_comes_twice("2026-10-25T01:30:00", Pause::Hour, "2026-10-25T02:30:00")]
    #[case::a_day_of_25_hours("2026-10-25T00:00:00", Pause::Evening, "2026-10-25T20:00:00")]
    #[case::a_night_of_25_hours("2026-10-24T19:31:00", Pause::Morning, "2026-10-25T08:00:00")]
    fn ends(#[case] now: DateTime, #[case] pause: Pause, #[case] expected: DateTime) {
        let now = now.to_zoned_datetime(berlin()).unwrap();
        assert!(offered(minute(&now)).contains(&pause), "it is offered then");
        assert_eq!(end(pause, &now).datetime(), expected);
    }

    #[test]
    fn an_hour_is_an_hour_when_the_clock_is_put_back() {
        let now = "2026-10-25T02:30:00".parse::<DateTime>().unwrap().to_zoned_datetime(berlin()).unwrap();
        let end = end(Pause::Hour, &now);
        assert_eq!(end.datetime(), now.datetime());
        assert_eq!(end.timestamp().duration_since(now.timestamp()), SignedDuration::from_hours(1));
    }

    proptest! {
        /// What the server accepts: an end that is still to come, less than 24 hours ahead.
        #[test]
        fn is_neither_over_nor_too_long(second in 1_767_225_600_i64..1_830_297_600) {
            let now = Timestamp::from_second(second).unwrap().to_zoned_datetime(berlin());
            for pause in offered(minute(&now)) {
                let length = end(pause, &now).timestamp().duration_since(now.timestamp());
                prop_assert!(length >= SignedDuration::from_mins(15) && length < SignedDuration::from_hours(24), "{pause:?}: {length}");
            }
        }
    }
}
