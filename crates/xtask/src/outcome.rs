//! What `cargo xtask test` counts: test cases, read from the test runners' closing lines, and its own steps.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::AddAssign;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::Context;

/// How many passed, failed and were not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    /// One step without test cases of its own.
    pub(crate) fn of_step(passed: bool) -> Self {
        Self { passed: usize::from(passed), failed: usize::from(!passed), skipped: 0 }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Runs a test runner, passes its lines on to standard error, and adds up its closing lines. A runner that
/// fails without a failed case (the tests did not compile, say) counts as one failure.
///
/// # Errors
/// When it cannot be started or read.
pub(crate) fn run_tests(command: &mut Command) -> anyhow::Result<Counts> {
    let line = crate::progress::line_of(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{line}` could not be started"))?;
    let counts = Mutex::new(Counts::default());
    let outputs: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|o| Box::new(o) as _), child.stderr.take().map(|o| Box::new(o) as _)];
    thread::scope(|scope| {
        for output in outputs.into_iter().flatten() {
            scope.spawn(|| pass_on(output, &counts));
        }
    });
    let status = child.wait()?;
    let mut counts = counts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

/// Lines need not be UTF-8: a failing test may print what it got.
fn pass_on(output: impl Read, counts: &Mutex<Counts>) {
    for line in BufReader::new(output).split(b'\n').map_while(io::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        if let Some(found) = closing_line(&line) {
            *counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += found;
        }
    }
}

/// Reads the closing line of nextest (`Summary [1.2s] 3 tests run: 2 passed, 1 failed, 0 skipped`, with
/// parentheses of its own in between) or of cargo's own runner (`test result: ok. 3 passed; 0 failed; …`).
fn closing_line(line: &str) -> Option<Counts> {
    let line = line.trim();
    let results = match line.strip_prefix("test result:") {
        Some(results) => results,
        None => line.strip_prefix("Summary [")?.split_once(" run: ")?.1,
    };
    let mut counts = Counts::default();
    let words: Vec<&str> = results.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].parse::<usize>() else { continue };
        match pair[1] {
            "passed" => counts.passed += number,
            // nextest counts a test that ran into the time limit apart, and one whose process broke off.
            "failed" | "timed" | "exec" => counts.failed += number,
            "skipped" | "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::{Counts, closing_line};

    #[test]
    fn closing_lines_of_both_runners_are_read() {
        let counts = |passed, failed, skipped| Some(Counts { passed, failed, skipped });
        let cases = [
            ("     Summary [   0.012s] 3 tests run: 3 passed, 0 skipped", counts(3, 0, 0)),
            (
                "     Summary [  12.345s] 9 tests run: 6 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 4 skipped",
                counts(6, 3, 4),
            ),
            ("     Summary [   1.012s] 1 test run: 0 passed, 1 exec failed, 0 skipped", counts(0, 1, 0)),
            (
                "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
                counts(5, 0, 1),
            ),
            (
                "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
                counts(5, 2, 0),
            ),
            ("test bounce::reads ... ok", None),
            ("    Starting 30 tests across 12 binaries", None),
        ];
        for (line, expected) in cases {
            assert_eq!(closing_line(line), expected, "{line}");
        }
    }
}
