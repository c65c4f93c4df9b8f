//! An RFC's own text, to see that the catalogue has every rule of it.

use std::collections::BTreeMap;

use crate::annotations::KEYWORDS;
use crate::catalogue::{Rule, Standard};

/// Headings without a number; none of them has rules.
const BOILERPLATE: [&str; 14] = [
    "Abstract",
    "Acknowledg",
    "Author",
    "Category",
    "Contributors",
    "Copyright",
    "Editor",
    "Full Copyright",
    "ISSN",
    "Internet Engineering Task Force",
    "Network Working Group",
    "Request for Comments",
    "Status",
    "Table of Contents",
];

/// Section number → its own text on one line, without page breaks.
pub(crate) fn sections(rfc: &str) -> BTreeMap<String, String> {
    let mut sections = BTreeMap::<String, String>::new();
    let mut current = None;
    for line in rfc.lines().map(|line| line.trim_end().trim_start_matches('\u{c}')) {
        if line.is_empty() || is_page_break(line) {
            continue;
        }
        if let Some(number) = heading(line) {
            current = Some(number.to_owned());
        } else if BOILERPLATE.iter().any(|title| line.starts_with(title)) {
            current = None;
        } else if let Some(number) = &current {
            add(sections.entry(number.clone()).or_default(), line.trim_start());
        }
    }
    sections
}

/// Words that were split at their hyphen are joined again.
fn add(text: &mut String, line: &str) {
    let split = text.ends_with('-') && text[..text.len() - 1].ends_with(is_word) && line.starts_with(is_word);
    if !text.is_empty() && !split {
        text.push(' ');
    }
    text.push_str(&line.split_whitespace().collect::<Vec<_>>().join(" "));
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_page_break(line: &str) -> bool {
    line.ends_with(']') && line.contains("[Page ")
        || line.starts_with("RFC ") && line.ends_with(|c: char| c.is_ascii_digit())
}

/// `3.1.  Title` → `3.1`, `Appendix B.  Title` → `B`; the body is indented, headings are not.
fn heading(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("Appendix ");
    let (number, title) = bare.unwrap_or(line).split_once(' ')?;
    let dotted = number.ends_with('.');
    let number = number.trim_end_matches('.');
    let mut parts = number.split('.');
    let first = parts.next()?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let letter = first.len() == 1 && first.as_bytes()[0].is_ascii_uppercase() && (dotted || bare.is_some());
    let is_number = (digits(first) || letter) && parts.all(digits);
    let titled =
        title.trim_start_matches([' ', '-']).starts_with(|c: char| c.is_ascii_alphabetic() || c == '"');
    (is_number && titled).then_some(number)
}

/// Where keywords stand, but for those in quotation marks, which say what keywords mean.
fn keywords(text: &str) -> BTreeMap<usize, &'static str> {
    let mut found = BTreeMap::new();
    let mut from = 0;
    while from < text.len() {
        let rest = &text[from..];
        let begins = !text[..from].ends_with(is_word);
        let ends = |keyword: &&str| !rest[keyword.len()..].starts_with(is_word);
        let keyword = KEYWORDS.into_iter().find(|keyword| begins && rest.starts_with(keyword)).filter(ends);
        if let Some(keyword) = keyword {
            if !(text[..from].ends_with('"') && rest[keyword.len()..].starts_with('"')) {
                found.insert(from, keyword);
            }
            from += keyword.len();
        } else {
            from += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// What the catalogue has too much or too little, compared with the RFC's text.
pub(crate) fn differences(standard: &Standard, rfc: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let sections = sections(rfc);
    for rule in &standard.rules {
        if standard.sections.as_ref().is_some_and(|taken| !taken.contains(&rule.section)) {
            errors.push(format!("RFC {} {}: not among the sections taken", standard.rfc, rule.section));
        }
    }
    let taken = |section: &String| standard.sections.as_ref().is_none_or(|taken| taken.contains(section));
    for (section, text) in sections.iter().filter(|(section, _)| taken(section)) {
        let mut open = keywords(text);
        for rule in standard.rules.iter().filter(|rule| rule.section == *section) {
            if let Some(place) = place_of(rule, text, &open) {
                open.remove(&place);
            } else {
                errors.push(format!(
                    "RFC {} {section}: not in its text, or there already: {}",
                    standard.rfc, rule.text
                ));
            }
        }
        errors.extend(open.iter().map(|(&place, keyword)| {
            let from = text[..place].rfind(". ").map_or(0, |end| end + 2);
            format!("RFC {} {section}: the catalogue lacks this {keyword}: {}", standard.rfc, &text[from..])
        }));
    }
    for rule in standard.rules.iter().filter(|rule| !sections.contains_key(&rule.section)) {
        errors.push(format!("RFC {} has no section {}", standard.rfc, rule.section));
    }
    errors
}

/// The place of the rule's only keyword, where the rule's pieces follow each other in `text`.
fn place_of(rule: &Rule, text: &str, open: &BTreeMap<usize, &str>) -> Option<usize> {
    let pieces: Vec<&str> = rule.pieces().collect();
    let first = pieces.first()?;
    text.match_indices(first).find_map(|(start, _)| {
        let mut from = start;
        let mut places = Vec::new();
        for piece in &pieces {
            let at = from + text[from..].find(piece)?;
            from = at + piece.len();
            places.extend(keywords(piece).into_iter().map(|(place, keyword)| (at + place, keyword)));
        }
        match places[..] {
            [(place, keyword)] if keyword == rule.keyword && open.get(&place) == Some(&keyword) => {
                Some(place)
            }
            _ => None,
        }
    })
}
