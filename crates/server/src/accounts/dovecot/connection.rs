//! The connection to Dovecot: made when it is needed, kept, and made anew when Dovecot was away.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use smtp::server::Mechanism;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::codec::{FramedRead, LinesCodec};

use super::protocol::{self, Answer, Greeting, Says};
use crate::config::Place;
use crate::stream::{Stream, connect};

/// Lines of a greeting.
const GREETING_LINES: usize = 200;
/// To hand over a question takes no longer than this.
const WRITE: Duration = Duration::from_secs(5);
/// Questions under way at a time; more wait.
const IN_FLIGHT: usize = 1000;

/// How long Dovecot is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// Until it has greeted.
    pub(super) greeting: Duration,
    /// Until it has answered: it holds back refusals for 2 s, and up to 17 s those to where many went before.
    pub(super) answer: Duration,
    /// Until it is looked whether it is back, if nobody asks before.
    pub(super) retry: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [greeting, answer, retry] = [5, 30, 5].map(Duration::from_secs);
        Self { greeting, answer, retry }
    }
}

/// One log-in to check.
pub(super) struct Question {
    pub(super) mechanism: Mechanism,
    /// The client's response in base64.
    pub(super) response: String,
    pub(super) client: Option<IpAddr>,
    pub(super) reply: oneshot::Sender<Verdict>,
}

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is this user.
    Accepted { user: String },
    /// It is not.
    Rejected,
    /// The token is not taken; the client is told this.
    Challenged { text: String },
    /// Dovecot can't say.
    Unavailable,
    /// The connection broke before there was an answer.
    Lost,
}

/// Why there is no connection any more.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it closed the connection")]
    Closed,
    #[error("a line is too long or no UTF-8")]
    Line,
    #[error(transparent)]
    Malformed(#[from] protocol::Malformed),
    #[error("it does not answer")]
    Silent,
}

/// Answers questions until nobody can ask any more.
pub(super) async fn run(
    place: Place,
    patience: Patience,
    mut questions: mpsc::Receiver<Question>,
    offers: watch::Sender<Vec<String>>,
) {
    let (mut first, mut told) = (None, false);
    loop {
        let connected = timeout(patience.greeting, Connection::open(&place, patience.answer))
            .await
            .unwrap_or(Err(Broken::Silent));
        let broken = match connected {
            Ok(mut connection) => {
                tracing::info!(%place, mechanisms = ?connection.mechanisms, "connected to Dovecot");
                told = false;
                offers.send_replace(connection.mechanisms.clone());
                match connection.serve(first.take(), &mut questions).await {
                    Ok(()) => return,
                    Err(broken) => broken,
                }
            }
            Err(broken) => {
                refuse(first.take(), &mut questions);
                broken
            }
        };
        if !told {
            tracing::warn!(
                %place, %broken,
                "Dovecot can't be asked who logs in; does it run, and may this server use its socket \
                 (unix_listener in Dovecot's service auth)?"
            );
            told = true;
        }
        tokio::select! {
            question = questions.recv() => match question {
                Some(question) => first = Some(question),
                None => return,
            },
            () = sleep(patience.retry) => {}
        }
    }
}

/// Whoever waits learns at once that Dovecot is away.
fn refuse(first: Option<Question>, questions: &mut mpsc::Receiver<Question>) {
    let waiting = std::iter::from_fn(|| questions.try_recv().ok());
    for question in first.into_iter().chain(waiting) {
        let _gave_up = question.reply.send(Verdict::Unavailable);
    }
}

struct Connection {
    lines: FramedRead<ReadHalf<Stream>, LinesCodec>,
    writer: WriteHalf<Stream>,
    mechanisms: Vec<String>,
    in_flight: BTreeMap<u32, Flight>,
    last_id: u32,
    heard_at: Instant,
    /// How long an answer may take.
    patience: Duration,
}

/// A question under way.
struct Flight {
    asked_at: Instant,
    mechanism: Mechanism,
    reply: oneshot::Sender<Verdict>,
}

