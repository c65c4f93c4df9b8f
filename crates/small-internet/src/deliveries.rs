//! What the hosts received, on disk before the host's `250`.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A message that a host of the world received: one line of `deliveries.jsonl`, one item of `GET /demo/deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The domain the host belongs to; a host of several domains belongs to the one that defines it.
    pub domain: String,
    /// The host's name.
    pub host: String,
    /// The reverse-path without angle brackets; empty for the null reverse-path.
    pub mail_from: String,
    /// The accepted recipients without angle brackets, in the order they came.
    pub rcpt_to: Vec<String>,
    /// The message's Message-ID without angle brackets; empty if it has none.
    pub message_id: String,
    /// `TLSv1.0` to `TLSv1.3`; `None` if it came in the clear.
    pub tls: Option<String>,
    /// When the content was complete.
    pub received_at: Timestamp,
}

/// The transaction that brought a message, for tests that look closer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The name given with EHLO or HELO.
    pub helo: String,
    /// The MAIL command as it came, with its parameters.
    pub mail: String,
    /// The accepted RCPT commands as they came, with their parameters.
    pub rcpt: Vec<String>,
    /// The server name of the client's TLS handshake (SNI).
    pub sni: Option<String>,
    /// The TLS cipher suite.
    pub cipher: Option<String>,
}

