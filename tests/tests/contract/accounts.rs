//! Who logs in and as whom they send, as a configuration says: Dovecot's users, the webmail's tokens, aliases.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use black_box::{Demo, Mail, PASSWORD, Smtp, User, WebmailKey, binary, run};
use rstest::rstest;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";
const INFO: &str = "info@home.example";

const SENDERS: &str =
    "[senders]\ndatabase = \"FOLDER/aliases.sqlite\"\nquery = \"SELECT login FROM alias WHERE address = ?1\"";

/// The key in the demo's `FOLDER/secret`.
fn key() -> WebmailKey {
    WebmailKey {
        id: "secret".to_owned(),
        secret: b"a secret of more than 32 characters".to_vec(),
        audience: "home.example".to_owned(),
    }
}

fn aliases(demo: &Demo, rows: &[(&str, &str)]) {
    let database = Connection::open(demo.folder().join("aliases.sqlite")).expect("a database");
    database.execute_batch("CREATE TABLE alias (address TEXT, login TEXT)").expect("a table");
    for row in rows {
        database.execute("INSERT INTO alias VALUES (?1, ?2)", *row).expect("a row");
    }
}

fn mail(from: &str, to: &str) -> Mail {
    Mail::new(from, &[to])
}

#[test]
fn p4_an_alias_is_its_users_and_the_guarantee_holds_for_it() {
    let demo = Demo::configured("", SENDERS);
    // The database is not there yet: that is never taken for a yes.
    let waits = mail(INFO, "carla@plain.example");
    let mut alice = demo.submit_as(ALICE);
    let reply = alice.transact(INFO, &["carla@plain.example"], &waits.to_string()).expect(451);
    assert!(reply.text().starts_with("4.3.0 "), "{reply:?}");
    let answer = demo.alice().http.call("POST", "/api/v1/messages", "message/rfc822", waits.to_string());
    assert!(!answer.problem(503)["detail"].is_null());

    aliases(&demo, &[(INFO, ALICE)]);
    let sent = mail(INFO, "erik@tls.example");
    demo.submit_as(ALICE).submit(&sent);
    assert_eq!(demo.wait_for_delivery(&sent.message_id, "tls.example").mail_from, INFO);
    for (from, field) in
        [(INFO, "Sender: bob@home.example"), (BOB, "X: y"), ("Bob <bob@home.example>", "X: y")]
    {
        let mut refused = mail(INFO, "erik@tls.example").with(field);
        refused.from = from.to_owned();
        let mut alice = demo.submit_as(ALICE);
        alice.transact(INFO, &["erik@tls.example"], &refused.to_string()).expect(550);
    }
    let mut bob = demo.submit_as(BOB);
    let reply = bob.command(&format!("MAIL FROM:<{INFO}>")).expect(553);
    assert!(reply.text().starts_with("5.7.1 "), "{reply:?}");

    demo.alice().switch("on");
    let stopped = mail(INFO, "carla@plain.example");
    demo.submit_as(ALICE).submit(&stopped);
    assert_eq!(demo.alice().wait_for_bounce(&stopped.message_id).addresses(), ["carla@plain.example"]);
    assert!(demo.deliveries_of(&stopped.message_id, "plain.example").is_empty());
}

#[test]
fn p1_the_webmails_token_is_for_its_user() {
    let demo = Demo::configured("", "[webmail]\nkeys = [\"FOLDER/secret\"]");
    let alice = demo.anonymous().with_token(&key().token("Alice@HOME.example"));
    assert_eq!(alice.get("/api/v1/session").ok().parse::<serde_json::Value>()["address"], ALICE);
    alice.put("/api/v1/guarantee", &json!({"state": "on"})).ok();
    assert_eq!(demo.alice().guarantee()["state"], "on");
    let carol = demo.anonymous().with_token(&key().token("carol@home.example"));
    carol.get("/api/v1/guarantee").ok();
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    for (iat, kind) in [(now + 300, "clock"), (now - 700, "token-expired")] {
        let claims = json!({"sub": ALICE, "aud": "home.example", "iat": iat, "exp": iat + 300});
        let problem = demo.anonymous().with_token(&key().sign(&claims)).get("/api/v1/session").problem(401);
        assert_eq!(problem["type"], format!("urn:tls-guarantee:problem:{kind}"), "{problem}");
    }
    let other = WebmailKey { secret: b"another secret of 32 characters!!".to_vec(), ..key() };
    demo.anonymous().with_token(&other.token(ALICE)).get("/api/v1/session").problem(401);
    demo.anonymous().with_token(&key().token("alice@tls.example")).get("/api/v1/session").problem(403);
}

