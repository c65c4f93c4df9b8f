//! What people see in a terminal.

use std::io::{self, Write};

use serde::Serialize;

/// Writes a line to standard output.
///
/// # Errors
/// When nobody reads it any more.
pub(super) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Writes JSON for people and programs, likewise.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(line(&serde_json::to_string_pretty(value)?)?)
}

/// Text that came from outside, harmless to a terminal: control characters, which could move the cursor or change
/// what was printed before, become `?`.
pub(super) fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() || is_bidi(c) { '?' } else { c };
    text.chars().map(shown).collect()
}

/// Marks that change the direction of what follows.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn control_characters_do_nothing() {
        assert_eq!(harmless("Grüße \x1b[2Jx\r\n\u{202e}y"), "Grüße ?[2Jx???y");
    }
}
