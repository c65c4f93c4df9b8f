//! The server of the mailboxes, such as Dovecot: mail is handed to it over LMTP (RFC 2033), and it is asked who has a
//! mailbox.

mod connection;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use guarantee::{Cause, HostAddress};
use smtp::{
    client::{
        Disposition, Extension, Failure, LmtpTransaction, Loss, Message, Obstacle, RecipientOutcome, Report,
        Stage,
    },
    content::ContentFacts,
    envelope::{MailFrom, Notify, RcptTo},
    reply::{Class, EnhancedStatus, Reply},
};
use tokio::{sync::Semaphore, time::timeout};

use crate::config::Place;
use connection::Connection;

/// Questions under way at a time; more wait.
const QUESTIONS: usize = 20;

/// An answer takes no longer than this, the wait for other questions included: who hands mail in waits for it.
const ANSWER: Duration = Duration::from_secs(20);

/// There is no such mailbox (RFC 3463 §3.2).
const UNKNOWN: EnhancedStatus = EnhancedStatus::new(5, 1, 1);

/// RFC 3463 §3.4: the subject of everything that ails the mail system rather than a mailbox or a message.
const MAIL_SYSTEM: u16 = 3;

/// The server of the mailboxes.
pub struct Lmtp {
    place: Place,
    /// Our name, and since it is on the same machine, its.
    name: String,
    questions: Semaphore,
    /// As long as an answer may take.
    answer: Duration,
}

impl fmt::Debug for Lmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lmtp({})", self.place)
    }
}

/// What became of one recipient's copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the mailbox.
    Filed,
    /// It never will be.
    Refused(Cause),
    /// Not now, for a reason of this mailbox or message: over quota, for one.
    Later(Cause),
    /// Not now, for the server is away, or not well. It may have the message all the same.
    Away(Cause),
}

/// Whether mail for an address is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is.
    Takes,
    /// There is no such mailbox.
    Unknown,
    /// There is, but it takes no mail, now or for good, in the server's words.
    Closed(Reply),
    /// The server does not say; this is why.
    Away(Cause),
}

impl Lmtp {
    /// The server at this place, which need not be there yet; `name` is ours.
    pub fn new(place: Place, name: String) -> Self {
        Self { place, name, questions: Semaphore::new(QUESTIONS), answer: ANSWER }
    }

    /// Hands a message over, on a connection of its own. Gives what became of each recipient's copy, in their order.
    pub async fn deliver(&self, mail: &MailFrom, recipients: &[RcptTo], content: &[u8]) -> Vec<Verdict> {
        let transact = async |connection: &mut Connection| {
            // A header in UTF-8 alone is nothing that the end of its way must have announced.
            let announced = mail.smtputf8 && connection.capabilities().offers(Extension::Smtputf8);
            let mail = MailFrom { smtputf8: announced, ..mail.clone() };
            let message = Message { mail: &mail, recipients, content: ContentFacts::of(content) };
            let transaction = LmtpTransaction::deliver(connection.capabilities(), &message)
                .map_err(|obstacle| Verdict::Refused(self.obstacle(&obstacle)))?;
            let report = connection.transact(transaction, content).await;
            self.outcomes(report).map_err(Verdict::Away)
        };
        let outcomes = match self.connect().await {
            Ok(mut connection) => {
                let outcomes = transact(&mut connection).await;
                connection.leave().await;
                outcomes
            }
            Err(cause) => Err(Verdict::Away(cause)),
        };
        match outcomes {
            Ok(outcomes) => {
                recipients.iter().zip(outcomes).map(|(rcpt, outcome)| self.verdict(rcpt, outcome)).collect()
            }
            Err(verdict) => vec![verdict; recipients.len()],
        }
    }

    /// Asks whether mail for this address would be taken.
    pub async fn ask(&self, address: &str) -> Answer {
        let asked = async {
            // Never closed, so the permit always comes.
            let _permit = self.questions.acquire().await;
            self.ask_now(address).await
        };
        let silent = || Cause::Unreachable { host: self.host(), detail: "it does not answer".to_owned() };
        timeout(self.answer, asked).await.unwrap_or_else(|_elapsed| Answer::Away(silent()))
    }

