//! The lines `// rfc NUMBER SECTION: KEYWORD words of the rule` above the workspace's tests.

use std::fs;
use std::path::{Path, PathBuf};

/// The keywords, longest first where one begins with another.
pub(crate) const KEYWORDS: [&str; 9] = [
    "MUST NOT",
    "MUST",
    "SHOULD NOT",
    "SHOULD",
    "SHALL NOT",
    "SHALL",
    "REQUIRED",
    "NOT RECOMMENDED",
    "RECOMMENDED",
];

/// How each such line begins.
const MARK: &str = "// rfc ";

/// "The test `test` shows this rule."
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    /// File and line, for messages.
    pub(crate) place: String,
    pub(crate) rfc: u16,
    pub(crate) section: String,
    pub(crate) keyword: String,
    /// Words of the rule's text.
    pub(crate) words: String,
    /// The test's path.
    pub(crate) test: String,
}

/// All annotations of the workspace at `root`, and what is wrong with those that can't be read.
pub(crate) fn read(root: &Path) -> (Vec<Annotation>, Vec<String>) {
    let mut files = Vec::new();
    for folder in ["crates", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    files.sort();
    let (mut annotations, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        let name =
            file.strip_prefix(root).expect("a file below the root").to_str().expect("UTF-8").to_owned();
        // Its own tests hold samples.
        if !name.starts_with("tests/tests/standards/") {
            let source = fs::read_to_string(&file).expect("a source file");
            of_source(&name, &source, &mut annotations, &mut errors);
        }
    }
    (annotations, errors)
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Adds the annotations of one file, named by its path from the root.
pub(crate) fn of_source(
    file: &str,
    source: &str,
    annotations: &mut Vec<Annotation>,
    errors: &mut Vec<String>,
) {
    let mut waiting: Vec<Annotation> = Vec::new();
    let mut attributes: Vec<&str> = Vec::new();
    let mut lines = source.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let text = line.trim_start();
        if let Some(annotation) = text.strip_prefix(MARK) {
            match parse(annotation) {
                Some(parsed) => waiting.push(Annotation { place: format!("{file}:{number}"), ..parsed }),
                None => errors.push(format!(
                    "{file}:{number}: not of the form `// rfc NUMBER SECTION: KEYWORD words`: {text}"
                )),
            }
        } else if is_attribute(text) {
            attributes.push(text);
            let indent = line.len() - text.len();
            let mut last = line;
            while !ends_attribute(last, indent) {
                let Some((next, number)) = lines.next() else { break };
                if next.trim_start().starts_with(MARK) {
                    errors.push(format!("{file}:{number}: in the middle of an attribute"));
                }
                last = next;
            }
        } else if !text.is_empty() && !text.starts_with("//") {
            match test_name(text, &attributes) {
                Some(name) => {
                    let test = format!("{}::{name}", module(file));
                    annotations.extend(waiting.drain(..).map(|one| Annotation { test: test.clone(), ..one }));
                }
                None => errors.extend(waiting.drain(..).map(|one| {
                    format!("{}: not directly above a test that runs, but above: {text}", one.place)
                })),
            }
            attributes.clear();
        }
    }
    errors.extend(waiting.iter().map(|one| format!("{}: not above a test", one.place)));
}

/// Whether the line begins an attribute of an item: one of a parameter is followed by the parameter.
fn is_attribute(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("#[") else { return false };
    let (mut depth, mut in_string, mut escaped) = (1, false, false);
    for (place, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            '[' if !in_string => depth += 1,
            ']' if !in_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return inner[place + 1..].trim().is_empty();
        }
    }
    true
}

/// A formatted attribute ends where a line as far indented as its first closes it.
fn ends_attribute(line: &str, indent: usize) -> bool {
    line.trim_end().ends_with(']') && line.len() - line.trim_start().len() == indent
}

/// What follows the mark, without place and test.
fn parse(text: &str) -> Option<Annotation> {
    let (head, rule) = text.split_once(": ")?;
    let (rfc, section) = head.split_once(' ')?;
    let keyword = KEYWORDS.into_iter().find(|keyword| rule.starts_with(keyword))?;
    let words = rule[keyword.len()..].strip_prefix(' ')?.trim();
    let rfc = rfc.parse().ok()?;
    (!normal(words).trim().is_empty()).then(|| Annotation {
        place: String::new(),
        rfc,
        section: section.trim_start_matches('§').to_owned(),
        keyword: keyword.to_owned(),
        words: words.to_owned(),
        test: String::new(),
    })
}

/// The function's name if the line begins a test that runs by itself.
fn test_name<'a>(line: &'a str, attributes: &[&str]) -> Option<&'a str> {
    let runs = attributes.iter().any(|attribute| {
        let path = attribute[2..].split(['(', ']']).next().unwrap_or_default();
        matches!(path, "test" | "rstest" | "tokio::test")
    });
    let ignored = attributes.iter().any(|attribute| attribute.starts_with("#[ignore"));
    if !runs || ignored {
        return None;
    }
    let after = line.strip_prefix("fn ").or_else(|| line.split_once(" fn ").map(|(_, after)| after))?;
    after.split(['(', '<']).next()
}

/// `crates/delivery/tests/all/hosts.rs` → `delivery::all::hosts`.
fn module(file: &str) -> String {
    let path = file.trim_end_matches(".rs");
    let parts = path.split('/').skip(usize::from(path.starts_with("crates/")));
    let parts = parts.enumerate().filter(|(place, part)| match *part {
        "src" | "tests" => *place == 0,
        "main" | "lib" | "mod" => false,
        _ => true,
    });
    parts.map(|(_, part)| part).collect::<Vec<_>>().join("::")
}

/// Lower-case words with one space between and around: what is compared.
pub(crate) fn normal(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |text, word| text + &word.to_lowercase() + " ")
}
