//! Automatic replies and permanent forwardings: P15, P16. What the mail store hands in at its own entry is exempt;
//! nothing that a user's program can write is.

use black_box::{Demo, Mail, Smtp};
use rstest::rstest;

/// Hands a mail in as the mail store does (Sieve's vacation and redirect): plain SMTP, no log-in.
fn hand_in(demo: &Demo, mail_from: &str, mail: &Mail) -> String {
    let mut smtp = Smtp::connect(demo.store());
    smtp.command("EHLO store.home.example").expect(250);
    let recipients: Vec<&str> = mail.recipients().collect();
    smtp.transact(mail_from, &recipients, &mail.to_string()).expect(250);
    mail.message_id.clone()
}

#[test]
fn p15_automatic_replies_reach_every_sender() {
    let demo = Demo::start();
    demo.alice().switch("on");
    let reply = Mail::to(&["carla@plain.example"]).with("Auto-Submitted: auto-replied (vacation)");
    let message_id = hand_in(&demo, "", &reply);
    let delivery = demo.wait_for_delivery(&message_id, "plain.example");
    assert_eq!((delivery.mail_from.as_str(), delivery.tls), ("", None));
}

#[rstest]
#[case::of_a_mail_from_outside("erik@tls.example", "erik@tls.example")]
#[case::of_the_users_own_mail("alice@home.example", "alice@home.example")]
#[case::of_a_bounce("", "MAILER-DAEMON@tls.example")]
fn p16_permanent_forwardings_are_exempt(#[case] mail_from: &str, #[case] from: &str) {
    let demo = Demo::start();
    demo.alice().switch("on");
    let forwarded =
        Mail::new(from, &["carla@plain.example"]).with("X-Sieve-Redirected-From: alice@home.example");
    let message_id = hand_in(&demo, mail_from, &forwarded);
    assert_eq!(demo.wait_for_delivery(&message_id, "plain.example").mail_from, mail_from);
}

#[test]
fn p16_forwarded_mail_is_encrypted_where_that_works() {
    let demo = Demo::start();
    demo.alice().switch("on");
    let forwarded = Mail::new("erik@tls.example", &["carla@verified.example"]);
    let message_id = hand_in(&demo, "erik@tls.example", &forwarded);
    assert!(demo.wait_for_delivery(&message_id, "verified.example").tls.is_some(), "P1 holds for it");
}

/// All that a program of the user's can write into a mail.
#[rstest]
#[case::automatic("Auto-Submitted: auto-replied")]
#[case::redirected("X-Sieve-Redirected-From: alice@home.example")]
#[case::sieve("X-Sieve: Pigeonhole Sieve 0.5.19")]
#[case::bulk("Precedence: bulk")]
#[case::resent("Resent-From: alice@home.example")]
fn p15_p16_no_header_field_exempts_what_a_user_submits(#[case] field: &str) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut smtp = demo.submit_as("alice@home.example");
    for mail_from in ["alice@home.example", ""] {
        let mail = Mail::to(&["carla@plain.example"]).with(field);
        let id = smtp.transact(mail_from, &["carla@plain.example"], &mail.to_string()).queue_id();
        assert_eq!(alice.settled(&id).recipients[0].state, "stopped", "MAIL FROM:<{mail_from}>, {field}");
    }
    assert!(demo.deliveries().is_empty());
}

/// The peer's Unix user is asked of the kernel: being on this machine is not enough.
#[test]
fn p15_p16_another_user_of_this_machine_is_not_the_mail_store() {
    let demo = Demo::start();
    let script = "import smtplib, sys\n\
                  s = smtplib.SMTP(sys.argv[1], int(sys.argv[2]))\n\
                  s.sendmail('', ['carla@plain.example'], 'From: a@home.example\\r\\n\\r\\nx\\r\\n')\n";
    let server = demo.store();
    let mut python = std::process::Command::new("setpriv");
    python.args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script]);
    let output = black_box::run(python.args([server.ip().to_string(), server.port().to_string()]), b"");
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("setpriv:") {
        eprintln!("not run: only root can become another user");
        return;
    }
    assert!(!output.status.success(), "it was let in");
    // Refused by a reply, not by an accident on the way.
    assert!(said.contains("smtplib.SMTP") && said.contains('5'), "{said}");
    assert!(demo.deliveries().is_empty());
}
