//! Times as people read them, in the browser's zone and manner.

use jiff::Timestamp;
use jiff::civil::Date;
use plugin::browser::now;
use plugin::i18n::Locale;
use plugin::words::locale;
use wasm_bindgen::JsValue;


/// How far back a day lies: what of a time is worth showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nearness {
    Today,
    /// Within six days, so that the weekday names it.
    ThisWeek,
    ThisYear,
    Further,
}

/// How far `day` is from `today`.
pub(crate) fn nearness(day: Date, today: Date) -> Nearness {
    let days = day.until(today).map_or(i32::MAX, |span| span.get_days());
    match days {
        0 => Nearness::Today,
        1..=6 => Nearness::ThisWeek,
        _ if day.year() == today.year() => Nearness::ThisYear,
        _ => Nearness::Further,
    }
}

/// A time as short as a list needs it: `14:05`, `Mo`, `3. Nov.`, `3.11.2025`.
pub(crate) fn short(at: Timestamp) -> String {
    match nearness(local_day(at), local_day(now())) {
        Nearness::Today => format(at, &TIME),
        Nearness::ThisWeek => format(at, &[("weekday", "short")]),
        Nearness::ThisYear => format(at, &[("day", "numeric"), ("month", "short")]),
        Nearness::Further => {
            format(at, &[("day", "numeric"), ("month", "numeric"), ("year", "numeric")])
        }
    }
}

/// Day and time in full, and whether that is today (then it is the time only).
pub(crate) fn long(at: Timestamp) -> (bool, String) {
    if local_day(at) == local_day(now()) {
        return (true, format(at, &TIME));
    }
    let day = [("weekday", "short"), ("day", "numeric"), ("month", "long"), ("year", "numeric")];
    (false, format(at, &[&day[..], &TIME[..]].concat()))
}

/// Hours and minutes.
pub(crate) fn time(at: Timestamp) -> String {
    format(at, &TIME)
}

const TIME: [(&str, &str); 2] = [("hour", "2-digit"), ("minute", "2-digit")];

#[expect(clippy::cast_precision_loss, reason = "milliseconds of our era fit")]
fn to_js(at: Timestamp) -> js_sys::Date {
    js_sys::Date::new(&JsValue::from_f64(at.as_millisecond() as f64))
}

fn local_day(at: Timestamp) -> Date {
    let date = to_js(at);
    let (year, month, day) = (date.get_full_year(), date.get_month() + 1, date.get_date());
    let number = |number: u32| i8::try_from(number).unwrap_or(1);
    Date::new(i16::try_from(year).unwrap_or(i16::MAX), number(month), number(day)).unwrap_or_default()
}

fn format(at: Timestamp, options: &[(&str, &str)]) -> String {
    let chosen = js_sys::Object::new();
    for (name, value) in options {
        // A plain object takes every property.
        let _ = js_sys::Reflect::set(&chosen, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    let manner = match locale() {
        Locale::de => "de",
        Locale::en => "en-GB",
    };
    to_js(at).to_locale_string(manner, &chosen).into()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(date(2026, 11, 24), Nearness::Today)]
    #[case(date(2026, 11, 23), Nearness::ThisWeek)]
    #[case(date(2026, 11, 18), Nearness::ThisWeek)]
    #[case(date(2026, 11, 17), Nearness::ThisYear)]
    #[case(date(2026, 1, 1), Nearness::ThisYear)]
    #[case(date(2025, 12, 31), Nearness::Further)]
    #[case(date(2026, 11, 25), Nearness::ThisYear)]
    #[case(date(2027, 1, 1), Nearness::Further)]
    fn days(#[case] day: Date, #[case] expected: Nearness) {
        assert_eq!(nearness(day, date(2026, 11, 24)), expected);
    }

    #[test]
    fn the_turn_of_the_year_is_within_the_week() {
        assert_eq!(nearness(date(2026, 12, 30), date(2027, 1, 2)), Nearness::ThisWeek);
    }
}
