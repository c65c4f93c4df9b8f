//! Beside a Postfix that was there before, in both ways of the guide: the switch binds what is submitted to Postfix, the
//! rest goes as it went, and nothing goes in clear because somebody is away.

use std::fs;
use std::process::Command;

use black_box::{Mail, PASSWORD, PostfixWay, Provider, Report, Smtp, User, run, wait_for};
use rstest::rstest;

use crate::hands::{add, receive, with_srs};
use PostfixWay::{HandsAllOver, RoutesBySender};

/// Postfix takes a mail; the name under which it has it.
fn submit(smtp: &mut Smtp, mail: &Mail) -> String {
    let recipients: Vec<&str> = mail.recipients().collect();
    let reply = smtp.transact(&mail.from, &recipients, &mail.to_string()).expect(250);
    let (_, name) =
        reply.text().rsplit_once("queued as ").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a name");
    name
}

/// Waits until Postfix has logged a line with all these words.
fn wait_for_line(provider: &Provider, words: &[&str]) {
    wait_for(&format!("a line with {words:?}"), || {
        let log = provider.log("postfix");
        log.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    });
}

/// A mail that must not be stopped has left in clear: by us, or by Postfix, whose way out in these tests is its log.
fn wait_for_departure(provider: &Provider, way: PostfixWay, mail: &Mail, name: &str) {
    match way {
        HandsAllOver => {
            assert_eq!(provider.wait_for_delivery(&mail.message_id, "plain.example").tls, None);
        }
        RoutesBySender => {
            wait_for_line(provider, &[name, &mail.to[0], "(by Postfix itself)"]);
            assert!(provider.deliveries_of(&mail.message_id, "plain.example").is_empty());
        }
    }
}

/// A mail handed in by Postfix's own `sendmail`, as a program on the machine does.
fn sendmail(provider: &Provider, mail: &Mail) {
    let mut sendmail = Command::new("/usr/sbin/sendmail");
    sendmail.env("MAIL_CONFIG", provider.path("/etc/postfix")).args(["-i", "-f", &mail.from, "--"]);
    let done = run(sendmail.args(mail.recipients()), mail.to_string().as_bytes());
    assert!(done.status.success(), "{done:?}");
}

/// Has Postfix try its queue again until alice has the bounce: what it knew before of our server, it forgets.
fn flush_until_bounce(provider: &Provider, alice: &User, mail: &Mail) {
    assert!(provider.postfix().command("reload").status.success());
    wait_for(&format!("the bounce of {}", mail.message_id), || {
        // Passed over if it comes while the mail is still being put off.
        provider.postfix().command("flush");
        alice.bounces().into_iter().find(|bounce| bounce.original_message_id() == mail.message_id)
    });
}

fn assert_stop_of_ours(of: &User, mail: &Mail, stopped: &[&str]) {
    let bounce = of.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), stopped);
    assert_eq!(bounce.header("Subject"), Report::SUBJECT);
    assert_eq!(bounce.field("reporting-mta"), "dns; mail.example.org");
    let cause = bounce.recipients[0].diagnostic();
    assert!(cause.starts_with("TLS is required, but was not offered by host mx.plain.example["), "{cause}");
    assert_eq!(bounce.recipients[0].field("status"), "5.7.4");
    let text = bounce.unwrapped_text();
    assert!(text.contains("Your TLS sending guarantee stopped this mail."), "{text}");
    let stop = of.stops().into_iter().find(|stop| stop.message_id == mail.message_id).expect("a stop");
    assert_eq!(stop.recipients[0].reason, cause);
}

#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn the_switch_binds_what_is_submitted_to_postfix(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    let mut as_alice = provider.submit_as(&alice.address);
    let mut as_bob = provider.submit_as(&bob.address);
    let to_plain = |from: &str| Mail::new(from, &["y@plain.example"]);

    let mail = to_plain(&alice.address);
    let name = submit(&mut as_alice, &mail);
    wait_for_departure(&provider, way, &mail, &name);
    // At once, in the same session, for the same recipient.
    alice.switch("on");
    let mail = to_plain(&alice.address);
    submit(&mut as_alice, &mail);
    assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    // One mail of everything, to users here as well.
    let mail = Mail::new(&alice.address, &["y@plain.example", "x@tls.example", &bob.address]);
    submit(&mut as_alice, &mail);
    assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    let raw = bob.wait_for_message("INBOX", &mail.message_id);
    let raw = String::from_utf8(raw).expect("UTF-8").replace(&mail.message_id, "");
    assert!(
        !raw.contains("client.example") && !raw.contains("Authenticated"),
        "no trace of who sent it: {raw}"
    );
    assert!(provider.wait_for_delivery(&mail.message_id, "tls.example").tls.is_some());
    assert!(provider.deliveries_of(&mail.message_id, "plain.example").is_empty());
    for own in ["alice+mark@example.org", "Alice@Example.ORG", "info@example.org"] {
        let mail = to_plain(own);
        submit(&mut as_alice, &mail);
        assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    }
    // The other port, with TLS from the start.
    let mut with_tls = Smtp::connect_tls(provider.submissions());
    with_tls.command("EHLO client.example").expect(250);
    with_tls.log_in(&alice.address, PASSWORD).expect(235);
    let mail = to_plain(&alice.address);
    submit(&mut with_tls, &mail);
    assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    let mail = to_plain(&bob.address);
    let name = submit(&mut as_bob, &mail);
    wait_for_departure(&provider, way, &mail, &name);
    alice.switch("off");
    let mail = to_plain(&alice.address);
    let name = submit(&mut as_alice, &mail);
    wait_for_departure(&provider, way, &mail, &name);
    assert_eq!((alice.stops().len(), bob.stops().len()), (6, 0));
}

