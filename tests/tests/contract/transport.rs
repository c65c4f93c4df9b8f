//! What the receiving domain and the sender demand of the transport: P12, P14, levels, RFC 8689, evidence.

use black_box::{Demo, Mail, MessageStatus, Smtp, User};
use rstest::rstest;
use serde_json::json;

/// Submits with parameters on MAIL; gives the queue id.
fn submit_with(smtp: &mut Smtp, parameters: &str, mail: &Mail) -> String {
    smtp.command(&format!("MAIL FROM:<{}>{parameters}", mail.from)).expect(250);
    for recipient in mail.recipients() {
        smtp.command(&format!("RCPT TO:<{recipient}>")).expect(250);
    }
    smtp.data(&mail.to_string()).queue_id()
}

fn send(demo: &Demo, alice: &User, parameters: &str, mail: &Mail) -> MessageStatus {
    let mut smtp = demo.submit_as("alice@home.example");
    alice.settled(&submit_with(&mut smtp, parameters, mail))
}

fn told(status: &MessageStatus) -> (&str, &str) {
    let recipient = &status.recipients[0];
    let what = recipient.protection.as_deref().or(recipient.status.as_deref()).unwrap_or("");
    (recipient.state.as_str(), what)
}

// --- P12: the memory --------------------------------------------------------------------------

#[test]
fn p12_a_server_that_has_lost_its_encryption_is_called_a_possible_attack() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    alice.switch("on");
    bob.switch("on");
    let first = send(&demo, &alice, "", &Mail::to(&["carla@stripped.example"]));
    assert_eq!(told(&first), ("delivered", "encrypted"));
    let mail = Mail::to(&["carla@stripped.example"]);
    let second = send(&demo, &alice, "", &mail);
    assert_eq!(told(&second), ("stopped", "5.7.4"));
    let cause = "TLS is required, but was not offered by host mx.stripped.example[127.";
    let reason = second.recipients[0].reason.clone().expect("a cause");
    assert!(reason.starts_with(cause), "{reason}");
    let (_, date) = reason.split_once("; possible downgrade, TLS was last seen ").expect("the note");
    assert_eq!(date.len(), "2026-11-24".len(), "{date}");
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert!(
        bounce.recipients[0].diagnostic().contains("; possible downgrade, TLS was last seen "),
        "{bounce:?}"
    );
    let stop = alice.stop_of(&second.id).expect("a record");
    assert_eq!(stop.recipients[0].cause, "downgrade");

    // Nobody learns from it that somebody else wrote there, or when.
    let mut smtp = demo.submit_as("bob@home.example");
    let id = smtp.submit(&Mail::new("bob@home.example", &["carla@stripped.example"]));
    let bobs = bob.settled(&id);
    assert_eq!(told(&bobs), ("stopped", "5.7.4"));
    let reason = bobs.recipients[0].reason.clone().expect("a cause");
    assert!(!reason.contains("downgrade"), "{reason}");
}

#[test]
fn p12_the_memory_outlives_a_restart() {
    let mut demo = Demo::start();
    demo.alice().switch("on");
    let first = send(&demo, &demo.alice(), "", &Mail::to(&["carla@stripped.example"]));
    assert_eq!(told(&first), ("delivered", "encrypted"));
    demo.kill9();
    demo.start_again();
    // The world starts anew, too: one more mail that is taken encrypted.
    let again = send(&demo, &demo.alice(), "", &Mail::to(&["carla@stripped.example"]));
    assert_eq!(told(&again), ("delivered", "encrypted"));
    let stopped = send(&demo, &demo.alice(), "", &Mail::to(&["carla@stripped.example"]));
    assert_eq!(stopped.recipients[0].cause.as_deref(), Some("downgrade"));
}

// --- P14: DANE --------------------------------------------------------------------------------

#[rstest]
#[case::on("on", "stopped")]
#[case::off("off", "deferred")]
fn p14_not_a_byte_reaches_a_host_that_dane_excludes(#[case] switch: &str, #[case] state: &str) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch(switch);
    for domain in ["dane-mismatch.example", "sts-mismatch.example"] {
        let status = send(&demo, &alice, "", &Mail::to(&[&format!("carla@{domain}")]));
        assert_eq!(status.recipients[0].state, state, "{status:?}");
    }
    assert!(demo.deliveries().is_empty());
}

/// An override, like the switched-off guarantee, lifts nothing that the domain demands.
#[test]
fn p14_an_override_does_not_lift_dane() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@dane-mismatch.example"]);
    let decision = json!({ "message_id": mail.message_id, "recipients": ["carla@dane-mismatch.example"] });
    alice.http.post("/api/v1/overrides", &decision).ok();
    let status = send(&demo, &alice, "", &mail);
    assert_eq!(told(&status), ("deferred", "4.7.5"));
    assert_eq!(status.recipients[0].requirement, "opportunistic");
}

// --- levels -----------------------------------------------------------------------------------

