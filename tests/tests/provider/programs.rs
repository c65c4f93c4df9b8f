//! P4 on a provider's machine: what is switched on in the webmail binds mail of other programs too, and who may log in
//! there is Dovecot's to say.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use black_box::{Mail, PASSWORD, Provider, Reply, Report, Smtp, run};

/// How the session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    StartTls,
    ImplicitTls,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    Swaks,
    Smtplib,
    Msmtp,
    Mutt,
    MuttThroughMsmtp,
}

const ALICE: &str = "alice@example.org";

const SMTPLIB: &str = "
import smtplib, ssl, sys
door, host, port, sender, password, *recipients = sys.argv[1:]
context = ssl._create_unverified_context()
if door == 'implicit':
    s = smtplib.SMTP_SSL(host, int(port), context=context)
else:
    s = smtplib.SMTP(host, int(port))
    s.starttls(context=context)
s.login(sender, password)
refused = s.sendmail(sender, recipients, sys.stdin.buffer.read())
s.quit()
sys.exit(repr(refused) if refused else 0)
";

#[test]
fn p04_the_webmails_switch_binds_every_program() {
    let Some(provider) = Provider::start() else { return };
    let alice = provider.alice();
    alice.switch("on");
    let programs =
        [Program::Swaks, Program::Smtplib, Program::Msmtp, Program::Mutt, Program::MuttThroughMsmtp];
    let doors = [Door::StartTls, Door::ImplicitTls];
    for (program, door) in programs.into_iter().flat_map(|program| doors.map(|door| (program, door))) {
        let mail = Mail::new(ALICE, &["x@tls.example", "y@plain.example"]);
        let mut command = command(&provider, program, door, &mail);
        let input = if is_mutt(program) { mail.body.clone() } else { mail.to_string() };
        let done = run(&mut command, input.as_bytes());
        assert!(done.status.success(), "{program:?}, {door:?}: {done:?}");

        let bounce = alice.wait_for_bounce(&mail.message_id);
        assert_eq!(bounce.addresses(), ["y@plain.example"], "{program:?}, {door:?}");
        assert_eq!(bounce.recipients[0].field("status"), "5.7.4");
        let cause = "TLS is required, but was not offered by host mx.plain.example[";
        assert!(bounce.recipients[0].diagnostic().starts_with(cause), "{bounce:?}");
        assert_eq!(bounce.field("reporting-mta"), "dns; mail.example.org");
        assert_eq!(bounce.header("Subject"), Report::SUBJECT);
        let delivery = provider.wait_for_delivery(&mail.message_id, "tls.example");
        assert!(delivery.tls.is_some(), "{delivery:?}");
        assert_eq!(delivery.mail_from, ALICE, "{program:?}, {door:?}");
    }
    assert!(provider.deliveries().iter().all(|delivery| delivery.domain == "tls.example"));
    assert_eq!(alice.stops().len(), programs.len() * doors.len());
}

/// Mutt writes the message by itself; the others are given it.
fn is_mutt(program: Program) -> bool {
    matches!(program, Program::Mutt | Program::MuttThroughMsmtp)
}

fn command(provider: &Provider, program: Program, door: Door, mail: &Mail) -> Command {
    let implicit = door == Door::ImplicitTls;
    let server = if implicit { provider.submissions() } else { provider.submission() };
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let recipients: Vec<&str> = mail.recipients().collect();
    let mut command;
    match program {
        Program::Swaks => {
            command = Command::new("swaks");
            command.args(["--server", &host, "--port", &port, "--auth", "LOGIN", "--auth-user", ALICE]);
            command.args(["--auth-password", PASSWORD, "--from", ALICE, "--data", "-"]);
            command.args([
                if implicit { "--tls-on-connect" } else { "--tls" },
                "--to",
                &recipients.join(","),
            ]);
        }
        Program::Smtplib => {
            let door = if implicit { "implicit" } else { "starttls" };
            command = Command::new("/usr/bin/python3");
            command.args(["-c", SMTPLIB, door, &host, &port, ALICE, PASSWORD]).args(recipients);
        }
        Program::Msmtp => {
            command = Command::new("msmtp");
            command.args(msmtp(provider, &host, &port, door)).arg("--").args(recipients);
        }
        Program::Mutt | Program::MuttThroughMsmtp => {
            let way = if matches!(program, Program::Mutt) {
                let scheme = if implicit { "smtps" } else { "smtp" };
                format!("set smtp_url = \"{scheme}://alice%40example.org@{host}:{port}/\"")
            } else {
                format!("set sendmail = \"msmtp {}\"", msmtp(provider, &host, &port, door).join(" "))
            };
            command = mutt(provider, &way, mail);
        }
    }
    command
}

/// Mutt with a configuration of its own, at work without anybody before it.
fn mutt(provider: &Provider, way: &str, mail: &Mail) -> Command {
    let certificate = provider.path("/etc/ssl/mail/fullchain.pem");
    let configuration = format!(
        "{way}
set smtp_pass = \"{PASSWORD}\"
set ssl_force_tls = yes ssl_starttls = yes ssl_verify_host = no
set certificate_file = \"{}\"
set from = \"{ALICE}\" envelope_from = yes use_envelope_from = yes copy = no
my_hdr Message-ID: <{}>
",
        certificate.display(),
        mail.message_id
    );
    let file = provider.path("/muttrc");
    fs::write(&file, configuration).expect("mutt's configuration");
    let mut mutt = Command::new("mutt");
    mutt.env("HOME", provider.path("/")).arg("-n").arg("-F").arg(file).args(["-s", &mail.subject, "--"]);
    mutt.args(mail.recipients());
    mutt
}

