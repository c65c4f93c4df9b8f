//! The receiving side of SMTP (RFC 5321), strict, as a host's [`Behaviour`](crate::Behaviour) says.

use std::{collections::BTreeSet, io, net::Ipv4Addr, time::Duration};

use jiff::Timestamp;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    conduct::{Conduct, Mail},
    deliveries::{Deliveries, Delivery, Transaction, header_section, message_id},
    envelope::{Envelope, Refusal, check_ascii, strip_prefix, too_large, unknown_parameter},
    host::{Action, Extension, Stage, StartTls},
    log::{Channel, Command, Event, Log},
    path::{self, Path},
    tls,
    wire::{Content, Line, Stream, Wire},
};

/// How long a client may be silent (RFC 5321 §4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(300);
/// How long a client may take to go after this host closed the connection.
const PARTING: Duration = Duration::from_secs(30);
const MAX_RECIPIENTS: usize = 1000;
/// So many refused commands end the connection.
const MAX_ERRORS: u32 = 100;

/// A mail host at one of its addresses.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) domain: String,
    pub(crate) address: Ipv4Addr,
    /// The domains it takes mail for.
    pub(crate) serves: BTreeSet<String>,
}

/// Where a host writes down what happens.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) deliveries: std::sync::Arc<Deliveries>,
    pub(crate) log: Log,
}

/// Serves one connection.
pub(crate) async fn serve(
    tcp: TcpStream,
    place: &Place,
    conduct: &Conduct,
    records: &Records,
) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    records.log.add(Event::Connected { host: place.host.clone() });
    let session = Session::new(Box::new(tcp), place, conduct, records);
    let (End::StartTls(stream), Some(ready)) = (session.greet_and_talk().await?, &conduct.tls) else {
        return Ok(());
    };
    let Some((stream, tls)) = handshake(ready, stream, &place.host, records).await? else { return Ok(()) };
    let session = Session { tls: Some(tls), ..Session::new(stream, place, conduct, records) };
    session.talk().await.map(|_| ())
}

