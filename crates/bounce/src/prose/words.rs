//! The words that reports are recognised by, all in lower case. General ones: what many systems say, none system's name.

/// These leave no doubt that something was not delivered.
pub(super) const FAILURE: &[&str] = &[
    "not be delivered", "not been delivered", "not yet been delivered", "not delivered", "n't be delivered", "n't delivered",
    "n't able to deliver", "not able to deliver", "unable to deliver", "undeliver", "delivery failed", "delivery failure",
    "delivery has failed", "delivery was aborted", "delivery error", "delivery problem", "delivery to the following",
    "failed to deliver", "failed permanently", "while attempting to deliver", "trying to deliver", "error delivering",
    "trouble delivering", "cannot be delivered", "can not be delivered", "did not reach", "did not receive", "could not be reached",
    "permanent error", "permanent fatal error", "was rejected", "been rejected", "automatically rejected", "recipients was rejected",
    "has been returned", "not able to be", "message is delayed", "transcript of session", "failed recipients", "failed addresses",
    "address(es) failed", "address failed", "addresses failed", "could not be sent", "no valid recipients", "error message below",
    "unzustellbar", "nicht zugestellt", "nicht erreicht", "zustellung fehlgeschlagen", "non remis", "non distribu", "no se pudo entregar",
    "no se ha podido entregar", "impossible de", "не было доставлено", "не может быть доставлено",
];

/// Words of reasons and replies; on their own they prove nothing.
pub(super) const TROUBLE: &[&str] = &[
    "deliver", "reject", "returned", "fail", "error", "unknown", "no such", "no mailbox", "full", "quota", "violation", "disabled",
    "invalid", "unavailable", "not exist", "does not", "did not", "not accept", "could not", "couldn't", "unable", "cannot", "refused",
    "denied", "exceed", "timed out", "not found", "blocked", "suspended", "inactive", "zustell", "rcpt to",
];

/// The delivery is still being tried.
pub(super) const DELAY: &[&str] = &[
    "not yet been delivered", "will continue", "still being retried", "is delayed", "only a temporary failure report", "just a warning",
    "wird weiter versucht",
];

/// Right before an address: somebody else's than the recipient's.
pub(super) const NOT_THE_RECIPIENT: &[&str] = &[
    "mail from", "from", "sender", "reply-to", "reply to", "contact", "mailto", "return-path", "on behalf of", "sent by", "e-mail to",
    "email to", "e-mail", "write to", "message-id", "in-reply-to", "please send", "send mail to", "support", "hello", "dear", "cc", "helo",
    "ehlo", "notify", "originator", "abuse", "report to", "references", "visit", "administrator at", "accepting mail from",
];

/// Right before an address, with a colon or an equals sign between: the recipient's.
pub(super) const LABELS: &[&str] = &[
    "recipient", "recipients", "recipient(s)", "address", "address(es)", "addresses", "addressed to", "user", "userid", "full", "failed",
    "attempts", "delivered to", "deliverable to", "deliver mail to", "unknown", "size", "errors", "mailbox", "sent to", "undeliverable",
    "quota",
];

/// Right before an address, without a sign between: the recipient's.
pub(super) const ADDRESSED: &[&str] = &["addressed", "addressed to", "delivered to", "did not reach", "delivering your mail to"];

/// Announcements of the returned message that systems draw a line with.
pub(super) const DECORATED: &[&str] = &[
    "original", "returned m", "copy of", "header", "unsent message", "forwarded message", "message follows", "attached message", "of message",
];

/// What such a line says when it announces something else.
pub(super) const NOT_DECORATED: &[&str] = &["was received", "transcript", "session", "address", "end of"];

/// Announcements of the returned message that begin a line.
pub(super) const ANNOUNCED: &[&str] = &[
    "original message follow", "the original message follow", "original message header", "original message:", "message headers follow",
    "below this line is", "below is a copy", "included is a copy", "here is a copy", "a copy of the original", "a copy of the message",
    "a summary of the undelivered", "unsent message", "returned message", "the header of the original", "headers of the original",
    "original headers", "the message headers", "message header follow", "this is a copy of", "the following is a copy",
    "message text follows", "the message text follows", "old message:", "your message reads", "content of your message",
];
