//! Base64 of which the beginning is looked into, and all is looked at.

use base64::{Engine, prelude::BASE64_STANDARD};

/// Characters that are decoded: the keys of a thousand recipients come before what is encrypted.
const LOOKED_INTO: usize = 1 << 20;

/// Octets in base64.
#[derive(Default)]
pub(super) struct Base64 {
    beginning: Vec<u8>,
    characters: usize,
    padding: usize,
}

impl Base64 {
    /// Adds a line. `None` if it is not base64, or follows padding.
    pub(super) fn push(&mut self, line: &[u8]) -> Option<()> {
        let octets = line.strip_suffix(b"==").or_else(|| line.strip_suffix(b"=")).unwrap_or(line);
        let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
        if line.is_empty() || self.padding > 0 || !octets.iter().all(is_base64) {
            return None;
        }
        let room = LOOKED_INTO - self.beginning.len();
        self.beginning.extend_from_slice(&line[..line.len().min(room)]);
        self.characters += line.len();
        self.padding = line.len() - octets.len();
        Some(())
    }

    /// The octets, as far as they are looked into, and how many there are in all. `None` if it ends in the middle.
    pub(super) fn decoded(&self) -> Option<(Vec<u8>, usize)> {
        let whole = self.beginning.len() / 4 * 4;
        let octets = BASE64_STANDARD.decode(&self.beginning[..whole]).ok()?;
        let length = self.characters / 4 * 3;
        (self.characters.is_multiple_of(4)).then(|| (octets, length.saturating_sub(self.padding)))
    }
}
