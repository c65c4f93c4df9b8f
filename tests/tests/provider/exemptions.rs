//! P15 and P16 with Dovecot's Sieve itself: what a mailbox answers and forwards goes out while its owner's guarantee is
//! on, and nothing that a user's program can do looks like it.

use std::process::Command;

use black_box::{Delivery, Mail, Provider, Smtp, User, run, wait_for};
use rstest::rstest;

use crate::hands::{CONFIGURATION, add, as_user, file_over_lmtp, receive, reconfigure, with_srs};

/// Waits for a mail of Dovecot's own to this address, whose Message-ID nobody knows before.
fn wait_for_mail_to(provider: &Provider, address: &str) -> Delivery {
    wait_for(&format!("a mail to {address}"), || {
        provider.deliveries().into_iter().find(|delivery| delivery.rcpt_to == [address])
    })
}

fn mailboxes_with_guarantee(provider: &Provider) -> (User, User) {
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    bob.switch("on");
    (alice, bob)
}

#[test]
fn p15_an_absent_users_reply_goes_out_whichever_way_the_mail_came() {
    let Some(provider) = Provider::start() else { return };
    let (_, bob) = mailboxes_with_guarantee(&provider);
    provider.sieve(&bob.address, "require \"vacation\"; vacation \"away\";");
    let [by_mx, by_lmtp] = ["by-mx@plain.example", "by-lmtp@plain.example"];
    for sender in [by_mx, by_lmtp] {
        let mail = Mail::new(sender, &[&bob.address]);
        if sender == by_mx {
            receive(&provider, sender, &mail);
        } else {
            let filed = file_over_lmtp(&provider, sender, &mail);
            assert!(filed.status.success(), "{filed:?}");
        }
        let reply = wait_for_mail_to(&provider, sender);
        assert_eq!((reply.mail_from.as_str(), reply.tls, reply.domain.as_str()), ("", None, "plain.example"));
        bob.wait_for_message("INBOX", &mail.message_id);
    }
    assert!(bob.stops().is_empty());
}

/// What else Sieve sends: refusals and notifications.
#[rstest]
#[case::reject("require \"reject\"; reject \"not today\";", "x@plain.example", "")]
#[case::notify(
    "require \"enotify\"; notify :message \"new mail\" \"mailto:phone@legacy.example\";",
    "phone@legacy.example",
    "postmaster@example.org"
)]
fn p15_refusals_and_notifications_arrive(#[case] script: &str, #[case] to: &str, #[case] from: &str) {
    let Some(provider) = Provider::start() else { return };
    let (_, bob) = mailboxes_with_guarantee(&provider);
    provider.sieve(&bob.address, script);
    receive(&provider, "x@plain.example", &Mail::new("x@plain.example", &[&bob.address]));
    let sent = wait_for_mail_to(&provider, to);
    assert_eq!((sent.mail_from.as_str(), sent.tls), (from, None));
}

/// Also alice's own mail, whose reverse-path is that of a user with the guarantee.
#[test]
fn p16_a_permanent_forwarding_goes_out_whoever_wrote() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = mailboxes_with_guarantee(&provider);
    provider.sieve(&bob.address, "redirect \"someone@plain.example\";");

    let mail = Mail::new(&alice.address, &[&bob.address, "y@plain.example"]);
    provider.submit_as(&alice.address).submit(&mail);
    let forwarded = provider.wait_for_delivery(&mail.message_id, "plain.example");
    assert_eq!((forwarded.mail_from.as_str(), forwarded.tls), (alice.address.as_str(), None));
    // Her own copy to another there is hers to decide about.
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["y@plain.example"]);
    assert_eq!(provider.deliveries_of(&mail.message_id, "plain.example").len(), 1);

    for sender in ["x@out.example", ""] {
        let mail = Mail::new("x@out.example", &[&bob.address]);
        receive(&provider, sender, &mail);
        let forwarded = provider.wait_for_delivery(&mail.message_id, "plain.example");
        assert_eq!(forwarded.rcpt_to, ["someone@plain.example"]);
        assert_eq!((forwarded.mail_from.as_str(), forwarded.tls), (sender, None));
    }
    assert_eq!((alice.stops().len(), bob.stops().len()), (1, 0));
    assert!(bob.list("INBOX").is_empty());
}

/// A forwarding that its target refuses is told to whoever wrote.
#[test]
fn p16_a_forwardings_bounce_goes_to_who_wrote() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = mailboxes_with_guarantee(&provider);
    provider.sieve(&bob.address, "redirect \"someone@nomail.example\";");
    let mail = Mail::new(&alice.address, &[&bob.address]);
    provider.submit_as(&alice.address).submit(&mail);
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["someone@nomail.example"]);

    receive(&provider, "x@tls.example", &Mail::new("x@tls.example", &[&bob.address]));
    let bounce = wait_for_mail_to(&provider, "x@tls.example");
    assert_eq!(bounce.mail_from, "");
    assert_eq!((alice.stops().len(), bob.stops().len()), (0, 0));
    assert!(bob.list("INBOX").is_empty());
}

