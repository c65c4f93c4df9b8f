//! The first part: for people without the banner, in one language after the other.

use super::{
    Cause, Ground, Notice, Report, Reported, Texts,
    clean::{self, Alphabet},
};

/// The text, with CRLF line ends.
pub(super) fn part(report: &Report<'_>) -> String {
    let mut out = String::new();
    let stopped = |r: &&Reported| matches!(r.cause, Cause::Stop(..));
    let delivered = |r: &&Reported| r.cause == Cause::Delivered;
    match report.notice {
        Notice::Delayed => section(report, |texts| &texts.delayed, report.recipients.iter(), &mut out),
        Notice::Failed => {
            stops(report, &mut out);
            section(
                report,
                |texts| &texts.failed,
                report.recipients.iter().filter(|r| !stopped(r)),
                &mut out,
            );
        }
        Notice::Succeeded => {
            section(report, |texts| &texts.delivered, report.recipients.iter().filter(delivered), &mut out);
            section(
                report,
                |texts| &texts.relayed,
                report.recipients.iter().filter(|r| !delivered(r)),
                &mut out,
            );
        }
    }
    in_all(report, |texts| &texts.closing, &mut out);
    // the empty line after the last paragraph belongs to the delimiter
    out.truncate(out.trim_end().len());
    out.push_str("\r\n");
    out
}

/// The stopped recipients by ground, and then what can be done.
fn stops(report: &Report<'_>, out: &mut String) {
    for ground in Ground::ALL {
        let on_it = |r: &&Reported| matches!(r.cause, Cause::Stop(of, _) if of == ground);
        section(report, |texts| ground.words(texts), report.recipients.iter().filter(on_it), out);
    }
    let any = |is: fn(Ground) -> bool| {
        report.recipients.iter().any(|r| matches!(r.cause, Cause::Stop(ground, _) if is(ground)))
    };
    if any(Ground::is_bound) {
        in_all(report, |texts| &texts.bound, out);
    }
    if any(|ground| !ground.is_bound()) {
        in_all(report, |texts| &texts.ways, out);
    }
}

/// What there is to say about some recipients in all languages, and then the recipients.
fn section<'r>(
    report: &Report<'_>,
    words: impl Fn(&Texts) -> &String,
    recipients: impl Iterator<Item = &'r Reported>,
    out: &mut String,
) {
    let mut recipients = recipients.peekable();
    if recipients.peek().is_none() {
        return;
    }
    in_all(report, words, out);
    for recipient in recipients {
        let said = match &recipient.remote {
            Some(host) if recipient.cause.is_reply() => format!(": host {host} said: "),
            _ if recipient.cause.text().is_empty() => String::new(),
            _ => ": ".to_owned(),
        };
        let line = format!("<{}>{said}{}", clean::address(&recipient.address), recipient.cause.text());
        clean::wrap(&clean::line(&line, Alphabet::Unicode), "    ", out);
    }
    out.push_str("\r\n");
}

fn in_all(report: &Report<'_>, words: impl Fn(&Texts) -> &String, out: &mut String) {
    for texts in &report.words {
        let text = words(texts).trim();
        if text.is_empty() {
            continue;
        }
        for line in text.lines() {
            clean::wrap(&clean::line(line, Alphabet::Unicode), "", out);
        }
        out.push_str("\r\n");
    }
}
