//! `bounce`: what messages report.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bounce::{Reading, Recipient};
use serde::Serialize;

use super::options::Bounce;
use super::print::{harmless, line};

/// Octets of one message: what a mail server takes, and more.
const LARGEST: u64 = 200 << 20;

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    is_bounce: bool,
    tls_stop: bool,
    recipients: Vec<LineRecipient<'a>>,
}

#[derive(Serialize)]
struct LineRecipient<'a> {
    address: &'a str,
    action: &'static str,
    status: Option<&'a str>,
    diagnostic: Option<&'a str>,
}

impl<'a> From<&'a Recipient> for LineRecipient<'a> {
    fn from(recipient: &'a Recipient) -> Self {
        Self {
            address: &recipient.address,
            action: recipient.action.as_str(),
            status: recipient.status.as_deref(),
            diagnostic: recipient.diagnostic.as_ref().map(|diagnostic| diagnostic.text.as_str()),
        }
    }
}

/// Reads all files; 1 if some could not be read.
///
/// # Errors
/// When nobody reads the output any more.
pub(super) fn run(options: &Bounce) -> anyhow::Result<u8> {
    let mut code = 0;
    for file in &options.files {
        match read(file) {
            Ok(raw) => {
                let reading = bounce::read(&raw);
                line(&if options.json { json(file, &reading)? } else { words(file, &reading) })?;
            }
            Err(error) => {
                eprintln!("tls-guarantee: {}: {error}", file.display());
                code = 1;
            }
        }
    }
    Ok(code)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    let source: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
    source.take(LARGEST + 1).read_to_end(&mut raw)?;
    if raw.len() as u64 > LARGEST {
        return Err(io::Error::other("larger than any mail (200 MiB)"));
    }
    Ok(raw)
}

fn json(file: &Path, reading: &Reading) -> anyhow::Result<String> {
    let line = Line {
        file: file.to_string_lossy().into_owned(),
        is_bounce: reading.is_bounce(),
        tls_stop: reading.tls_stop().is_some(),
        recipients: reading.recipients.iter().map(LineRecipient::from).collect(),
    };
    Ok(serde_json::to_string(&line)?)
}

fn words(file: &Path, reading: &Reading) -> String {
    let kind = match (reading.is_bounce(), reading.tls_stop().is_some()) {
        (true, true) => "a bounce for lack of transport encryption",
        (true, false) => "a bounce",
        (false, _) => "no bounce",
    };
    let mut text = format!("{}: {kind}", file.display());
    for recipient in &reading.recipients {
        let LineRecipient { address, action, status, diagnostic } = recipient.into();
        let status = status.unwrap_or("no status");
        text.push_str(&format!("\n  {} {action} ({})", harmless(address), harmless(status)));
        if let Some(diagnostic) = diagnostic {
            text.push_str(&format!(": {}", harmless(diagnostic)));
        }
    }
    text
}
