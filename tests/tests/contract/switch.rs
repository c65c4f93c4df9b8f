//! The switch: P3, P4, P11.

use std::time::{Duration, SystemTime};

use black_box::{Demo, Mail, PASSWORD, Smtp};
use serde_json::{Value, json};

#[test]
fn p03_the_switch_takes_effect_at_once_both_ways() {
    let demo = Demo::start();
    let alice = demo.alice();
    assert_eq!(alice.guarantee()["state"], "off");
    let mut smtp = demo.submit_as("alice@home.example");
    for (state, outcome) in [("on", "stopped"), ("off", "delivered"), ("on", "stopped"), ("off", "delivered")]
    {
        alice.switch(state);
        assert_eq!(alice.guarantee()["state"], state);
        // In a session that is older than the switch.
        let status = alice.settled(&smtp.submit(&Mail::to(&["carla@plain.example"])));
        assert_eq!(status.recipients[0].state, outcome, "switched {state}");
    }
}

#[test]
fn p03_the_switch_is_the_users_own() {
    let demo = Demo::start();
    demo.alice().switch("on");
    let bob = demo.bob();
    assert_eq!(bob.guarantee()["state"], "off");
    let status = bob.settled(&bob.post(&Mail::new("bob@home.example", &["carla@plain.example"])));
    assert_eq!(status.recipients[0].state, "delivered");
}

#[test]
fn p03_the_switch_outlives_a_restart() {
    let mut demo = Demo::start();
    demo.alice().switch("on");
    demo.kill9();
    demo.start_again();
    assert_eq!(demo.alice().guarantee()["state"], "on");
}

#[test]
fn p03_a_later_switch_touches_nothing_accepted() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut smtp = demo.submit_as("alice@home.example");
    let mails: Vec<Mail> = (0..20).map(|_| Mail::to(&["carla@plain.example"])).collect();
    let ids: Vec<String> = mails.iter().map(|mail| smtp.submit(mail)).collect();
    alice.switch("off");
    for id in ids {
        assert_eq!(alice.settled(&id).recipients[0].state, "stopped");
    }
    assert!(demo.deliveries().is_empty());
}

#[test]
fn p03_a_pause_needs_an_end_within_a_day_and_lifts_the_guarantee_till_then() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let put = |body: Value| alice.http.put("/api/v1/guarantee", &body);
    put(json!({"state": "paused"})).any_problem();
    put(json!({"state": "paused", "until": "2001-01-01T00:00:00Z"})).any_problem();
    put(json!({"state": "paused", "until": rfc3339(Duration::from_secs(25 * 3600))})).any_problem();
    put(json!({"state": "sometimes"})).any_problem();
    assert_eq!(alice.guarantee()["state"], "on", "none of these changed it");

    let until = rfc3339(Duration::from_secs(3));
    alice.pause(&until).ok();
    let paused = alice.guarantee();
    assert_eq!(paused["state"], "paused");
    assert!(paused["until"].as_str().is_some_and(|time| time.ends_with('Z')), "{paused}");
    let status = alice.settled(&alice.post(&Mail::to(&["carla@plain.example"])));
    assert_eq!(status.recipients[0].state, "delivered");
    // It switches itself on again; whether by an event or by the clock, it is seen within seconds.
    black_box::wait_for("the end of the pause", || (alice.guarantee()["state"] == "on").then_some(()));
    let status = alice.settled(&alice.post(&Mail::to(&["carla@plain.example"])));
    assert_eq!(status.recipients[0].state, "stopped");
}

#[test]
fn p04_it_holds_whichever_program_sends() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = || Mail::to(&["carla@plain.example"]);
    let mut implicit = Smtp::connect_tls(demo.submissions());
    implicit.command("EHLO phone.example").expect(250);
    implicit.log_in("alice@home.example", PASSWORD).expect(235);
    let draft = json!({"to": ["carla@plain.example"], "subject": "By the page", "text": "Hello"});
    let by_draft: Value = alice.http.post("/api/v1/messages", &draft).ok().parse();
    let ids = [
        ("STARTTLS", demo.submit_as("alice@home.example").submit(&mail())),
        ("implicit TLS", implicit.submit(&mail())),
        ("HTTP, a whole message", alice.post(&mail())),
        ("HTTP, a draft", by_draft["id"].as_str().expect("a queue id").to_owned()),
    ];
    for (way, id) in ids {
        assert_eq!(alice.settled(&id).recipients[0].state, "stopped", "{way}");
    }
    assert!(demo.deliveries().is_empty());
}

#[test]
fn p04_the_null_sender_and_other_spellings_of_ones_address_do_not_evade_it() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut smtp = demo.submit_as("alice@home.example");
    for mail_from in ["", "ALICE@HOME.EXAMPLE", "alice@home.example"] {
        let mail = Mail::to(&["carla@plain.example"]);
        let id = smtp.transact(mail_from, &["carla@plain.example"], &mail.to_string()).queue_id();
        assert_eq!(alice.settled(&id).recipients[0].state, "stopped", "MAIL FROM:<{mail_from}>");
    }
    assert!(demo.deliveries().is_empty());
}

/// The reminder itself is the page's; it lives on this event, whichever program switched.
#[test]
fn p11_every_session_hears_of_the_switch() {
    let demo = Demo::start();
    let (phone, page) = (demo.alice(), demo.alice());
    let (events, bobs) = (page.events(), demo.bob().events());
    for state in ["on", "off"] {
        phone.switch(state);
        let heard = events.wait_for("the guarantee's change", |event| {
            (event.name == "guarantee").then(|| event.data["state"].clone())
        });
        assert_eq!(heard, state);
    }
    demo.bob().switch("on");
    let first =
        bobs.wait_for("bob's own change", |event| (event.name == "guarantee").then(|| event.data.clone()));
    assert_eq!(first["state"], "on", "alice's changes are none of bob's business");
}

/// The time this far ahead, in RFC 3339.
fn rfc3339(ahead: Duration) -> String {
    let seconds =
        (SystemTime::now() + ahead).duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let time = mail_parser::DateTime::from_timestamp(i64::try_from(seconds).expect("this century"));
    time.to_rfc3339()
}
