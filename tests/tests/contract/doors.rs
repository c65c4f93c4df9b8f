//! The doors for the mail system's other programs, from a configuration: the mail store's entry, the one of another mail
//! server, and the table that server asks.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use black_box::{Demo, Mail, Smtp, binary, run};
use rstest::rstest;

/// The mail store's entry is a Unix socket, another mail server's is an address. Alice's guarantee is on.
fn demo() -> Demo {
    let demo = Demo::configured(
        "store = \"FOLDER/store\"\nrelay = \"ADDRESS:10025\"\nsocketmap = \"ADDRESS:10027\"",
        "[relay]\ntransport = \"tls-guarantee:[ADDRESS]:10025\"\n\
         [store.srs]\ndomain = \"home.example\"\nsecret = \"FOLDER/secret\"",
    );
    demo.alice().switch("on");
    demo
}

fn sendmail(place: &str, arguments: &[&str], message: &str) -> Output {
    let mut command = Command::new(binary());
    command.args(["sendmail", "--socket", place]).args(arguments);
    run(&mut command, message.as_bytes())
}

fn store(demo: &Demo) -> String {
    demo.folder().join("store").display().to_string()
}

/// A session at another mail server's door.
fn relay(demo: &Demo) -> Smtp {
    let mut smtp = Smtp::connect(demo.port(10025));
    smtp.command("EHLO mail.home.example").expect(250);
    smtp
}

/// The same program as another user of this machine; `None` if it can't be run.
fn as_another_user(command: &Command) -> Option<Output> {
    let mut other = Command::new("setpriv");
    other.args(["--reuid=65533", "--regid=65533", "--clear-groups"]);
    other.arg(command.get_program()).args(command.get_args());
    let output = run(&mut other, b"From: a@home.example\n\nx\n");
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("setpriv:") {
        eprintln!("not run: only root can become another user");
        return None;
    }
    Some(output)
}