/// The command line of msmtp, but for the recipients; the rest of what it is to do stands in a file.
fn msmtp(provider: &Provider, host: &str, port: &str, door: Door) -> Vec<String> {
    let starttls = if door == Door::StartTls { "on" } else { "off" };
    let configuration = format!(
        "account default\nhost {host}\nport {port}\nfrom {ALICE}\nauth plain\nuser {ALICE}\npassword {PASSWORD}\n\
         tls on\ntls_starttls {starttls}\ntls_certcheck off\n"
    );
    let file = provider.path("/msmtprc");
    fs::write(&file, configuration).expect("msmtp's configuration");
    // It reads no file with a password that others can read.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
    vec!["-C".to_owned(), file.display().to_string()]
}

fn secured(submission: SocketAddr) -> Smtp {
    let mut smtp = Smtp::connect(submission);
    smtp.command("EHLO client.example").expect(250);
    smtp.starttls();
    let ehlo = smtp.command("EHLO client.example").expect(250);
    assert!(ehlo.lines.iter().any(|line| line == "AUTH PLAIN LOGIN"), "{ehlo:?}");
    smtp
}

fn auth_login(smtp: &mut Smtp, user: &str, password: &str) -> Reply {
    smtp.command("AUTH LOGIN").expect(334);
    smtp.command(&BASE64_STANDARD.encode(user)).expect(334);
    smtp.command(&BASE64_STANDARD.encode(password))
}

/// Users and passwords are Dovecot's, as they are at this moment.
#[test]
fn p04_dovecot_says_who_logs_in() {
    let Some(provider) = Provider::start() else { return };
    let cases = [
        (ALICE, PASSWORD, 235),
        ("Alice@Example.ORG", PASSWORD, 235),
        (ALICE, "Demo", 535),
        ("nobody@example.org", PASSWORD, 535),
        ("alice@elsewhere.example", PASSWORD, 535),
        ("alice", PASSWORD, 535),
    ];
    let submission = provider.submission();
    let log_in = |user: &str, password: &str| {
        let plain = secured(submission).log_in(user, password);
        let login = auth_login(&mut secured(submission), user, password);
        assert_eq!(login, plain, "{user}, {password}: LOGIN is told the same");
        plain
    };
    // At the same time: Dovecot lets each who is wrong wait.
    std::thread::scope(|scope| {
        let told = cases.map(|(user, password, code)| {
            let told = scope.spawn(move || log_in(user, password));
            (format!("{user}, {password}"), code, told)
        });
        let told = told.map(|(case, code, told)| (case, code, told.join().expect("a reply")));
        for (case, code, reply) in &told {
            assert_eq!(reply.code, *code, "{case}");
        }
        let [_, _, wrong, unknown, ..] = told;
        assert_eq!(wrong.2, unknown.2, "whoever guesses is not told whether there is such a user");
    });
    let users = provider.path("/etc/dovecot/users");
    let more = fs::read_to_string(&users).expect("users") + "carol@example.org:{PLAIN}new::::::\n";
    fs::write(&users, more).expect("Dovecot's users");
    assert_eq!(log_in("carol@example.org", "new").code, 235);
}

/// Passwords never go over the wire in clear, and nothing is sent without a log-in.
#[test]
fn p04_no_log_in_without_encryption_and_no_mail_without_log_in() {
    let Some(provider) = Provider::start() else { return };
    let mut smtp = Smtp::connect(provider.submission());
    let ehlo = smtp.command("EHLO client.example").expect(250);
    assert!(!ehlo.offers("AUTH"), "{ehlo:?}");
    assert!(smtp.log_in(ALICE, PASSWORD).code >= 500);
    smtp.starttls();
    smtp.command("EHLO client.example").expect(250);
    smtp.command(&format!("MAIL FROM:<{ALICE}>")).expect(530);
}

/// A log-in is for who has the password, whatever else it says.
#[test]
fn p04_nobody_logs_in_as_another() {
    let Some(provider) = Provider::start() else { return };
    for (identity, code) in [("", 235), (ALICE, 235), ("bob@example.org", 535)] {
        let response = BASE64_STANDARD.encode(format!("{identity}\0{ALICE}\0{PASSWORD}"));
        let mut smtp = secured(provider.submission());
        let told = smtp.command(&format!("AUTH PLAIN {response}"));
        assert_eq!(told.code, code, "as {identity:?}: {told:?}");
        if code == 235 {
            smtp.command("MAIL FROM:<bob@example.org>").expect(553);
        }
    }
    for name in ["alice@example.org\tuser=bob@example.org", "alice@example.org\nAUTH\t9\tPLAIN", "a\u{1}b"] {
        let told = secured(provider.submission()).log_in(name, PASSWORD);
        assert!([501, 535].contains(&told.code), "{name:?}: {told:?}");
    }
    secured(provider.submission()).log_in(ALICE, PASSWORD).expect(235);
}
