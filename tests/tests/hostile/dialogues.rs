//! The dialogue scripts of `crates/smtp/tests/dialogues`, here over sockets against the running server.

use std::path::Path;

use black_box::{Demo, PASSWORD, Reply, Smtp};
use rstest::rstest;

use crate::script::{Role, Script, Step};

/// In quarters, so that they run side by side.
#[rstest]
fn every_script_gets_its_replies(#[values(0, 1, 2, 3)] quarter: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/smtp/tests/dialogues");
    let scripts = Script::read_all(&folder).expect("the scripts are readable");
    // The others need limits or mechanisms that the demo does not have.
    let for_the_demo = |script: &&Script| script.limits.is_empty() && script.mechanisms.is_empty();
    let playable: Vec<&Script> = scripts.iter().filter(for_the_demo).collect();
    assert!(playable.len() >= 150, "only {} scripts", playable.len());
    let mut demo = Demo::start();
    let mut failures = Vec::new();
    for script in playable.into_iter().skip(quarter).step_by(4) {
        if let Err(error) = play(&demo, script) {
            failures.push(format!("{}: {error}", script.name));
        }
    }
    demo.assert_alive();
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

fn play(demo: &Demo, script: &Script) -> Result<(), String> {
    let mut smtp = match script.role {
        Role::Submission => Smtp::connect(demo.submission()),
        Role::Submissions => Smtp::connect_tls(demo.submissions()),
        Role::Mx => Smtp::connect(demo.mx()),
        Role::Store => Smtp::connect(demo.store()),
    };
    if let Some((address, password)) = &script.auth {
        assert_eq!(password, PASSWORD);
        if script.role == Role::Submission {
            ask(&mut smtp, "EHLO client.example", 250)?;
            ask(&mut smtp, "STARTTLS", 220)?;
            smtp.handshake();
        }
        ask(&mut smtp, "EHLO client.example", 250)?;
        smtp.log_in(address, password).expect(235);
    }
    if let Some(name) = &script.ehlo {
        ask(&mut smtp, &format!("EHLO {name}"), 250)?;
    }
    let mut last = smtp.greeting.clone();
    let mut closed = false;
    for (index, step) in script.steps.iter().enumerate() {
        let failed = |error: String| format!("step {}: {error}", index + 1);
        match step {
            // The server may have closed already; what it said before that is still to be read.
            Step::Send(octets) => drop(smtp.try_send(octets)),
            Step::Expect { code, prefix } => {
                last = smtp.try_reply().map_err(|error| failed(format!("no {code} but {error}")))?;
                if last.code != *code || !has_line(&last, prefix) {
                    return Err(failed(format!("expected {code} {prefix}, got {last:?}")));
                }
            }
            Step::Lacks(prefix) if has_line(&last, prefix) => {
                return Err(failed(format!("{last:?} has {prefix}")));
            }
            Step::Tls => smtp.handshake(),
            Step::Close if !smtp.is_closed() => return Err(failed("still open".to_owned())),
            Step::Close => closed = true,
            // How many were kept shows only inside.
            Step::Lacks(_) | Step::Kept(_) => {}
        }
    }
    if closed {
        return Ok(());
    }
    ask(&mut smtp, "QUIT", 221)?;
    if smtp.is_closed() { Ok(()) } else { Err(format!("a reply too many: {:?}", smtp.try_reply())) }
}

fn ask(smtp: &mut Smtp, command: &str, code: u16) -> Result<(), String> {
    smtp.try_send(format!("{command}\r\n").as_bytes()).map_err(|error| format!("{command}: {error}"))?;
    let reply = smtp.try_reply().map_err(|error| format!("{command}: {error}"))?;
    if reply.code == code { Ok(()) } else { Err(format!("{command}: {reply:?}")) }
}

fn has_line(reply: &Reply, prefix: &str) -> bool {
    reply.lines.iter().any(|line| line.starts_with(prefix))
}
