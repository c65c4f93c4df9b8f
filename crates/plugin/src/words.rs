//! The page's language and its texts. How a language is added: `docs/languages.md`.

use std::cell::Cell;

use leptos_i18n::Locale as _;

use crate::browser;
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

/// The language for somebody who prefers `tag` (BCP 47): that one if there are texts in it, else English.
pub fn locale_for(tag: &str) -> Locale {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    let spoken = Locale::get_all().iter().find(|locale| locale.as_str().eq_ignore_ascii_case(primary));
    spoken.copied().unwrap_or_default()
}

/// The page's language as the platform's `Intl` has it (BCP 47): of the languages with a region, the one whose manner of
/// writing dates and lists is ours.
pub fn language() -> &'static str {
    language_of(locale())
}

pub(crate) fn language_of(locale: Locale) -> &'static str {
    leptos_i18n::td_string!(locale, plugin.language)
}

/// Addresses as a sentence lists them: `a@b.example, c@d.example und e@f.example`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        _ => browser::list(items, language()).unwrap_or_else(|| items.join(", ")),
    }
}

/// Of a text with plural forms, `one: a mail | other: {{ count }} mails`, the form for so many.
pub fn plural(forms: &str, count: u32) -> String {
    form(forms, &browser::plural_category(count, language())).to_owned()
}

/// The form for a category of `Intl.PluralRules`; `other` is there in every language.
fn form<'a>(forms: &'a str, category: &str) -> &'a str {
    let of = |wanted: &str| {
        let mut all = forms.split(BETWEEN_FORMS).filter_map(|form| form.split_once(": "));
        all.find(|(name, _)| *name == wanted).map(|(_, form)| form)
    };
    of(category).or_else(|| of("other")).unwrap_or(forms)
}

/// Stands between the forms of a text.
pub(crate) const BETWEEN_FORMS: &str = " | ";

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

    #[rstest]
    #[case("one: 1 mail | other: 5 mails", "one", "1 mail")]
    #[case("one: 1 mail | other: 5 mails", "other", "5 mails")]
    #[case("one: 1 mail | other: 5 mails", "few", "5 mails")]
    #[case("one: 1: a | few: 3: b | other: 5: c", "few", "3: b")]
    #[case("no forms", "one", "no forms")]
    #[case("", "other", "")]
    fn plural_forms(#[case] forms: &str, #[case] category: &str, #[case] expected: &str) {
        assert_eq!(form(forms, category), expected);
    }
}
