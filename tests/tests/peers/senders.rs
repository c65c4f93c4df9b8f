//! Real senders.

use std::process::Command;

use black_box::{Demo, Mail, PASSWORD, run};
use rstest::rstest;
use serde_json::Value;

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
    Curl,
}

const SMTPLIB: &str = "
import smtplib, ssl, sys
door, host, port, password, sender, *recipients = sys.argv[1:]
context = ssl._create_unverified_context()
if door == 'implicit':
    s = smtplib.SMTP_SSL(host, int(port), context=context)
else:
    s = smtplib.SMTP(host, int(port))
    s.starttls(context=context)
s.login(sender, password)
refused = s.sendmail(sender, recipients, sys.stdin.buffer.read(), ['BODY=8BITMIME'], ['NOTIFY=FAILURE'])
s.quit()
sys.exit(repr(refused) if refused else 0)
";

/// A bounce as Python's standard library reads it.
const READ_BOUNCE: &str = "
import email, email.policy, json, sys
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
status = next(p for p in m.walk() if p.get_content_type() == 'message/delivery-status')
about, *recipients = status.get_payload()
print(json.dumps({
    'subject': m['Subject'], 'type': m.get_content_type(), 'report': m.get_param('report-type'),
    'defects': [repr(d) for p in m.walk() for d in p.defects],
    'parts': [p.get_content_type() for p in m.iter_parts()],
    'text': next(m.iter_parts()).get_content(),
    'reporting_mta': about['Reporting-MTA'],
    'recipients': [{k.lower(): ' '.join(v.split()) for k, v in r.items()} for r in recipients if r.keys()],
}))
";

#[rstest]
fn p04_a_real_program_submits(
    #[values(Program::Swaks, Program::Smtplib, Program::Curl)] program: Program,
    #[values(Door::StartTls, Door::ImplicitTls)] door: Door,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["bob@tls.example", "carla@plain.example"]);
    let recipients: Vec<&str> = mail.recipients().collect();
    let mut command = command(&demo, program, door, &recipients);
    let output = run(&mut command, mail.to_string().as_bytes());
    assert!(output.status.success(), "{output:?}");
    demo.wait_for_delivery(&mail.message_id, "tls.example");
    let bounce = alice.wait_for_bounce(&mail.message_id);

    let read = run(Command::new("/usr/bin/python3").args(["-c", READ_BOUNCE]), bounce.raw.as_bytes());
    let read: Value =
        serde_json::from_slice(&read.stdout).unwrap_or_else(|error| panic!("{error}: {read:?}"));
    assert_eq!(read["subject"], "Undelivered Mail Returned to Sender");
    assert_eq!((&read["type"], &read["report"]), (&"multipart/report".into(), &"delivery-status".into()));
    assert_eq!(read["defects"], Value::Array(Vec::new()));
    assert_eq!(read["parts"].as_array().map(Vec::len), Some(3), "{read}");
    assert_eq!(read["reporting_mta"], "dns; home.example");
    let recipients = read["recipients"].as_array().expect("a list");
    assert_eq!(recipients.len(), 1);
    assert_eq!(recipients[0]["final-recipient"], "rfc822; carla@plain.example");
    assert_eq!((&recipients[0]["action"], &recipients[0]["status"]), (&"failed".into(), &"5.7.4".into()));
    let cause = recipients[0]["diagnostic-code"].as_str().expect("a cause");
    assert!(cause.contains("TLS is required, but was not offered by host mx.plain.example[127."), "{cause}");
    assert!(read["text"].as_str().is_some_and(|text| text.contains("carla@plain.example")), "{read}");
}

fn command(demo: &Demo, program: Program, door: Door, recipients: &[&str]) -> Command {
    let implicit = door == Door::ImplicitTls;
    let server = if implicit { demo.submissions() } else { demo.submission() };
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let mut command;
    match program {
        Program::Swaks => {
            command = Command::new("swaks");
            command.args([
                "--server",
                &host,
                "--port",
                &port,
                "--auth",
                "LOGIN",
                "--auth-user",
                "alice@home.example",
            ]);
            command.args(["--auth-password", PASSWORD, "--from", "alice@home.example", "--data", "-"]);
            command.arg(if implicit { "--tls-on-connect" } else { "--tls" });
            command.args(["--to", &recipients.join(",")]);
        }
        Program::Smtplib => {
            command = Command::new("/usr/bin/python3");
            command.args([
                "-c",
                SMTPLIB,
                if implicit { "implicit" } else { "starttls" },
                &host,
                &port,
                PASSWORD,
            ]);
            command.arg("alice@home.example").args(recipients);
        }
        Program::Curl => {
            command = Command::new("curl");
            let scheme = if implicit { "smtps" } else { "smtp" };
            command.args(["--silent", "--show-error", "--ssl-reqd", "--insecure", "--upload-file", "-"]);
            command.args(["--url", &format!("{scheme}://{server}/client.example")]);
            command.args([
                "--user",
                &format!("alice@home.example:{PASSWORD}"),
                "--mail-from",
                "alice@home.example",
            ]);
            command.args(recipients.iter().flat_map(|recipient| ["--mail-rcpt", recipient]));
        }
    }
    command
}