#[rstest]
#[case("tls.example", ("stopped", "5.7.5"), "not_authenticated")]
#[case("plain.example", ("stopped", "5.7.4"), "no_starttls")]
#[case("verified.example", ("delivered", "authenticated"), "")]
#[case("sts.example", ("delivered", "authenticated"), "")]
#[case("dane.example", ("delivered", "dane"), "")]
fn only_verified_servers_if_the_user_demands_it(
    #[case] domain: &str,
    #[case] expected: (&str, &str),
    #[case] cause: &str,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    let set = alice.http.put("/api/v1/guarantee", &json!({ "state": "on", "level": "authenticated" })).ok();
    assert_eq!(set.parse::<serde_json::Value>()["level"], "authenticated");
    // A switch without a level keeps it.
    alice.switch("on");
    let status = send(&demo, &alice, "", &Mail::to(&[&format!("carla@{domain}")]));
    assert_eq!(told(&status), expected, "{status:?}");
    assert_eq!(status.recipients[0].cause.as_deref().unwrap_or(""), cause);
}

/// What is shown ahead of time is what the sending would come to.
#[test]
fn checks_ask_for_what_the_user_demands() {
    let demo = Demo::start();
    let alice = demo.alice();
    for (level, outcomes) in
        [("encrypted", ["deliver", "deliver", "deliver"]), ("authenticated", ["stop", "deliver", "deliver"])]
    {
        alice.http.put("/api/v1/guarantee", &json!({ "state": "on", "level": level })).ok();
        let asked = json!({ "recipients": ["a@tls.example", "b@dane.example", "c@sts.example"] });
        let answer: serde_json::Value = alice.http.post("/api/v1/checks", &asked).ok().parse();
        let results = answer["results"].as_array().expect("results");
        let told: Vec<&str> = results.iter().map(|one| one["outcome"].as_str().expect("a word")).collect();
        assert_eq!(told, outcomes, "{level}: {answer}");
        let promised: Vec<bool> = results.iter().map(|one| one["promised"] == true).collect();
        assert_eq!(promised, [false, true, true], "{answer}");
        let protection: Vec<&str> =
            results.iter().skip(1).filter_map(|one| one["protection"].as_str()).collect();
        assert_eq!(protection, ["dane", "authenticated"]);
    }
}

// --- REQUIRETLS -------------------------------------------------------------------------------

// rfc 8689 4.2.1: MUST If any of the above steps fail
// rfc 8689 4.2.1: MUST NOT If there are no more MX hosts
// rfc 8689 4.2.1: MUST Following such a failure, the SMTP client
// rfc 8689 4.2.1: SHOULD The following status codes [RFC5248] SHOULD be
// rfc 8689 1: MUST The service extension is used to specify
#[rstest]
#[case("dane.example", ("delivered", "dane"))]
#[case("tls.example", ("stopped", "5.7.30"))]
#[case("verified.example", ("stopped", "5.7.30"))]
#[case("plain.example", ("stopped", "5.7.10"))]
#[case("legacy.example", ("stopped", "5.7.10"))]
fn requiretls_is_honoured_with_and_without_the_guarantee(
    #[case] domain: &str,
    #[case] expected: (&str, &str),
    #[values("on", "off")] switch: &str,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch(switch);
    let mail = Mail::to(&[&format!("carla@{domain}")]);
    let status = send(&demo, &alice, " REQUIRETLS", &mail);
    assert_eq!(told(&status), expected, "{status:?}");
    assert_eq!(status.recipients[0].requirement, "requiretls");
    if expected.0 == "stopped" {
        let bounce = alice.wait_for_bounce(&mail.message_id);
        assert_eq!(bounce.recipients[0].field("status"), expected.1);
        assert!(bounce.unwrapped_text().contains("REQUIRETLS"), "it was not the guarantee: {bounce:?}");
        assert!(!bounce.unwrapped_text().contains("Your TLS sending guarantee stopped"), "{bounce:?}");
    }
}

// rfc 8689 4.1: MUST If the message is being locally aliased
#[test]
fn requiretls_stops_only_those_recipients_that_cannot_have_it() {
    let demo = Demo::start();
    let alice = demo.alice();
    let mail = Mail::to(&["a@dane.example", "b@plain.example", "c@dane.example", "bob@home.example"]);
    let status = send(&demo, &alice, " REQUIRETLS", &mail);
    let states: Vec<&str> = status.recipients.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["delivered", "stopped", "delivered", "delivered"], "{status:?}");
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["b@plain.example"]);
}

// rfc 8689 4.1: MUST If the REQUIRETLS MAIL FROM parameter is
#[test]
fn requiretls_goes_before_the_header_that_says_otherwise() {
    let demo = Demo::start();
    let alice = demo.alice();
    let mail = Mail::to(&["carla@plain.example"]).with("TLS-Required: No");
    assert_eq!(told(&send(&demo, &alice, " REQUIRETLS", &mail)), ("stopped", "5.7.10"));
}