/// B: its queue manager remembers for a while where mail of this sender to this recipient goes.
#[test]
fn the_switch_binds_at_once_whatever_postfix_remembers() {
    let Some(provider) = Provider::beside_postfix(RoutesBySender) else { return };
    let alice = provider.alice();
    let mut as_alice = provider.submit_as(&alice.address);
    let mut send = || {
        let mail = Mail::new(&alice.address, &["y@plain.example"]);
        let name = submit(&mut as_alice, &mail);
        (mail, name)
    };
    let (before, name) = send();
    wait_for_departure(&provider, RoutesBySender, &before, &name);
    alice.switch("on");
    let (guarded, _) = send();
    assert_stop_of_ours(&alice, &guarded, &["y@plain.example"]);
    alice.switch("off");
    let (after, name) = send();
    wait_for_departure(&provider, RoutesBySender, &after, &name);
    assert!(provider.deliveries().is_empty());
    assert_eq!(alice.stops().len(), 1);
}

/// `Received` would say from where a user sends, and under which name.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn submitted_mail_does_not_say_from_where(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    let earlier = "Received: from a.example by b.example with SMTP; Tue, 24 Nov 2026 12:00:00 +0000";
    for state in ["off", "on"] {
        alice.switch(state);
        for door in [Smtp::connect_tls(provider.submissions()), Smtp::connect(provider.submission())] {
            let mut smtp = door;
            let hello = "EHLO at-home.client.example";
            if smtp.command(hello).offers("STARTTLS") {
                smtp.starttls();
                smtp.command(hello).expect(250);
            }
            smtp.log_in(&alice.address, "demo").expect(235);
            // With SMTPUTF8, `Received` has another word (RFC 6531 §4.3).
            for parameter in ["", " SMTPUTF8"] {
                let mail = Mail::new("info@example.org", &[&bob.address]).with(earlier);
                smtp.command(&format!("MAIL FROM:<info@example.org>{parameter}")).expect(250);
                smtp.command(&format!("RCPT TO:<{}>", bob.address)).expect(250);
                smtp.data(&mail.to_string()).expect(250);
                let got = bob.wait_for_message("INBOX", &mail.message_id);
                let got = String::from_utf8_lossy(&got).into_owned();
                let (header, _) = got.split_once("\r\n\r\n").expect("a header");
                for word in ["at-home", "alice"] {
                    assert!(!header.contains(word), "{word}: {header}");
                }
                // Whom a user passes a mail on from is the mail's own matter.
                assert!(header.contains(earlier), "{header}");
            }
        }
    }
}

/// Else what came back through a forwarding of Postfix's would count as theirs.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn strangers_can_not_send_as_users(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let bob = provider.bob();
    let mut stranger = Smtp::connect(provider.mx());
    stranger.command("EHLO out.example").expect(250);
    for (sender, code) in
        [("alice@example.org", 554), ("Info+x@EXAMPLE.org", 554), ("x@out.example", 250), ("", 250)]
    {
        let mail = Mail::new(sender, &[&bob.address]);
        let reply = stranger.transact(sender, &[&bob.address], &mail.to_string());
        assert_eq!(reply.code, code, "{sender}: {reply:?}");
        stranger.command("RSET").expect(250);
    }
}

