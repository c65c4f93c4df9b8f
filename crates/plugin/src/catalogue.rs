//! Tests over the catalogue of every language. That no key is missing, the build itself shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use icu_plurals::{PluralCategory, PluralRules, PluralRulesOptions};
use leptos_i18n::{Locale as _, td_string};
use rstest::rstest;

use crate::i18n::Locale;
use crate::words::BETWEEN_FORMS;

mod pseudo {
    include!("../pseudo.rs");

    pub(super) fn of(key: &str, text: &str) -> String {
        pseudo(key, text)
    }
}

const NAMESPACES: [&str; 3] = ["plugin", "webmail", "bounce"];

type Texts = BTreeMap<String, String>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("locales")
}

/// The texts of a language by namespace and key; a text that stands there twice is refused.
fn texts(language: &str) -> Texts {
    let of = |namespace: &str| {
        let json = fs::read_to_string(folder().join(language).join(format!("{namespace}.json"))).unwrap();
        let texts: Texts = serde_json::from_str(&json).unwrap();
        let lines = json.lines().filter(|line| line.starts_with("  \""));
        assert_eq!(lines.count(), texts.len(), "{language}/{namespace}.json: one text a line, each once");
        texts.into_iter().map(move |(key, text)| (format!("{namespace}.{key}"), text)).collect::<Vec<_>>()
    };
    NAMESPACES.into_iter().flat_map(of).collect()
}

/// All languages there are, the pseudo-language of `pseudo.rs` last.
fn languages() -> Vec<(String, Texts)> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let spoken: BTreeSet<&str> =
        Locale::get_all().iter().map(|locale| locale.as_str()).filter(|name| *name != "xx").collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        spoken,
        "every folder is a language"
    );
    let mut all: Vec<_> = names.into_iter().map(|name| (name.clone(), texts(&name))).collect();
    let made = texts("en").into_iter().map(|(key, text)| {
        let made = pseudo::of(key.split_once('.').unwrap().1, &text);
        (key, made)
    });
    all.push(("xx".to_owned(), made.collect()));
    all
}

/// What a text has put in: `{{ name }}` and `<tag>`.
fn placeholders(text: &str) -> BTreeSet<&str> {
    let between =
        |open, close| text.split(open).skip(1).filter_map(move |rest: &str| rest.split(close).next());
    between("{{", "}}")
        .map(str::trim)
        .chain(between("<", ">").map(|tag| tag.trim_start_matches('/')))
        .collect()
}

/// The forms of a text by their names, if it has any.
fn forms(text: &str) -> Option<BTreeMap<&str, &str>> {
    let is_name = |name: &&str| ["zero", "one", "two", "few", "many", "other"].contains(name);
    let all = text.split(BETWEEN_FORMS).map(|form| form.split_once(": ").filter(|(name, _)| is_name(name)));
    all.collect()
}

#[test]
fn every_language_has_every_text_with_the_same_put_in() {
    let english = texts("en");
    for (language, texts) in languages() {
        assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language}");
        for (key, text) in texts {
            assert_eq!(placeholders(&text), placeholders(&english[&key]), "{language}: {key}");
        }
    }
}

/// As many forms as the language has (CLDR), and as English has texts with forms.
#[test]
fn every_language_has_its_plural_forms() {
    let english = texts("en");
    for (language, texts) in languages() {
        let locale = texts["plugin.language"].parse::<icu_locale_core::Locale>().unwrap();
        let rules = PluralRules::try_new(locale.into(), PluralRulesOptions::default()).unwrap();
        let needed: BTreeSet<&str> = rules.categories().map(name_of).collect();
        for (key, text) in &texts {
            let forms = forms(text);
            assert_eq!(forms.is_some(), self::forms(&english[key]).is_some(), "{language}: {key}");
            let Some(forms) = forms else { continue };
            assert_eq!(forms.keys().copied().collect::<BTreeSet<_>>(), needed, "{language}: {key}");
            // What somebody else has written could hold what stands between two forms.
            assert_eq!(placeholders(text), BTreeSet::from(["count"]), "{language}: {key}");
        }
    }
}

