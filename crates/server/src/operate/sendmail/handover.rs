//! The SMTP client: one message to the server's door, all recipients or none.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use smtp::client::{DotWriter, ReplyReader};
use smtp::reply::Reply;

use super::arguments::Arguments;
use super::{Exit, Failure};
use crate::config::Place;

/// Waiting for the server's next octets.
const PATIENCE: Duration = Duration::from_mins(5);

/// So long a server that is just being started again is waited for.
const RESTART: Duration = Duration::from_secs(5);

/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A stream to the server.
trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// When this returns `Ok`, the server has taken the message over.
pub(super) fn hand_over(place: &Place, arguments: &Arguments, message: &[u8]) -> Result<(), Failure> {
    let stream = connect_patiently(place).map_err(|error| {
        let exit =
            if error.kind() == io::ErrorKind::PermissionDenied { Exit::NotAllowed } else { Exit::Later };
        Failure::new(exit, format!("{place}: {error}"))
    })?;
    let mut server = Server { stream, replies: ReplyReader::default(), unread: Vec::new() };
    server.expect(220, Exit::NotAllowed)?;
    server.command("EHLO localhost", 250, Exit::Unavailable)?;
    server.command(&mail(arguments, message), 250, Exit::Unavailable)?;
    for recipient in &arguments.recipients {
        server.command(&format!("RCPT TO:<{recipient}>"), 250, Exit::NoUser)?;
    }
    server.command("DATA", 354, Exit::Unavailable)?;
    let (mut dots, mut wire) = (DotWriter::default(), Vec::with_capacity(message.len()));
    dots.write(message, &mut wire);
    dots.finish(&mut wire);
    server.send(&wire)?;
    server.expect(250, Exit::Unavailable)?;
    // It is theirs now: whatever comes after it changes nothing.
    let _gone_already = server.send(b"QUIT\r\n");
    Ok(())
}

fn connect_patiently(place: &Place) -> io::Result<Box<dyn Stream>> {
    let since = Instant::now();
    loop {
        match connect(place) {
            Err(error) if is_away(&error) && since.elapsed() < RESTART => std::thread::sleep(LOOK_EVERY),
            connected => return connected,
        }
    }
}

fn is_away(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}

fn connect(place: &Place) -> io::Result<Box<dyn Stream>> {
    match place {
        Place::Tcp(address) => {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        Place::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
    }
}

fn mail(arguments: &Arguments, message: &[u8]) -> String {
    let sender = arguments.reverse_path.as_str();
    let mut line = format!("MAIL FROM:<{sender}> SIZE={}", message.len());
    if !message.is_ascii() {
        line += " BODY=8BITMIME";
    }
    if !sender.is_ascii() || !arguments.recipients.iter().all(|one| one.is_ascii()) {
        line += " SMTPUTF8";
    }
    line
}

struct Server {
    stream: Box<dyn Stream>,
    replies: ReplyReader,
    unread: Vec<u8>,
}

impl Server {
    fn command(&mut self, line: &str, code: u16, refused: Exit) -> Result<(), Failure> {
        self.send(format!("{line}\r\n").as_bytes())?;
        self.expect(code, refused)
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(octets).and_then(|()| self.stream.flush()).map_err(|error| lost(&error))
    }

    /// `refused` is what a permanent refusal means here.
    fn expect(&mut self, code: u16, refused: Exit) -> Result<(), Failure> {
        let reply = self.reply()?;
        if reply.code == code {
            return Ok(());
        }
        let exit = if reply.code >= 500 { refused } else { Exit::Later };
        let status = reply.enhanced.map(|status| format!("{status} ")).unwrap_or_default();
        Err(Failure::new(exit, format!("the server says: {} {status}{}", reply.code, reply.lines.join(" "))))
    }

    fn reply(&mut self) -> Result<Reply, Failure> {
        let mut buffer = [0; 4096];
        loop {
            let read = self.replies.read(&self.unread);
            let (used, reply) = read.map_err(|error| Failure::new(Exit::Later, error))?;
            self.unread.drain(..used);
            if let Some(reply) = reply {
                return Ok(reply);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(lost(&io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(&error)),
            }
        }
    }
}

fn lost(error: &io::Error) -> Failure {
    Failure::new(Exit::Later, format!("the server went away: {error}"))
}