/// Dovecot's authentication service, which has Alice with the demo's password and the token `good`.
struct Dovecot {
    path: PathBuf,
    sessions: Arc<Mutex<Vec<UnixStream>>>,
    _folder: TempDir,
}

impl Dovecot {
    fn start() -> Self {
        let folder = TempDir::with_prefix("dovecot-").expect("a folder");
        let this = Self { path: folder.path().join("auth"), sessions: Arc::default(), _folder: folder };
        this.come_back();
        this
    }

    fn come_back(&self) {
        let listener = UnixListener::bind(&self.path).expect("a socket");
        let sessions = Arc::clone(&self.sessions);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                sessions.lock().expect("the sessions").push(stream.try_clone().expect("a socket"));
                thread::spawn(move || session(stream));
            }
        });
    }

    /// As when it is stopped: nobody is there, and who was connected is cut off.
    fn leave(&self) {
        fs::remove_file(&self.path).expect("the socket");
        for session in self.sessions.lock().expect("the sessions").drain(..) {
            let _gone_already = session.shutdown(Shutdown::Both);
        }
    }
}

fn session(mut stream: UnixStream) -> Option<()> {
    let lines = BufReader::new(stream.try_clone().ok()?).lines();
    stream.write_all(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tXOAUTH2\nSPID\t1\nDONE\n").ok()?;
    for line in lines {
        let line = line.ok()?;
        let fields: Vec<&str> = line.split('\t').collect();
        let answer = match fields[..] {
            ["AUTH", id, mechanism, .., response] => {
                let response = BASE64_STANDARD.decode(response.strip_prefix("resp=")?).ok()?;
                let response = String::from_utf8(response).ok()?;
                match mechanism {
                    "PLAIN" if response == format!("\0alice\0{PASSWORD}") => {
                        format!("OK\t{id}\tuser={ALICE}\n")
                    }
                    "PLAIN" if response.starts_with("\0broken") => format!("FAIL\t{id}\ttemp\n"),
                    "PLAIN" if response.starts_with("\0nodomain") => format!("OK\t{id}\tuser=nodomain\n"),
                    "XOAUTH2" if response.contains("Bearer good") => format!("OK\t{id}\tuser={ALICE}\n"),
                    "XOAUTH2" => format!("CONT\t{id}\t{}\n", BASE64_STANDARD.encode("{\"status\":\"401\"}")),
                    _ => format!("FAIL\t{id}\n"),
                }
            }
            ["CONT", id, ..] => format!("FAIL\t{id}\n"),
            _ => continue,
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
    Some(())
}

fn secured(server: SocketAddr) -> Smtp {
    let mut smtp = Smtp::connect(server);
    smtp.command("EHLO client.example").expect(250);
    smtp.starttls();
    smtp
}

fn with_dovecot(dovecot: &Dovecot) -> Demo {
    Demo::configured("", &format!("[users]\ndovecot = \"{}\"", dovecot.path.display()))
}

#[test]
fn p4_dovecots_users_log_in_by_password_and_token() {
    let dovecot = Dovecot::start();
    let demo = with_dovecot(&dovecot);
    let submission = demo.port(5870);
    // Alice by her short name: who she is, Dovecot says.
    let mut smtp = secured(submission);
    smtp.command("EHLO client.example").expect(250);
    smtp.log_in("alice", PASSWORD).expect(235);
    smtp.submit(&mail(ALICE, "erik@tls.example"));
    smtp.command(&format!("MAIL FROM:<{BOB}>")).expect(553);

    let token = |token: &str| {
        let response = format!("user={ALICE}\x01auth=Bearer {token}\x01\x01");
        format!("AUTH XOAUTH2 {}", BASE64_STANDARD.encode(response))
    };
    let mut smtp = secured(submission);
    let offered = smtp.command("EHLO client.example").expect(250);
    assert!(offered.lines.iter().any(|line| line == "AUTH PLAIN LOGIN XOAUTH2"), "{offered:?}");
    let challenge = smtp.command(&token("stale")).expect(334);
    assert_eq!(BASE64_STANDARD.decode(challenge.text()).expect("base64"), b"{\"status\":\"401\"}");
    smtp.command("").expect(535);
    smtp.command(&token("good")).expect(235);
    smtp.submit(&mail(ALICE, "erik@tls.example"));

    let mut smtp = secured(submission);
    smtp.command("EHLO client.example").expect(250);
    smtp.log_in("alice", "wrong").expect(535);
    smtp.log_in("broken", PASSWORD).expect(454);
    smtp.log_in("nodomain", PASSWORD).expect(454);
    // What a program prints is read beside its replies, and may come later than they do.
    black_box::wait_for("what the server says of it", || {
        demo.said().contains("auth_default_realm").then_some(())
    });
    assert!(!demo.said().contains(PASSWORD), "no secret is told");
}

#[test]
fn a_dovecot_that_is_away_keeps_nobody_out_for_good() {
    let dovecot = Dovecot::start();
    let demo = with_dovecot(&dovecot);
    let mut before = secured(demo.port(5870));
    before.command("EHLO client.example").expect(250);
    before.log_in("alice", PASSWORD).expect(235);
    User::log_in(&demo.anonymous(), "alice", PASSWORD).switch("on");

    dovecot.leave();
    let mut smtp = secured(demo.port(5870));
    smtp.command("EHLO client.example").expect(250);
    let reply = smtp.log_in("alice", PASSWORD).expect(454);
    assert!(reply.text().starts_with("4.7.0 "), "{reply:?}");
    let credentials = json!({"address": "alice", "password": PASSWORD});
    let problem = demo.anonymous().post("/api/v1/session", &credentials).problem(503);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("try again")), "{problem}");
    before.submit(&mail(ALICE, "erik@tls.example"));

    dovecot.come_back();
    smtp.log_in("alice", PASSWORD).expect(235);
}

#[test]
fn passwords_that_are_dovecots_are_not_changed_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.toml");
    let data = folder.path().join("data");
    let text = format!(
        "name = \"mail.home.example\"\ndata = \"{}\"\n[listen]\nsubmission = \"127.0.0.1:0\"\n\
         [users]\ndovecot = \"/run/dovecot/tls-guarantee\"\n",
        data.display()
    );
    fs::write(&file, text).expect("written");
    for action in ["add", "passwd"] {
        let mut user = Command::new(binary());
        let output = run(user.args(["user", action, ALICE, "--config"]).arg(&file), b"demo\n");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("users.dovecot"), "{said}");
    }
    assert!(!data.exists(), "nothing was made");
}

