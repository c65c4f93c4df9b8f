//! AUTH (RFC 4954) with passwords (PLAIN, RFC 4616, and LOGIN) and tokens (OAUTHBEARER, RFC 7628, and XOAUTH2), over
//! TLS only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::event::{AuthResult, Event, Login, Mechanism, Proof, Secret};
use super::{Mode, Role, Session, Transaction};
use crate::reply::{CHALLENGE_LINE, Reply};

/// `Username:` in base64.
const USERNAME: &str = "VXNlcm5hbWU6";
/// `Password:` in base64.
const PASSWORD: &str = "UGFzc3dvcmQ6";

/// Octets of a challenge in base64.
const CHALLENGE: usize = CHALLENGE_LINE - "334 \r\n".len();

/// What the next line of the exchange is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    Plain,
    LoginName,
    LoginPassword {
        identity: String,
    },
    Token(Mechanism),
    /// The client's last word after its token was not taken.
    Failed,
}

impl Session {
    pub(super) fn asks_for_login(&self) -> bool {
        self.config.role == Role::Submission && !self.config.mechanisms.is_empty()
    }

    /// The names of what is offered, with this between them.
    pub(super) fn offered_mechanisms(&self, between: &str) -> String {
        let names: Vec<&str> = self.config.mechanisms.iter().map(|mechanism| mechanism.name()).collect();
        names.join(between)
    }

    pub(super) fn auth(&mut self, arguments: &str) -> Result<(), Reply> {
        if !self.asks_for_login() {
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
        let name = words.next().unwrap_or_default();
        let initial = words.next();
        if name.is_empty() || words.next().is_some() {
            return Err(Reply::new(501, (5, 5, 4), "Syntax: AUTH mechanism [initial-response]"));
        }
        let offered = |mechanism: &Mechanism| self.config.mechanisms.contains(mechanism);
        let (exchange, challenge) = match Mechanism::from_name(name).filter(offered) {
            Some(Mechanism::Plain) => (Exchange::Plain, ""),
            Some(Mechanism::Login) => (Exchange::LoginName, USERNAME),
            Some(mechanism @ (Mechanism::OauthBearer | Mechanism::Xoauth2)) => {
                (Exchange::Token(mechanism), "")
            }
            None => {
                let text =
                    format!("This mechanism is not offered; these are: {}", self.offered_mechanisms(", "));
                return Err(Reply::new(504, (5, 5, 4), text));
            }
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
            // RFC 7628 §3.2.3: whatever it is, the login has failed, and was counted then.
            _ if exchange == Exchange::Failed => return self.reply(&wrong_token()),
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
                self.password(Mechanism::Plain, identity.to_owned(), password)
            }
            Exchange::LoginName if text.is_empty() => Err(malformed()),
            Exchange::LoginName => {
                self.challenge(Exchange::LoginPassword { identity: text }, PASSWORD);
                Ok(())
            }
            Exchange::LoginPassword { identity } => self.password(Mechanism::Login, identity, &text),
            Exchange::Token(_) if is_empty_or_has_nul(&text) => Err(malformed()),
            Exchange::Token(mechanism) => {
                self.authenticate(mechanism, Proof::Token(Secret::new(text)));
                Ok(())
            }
            // Its line has no content that counts.
            Exchange::Failed => Ok(()),
        }
    }

    fn password(&mut self, mechanism: Mechanism, identity: String, password: &str) -> Result<(), Reply> {
        if is_empty_or_has_nul(&identity) || is_empty_or_has_nul(password) {
            return Err(malformed());
        }
        let password = Secret::new(password.to_owned());
        self.authenticate(mechanism, Proof::Password { identity, password });
        Ok(())
    }

    fn authenticate(&mut self, mechanism: Mechanism, proof: Proof) {
        self.mode = Mode::AuthResult;
        self.events.push_back(Event::Authenticate(Login { mechanism, proof }));
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
                if self.may_try_again() {
                    self.reply(&Reply::new(535, (5, 7, 8), "User name or password is wrong"));
                }
            }
            AuthResult::Challenge { text } => {
                if self.may_try_again() {
                    let challenge = STANDARD.encode(text);
                    if challenge.len() > CHALLENGE {
                        self.reply(&wrong_token());
                    } else {
                        self.challenge(Exchange::Failed, &challenge);
                    }
                }
            }
        }
    }

    /// Counts a failed login; after too many the client is sent away.
    fn may_try_again(&mut self) -> bool {
        self.counts.failed_logins += 1;
        let may = self.counts.failed_logins < self.config.limits.failed_logins;
        if !may {
            self.hang_up(&Reply::new(421, (4, 7, 0), "Too many failed logins"));
        }
        may
    }
}

fn is_empty_or_has_nul(text: &str) -> bool {
    text.is_empty() || text.contains('\0')
}

fn wrong_token() -> Reply {
    Reply::new(535, (5, 7, 8), "The token is not valid here")
}

fn not_base64() -> Reply {
    Reply::new(501, (5, 5, 2), "The response is not valid base64")
}

fn malformed() -> Reply {
    Reply::new(501, (5, 5, 2), "The response does not fit the mechanism")
}
