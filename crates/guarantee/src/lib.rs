//! What the TLS sending guarantee means, as pure functions of plain data.
//!
//! Three questions, three layers:
//!
//! 1. **What must hold?** [`requirement`] gives, for one recipient's copy of a message, the
//!    [`Requirement`]: from the account's switch, the message and where it came from. It is
//!    fixed when the message is accepted and never changes afterwards.
//! 2. **What is out there?** [`Facts`] (what DNS says of the next hop) and [`Handshake`]
//!    (what one MX host showed when it was spoken to).
//! 3. **What follows?** [`plan()`] turns requirement and facts into hosts to try, [`judge()`]
//!    decides about each host that was spoken to, [`conclude()`] about the attempt as a whole.
//!
//! # The rules
//!
//! * STARTTLS is tried at every host, guarantee or not (P1).
//! * With [`Requirement::Encrypted`], a host that certainly does not give TLS 1.2 or newer is
//!   *insecure*: the next MX host is tried, and when all are insecure the mail is **stopped** at
//!   once (P2, P5). Certain are: no STARTTLS in EHLO (or only HELO), a 5yz reply to STARTTLS, and
//!   a TLS alert or no common version or cipher on two fresh connections.
//! * Everything else is *not certain* and deferred: 4yz replies, timeouts, resets, DNS failures.
//!   The same timeout or reset of the TLS dialogue for [`CERTAIN_AFTER`] in [`CERTAIN_TRIES`] tries
//!   counts as certain; a host that stays away while the others are insecure holds the stop up
//!   for [`CERTAIN_AFTER`] and no longer. A host that gave what is required and then said "later" is waited for: it is
//!   neither insecure nor away.
//! * With [`Requirement::Opportunistic`], what cannot be had encrypted leaves in clear, after TLS
//!   was tried (RFC 7435).
//! * A failure is never remembered as a reason not to try TLS.
//!
//! Only [`judge()`] makes a [`Clearance`], and the SMTP client demands one before it sends a byte
//! of envelope or message: what is forbidden can't be sent by mistake.
//!
//! This crate knows no I/O, clock or randomness, and compiles for the browser.

mod cause;
mod conclude;
mod facts;
mod handshake;
mod hex;
mod judge;
mod memory;
mod plan;
mod protection;
mod requirement;
mod schedule;
mod sighting;
mod sts;
mod switch;
mod tlsa;

pub use cause::{Cause, HostAddress, Mechanism};
pub use conclude::{CERTAIN_AFTER, CERTAIN_TRIES, Conclusion, History, HostFailure, Weight, conclude};
pub use facts::{Addresses, Age, Facts, LookupFailure, LookupFailureKind, MxAnswer, MxHost, Proof, Tlsa};
pub use handshake::{
    Chain, ChainFault, Handshake, Identity, RequireTlsOffer, Starttls, TlsDetails, TlsFailure, TlsVersion,
    TlsaMatch,
};
pub use judge::{Authentication, Clearance, Verdict, judge};
pub use memory::{FADES_AFTER, LINE_WINDOW, Line, Loss, Remembered, recognise};
pub use plan::{Dane, Plan, PlannedHost, StsDemand, plan};
pub use protection::Protection;
pub use requirement::{Asked, Level, Origin, Requirement, Wish, requirement};
pub use schedule::{EXPIRES_AFTER, delay_notice_after, next_attempt};
pub use sighting::{AppliedPolicy, ResultType, Sighted, Sighting, policy_sightings, sighting};
pub use sts::{Sts, StsMode, StsPolicy, StsProblem};
pub use switch::Switch;
pub use tlsa::{Matching, Selector, TlsaRecord, UsableTlsa, Usage, usable_tlsa};
