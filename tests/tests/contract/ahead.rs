//! What is known before a mail is sent: `POST /checks`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use black_box::{Demo, Mail, MessageStatus, Smtp, User, wait_for};
use rstest::rstest;
use serde_json::{Value, json};

/// The answer to one recipient, waited for if it takes longer than three seconds.
fn check(user: &User, address: &str) -> Value {
    let events = user.events();
    let answer: Value = user.http.post("/api/v1/checks", &json!({ "recipients": [address] })).ok().parse();
    let result = answer["results"][0].clone();
    if result["outcome"] != "unknown" || result["protection"] == "invalid" {
        return result;
    }
    events.wait_for("the check's result", |event| {
        (event.name == "check" && event.data["recipient"] == address).then(|| event.data.clone())
    })
}

fn send(user: &User, address: &str) -> MessageStatus {
    user.settled(&user.post(&Mail::new(&user.address, &[address])))
}

/// Every domain of the small internet: what the check says with the guarantee on, and that it then comes to that.
#[rstest]
#[case("home.example", "encrypted", "deliver", Value::Null, Value::Null)]
#[case("tls.example", "encrypted", "deliver", Value::Null, json!("mx.tls.example"))]
#[case("verified.example", "authenticated", "deliver", Value::Null, json!("mx.verified.example"))]
#[case("dane.example", "dane", "deliver", Value::Null, json!("mx.dane.example"))]
#[case("alg7.example", "dane", "deliver", Value::Null, json!("mx.alg7.example"))]
#[case("sts.example", "authenticated", "deliver", Value::Null, json!("mx.sts.example"))]
#[case("plain.example", "none", "stop", json!("no_starttls"), json!("mx.plain.example"))]
#[case("legacy.example", "none", "stop", json!("handshake_failed"), json!("mx.legacy.example"))]
#[case("broken.example", "none", "stop", json!("handshake_failed"), json!("mx.broken.example"))]
#[case("stripped.example", "encrypted", "deliver", Value::Null, json!("mx.stripped.example"))]
#[case("dane-mismatch.example", "none", "stop", json!("dane_mismatch"), json!("mx.dane-mismatch.example"))]
#[case("sts-mismatch.example", "none", "stop", json!("sts_mismatch"), json!("mx.sts-mismatch.example"))]
#[case("bogus.example", "unknown", "defer", json!("dns_bogus"), Value::Null)]
#[case("mixed.example", "encrypted", "deliver", Value::Null, json!("mx2.mixed.example"))]
#[case("implicit.example", "encrypted", "deliver", Value::Null, json!("implicit.example"))]
#[case("down.example", "unknown", "defer", json!("unreachable"), json!("mx.down.example"))]
#[case("nomail.example", "unknown", "stop", json!("null_mx"), Value::Null)]
#[case("nothing.example", "unknown", "stop", json!("no_such_domain"), Value::Null)]
fn a_check_tells_what_then_happens(
    #[case] domain: &str,
    #[case] protection: &str,
    #[case] outcome: &str,
    #[case] cause: Value,
    #[case] host: Value,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let address = format!("bob@{domain}");
    let told = check(&alice, &address);
    assert_eq!(told["recipient"], address);
    assert_eq!((&told["protection"], &told["outcome"]), (&json!(protection), &json!(outcome)), "{told}");
    assert_eq!((&told["cause"], &told["host"]), (&cause, &host), "{told}");
    assert_eq!(told["exception"], false);
    let promised =
        ["dane", "alg7", "sts", "dane-mismatch", "sts-mismatch"].map(|name| format!("{name}.example"));
    assert_eq!(told["promised"], promised.contains(&domain.to_owned()), "{told}");
    assert_eq!(told["observed_at"].is_string(), domain != "home.example", "{told}");
    assert!(demo.deliveries().is_empty(), "nothing is sent to find out");
    let sent = &send(&alice, &address).recipients[0];
    let state = match outcome {
        "deliver" => "delivered",
        "defer" => "deferred",
        _ if protection == "unknown" => "bounced",
        _ => "stopped",
    };
    assert_eq!(sent.state, state, "{sent:?}");
    assert_eq!(json!(sent.cause), cause, "{sent:?}");
    if sent.protection.is_some() {
        assert_eq!(sent.protection.as_deref(), Some(protection));
        assert_eq!(json!(sent.authenticated_by), told["authenticated_by"], "{told}");
    }
}

