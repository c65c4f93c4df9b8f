//! What the TLS sending guarantee means, as pure functions of plain data.
//!
//! Three questions, three layers:
//!
//! 1. **What must hold?** [`requirement`] gives, for one recipient's copy of a message, the
//!    [`Requirement`]: from the account's switch and level, the message and where it came from. It is
//!    fixed when the message is accepted and never changes afterwards.
//! 2. **What is out there?** [`Facts`] (what the receiving domain publishes, and how far it is proven) and
//!    [`Handshake`] (what one MX host showed when it was spoken to).
//! 3. **What follows?** [`plan()`] turns requirement and facts into hosts to try and what each must show, [`judge()`]
//!    decides about each host that was spoken to, [`conclude()`] about the attempt as a whole.
//!
//! # What binds
//!
//! | | in clear | encrypted | authenticated | DANE or MTA-STS fails |
//! | --- | --- | --- | --- | --- |
//! | `Regardless` (`TLS-Required: No`) | sent | sent | sent | sent |
//! | `Opportunistic` (guarantee off, override, exemption) | sent | sent | sent | waits |
//! | `Encrypted` (guarantee) | stopped | sent | sent | stopped |
//! | `Authenticated` (guarantee, stricter level) | stopped | stopped | sent | stopped |
//! | `RequireTls` (RFC 8689) | stopped | stopped | sent if REQUIRETLS is offered | stopped |
//!
//! * STARTTLS is tried at every host, guarantee or not (P1).
//! * A host with usable TLSA records must match one (RFC 7672); with records of which none is usable it must speak TLS;
//!   one whose TLSA look-up fails is not used at all. That binds host by host, also where the MX records are unsigned:
//!   then it protects, but proves nothing about the domain, so that it counts as *encrypted* only.
//! * A host of a domain with an MTA-STS policy in `enforce` must be named by it and have a trusted certificate for its name
//!   (RFC 8461); DANE goes first.
//! * *Authenticated* is MTA-STS, or a trusted certificate for the host's name where that comes out of signed DNS, or for
//!   the recipient domain itself. A name out of unsigned DNS proves nothing.
//!
//! # What is certain
//!
//! * With a [`Requirement`] from `Encrypted` up, a host that certainly does not give it is *insecure*: the next MX host is
//!   tried, and when all are insecure the mail is **stopped** at once (P2, P5). Certain are: no STARTTLS in EHLO (or
//!   only HELO), a 5yz reply to STARTTLS, a TLS alert or no common version or cipher on two fresh connections, and a
//!   mismatch with TLSA records or a policy that were looked up past every cache ([`Age::Fresh`]).
//! * Everything else is *not certain* and deferred: 4yz replies, timeouts, resets, DNS failures, bogus answers, own faults.
//!   The same timeout or reset of the TLS dialogue for [`CERTAIN_AFTER`] in [`CERTAIN_TRIES`] tries
//!   counts as certain; a host that stays away while the others are insecure holds the stop up
//!   for [`CERTAIN_AFTER`] and no longer. A host that gave what is required and then said "later" is waited for: it is
//!   neither insecure nor away.
//! * A failure is never remembered as a reason not to try TLS.
//!
//! # The memory
//!
//! [`Remembered`] says what an account's mail has met at a host before: [`recognise()`] names a stop a possible
//! downgrade by it. [`Line`] notices when unrelated destinations lose TLS together: then it is our own line.
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
pub use requirement::{Asked, Level, Lifts, Origin, Requirement, Wish, requirement};
pub use schedule::{EXPIRES_AFTER, delay_notice_after, next_attempt, next_local_attempt};
pub use sighting::{AppliedPolicy, ResultType, Sighted, Sighting, policy_sightings, sighting};
pub use sts::{MAX_POLICY, Sts, StsFile, StsFileError, StsMode, StsPolicy, StsProblem, sts_id};
pub use switch::Switch;
pub use tlsa::{Matching, Selector, TlsaRecord, UsableTlsa, Usage, usable_tlsa};
