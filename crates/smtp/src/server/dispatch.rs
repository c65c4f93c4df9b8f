//! One command line at a time: what it may do, and in which order (RFC 5321 §4.1.4).

use super::event::Event;
use super::line::{Bounds, Fault, Read, Start};
use super::{Client, Hello, Mode, Role, Session, StartTls, Transaction};
use crate::command::{self, MailContext, RcptContext, Verb};
use crate::reply::Reply;

/// The first octet of a TLS handshake record (RFC 8446 §5.1); no command begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

impl Session {
    /// Reads a line, of commands or of an AUTH exchange, and acts on it.
    pub(super) fn read_line(&mut self) -> bool {
        if self.tls.is_none()
            && !self.line.is_within_line()
            && self.input.rest().first() == Some(&TLS_HANDSHAKE)
        {
            let text = "This port begins in clear: use STARTTLS, or the port for TLS from the start";
            self.hang_up(&Reply::new(421, (4, 7, 0), text));
            return true;
        }
        let in_auth = matches!(self.mode, Mode::Auth(_));
        let limits = &self.config.limits;
        // RFC 4954 §4: an initial response may be as long as any other.
        let auth = limits.auth_line;
        let line = if in_auth { auth } else { limits.command_line };
        let bounds = Bounds { line, auth, refused: limits.refused_line };
        let (used, read) = self.line.read(self.input.rest(), bounds);
        self.input.consume(used);
        match read {
            Read::More => return false,
            Read::Line(line) if in_auth => self.auth_line(&line),
            Read::Line(line) => self.command_line(line),
            Read::Fault(fault, start) => self.line_refused(fault, start),
            Read::Endless => self.hang_up(&Reply::new(421, (4, 7, 0), "A line does not end")),
        }
        true
    }

    fn line_refused(&mut self, fault: Fault, start: Start) {
        let in_auth = matches!(self.mode, Mode::Auth(_));
        self.mode = Mode::Command;
        self.flush = true;
        self.refuse(&match fault {
            Fault::BareCrOrLf => {
                Reply::new(500, (5, 5, 2), "A line ends with CRLF, not with a bare CR or LF")
            }
            // RFC 4954 §4.
            Fault::TooLong if in_auth || start == Start::Auth => {
                Reply::new(500, (5, 5, 6), "The line is too long for AUTH")
            }
            Fault::TooLong => Reply::new(500, (5, 5, 2), "The line is too long"),
        });
        if start == Start::Bdat && !in_auth {
            self.close_after_bdat();
        }
    }

    /// Where the chunk of a malformed BDAT ends is unknown, and its octets must never be taken for commands.
    pub(super) fn close_after_bdat(&mut self) {
        self.drop_transaction();
        if !matches!(self.mode, Mode::Closed) {
            self.close();
        }
    }

    fn command_line(&mut self, line: Vec<u8>) {
        let is_bdat = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"));
        let fault = match String::from_utf8(line) {
            Ok(text) if !text.chars().any(|c| c.is_control() && c != '\t') => return self.command(&text),
            Ok(_) => "A command contains a control character",
            Err(_) => "A command contains octets that are not UTF-8",
        };
        self.flush = true;
        self.refuse(&Reply::new(500, (5, 5, 2), fault));
        if is_bdat {
            self.close_after_bdat();
        }
    }

    fn command(&mut self, line: &str) {
        let (verb, arguments) = command::split(line);
        if let Some(reply) = self.count(verb) {
            return self.hang_up(&reply);
        }
        // RFC 2920 §3.2 (5), (6): only these replies may wait for others.
        self.flush |= !matches!(verb, Verb::Mail | Verb::Rcpt | Verb::Rset | Verb::Bdat);
        if verb == Verb::Bdat {
            return self.bdat(arguments);
        }
        if let Err(reply) = self.in_order(verb).and_then(|()| self.act(verb, arguments)) {
            self.refuse(&reply);
        }
    }