/// All that a program of the user's can write into a mail, and into its envelope.
#[test]
fn p15_p16_nothing_exempts_what_a_user_submits() {
    let Some(provider) = Provider::start() else { return };
    let (alice, _) = mailboxes_with_guarantee(&provider);
    let mut smtp = provider.submit_as(&alice.address);
    for field in [
        "Auto-Submitted: auto-replied (vacation)",
        "X-Sieve: Pigeonhole Sieve 0.5.19 (4eae2f79)",
        "X-Sieve-Redirected-From: alice@example.org",
        "Precedence: bulk",
        "Resent-From: alice@example.org",
        "Return-Path: <>",
    ] {
        for mail_from in [alice.address.as_str(), ""] {
            let mail = Mail::new(&alice.address, &["y@plain.example"]).with(field);
            let id = smtp.transact(mail_from, &["y@plain.example"], &mail.to_string()).queue_id();
            let state = alice.settled(&id).recipients.remove(0).state;
            assert_eq!(state, "stopped", "MAIL FROM:<{mail_from}>, {field}");
        }
    }
    assert!(provider.deliveries().is_empty());
    // Nor does it help to come in from outside.
    let mut smtp = Smtp::connect(provider.mx());
    smtp.command("EHLO out.example").expect(250);
    smtp.transact("", &["y@plain.example"], "Auto-Submitted: auto-replied\r\n\r\n").expect(550);
}

/// Says what is told at a door, `unix PATH` or `tcp HOST PORT`, to whoever asks `question`.
const ASK: &str = "
import socket, sys
question, kind, *place = sys.argv[1:]
s = socket.socket(socket.AF_UNIX if kind == 'unix' else socket.AF_INET)
try:
    s.connect(place[0] if kind == 'unix' else (place[0], int(place[1])))
    if question: s.sendall(question.encode())
    print(s.recv(1000).decode().strip())
except PermissionError:
    print('no permission')
except ConnectionError:
    print('')
";

/// What a Unix user of the machine is told there.
fn told(user: &str, question: &str, place: &[&str]) -> String {
    let mut python = as_user(user, "", "/usr/bin/python3");
    let asked = run(python.args(["-c", ASK, question]).args(place), b"");
    assert!(asked.status.success(), "{asked:?}");
    String::from_utf8_lossy(&asked.stdout).trim().to_owned()
}

/// Being on this machine is not enough: the kernel says who it is. Dovecot's user here is `mail`.
#[test]
fn p15_p16_other_users_of_the_machine_are_not_let_in() {
    let Some(mut provider) = Provider::start() else { return };
    provider.alice().switch("on");
    let socket = provider.path("/run/tls-guarantee/store").display().to_string();
    let refused = "554 5.7.1";
    let others = ["nobody", "games", "www-data", "postfix"];
    for user in others {
        assert_eq!(told(user, "", &["unix", &socket]), "no permission", "{user}");
    }
    // Whatever became of the permissions.
    let folder = provider.path("/run/tls-guarantee");
    assert!(run(Command::new("chmod").args(["a+rwx", &socket]).arg(folder), b"").status.success());
    for user in others {
        let told = told(user, "", &["unix", &socket]);
        assert!(told.starts_with(refused), "{user}: {told}");
    }
    assert!(told("mail", "", &["unix", &socket]).starts_with("220 "));

    let host = provider.http().ip().to_string();
    let store = format!("store = \"{host}:2626\"\nrelay = \"{host}:10025\"\nsocketmap = \"{host}:10027\"");
    add(&provider, CONFIGURATION, "[relay]\nusers = [\"postfix\"]\ntransport = \"t:h\"\n");
    reconfigure(&mut provider, &format!("store = \"{socket}\""), &store);
    let question = "24:sender alice@example.org,";
    for (user, port, question, answer) in [
        ("nobody", "2626", "", refused),
        ("games", "2626", "", refused),
        ("postfix", "2626", "", refused),
        ("mail", "2626", "", "220 "),
        ("nobody", "10025", "", refused),
        ("games", "10025", "", refused),
        ("mail", "10025", "", refused),
        ("postfix", "10025", "", "220 "),
        ("nobody", "10027", question, ""),
        ("games", "10027", question, ""),
        ("mail", "10027", question, ""),
        ("postfix", "10027", question, "6:OK t:h,"),
    ] {
        let told = told(user, question, &["tcp", &host, port]);
        assert!(told.starts_with(answer) && told.is_empty() == answer.is_empty(), "{user}, {port}: {told}");
    }
    assert!(provider.deliveries().is_empty());
}

