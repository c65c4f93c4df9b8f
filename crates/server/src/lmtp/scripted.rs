//! An LMTP server that says what each test wants.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
    task::JoinHandle,
};

use super::Lmtp;
use crate::config::Place;

/// Instead of a reply: the connection ends.
pub(crate) const CLOSE: &str = "CLOSE";

/// Instead of a reply: nothing.
pub(crate) const SILENCE: &str = "SILENCE";

/// What the server took for one recipient.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What MAIL said, `MAIL FROM:` left out.
    pub(crate) mail: String,
    /// `local@domain`.
    pub(crate) recipient: String,
    /// With dots as they were.
    pub(crate) content: String,
}

/// A server at a socket in a folder of its own.
pub(crate) struct Scripted {
    folder: TempDir,
    server: Option<JoinHandle<()>>,
    taken: mpsc::UnboundedReceiver<Taken>,
    tell: mpsc::UnboundedSender<Taken>,
}

impl Scripted {
    /// Not there yet.
    pub(crate) fn away() -> Self {
        let (tell, taken) = mpsc::unbounded_channel();
        Self { folder: tempfile::tempdir().expect("a folder"), server: None, taken, tell }
    }

    /// There. A rule is what is said to it, `GREETING`, `LHLO`, `MAIL`, `RCPT address`, `DATA`, or `. address` for the
    /// message's end, and the reply; else it is satisfied with everything.
    pub(crate) fn start(rules: &[(&str, &str)]) -> Self {
        let mut this = Self::away();
        this.come(rules);
        this
    }

    /// Is there from now on.
    pub(crate) fn come(&mut self, rules: &[(&str, &str)]) {
        let rules = rules.iter().map(|(said, reply)| ((*said).to_owned(), (*reply).to_owned())).collect();
        let rules = Arc::new(Rules(rules));
        let listener = UnixListener::bind(self.path()).expect("binds");
        let tell = self.tell.clone();
        self.server = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (rules, tell) = (Arc::clone(&rules), tell.clone());
                tokio::spawn(async move { serve(stream, &rules, &tell).await });
            }
        }));
    }

    /// Is gone from now on.
    pub(crate) fn go(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
        std::fs::remove_file(self.path()).expect("its socket");
    }

    /// The next that it takes.
    pub(crate) async fn taken(&mut self) -> Taken {
        self.taken.recv().await.expect("the sender is kept")
    }

    /// What it has taken and nobody has asked for.
    pub(crate) fn left(&mut self) -> Option<Taken> {
        self.taken.try_recv().ok()
    }

    pub(crate) fn client(&self) -> Lmtp {
        Lmtp::new(Place::Unix(self.path()), "mail.home.example".to_owned())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("lmtp")
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

struct Rules(HashMap<String, String>);

impl Rules {
    fn reply(&self, said: &str) -> &str {
        match (self.0.get(said), said.split(' ').next().unwrap_or_default()) {
            (Some(reply), _) => reply,
            (None, "LHLO") => "250-store\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES",
            (None, "DATA") => "354 go on",
            (None, _) => "250 2.0.0 fine",
        }
    }
}

async fn serve(stream: UnixStream, rules: &Rules, tell: &mpsc::UnboundedSender<Taken>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, rules.reply("GREETING").replace("250 2.0.0 fine", "220 store LMTP").as_str()).await?;
    let (mut mail, mut recipients) = (String::new(), Vec::new());
    loop {
        let line = line(&mut stream).await?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb {
            "MAIL" => {
                rest.clone_into(&mut mail);
                say(&mut stream, rules.reply("MAIL")).await?;
            }
            "RCPT" => {
                let address = rest.trim_start_matches("TO:<").trim_end_matches('>');
                let reply = rules.reply(&format!("RCPT {address}"));
                if reply.starts_with('2') {
                    recipients.push(address.to_owned());
                }
                say(&mut stream, reply).await?;
            }
            "DATA" => {
                let reply = rules.reply("DATA");
                say(&mut stream, reply).await?;
                if !reply.starts_with('3') {
                    continue;
                }
                let content = content(&mut stream).await?;
                for recipient in recipients.drain(..) {
                    let reply = rules.reply(&format!(". {recipient}"));
                    if reply.starts_with('2') {
                        let (mail, content) = (mail.replacen("FROM:", "", 1), content.clone());
                        tell.send(Taken { mail, recipient, content }).ok()?;
                    }
                    say(&mut stream, reply).await?;
                }
            }
            "QUIT" => return say(&mut stream, "221 2.0.0 bye").await,
            other => say(&mut stream, rules.reply(other)).await?,
        }
    }
}

async fn say(stream: &mut BufReader<UnixStream>, reply: &str) -> Option<()> {
    match reply {
        CLOSE => None,
        SILENCE => std::future::pending().await,
        _ => stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok(),
    }
}

async fn line(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut line = String::new();
    let read: io::Result<usize> = stream.read_line(&mut line).await;
    (read.ok()? > 0).then(|| line.trim_end_matches("\r\n").to_owned())
}

async fn content(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut content = String::new();
    loop {
        let line = line(stream).await?;
        match line.strip_prefix('.') {
            Some("") => return Some(content),
            Some(rest) => content += rest,
            None => content += &line,
        }
        content += "\r\n";
    }
}
