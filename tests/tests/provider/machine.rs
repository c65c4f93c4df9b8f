//! What an admin has after the guide: log-in, mail in both directions, notices, and all of it gone at the end.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use black_box::{Mail, PostfixWay, Provider, Smtp, run};
use rstest::rstest;

/// Roundcube's answer to a form or a question, by curl, which keeps the cookies in a file of this world.
fn roundcube(provider: &Provider, query: &str, form: &[(&str, &str)]) -> String {
    let mut curl = Command::new("curl");
    // The certificate is self-signed.
    curl.args(["--silent", "--show-error", "--insecure", "--include", "--cookie-jar"]);
    let cookies = provider.path("/cookies");
    curl.arg(&cookies).arg("--cookie").arg(&cookies);
    for (name, value) in form {
        curl.args(["--data-urlencode", &format!("{name}={value}")]);
    }
    let answer = run(curl.arg(format!("{}{query}", provider.web())), b"");
    assert!(answer.status.success(), "{answer:?}");
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

/// The answer to a log-in.
fn log_in(provider: &Provider, password: &str) -> String {
    // Whoever was logged in is not any more.
    let _ = std::fs::remove_file(provider.path("/cookies"));
    let page = roundcube(provider, "", &[]);
    let (_, token) = page.split_once("name=\"_token\" value=\"").expect("a log-in form");
    let (token, _) = token.split_once('"').expect("the token's end");
    let user = ("_user", "alice@example.org");
    let form = [("_token", token), ("_task", "login"), ("_action", "login"), user, ("_pass", password)];
    roundcube(provider, "?_task=login", &form)
}

/// A mail from outside comes in.
fn bring(provider: &Provider, mail: &Mail) {
    let mut smtp = Smtp::connect(provider.mx());
    smtp.command("EHLO mx.out.example").expect(250);
    hand_over(smtp, mail);
}

fn hand_over(mut smtp: Smtp, mail: &Mail) {
    let recipients: Vec<_> = mail.recipients().collect();
    smtp.transact(&mail.from, &recipients, &mail.to_string()).expect(250);
}

#[rstest]
#[case::alone(None)]
#[case::postfix_hands_all_over(Some(PostfixWay::HandsAllOver))]
#[case::postfix_routes_by_sender(Some(PostfixWay::RoutesBySender))]
fn users_log_in_and_mail_comes_and_goes(#[case] way: Option<PostfixWay>) {
    let provider = way.map_or_else(Provider::start, Provider::beside_postfix);
    let Some(provider) = provider else { return };
    let answer = log_in(&provider, "demo");
    assert!(answer.starts_with("HTTP/2 302"), "{answer}");
    let inbox = roundcube(&provider, "?_task=mail", &[]);
    assert!(inbox.contains("<title>Roundcube Webmail :: Inbox</title>"), "{inbox}");

    let (alice, bob) = (provider.alice(), provider.bob());
    let incoming = Mail::new("somebody@out.example", &["bob@example.org"]);
    bring(&provider, &incoming);
    bob.wait_for_message("INBOX", &incoming.message_id);

    alice.switch("on");
    let mail = Mail::new(&alice.address, &["x@tls.example", "y@plain.example", &bob.address]);
    hand_over(provider.submit_as(&alice.address), &mail);
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["y@plain.example"]);
    bob.wait_for_message("INBOX", &mail.message_id);
    assert!(provider.wait_for_delivery(&mail.message_id, "tls.example").tls.is_some());
    assert!(provider.deliveries_of(&mail.message_id, "plain.example").is_empty());
    // At last: Dovecot makes everybody wait after a wrong password.
    assert!(log_in(&provider, "wrong").starts_with("HTTP/2 401"), "a wrong password");
}

/// A failed log-in there would be one of Roundcube's own machine, and there would soon be none for anybody.
#[test]
fn nobody_guesses_passwords_through_the_webmail() {
    let Some(provider) = Provider::start() else { return };
    for path in ["session", "session?x", "%73ession", "/session", "messages/../session", "session/"] {
        let answer = roundcube(&provider, &format!("tls-guarantee/api/v1/{path}"), &[("password", "wrong")]);
        assert!(answer.starts_with("HTTP/2 404"), "{path}: {answer}");
    }
    let other = roundcube(&provider, "tls-guarantee/api/v1/guarantee", &[]);
    assert!(other.starts_with("HTTP/2 401"), "{other}");
}

/// Dovecot's LMTP, which runs what users write, is of the server's group.
#[test]
fn the_certificates_key_is_the_servers_own() {
    let Some(provider) = Provider::start() else { return };
    let key = std::fs::metadata(provider.path("/etc/ssl/mail/privkey.pem")).expect("the key");
    let server = std::fs::metadata(provider.path("/var/lib/tls-guarantee")).expect("its folder");
    assert_eq!((key.permissions().mode() & 0o777, key.uid()), (0o400, server.uid()));
}

#[test]
fn programs_end_and_start_again() {
    let Some(mut provider) = Provider::start() else { return };
    let alice = provider.alice();
    alice.imap().append("Sent", b"Subject: kept\r\n\r\n");
    provider.stop_dovecot();
    provider.stop_server();
    for address in [provider.imap(), provider.submission()] {
        assert!(TcpStream::connect(address).is_err(), "{address}");
    }
    provider.start_dovecot();
    provider.start_server();
    let sent: Vec<_> = alice.list("Sent").into_iter().map(|listed| listed.subject).collect();
    assert_eq!(sent, ["kept"]);
    alice.switch("on");
}

#[test]
fn users_programs_find_managesieve() {
    let Some(provider) = Provider::start() else { return };
    let mut lines = BufReader::new(TcpStream::connect(provider.managesieve()).expect("a port")).lines();
    let greeting: Vec<_> =
        lines.by_ref().map_while(Result::ok).take_while(|l| !l.starts_with("OK")).collect();
    let offers = |wanted: &str| greeting.iter().find(|line| line.starts_with(wanted)).cloned();
    assert!(offers("\"SIEVE\"").is_some_and(|line| line.contains("vacation")), "{greeting:?}");
    assert!(offers("\"STARTTLS\"").is_some(), "{greeting:?}");
}

/// Two at once, and nothing of them afterwards.
#[test]
fn worlds_are_apart_and_leave_nothing() {
    let way = PostfixWay::HandsAllOver;
    let (Some(one), Some(other)) = (Provider::start(), Provider::beside_postfix(way)) else { return };
    one.alice().switch("on");
    assert_eq!(other.alice().guarantee()["state"], "off");
    let folders = [one.path("/"), other.path("/")];
    drop((one, other));
    let processes = run(Command::new("ps").args(["-eo", "args"]), b"");
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    for folder in folders {
        assert!(!folder.exists(), "{}", folder.display());
        let left = processes.lines().find(|process| process.contains(&folder.display().to_string()));
        assert_eq!(left, None);
    }
}
