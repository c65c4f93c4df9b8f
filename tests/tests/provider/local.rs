//! Mail for the provider's own users: it goes to Dovecot over LMTP, and waits while Dovecot is away.

use std::fs;

use black_box::{Mail, PASSWORD, Provider, Report, Smtp, User, wait_for};

use crate::hands::receive;

/// Waits until this submitted mail's only recipient has this state.
fn wait_for_state(of: &User, queue_id: &str, state: &str) {
    of.wait_until(&format!("{queue_id} is {state}"), || {
        (of.message(queue_id).recipients[0].state == state).then_some(())
    });
}

/// It never leaves the machine, so the guarantee has nothing to say about it.
#[test]
fn mail_among_users_is_filed_by_dovecot() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    let mut mail = Mail::new(&alice.address, &[&bob.address, "bob+notes@example.org"]);
    mail.body = ".\r\n..two dots, Grüße\r\n".to_owned();
    let queue_id = provider.submit_as(&alice.address).submit(&mail);
    let raw = bob.wait_for_message("INBOX", &mail.message_id);
    let raw = String::from_utf8(raw).expect("UTF-8");
    assert!(raw.starts_with("Return-Path: <alice@example.org>\r\n"), "{raw}");
    assert!(raw.ends_with("\r\n\r\n.\r\n..two dots, Grüße\r\n"), "{raw}");
    let status = alice.settled(&queue_id);
    assert!(status.recipients.iter().all(|recipient| recipient.state == "delivered"), "{status:?}");
    assert!(provider.deliveries().is_empty());
}

/// What Dovecot does not take is told to whoever wrote, in Dovecot's words.
#[test]
fn what_dovecot_refuses_bounces() {
    let Some(mut provider) = Provider::start() else { return };
    let quota = "mail_plugins = $mail_plugins quota\nplugin {\n  quota = maildir:User quota\n  quota_rule = *:storage=20K\n}\n";
    fs::write(provider.path("/etc/dovecot/conf.d/90-quota.conf"), quota).expect("Dovecot's configuration");
    provider.stop_dovecot();
    provider.start_dovecot();
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    let mut smtp = provider.submit_as(&alice.address);

    let mail = Mail::new(&alice.address, &["nobody@example.org"]);
    let queue_id = smtp.submit(&mail);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), ["nobody@example.org"]);
    assert_eq!(bounce.recipients[0].field("status"), "5.1.1", "{bounce:?}");
    assert_eq!(alice.message(&queue_id).recipients[0].state, "bounced");
    let mut from_outside = Smtp::connect(provider.mx());
    from_outside.command("EHLO out.example").expect(250);
    from_outside.transact("x@out.example", &["nobody@example.org"], "\r\n").expect(550);

    let mut mail = Mail::new(&alice.address, &[&bob.address]);
    mail.body = "much\r\n".repeat(10_000);
    smtp.submit(&mail);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.recipients[0].field("status"), "5.2.2", "{bounce:?}");
    assert!(bounce.recipients[0].diagnostic().contains("Quota exceeded"), "{bounce:?}");

    provider.sieve(&bob.address, "require \"reject\"; reject \"not today\";");
    let mail = Mail::new(&alice.address, &[&bob.address]);
    smtp.submit(&mail);
    wait_for("Dovecot's own refusal", || {
        alice.list("INBOX").into_iter().find(|listed| listed.subject.contains("Rejected"))
    });
    assert_eq!(alice.bounces().len(), 2);
    assert!(alice.stops().is_empty());
}

