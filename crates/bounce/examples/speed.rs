//! Messages a second on one core, and the slowest ones, over files or over `--corpora FOLDER` (those that are scored).

use std::{error::Error, path::Path, time::Instant};

use serde_json::Value;

const ROUNDS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    if files.first().is_some_and(|flag| flag == "--corpora") {
        files = scored(&files.pop().unwrap_or_default())?;
    }
    let mut messages = Vec::new();
    for file in files {
        messages.push((std::fs::read(&file)?, file));
    }
    let mut slowest: Vec<(u128, &str)> =
        messages.iter().map(|(_, file)| (u128::MAX, file.as_str())).collect();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for ((raw, _), slowest) in messages.iter().zip(&mut slowest) {
            let start = Instant::now();
            std::hint::black_box(bounce::read(raw));
            slowest.0 = slowest.0.min(start.elapsed().as_micros());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} messages: {:.0} a second", messages.len(), (messages.len() * ROUNDS) as f64 / seconds);
    slowest.sort_unstable();
    for (micros, file) in slowest.iter().rev().take(8) {
        println!("{micros} µs {file}");
    }
    Ok(())
}

fn scored(folder: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = Path::new(folder);
    let mut files = Vec::new();
    for line in std::fs::read_to_string(folder.join("expected.jsonl"))?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let unscored = ["disputed", "dup_of", "fragment"].iter().any(|flag| line.get(flag).is_some());
        if !unscored && !line["is_bounce"].is_null() {
            files.push(folder.join(line["file"].as_str().unwrap_or_default()).display().to_string());
        }
    }
    Ok(files)
}