#[test]
fn p15_p16_what_sendmail_hands_in_is_exempt() {
    let demo = demo();
    let mail = Mail::new("bob@home.example", &["carla@plain.example"]);
    let message = mail.to_string().replace("\r\n", "\n") + ".\nafter a dot\n";
    let done = sendmail(&store(&demo), &["-i", "-f", "<>", "--", "carla@plain.example"], &message);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let delivery = demo.wait_for_delivery(&mail.message_id, "plain.example");
    assert_eq!((delivery.mail_from.as_str(), delivery.tls), ("", None));
    // By address as well, and from a user under the guarantee: the door decides.
    let mail = Mail::new("alice@home.example", &["carla@plain.example"]);
    let done = sendmail(
        &demo.port(10025).to_string(),
        &["-f", "erik@tls.example", "carla@plain.example"],
        &mail.to_string(),
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    demo.wait_for_delivery(&mail.message_id, "plain.example");
}

#[test]
fn sendmails_exit_code_says_what_became_of_the_message() {
    let mut demo = demo();
    let place = store(&demo);
    let message = "From: bob@home.example\n\nx\n";
    let code =
        |place: &str, arguments: &[&str], message: &str| sendmail(place, arguments, message).status.code();
    assert_eq!(code(&place, &["-f", "<>"], message), Some(64), "for nobody");
    assert_eq!(code(&place, &["-x", "a@tls.example"], message), Some(64), "no such option");
    assert_eq!(code(&place, &["-f", "<>", "no address"], message), Some(67));
    assert_eq!(code(&place, &["-f", "<>", "a@tls.example"], "From: a\0b\n\nx\n"), Some(69), "refused");
    fs::set_permissions(demo.folder(), Permissions::from_mode(0o755)).expect("permissions");
    fs::set_permissions(&place, Permissions::from_mode(0o666)).expect("permissions");
    let mut command = Command::new(binary());
    command.args(["sendmail", "--socket", &place, "-f", "<>", "a@tls.example"]);
    if let Some(output) = as_another_user(&command) {
        assert_eq!(output.status.code(), Some(77), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("554 5.7.1"), "{output:?}");
    }
    demo.terminate();
    assert!(!fs::exists(&place).expect("a folder"), "the socket goes with the server");
    assert_eq!(code(&place, &["-f", "<>", "a@tls.example"], message), Some(75), "away");
}

/// The socket of a server that was killed is no obstacle, and what waited for it meanwhile gets through.
#[test]
fn a_server_that_starts_again_takes_its_place_again() {
    let mut demo = demo();
    demo.kill9();
    assert!(fs::exists(store(&demo)).expect("a folder"), "left behind");
    let mail = Mail::new("bob@home.example", &["carla@plain.example"]);
    let (place, message) = (store(&demo), mail.to_string());
    let waiting =
        std::thread::spawn(move || sendmail(&place, &["-f", "<>", "carla@plain.example"], &message));
    demo.start_again();
    let done = waiting.join().expect("the thread");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    demo.wait_for_delivery(&mail.message_id, "plain.example");
}

/// Made for this test.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIPGYZ88biaD+szj//WBX3QxLwKXX/jZp8WbZQQ0ayMQP\n\
    -----END PRIVATE KEY-----\n";

/// The other server has looked at the envelope, not at the author: what it hands in under another's name gets no
/// signature of ours.
#[test]
fn mail_is_signed_for_authors_who_are_their_senders() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dkim.key");
    fs::write(&file, KEY).expect("written");
    let demo = Demo::configured(
        "relay = \"ADDRESS:10025\"",
        &format!("[dkim]\ndomain = \"home.example\"\nselector = \"s\"\nkey = {file:?}\nsign_mail = true"),
    );
    let bob = demo.bob();
    let signed = |mail: &Mail| {
        let raw = bob.wait_for_message("INBOX", &mail.message_id);
        String::from_utf8_lossy(&raw).contains("\r\nDKIM-Signature: ")
    };
    let submitted = Mail::new("alice@home.example", &["bob@home.example"]);
    demo.alice().post(&submitted);
    assert!(signed(&submitted));
    for (author, vouched_for) in [
        ("alice@home.example", true),
        ("alice+shop@home.example", true),
        ("bob@home.example", false),
        ("boss@home.example", false),
    ] {
        let mail = Mail::new(author, &["bob@home.example"]);
        relay(&demo).transact("alice@home.example", &["bob@home.example"], &mail.to_string()).queue_id();
        assert_eq!(signed(&mail), vouched_for, "{author}");
    }
}

#[test]
fn p3_p4_an_accounts_mail_from_another_mail_server_is_under_its_guarantee() {
    let demo = demo();
    let alice = demo.alice();
    let mail = Mail::to(&["carla@plain.example", "erik@tls.example"]);
    let recipients: Vec<&str> = mail.recipients().collect();
    let id = relay(&demo).transact("alice@home.example", &recipients, &mail.to_string()).queue_id();
    assert!(demo.wait_for_delivery(&mail.message_id, "tls.example").tls.is_some());
    let settled = alice.settled(&id);
    let states: Vec<_> = settled.recipients.iter().map(|one| (&*one.address, &*one.state)).collect();
    assert_eq!(states, [("carla@plain.example", "stopped"), ("erik@tls.example", "delivered")]);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), ["carla@plain.example"]);
    assert_eq!(alice.stops().len(), 1);
    // The user's own mark makes no other user.
    let marked = Mail::to(&["carla@plain.example"]);
    let id = relay(&demo)
        .transact("alice+shop@home.example", &["carla@plain.example"], &marked.to_string())
        .queue_id();
    assert_eq!(alice.settled(&id).recipients[0].state, "stopped");
    alice.wait_for_bounce(&marked.message_id);
    assert!(demo.deliveries_of(&marked.message_id, "plain.example").is_empty());
    // What the guarantee does not hold for leaves: somebody else's, and her own once it is off.
    let of_bob = Mail::new("bob@home.example", &["carla@plain.example"]);
    relay(&demo).transact("bob@home.example", &["carla@plain.example"], &of_bob.to_string()).queue_id();
    demo.wait_for_delivery(&of_bob.message_id, "plain.example");
    alice.switch("off");
    let later = Mail::to(&["carla@plain.example"]);
    relay(&demo).transact("alice@home.example", &["carla@plain.example"], &later.to_string()).queue_id();
    demo.wait_for_delivery(&later.message_id, "plain.example");
}

