//! What the tests of this crate share.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part, and other crates read the scripts"
)]

pub mod clearance;
pub mod driver;
pub mod peer;
pub mod script;