/// Else a user would slip out of the guarantee, or have another's mail stopped.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn postfix_holds_users_to_their_own_addresses(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    bob.switch("on");
    let mut as_bob = provider.submit_as(&bob.address);
    for foreign in ["", &alice.address, "alice+bob@example.org", "info@example.org", "x@out.example"] {
        let mail = Mail::new(&bob.address, &["y@plain.example"]);
        let told = as_bob.transact(foreign, &["y@plain.example"], &mail.to_string());
        assert!((550..=554).contains(&told.code), "MAIL FROM:<{foreign}>: {told:?}");
        as_bob.command("RSET").expect(250);
    }
    // By the server's table: an address that it does not know can't slip by.
    let mut try_as = |address: &str| {
        let reply = as_bob.transact(address, &["x@tls.example"], "\r\n");
        as_bob.command("RSET").expect(250);
        reply.code
    };
    assert_eq!(try_as("sales@example.org"), 553);
    let table = provider.path("/etc/tls-guarantee/aliases.sqlite");
    let row = "INSERT INTO alias VALUES ('sales@example.org', 'alice@example.org')";
    assert!(run(Command::new("sqlite3").arg(&table).arg(row), b"").status.success());
    assert_eq!(try_as("sales@example.org"), 553, "alice's");
    let row = "UPDATE alias SET login = 'bob@example.org'";
    assert!(run(Command::new("sqlite3").arg(&table).arg(row), b"").status.success());
    assert_eq!(try_as("Sales@Example.org"), 250);
    let mut stranger = Smtp::connect(provider.submission());
    stranger.command("EHLO client.example").expect(250);
    stranger.starttls();
    stranger.command("EHLO client.example").expect(250);
    assert!(stranger.transact(&alice.address, &["y@plain.example"], "\r\n").code >= 500);
    let mut from_outside = Smtp::connect(provider.mx());
    from_outside.command("EHLO out.example").expect(250);
    for to in ["y@plain.example", &bob.address] {
        assert!(from_outside.transact(&alice.address, &[to], "\r\n").code >= 500, "{to}");
        from_outside.command("RSET").expect(250);
    }
    assert!(provider.deliveries().iter().all(|delivery| delivery.domain == "tls.example"));
    assert!(!provider.log("postfix").contains("(by Postfix itself)"));
}

/// They are nobody's mail.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn postfixs_own_bounces_go_their_way(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let alice = provider.alice();
    alice.switch("on");
    let mail = Mail::new("x@plain.example", &["nobody@example.org"]);
    sendmail(&provider, &mail);
    match way {
        HandsAllOver => {
            let bounce = wait_for("the bounce", || provider.deliveries().into_iter().next());
            assert_eq!((bounce.mail_from.as_str(), bounce.tls), ("", None));
            assert_eq!(bounce.rcpt_to, ["x@plain.example"]);
        }
        RoutesBySender => {
            wait_for_line(&provider, &["x@plain.example", "(by Postfix itself)"]);
        }
    }
    let mail = Mail::new(&alice.address, &["nobody@example.org"]);
    submit(&mut provider.submit_as(&alice.address), &mail);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), ["nobody@example.org"]);
    assert_eq!(bounce.recipients[0].field("status"), "5.1.1");
    assert!(alice.stops().is_empty());
}

/// P15 and P16 here too: Dovecot has its own way to us.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn sieve_answers_and_forwards_beside_postfix(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    bob.switch("on");
    let script = "require [\"vacation\", \"copy\"]; vacation \"away\"; redirect :copy \"b@legacy.example\";";
    provider.sieve(&bob.address, script);
    let of_alice = Mail::new(&alice.address, &[&bob.address]);
    submit(&mut provider.submit_as(&alice.address), &of_alice);
    let from_outside = Mail::new("x@plain.example", &[&bob.address]);
    receive(&provider, "x@plain.example", &from_outside);
    for (mail, sender) in [(&of_alice, alice.address.as_str()), (&from_outside, "x@plain.example")] {
        let forwarded = provider.wait_for_delivery(&mail.message_id, "legacy.example");
        assert_eq!((forwarded.mail_from.as_str(), forwarded.tls), (sender, None));
        bob.wait_for_message("INBOX", &mail.message_id);
    }
    let reply = wait_for("the reply", || {
        provider.deliveries().into_iter().find(|delivery| delivery.rcpt_to == ["x@plain.example"])
    });
    assert_eq!((reply.mail_from.as_str(), reply.tls), ("", None));
    assert!(alice.stops().is_empty());
}

/// A: Postfix keeps what it can't hand over.
#[test]
fn mail_waits_in_postfix_while_our_server_is_away() {
    let Some(mut provider) = Provider::beside_postfix(HandsAllOver) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    provider.stop_server();
    let mail = Mail::new(&alice.address, &["y@plain.example", "x@tls.example", &bob.address]);
    let name = submit(&mut provider.submit_as(&alice.address), &mail);
    bob.wait_for_message("INBOX", &mail.message_id);
    for recipient in ["y@plain.example", "x@tls.example"] {
        wait_for_line(&provider, &[&name, recipient, "status=deferred"]);
    }
    let incoming = Mail::new("x@out.example", &[&bob.address]);
    receive(&provider, "x@out.example", &incoming);
    bob.wait_for_message("INBOX", &incoming.message_id);
    provider.start_server();
    flush_until_bounce(&provider, &alice, &mail);
    assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    provider.wait_for_delivery(&mail.message_id, "tls.example");
    assert!(provider.deliveries_of(&mail.message_id, "plain.example").is_empty());
}

