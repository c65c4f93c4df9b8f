//! One connection to the mailboxes' server: moves the bytes for [`LmtpDialogue`].

use std::{io, time::Duration};

use smtp::client::{
    Action, CONNECT_TIMEOUT, Capabilities, LmtpDialogue, LmtpTransaction, Loss, Report, Stage,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    config::Place,
    stream::{Stream, connect},
};

/// Octets of a message handed to the dialogue at a time.
const PIECE: usize = 64 << 10;

/// Octets read at a time; replies are short.
const READ: usize = 4 << 10;

/// For what a server that hung up said before; it is there or it never will be.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One connection.
pub(super) struct Connection {
    stream: Stream,
    dialogue: LmtpDialogue,
    stage: Stage,
    deadline: Instant,
}

impl Connection {
    /// Connects; the next report says whether the server greets.
    pub(super) async fn open(place: &Place, name: &str) -> io::Result<Self> {
        let stream =
            timeout(CONNECT_TIMEOUT, connect(place)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(Self {
            stream,
            dialogue: LmtpDialogue::new(name),
            stage: Stage::Greeting,
            deadline: Instant::now() + Stage::Greeting.timeout(),
        })
    }

    /// What the server offers.
    pub(super) fn capabilities(&self) -> &Capabilities {
        self.dialogue.capabilities()
    }

    /// Goes on until something is settled.
    pub(super) async fn report(&mut self) -> Option<Report> {
        self.until_settled(&[]).await
    }

    /// Does a transaction.
    pub(super) async fn transact(&mut self, transaction: LmtpTransaction, content: &[u8]) -> Option<Report> {
        self.dialogue.begin(transaction).ok()?;
        self.until_settled(content).await
    }

    /// Takes leave, if there is anybody to take leave of.
    pub(super) async fn leave(mut self) {
        self.dialogue.quit();
        let _goodbye = self.until_settled(&[]).await;
    }

    async fn until_settled(&mut self, mut content: &[u8]) -> Option<Report> {
        loop {
            match self.dialogue.next_action() {
                Action::Send { octets, stage } => {
                    self.stage = stage;
                    self.deadline = Instant::now() + stage.timeout();
                    self.send(&octets).await;
                }
                Action::Receive(stage) => self.receive(stage).await,
                Action::Content if content.is_empty() => self.dialogue.end_content(),
                Action::Content => {
                    let (piece, rest) = content.split_at(content.len().min(PIECE));
                    self.dialogue.content(piece);
                    content = rest;
                }
                Action::Report(report) => return Some(report),
                Action::Handshake | Action::Idle => return None,
            }
        }
    }

    async fn send(&mut self, octets: &[u8]) {
        let sent = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        match timeout_at(self.deadline, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(_gone)) => {
                let mut buffer = [0; READ];
                if let Ok(Ok(count)) = timeout(LAST_WORDS, self.stream.read(&mut buffer)).await {
                    self.dialogue.feed(&buffer[..count]);
                }
                self.dialogue.lost(Loss::Closed);
            }
            Err(_elapsed) => self.dialogue.lost(Loss::TimedOut),
        }
    }

    async fn receive(&mut self, stage: Stage) {
        // All replies of a stage together have its time, however slowly they come.
        if stage != self.stage {
            self.stage = stage;
            self.deadline = Instant::now() + stage.timeout();
        }
        let mut buffer = [0; READ];
        match timeout_at(self.deadline, self.stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => self.dialogue.lost(Loss::Closed),
            Ok(Ok(count)) => self.dialogue.feed(&buffer[..count]),
            Err(_elapsed) => self.dialogue.lost(Loss::TimedOut),
        }
    }
}
