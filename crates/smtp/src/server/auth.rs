//! AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN, over TLS only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::event::{AuthResult, Event, Login, Mechanism, Secret};
use super::{Mode, Role, Session, Transaction};
use crate::reply::Reply;

/// `Username:` in base64.
const USERNAME: &str = "VXNlcm5hbWU6";
/// `Password:` in base64.
const PASSWORD: &str = "UGFzc3dvcmQ6";

/// What the next line of the exchange is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    Plain,
    LoginName,
    LoginPassword { identity: String },
}

impl Session {
    pub(super) fn auth(&mut self, arguments: &str) -> Result<(), Reply> {
        if self.config.role != Role::Submission {
            return Err(Reply::new(502, (5, 5, 1), "There is no login here"));
        }
        if self.tls.is_none() {
            return Err(Reply::new(538, (5, 7, 11), "A login needs encryption; send STARTTLS first"));
        }
        if self.user.is_some() {
            return Err(Reply::new(503, (5, 5, 1), "Already logged in"));
        }
        if !matches!(self.transaction, Transaction::None) {
            return Err(Reply::new(503, (5, 5, 1), "No login while a message is begun"));
        }
        let mut words = arguments.split_ascii_whitespace();
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let initial = words.next();
        if mechanism.is_empty() || words.next().is_some() {
            return Err(Reply::new(501, (5, 5, 4), "Syntax: AUTH mechanism [initial-response]"));
        }
        let (exchange, challenge) = match mechanism.as_str() {
            "PLAIN" => (Exchange::Plain, ""),
            "LOGIN" => (Exchange::LoginName, USERNAME),
            _ => return Err(Reply::new(504, (5, 5, 4), "Unknown mechanism; PLAIN and LOGIN are offered")),
        };
        match initial {
            None => self.challenge(exchange, challenge),
            // RFC 4954 §4: "=" is an empty response.
            Some("=") => self.response(exchange, "")?,
            Some(response) => self.response(exchange, response)?,
        }
        Ok(())
    }

    fn challenge(&mut self, exchange: Exchange, challenge: &str) {
        self.reply(&Reply::bare(334, vec![challenge.to_owned()]));
        self.flush = true;
        self.mode = Mode::Auth(exchange);
    }

    /// Takes a line of the exchange.
    pub(super) fn auth_line(&mut self, line: &[u8]) {
        let Mode::Auth(exchange) = std::mem::replace(&mut self.mode, Mode::Command) else { return };
        self.flush = true;
        let outcome = match std::str::from_utf8(line) {
            // RFC 4954 §4.
            Ok("*") => Err(Reply::new(501, (5, 7, 0), "Login cancelled")),
            Ok(text) => self.response(exchange, text),
            Err(_) => Err(not_base64()),
        };
        if let Err(reply) = outcome {
            self.refuse(&reply);
        }
    }

    fn response(&mut self, exchange: Exchange, response: &str) -> Result<(), Reply> {
        let octets = STANDARD.decode(response).map_err(|_| not_base64())?;
        let text = String::from_utf8(octets).map_err(|_| malformed())?;
        match exchange {
            Exchange::Plain => {
                let parts: Vec<&str> = text.split('\0').collect();
                let &[authorization, identity, password] = parts.as_slice() else { return Err(malformed()) };
                if !authorization.is_empty() && authorization != identity {
                    return Err(Reply::new(535, (5, 7, 8), "Nobody may act for another account here"));
                }
                self.authenticate(Mechanism::Plain, identity.to_owned(), password)
            }
            Exchange::LoginName if text.is_empty() => Err(malformed()),
            Exchange::LoginName => {
                self.challenge(Exchange::LoginPassword { identity: text }, PASSWORD);
                Ok(())
            }
            Exchange::LoginPassword { identity } => self.authenticate(Mechanism::Login, identity, &text),
        }
    }

    fn authenticate(&mut self, mechanism: Mechanism, identity: String, password: &str) -> Result<(), Reply> {
        let nul = |text: &str| text.contains('\0');
        if identity.is_empty() || password.is_empty() || nul(&identity) || nul(password) {
            return Err(malformed());
        }
        self.mode = Mode::AuthResult;
        let password = Secret::new(password.to_owned());
        self.events.push_back(Event::Authenticate(Login { mechanism, identity, password }));
        Ok(())
    }

    /// Answers [`Event::Authenticate`].
    pub fn auth_result(&mut self, result: AuthResult) {
        if !matches!(self.mode, Mode::AuthResult) {
            return;
        }
        self.mode = Mode::Command;
        self.flush = true;
        match result {
            AuthResult::Accepted { user } => {
                self.user = Some(user);
                self.reply(&Reply::new(235, (2, 7, 0), "Login accepted"));
            }
            AuthResult::Unavailable => {
                self.reply(&Reply::new(454, (4, 7, 0), "The login can't be checked now; try again soon"));
            }
            AuthResult::Rejected => {
                self.counts.failed_logins += 1;
                if self.counts.failed_logins >= self.config.limits.failed_logins {
                    self.hang_up(&Reply::new(421, (4, 7, 0), "Too many failed logins"));
                } else {
                    self.reply(&Reply::new(535, (5, 7, 8), "User name or password is wrong"));
                }
            }
        }
    }
}

fn not_base64() -> Reply {
    Reply::new(501, (5, 5, 2), "The response is not valid base64")
}

fn malformed() -> Reply {
    Reply::new(501, (5, 5, 2), "The response does not fit the mechanism")
}