    /// Counts what costs us and brings no mail; gives the last reply when it was too much.
    fn count(&mut self, verb: Verb) -> Option<Reply> {
        let limits = &self.config.limits;
        if !matches!(verb, Verb::Rcpt | Verb::Data | Verb::Bdat | Verb::Quit) {
            self.counts.idle_commands += 1;
        }
        if self.config.role == Role::Submission && self.user.is_none() {
            self.counts.unauthenticated_commands += 1;
        }
        let text = if self.counts.idle_commands > limits.idle_commands {
            "Too many commands without a message"
        } else if self.counts.unauthenticated_commands > limits.unauthenticated_commands {
            "Too many commands without a login"
        } else {
            return None;
        };
        Some(Reply::new(421, (4, 7, 0), text))
    }

    /// Whether the command may come now: after EHLO, and for submission after STARTTLS and AUTH.
    pub(super) fn in_order(&self, verb: Verb) -> Result<(), Reply> {
        let mails = matches!(verb, Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Bdat);
        let greets = mails || matches!(verb, Verb::Auth | Verb::StartTls);
        if greets && self.client.is_none() {
            return Err(Reply::new(503, (5, 5, 1), "Send EHLO first"));
        }
        if self.config.role != Role::Submission || !(mails || matches!(verb, Verb::Vrfy | Verb::Expn)) {
            return Ok(());
        }
        if self.tls.is_none() {
            // RFC 3207 §4.
            return Err(Reply::new(530, (5, 7, 0), "Must issue a STARTTLS command first"));
        }
        if self.user.is_none() {
            // RFC 4954 §6.
            return Err(Reply::new(530, (5, 7, 0), "Authentication required"));
        }
        Ok(())
    }

    fn act(&mut self, verb: Verb, arguments: &str) -> Result<(), Reply> {
        match verb {
            Verb::Ehlo => self.hello(arguments, Hello::Ehlo)?,
            Verb::Helo => self.hello(arguments, Hello::Helo)?,
            Verb::StartTls => self.start_tls(arguments)?,
            Verb::Auth => self.auth(arguments)?,
            Verb::Mail => self.mail(arguments)?,
            Verb::Rcpt => self.rcpt(arguments)?,
            Verb::Data => self.data(arguments)?,
            Verb::Rset => {
                no_arguments(arguments)?;
                self.drop_transaction();
                self.reply(&Reply::new(250, (2, 0, 0), "Forgotten"));
            }
            Verb::Noop => self.reply(&Reply::new(250, (2, 0, 0), "Ok")),
            Verb::Quit => {
                no_arguments(arguments)?;
                self.hang_up(&Reply::new(221, (2, 0, 0), "Goodbye"));
            }
            Verb::Vrfy if arguments.is_empty() => {
                return Err(Reply::new(501, (5, 5, 4), "Syntax: VRFY name"));
            }
            Verb::Vrfy => self.reply(&Reply::new(252, (2, 1, 5), "Send it, and it will be tried")),
            Verb::Help => self.reply(&Reply::new(214, (2, 0, 0), "See RFC 5321; EHLO lists what is offered")),
            Verb::Expn | Verb::NotImplemented => {
                return Err(Reply::new(502, (5, 5, 1), "This command is not implemented"));
            }
            Verb::Http => self.hang_up(&Reply::new(421, (4, 7, 0), "This is a mail server")),
            Verb::Bdat | Verb::Unknown => return Err(Reply::new(500, (5, 5, 2), "Unknown command")),
        }
        Ok(())
    }

    fn hello(&mut self, arguments: &str, hello: Hello) -> Result<(), Reply> {
        let name = command::client_name(arguments);
        let name = name.ok_or_else(|| Reply::new(501, (5, 5, 4), "Syntax: EHLO your-host-name"))?.to_owned();
        // RFC 5321 §4.1.4: it ends whatever was begun.
        self.drop_transaction();
        self.client = Some(Client { name, hello });
        let mut lines = vec![self.config.hostname.clone()];
        if hello == Hello::Ehlo {
            lines.extend(self.extensions());
        }
        self.reply(&Reply::bare(250, lines));
        Ok(())
    }

