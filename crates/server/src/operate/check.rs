//! `check`: how mail to addresses or domains would travel now.

use api::Outcome;
use guarantee::Proof;

use super::options::Check;
use super::print::{self, harmless};
use crate::check::{self, Report};

/// Exit code when some recipient's outcome is not known.
pub(super) const COULD_NOT_CHECK: u8 = 3;

pub(super) async fn run(options: Check) -> anyhow::Result<u8> {
    let reports = check::run(&options.place.place()?, &options.recipients).await?;
    if options.json {
        print::json(&reports)?;
    } else {
        for report in &reports {
            print::line(words(report).trim_end())?;
        }
    }
    Ok(worst(reports.iter().map(|report| report.check.outcome)))
}

/// The worst decides: not known, then stopped, deferred, delivered.
fn worst(outcomes: impl Iterator<Item = Outcome>) -> u8 {
    let rank = |outcome: Outcome| match outcome {
        Outcome::Deliver => (0, 0),
        Outcome::Defer => (1, 2),
        Outcome::Stop => (2, 1),
        Outcome::Unknown => (3, COULD_NOT_CHECK),
    };
    outcomes.map(rank).max().map_or(0, |(_, code)| code)
}

fn words(report: &Report) -> String {
    let check = &report.check;
    let outcome = match check.outcome {
        Outcome::Deliver => "would be delivered",
        Outcome::Stop => "would be stopped",
        Outcome::Defer => "would wait and be tried again",
        Outcome::Unknown => "not known",
    };
    let protection = serde_json::to_value(check.protection).unwrap_or_default();
    let protection = protection.as_str().unwrap_or("unknown");
    let mut text =
        format!("{}: {outcome}; {protection}\n  {}\n", harmless(&check.recipient), harmless(&check.reason));
    let dnssec = report.dnssec.map(|proof| match proof {
        Proof::Secure => "MX records signed (DNSSEC)".to_owned(),
        Proof::Insecure => "MX records not signed".to_owned(),
    });
    let sts = report.mta_sts.as_ref().map(ToString::to_string);
    let hosts = report.hosts.iter().map(ToString::to_string);
    for told in dnssec.into_iter().chain(sts).chain(hosts) {
        for line in told.lines() {
            text.push_str(&format!("  {}\n", harmless(line)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use Outcome::{Defer, Deliver, Stop, Unknown};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[Deliver], 0)]
    #[case(&[Deliver, Stop], 1)]
    #[case(&[Defer, Deliver], 2)]
    #[case(&[Defer, Stop, Deliver], 1)]
    #[case(&[Stop, Unknown, Defer], 3)]
    fn the_worst_decides(#[case] outcomes: &[Outcome], #[case] code: u8) {
        assert_eq!(worst(outcomes.iter().copied()), code);
    }
}