/// B: whom nobody can ask about, Postfix does not send.
#[test]
fn postfix_sends_nothing_past_a_socketmap_that_is_away() {
    let Some(mut provider) = Provider::beside_postfix(RoutesBySender) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    provider.stop_server();
    let mut smtp = provider.submit_as(&alice.address);
    let mail = Mail::new(&alice.address, &["y@plain.example"]);
    smtp.transact(&alice.address, &["y@plain.example"], &mail.to_string()).expect(451);
    smtp.command("RSET").expect(250);
    let queued = Mail::new(&alice.address, &["z@plain.example"]);
    sendmail(&provider, &queued);
    wait_for_line(&provider, &["z@plain.example", "status=deferred"]);
    let incoming = Mail::new("x@out.example", &[&bob.address]);
    receive(&provider, "x@out.example", &incoming);
    bob.wait_for_message("INBOX", &incoming.message_id);

    provider.start_server();
    drop(smtp);
    // A process of its remembers for which mail it had no answer, for up to minutes.
    assert!(provider.postfix().command("reload").status.success());
    wait_for("Postfix's consent", || {
        let mut smtp = provider.submit_as(&alice.address);
        let reply = smtp.transact(&alice.address, &["y@plain.example"], &mail.to_string());
        (reply.code == 250).then_some(())
    });
    assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    flush_until_bounce(&provider, &alice, &queued);
    assert_stop_of_ours(&alice, &queued, &["z@plain.example"]);
    assert!(provider.deliveries().is_empty());
    assert!(!provider.log("postfix").contains("(by Postfix itself)"));
}

/// Whose mail it is can't be looked up: then nobody takes it for nobody's.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn nothing_is_sent_while_nobody_knows_whose_it_is(#[case] way: PostfixWay) {
    let Some(provider) = Provider::beside_postfix(way) else { return };
    let alice = provider.alice();
    alice.switch("on");
    let [table, away] =
        ["aliases", "away"].map(|name| provider.path(&format!("/etc/tls-guarantee/{name}.sqlite")));
    fs::rename(&table, &away).expect("out of the way");
    let mail = Mail::new("info@example.org", &["y@plain.example"]);
    sendmail(&provider, &mail);
    wait_for_line(&provider, &["to=<y@plain.example>", "status=deferred"]);
    fs::rename(&away, &table).expect("back again");
    flush_until_bounce(&provider, &alice, &mail);
    assert_stop_of_ours(&alice, &mail, &["y@plain.example"]);
    assert!(provider.deliveries().is_empty());
    assert!(!provider.log("postfix").contains("(by Postfix itself)"));
}

/// What is told about forwarded mail comes in by Postfix, and is ours to send on.
#[rstest]
#[case::a(HandsAllOver)]
#[case::b(RoutesBySender)]
fn p16_what_bounces_to_an_address_of_ours_comes_back_through_postfix(#[case] way: PostfixWay) {
    let Some(mut provider) = Provider::beside_postfix(way) else { return };
    with_srs(&mut provider);
    let lines = format!(
        "transport_maps = regexp:{{{{/^SRS[01]=.*@example\\.org$$/ tls-guarantee:[{}]:825}}}}\n",
        provider.http().ip()
    );
    add(&provider, "/etc/postfix/main.cf", &lines);
    assert!(provider.postfix().command("reload").status.success());
    let bob = provider.bob();
    provider.sieve(&bob.address, "redirect \"someone@plain.example\";");
    let mail = Mail::new("x@tls.example", &[&bob.address]);
    receive(&provider, "x@tls.example", &mail);
    let ours = provider.wait_for_delivery(&mail.message_id, "plain.example").mail_from;
    assert!(ours.starts_with("SRS0="), "{ours}");
    let report = Mail::new("MAILER-DAEMON@plain.example", &[&ours]);
    receive(&provider, "", &report);
    let told = provider.wait_for_delivery(&report.message_id, "tls.example");
    assert_eq!((told.mail_from.as_str(), told.rcpt_to), ("", vec!["x@tls.example".to_owned()]));
    let mut smtp = Smtp::connect(provider.mx());
    smtp.command("EHLO out.example").expect(250);
    smtp.transact("", &[&ours.replacen("=x@", "=y@", 1)], "\r\n").expect(550);
}