/// An exemption follows from the door and the envelope, not from what a user's program can write.
#[rstest]
#[case::automatic("Auto-Submitted: auto-replied")]
#[case::redirected("X-Sieve-Redirected-From: alice@home.example")]
#[case::sieve("X-Sieve: Pigeonhole Sieve 0.5.19")]
#[case::resent("Resent-From: bob@home.example")]
fn p15_p16_no_header_field_exempts_what_another_mail_server_relays(#[case] field: &str) {
    let demo = demo();
    let mail = Mail::to(&["carla@plain.example"]).with(field);
    let id =
        relay(&demo).transact("alice@home.example", &["carla@plain.example"], &mail.to_string()).queue_id();
    assert_eq!(demo.alice().settled(&id).recipients[0].state, "stopped", "{field}");
    assert!(demo.deliveries().is_empty());
}

/// The sender of a mail is in its envelope; what its header says is for people.
#[test]
fn another_mail_servers_own_mail_is_exempt() {
    let demo = demo();
    for mail_from in ["", "erik@tls.example", "stranger@home.example"] {
        let mail = Mail::to(&["carla@plain.example"]);
        relay(&demo).transact(mail_from, &["carla@plain.example"], &mail.to_string()).queue_id();
        demo.wait_for_delivery(&mail.message_id, "plain.example");
    }
    // A report of that server's for a user of ours.
    let report = Mail::new("MAILER-DAEMON@mail.home.example", &["alice@home.example"]);
    relay(&demo).transact("", &["alice@home.example"], &report.to_string()).queue_id();
    demo.alice().wait_for_message("INBOX", &report.message_id);
}

#[test]
fn relayed_mail_is_completed_and_says_nothing_of_its_way() {
    let demo = demo();
    let mut smtp = relay(&demo);
    let bare = "From: alice@home.example\r\nBcc: secret@tls.example\r\nSubject: bare\r\n\r\nx\r\n";
    let id = smtp.transact("alice@home.example", &["bob@home.example"], bare).queue_id();
    let alice = demo.alice();
    alice.settled(&id);
    let message_id = alice.message(&id).message_id;
    let raw = String::from_utf8(demo.bob().wait_for_message("INBOX", &message_id)).expect("text");
    assert!(
        raw.contains("\r\nDate: ") && raw.contains(&format!("\r\nMessage-ID: <{message_id}>\r\n")),
        "{raw}"
    );
    assert!(!raw.contains("secret@tls.example") && !raw.contains("127.0."), "{raw}");
}

#[test]
fn another_user_of_this_machine_is_not_the_other_mail_server() {
    let demo = demo();
    let mut command = Command::new(binary());
    command.args(["sendmail", "--socket", &demo.port(10025).to_string()]);
    command.args(["-f", "alice@home.example", "a@tls.example"]);
    if let Some(output) = as_another_user(&command) {
        assert_eq!(output.status.code(), Some(77), "{output:?}");
        assert!(demo.deliveries().is_empty());
    }
}