/// `tls-guarantee sendmail` as this Unix user, with the group that Dovecot's programs are given.
fn sendmail(provider: &Provider, user: &str, arguments: &[&str]) -> i32 {
    let mut sendmail = as_user(user, "irc", provider.path("/usr/bin/tls-guarantee"));
    sendmail.args(["sendmail", "--socket"]);
    sendmail.arg(provider.path("/run/tls-guarantee/store")).args(arguments);
    let done =
        run(&mut sendmail, b"From: bob@example.org\nMessage-ID: <by.sendmail@example.org>\n\nHello\n.\n");
    done.status.code().unwrap_or_else(|| panic!("{done:?}"))
}

/// Exit codes as `sysexits.h` has them: Dovecot goes by them.
#[test]
fn p15_sendmail_says_what_became_of_it() {
    let Some(mut provider) = Provider::start() else { return };
    for (user, arguments, code) in [
        ("mail", &["-i", "-f", "<>", "--", "x@plain.example"][..], 0),
        ("mail", &["-i", "-f", "<>", "--", "nobody at all"], 67),
        ("mail", &["-t"], 64),
        ("games", &["-i", "-f", "<>", "--", "x@plain.example"], 77),
    ] {
        assert_eq!(sendmail(&provider, user, arguments), code, "{user}, {arguments:?}");
    }
    let delivery = provider.wait_for_delivery("by.sendmail@example.org", "plain.example");
    assert_eq!(delivery.rcpt_to, ["x@plain.example"]);
    provider.stop_server();
    assert_eq!(sendmail(&provider, "mail", &["-i", "-f", "<>", "--", "x@plain.example"]), 75);
}

/// Dovecot is given mail while our server is away, as Postfix gives it: what can't be forwarded is not lost.
#[test]
fn p16_what_cannot_be_forwarded_now_is_kept() {
    let Some(mut provider) = Provider::start() else { return };
    let bob = provider.bob();
    provider.sieve(&bob.address, "redirect \"someone@plain.example\";");
    provider.stop_server();
    let mail = Mail::new("x@out.example", &[&bob.address]);
    let filed = file_over_lmtp(&provider, "x@out.example", &mail);
    assert!(String::from_utf8_lossy(&filed.stdout).contains("<** 451 4."), "{filed:?}");
    provider.start_server();
    // Whoever handed it in tries again.
    let filed = file_over_lmtp(&provider, "x@out.example", &mail);
    assert!(filed.status.success(), "{filed:?}");
    provider.wait_for_delivery(&mail.message_id, "plain.example");
    assert!(bob.list("INBOX").is_empty());
}

/// Forwarded mail of others leaves under an address of ours, if the admin wants it.
#[test]
fn p16_by_option_a_forwarding_leaves_under_an_address_of_ours() {
    let Some(mut provider) = Provider::start() else { return };
    with_srs(&mut provider);
    let (alice, bob) = mailboxes_with_guarantee(&provider);
    provider.sieve(&bob.address, "redirect \"someone@plain.example\";");

    let mail = Mail::new("x@tls.example", &[&bob.address]);
    receive(&provider, "x@tls.example", &mail);
    let forwarded = provider.wait_for_delivery(&mail.message_id, "plain.example");
    let ours = forwarded.mail_from;
    assert!(ours.starts_with("SRS0=") && ours.ends_with("=tls.example=x@example.org"), "{ours}");
    // What is told about it goes on to whoever wrote; nothing else does.
    let report = Mail::new("MAILER-DAEMON@plain.example", &[&ours]);
    receive(&provider, "", &report);
    let told = provider.wait_for_delivery(&report.message_id, "tls.example");
    assert_eq!((told.mail_from.as_str(), told.rcpt_to), ("", vec!["x@tls.example".to_owned()]));
    let mut smtp = Smtp::connect(provider.mx());
    smtp.command("EHLO out.example").expect(250);
    for (mail_from, to) in [
        ("", ours.replacen("=x@", "=y@", 1)),
        ("spam@out.example", ours),
        ("", "SRS0@example.org".to_owned()),
    ] {
        smtp.transact(mail_from, &[&to], "\r\n").expect(550);
        smtp.command("RSET").expect(250);
    }

    // The next host believes us for our own domain, and alice reads what is told about her mail.
    provider.sieve(&bob.address, "redirect \"someone@plain.example\"; redirect \"someone@nomail.example\";");
    let mail = Mail::new(&alice.address, &[&bob.address]);
    provider.submit_as(&alice.address).submit(&mail);
    assert_eq!(provider.wait_for_delivery(&mail.message_id, "plain.example").mail_from, alice.address);
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["someone@nomail.example"]);
    // Our own report about a stranger's mail finds its way, too.
    receive(&provider, "z@tls.example", &Mail::new("z@tls.example", &[&bob.address]));
    assert_eq!(wait_for_mail_to(&provider, "z@tls.example").mail_from, "");
    assert_eq!((alice.stops().len(), bob.stops().len()), (0, 0));
}
