//! A blocking SMTP client over OpenSSL, as dumb as can be. Run it in `block_in_place`.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use openssl::{
    ssl::{HandshakeError, SslConnector, SslMethod, SslStream, SslVerifyMode, SslVersion},
    x509::X509,
};

/// So long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    stream: Stream,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// What a client demands of a handshake.
pub(crate) struct Demand<'a> {
    pub(crate) oldest: SslVersion,
    pub(crate) newest: SslVersion,
    pub(crate) ciphers: &'a str,
    /// The CA to trust, in PEM, and the name to find in the certificate; `None`: any certificate will do.
    pub(crate) verify: Option<(&'a str, &'a str)>,
}

impl Demand<'_> {
    /// TLS 1.2 or newer with forward secrecy, any certificate.
    pub(crate) fn modern() -> Self {
        Self { ciphers: "ECDHE+AESGCM", ..Self::between(SslVersion::TLS1_2, SslVersion::TLS1_3) }
    }

    /// Everything OpenSSL can do.
    pub(crate) fn anything() -> Self {
        Self::between(SslVersion::TLS1, SslVersion::TLS1_3)
    }

    pub(crate) fn only(version: SslVersion) -> Self {
        Self::between(version, version)
    }

    fn between(oldest: SslVersion, newest: SslVersion) -> Self {
        Self { oldest, newest, ciphers: "ALL:@SECLEVEL=0", verify: None }
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut client = Self::connect_silently(address)?;
        client.reply()?;
        Ok(client)
    }

    /// Connects and reads no greeting.
    pub(crate) fn connect_silently(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: Stream::Clear(stream) })
    }

    /// Reads a reply of one or more lines; an error if the connection ends first.
    pub(crate) fn reply(&mut self) -> io::Result<String> {
        let mut reply = Vec::new();
        let mut start = 0;
        loop {
            let mut octet = [0];
            self.read_exact(&mut octet)?;
            reply.push(octet[0]);
            if reply.ends_with(b"\r\n") {
                if reply.get(start + 3) != Some(&b'-') {
                    reply.truncate(reply.len() - 2);
                    return String::from_utf8(reply).map_err(io::Error::other);
                }
                start = reply.len();
            }
        }
    }

    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Clear(stream) => stream.write_all(octets),
            Stream::Tls(stream) => stream.write_all(octets),
        }
    }

    /// Sends a command and reads the reply.
    pub(crate) fn say(&mut self, command: &str) -> io::Result<String> {
        self.send(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    /// Sends a command whose reply has to begin so.
    #[track_caller]
    pub(crate) fn expect(&mut self, command: &str, beginning: &str) {
        let reply = self.say(command).unwrap();
        assert!(reply.starts_with(beginning), "{command:?} was answered with {reply:?}, not {beginning:?}");
    }

    /// Brings a message and answers the last reply.
    #[track_caller]
    pub(crate) fn bring(&mut self, to: &str, content: &[u8]) -> io::Result<String> {
        self.expect("MAIL FROM:<alice@home.example>", "250");
        self.expect(&format!("RCPT TO:<{to}>"), "250");
        self.expect("DATA", "354");
        self.send(content)?;
        self.send(b"\r\n.\r\n")?;
        self.reply()
    }

    /// Says STARTTLS, which has to be answered with 220, and shakes hands.
    pub(crate) fn starttls(mut self, demand: &Demand<'_>) -> Result<Self, String> {
        self.expect("STARTTLS", "220");
        self.handshake(demand)
    }

    pub(crate) fn handshake(self, demand: &Demand<'_>) -> Result<Self, String> {
        let Stream::Clear(stream) = self.stream else { panic!("TLS is in use already") };
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_min_proto_version(Some(demand.oldest)).unwrap();
        connector.set_max_proto_version(Some(demand.newest)).unwrap();
        connector.set_cipher_list(demand.ciphers).unwrap();
        let name = if let Some((ca, name)) = demand.verify {
            let ca = X509::from_pem(ca.as_bytes()).unwrap();
            connector.cert_store_mut().add_cert(ca).unwrap();
            name
        } else {
            connector.set_verify(SslVerifyMode::NONE);
            "ignored.example"
        };
        let verify_hostname = demand.verify.is_some();
        let config = connector.build().configure().unwrap().verify_hostname(verify_hostname);
        match config.connect(name, stream) {
            Ok(stream) => Ok(Self { stream: Stream::Tls(Box::new(stream)) }),
            Err(HandshakeError::Failure(failed)) => {
                Err(format!("{} ({})", failed.error(), failed.ssl().verify_result().error_string()))
            }
            Err(other) => Err(other.to_string()),
        }
    }

    /// The TLS version in use.
    pub(crate) fn version(&self) -> &'static str {
        match &self.stream {
            Stream::Clear(_) => "none",
            Stream::Tls(stream) => stream.ssl().version_str(),
        }
    }

    /// The host's certificate.
    pub(crate) fn certificate(&self) -> Option<X509> {
        match &self.stream {
            Stream::Clear(_) => None,
            Stream::Tls(stream) => stream.ssl().peer_certificate(),
        }
    }

    /// All certificates that the host presented, its own first.
    pub(crate) fn chain(&self) -> Vec<X509> {
        match &self.stream {
            Stream::Clear(_) => Vec::new(),
            Stream::Tls(stream) => {
                stream.ssl().peer_cert_chain().into_iter().flatten().map(ToOwned::to_owned).collect()
            }
        }
    }

    /// Reads until the connection ends.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        match &mut self.stream {
            Stream::Clear(stream) => stream.read_to_end(&mut rest)?,
            Stream::Tls(stream) => stream.read_to_end(&mut rest)?,
        };
        Ok(rest)
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        if let Stream::Clear(stream) = &self.stream {
            stream.set_read_timeout(Some(patience)).unwrap();
        }
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Clear(stream) => stream.read_exact(buffer),
            Stream::Tls(stream) => stream.read_exact(buffer),
        }
    }
}
