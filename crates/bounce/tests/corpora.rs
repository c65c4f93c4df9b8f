//! Reads 861 real messages of other people's collections and scores the answers beside the peers' figures. The
//! messages are not ours to pass on: without `../shared` nothing is scored, and the golden set stands in.

use std::{collections::HashSet, path::Path, path::PathBuf};

use serde_json::Value;

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    folder.join("expected.jsonl").is_file().then_some(folder)
}

#[derive(Default)]
struct Score {
    messages: usize,
    bounces: usize,
    bounces_detected: usize,
    recipients: usize,
    recipients_found: usize,
    extra: usize,
    exact: usize,
    false_bounces: usize,
    tls_wrong: usize,
    statuses: (usize, usize),
    diagnostics: (usize, usize),
}

fn lower(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Score {
    fn take(&mut self, expected: &Value, raw: &[u8], rfc3464: bool) -> Option<String> {
        let reading = bounce::read(raw);
        let is_bounce = expected["is_bounce"].as_bool().unwrap_or_default();
        self.messages += 1;
        if !is_bounce {
            self.false_bounces += usize::from(reading.is_bounce());
            return reading.is_bounce().then(|| format!("false bounce, {:?}", reading.recipients));
        }
        let empty = Vec::new();
        let wanted: Vec<&Value> = expected["recipients"].as_array().unwrap_or(&empty).iter()
            .filter(|r| matches!(r["action"].as_str(), Some("failed" | "delayed"))).collect();
        let ours: Vec<_> = reading.recipients.iter().filter(|r| r.action.is_trouble()).collect();
        let mut found = 0;
        let mut right = HashSet::new();
        let mut complaint = String::new();
        for want in &wanted {
            let names: Vec<String> = [lower(&want["address"]), lower(&want["original"])].into_iter().flatten().collect();
            let hit = ours.iter().position(|r| {
                names.contains(&r.address.to_lowercase()) || r.original.as_ref().is_some_and(|o| names.contains(&o.to_lowercase()))
            });
            let Some(hit) = hit else { continue };
            found += 1;
            right.insert(hit);
            if rfc3464 {
                let compare = |name: &str, count: &mut (usize, usize), ours: Option<&str>, complaint: &mut String| {
                    let Some(want) = want[name].as_str() else { return };
                    count.1 += 1;
                    if ours.is_some_and(|ours| squeeze(ours) == squeeze(want)) {
                        count.0 += 1;
                    } else {
                        complaint.push_str(&format!(" {name} {ours:?} not {want:?};"));
                    }
                };
                compare("status", &mut self.statuses, ours[hit].status.as_deref(), &mut complaint);
                compare("diagnostic", &mut self.diagnostics, ours[hit].diagnostic.as_ref().map(|d| d.text.as_str()), &mut complaint);
            }
        }
        let extra = ours.len() - right.len();
        self.bounces += 1;
        self.bounces_detected += usize::from(reading.is_bounce());
        self.recipients += wanted.len();
        self.recipients_found += found;
        self.extra += extra;
        let exact = reading.is_bounce() && found == wanted.len() && extra == 0;
        self.exact += usize::from(exact);
        if !exact {
            let got: Vec<_> = ours.iter().map(|r| &r.address).collect();
            complaint.push_str(&format!(" got {got:?} bounce={} want {:?}", reading.is_bounce(), wanted.iter().map(|w| &w["address"]).collect::<Vec<_>>()));
        }
        if expected["tls_stop"].as_bool().unwrap_or_default() != reading.tls_stop().is_some() {
            self.tls_wrong += 1;
            complaint.push_str(&format!(" tls_stop {:?}", reading.tls_stop()));
        }
        (!complaint.is_empty()).then_some(complaint)
    }
}

#[test]
fn scores() {
    let Some(folder) = corpora() else {
        println!("not run: no shared data");
        return;
    };
    let expected = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let mut all = Score::default();
    let mut standard = Score::default();
    let mut other = Score::default();
    for line in expected.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let skip = ["disputed", "dup_of", "fragment"].iter().any(|flag| line.get(flag).is_some_and(|v| *v != Value::Bool(false)));
        if skip || line["is_bounce"].is_null() {
            continue;
        }
        let file = line["file"].as_str().unwrap();
        let raw = std::fs::read(folder.join(file)).unwrap();
        let rfc3464 = line["basis"].as_str().unwrap().starts_with("rfc3464");
        let complaint = all.take(&line, &raw, rfc3464);
        if rfc3464 { standard.take(&line, &raw, true) } else { other.take(&line, &raw, false) };
        if let Some(complaint) = complaint {
            println!("{file}:{complaint}");
        }
    }
    for (name, s) in [("all", &all), ("rfc3464", &standard), ("other", &other)] {
        println!("{name}: {} messages, {} of {} bounces, {} of {} recipients ({:.2} %), {} extra, {} exact ({:.2} %), {} false, tls wrong {}, status {:?}, diagnostics {:?}",
            s.messages, s.bounces_detected, s.bounces, s.recipients_found, s.recipients, 100.0 * s.recipients_found as f64 / s.recipients as f64, s.extra, s.exact, 100.0 * s.exact as f64 / s.bounces as f64, s.false_bounces, s.tls_wrong, s.statuses, s.diagnostics);
    }
}
