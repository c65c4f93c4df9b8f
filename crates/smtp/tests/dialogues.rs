//! Plays every script of `dialogues/` against a session: a clear error, no crash, still in step.

mod support;

use std::path::Path;

use base64::Engine as _;
use rstest::rstest;
use smtp::client::ReplyReader;
use smtp::limits::Limits;
use smtp::reply::Reply;
use smtp::server;
use support::driver::Driver;
use support::script::{Role, Script, Step};

/// How the client's octets are cut on their way.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    EachOctet,
}

struct Player {
    driver: Driver,
    cut: Cut,
    read: usize,
    last: Option<Reply>,
}

impl Player {
    fn send(&mut self, octets: &[u8]) {
        match self.cut {
            Cut::Whole => self.driver.feed(octets),
            Cut::EachOctet => octets.chunks(1).for_each(|octet| self.driver.feed(octet)),
        }
    }

    fn reply(&mut self) -> Result<Reply, String> {
        let (used, reply) =
            ReplyReader::default().read(&self.driver.record.sent[self.read..]).map_err(|e| e.to_string())?;
        let reply = reply.ok_or("there is no reply")?;
        self.read += used;
        self.last = Some(reply.clone());
        Ok(reply)
    }

    fn ask(&mut self, command: &str, code: u16) -> Result<(), String> {
        self.send(format!("{command}\r\n").as_bytes());
        let reply = self.reply()?;
        if reply.code == code { Ok(()) } else { Err(format!("{command}: {reply}")) }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Send(octets) => self.send(octets),
            Step::Expect { code, prefix } => {
                let reply = self.reply()?;
                if reply.code != *code || !has_line(&reply, prefix) {
                    return Err(format!("expected {code} {prefix}, got {reply}"));
                }
            }
            Step::Lacks(prefix) => {
                let reply = self.last.as_ref().ok_or("there was no reply")?;
                if has_line(reply, prefix) {
                    return Err(format!("{reply} has {prefix}"));
                }
            }
            Step::Tls => self.driver.handshake(),
            Step::Close if !self.driver.record.closed => return Err("still open".to_owned()),
            Step::Close => {}
            Step::Kept(count) => {
                let kept = self.driver.record.kept.len();
                if kept != *count {
                    return Err(format!("{kept} messages were kept"));
                }
            }
        }
        Ok(())
    }
}

/// Whether a line of the reply, enhanced code included, begins so.
fn has_line(reply: &Reply, prefix: &str) -> bool {
    let enhanced = reply.enhanced.map(|status| format!("{status} ")).unwrap_or_default();
    reply.lines.iter().any(|line| format!("{enhanced}{line}").starts_with(prefix))
}

fn limits(script: &Script) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in &script.limits {
        match name.as_str() {
            "message" => limits.message = *value as u64,
            "recipients" => limits.recipients = *value,
            "refused_recipients" => limits.refused_recipients = *value,
            "text_line" => limits.text_line = *value,
            other => panic!("{}: unknown limit {other}", script.name),
        }
    }
    limits
}

fn mechanisms(script: &Script) -> Option<Vec<server::Mechanism>> {
    let names = (!script.mechanisms.is_empty()).then_some(&script.mechanisms)?;
    let mechanism = |name: &String| server::Mechanism::from_name(name).expect("a mechanism of ours");
    Some(names.iter().map(mechanism).collect())
}

fn play(script: &Script, cut: Cut) -> Result<(), String> {
    let (role, tls) = match script.role {
        Role::Submission => (server::Role::Submission, false),
        Role::Submissions => (server::Role::Submission, true),
        Role::Mx => (server::Role::Mx, false),
        Role::Store => (server::Role::Store, false),
    };
    let driver = match mechanisms(script) {
        Some(mechanisms) => Driver::with_mechanisms(role, limits(script), tls, mechanisms),
        None => Driver::new(role, limits(script), tls),
    };
    let mut player = Player { driver, cut, read: 0, last: None };
    let greeting = player.reply()?;
    if greeting.code != 220 {
        return Err(format!("greeting: {greeting}"));
    }
    if let Some((address, password)) = &script.auth {
        if !tls {
            player.ask("EHLO client.example", 250)?;
            player.ask("STARTTLS", 220)?;
            player.driver.handshake();
        }
        player.ask("EHLO client.example", 250)?;
        let response = base64::engine::general_purpose::STANDARD.encode(format!("\0{address}\0{password}"));
        player.ask(&format!("AUTH PLAIN {response}"), 235)?;
    }
    if let Some(name) = &script.ehlo {
        player.ask(&format!("EHLO {name}"), 250)?;
    }
    for (index, step) in script.steps.iter().enumerate() {
        player.step(step).map_err(|error| format!("step {}: {error}", index + 1))?;
    }
    if !player.driver.record.closed {
        player.ask("QUIT", 221)?;
    }
    match player.reply() {
        Err(_) => Ok(()),
        Ok(reply) => Err(format!("a reply too many: {reply}")),
    }
}

// rfc 5321 2.3.8: MUST NOT Conforming implementations MUST NOT recognize or generate any other
#[rstest]
#[case::whole(Cut::Whole)]
#[case::each_octet(Cut::EachOctet)]
fn every_script_gets_its_replies(#[case] cut: Cut) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let scripts = Script::read_all(&folder).expect("the scripts are readable");
    assert!(scripts.len() >= 230, "only {} scripts", scripts.len());
    let mut failures = Vec::new();
    for script in &scripts {
        match play(script, cut) {
            Ok(()) => println!("ok {}", script.name),
            Err(error) => failures.push(format!("{}: {error}", script.name)),
        }
    }
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), scripts.len(), failures.join("\n"));
}
