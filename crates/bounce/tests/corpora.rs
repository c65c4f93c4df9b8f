//! Reads 861 real messages of other people's collections, and shows our answers beside the peers' figures. The messages
//! are not ours to pass on: without `../shared` nothing is scored, and the golden set stands in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bounce::{Reading, Recipient, read};
use serde_json::Value;

/// What has to be reached.
const RECIPIENTS: f64 = 99.0;
const RECIPIENTS_RFC3464: f64 = 99.7;
const MESSAGES: f64 = 98.0;

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    folder.join("expected.jsonl").is_file().then_some(folder)
}

/// One answer of the collection beside ours.
struct Answer {
    file: String,
    rfc3464: bool,
    expected: Value,
    reading: Reading,
}

/// Whom a delivery failed or is delayed to, in the expected answer.
fn wanted(answer: &Answer) -> Vec<&Value> {
    let all = answer.expected["recipients"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|r| matches!(r["action"].as_str(), Some("failed" | "delayed"))).collect()
}

/// The same in ours.
fn found(answer: &Answer) -> Vec<&Recipient> {
    answer.reading.recipients.iter().filter(|r| r.action.is_trouble()).collect()
}

/// Final or original recipient, whatever the case.
fn is_same(ours: &Recipient, wanted: &Value) -> bool {
    let names = [Some(&ours.address), ours.original.as_ref()];
    [&wanted["address"], &wanted["original"]]
        .into_iter()
        .filter_map(Value::as_str)
        .any(|wanted| names.into_iter().flatten().any(|ours| ours.to_lowercase() == wanted.to_lowercase()))
}

#[derive(Default)]
struct Score {
    bounces: usize,
    wanted: usize,
    found: usize,
    exact: usize,
    false_bounces: usize,
    wrong_fields: usize,
}

impl Score {
    fn of<'a>(answers: impl Iterator<Item = &'a Answer>) -> Self {
        let mut score = Self::default();
        for answer in answers {
            if answer.expected["is_bounce"] == false {
                score.false_bounces += usize::from(answer.reading.is_bounce());
            } else {
                score.take(answer);
            }
        }
        score
    }

    fn take(&mut self, answer: &Answer) {
        let (wanted, ours) = (wanted(answer), found(answer));
        let hits = wanted.iter().filter(|wanted| ours.iter().any(|ours| is_same(ours, wanted))).count();
        let extra = ours.iter().filter(|ours| !wanted.iter().any(|wanted| is_same(ours, wanted))).count();
        self.bounces += 1;
        self.wanted += wanted.len();
        self.found += hits;
        let exact = answer.reading.is_bounce() && hits == wanted.len() && extra == 0;
        self.exact += usize::from(exact);
        if !exact {
            let ours: Vec<_> = ours.iter().map(|r| &r.address).collect();
            println!(
                "{}: {ours:?} instead of {:?}",
                answer.file,
                wanted.iter().map(|r| &r["address"]).collect::<Vec<_>>()
            );
        }
        let stop = answer.expected["tls_stop"].as_bool().unwrap_or_default();
        if stop != answer.reading.tls_stop().is_some() || (answer.rfc3464 && !fields_agree(answer)) {
            println!("{}: status, diagnostic or kind of stop differ", answer.file);
            self.wrong_fields += 1;
        }
    }

    fn recipients(&self) -> f64 {
        100.0 * self.found as f64 / self.wanted as f64
    }

    fn messages(&self) -> f64 {
        100.0 * self.exact as f64 / self.bounces as f64
    }
}

/// Status, diagnostic and host of each recipient, where the collection knows them.
fn fields_agree(answer: &Answer) -> bool {
    let ours = found(answer);
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    wanted(answer).iter().all(|wanted| {
        let Some(ours) = ours.iter().find(|ours| is_same(ours, wanted)) else { return true };
        let same = |name: &str, ours: Option<&str>| {
            wanted[name].as_str().is_none_or(|wanted| one_line(wanted) == ours.unwrap_or_default())
        };
        same("status", ours.status.as_deref())
            && same("diagnostic", ours.diagnostic.as_ref().map(|d| d.text.as_str()))
    })
}

fn answers(folder: &Path) -> Vec<Answer> {
    let expected = fs::read_to_string(folder.join("expected.jsonl")).unwrap_or_default();
    let lines = expected.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let scored = lines.filter(|line| {
        !line["is_bounce"].is_null()
            && ["disputed", "dup_of", "fragment"].iter().all(|flag| line.get(flag).is_none())
    });
    let answer = |expected: Value| {
        let file = expected["file"].as_str()?.to_owned();
        let rfc3464 = expected["basis"].as_str()?.starts_with("rfc3464");
        let reading = read(&fs::read(folder.join(&file)).ok()?);
        Some(Answer { file, rfc3464, expected, reading })
    };
    scored.filter_map(answer).collect()
}

fn print_peers(folder: &Path) {
    let baselines = fs::read_to_string(folder.join("baselines.json")).unwrap_or_default();
    let baselines: Value = serde_json::from_str(&baselines).unwrap_or_default();
    for (set, peers) in baselines.as_object().into_iter().flatten() {
        for (peer, figures) in peers.as_object().into_iter().flatten() {
            let percent = |name: &str| 100.0 * figures[name].as_f64().unwrap_or_default();
            println!(
                "{set:30} {peer:24} recipients {:6.2} %  messages {:6.2} %  false bounces {}  errors {}",
                percent("recipient_recall"),
                percent("exact_rate"),
                figures["false_bounces"],
                figures["errors_or_timeouts"],
            );
        }
    }
}

#[test]
fn real_bounces_are_read_better_than_the_peers_do() {
    let Some(folder) = corpora() else {
        println!("not run: no shared data");
        return;
    };
    let answers = answers(&folder);
    assert_eq!(answers.len(), 861, "messages that score");
    let all = Score::of(answers.iter());
    let standard = Score::of(answers.iter().filter(|a| a.rfc3464));
    let other = Score::of(answers.iter().filter(|a| !a.rfc3464));
    print_peers(&folder);
    for (set, score) in [("all", &all), ("RFC 3464", &standard), ("other forms", &other)] {
        println!(
            "{set:30} {:24} recipients {:6.2} %  messages {:6.2} %  false bounces {}  errors 0",
            "ours",
            score.recipients(),
            score.messages(),
            score.false_bounces,
        );
    }
    assert!(all.recipients() >= RECIPIENTS && all.messages() >= MESSAGES);
    assert!(standard.recipients() >= RECIPIENTS_RFC3464);
    assert_eq!(all.false_bounces, 0);
    assert_eq!(all.wrong_fields, 0);
}
