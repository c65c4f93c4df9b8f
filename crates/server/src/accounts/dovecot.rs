//! Dovecot's accounts: it is asked over its authentication protocol, as Postfix and Exim ask it.
//!
//! One connection is kept, with many questions on it at a time. No answer is kept: whoever's password was changed in
//! Dovecot is out at once, and Dovecot has a cache of its own (docs/decisions/0060).

mod connection;
mod protocol;

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use smtp::address::Mailbox;
use smtp::server::Mechanism;
use tokio::sync::{mpsc, oneshot, watch};

use super::{LogInError, NAME_OCTETS, PASSWORD_OCTETS};
use crate::config::Place;
use connection::{Patience, Question, Verdict};

/// Questions that may wait for the connection; more are turned away.
const WAITING: usize = 1000;

/// Dovecot's authentication service.
pub(super) struct Dovecot {
    questions: mpsc::Sender<Question>,
    offered: watch::Receiver<Vec<String>>,
}

impl Dovecot {
    /// Dovecot at this place, which need not be there yet. Must be called in a runtime, in which the connection lives
    /// as long as this value.
    pub(super) fn new(place: Place) -> Self {
        Self::with(place, Patience::default())
    }

    fn with(place: Place, patience: Patience) -> Self {
        let (questions, asked) = mpsc::channel(WAITING);
        let (offers, offered) = watch::channel(Vec::new());
        tokio::spawn(connection::run(place, patience, asked, offers));
        Self { questions, offered }
    }

    /// The mechanisms with a token that it offered when it was last connected.
    pub(super) fn token_mechanisms(&self) -> Vec<Mechanism> {
        let offered = self.offered.borrow();
        let known = offered.iter().filter_map(|name| Mechanism::from_name(name));
        known.filter(|mechanism| !Mechanism::PASSWORDS.contains(mechanism)).collect()
    }

    /// The address of the account, if that is its password.
    pub(super) async fn password(
        &self,
        name: &str,
        password: &str,
        client: Option<IpAddr>,
    ) -> Result<String, LogInError> {
        // NUL ends a name (RFC 4616 §2): with one inside, another one would be asked for.
        let nul = name.contains('\0') || password.contains('\0');
        if nul || name.is_empty() || name.len() > NAME_OCTETS || password.len() > PASSWORD_OCTETS {
            return Err(LogInError::Wrong);
        }
        self.ask(Mechanism::Plain, &format!("\0{name}\0{password}"), client).await
    }

    /// The address of the account whose token this response of a client has.
    pub(super) async fn token(
        &self,
        mechanism: Mechanism,
        response: &str,
        client: Option<IpAddr>,
    ) -> Result<String, LogInError> {
        self.ask(mechanism, response, client).await
    }

    async fn ask(
        &self,
        mechanism: Mechanism,
        response: &str,
        client: Option<IpAddr>,
    ) -> Result<String, LogInError> {
        let response = STANDARD.encode(response);
        if response.len() > protocol::RESPONSE_OCTETS {
            return Err(LogInError::Wrong);
        }
        let verdict = match self.once(mechanism, response.clone(), client).await? {
            // Dovecot was restarted, perhaps: the connection that comes next is a new one.
            Verdict::Lost => self.once(mechanism, response, client).await?,
            verdict => verdict,
        };
        match verdict {
            Verdict::Accepted { user } => account(&user),
            Verdict::Rejected => Err(LogInError::Wrong),
            Verdict::Challenged { text } => Err(LogInError::TokenRefused { text }),
            Verdict::Lost | Verdict::Unavailable => Err(LogInError::Unavailable),
        }
    }

    async fn once(
        &self,
        mechanism: Mechanism,
        response: String,
        client: Option<IpAddr>,
    ) -> Result<Verdict, LogInError> {
        let (reply, verdict) = oneshot::channel();
        let question = Question { mechanism, response, client, reply };
        self.questions.try_send(question).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LogInError::Busy,
            mpsc::error::TrySendError::Closed(_) => LogInError::Unavailable,
        })?;
        Ok(verdict.await.unwrap_or(Verdict::Lost))
    }
}

/// Accounts are addresses here, so Dovecot's user names have to be.
fn account(user: &str) -> Result<String, LogInError> {
    match Mailbox::parse(user) {
        Ok(address) => Ok(address.to_string()),
        Err(_) => {
            tracing::error!(
                user,
                "Dovecot's user name is no address; set auth_default_realm = YOUR.DOMAIN in Dovecot (and let \
                 auth_username_format keep the domain), so that users are called user@YOUR.DOMAIN"
            );
            Err(LogInError::Unavailable)
        }
    }
}

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;
