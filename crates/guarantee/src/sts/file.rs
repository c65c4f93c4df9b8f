//! The policy file.

use std::str::Utf8Error;

use super::{StsMode, record::is_name};

/// The largest policy file that is looked at, in octets (RFC 8461 §3.3).
pub const MAX_POLICY: usize = 64 << 10;

/// The longest time that a policy may be kept, in seconds (RFC 8461 §3.2).
const MAX_AGE: u32 = 31_557_600;

/// Characters of a file that an error repeats.
const QUOTED: usize = 60;

/// What a policy file says (RFC 8461 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsFile {
    /// What it asks.
    pub mode: StsMode,
    /// Patterns of MX host names, in lower-case A-labels; empty only with [`StsMode::None`].
    pub mx: Vec<String>,
    /// Seconds that it may be kept.
    pub max_age: u32,
}

/// Why a text is no policy file, for the domain's administrator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StsFileError {
    /// Not within [`MAX_POLICY`].
    #[error("the policy is larger than {MAX_POLICY} octets")]
    TooLarge,
    /// Not text.
    #[error("the policy is not UTF-8 text: {0}")]
    NotUtf8(Utf8Error),
    /// A line is no field.
    #[error(
        "line {line} of the policy must have the form `name: value`, without spaces before and control characters; it is {text:?}"
    )]
    NoField {
        /// Counted from 1.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// A field's value is none of its values.
    #[error("line {line} of the policy: `{name}` must be {wanted}; it is {value:?}")]
    BadValue {
        /// Counted from 1.
        line: usize,
        /// The field.
        name: &'static str,
        /// What it may be.
        wanted: &'static str,
        /// The beginning of what it is.
        value: String,
    },
    /// A field that every policy has is not there.
    #[error("the policy has no line `{0}: …`")]
    Missing(&'static str),
}

impl StsFile {
    /// Reads a policy file. Lines may end in CRLF or LF, fields of other names are ignored, and of a field that must not
    /// be repeated the first counts. Empty lines, which the grammar does not have and many files do, are skipped.
    ///
    /// # Errors
    /// When it is larger than [`MAX_POLICY`], breaks the grammar, or lacks a field.
    pub fn parse(file: &[u8]) -> Result<Self, StsFileError> {
        if file.len() > MAX_POLICY {
            return Err(StsFileError::TooLarge);
        }
        let text = std::str::from_utf8(file).map_err(StsFileError::NotUtf8)?;
        let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
        for (line, text) in (1..).zip(text.split('\n')) {
            let Some((name, value)) = field(line, text)? else { continue };
            let bad = |name, wanted| StsFileError::BadValue { line, name, wanted, value: quoted(value) };
            match name {
                "version" if version.is_none() => {
                    let known = (value == "STSv1").then_some(());
                    version = Some(known.ok_or_else(|| bad("version", "STSv1"))?);
                }
                "mode" if mode.is_none() => {
                    let known = mode_of(value).ok_or_else(|| bad("mode", "enforce, testing or none"))?;
                    mode = Some(known);
                }
                "max_age" if max_age.is_none() => {
                    let wanted = "a number of seconds up to 31557600";
                    max_age = Some(seconds(value).ok_or_else(|| bad("max_age", wanted))?);
                }
                "mx" => {
                    let wanted = "a host name in ASCII, or one with `*` as its first label";
                    mx.push(pattern(value).ok_or_else(|| bad("mx", wanted))?);
                }
                _ => {}
            }
        }
        version.ok_or(StsFileError::Missing("version"))?;
        let mode = mode.ok_or(StsFileError::Missing("mode"))?;
        let max_age = max_age.ok_or(StsFileError::Missing("max_age"))?;
        if mx.is_empty() && mode != StsMode::None {
            return Err(StsFileError::Missing("mx"));
        }
        Ok(Self { mode, mx, max_age })
    }
}

/// Name and value; `None` for an empty line.
fn field(line: usize, text: &str) -> Result<Option<(&str, &str)>, StsFileError> {
    let is_wsp = |char| matches!(char, ' ' | '\t');
    let text = text.strip_suffix('\r').unwrap_or(text).trim_end_matches(is_wsp);
    if text.is_empty() {
        return Ok(None);
    }
    let no_field = || StsFileError::NoField { line, text: quoted(text) };
    let (name, value) = text.split_once(':').ok_or_else(no_field)?;
    let value = value.trim_start_matches(is_wsp);
    if !is_name(name) || value.chars().any(|char| char.is_control() && char != '\t') {
        return Err(no_field());
    }
    Ok(Some((name, value)))
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

fn mode_of(value: &str) -> Option<StsMode> {
    [StsMode::Enforce, StsMode::Testing, StsMode::None].into_iter().find(|mode| mode.as_str() == value)
}

fn seconds(value: &str) -> Option<u32> {
    let is_number = value.len() <= 10 && value.bytes().all(|octet| octet.is_ascii_digit());
    value.parse().ok().filter(|seconds| is_number && *seconds <= MAX_AGE)
}

/// `["*."] Domain`, in lower case (§3.2, RFC 5321 §4.1.2). A U-label is none: the policy must have the A-label.
fn pattern(value: &str) -> Option<String> {
    let domain = value.strip_prefix("*.").unwrap_or(value);
    let is_label = |label: &str| {
        let edge = |octet: Option<u8>| octet.is_some_and(|octet| octet.is_ascii_alphanumeric());
        label.len() <= 63
            && edge(label.bytes().next())
            && edge(label.bytes().last())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
    };
    (domain.len() <= 253 && domain.split('.').all(is_label)).then(|| value.to_ascii_lowercase())
}
