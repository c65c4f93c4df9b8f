//! What only a browser has: clock, randomness, clipboard, dates in the user's language.

use jiff::Timestamp;
use js_sys::{Array, Date, Function, Intl, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::i18n::Locale;
use crate::state::compose::Stamp;
use crate::words::language_of;

/// The time now, by the browser's clock.
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(millisecond(Date::now())).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, reason = "a date in milliseconds is far below 2^53")]
fn millisecond(value: f64) -> i64 {
    value as i64
}

/// What makes the next message unlike any other; `account` gives the Message-ID its domain.
pub fn stamp(account: &str) -> Stamp {
    let domain = account.rsplit_once('@').map_or("", |(_, domain)| domain);
    Stamp { message_id: format!("{}@{}", random(), in_ascii(domain)), date: now(), boundary: random() }
}

/// A domain in letters, digits and hyphens, as a Message-ID has it: every server and every webmail takes it so.
fn in_ascii(domain: &str) -> String {
    if is_host_name(domain) {
        return domain.to_owned();
    }
    // The browser knows the A-labels of an internationalised domain (RFC 5890 §2.3.2.1).
    let written = web_sys::Url::new(&["http://", domain].concat()).map(|url| url.hostname());
    written.ok().filter(|name| is_host_name(name)).unwrap_or_else(|| "localhost".to_owned())
}

/// Whether it is a name of a host (RFC 1123 §2.1), short enough to leave room for what stands before the `@`.
fn is_host_name(name: &str) -> bool {
    name.len() <= 200
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// 128 random bits in hexadecimal digits.
fn random() -> String {
    let mut bytes = [0_u8; 16];
    let filled = web_sys::window()
        .and_then(|window| window.crypto().ok())
        .is_some_and(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).is_ok());
    if !filled {
        for byte in &mut bytes {
            // Uniqueness is all that is needed of a Message-ID and a boundary.
            *byte = (js_sys::Math::random() * 256.0) as u8;
        }
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts a text into the clipboard; false if the browser does not let it. It lets the document that has the focus: from within
/// a frame that may be the page around it.
pub async fn copy(text: &str) -> bool {
    for window in ["self", "parent"] {
        let written = write_into_clipboard_of(window, text);
        if let Ok(written) = written
            && JsFuture::from(written).await.is_ok()
        {
            return true;
        }
    }
    false
}

/// Any of it may be forbidden: another site's page around this one, or a page without TLS.
fn write_into_clipboard_of(window: &str, text: &str) -> Result<Promise, JsValue> {
    let mut found = JsValue::from(js_sys::global());
    for name in [window, "navigator", "clipboard"] {
        found = Reflect::get(&found, &JsValue::from_str(name))?;
    }
    let write: Function = Reflect::get(&found, &JsValue::from_str("writeText"))?.dyn_into()?;
    // The other page's promises are of a class of its own.
    Ok(Promise::resolve(&write.call1(&found, &JsValue::from_str(text))?))
}

/// A point in time as the user's clock and language have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Today, at this time: `14:05`.
    Today(String),
    /// Another day, with its time.
    Other(String),
}

/// The moment in short (`19.11., 08:41`), for lists and tables.
pub fn short(time: Timestamp, locale: Locale) -> Moment {
    let this_year = date(time).get_full_year() == date(now()).get_full_year();
    moment(time, locale, if this_year { &[("day", "numeric"), ("month", "short")] } else { FULL })
}

/// The moment at length (`19. November 2026, 08:41`), for sentences.
pub fn long(time: Timestamp, locale: Locale) -> Moment {
    moment(time, locale, DAY)
}

/// The end of something, within sentences: `15:30`, or with its day if that is another.
pub fn until(time: Timestamp, locale: Locale) -> String {
    match short(time, locale) {
        Moment::Today(text) | Moment::Other(text) => text,
    }
}

/// The minute of the user's day, from 0 to 1439.
pub fn minute_of_day() -> u32 {
    let now = Date::new_0();
    now.get_hours() * 60 + now.get_minutes()
}

/// When it is this hour by the user's clock, so many days from today.
pub fn at_hour(days: u32, hour: u32) -> Timestamp {
    let at = Date::new_0();
    at.set_date(at.get_date() + days);
    at.set_hours(hour);
    at.set_minutes(0);
    at.set_seconds(0);
    at.set_milliseconds(0);
    Timestamp::from_millisecond(millisecond(at.get_time())).unwrap_or_default()
}

/// The day: `19. November 2026`.
pub fn day(time: Timestamp, locale: Locale) -> String {
    format(time, locale, DAY)
}

/// A day as the API writes it, in short: `23. Nov.` for `2026-11-23`.
pub fn short_day(day: &str, locale: Locale) -> String {
    let mut noon = day.to_owned();
    // Where it is noon in Greenwich, it is that day for nearly everybody.
    noon.push_str("T12:00:00Z");
    let time = Timestamp::from_millisecond(millisecond(Date::parse(&noon))).unwrap_or_default();
    format(time, locale, &[("day", "numeric"), ("month", "short")])
}

/// The time of day: `14:05`.
pub fn clock(time: Timestamp, locale: Locale) -> String {
    format(time, locale, CLOCK)
}

const DAY: &[(&str, &str)] = &[("day", "numeric"), ("month", "long"), ("year", "numeric")];
const CLOCK: &[(&str, &str)] = &[("hour", "2-digit"), ("minute", "2-digit")];
const FULL: &[(&str, &str)] = &[("day", "numeric"), ("month", "short"), ("year", "numeric")];

fn moment(time: Timestamp, locale: Locale, day: &[(&str, &str)]) -> Moment {
    if date(time).to_date_string() == date(now()).to_date_string() {
        Moment::Today(clock(time, locale))
    } else {
        Moment::Other(format(time, locale, &[day, CLOCK].concat()))
    }
}

fn date(time: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(time.as_millisecond() as f64))
}