#[test]
fn requiretls_is_offered_in_tls_only() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect(demo.submission());
    assert!(!smtp.command("EHLO test.example").expect(250).offers("REQUIRETLS"));
    smtp.starttls();
    assert!(smtp.command("EHLO test.example").expect(250).offers("REQUIRETLS"));
}

// --- TLS-Required: No -------------------------------------------------------------------------

// rfc 8689 3: SHOULD No - The SMTP client SHOULD attempt
// rfc 8689 3: SHOULD Nevertheless, the client SHOULD negotiate STARTTLS with
// rfc 8689 4.1: MUST Upon receipt of a message not specifying
// rfc 8689 4.2.2: MUST When sending such a message, the sending
// rfc 8689 4.3: MUST SMTP servers implementing this specification MUST interpret
#[rstest]
#[case("plain.example", "none")]
#[case("legacy.example", "none")]
#[case("tls.example", "encrypted")]
#[case("dane.example", "dane")]
#[case("dane-mismatch.example", "encrypted")]
#[case("sts-mismatch.example", "encrypted")]
fn tls_required_no_lets_this_mail_past_guarantee_dane_and_mta_sts(
    #[case] domain: &str,
    #[case] protection: &str,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&[&format!("carla@{domain}")]).with("TLS-Required: No");
    let status = send(&demo, &alice, "", &mail);
    assert_eq!(told(&status), ("delivered", protection), "{status:?}");
    assert_eq!(status.recipients[0].requirement, "regardless", "shown as the sender's own decision");
}

/// Not the sender's own clear word.
// rfc 8689 3: REQUIRED The TLS-Required header field has a single
// rfc 8689 3: MUST NOT More than one instance of the TLS-Required
#[rstest]
#[case::twice(&["TLS-Required: No", "TLS-Required: No"])]
#[case::another_value(&["TLS-Required: Yes"])]
#[case::with_a_comment(&["TLS-Required: No (please)"])]
#[case::resent(&["TLS-Required: No", "Resent-From: alice@home.example"])]
fn tls_required_no_counts_only_as_the_rfc_has_it(#[case] fields: &[&str]) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = fields.iter().fold(Mail::to(&["carla@plain.example"]), |mail, field| mail.with(field));
    assert_eq!(told(&send(&demo, &alice, "", &mail)), ("stopped", "5.7.4"));
}

#[test]
fn tls_required_no_of_a_stranger_lifts_nothing() {
    let demo = Demo::start();
    let mut smtp = Smtp::connect(demo.store());
    smtp.command("EHLO store.home.example").expect(250);
    let forwarded = Mail::new("erik@tls.example", &["carla@dane-mismatch.example"]).with("TLS-Required: No");
    smtp.transact("erik@tls.example", &["carla@dane-mismatch.example"], &forwarded.to_string()).expect(250);
    // What is handed in after it has arrived.
    let after = Mail::new("erik@tls.example", &["carla@dane.example"]).with("TLS-Required: No");
    smtp.transact("erik@tls.example", &["carla@dane.example"], &after.to_string()).expect(250);
    demo.wait_for_delivery(&after.message_id, "dane.example");
    assert!(demo.deliveries_of(&forwarded.message_id, "dane-mismatch.example").is_empty());
}

// --- evidence ---------------------------------------------------------------------------------

#[rstest]
#[case("dane.example", Some("dane"), "3 1 1 ")]
#[case("sts.example", Some("mta-sts"), "mx.sts.example")]
#[case("verified.example", Some("certificate"), "mx.verified.example")]
#[case("tls.example", None, "")]
fn each_delivery_says_what_was_proven(#[case] domain: &str, #[case] by: Option<&str>, #[case] with: &str) {
    let demo = Demo::start();
    let alice = demo.alice();
    let status = send(&demo, &alice, "", &Mail::to(&[&format!("carla@{domain}")]));
    let evidence = &status.recipients[0];
    assert_eq!(evidence.authenticated_by.as_deref(), by, "{evidence:?}");
    assert!(evidence.authentication.as_deref().unwrap_or("").starts_with(with), "{evidence:?}");
    assert_eq!(evidence.tls.as_deref(), Some("TLSv1.3"));
    assert_eq!(evidence.key_exchange.as_deref(), Some("X25519MLKEM768"), "against those who record now");
    assert_eq!(evidence.certificate_sha256.as_ref().map(String::len), Some(64));
    assert!(evidence.cipher.is_some());
    assert!(evidence.reason.as_deref().is_some_and(|reply| reply.starts_with("250 ")), "{evidence:?}");
}

#[test]
fn a_bounce_has_the_evidence_in_its_header() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    send(&demo, &alice, "", &mail);
    let evidence = alice.wait_for_bounce(&mail.message_id).header("X-TLS-Guarantee-Evidence");
    assert!(evidence.contains("rcpt=carla@plain.example;"), "{evidence}");
    assert!(
        evidence.contains("host=mx.plain.example[127.") && evidence.contains("found=no_starttls;"),
        "{evidence}"
    );
}