/// With a level of their own: what lacks is the proof, not the encryption.
#[test]
fn a_check_goes_by_the_user_s_own_level() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    let of = |user: &User| {
        let told = check(user, "carla@tls.example");
        (told["protection"].clone(), told["outcome"].clone(), told["cause"].clone())
    };
    assert_eq!(of(&alice), (json!("encrypted"), json!("deliver"), Value::Null));
    alice.http.put("/api/v1/guarantee", &json!({ "state": "on", "level": "authenticated" })).ok();
    assert_eq!(of(&alice), (json!("encrypted"), json!("stop"), json!("not_authenticated")));
    assert_eq!(of(&bob), (json!("encrypted"), json!("deliver"), Value::Null));
}

#[test]
fn an_answer_is_kept_for_the_user_who_asked() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    let first = check(&alice, "carla@tls.example");
    wait_for_the_next_second();
    let again = check(&alice, "dora@tls.example");
    assert_eq!(again["observed_at"], first["observed_at"], "one look for the domain");
    let other = check(&bob, "carla@tls.example");
    assert_ne!(other["observed_at"], first["observed_at"], "bob's is a look of his own");
}

/// Times have whole seconds: until this one is over, two looks can't be told apart.
fn wait_for_the_next_second() {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).ok();
    let begun = second();
    wait_for("the next second", || (second() > begun).then_some(()));
}

/// Between two of alice's checks somebody else's mail has taken the domain's TLS away. Her answer is of her own asking,
/// until her own mail is stopped there.
#[test]
fn what_the_user_s_own_mail_has_met_makes_an_answer_void() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    alice.switch("on");
    let address = "carla@stripped.example";
    let before = check(&alice, address);
    assert_eq!((&before["outcome"], &before["protection"]), (&json!("deliver"), &json!("encrypted")));
    assert_eq!(send(&bob, address).recipients[0].state, "delivered");
    assert_eq!(check(&alice, address), before, "nothing tells her that bob wrote there");
    assert_eq!(send(&alice, address).recipients[0].state, "stopped");
    let after = check(&alice, address);
    assert_eq!((&after["outcome"], &after["protection"]), (&json!("stop"), &json!("none")), "{after}");
    assert_eq!(after["cause"], "no_starttls", "her mail has never met better there");
    // Bob's has.
    let of_bob = check(&bob, address);
    assert_eq!((&of_bob["outcome"], &of_bob["cause"]), (&json!("stop"), &json!("downgrade")), "{of_bob}");
}