fn format(time: Timestamp, locale: Locale, parts: &[(&str, &str)]) -> String {
    let options = Object::new();
    for (part, form) in parts {
        let _ = Reflect::set(&options, &JsValue::from_str(part), &JsValue::from_str(form));
    }
    let languages = Array::of1(&JsValue::from_str(language_of(locale)));
    let format = Intl::DateTimeFormat::new(&languages, &options);
    format
        .format()
        .call1(&JsValue::UNDEFINED, &date(time))
        .ok()
        .and_then(|text| text.dyn_into::<js_sys::JsString>().ok())
        .map(String::from)
        .unwrap_or_default()
}

/// "a, b und c"; nothing where the browser can't.
pub(crate) fn list(items: &[String], language: &str) -> Option<String> {
    let name = JsValue::from_str;
    let constructor =
        Reflect::get(&Reflect::get(&js_sys::global(), &name("Intl")).ok()?, &name("ListFormat"));
    let constructor: Function = constructor.ok()?.dyn_into().ok()?;
    let format = Reflect::construct(&constructor, &Array::of1(&name(language))).ok()?;
    let method: Function = Reflect::get(&format, &name("format")).ok()?.dyn_into().ok()?;
    let items: Array = items.iter().map(|item| name(item)).collect();
    method.call1(&format, &items).ok()?.as_string()
}

/// Which of a language's plural forms a number takes: `one`, `few`, `other` …
pub(crate) fn plural_category(count: u32, language: &str) -> String {
    let rules = Intl::PluralRules::new(&Array::of1(&JsValue::from_str(language)), &Object::new());
    rules.select(f64::from(count)).into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// As Roundcube's side takes them (`is_message_id` of the plugin in PHP).
    #[rstest]
    #[case("example.org", true)]
    #[case("localhost", true)]
    #[case("xn--mller-kva.example", true)]
    #[case("müller.example", false)]
    #[case("my_host.example", false)]
    #[case("[192.0.2.1]", false)]
    #[case("-a.example", false)]
    #[case("a-.example", false)]
    #[case("a..example", false)]
    #[case("", false)]
    #[case(&["a"; 101].join("."), false)]
    fn names_of_hosts(#[case] name: &str, #[case] expected: bool) {
        assert_eq!(is_host_name(name), expected);
    }
}
