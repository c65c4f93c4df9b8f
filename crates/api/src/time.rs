//! Times on the wire: RFC 3339 in UTC.
//!
//! The server reads whatever RFC 3339 allows. The browser only reads what the server writes; the library's
//! general parser and its messages would be a tenth of the browser's module, so there a few lines do.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// A time as the API writes it: `2026-11-24T13:05:00Z`, with as much of the second as there is.
pub fn rfc3339(at: Timestamp) -> String {
    #[cfg(not(target_family = "wasm"))]
    return at.to_string();
    #[cfg(target_family = "wasm")]
    small::write(at)
}

fn read(text: &str) -> Option<Timestamp> {
    #[cfg(not(target_family = "wasm"))]
    return text.parse().ok();
    #[cfg(target_family = "wasm")]
    small::read(text)
}

/// For `#[serde(with)]`.
pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// For `#[serde(with)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).ok_or_else(|| D::Error::custom("not a time like 2026-11-24T13:05:00Z (RFC 3339)"))
}

/// The same for a time that may be absent.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Error, Serializer, Timestamp, read, rfc3339};

    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.serialize_some(&rfc3339(*at)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let wrong = || D::Error::custom("not a time like 2026-11-24T13:05:00Z (RFC 3339)");
        read(&text).map(Some).ok_or_else(wrong)
    }
}

#[cfg(any(test, target_family = "wasm"))]
mod small {
    use jiff::Timestamp;

    const DAY: i64 = 86_400;
    /// Days of 400 years, after which the calendar repeats.
    const ERA: i64 = 146_097;

    /// Reads `YYYY-MM-DDTHH:MM:SS[.fraction]Z`.
    pub(super) fn read(text: &str) -> Option<Timestamp> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let valid =
            (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        valid.then(|| Timestamp::new(seconds, nanoseconds(fraction)?).ok())?
    }

    /// Writes what [`read`] reads.
    pub(super) fn write(at: Timestamp) -> String {
        let (seconds, nanosecond) = (at.as_second(), at.subsec_nanosecond());
        // Before 1970 the library counts the fraction downwards.
        let (seconds, nanosecond) =
            if nanosecond < 0 { (seconds - 1, nanosecond + 1_000_000_000) } else { (seconds, nanosecond) };
        let (year, month, day) = date(seconds.div_euclid(DAY));
        let of_day = seconds.rem_euclid(DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if nanosecond > 0 {
            let fraction = format!("{nanosecond:09}");
            text.push('.');
            text.push_str(fraction.trim_end_matches('0'));
        }
        text.push('Z');
        text
    }

    fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
        let mut parts = text.split(separator).map(|part| {
            let digits =
                !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok())?
        });
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(three)
    }

    fn nanoseconds(fraction: &str) -> Option<i32> {
        let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let nine: String = fraction.chars().chain("00000000".chars()).take(9).collect();
        digits.then(|| nine.parse().ok())?
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day is the last.
    fn days(year: i64, month: i64, day: i64) -> i64 {
        let year = if month <= 2 { year - 1 } else { year };
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The reverse of [`days`].
    fn date(days: i64) -> (i64, i64, i64) {
        let days = days + 719_468;
        let of_era = days.rem_euclid(ERA);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + days.div_euclid(ERA) * 400 + i64::from(month <= 2), month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, small};
    use proptest::prelude::*;

    proptest! {
        /// The few lines agree with the library, both ways, over four digits of years.
        #[test]
        fn agrees_with_the_library(second in -62_135_596_800_i64..253_402_207_200, nano in 0_i32..1_000_000_000) {
            let at = Timestamp::new(second, 0).expect("in range") + jiff::SignedDuration::from_nanos(nano.into());
            prop_assert_eq!(small::write(at), at.to_string());
            prop_assert_eq!(small::read(&at.to_string()), Some(at));
        }

        #[test]
        fn nonsense_is_refused_without_a_panic(text in "[-0-9TZ:.+ a]{0,40}") {
            if let Some(read) = small::read(&text) {
                prop_assert_eq!(small::read(&small::write(read)), Some(read));
            }
        }
    }

    #[test]
    fn knows_leap_days_and_bounds() {
        for text in [
            "2024-02-29T00:00:00Z",
            "2000-02-29T23:59:59.5Z",
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59.25Z",
        ] {
            let at: Timestamp = text.parse().expect("valid");
            assert_eq!(small::read(text), Some(at));
            assert_eq!(small::write(at), text);
        }
        for text in [
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00",
            "",
        ] {
            assert_eq!(small::read(text), None, "{text}");
        }
    }
}
