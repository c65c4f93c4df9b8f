//! The types that cross HTTP under `/api/v1`, once for both sides; the OpenAPI document derives from them.
//!
//! Times are RFC 3339 UTC, Message-IDs are written without `<>`, errors are [`Problem`] (RFC 9457).

mod account;
mod check;
mod event;
mod exception;
mod forwarding;
mod history;
mod mailbox;
mod message;
mod problem;
mod stop;
mod time;

pub use account::{Credentials, Guarantee, GuaranteeState, Session, SessionAccount};
pub use check::{Check, CheckRequest, CheckResponse, Outcome, ProtectionWord};
pub use event::{Event, RESYNC};
pub use exception::{DemandRecorded, DemandRequest, Exception, NewException, Preferences};
pub use forwarding::{Forwarding, NewForwarding};
pub use history::{HostMemory, PastOverride, Week};
pub use mailbox::{Flags, ListedMessage};
pub use message::{
    Attachment, AuthenticatedBy, Draft, MessageRecipient, MessageStatus, RecipientState, Submitted,
};
pub use problem::{PROBLEM_CLOCK, PROBLEM_JSON, PROBLEM_TOKEN_EXPIRED, Problem};
pub use stop::{OverrideRecorded, OverrideRequest, Replacement, Stop, StoppedRecipient};
pub use time::rfc3339;

/// Where the API lies below the server's root.
pub const BASE: &str = "/api/v1";

/// The header that a page of the server itself sends with its cookie; its presence is the CSRF
/// check, since no other site can set it without a CORS preflight, which is never granted.
pub const CSRF_HEADER: &str = "x-tls-guarantee";