#[test]
fn the_socketmap_says_whose_guarantee_is_on_at_this_moment() {
    let demo = demo();
    let mut postfix = TcpStream::connect(demo.port(10027)).expect("the socketmap");
    let transport = format!("OK tls-guarantee:[{}]:10025", demo.port(10025).ip());
    assert_eq!(ask(&mut postfix, "guarantee alice@home.example"), transport);
    for key in ["bob@home.example", "@home.example", "<>", "\"<>\"", "carla@plain.example"] {
        assert_eq!(ask(&mut postfix, &format!("guarantee {key}")), "NOTFOUND ", "{key}");
    }
    demo.alice().switch("off");
    assert_eq!(ask(&mut postfix, "guarantee alice@home.example"), "NOTFOUND ");
    demo.alice().switch("on");
    assert_eq!(ask(&mut postfix, "guarantee alice@home.example"), transport);
}

/// Writes a request as a netstring and reads one.
fn ask(stream: &mut TcpStream, request: &str) -> String {
    write!(stream, "{}:{request},", request.len()).expect("written");
    let mut octet = [0];
    let mut length = 0;
    loop {
        stream.read_exact(&mut octet).expect("a reply");
        match octet[0] {
            b':' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut content = vec![0; length + 1];
    stream.read_exact(&mut content).expect("the reply");
    assert_eq!(content.pop(), Some(b','));
    String::from_utf8(content).expect("text")
}

/// A forwarded mail leaves under a reverse-path of ours; what is told to it goes back to whoever sent the mail.
#[test]
fn p16_bounces_of_forwarded_mail_find_the_way_back() {
    let demo = demo();
    let forwarded = Mail::new("erik@verified.example", &["carla@plain.example"]);
    let arguments = ["-i", "-f", "erik@verified.example", "--", "carla@plain.example"];
    assert_eq!(sendmail(&store(&demo), &arguments, &forwarded.to_string()).status.code(), Some(0));
    let path = demo.wait_for_delivery(&forwarded.message_id, "plain.example").mail_from;
    assert!(path.starts_with("SRS0=") && path.ends_with("=verified.example=erik@home.example"), "{path}");
    for door in [demo.mx(), demo.port(10025)] {
        let bounce = Mail::new("MAILER-DAEMON@plain.example", &[&path]);
        let mut smtp = Smtp::connect(door);
        smtp.command("EHLO mx.plain.example").expect(250);
        smtp.transact("", &[&path], &bounce.to_string()).queue_id();
        let delivery = demo.wait_for_delivery(&bounce.message_id, "verified.example");
        assert_eq!(
            (delivery.mail_from.as_str(), delivery.rcpt_to),
            ("", vec!["erik@verified.example".to_owned()])
        );
    }
    // Our own report takes the same way.
    let lost = Mail::new("erik@verified.example", &["carla@nomail.example"]);
    let arguments = ["-i", "-f", "erik@verified.example", "--", "carla@nomail.example"];
    assert_eq!(sendmail(&store(&demo), &arguments, &lost.to_string()).status.code(), Some(0));
    black_box::wait_for("our report", || {
        demo.deliveries().into_iter().find(|one| {
            one.mail_from.is_empty()
                && one.rcpt_to == ["erik@verified.example"]
                && one.message_id.as_deref().is_some_and(|id| id.contains("@home.example"))
        })
    });
}

#[test]
fn nobody_sends_through_a_forwarding() {
    let demo = demo();
    let forwarded = Mail::new("erik@verified.example", &["carla@plain.example"]);
    let arguments = ["-i", "-f", "erik@verified.example", "--", "carla@plain.example"];
    assert_eq!(sendmail(&store(&demo), &arguments, &forwarded.to_string()).status.code(), Some(0));
    let good = demo.wait_for_delivery(&forwarded.message_id, "plain.example").mail_from;
    let forged = "SRS0=AAAAAAAAAAAAA=JN=verified.example=erik@home.example";
    let (mx, relay) = (demo.mx(), demo.port(10025));
    for (door, mail_from, recipient) in
        [(mx, "", forged), (relay, "", forged), (mx, "erik@tls.example", &good)]
    {
        let mut smtp = Smtp::connect(door);
        smtp.command("EHLO mx.plain.example").expect(250);
        let reply = smtp.transact(mail_from, &[recipient], "From: a@b.example\r\n\r\nx\r\n").expect(550);
        assert!(reply.text().starts_with("5.1.1 "), "{reply:?}");
    }
    // Another mail server may ask under a name of its own; what it then brings finds no mailbox.
    let mail = Mail::new("alice@home.example", &[&good]);
    let mut smtp = Smtp::connect(relay);
    smtp.command("EHLO mail.home.example").expect(250);
    smtp.transact("alice@home.example", &[&good], &mail.to_string()).queue_id();
    let bounce = demo.alice().wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), [good]);
    assert!(demo.deliveries_of(&mail.message_id, "verified.example").is_empty());
}

