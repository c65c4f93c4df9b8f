//! The page's language and its texts.

use std::cell::Cell;

use crate::i18n::Locale;

thread_local! {
    static LOCALE: Cell<Option<Locale>> = const { Cell::new(None) };
}

/// The page's language, the same from start to end: the one that [`speak`] settled, or else the browser's.
pub fn locale() -> Locale {
    LOCALE.get().unwrap_or_else(|| {
        let preferred = web_sys::window().and_then(|window| window.navigator().language());
        let locale = locale_for(&preferred.unwrap_or_default());
        speak(locale);
        locale
    })
}

/// Settles the language. A webmail that has a language of its own calls it before anything is shown.
pub fn speak(locale: Locale) {
    LOCALE.set(Some(locale));
}

/// The language for somebody who prefers `tag` (BCP 47): German for German, else English.
pub fn locale_for(tag: &str) -> Locale {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    if primary.eq_ignore_ascii_case("de") { Locale::de } else { Locale::en }
}

/// A text of the namespace `plugin`: `w!(later)`, `w!(not_sent_to, recipients = list)`.
macro_rules! w {
    ($key:ident $(, $($name:ident = $value:expr),+)?) => {
        leptos_i18n::td_string!($crate::words::locale(), plugin.$key $(, $($name = $value),+)?)
    };
}
pub(crate) use w;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("de", Locale::de)]
    #[case("de-AT", Locale::de)]
    #[case("de_CH", Locale::de)]
    #[case("DE", Locale::de)]
    #[case("en-US", Locale::en)]
    #[case("den", Locale::en)]
    #[case("fr", Locale::en)]
    #[case("", Locale::en)]
    fn languages(#[case] tag: &str, #[case] expected: Locale) {
        assert_eq!(locale_for(tag), expected);
    }
}