/// Takes the server's part in the handshake, and writes down how it ended; `None` if this host makes it fail.
pub(crate) async fn handshake(
    ready: &tls::Ready,
    stream: Box<dyn Stream>,
    host: &str,
    records: &Records,
) -> io::Result<Option<(Box<dyn Stream>, tls::Session)>> {
    let accepted = ready.accept(stream).await;
    let outcome = match &accepted {
        Ok(Some((_, tls))) => Ok(tls.version.clone()),
        Ok(None) => Err("failed by this host".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    records.log.add(Event::Handshake { host: host.to_owned(), outcome });
    accepted
}

struct Session<'a> {
    wire: Wire,
    place: &'a Place,
    conduct: &'a Conduct,
    records: &'a Records,
    tls: Option<tls::Session>,
    hello: Option<Hello>,
    /// A greeting other than 220 was sent: nothing but QUIT is possible (RFC 5321 §3.1).
    unwelcome: bool,
    envelope: Option<Envelope>,
    errors: u32,
}

struct Hello {
    name: String,
    extended: bool,
}

/// What follows a command.
enum Step {
    Continue,
    Close,
    KeepAndClose,
    StartTls,
}

/// How a dialogue ended.
enum End {
    Closed,
    StartTls(Box<dyn Stream>),
}

impl<'a> Session<'a> {
    fn new(stream: Box<dyn Stream>, place: &'a Place, conduct: &'a Conduct, records: &'a Records) -> Self {
        let wire = Wire::new(stream);
        Self {
            wire,
            place,
            conduct,
            records,
            tls: None,
            hello: None,
            unwelcome: false,
            envelope: None,
            errors: 0,
        }
    }

    async fn greet_and_talk(mut self) -> io::Result<End> {
        match self.departure(Stage::Greeting, &[]).await? {
            Some(Step::Continue) => self.unwelcome = true,
            Some(_) => return Ok(End::Closed),
            None => self.send(&format!("220 {} ESMTP", self.place.host)).await?,
        }
        self.talk().await
    }

    async fn talk(mut self) -> io::Result<End> {
        loop {
            let Ok(line) = timeout(IDLE, self.wire.line()).await else {
                self.reply(421, "4.4.2", "You have been silent for too long").await?;
                return Ok(End::Closed);
            };
            let step = match line? {
                Line::End => return Ok(End::Closed),
                Line::TooLong => self.refuse(Refusal(500, "5.5.2", "Line too long".to_owned())).await?,
                Line::BareNewline => {
                    self.refuse(Refusal(500, "5.5.2", "Only CRLF ends a line".to_owned())).await?
                }
                Line::Command(command) => self.command(&command).await?,
            };
            match step {
                Step::Continue if self.errors < MAX_ERRORS => {}
                Step::Continue => {
                    self.reply(421, "4.7.0", "Too many errors").await?;
                    return Ok(End::Closed);
                }
                Step::Close | Step::KeepAndClose => return Ok(End::Closed),
                Step::StartTls => return Ok(End::StartTls(self.wire.into_inner())),
            }
        }
    }

    async fn command(&mut self, command: &[u8]) -> io::Result<Step> {
        let line = String::from_utf8_lossy(command).into_owned();
        let channel = if self.tls.is_some() { Channel::Tls } else { Channel::Clear };
        self.records.log.add(Event::Command(Command {
            host: self.place.host.clone(),
            channel,
            line: line.clone(),
        }));
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let verb = verb.to_ascii_uppercase();
        if std::str::from_utf8(command).is_err() {
            return self.refuse(Refusal(500, "5.5.2", "Not UTF-8".to_owned())).await;
        }
        if self.unwelcome && verb != "QUIT" {
            return self.refuse(Refusal(503, "5.5.1", "This host takes no mail".to_owned())).await;
        }
        match verb.as_str() {
            "EHLO" | "HELO" => self.hello(verb == "EHLO", argument).await,
            "STARTTLS" => self.starttls(argument).await,
            "MAIL" => self.mail(&line, argument).await,
            "RCPT" => self.rcpt(&line, argument).await,
            "DATA" => self.data(argument).await,
            "RSET" => {
                self.envelope = None;
                self.ordinary(Stage::Rset, 250, "2.0.0", "Forgotten").await
            }
            "NOOP" => self.reply(250, "2.0.0", "Done").await,
            "VRFY" => self.reply(252, "2.5.0", "Send some mail, and see").await,
            "QUIT" => {
                let step = self.ordinary(Stage::Quit, 221, "2.0.0", "Bye").await?;
                self.wire.finish().await?;
                Ok(if let Step::Continue = step { Step::Close } else { step })
            }
            _ => self.refuse(Refusal(500, "5.5.1", "Command not known".to_owned())).await,
        }
    }

    async fn hello(&mut self, extended: bool, name: &str) -> io::Result<Step> {
        if name.trim().is_empty() {
            return self.refuse(Refusal(501, "5.5.4", "Your name is missing".to_owned())).await;
        }
        let stage = if extended { Stage::Ehlo } else { Stage::Helo };
        if let Some(step) = self.departure(stage, &[]).await? {
            return Ok(step);
        }
        self.envelope = None;
        self.hello = Some(Hello { name: name.trim().to_owned(), extended });
        let mut lines = vec![self.place.host.clone()];
        if extended {
            lines.extend(self.keywords());
        }
        let last = lines.len() - 1;
        let line = |(i, line)| format!("250{}{line}", if i == last { ' ' } else { '-' });
        let text: Vec<_> = lines.iter().enumerate().map(line).collect();
        self.send(&text.join("\r\n")).await?;
        Ok(Step::Continue)
    }

    fn keywords(&self) -> Vec<String> {
        let behaviour = &self.conduct.behaviour;
        let keyword = |extension: &Extension| match extension {
            Extension::Pipelining => Some("PIPELINING".to_owned()),
            Extension::Size => Some(format!("SIZE {}", behaviour.size_limit)),
            Extension::EightBitMime => Some("8BITMIME".to_owned()),
            Extension::SmtpUtf8 => Some("SMTPUTF8".to_owned()),
            Extension::EnhancedStatusCodes => Some("ENHANCEDSTATUSCODES".to_owned()),
            Extension::Dsn => Some("DSN".to_owned()),
            Extension::RequireTls => self.tls.as_ref().map(|_| "REQUIRETLS".to_owned()),
        };
        let starttls = self.tls.is_none() && self.conduct.offers_starttls();
        behaviour
            .extensions
            .iter()
            .filter_map(keyword)
            .chain(starttls.then(|| "STARTTLS".to_owned()))
            .collect()
    }

    async fn starttls(&mut self, argument: &str) -> io::Result<Step> {
        if let Some(step) = self.departure(Stage::StartTls, &[]).await? {
            return Ok(step);
        }
        let behind = match &self.conduct.behaviour.starttls {
            _ if self.tls.is_some() => {
                return self.refuse(Refusal(503, "5.5.1", "TLS is in use already".to_owned())).await;
            }
            _ if !self.conduct.offers_starttls() => {
                return self.refuse(Refusal(502, "5.5.1", "Command not implemented".to_owned())).await;
            }
            _ if !argument.is_empty() => {
                return self.refuse(Refusal(501, "5.5.4", "STARTTLS takes no argument".to_owned())).await;
            }
            StartTls::NotOffered | StartTls::Offered(_) | StartTls::UntilMail(_) => "",
            StartTls::Injecting { text, .. } => text,
        };
        let reply = self.line(220, "2.0.0", "Go ahead");
        self.conduct.pause().await;
        self.wire.send(format!("{reply}\r\n{behind}").as_bytes()).await?;
        Ok(Step::StartTls)
    }

    async fn mail(&mut self, line: &str, argument: &str) -> io::Result<Step> {
        if self.tls.is_some() && !self.conduct.offers_starttls() {
            return self.forsake_tls().await;
        }
        match self.read_mail(line, argument) {
            Err(refusal) => self.refuse(refusal).await,
            Ok(envelope) => {
                let local = path::parts(&envelope.reverse_path).map_or("", |(local, _)| local);
                if let Some(step) = self.departure(Stage::Mail, &[local]).await? {
                    return Ok(step);
                }
                self.envelope = Some(envelope);
                self.reply(250, "2.1.0", "Sender taken").await
            }
        }
    }

    fn read_mail(&self, line: &str, argument: &str) -> Result<Envelope, Refusal> {
        let syntax = || Refusal(501, "5.5.4", "Syntax: MAIL FROM:<address>".to_owned());
        let hello = self.hello.as_ref().ok_or_else(|| Refusal(503, "5.5.1", "EHLO first".to_owned()))?;
        if self.envelope.is_some() {
            return Err(Refusal(503, "5.5.1", "There was a MAIL already".to_owned()));
        }
        let path = strip_prefix(argument, "FROM:").and_then(Path::parse).ok_or_else(syntax)?;
        if !path.address.is_empty() && path.parts().is_none() {
            return Err(Refusal(501, "5.1.7", "That is no address".to_owned()));
        }
        let mut envelope = Envelope { line: line.to_owned(), ..Envelope::default() };
        for (name, value) in &path.parameters {
            let known = hello.extended && self.mail_parameter(name, *value, &mut envelope)?;
            known.then_some(()).ok_or_else(|| unknown_parameter(name))?;
        }
        check_ascii(path.address, &envelope)?;
        envelope.reverse_path = path.address.to_owned();
        Ok(envelope)
    }

    /// Answers whether there is such a parameter here.
    fn mail_parameter(
        &self,
        name: &str,
        value: Option<&str>,
        envelope: &mut Envelope,
    ) -> Result<bool, Refusal> {
        let behaviour = &self.conduct.behaviour;
        let wrong = || Refusal(501, "5.5.4", format!("The value of {name} is wrong"));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" if behaviour.offers(Extension::Size) => {
                let size: u64 = value.and_then(|value| value.parse().ok()).ok_or_else(wrong)?;
                if size > behaviour.size_limit as u64 {
                    return Err(too_large(behaviour.size_limit));
                }
            }
            "BODY" if behaviour.offers(Extension::EightBitMime) => {
                let value = value.ok_or_else(wrong)?.to_ascii_uppercase();
                (value == "8BITMIME" || value == "7BIT").then_some(()).ok_or_else(wrong)?;
            }
            "SMTPUTF8" if behaviour.offers(Extension::SmtpUtf8) => {
                value.is_none().then_some(()).ok_or_else(wrong)?;
                envelope.utf8 = true;
            }
            "REQUIRETLS" if behaviour.offers(Extension::RequireTls) && self.tls.is_some() => {
                value.is_none().then_some(()).ok_or_else(wrong)?;
            }
            "RET" | "ENVID" if behaviour.offers(Extension::Dsn) => {
                value.ok_or_else(wrong)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn rcpt(&mut self, line: &str, argument: &str) -> io::Result<Step> {
        let address = match self.read_rcpt(argument) {
            Err(refusal) => return self.refuse(refusal).await,
            Ok(address) => address,
        };
        let local = path::parts(&address).map_or(&*address, |(local, _)| local);
        if let Some(step) = self.departure(Stage::Rcpt, &[local]).await? {
            return Ok(step);
        }
        if let Some(envelope) = &mut self.envelope {
            envelope.recipients.push((address, line.to_owned()));
        }
        self.reply(250, "2.1.5", "Recipient taken").await
    }

    fn read_rcpt(&self, argument: &str) -> Result<String, Refusal> {
        let syntax = || Refusal(501, "5.5.4", "Syntax: RCPT TO:<address>".to_owned());
        let envelope =
            self.envelope.as_ref().ok_or_else(|| Refusal(503, "5.5.1", "MAIL first".to_owned()))?;
        if envelope.recipients.len() >= MAX_RECIPIENTS {
            return Err(Refusal(452, "4.5.3", "Too many recipients".to_owned()));
        }
        let path = strip_prefix(argument, "TO:").and_then(Path::parse).ok_or_else(syntax)?;
        let dsn = self.conduct.behaviour.offers(Extension::Dsn);
        for (name, value) in &path.parameters {
            let known = dsn && value.is_some() && ["NOTIFY", "ORCPT"].contains(&&*name.to_ascii_uppercase());
            known.then_some(()).ok_or_else(|| unknown_parameter(name))?;
        }
        check_ascii(path.address, envelope)?;
        // RFC 5321 §4.5.1: postmaster needs no domain.
        if path.address.eq_ignore_ascii_case("postmaster") {
            return Ok(path.address.to_owned());
        }
        let (_, domain) =
            path.parts().ok_or_else(|| Refusal(501, "5.1.3", "That is no address".to_owned()))?;
        if !self.place.takes_mail_for(domain) {
            return Err(Refusal(550, "5.7.1", format!("Relaying denied: no mail for {domain} here")));
        }
        Ok(path.address.to_owned())
    }

    async fn data(&mut self, argument: &str) -> io::Result<Step> {
        let Some(envelope) = self.envelope.as_ref().filter(|envelope| !envelope.recipients.is_empty()) else {
            return self.refuse(Refusal(503, "5.5.1", "MAIL and RCPT first".to_owned())).await;
        };
        if !argument.is_empty() {
            return self.refuse(Refusal(501, "5.5.4", "DATA takes no argument".to_owned())).await;
        }
        let locals = envelope.local_parts();
        let locals: Vec<_> = locals.iter().map(String::as_str).collect();
        if let Some(step) = self.departure(Stage::Data, &locals).await? {
            return Ok(step);
        }
        self.send("354 End with CRLF.CRLF").await?;
        if !timeout(IDLE, self.wire.ready()).await?? {
            return Ok(Step::Close);
        }
        if let Some(step) = self.departure(Stage::Content, &locals).await? {
            return Ok(step);
        }
        let limit = self.conduct.behaviour.size_limit;
        let Some(content) = timeout(IDLE, self.wire.content(limit)).await?? else { return Ok(Step::Close) };
        let envelope = self.envelope.take().unwrap_or_default();
        let step = self.departure(Stage::EndOfData, &locals).await?;
        match step {
            Some(Step::KeepAndClose) => {
                let _kept = self.keep(&envelope, content).await;
                Ok(Step::Close)
            }
            Some(step) => Ok(step),
            None => match self.check(&content) {
                Err(refusal) => self.refuse(refusal).await,
                Ok(()) => self.take(&envelope, content).await,
            },
        }
    }

    /// Keeps a message and answers for it.
    async fn take(&mut self, envelope: &Envelope, content: Content) -> io::Result<Step> {
        let mail = self.conduct.count_mail();
        if mail == Mail::AfterTheLastInTls && self.tls.is_some() {
            return self.forsake_tls().await;
        }
        match self.keep(envelope, content).await {
            Ok(number) => {
                self.reply(250, "2.0.0", &format!("Kept as {number}")).await?;
                if mail != Mail::LastInTls {
                    return Ok(Step::Continue);
                }
                self.wire.finish().await?;
                // Closing while octets are unread resets the connection, and the 250 might be lost with it.
                let _gone = timeout(PARTING, self.wire.drain()).await;
                Ok(Step::Close)
            }
            Err(error) => {
                tracing::error!(%error, "a delivery could not be kept");
                if mail == Mail::LastInTls {
                    self.conduct.uncount_mail();
                }
                self.refuse(Refusal(451, "4.3.0", "The message could not be kept".to_owned())).await
            }
        }
    }

    /// This host speaks TLS no more.
    async fn forsake_tls(&mut self) -> io::Result<Step> {
        self.reply(421, "4.3.2", "Come back without TLS").await?;
        Ok(Step::Close)
    }

    /// What is wrong with a content, given what was announced.
    fn check(&self, content: &Content) -> Result<(), Refusal> {
        let behaviour = &self.conduct.behaviour;
        if content.oversize {
            return Err(too_large(behaviour.size_limit));
        }
        if content.bare_newline {
            return Err(Refusal(550, "5.5.2", "A CR or LF stands alone in the message".to_owned()));
        }
        if !behaviour.offers(Extension::SmtpUtf8) && !header_section(&content.octets).is_ascii() {
            return Err(Refusal(
                554,
                "5.6.9",
                "The header is beyond ASCII, and SMTPUTF8 is not offered".to_owned(),
            ));
        }
        if !behaviour.offers(Extension::EightBitMime) && !content.octets.is_ascii() {
            return Err(Refusal(
                554,
                "5.6.1",
                "There are octets above 127, and 8BITMIME is not offered".to_owned(),
            ));
        }
        Ok(())
    }

    async fn keep(&mut self, envelope: &Envelope, content: Content) -> anyhow::Result<usize> {
        let delivery = Delivery {
            domain: self.place.domain.clone(),
            host: self.place.host.clone(),
            mail_from: envelope.reverse_path.clone(),
            rcpt_to: envelope.recipients.iter().map(|(address, _)| address.clone()).collect(),
            message_id: message_id(&content.octets),
            tls: self.tls.as_ref().map(|tls| tls.version.clone()),
            received_at: Timestamp::now(),
        };
        let transaction = Transaction {
            helo: self.hello.as_ref().map(|hello| hello.name.clone()).unwrap_or_default(),
            mail: envelope.line.clone(),
            rcpt: envelope.recipients.iter().map(|(_, line)| line.clone()).collect(),
            sni: self.tls.as_ref().and_then(|tls| tls.sni.clone()),
            cipher: self.tls.as_ref().and_then(|tls| tls.cipher.clone()),
        };
        let number = self.records.deliveries.keep(delivery.clone(), transaction, content.octets).await?;
        self.records.log.add(Event::Delivered(delivery));
        Ok(number)
    }

    /// Does what the host's rules say about this stage; `None` if they say nothing, or only to wait.
    async fn departure(&mut self, stage: Stage, locals: &[&str]) -> io::Result<Option<Step>> {
        let mut from = 0;
        while let Some((at, action)) = self.conduct.action(from, stage, locals) {
            from = at + 1;
            match action {
                Action::Wait(time) => sleep(*time).await,
                Action::Close => return Ok(Some(Step::Close)),
                Action::KeepAndClose => return Ok(Some(Step::KeepAndClose)),
                Action::Silence => {
                    self.wire.drain().await?;
                    return Ok(Some(Step::Close));
                }
                Action::Reply(reply) => {
                    self.send(reply).await?;
                    let last = reply.starts_with("421") || stage == Stage::Content;
                    return Ok(Some(if last { Step::Close } else { Step::Continue }));
                }
            }
        }
        Ok(None)
    }

    /// The ordinary reply, unless a rule says otherwise.
    async fn ordinary(&mut self, stage: Stage, code: u16, enhanced: &str, text: &str) -> io::Result<Step> {
        match self.departure(stage, &[]).await? {
            Some(step) => Ok(step),
            None => self.reply(code, enhanced, text).await,
        }
    }

    async fn refuse(&mut self, Refusal(code, enhanced, text): Refusal) -> io::Result<Step> {
        self.errors += 1;
        self.reply(code, enhanced, &text).await
    }

    async fn reply(&mut self, code: u16, enhanced: &str, text: &str) -> io::Result<Step> {
        let line = self.line(code, enhanced, text);
        self.send(&line).await?;
        Ok(Step::Continue)
    }

    fn line(&self, code: u16, enhanced: &str, text: &str) -> String {
        if self.conduct.behaviour.offers(Extension::EnhancedStatusCodes) {
            format!("{code} {enhanced} {text}")
        } else {
            format!("{code} {text}")
        }
    }

    async fn send(&mut self, text: &str) -> io::Result<()> {
        self.conduct.pause().await;
        self.wire.send(format!("{text}\r\n").as_bytes()).await
    }
}

impl Place {
    fn takes_mail_for(&self, domain: &str) -> bool {
        if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return literal.parse() == Ok(self.address);
        }
        idna::domain_to_ascii(domain).is_ok_and(|domain| self.serves.contains(&domain))
    }
}