    fn extensions(&self) -> Vec<String> {
        let mut lines = vec!["PIPELINING".to_owned(), format!("SIZE {}", self.config.limits.message)];
        if self.tls.is_none() && self.config.starttls == StartTls::Offered {
            lines.push("STARTTLS".to_owned());
        }
        // RFC 4954 §4: no mechanism is advertised that is not permitted for lack of encryption.
        if self.tls.is_some() && self.asks_for_login() {
            lines.push(format!("AUTH {}", self.offered_mechanisms(" ")));
        }
        if self.offers_requiretls() {
            lines.push("REQUIRETLS".to_owned());
        }
        lines.extend(["8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "ENHANCEDSTATUSCODES"].map(str::to_owned));
        lines
    }

    /// RFC 8689 §2: only inside TLS, for submission and relay alike.
    fn offers_requiretls(&self) -> bool {
        self.tls.is_some()
    }

    fn start_tls(&mut self, arguments: &str) -> Result<(), Reply> {
        no_arguments(arguments)?;
        if self.tls.is_some() {
            return Err(Reply::new(503, (5, 5, 1), "TLS is already in use"));
        }
        if self.config.starttls == StartTls::NotOffered {
            return Err(Reply::new(502, (5, 5, 1), "STARTTLS is not offered here"));
        }
        self.drop_transaction();
        let injected = self.input.discard();
        self.reply(&Reply::new(220, (2, 0, 0), "Ready to start TLS"));
        self.mode = Mode::Handshake;
        self.events.push_back(Event::StartTls { injected });
        Ok(())
    }

    fn mail(&mut self, arguments: &str) -> Result<(), Reply> {
        if !matches!(self.transaction, Transaction::None) {
            return Err(Reply::new(503, (5, 5, 1), "A message is already begun; send RSET to give it up"));
        }
        let mail = command::mail(arguments, MailContext { requiretls: self.offers_requiretls() })?;
        if mail.size.is_some_and(|size| size > self.config.limits.message) {
            return Err(crate::content::too_large(self.config.limits.message));
        }
        self.smtputf8 = mail.mail.smtputf8;
        self.mode = Mode::MailResult(mail.mail.clone());
        self.events.push_back(Event::MailFrom { mail: mail.mail, declared_size: mail.size });
        Ok(())
    }

    fn rcpt(&mut self, arguments: &str) -> Result<(), Reply> {
        let envelope = match &self.transaction {
            Transaction::None => return Err(Reply::new(503, (5, 5, 1), "Send MAIL first")),
            Transaction::Body(_) => return Err(Reply::new(503, (5, 5, 1), "The message has already begun")),
            Transaction::Open(envelope) => envelope,
        };
        let own_domain = &self.config.postmaster_domain;
        let rcpt = command::rcpt(arguments, RcptContext { smtputf8: envelope.mail.smtputf8, own_domain })?;
        if envelope.recipients.len() >= self.config.limits.recipients {
            // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest later. No error of its own.
            self.reply(&Reply::new(
                452,
                (4, 5, 3),
                "Too many recipients; send the others in another message",
            ));
            return Ok(());
        }
        self.mode = Mode::RcptResult(rcpt.clone());
        self.events.push_back(Event::RcptTo(rcpt));
        Ok(())
    }
}

/// RFC 5321 §4.3.2: what takes no arguments answers 501 to them.
pub(super) fn no_arguments(arguments: &str) -> Result<(), Reply> {
    if arguments.is_empty() {
        Ok(())
    } else {
        Err(Reply::new(501, (5, 5, 4), "This command takes no arguments"))
    }
}
