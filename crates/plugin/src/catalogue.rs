//! Tests over the catalogue of both languages. That no key is missing, the build itself shows.

use std::collections::{BTreeMap, BTreeSet};

use leptos_i18n::td_string;
use rstest::rstest;

use crate::i18n::Locale;

const FILES: [(&str, &str, &str); 3] = [
    ("plugin", include_str!("../locales/de/plugin.json"), include_str!("../locales/en/plugin.json")),
    ("webmail", include_str!("../locales/de/webmail.json"), include_str!("../locales/en/webmail.json")),
    ("bounce", include_str!("../locales/de/bounce.json"), include_str!("../locales/en/bounce.json")),
];

fn texts(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap()
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

#[test]
fn both_languages_use_the_same_placeholders() {
    for (name, de, en) in FILES {
        let en = texts(en);
        for (key, german) in texts(de) {
            assert_eq!(placeholders(&german), placeholders(&en[&key]), "{name}.{key}");
        }
    }
}

#[test]
fn no_text_is_empty_or_shouts() {
    for (name, de, en) in FILES {
        for (key, text) in texts(de).into_iter().chain(texts(en)) {
            assert!(!text.trim().is_empty() && !text.contains('!'), "{name}.{key}: {text}");
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