impl Connection {
    async fn open(place: &Place, patience: Duration) -> Result<Self, Broken> {
        let (reader, writer) = tokio::io::split(connect(place).await?);
        let lines = FramedRead::new(reader, LinesCodec::new_with_max_length(protocol::LINE_OCTETS));
        let mut connection = Self {
            lines,
            writer,
            mechanisms: Vec::new(),
            in_flight: BTreeMap::new(),
            last_id: 0,
            heard_at: Instant::now(),
            patience,
        };
        // Process ids of other machines' and containers' clients may be the same, and Dovecot takes each once.
        connection.write(&protocol::hello(rand::random_range(1..=i32::MAX.unsigned_abs()))).await?;
        for _ in 0..GREETING_LINES {
            match protocol::greeting(&connection.line().await?)? {
                Greeting::Mechanism(name) => connection.mechanisms.push(name),
                Greeting::Done => return Ok(connection),
                Greeting::Other => {}
            }
        }
        Err(Broken::Line)
    }

    /// Until the connection breaks, which is an error, or nobody can ask any more.
    async fn serve(
        &mut self,
        first: Option<Question>,
        questions: &mut mpsc::Receiver<Question>,
    ) -> Result<(), Broken> {
        if let Some(question) = first {
            self.ask(question).await?;
        }
        loop {
            let oldest = self.in_flight.first_key_value().map(|(_, flight)| flight.asked_at);
            let overdue = oldest.unwrap_or_else(Instant::now) + self.patience;
            tokio::select! {
                line = self.line() => {
                    let line = line?;
                    self.heard_at = Instant::now();
                    self.hear(&line).await?;
                }
                question = questions.recv(), if self.in_flight.len() < IN_FLIGHT => match question {
                    Some(question) => self.ask(question).await?,
                    None => return Ok(()),
                },
                () = sleep_until(overdue), if oldest.is_some() => self.give_up().await?,
            }
        }
    }

    /// The next line. What was read of it is kept when this is not waited for any longer.
    async fn line(&mut self) -> Result<String, Broken> {
        match self.lines.next().await {
            Some(Ok(line)) => Ok(line),
            Some(Err(tokio_util::codec::LinesCodecError::Io(error)))
                if error.kind() != io::ErrorKind::InvalidData =>
            {
                Err(error.into())
            }
            Some(Err(_)) => Err(Broken::Line),
            None => Err(Broken::Closed),
        }
    }

    async fn ask(&mut self, question: Question) -> Result<(), Broken> {
        let Question { mechanism, response, client, reply } = question;
        // Dovecot hangs up on whoever asks for what it does not offer.
        if !self.mechanisms.iter().any(|name| name.eq_ignore_ascii_case(mechanism.name())) {
            tracing::error!(
                "Dovecot does not offer {}; add it to auth_mechanisms in Dovecot's configuration",
                mechanism.name()
            );
            let _gave_up = reply.send(Verdict::Unavailable);
            return Ok(());
        }
        self.last_id = self.last_id.checked_add(1).ok_or(Broken::Closed)?;
        let id = self.last_id;
        self.in_flight.insert(id, Flight { asked_at: Instant::now(), mechanism, reply });
        self.write(&protocol::question(id, mechanism, client, &response)).await
    }

    async fn hear(&mut self, line: &str) -> Result<(), Broken> {
        let Some(Answer { id, says }) = protocol::answer(line)? else { return Ok(()) };
        // An answer to what was given up.
        let Some(Flight { mechanism, reply, .. }) = self.in_flight.remove(&id) else { return Ok(()) };
        let verdict = match says {
            Says::Right { user } => Verdict::Accepted { user },
            Says::Wrong => Verdict::Rejected,
            Says::Unknown => Verdict::Unavailable,
            Says::Challenge { text } if !Mechanism::PASSWORDS.contains(&mechanism) => {
                // Only so does Dovecot count and log the failure.
                self.write(&protocol::end_of_exchange(id, mechanism)).await?;
                Verdict::Challenged { text }
            }
            Says::Challenge { .. } => {
                self.write(&protocol::cancel(id)).await?;
                Verdict::Unavailable
            }
        };
        let _gave_up = reply.send(verdict);
        Ok(())
    }

    /// The oldest question gets no answer; if Dovecot has said nothing at all since then, none will.
    async fn give_up(&mut self) -> Result<(), Broken> {
        let Some((id, Flight { asked_at, reply, .. })) = self.in_flight.pop_first() else { return Ok(()) };
        let _gave_up = reply.send(Verdict::Unavailable);
        if self.heard_at < asked_at {
            return Err(Broken::Silent);
        }
        self.write(&protocol::cancel(id)).await
    }

    async fn write(&mut self, text: &str) -> Result<(), Broken> {
        let all = async {
            self.writer.write_all(text.as_bytes()).await?;
            self.writer.flush().await
        };
        Ok(timeout(WRITE, all).await.map_err(|_| Broken::Silent)??)
    }
}
