//! An SMTP client for tests: explicit commands and raw bytes, any certificate will do.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::{Mail, PASSWORD, PATIENCE};

/// A reply, all its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code.
    pub code: u16,
    /// The texts after the code.
    pub lines: Vec<String>,
}

impl Reply {
    /// This reply, if it has this code.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn expect(self, code: u16) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// All lines in one.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// Whether an EHLO keyword is among the lines.
    pub fn offers(&self, keyword: &str) -> bool {
        self.lines
            .iter()
            .skip(1)
            .any(|line| line.split(' ').next().is_some_and(|k| k.eq_ignore_ascii_case(keyword)))
    }

    /// The queue id of `250 2.0.0 queued as QUEUE-ID`.
    ///
    /// # Panics
    /// When it is another reply.
    #[track_caller]
    pub fn queue_id(&self) -> String {
        assert_eq!(self.code, 250, "{self:?}");
        let text = self.text();
        let (_, id) = text.rsplit_once("queued as ").unwrap_or_else(|| panic!("no queue id in {text:?}"));
        assert!(text.starts_with("2.0.0 queued as "), "{text:?}");
        id.to_owned()
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A session.
pub struct Smtp {
    stream: BufReader<Stream>,
    /// The server's first reply.
    pub greeting: Reply,
}

impl Smtp {
    /// Connects in clear and reads the greeting.
    ///
    /// # Panics
    /// When nobody answers.
    pub fn connect(server: SocketAddr) -> Self {
        Self::greeted(Stream::Plain(dial(server)))
    }

    /// Connects with implicit TLS and reads the greeting.
    ///
    /// # Panics
    /// When nobody answers.
    pub fn connect_tls(server: SocketAddr) -> Self {
        Self::greeted(secured(dial(server)))
    }

    fn greeted(stream: Stream) -> Self {
        let greeting = Reply { code: 0, lines: Vec::new() };
        let mut smtp = Self { stream: BufReader::new(stream), greeting };
        smtp.greeting = smtp.reply();
        smtp
    }

    /// Sends a line and reads the reply.
    pub fn command(&mut self, line: &str) -> Reply {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("sending");
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// Reads a reply.
    ///
    /// # Panics
    /// When the connection ends, or what comes is no reply.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        self.try_reply().unwrap_or_else(|error| panic!("no reply: {error}"))
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// When the connection ends, or what comes is no reply.
    pub fn try_reply(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let invalid =
                || io::Error::new(io::ErrorKind::InvalidData, format!("not a reply line: {line:?}"));
            let text = line.strip_suffix("\r\n").ok_or_else(invalid)?;
            let code = text.get(..3).and_then(|code| code.parse().ok()).ok_or_else(invalid)?;
            let goes_on = text.as_bytes().get(3) == Some(&b'-');
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if !goes_on {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// Whether the server has closed the connection; waits for that or for more bytes.
    pub fn is_closed(&mut self) -> bool {
        self.stream.fill_buf().map_or(true, <[u8]>::is_empty)
    }

    /// STARTTLS and the handshake.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn starttls(&mut self) {
        self.command("STARTTLS").expect(220);
        self.handshake();
    }

    /// The handshake alone, after a STARTTLS of one's own.
    ///
    /// # Panics
    /// When it fails, or TLS is on already.
    pub fn handshake(&mut self) {
        let Stream::Plain(stream) = self.stream.get_ref() else { panic!("TLS is on already") };
        let stream = stream.try_clone().expect("the socket");
        self.stream = BufReader::new(secured(stream));
    }

    /// EHLO, STARTTLS, EHLO, and a log-in with the demo's password.
    ///
    /// # Panics
    /// When any of it is refused.
    #[must_use]
    pub fn logged_in(mut self, address: &str) -> Self {
        self.command("EHLO client.example").expect(250);
        self.starttls();
        self.command("EHLO client.example").expect(250);
        self.log_in(address, PASSWORD).expect(235);
        self
    }

    /// AUTH PLAIN.
    pub fn log_in(&mut self, address: &str, password: &str) -> Reply {
        let token = BASE64_STANDARD.encode(format!("\0{address}\0{password}"));
        self.command(&format!("AUTH PLAIN {token}"))
    }

    /// MAIL, RCPT for each, DATA, the message: the reply after the final dot, or the first refusal.
    pub fn transact(&mut self, mail_from: &str, recipients: &[&str], message: &str) -> Reply {
        let mut reply = self.command(&format!("MAIL FROM:<{mail_from}>"));
        for recipient in recipients {
            if reply.code != 250 {
                return reply;
            }
            reply = self.command(&format!("RCPT TO:<{recipient}>"));
        }
        if reply.code != 250 {
            return reply;
        }
        self.data(message)
    }

    /// DATA and the message: the reply after the final dot, or the refusal of DATA.
    pub fn data(&mut self, message: &str) -> Reply {
        let reply = self.command("DATA");
        if reply.code != 354 {
            return reply;
        }
        self.send(stuffed(message).as_bytes());
        self.reply()
    }

    /// Submits a mail to all its recipients, the Bcc field left out, and gives the queue id.
    ///
    /// # Panics
    /// When it is not accepted.
    #[track_caller]
    pub fn submit(&mut self, mail: &Mail) -> String {
        let recipients: Vec<&str> = mail.recipients().collect();
        let message = Mail { bcc: Vec::new(), ..mail.clone() }.to_string();
        self.transact(&mail.from, &recipients, &message).queue_id()
    }
}

/// A message with its dots doubled and the final dot.
fn stuffed(message: &str) -> String {
    let doubled = message.replace("\r\n.", "\r\n..");
    let first = if doubled.starts_with('.') { "." } else { "" };
    let end = if doubled.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" };
    format!("{first}{doubled}{end}")
}

fn dial(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap_or_else(|error| panic!("{server}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
    stream.set_nodelay(true).expect("no delay");
    stream
}

fn secured(mut stream: TcpStream) -> Stream {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("home.example").expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a TLS client");
    connection.complete_io(&mut stream).expect("the TLS handshake");
    Stream::Tls(Box::new(StreamOwned::new(connection, stream)))
}

/// Takes every certificate: whose it is does not matter to these tests.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
