//! The rules: `tests/standards/rfcNNNN.toml`, one file an RFC.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The RFCs whose rules are kept, in the table's order.
const RFCS: [u16; 8] = [7672, 8461, 8689, 8460, 3207, 5321, 7505, 3464];

/// Stands in a rule's text for words left out.
pub(crate) const GAP: &str = "[…]";

/// One RFC's rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Standard {
    #[serde(skip)]
    pub(crate) rfc: u16,
    pub(crate) title: String,
    /// Which part was taken and why the rest is left out; absent where all of it was.
    pub(crate) scope: Option<String>,
    /// The sections taken, each without its subsections; absent where all were.
    pub(crate) sections: Option<Vec<String>>,
    #[serde(rename = "rule")]
    pub(crate) rules: Vec<Rule>,
}

/// One occurrence of a capitalised keyword.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) section: String,
    pub(crate) keyword: String,
    /// The RFC's sentence, or its part around the keyword; holds no other keyword.
    pub(crate) text: String,
    /// Why a sender has nothing to show here.
    pub(crate) not_applicable: Option<String>,
}

impl Rule {
    /// The runs of words that stand in the RFC as they stand here.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &str> {
        self.text.split(GAP).map(str::trim).filter(|piece| !piece.is_empty())
    }
}

/// Reads the catalogue below the workspace's `root`.
pub(crate) fn read(root: &Path) -> Vec<Standard> {
    RFCS.iter()
        .map(|&rfc| {
            let path = root.join(format!("tests/standards/rfc{rfc}.toml"));
            let source =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let standard =
                toml::from_str(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Standard { rfc, ..standard }
        })
        .collect()
}
