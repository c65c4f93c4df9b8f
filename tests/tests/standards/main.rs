//! `tests/standards.md`: every MUST and SHOULD that concerns a sender, and the test that shows it.
//!
//! The rules were taken once from the RFCs' texts into `tests/standards`; which test shows which rule stands
//! above the test itself, as `// rfc NUMBER SECTION: KEYWORD words of the rule`. `cargo xtask standards` writes
//! the table anew.

mod annotations;
mod catalogue;
mod table;
mod text;

use std::path::{Path, PathBuf};
use std::{env, fs};

use rstest::rstest;

use crate::annotations::Annotation;

/// Set by `cargo xtask standards`: the table is written instead of compared.
const WRITE: &str = "WRITE_STANDARDS";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

#[test]
fn the_table_is_as_the_annotations_say() {
    let root = workspace();
    let standards = catalogue::read(&root);
    let (annotations, mut errors) = annotations::read(&root);
    let (sections, unmatched) = table::join(&standards, &annotations);
    errors.extend(unmatched);
    let path = root.join("tests/standards.md");
    let expected = table::render(&sections);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &expected).expect("tests/standards.md can be written");
    }
    assert!(errors.is_empty(), "mend these annotations:\n{}", errors.join("\n"));
    let found = fs::read_to_string(&path).unwrap_or_default();
    let stale = expected.lines().find(|line| !found.lines().any(|other| other == *line));
    assert!(
        found == expected,
        "tests/standards.md is stale: run `cargo xtask standards`; it lacks, for example:\n{}",
        stale.unwrap_or("(nothing, but has lines too many)")
    );
}

#[test]
fn every_rule_has_a_test_or_a_reason() {
    let root = workspace();
    let standards = catalogue::read(&root);
    let (annotations, _) = annotations::read(&root);
    let (sections, _) = table::join(&standards, &annotations);
    let missing: Vec<String> = sections
        .iter()
        .flat_map(|(standard, rows)| rows.iter().map(move |row| (standard.rfc, row)))
        .filter(|(_, row)| row.is_missing())
        .map(|(rfc, row)| {
            format!("// rfc {rfc} {}: {} {}", row.rule.section, row.rule.keyword, row.rule.text)
        })
        .collect();
    assert!(
        missing.is_empty(),
        "{} rules have neither a test nor a reason: put such a line, shortened, above the test \
         that shows the rule, or say in tests/standards why it does not concern a sender (`not_applicable`):\n{}",
        missing.len(),
        missing.join("\n")
    );
}

#[test]
fn a_departure_has_a_page_that_explains_it() {
    let root = workspace();
    for rule in catalogue::read(&root).iter().flat_map(|standard| &standard.rules) {
        let reason = rule.not_applicable.as_deref().unwrap_or_default();
        if let Some((_, page)) = reason.split_once("departs on purpose: ") {
            assert!(root.join(page).is_file(), "{reason}: there is no such page");
        }
    }
}

#[test]
fn the_catalogue_has_every_rule_of_the_texts() {
    let root = workspace();
    let texts = root.join("../shared/rfc");
    if !texts.is_dir() {
        println!("not run: no shared data");
        return;
    }
    let errors: Vec<String> = catalogue::read(&root)
        .iter()
        .flat_map(|standard| {
            let bytes = fs::read(texts.join(format!("rfc{}.txt", standard.rfc))).expect("the RFC's text");
            text::differences(standard, &String::from_utf8_lossy(&bytes))
        })
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// What a source with these lines gives: the annotated tests, then the errors.
fn found(source: &str) -> (Vec<String>, Vec<String>) {
    let (mut annotations, mut errors) = (Vec::new(), Vec::new());
    annotations::of_source("crates/delivery/tests/all/hosts.rs", source, &mut annotations, &mut errors);
    let shown =
        |one: &Annotation| format!("{} {} {} {}: {}", one.rfc, one.section, one.keyword, one.words, one.test);
    (annotations.iter().map(shown).collect(), errors)
}

#[rstest]
#[case::plain(
    "// rfc 1 2.3: MUST go on\n#[test]\nfn goes() {}",
    "1 2.3 MUST go on: delivery::all::hosts::goes"
)]
#[case::negated("// rfc 1 B: MUST NOT go\n#[test]\nfn x() {}", "1 B MUST NOT go: delivery::all::hosts::x")]
#[case::above_cases(
    "/// Goes.\n#[rstest]\n// rfc 1 2: SHOULD go\n#[case::long(\n    &[1],\n)]\nfn goes(#[case] x: X) {}",
    "1 2 SHOULD go: delivery::all::hosts::goes"
)]
#[case::with_a_clock(
    "    // rfc 1 2: MUST go\n    #[tokio::test(start_paused = true)]\n    async fn goes() {}",
    "1 2 MUST go: delivery::all::hosts::goes"
)]
#[case::below_parameters(
    "#[rstest]\n#[case(\"[\")]\nfn other(\n    #[case] x: [X; 2],\n) {}\n// rfc 1 2: MUST go\n#[test]\nfn goes() {}",
    "1 2 MUST go: delivery::all::hosts::goes"
)]
fn annotations_belong_to_the_test_below(#[case] source: &str, #[case] expected: &str) {
    assert_eq!(found(source), (vec![expected.to_owned()], vec![]));
}

#[rstest]
#[case::no_colon("// rfc 1 2 MUST go\n#[test]\nfn x() {}", "hosts.rs:1: not of the form")]
#[case::no_words("// rfc 1 2: MUST\n#[test]\nfn x() {}", "hosts.rs:1: not of the form")]
#[case::no_keyword("// rfc 1 2: must go\n#[test]\nfn x() {}", "hosts.rs:1: not of the form")]
#[case::no_test("\n// rfc 1 2: MUST go\nfn x() {}", "hosts.rs:2: not directly above a test that runs")]
#[case::ignored(
    "// rfc 1 2: MUST go\n#[test]\n#[ignore]\nfn x() {}",
    "hosts.rs:1: not directly above a test that"
)]
#[case::other_item(
    "#[test]\nfn x() {\n// rfc 1 2: MUST go\nlet x = 1;\n}",
    "hosts.rs:3: not directly above a"
)]
#[case::in_an_attribute(
    "#[rstest]\n#[case(\n// rfc 1 2: MUST go\n1\n)]\nfn x(#[case] x: X) {}",
    "hosts.rs:3: in the middle"
)]
#[case::at_the_end("// rfc 1 2: MUST go", "hosts.rs:1: not above a test")]
fn misplaced_annotations_are_named(#[case] source: &str, #[case] expected: &str) {
    let (annotations, errors) = found(source);
    assert_eq!(annotations, Vec::<String>::new());
    assert!(errors.len() == 1 && errors[0].contains(expected), "{errors:?}");
}