/// The list of what was received: `deliveries.jsonl`, and each message in `deliveries/N.eml`, N counted from 0.
#[derive(Debug)]
pub(crate) struct Deliveries {
    directory: PathBuf,
    list: Mutex<List>,
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct List {
    file: File,
    /// Octets of the file that are whole lines.
    length: u64,
    /// Shared with those who look at it.
    items: Arc<Vec<Delivery>>,
}

impl Deliveries {
    /// Opens the list below `data`, or starts it. What a crash left half written was never answered with `250` and is cut off.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let directory = data.join("deliveries");
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let path = data.join("deliveries.jsonl");
        let in_file = || format!("cannot use the list of deliveries {}", path.display());
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(in_file)?;
        let (items, length) = load(&fs::read(&path).with_context(in_file)?).with_context(in_file)?;
        file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length))).with_context(in_file)?;
        sync_directory(data).with_context(in_file)?;
        let count = watch::Sender::new(items.len());
        Ok(Self { directory, list: Mutex::new(List { file, length, items: Arc::new(items) }), count })
    }

    /// All deliveries, oldest first.
    pub(crate) fn all(&self) -> Vec<Delivery> {
        self.snapshot().to_vec()
    }

    /// The list as it is now.
    pub(crate) fn snapshot(&self) -> Arc<Vec<Delivery>> {
        Arc::clone(&self.list().items)
    }

    /// The number of deliveries, as it grows.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Keeps a message; when this returns, it is on disk.
    pub(crate) async fn keep(
        self: &Arc<Self>,
        delivery: Delivery,
        how: Transaction,
        raw: Vec<u8>,
    ) -> Result<usize> {
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.keep_blocking(delivery, &how, &raw)).await?
    }

    fn keep_blocking(&self, delivery: Delivery, how: &Transaction, raw: &[u8]) -> Result<usize> {
        let mut line = serde_json::to_vec(&delivery)?;
        line.push(b'\n');
        let mut list = self.list();
        let number = list.items.len();
        fs::write(self.file(number, "json"), serde_json::to_vec(how)?)?;
        let mut message = File::create(self.file(number, "eml"))?;
        message.write_all(raw).and_then(|()| message.sync_all())?;
        sync_directory(&self.directory)?;
        list.append(&line)?;
        Arc::make_mut(&mut list.items).push(delivery);
        self.count.send_replace(number + 1);
        Ok(number)
    }

    /// The message as it came, dots unstuffed, without the final dot.
    pub(crate) fn raw(&self, number: usize) -> Result<Vec<u8>> {
        let path = self.file(number, "eml");
        fs::read(&path)
            .with_context(|| format!("no delivery number {number}: cannot read {}", path.display()))
    }

    /// The transaction that brought the message.
    pub(crate) fn transaction(&self, number: usize) -> Result<Transaction> {
        let path = self.file(number, "json");
        let text = fs::read(&path)
            .with_context(|| format!("no delivery number {number}: cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    fn file(&self, number: usize, extension: &str) -> PathBuf {
        self.directory.join(format!("{number}.{extension}"))
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// Appends a line and waits for the disk; if that fails, the file is as before.
    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        let written = self.file.write_all(line).and_then(|()| self.file.sync_data());
        if written.is_ok() {
            self.length += line.len() as u64;
        } else {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
        }
        written
    }
}

/// Reads whole lines; answers also how many octets they take. Only the last may be damaged.
fn load(text: &[u8]) -> Result<(Vec<Delivery>, u64)> {
    let mut items = Vec::new();
    let mut length = 0;
    while let Some(end) = text[length..].iter().position(|&b| b == b'\n').map(|at| length + at + 1) {
        match serde_json::from_slice(&text[length..end]) {
            Ok(delivery) => items.push(delivery),
            Err(_) if end == text.len() => break,
            Err(error) => return Err(error).with_context(|| format!("line {} is damaged", items.len() + 1)),
        }
        length = end;
    }
    Ok((items, length as u64))
}

/// Makes a new file's name in `directory` durable.
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

/// What stands before a message's first empty line.
pub(crate) fn header_section(raw: &[u8]) -> &[u8] {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(raw.len());
    &raw[..end]
}

/// The Message-ID in a message's header section, without angle brackets; empty if there is none.
pub(crate) fn message_id(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(header_section(raw));
    let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
    let Some(mut value) = lines.by_ref().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim_end().eq_ignore_ascii_case("message-id").then(|| value.to_owned())
    }) else {
        return String::new();
    };
    // RFC 5322 §2.2.3: a field goes on in the lines that begin with white space.
    lines.take_while(|line| line.starts_with([' ', '\t'])).for_each(|line| value.push_str(line));
    value.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(message_id: &str) -> Delivery {
        Delivery {
            domain: "tls.example".to_owned(),
            host: "mx.tls.example".to_owned(),
            mail_from: "alice@home.example".to_owned(),
            rcpt_to: vec!["bob@tls.example".to_owned()],
            message_id: message_id.to_owned(),
            tls: Some("TLSv1.3".to_owned()),
            received_at: "2026-11-24T10:00:00Z".parse().unwrap(),
        }
    }

    fn keep(deliveries: &Deliveries, message_id: &str) {
        deliveries.keep_blocking(delivery(message_id), &Transaction::default(), b"x: y\r\n").unwrap();
    }

    #[test]
    fn a_line_is_what_the_contract_says() {
        let plain = Delivery { tls: None, ..delivery("1@home.example") };
        assert_eq!(
            serde_json::to_string(&plain).unwrap(),
            r#"{"domain":"tls.example","host":"mx.tls.example","mail_from":"alice@home.example","rcpt_to":["bob@tls.example"],"message_id":"1@home.example","tls":null,"received_at":"2026-11-24T10:00:00Z"}"#
        );
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_next_takes_its_place() {
        for torn in ["{\"domain\":\"tl", "\0\0\0\0\n"] {
            let data = tempfile::tempdir().unwrap();
            keep(&Deliveries::open(data.path()).unwrap(), "1");
            let path = data.path().join("deliveries.jsonl");
            let mut file = File::options().append(true).open(&path).unwrap();
            file.write_all(torn.as_bytes()).unwrap();

            let deliveries = Deliveries::open(data.path()).unwrap();
            assert_eq!(deliveries.all(), [delivery("1")]);
            keep(&deliveries, "2");
            assert_eq!(Deliveries::open(data.path()).unwrap().all(), [delivery("1"), delivery("2")]);
        }
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_named() {
        let data = tempfile::tempdir().unwrap();
        let line = serde_json::to_string(&delivery("1")).unwrap();
        fs::write(data.path().join("deliveries.jsonl"), format!("{line}\n???\n{line}\n")).unwrap();
        let error = format!("{:#}", Deliveries::open(data.path()).unwrap_err());
        assert!(error.contains("deliveries.jsonl") && error.contains("line 2 is damaged"), "{error}");
    }

    #[test]
    fn the_message_id_is_found_in_the_header_section_only() {
        for (raw, expected) in [
            ("From: a\r\nMessage-ID: <1@x>\r\n\r\n", "1@x"),
            ("message-id:\r\n <1@x>\r\nTo: b\r\n\r\n", "1@x"),
            ("From: a\r\n\r\nMessage-ID: <1@x>\r\n", ""),
            ("", ""),
        ] {
            assert_eq!(message_id(raw.as_bytes()), expected, "{raw:?}");
        }
    }
}