    async fn ask_now(&self, address: &str) -> Answer {
        let rcpt = RcptTo { address: address.to_owned(), notify: Notify::Unspecified, orcpt: None };
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(cause) => return Answer::Away(cause),
        };
        // An address that it can't even be asked for is nobody's.
        let Ok(question) = LmtpTransaction::ask(connection.capabilities(), std::slice::from_ref(&rcpt))
        else {
            return Answer::Unknown;
        };
        let report = connection.transact(question, &[]).await;
        connection.leave().await;
        let outcome = match self.outcomes(report) {
            Ok(mut outcomes) => outcomes.pop(),
            Err(cause) => return Answer::Away(cause),
        };
        let reply = match &outcome {
            // It is passed on, and no 3yz reply makes sense there.
            Some(RecipientOutcome::Refused { stage: Stage::Rcpt, reply })
                if reply.class() != Class::Intermediate =>
            {
                Some(reply.clone())
            }
            _ => None,
        };
        match (outcome.map(|outcome| self.verdict(&rcpt, outcome)), reply) {
            (Some(Verdict::Filed), _) => Answer::Takes,
            (Some(Verdict::Refused(Cause::UnknownUser { .. })), _) => Answer::Unknown,
            (Some(Verdict::Refused(_) | Verdict::Later(_)), Some(reply)) => Answer::Closed(reply),
            (Some(Verdict::Refused(cause) | Verdict::Later(cause) | Verdict::Away(cause)), _) => {
                Answer::Away(cause)
            }
            (None, _) => Answer::Away(Cause::OwnFault { detail: "a question without an answer".to_owned() }),
        }
    }

    /// As reports name it: it is on this machine, and the path of a socket says nothing to whoever reads them.
    fn host(&self) -> HostAddress {
        let address = match &self.place {
            Place::Tcp(address) => address.ip(),
            Place::Unix(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        HostAddress { name: self.name.clone(), address }
    }

    async fn connect(&self) -> Result<Connection, Cause> {
        let mut connection = Connection::open(&self.place, &self.name)
            .await
            .map_err(|error| Cause::Unreachable { host: self.host(), detail: error.to_string() })?;
        match connection.report().await {
            Some(Report::InClear(_)) => Ok(connection),
            Some(Report::Failed(failure)) => Err(self.failed(failure)),
            Some(_) | None => Err(self.lost(Stage::Greeting, &Loss::Closed)),
        }
    }

    fn failed(&self, failure: Failure) -> Cause {
        match failure {
            Failure::Refused { reply, .. } => {
                Cause::GreetingRefused { host: self.host(), reply: reply.to_string() }
            }
            Failure::Lost { stage, loss } => self.lost(stage, &loss),
            Failure::Injected => self.lost(Stage::Greeting, &Loss::Closed),
        }
    }

    fn lost(&self, stage: Stage, loss: &Loss) -> Cause {
        let doing = match stage {
            Stage::Greeting => "waiting for the greeting".to_owned(),
            Stage::Block => "sending the message".to_owned(),
            _ => format!("waiting for the reply to {}", stage.command()),
        };
        Cause::ConnectionLost { host: self.host(), stage: doing, detail: loss.to_string() }
    }

    fn outcomes(&self, report: Option<Report>) -> Result<Vec<RecipientOutcome>, Cause> {
        match report {
            Some(Report::Finished(outcome)) => Ok(outcome.recipients),
            Some(Report::Failed(failure)) => Err(self.failed(failure)),
            Some(_) | None => Err(self.lost(Stage::Mail, &Loss::Closed)),
        }
    }

    fn obstacle(&self, obstacle: &Obstacle) -> Cause {
        let host = self.host();
        match obstacle {
            Obstacle::NeedsReencoding => Cause::NoEightBitMime { host },
            Obstacle::AddressNeedsSmtputf8 | Obstacle::HeaderNeedsSmtputf8 => Cause::NoSmtpUtf8 { host },
            Obstacle::TooLarge { limit, .. } => Cause::TooLarge { host, limit: *limit },
            Obstacle::NoRequireTls | Obstacle::Malformed { .. } => {
                Cause::OwnFault { detail: obstacle.to_string() }
            }
        }
    }

    fn verdict(&self, rcpt: &RcptTo, outcome: RecipientOutcome) -> Verdict {
        let disposition = outcome.disposition();
        let (stage, reply) = match outcome {
            RecipientOutcome::Accepted(_) => return Verdict::Filed,
            RecipientOutcome::Lost { stage, loss } => return Verdict::Away(self.lost(stage, &loss)),
            RecipientOutcome::Refused { stage, reply } => (stage, reply),
        };
        let for_good = disposition == Disposition::Failed;
        if for_good && reply.enhanced == Some(UNKNOWN) {
            return Verdict::Refused(Cause::UnknownUser { address: rcpt.address.clone() });
        }
        // RFC 3463: without an enhanced code, X.0.0.
        let general = if for_good { "5.0.0" } else { "4.0.0" };
        let cause = Cause::Rejected {
            host: self.host(),
            status: reply.enhanced.map_or_else(|| general.to_owned(), |status| status.to_string()),
            command: stage.command().to_owned(),
            reply: reply.to_string(),
        };
        let ails = reply.code == 421 || reply.enhanced.is_some_and(|status| status.subject == MAIL_SYSTEM);
        match disposition {
            Disposition::Failed => Verdict::Refused(cause),
            Disposition::Deferred | Disposition::Delivered if ails => Verdict::Away(cause),
            Disposition::Deferred | Disposition::Delivered => Verdict::Later(cause),
        }
    }
}

#[cfg(test)]
pub(crate) mod real;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;
