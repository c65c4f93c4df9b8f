//! The page's words: namespace `webmail` of the catalogue in `crates/plugin/locales`.

use std::cell::Cell;

use plugin::i18n::Locale;

thread_local! {
    static LOCALE: Cell<Locale> = const { Cell::new(Locale::en) };
}

/// The page's language, the same from start to end.
pub(crate) fn locale() -> Locale {
    LOCALE.get()
}

/// Settles the language before anything is shown.
pub(crate) fn speak(locale: Locale) {
    LOCALE.set(locale);
}

/// The language for a browser that prefers `tag`: German for German, else English.
pub(crate) fn locale_for(tag: &str) -> Locale {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    if primary.eq_ignore_ascii_case("de") { Locale::de } else { Locale::en }
}

/// A text of the catalogue: `w!(inbox)`, `w!(not_an_address, text = typed)`.
macro_rules! w {
    ($key:ident $(, $($name:ident = $value:expr),+)?) => {
        plugin::i18n::td_string!($crate::words::locale(), webmail.$key $(, $($name = $value),+)?)
    };
}
pub(crate) use w;

/// A number of bytes as people read it: `240 kB`.
pub(crate) fn size(bytes: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1_000_000, "MB"), (1_000, "kB")];
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let tenths = bytes / (unit / 10);
    let point = if locale() == Locale::de { ',' } else { '.' };
    if tenths < 100 && tenths % 10 != 0 {
        format!("{}{point}{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("de", Locale::de)]
    #[case("de-AT", Locale::de)]
    #[case("DE", Locale::de)]
    #[case("en-US", Locale::en)]
    #[case("den", Locale::en)]
    #[case("fr", Locale::en)]
    #[case("", Locale::en)]
    fn languages(#[case] tag: &str, #[case] expected: Locale) {
        assert_eq!(locale_for(tag), expected);
    }

    #[rstest]
    #[case(0, "0 B")]
    #[case(999, "999 B")]
    #[case(1_000, "1 kB")]
    #[case(1_550, "1.5 kB")]
    #[case(240_400, "240 kB")]
    #[case(3_200_000, "3.2 MB")]
    fn sizes(#[case] bytes: usize, #[case] expected: &str) {
        assert_eq!(size(bytes), expected);
    }
}
