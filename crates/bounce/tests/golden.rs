//! Messages of every shape, written for this test, and beside each what is read in it. After a wanted change
//! `UPDATE_GOLDEN=1 cargo test -p bounce` writes the answers anew; look at the difference.

use std::{fs, path::Path};

use bounce::{Claim, Reading, Reason, claim};

fn told(reading: &Reading) -> String {
    let mut out = format!("kind: {:?}\n", reading.kind);
    let mut line = |name: &str, value: &str| out += &format!("{name}: {value}\n");
    match claim(reading, "home.example") {
        Claim::NotABounce => line("claim", "none"),
        Claim::ClaimsOurStop { recipients, .. } => line("claim", &format!("our stop of {recipients:?}")),
        Claim::OtherBounce { reporting_mta, .. } => {
            line(
                "claim",
                &format!("other bounce by {}", reporting_mta.unwrap_or_else(|| "nobody named".into())),
            );
        }
    }
    for (name, value) in [
        ("queue id", &reading.queue_id),
        ("envelope id", &reading.envelope_id),
        ("message id", &reading.message_id),
    ] {
        if let Some(value) = value {
            line(name, value);
        }
    }
    if let Some(cause) = reading.tls_stop() {
        line("tls stop", &format!("{cause:?}"));
    }
    for r in &reading.recipients {
        let reason = Reason::of(r);
        line("recipient", &r.address);
        line("  action", r.action.as_str());
        line("  reason", &format!("{reason:?}"));
        for (name, value) in
            [("  original", &r.original), ("  status", &r.status), ("  remote", &r.remote_mta)]
        {
            if let Some(value) = value {
                line(name, value);
            }
        }
        if let Some(explanation) = &r.explanation {
            line("  explained", explanation);
        }
        if let Some(diagnostic) = &r.diagnostic {
            line(
                "  said",
                &format!("{}; {}", diagnostic.kind.as_deref().unwrap_or("-"), diagnostic.text.escape_debug()),
            );
        }
    }
    out
}

#[test]
fn messages_are_read_as_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut messages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    messages.retain(|path| path.extension().is_some_and(|e| e == "eml"));
    messages.sort();
    assert!(messages.len() >= 30);
    let mut wrong = String::new();
    for path in messages {
        let got = told(&bounce::read(&fs::read(&path).unwrap()));
        let answer = path.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&answer, &got).unwrap();
        }
        let expected = fs::read_to_string(&answer).unwrap_or_default();
        if got != expected {
            wrong += &format!("{}:\n{got}instead of\n{expected}\n", path.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
