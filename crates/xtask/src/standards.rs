//! `cargo xtask standards`: writes `tests/standards.md` from the annotations above the tests.

use crate::progress::{self, cargo};

/// The test that would complain of a stale table writes it instead.
pub(crate) fn run() -> anyhow::Result<()> {
    let test = ["test", "--quiet", "--package", "black-box", "--test", "standards", "the_table"];
    progress::run(cargo().args(test).env("WRITE_STANDARDS", "1"))
}