#[rstest]
#[case::short_key("[webmail]\nkeys = [\"FOLDER/short.key\"]", "short.key: the secret has 5 characters")]
#[case::key_twice(
    "[webmail]\nkeys = [\"FOLDER/good.key\", \"FOLDER/good.pem\"]",
    "two files are called \"good\""
)]
#[case::no_key("[webmail]\nkeys = [\"FOLDER/absent.key\"]", "absent.key")]
#[case::no_database(
    "[senders]\ndatabase = \"FOLDER/absent\"\nquery = \"SELECT 1 WHERE ?1\"",
    "senders.database"
)]
#[case::query("[senders]\ndatabase = \"FOLDER/aliases\"\nquery = \"SELECT x FROM alias\"", "senders.query")]
#[case::good(
    "[senders]\ndatabase = \"FOLDER/aliases\"\nquery = \"SELECT login FROM alias WHERE address = ?1\"",
    ""
)]
fn a_check_opens_what_the_configuration_names(#[case] more: &str, #[case] told: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, output) = check(folder.path(), more);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), told.is_empty(), "{}: {said}", file.display());
    assert!(said.contains(told), "{said}");
}

fn check(folder: &Path, more: &str) -> (PathBuf, std::process::Output) {
    let file = folder.join("server.toml");
    let text = "name = \"mail.home.example\"\ndata = \"/nowhere\"\n[listen]\nsubmission = \"127.0.0.1:0\"\n";
    fs::write(&file, format!("{text}{}\n", more.replace("FOLDER", &folder.display().to_string())))
        .expect("written");
    fs::write(folder.join("short.key"), "short\n").expect("written");
    for name in ["good.key", "good.pem"] {
        fs::write(folder.join(name), "a secret of more than 32 characters\n").expect("written");
    }
    let database = Connection::open(folder.join("aliases")).expect("a database");
    database.execute_batch("CREATE TABLE alias (address TEXT, login TEXT)").expect("a table");
    let mut check = Command::new(binary());
    let output = run(check.args(["serve", "--check", "--config"]).arg(&file), b"");
    (file, output)
}
