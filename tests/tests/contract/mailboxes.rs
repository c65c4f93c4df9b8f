//! Where another server has the mailboxes: it is given mail over LMTP (RFC 2033), reports as well, and asked who lives
//! here.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use black_box::{Demo, Mail, PATIENCE, Report, Smtp};
use rstest::rstest;

fn demo() -> Demo {
    Demo::configured("", "[mailboxes]\nlmtp = \"FOLDER/lmtp\"")
}

/// What the peer took: the reverse-path, the recipient and the message.
type Taken = (String, String, String);

/// An LMTP server with mailboxes for alice and bob, and one for `full`, which takes nothing now.
struct Mailboxes {
    taken: Receiver<Taken>,
    tell: Sender<Taken>,
    path: PathBuf,
}

impl Mailboxes {
    fn start(demo: &Demo) -> Self {
        let this = Self::away(demo);
        this.come();
        this
    }

    fn away(demo: &Demo) -> Self {
        let (tell, taken) = channel();
        Self { taken, tell, path: demo.folder().join("lmtp") }
    }

    fn come(&self) {
        let listener = UnixListener::bind(&self.path).expect("the socket");
        let tell = self.tell.clone();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let tell = tell.clone();
                thread::spawn(move || serve(stream, &tell));
            }
        });
    }

    fn next(&self) -> Taken {
        self.taken.recv_timeout(PATIENCE).expect("mail for a mailbox")
    }
}

fn serve(stream: UnixStream, tell: &Sender<Taken>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut from, mut recipients) = (String::new(), Vec::new());
    say(&mut stream, "220 mailboxes LMTP")?;
    loop {
        let line = line(&mut stream)?;
        let path = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match line.split(' ').next()? {
            "LHLO" => say(
                &mut stream,
                "250-mailboxes\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME",
            )?,
            "MAIL" => {
                from = path;
                say(&mut stream, "250 2.1.0 OK")?;
            }
            "RCPT" if path.starts_with("alice@") || path.starts_with("bob@") => {
                recipients.push(path);
                say(&mut stream, "250 2.1.5 OK")?;
            }
            "RCPT" if path.starts_with("full@") => say(&mut stream, "452 4.2.2 Mailbox is full")?,
            "RCPT" => say(&mut stream, "550 5.1.1 User doesn't exist")?,
            "DATA" => {
                say(&mut stream, "354 OK")?;
                let message = message(&mut stream)?;
                for recipient in recipients.drain(..) {
                    tell.send((from.clone(), recipient, message.clone())).ok()?;
                    say(&mut stream, "250 2.0.0 Saved")?;
                }
            }
            "QUIT" => return say(&mut stream, "221 2.0.0 Bye"),
            _ => say(&mut stream, "502 5.5.1 Unknown")?,
        }
    }
}

fn say(stream: &mut BufReader<UnixStream>, reply: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).ok()
}

fn line(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn message(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut message = String::new();
    loop {
        let line = line(stream)?;
        if line == "." {
            return Some(message);
        }
        message += line.strip_prefix('.').unwrap_or(&line);
        message += "\r\n";
    }
}

#[rstest]
#[case::there("alice@home.example", "250 2.1.5", "451 4.3.0")]
#[case::unknown("nobody@home.example", "550 5.1.1", "451 4.3.0")]
#[case::full("full@home.example", "452 4.2.2", "451 4.3.0")]
#[case::elsewhere("alice@plain.example", "550 5.7.1", "550 5.7.1")]
fn incoming_mail_is_for_whom_the_mailboxes_know(
    #[case] recipient: &str,
    #[case] known: &str,
    #[case] away: &str,
) {
    let mut demo = demo();
    let ask = || {
        let mut smtp = Smtp::connect(demo.mx());
        smtp.command("EHLO mx.tls.example").expect(250);
        smtp.command("MAIL FROM:<erik@tls.example>").expect(250);
        let reply = smtp.command(&format!("RCPT TO:<{recipient}>"));
        format!("{} {}", reply.code, reply.text())
    };
    let reply = ask();
    assert!(reply.starts_with(away), "away: {reply}");
    let mailboxes = Mailboxes::start(&demo);
    let reply = ask();
    assert!(reply.starts_with(known), "{reply}");
    assert!(mailboxes.taken.try_recv().is_err(), "a question files nothing");
    demo.assert_alive();
}

#[test]
fn p9_p10_a_stops_report_is_filed_by_the_mailboxes_server() {
    let demo = demo();
    let mailboxes = Mailboxes::start(&demo);
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example", "bob@home.example", "nobody@home.example"]);
    Smtp::connect(demo.submission()).logged_in("alice@home.example").submit(&mail);
    let (from, recipient, filed) = mailboxes.next();
    assert_eq!((from.as_str(), recipient.as_str()), ("alice@home.example", "bob@home.example"));
    assert!(filed.starts_with("Received: "), "the Return-Path is the other server's to write: {filed}");
    let (from, recipient, report) = mailboxes.next();
    assert_eq!((from.as_str(), recipient.as_str()), ("", "alice@home.example"));
    let report = Report::read(report.as_bytes());
    assert_eq!(report.header("Subject"), Report::SUBJECT);
    assert_eq!(report.original_message_id(), mail.message_id);
    assert_eq!(report.addresses(), ["carla@plain.example", "nobody@home.example"]);
    assert_eq!(alice.stops().len(), 1);
    assert!(mailboxes.taken.try_recv().is_err(), "one report");
}
