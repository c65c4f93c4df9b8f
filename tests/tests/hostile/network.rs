//! A hostile network between the running server and its receivers: whatever answers, nothing of a guaranteed mail leaves.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use black_box::{Mail, Server};

/// In envelope and content, and nowhere else.
const SECRET: &str = "top-secret";

/// What stands in a receiver's place: it says one text after the other, each after something has come, and then takes
/// everything that comes in clear.
struct Attacker {
    name: &'static str,
    says: &'static [&'static [u8]],
    then: Then,
    /// What becomes of a guaranteed mail.
    state: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    TakeMail,
    Close,
}

const GREETING: &[u8] = b"220 mx.example ESMTP\r\n";
const EHLO: &[u8] = b"250-mx.example\r\n250 STARTTLS\r\n";
const READY: &[u8] = b"220 Go ahead\r\n";

const fn attacker(name: &'static str, says: &'static [&'static [u8]], state: &'static str) -> Attacker {
    Attacker { name, says, then: Then::TakeMail, state }
}

const ATTACKERS: &[Attacker] = &[
    attacker("stripped", &[GREETING, b"250-mx.example\r\n250 SIZE 1000000\r\n"], "stopped"),
    attacker("overwritten", &[GREETING, b"250-mx.example\r\n250 XXXXXXXX\r\n"], "stopped"),
    attacker("split", &[GREETING, b"250-mx.example\r\n250-START\r\n250 TLS\r\n"], "stopped"),
    attacker("helo-only", &[GREETING, b"502 What?\r\n", b"250 mx.example\r\n"], "stopped"),
    attacker("refused-for-good", &[GREETING, EHLO, b"554 5.7.0 In clear, please\r\n"], "stopped"),
    attacker("refused-for-now", &[GREETING, EHLO, b"454 4.7.0 In clear, please\r\n"], "deferred"),
    attacker("wrong-code", &[GREETING, EHLO, b"250 Fine\r\n"], "deferred"),
    attacker("injected", &[GREETING, EHLO, b"220 Go ahead\r\n250 mx.example\r\n250 Fine\r\n"], "deferred"),
    attacker("alert", &[GREETING, EHLO, READY, &[21, 3, 3, 0, 2, 2, 40]], "stopped"),
    attacker("plain-text", &[GREETING, EHLO, READY, b"250 Fine\r\n"], "deferred"),
    attacker(
        "sslv3",
        &[GREETING, EHLO, READY, b"\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x00\x00\x0a\x00"],
        "stopped",
    ),
    attacker("html", &[b"HTTP/1.1 200 OK\r\n\r\n<html>Log in to the hotel's network</html>\r\n"], "deferred"),
    attacker("zeroes", &[GREETING, b"\0\0\0\0\r\n"], "deferred"),
    Attacker { name: "cut", says: &[GREETING, EHLO, READY], then: Then::Close, state: "deferred" },
];

type Heard = Arc<Mutex<Vec<u8>>>;

/// Starts it; it lasts as long as the test.
fn start(attacker: &'static Attacker, heard: Heard) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&heard);
            // A broken connection is what it is about.
            thread::spawn(move || drop(attack(stream, attacker, &heard)));
        }
    });
    address
}

fn attack(mut stream: TcpStream, attacker: &Attacker, heard: &Heard) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let mut hear = |stream: &mut TcpStream| -> std::io::Result<Option<Vec<u8>>> {
        let count = stream.read(&mut buffer)?;
        heard.lock().expect("no panic").extend_from_slice(&buffer[..count]);
        Ok((count > 0).then(|| buffer[..count].to_vec()))
    };
    for (number, text) in attacker.says.iter().enumerate() {
        if number > 0 && hear(&mut stream)?.is_none() {
            return Ok(());
        }
        stream.write_all(text)?;
    }
    while let Some(command) = hear(&mut stream)? {
        if attacker.then == Then::Close {
            return Ok(());
        }
        let reply = if command.starts_with(b"DATA") { "354 Go ahead\r\n" } else { "250 Fine\r\n" };
        stream.write_all(reply.as_bytes())?;
    }
    Ok(())
}

// rfc 3207 6: MUST In order to defend against such attacks
#[test]
fn whatever_answers_nothing_of_a_guaranteed_mail_leaves() {
    let heard: Vec<Heard> = ATTACKERS.iter().map(|_| Heard::default()).collect();
    let domains: Vec<String> =
        ATTACKERS.iter().map(|attacker| format!("{}.example", attacker.name)).collect();
    let routes: Vec<(&str, SocketAddr)> = domains
        .iter()
        .zip(ATTACKERS.iter().zip(&heard))
        .map(|(domain, (attacker, heard))| (domain.as_str(), start(attacker, Arc::clone(heard))))
        .collect();
    let server = Server::with_routes(&routes);
    let alice = server.alice();
    let addresses: Vec<String> = domains.iter().map(|domain| format!("{SECRET}@{domain}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();

    alice.switch("on");
    let mut mail = Mail::to(&addresses);
    mail.subject = format!("{SECRET} subject");
    mail.body = format!("{SECRET} text\r\n");
    let status = alice.settled(&server.submit().submit(&mail));
    for (attacker, recipient) in ATTACKERS.iter().zip(&status.recipients) {
        assert!(recipient.address.ends_with(&format!("@{}.example", attacker.name)), "{status:?}");
        assert_eq!(recipient.state, attacker.state, "{}: {recipient:?}", attacker.name);
    }
    for (attacker, heard) in ATTACKERS.iter().zip(&heard) {
        let heard = heard.lock().expect("no panic").clone();
        let in_clear = String::from_utf8_lossy(&heard);
        assert!(!heard.is_empty() || attacker.name == "html", "{} was not tried", attacker.name);
        for leak in [SECRET, "MAIL FROM", "RCPT TO", "DATA\r\n"] {
            assert!(!in_clear.contains(leak), "{} heard {leak}: {in_clear:?}", attacker.name);
        }
    }

    // The same attackers hear what is sent without the guarantee; so the test can fail.
    alice.switch("off");
    mail.to.truncate(1);
    let status = alice.settled(&server.submit().submit(&mail));
    assert_eq!(status.recipients[0].state, "delivered", "{status:?}");
    assert!(String::from_utf8_lossy(&heard[0].lock().expect("no panic")).contains(SECRET));
}