/// Mail that a user of this server sends is never rewritten, and neither is what stays here.
#[test]
fn only_what_others_sent_is_rewritten() {
    let demo = demo();
    let own = Mail::new("alice@home.example", &["carla@plain.example"]);
    let arguments = ["-i", "-f", "alice@home.example", "--", "carla@plain.example"];
    assert_eq!(sendmail(&store(&demo), &arguments, &own.to_string()).status.code(), Some(0));
    assert_eq!(demo.wait_for_delivery(&own.message_id, "plain.example").mail_from, "alice@home.example");
    let stays = Mail::new("erik@verified.example", &["bob@home.example"]);
    let arguments = ["-i", "-f", "erik@verified.example", "--", "bob@home.example"];
    assert_eq!(sendmail(&store(&demo), &arguments, &stays.to_string()).status.code(), Some(0));
    let raw = String::from_utf8(demo.bob().wait_for_message("INBOX", &stays.message_id)).expect("text");
    assert!(raw.starts_with("Return-Path: <erik@verified.example>\r\n"), "{raw}");
}

/// The configured server is tried out as it is, but nothing leaves for the world: not even by a fixed route.
#[test]
fn a_configured_demo_has_the_small_internet_and_no_way_out() {
    let demo = Demo::configured("", "[[route]]\ndomain = \"tls.example\"\nhost = \"127.0.0.1\"\nport = 1");
    let mail = Mail::to(&["erik@tls.example"]);
    demo.submit_as("alice@home.example").submit(&mail);
    assert!(demo.wait_for_delivery(&mail.message_id, "tls.example").tls.is_some());
}

/// Commands that know only its data directory know what is at home there.
#[test]
fn a_configured_demo_is_checked_as_it_was_configured() {
    let demo = Demo::configured("", "");
    let file = demo.folder().join("other.toml");
    let data = demo.folder().join("other");
    let text = format!(
        "name = \"mail.example.org\"\ndomains = [\"example.org\"]\ndata = \"/nowhere\"\n\
         [listen]\nhttp = \"{}\"\n",
        demo.port(8081)
    );
    fs::write(&file, text).expect("written");
    let arguments =
        ["demo".as_ref(), "--config".as_ref(), file.as_os_str(), "--data".as_ref(), data.as_os_str()];
    let mut other = black_box::Process::start(arguments);
    other.wait_for_line("ready: ");
    let mut check = Command::new(binary());
    check.args(["check", "bob@example.org", "carla@plain.example", "--json", "--data"]).arg(&data);
    let reports: serde_json::Value = serde_json::from_slice(&run(&mut check, b"").stdout).expect("JSON");
    assert_eq!(
        (&reports[0]["outcome"], &reports[1]["outcome"]),
        (&"deliver".into(), &"stop".into()),
        "{reports}"
    );
    other.terminate();
}

#[test]
fn a_user_that_the_system_does_not_know_is_told_with_its_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.toml");
    let text = "name = \"mail.home.example\"\ndata = \"/nowhere\"\n[listen]\nstore = \"127.0.0.1:2626\"\n\
                [store]\nusers = [\"no-such-user\"]\n";
    fs::write(&file, text).expect("written");
    let mut check = Command::new(binary());
    let output = run(check.args(["serve", "--check", "--config"]).arg(&file), b"");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("store.users = \"no-such-user\": "), "{said}");
}