#[rstest]
#[case("user@[127.0.0.1]")]
#[case("user@[IPv6:::1]")]
#[case("user@127.0.0.1:25")]
#[case("user@localhost:25")]
#[case("user")]
#[case("")]
fn only_addresses_with_a_domain_are_looked_at(#[case] address: &str) {
    let demo = Demo::start();
    let told = check(&demo.alice(), address);
    assert_eq!((&told["protection"], &told["outcome"]), (&json!("invalid"), &json!("unknown")), "{told}");
    assert_eq!((&told["observed_at"], &told["host"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_hundred_domains_at_once_are_answered_in_time() {
    let demo = Demo::start();
    let alice = demo.alice();
    let recipients: Vec<String> = (0..100).map(|n| format!("bob@d{n}.example")).collect();
    let begun = Instant::now();
    let answer: Value = alice.http.post("/api/v1/checks", &json!({ "recipients": recipients })).ok().parse();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let results = answer["results"].as_array().expect("results");
    let told: Vec<&str> = results.iter().filter_map(|one| one["recipient"].as_str()).collect();
    assert_eq!(told, recipients);
    assert!(results.iter().all(|one| one["cause"] == "no_such_domain"), "{answer}");
}

#[test]
fn looks_of_an_hour_are_bounded_and_what_is_known_is_still_told() {
    let demo = Demo::start();
    let alice = demo.alice();
    let ask = |user: &User, from: usize, to: usize| {
        let recipients: Vec<String> = (from..to).map(|n| format!("bob@d{n}.example")).collect();
        let body = json!({ "recipients": recipients }).to_string();
        user.http.call("POST", "/api/v1/checks", "application/json", body)
    };
    for from in [0, 100, 200] {
        ask(&alice, from, from + 100).ok();
    }
    let refused = ask(&alice, 300, 301);
    assert_eq!(refused.status, 429);
    let wait: u64 =
        refused.headers["retry-after"].to_str().ok().and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((3000..=3600).contains(&wait), "{wait}");
    let problem: Value = refused.parse();
    assert!(
        problem["detail"].as_str().is_some_and(|detail| detail.contains("mail can be sent")),
        "{problem}"
    );
    ask(&alice, 0, 100).ok();
    ask(&demo.bob(), 300, 301).ok();
}

/// What the guarantee would leave to another host, or to nobody, leaves unprotected without it.
#[rstest]
#[case("mixed.example", "encrypted", json!("none"))]
#[case("plain.example", "none", Value::Null)]
#[case("tls.example", "encrypted", Value::Null)]
#[case("dane-mismatch.example", "none", Value::Null)]
fn a_check_tells_what_happens_without_the_guarantee_too(
    #[case] domain: &str,
    #[case] protection: &str,
    #[case] unguarded: Value,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    let address = format!("bob@{domain}");
    let told = check(&alice, &address);
    assert_eq!((&told["protection"], &told["unguarded"]), (&json!(protection), &unguarded), "{told}");
    let sent = &send(&alice, &address).recipients[0];
    if domain == "dane-mismatch.example" {
        assert_eq!(sent.state, "deferred");
    } else {
        let expected = unguarded.as_str().unwrap_or(protection);
        assert_eq!(
            (sent.state.as_str(), sent.protection.as_deref()),
            ("delivered", Some(expected)),
            "{sent:?}"
        );
    }
}

/// An exception lifts the guarantee, not what the receiving domain demands of all mail.
#[rstest]
#[case("plain.example", "deliver", "delivered")]
#[case("mixed.example", "deliver", "delivered")]
#[case("tls.example", "deliver", "delivered")]
#[case("dane-mismatch.example", "defer", "deferred")]
#[case("nomail.example", "stop", "bounced")]
fn an_exception_is_told_with_what_it_comes_to(
    #[case] domain: &str,
    #[case] outcome: &str,
    #[case] state: &str,
) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let (excepted, other) = (format!("bob@{domain}"), format!("carla@{domain}"));
    let before = check(&alice, &other);
    alice.http.post("/api/v1/exceptions", &json!({ "pattern": excepted })).ok();
    let told = check(&alice, &excepted);
    assert_eq!((&told["exception"], &told["outcome"]), (&json!(true), &json!(outcome)), "{told}");
    assert_eq!(told["protection"], before["protection"], "told as it is");
    assert_eq!(check(&alice, &other), before, "the exception is for one address");
    assert_eq!(send(&alice, &excepted).recipients[0].state, state);
}

// --- forwardings ------------------------------------------------------------------------------

/// Hands in a mail at the mail store's entry, as Pigeonhole does for a user's filter that forwards.
fn forward(demo: &Demo, user: &str, target: &str) -> Mail {
    let mail = Mail::new("erik@tls.example", &[target]);
    let marked = format!("X-Sieve: Pigeonhole Sieve 0.5.19\r\nX-Sieve-Redirected-From: {user}\r\n{mail}");
    let mut smtp = Smtp::connect(demo.store());
    smtp.command("EHLO store.home.example").expect(250);
    smtp.transact("erik@tls.example", &[target], &marked).expect(250);
    let domain = target.split_once('@').expect("an address").1;
    demo.wait_for_delivery(&mail.message_id, domain);
    mail
}

fn forwardings(user: &User) -> Vec<Value> {
    user.http.get("/api/v1/forwardings").ok().parse()
}

const SUBJECT: &str = "Ihre Weiterleitung ist weniger sicher / Your forwarding is less secure";

/// The mails that tell of a forwarding's loss.
fn told_of_losses(user: &User) -> Vec<String> {
    let list = user.list("INBOX").into_iter().filter(|listed| listed.subject == SUBJECT);
    list.map(|listed| String::from_utf8(user.raw("INBOX", &listed.id())).expect("ASCII")).collect()
}

#[test]
fn p17_who_watches_a_forwarding_is_told_when_its_way_loses_protection() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    let target = "carla@stripped.example";
    for user in [&alice, &bob] {
        let watched: Value =
            user.http.post("/api/v1/forwardings", &json!({ "address": target })).ok().parse();
        assert_eq!(watched["protection"], "encrypted", "{watched}");
    }
    // With this mail the host's STARTTLS goes away.
    forward(&demo, &alice.address, target);
    assert_eq!(forwardings(&alice)[0]["protection"], "encrypted");
    forward(&demo, &alice.address, target);
    let told = alice.wait_until("the mail that tells of it", || told_of_losses(&alice).into_iter().next());
    assert!(told.contains(target) && told.contains("Auto-Submitted: auto-generated"), "{told}");
    assert_eq!(forwardings(&alice)[0]["protection"], "none");
    forward(&demo, &alice.address, target);
    assert_eq!(told_of_losses(&alice).len(), 1, "once");
    assert!(alice.bounces().is_empty() && alice.stops().is_empty(), "forwarded mail is exempt (P16)");
    assert_eq!(
        forwardings(&bob)[0]["protection"],
        "encrypted",
        "nothing tells him that alice's mail went there"
    );
    assert!(told_of_losses(&bob).is_empty());
}

#[test]
fn watched_forwardings_survive_a_restart() {
    let mut demo = Demo::start();
    let address = json!({ "address": "carla@dane.example" });
    demo.alice().http.post("/api/v1/forwardings", &address).ok();
    let before = forwardings(&demo.alice());
    demo.kill9();
    demo.start_again();
    let alice = demo.alice();
    assert_eq!(forwardings(&alice), before);
    assert_eq!((&before[0]["protection"], &before[0]["address"]), (&json!("dane"), &address["address"]));
    assert_eq!(alice.http.post("/api/v1/forwardings", &address).status, 409);
    alice.http.call("DELETE", &format!("/api/v1/forwardings/{}", before[0]["id"]), "", "").ok();
    assert!(forwardings(&alice).is_empty());
}

// --- the account page -------------------------------------------------------------------------

/// What the page shows of the past is what has happened, and one's own.
#[test]
fn weeks_memory_and_overrides_tell_what_has_happened() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    let decision = |mail: &Mail| json!({ "message_id": mail.message_id, "recipients": mail.to });
    let overridden = Mail::to(&["carla@plain.example"]);
    alice.switch("on");
    alice.http.post("/api/v1/overrides", &decision(&overridden)).ok();
    let used_by = alice.post(&overridden);
    alice.settled(&used_by);
    alice.settled(&alice.post(&Mail::to(&[
        "bob@home.example",
        "carla@stripped.example",
        "carla@plain.example",
    ])));
    alice.settled(&alice.post(&Mail::to(&["carla@stripped.example"])));
    forward(&demo, &alice.address, "carla@plain.example");
    let get =
        |user: &User, path: &str| -> Vec<Value> { user.http.get(&format!("/api/v1/{path}")).ok().parse() };
    let week = &get(&alice, "weeks")[0];
    let counted = ["protected", "unprotected", "stopped"].map(|what| week[what].clone());
    assert_eq!(counted, [json!(2), json!(1), json!(2)], "{week}");
    let memory = get(&alice, "memory");
    assert_eq!(memory.len(), 1, "{memory:?}");
    assert_eq!((&memory[0]["domain"], &memory[0]["best"]), (&json!("stripped.example"), &json!("encrypted")));
    assert!(memory[0]["downgraded_at"].is_string(), "{memory:?}");
    let overrides = get(&alice, "overrides");
    assert_eq!(overrides.len(), 1);
    assert_eq!(overrides[0]["used_by"], json!(used_by), "{overrides:?}");
    assert_eq!(overrides[0]["recipients"], json!(["carla@plain.example"]));
    for path in ["memory", "overrides"] {
        assert!(get(&bob, path).is_empty(), "{path}");
    }
    assert!(get(&bob, "weeks").iter().all(|week| week["protected"] == 0 && week["stopped"] == 0));
}