/// Nothing is lost meanwhile, and all of it is there soon after.
#[test]
fn mail_waits_while_dovecot_is_away() {
    let Some(mut provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    let mut smtp = provider.submit_as(&alice.address);
    let mut from_outside = Smtp::connect(provider.mx());
    from_outside.command("EHLO out.example").expect(250);
    let mut late = Smtp::connect(provider.submission());
    late.command("EHLO client.example").expect(250);
    late.starttls();
    late.command("EHLO client.example").expect(250);
    provider.stop_dovecot();

    let to_bob = Mail::new(&alice.address, &[&bob.address]);
    let queue_id = smtp.submit(&to_bob);
    let stopped = Mail::new(&alice.address, &["y@plain.example", "x@tls.example"]);
    let stopped_id = smtp.submit(&stopped);
    provider.wait_for_delivery(&stopped.message_id, "tls.example");
    wait_for_state(&alice, &queue_id, "deferred");
    wait_for_state(&alice, &stopped_id, "stopped");
    assert_eq!(alice.stops().len(), 1);
    // Whoever writes from outside keeps it.
    from_outside.transact("x@out.example", &[&bob.address], "\r\n").expect(451);
    // Nobody logs in, and nobody is told that the password is wrong.
    late.log_in(&alice.address, PASSWORD).expect(454);

    provider.start_dovecot();
    bob.wait_for_message("INBOX", &to_bob.message_id);
    wait_for_state(&alice, &queue_id, "delivered");
    assert_eq!(alice.wait_for_bounce(&stopped.message_id).addresses(), ["y@plain.example"]);
    let mail = Mail::new("x@out.example", &[&bob.address]);
    receive(&provider, "x@out.example", &mail);
    bob.wait_for_message("INBOX", &mail.message_id);
    let logged_in = wait_for("a log-in", || {
        Some(late.log_in(&alice.address, PASSWORD)).filter(|reply| reply.code == 235)
    });
    drop(logged_in);
    let mail = Mail::new(&alice.address, &[&bob.address]);
    late.submit(&mail);
    bob.wait_for_message("INBOX", &mail.message_id);
    assert_eq!(bob.list("INBOX").len(), 3, "each once");
    assert_eq!(alice.list("INBOX").len(), 1, "each once");
}

/// The order in which the two are started is no matter.
#[test]
fn dovecot_may_come_after_our_server() {
    let Some(mut provider) = Provider::start() else { return };
    provider.stop_dovecot();
    provider.stop_server();
    provider.start_server();
    let alice = provider.alice();
    // The webmail's page works: it asks nothing of Dovecot.
    alice.switch("on");
    provider.start_dovecot();
    let mut smtp = wait_for("a log-in", || {
        let mut smtp = Smtp::connect(provider.submission());
        smtp.command("EHLO client.example").expect(250);
        smtp.starttls();
        let ehlo = smtp.command("EHLO client.example").expect(250);
        (ehlo.offers("AUTH") && smtp.log_in(&alice.address, PASSWORD).code == 235).then_some(smtp)
    });
    let mail = Mail::new(&alice.address, &["y@plain.example"]);
    smtp.submit(&mail);
    assert_eq!(alice.wait_for_bounce(&mail.message_id).header("Subject"), Report::SUBJECT);
}

/// Dovecot answers for each recipient, and each answer counts for that one only.
#[test]
fn each_recipients_copy_has_a_fate_of_its_own() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    let mut smtp = provider.submit_as(&alice.address);
    let mail = Mail::new(&alice.address, &[&bob.address, "nobody@example.org", "Alice@Example.org"]);
    let queue_id = smtp.submit(&mail);
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["nobody@example.org"]);
    let status = alice.settled(&queue_id);
    let states: Vec<_> = status.recipients.iter().map(|recipient| recipient.state.as_str()).collect();
    assert_eq!(states, ["delivered", "bounced", "delivered"], "{status:?}");
    bob.wait_for_message("INBOX", &mail.message_id);
    alice.wait_for_message("INBOX", &mail.message_id);

    // RFC 3461: Dovecot says nothing of successes, so we do.
    let mail = Mail::new(&alice.address, &[&bob.address]);
    smtp.command(&format!("MAIL FROM:<{}>", alice.address)).expect(250);
    smtp.command(&format!("RCPT TO:<{}> NOTIFY=SUCCESS", bob.address)).expect(250);
    smtp.data(&mail.to_string()).queue_id();
    wait_for("the report of the success", || {
        alice.list("INBOX").into_iter().find(|listed| listed.subject == "Successful Mail Delivery Report")
    });

    // RFC 5321 section 4.5.1: postmaster is always somebody, here alice.
    for postmaster in ["postmaster@example.org", "Postmaster"] {
        let mail = Mail::new("x@out.example", &[postmaster]);
        receive(&provider, "x@out.example", &mail);
        alice.wait_for_message("INBOX", &mail.message_id);
    }
}

/// Dovecot's LMTP knows no SMTPUTF8; what users write arrives all the same.
#[test]
fn what_is_not_ascii_arrives() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    let mut smtp = provider.submit_as(&alice.address);
    for parameters in ["", " BODY=8BITMIME", " BODY=8BITMIME SMTPUTF8"] {
        let mut mail = Mail::new(&alice.address, &[&bob.address]);
        mail.subject = "Grüße aus Köln".to_owned();
        mail.body = "Schöne Grüße\r\n".to_owned();
        smtp.command(&format!("MAIL FROM:<{}>{parameters}", alice.address)).expect(250);
        smtp.command(&format!("RCPT TO:<{}>", bob.address)).expect(250);
        smtp.data(&mail.to_string()).queue_id();
        let raw = String::from_utf8(bob.wait_for_message("INBOX", &mail.message_id)).expect("UTF-8");
        assert!(
            raw.contains("Subject: Grüße aus Köln\r\n") && raw.ends_with("\r\n\r\nSchöne Grüße\r\n"),
            "{raw}"
        );
    }
    let mail = Mail::new(&alice.address, &["dörte@plain.example"]);
    smtp.command(&format!("MAIL FROM:<{}> BODY=8BITMIME SMTPUTF8", alice.address)).expect(250);
    smtp.command("RCPT TO:<dörte@plain.example>").expect(250);
    let queue_id = smtp.data(&mail.to_string()).queue_id();
    assert_eq!(alice.wait_for_bounce(&mail.message_id).recipients.len(), 1);
    assert!(alice.stop_of(&queue_id).is_some());
}

/// Dovecot goes and comes while mail pours in.
#[test]
fn no_mail_is_lost_when_dovecot_restarts() {
    let Some(mut provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    let mut smtp = provider.submit_as(&alice.address);
    let mut sent = Vec::new();
    for round in 0..3 {
        for _ in 0..30 {
            let mail = Mail::new(&alice.address, &[&bob.address]);
            smtp.submit(&mail);
            sent.push(mail.message_id);
        }
        provider.stop_dovecot();
        if round < 2 {
            provider.start_dovecot();
        }
    }
    provider.stop_server();
    provider.start_server();
    provider.start_dovecot();
    // What Dovecot had filed, but could not say any more, comes twice (RFC 1047).
    wait_for("all mail", || {
        let arrived: Vec<_> = bob.list("INBOX").into_iter().filter_map(|listed| listed.message_id).collect();
        sent.iter().all(|message_id| arrived.contains(message_id)).then_some(())
    });
    assert!(alice.list("INBOX").is_empty(), "nothing to report");
}
