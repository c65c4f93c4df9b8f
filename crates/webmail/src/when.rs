//! Times as people read them, in the browser's zone and manner.

use jiff::Timestamp;
use plugin::browser::now;
use plugin::words::language;
use wasm_bindgen::JsValue;

use crate::el::{El, el};

/// How far back a day lies: what of a time is worth showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nearness {
    Today,
    /// Within six days, so that the weekday names it.
    ThisWeek,
    ThisYear,
    Further,
}

/// How near a day is that lies so many days back.
pub(crate) fn nearness(days: i64, same_year: bool) -> Nearness {
    match (days, same_year) {
        (0, _) => Nearness::Today,
        (1..=6, _) => Nearness::ThisWeek,
        (_, true) => Nearness::ThisYear,
        (_, false) => Nearness::Further,
    }
}

/// A time as short as a list needs it: `14:05`, `Mo`, `3. Nov.`, `3.11.2025`.
pub(crate) fn short(at: Timestamp) -> String {
    let (day, today) = (Day::of(at), Day::of(now()));
    match nearness(today.number - day.number, today.year == day.year) {
        Nearness::Today => format(at, &TIME),
        Nearness::ThisWeek => format(at, &[("weekday", "short")]),
        Nearness::ThisYear => format(at, &[("day", "numeric"), ("month", "short")]),
        Nearness::Further => format(at, &[("day", "numeric"), ("month", "numeric"), ("year", "numeric")]),
    }
}

/// Day and time in full, and whether that is today (then it is the time only).
pub(crate) fn long(at: Timestamp) -> (bool, String) {
    if Day::of(at).number == Day::of(now()).number {
        return (true, format(at, &TIME));
    }
    let day = [("weekday", "short"), ("day", "numeric"), ("month", "long"), ("year", "numeric")];
    (false, format(at, &[&day[..], &TIME[..]].concat()))
}

/// Hours and minutes.
pub(crate) fn time(at: Timestamp) -> String {
    format(at, &TIME)
}

/// The time as an element that programs can read too.
pub(crate) fn element(at: Timestamp, shown: String) -> El {
    el("time").attr("datetime", String::from(to_js(at).to_iso_string())).text(shown)
}

const TIME: [(&str, &str); 2] = [("hour", "2-digit"), ("minute", "2-digit")];

#[expect(clippy::cast_precision_loss, reason = "milliseconds of our era fit")]
fn to_js(at: Timestamp) -> js_sys::Date {
    js_sys::Date::new(&JsValue::from_f64(at.as_millisecond() as f64))
}

/// A day in the browser's zone.
struct Day {
    /// Counted from some day long ago.
    number: i64,
    year: u32,
}

impl Day {
    #[expect(clippy::cast_possible_truncation, reason = "minutes from UTC are few")]
    fn of(at: Timestamp) -> Self {
        let date = to_js(at);
        let local = at.as_second() - date.get_timezone_offset() as i64 * 60;
        Self { number: local.div_euclid(24 * 60 * 60), year: date.get_full_year() }
    }
}

fn format(at: Timestamp, options: &[(&str, &str)]) -> String {
    let chosen = js_sys::Object::new();
    for (name, value) in options {
        // A plain object takes every property.
        let _ = js_sys::Reflect::set(&chosen, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    to_js(at).to_locale_string(language(), &chosen).into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, true, Nearness::Today)]
    #[case(1, true, Nearness::ThisWeek)]
    #[case(6, true, Nearness::ThisWeek)]
    #[case(6, false, Nearness::ThisWeek)]
    #[case(7, true, Nearness::ThisYear)]
    #[case(7, false, Nearness::Further)]
    #[case(-1, true, Nearness::ThisYear)]
    #[case(-1, false, Nearness::Further)]
    fn days(#[case] back: i64, #[case] same_year: bool, #[case] expected: Nearness) {
        assert_eq!(nearness(back, same_year), expected);
    }
}
