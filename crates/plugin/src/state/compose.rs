//! The message as it travels: RFC 5322 and MIME out of a draft.

use jiff::Timestamp;

use crate::draft::Draft;

/// What makes a message unlike any other; passed in, so that writing is a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The new Message-ID, without `<>`.
    pub message_id: String,
    /// The `Date`.
    pub date: Timestamp,
    /// Letters and digits nobody could guess: the boundaries are made of it.
    pub boundary: String,
}

/// Writes the message. `Bcc` is kept: `POST /messages` takes the recipients from the header and strips it on the way.
pub fn write(draft: &Draft, account: &str, stamp: &Stamp) -> Vec<u8> {
    let _ = (draft, account, stamp);
    Vec::new()
}