fn name_of(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

/// A text for one and one for more is what two languages have; a text with forms is what all have.
#[test]
fn no_text_counts_by_itself() {
    let english = texts("en");
    for key in english.keys() {
        assert!(!key.ends_with("_one") && !key.ends_with("_other"), "{key}: give it plural forms");
    }
}

#[test]
fn no_text_is_empty_or_shouts() {
    for (language, texts) in languages() {
        for (key, text) in texts {
            assert!(!text.trim().is_empty() && !text.contains('!'), "{language}: {key}: {text}");
        }
    }
}

#[rstest]
#[case("plain", "Sent to {{ to }}.", "⟦Sëënt tøø {{ to }}.⟧")]
#[case("forms", "one: 1 mail | other: {{ count }} mails", "one: ⟦1 mááïïl⟧ | other: ⟦{{ count }} mááïïls⟧")]
#[case("language", "en-GB", "en-GB")]
fn the_pseudo_language(#[case] key: &str, #[case] text: &str, #[case] expected: &str) {
    assert_eq!(pseudo::of(key, text), expected);
}

/// Sources in which people are spoken to, each with where its tests begin cut off.
fn sources() -> Vec<(PathBuf, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = ["plugin/src", "webmail/src", "roundcube/src"].map(|name| crates.join(name)).to_vec();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "catalogue.rs" {
                let source = fs::read_to_string(&path).unwrap();
                let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                found.push((path, code));
            }
        }
    }
    found
}

/// What is shown stands in the catalogue, or no other language has it. The page in the pseudo-language shows the same.
#[test]
fn no_words_are_written_into_the_sources() {
    // What shows its argument as words: the literal comes first, or after the name of an attribute.
    const SHOWS: [&str; 9] = [
        ".text(\"",
        "paragraph(\"",
        ".say(\"",
        "button(\"",
        ".set_text_content(Some(\"",
        "attr(\"aria-label\", \"",
        "attr(\"title\", \"",
        "attr(\"placeholder\", \"",
        "attr(\"alt\", \"",
    ];
    let sources = sources();
    assert!(sources.len() > 50, "the sources are found");
    for (path, code) in sources {
        for shows in SHOWS {
            for shown in code.split(shows).skip(1).filter_map(|rest| rest.split('"').next()) {
                let is_class_of_button =
                    shows == "button(\"" && shown.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
                let is_word = shown.chars().any(char::is_alphabetic) && !is_class_of_button;
                assert!(!is_word, "{}: {shown:?} is in no catalogue", path.display());
            }
        }
    }
}

/// The names that the contract fixes.
#[rstest]
#[case(Locale::de, &["TLS-Versand-Garantie jetzt aktivieren", "TLS-Versand-Garantie jetzt deaktivieren", "Versand gestoppt",
    "Keine echte Meldung", "Nicht zugestellt", "Empfänger informieren", "Ende-zu-Ende-verschlüsselt senden", "Ohne TLS-Garantie senden"],
    "nicht gesendet")]
#[case(Locale::en, &["Activate the TLS sending guarantee now", "Deactivate the TLS sending guarantee now", "Sending stopped",
    "Not a genuine notice", "Not delivered", "Tell the recipient", "Send end-to-end encrypted", "Send without the TLS guarantee"],
    "not sent")]
fn fixed_names(#[case] locale: Locale, #[case] names: &[&str], #[case] mark: &str) {
    let ours = [
        td_string!(locale, plugin.activate),
        td_string!(locale, plugin.deactivate),
        td_string!(locale, plugin.stopped_title),
        td_string!(locale, plugin.forged_title),
        td_string!(locale, plugin.other_title),
        td_string!(locale, plugin.way_tell),
        td_string!(locale, plugin.way_end_to_end),
        td_string!(locale, plugin.way_without),
    ];
    assert_eq!(ours, names);
    assert!(td_string!(locale, plugin.not_sent_to, recipients = "x").starts_with(mark));
}
