//! What users decide besides the switch: exceptions, overrides, demands, end-to-end encryption, pauses.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use black_box::{Demo, Mail, MessageStatus, User};
use rstest::rstest;
use serde_json::{Value, json};

/// One recipient at each.
const DOMAINS: [&str; 6] = [
    "plain.example",
    "tls.example",
    "verified.example",
    "dane.example",
    "sts.example",
    "dane-mismatch.example",
];

/// What becomes of the mail at each of them: the protection it was delivered with, or the state and its cause.
type Fates = [&'static str; 6];

/// Without the guarantee: the domains' own demands alone.
const LIFTED: Fates =
    ["none", "encrypted", "authenticated", "dane", "authenticated", "deferred dane_mismatch"];
/// With it.
const GUARANTEED: Fates =
    ["stopped no_starttls", "encrypted", "authenticated", "dane", "authenticated", "stopped dane_mismatch"];
/// Only to servers that prove who they are.
const PROVEN: Fates = [
    "stopped no_starttls",
    "stopped not_authenticated",
    "authenticated",
    "dane",
    "authenticated",
    "stopped dane_mismatch",
];

#[derive(Clone, Copy, Debug)]
enum Decided {
    Nothing,
    Override,
    ExceptionForDomains,
    ExceptionForAddresses,
    EndToEnd,
    Demand,
    /// Against all that would lift the guarantee.
    DemandDespiteAll,
}

/// Whatever is decided, with the guarantee on, off and paused, over SMTP and over HTTP.
#[rstest]
#[case::nothing(Decided::Nothing, GUARANTEED, LIFTED)]
#[case::an_override(Decided::Override, LIFTED, LIFTED)]
#[case::an_exception_for_domains(Decided::ExceptionForDomains, LIFTED, LIFTED)]
#[case::an_exception_for_addresses(Decided::ExceptionForAddresses, LIFTED, LIFTED)]
#[case::end_to_end(Decided::EndToEnd, LIFTED, LIFTED)]
#[case::a_demand(Decided::Demand, PROVEN, PROVEN)]
#[case::a_demand_despite_all(Decided::DemandDespiteAll, PROVEN, PROVEN)]
fn what_is_decided_holds_for_the_mail(#[case] decided: Decided, #[case] on: Fates, #[case] off: Fates) {
    let demo = Demo::start();
    let alice = demo.alice();
    decide_for_good(&alice, decided);
    for (state, fates) in [("on", on), ("off", off), ("paused", off)] {
        switch(&alice, state);
        for way in ["SMTP", "HTTP"] {
            let mail = mail_to_all(decided);
            decide_for(&alice, decided, &mail);
            let id = match way {
                "SMTP" => demo.submit_as("alice@home.example").submit(&mail),
                _ => alice.post(&mail),
            };
            assert_eq!(fates_of(&alice.settled(&id)), fates, "{decided:?}, {state}, over {way}");
        }
    }
}

fn mail_to_all(decided: Decided) -> Mail {
    let addresses = DOMAINS.map(|domain| format!("Carla@{domain}"));
    let mail = Mail::to(&addresses.each_ref().map(String::as_str));
    match decided {
        Decided::EndToEnd | Decided::DemandDespiteAll => encrypted(mail),
        _ => mail,
    }
}

fn switch(user: &User, state: &str) {
    match state {
        "paused" => drop(user.pause(&rfc3339(Duration::from_secs(3600))).ok()),
        _ => user.switch(state),
    }
}

/// What is decided once.
fn decide_for_good(user: &User, decided: Decided) {
    if matches!(decided, Decided::ExceptionForDomains | Decided::DemandDespiteAll) {
        DOMAINS.iter().for_each(|domain| drop(except(user, domain)));
    }
    if matches!(decided, Decided::ExceptionForAddresses) {
        DOMAINS.iter().for_each(|domain| drop(except(user, &format!("carla@{}", domain.to_uppercase()))));
    }
    if matches!(decided, Decided::EndToEnd | Decided::DemandDespiteAll) {
        prefer_end_to_end(user, true);
    }
}

/// What is decided for one mail.
fn decide_for(user: &User, decided: Decided, mail: &Mail) {
    if matches!(decided, Decided::Override | Decided::DemandDespiteAll) {
        let body = json!({ "message_id": mail.message_id, "recipients": mail.to });
        user.http.post("/api/v1/overrides", &body).ok();
    }
    if matches!(decided, Decided::Demand | Decided::DemandDespiteAll) {
        demand(user, mail);
    }
}

fn except(user: &User, pattern: &str) -> Value {
    user.http.post("/api/v1/exceptions", &json!({ "pattern": pattern })).ok().parse()
}

fn demand(user: &User, mail: &Mail) {
    let answer =
        user.http.post("/api/v1/demands", &json!({ "message_id": format!("<{}>", mail.message_id) }));
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.parse::<Value>()["message_id"], mail.message_id);
}

fn prefer_end_to_end(user: &User, without_tls: bool) {
    let wanted = json!({ "end_to_end_without_tls": without_tls });
    assert_eq!(user.http.put("/api/v1/preferences", &wanted).ok().parse::<Value>(), wanted);
}

fn fates_of(status: &MessageStatus) -> Vec<String> {
    let fate = |recipient: &black_box::Recipient| match recipient.state.as_str() {
        "delivered" => recipient.protection.clone().unwrap_or_default(),
        state => format!("{state} {}", recipient.cause.as_deref().unwrap_or_default()),
    };
    status.recipients.iter().map(fate).collect()
}

/// The same mail as GnuPG and Thunderbird make it.
fn encrypted(mail: Mail) -> Mail {
    let armour = sample("to-a-key.asc");
    let mail = mail.with("MIME-Version: 1.0").with(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n boundary=\"=_a1\"",
    );
    let body = format!(
        "This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n--=_a1\n\
         Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--=_a1\n\
         Content-Type: application/octet-stream; name=\"encrypted.asc\"\n\n{armour}\n--=_a1--\n"
    );
    Mail { body: body.replace('\n', "\r\n"), ..mail }
}

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/server/src/end_to_end/samples");
    fs::read_to_string(folder.join(name)).expect("a sample")
}

/// Only what is encrypted, and only if the user says so; a mail program's mistake sends nothing in clear.
#[test]
fn p08_end_to_end_encryption_is_seen_and_not_believed() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let get = || alice.http.get("/api/v1/preferences").ok().parse::<Value>();
    assert_eq!(get(), json!({ "end_to_end_without_tls": false }), "off at first");
    let to_carla = || Mail::to(&["carla@plain.example"]);
    let state = |mail: &Mail| {
        let id = demo.submit_as("alice@home.example").submit(mail);
        alice.settled(&id).recipients[0].state.clone()
    };
    assert_eq!(state(&encrypted(to_carla())), "stopped");
    prefer_end_to_end(&alice, true);
    assert_eq!(state(&encrypted(to_carla())), "delivered");
    let smime = |name| {
        let message = sample(name).replace('\n', "\r\n");
        let (header, body) = message.split_once("\r\n\r\n").expect("a header");
        Mail { body: body.to_owned(), ..to_carla() }.with(header)
    };
    assert_eq!(state(&smime("enveloped-ber.eml")), "delivered");
    let as_text = |before: &str| {
        let body = format!("{before}{}", sample("to-a-key.asc")).replace('\n', "\r\n");
        Mail { body, ..to_carla() }
            .with("MIME-Version: 1.0")
            .with("Content-Type: text/plain; charset=us-ascii")
    };
    assert_eq!(state(&as_text("")), "delivered");
    for (mistake, mail) in [
        ("a text before it", as_text("Hello Carla\n")),
        ("plain text", to_carla()),
        ("only signed", smime("signed.eml")),
        ("a header alone", {
            let said = "MIME-Version: 1.0\r\nContent-Type: multipart/encrypted;\r\n \
                        protocol=\"application/pgp-encrypted\"; boundary=\"=_a1\"";
            to_carla().with(said)
        }),
        ("a text left beside it", {
            let mail = encrypted(to_carla());
            let more = "--=_a1\r\nContent-Type: text/plain\r\n\r\nHello\r\n--=_a1--";
            Mail { body: mail.body.replace("--=_a1--", more), ..mail }
        }),
    ] {
        assert_eq!(state(&mail), "stopped", "{mistake}");
    }
    prefer_end_to_end(&alice, false);
    assert_eq!(state(&encrypted(to_carla())), "stopped");
}

#[test]
fn exceptions_are_the_users_own_and_can_be_revoked() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    alice.switch("on");
    bob.switch("on");
    let sent = |user: &User| {
        let id = user.post(&Mail::new(&user.address, &["carla@plain.example"]));
        user.settled(&id).recipients[0].state.clone()
    };
    let added = except(&alice, "plain.example");
    assert_eq!(except(&alice, "PLAIN.example"), added, "the same again is the one that is there");
    assert_eq!((sent(&alice), sent(&bob)), ("delivered".to_owned(), "stopped".to_owned()));
    let path = format!("/api/v1/exceptions/{}", added["id"]);
    bob.http.delete(&path).problem(404);
    assert_eq!(alice.http.get("/api/v1/exceptions").ok().parse::<Vec<Value>>(), [added]);
    alice.http.delete(&path).ok();
    alice.http.delete(&path).problem(404);
    assert_eq!(sent(&alice), "stopped");
    let neither = alice.http.post("/api/v1/exceptions", &json!({ "pattern": "carla" })).problem(422);
    assert_eq!(neither["field"], "/pattern");
}

#[test]
fn exceptions_and_preferences_outlive_a_restart() {
    let mut demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    except(&alice, "plain.example");
    prefer_end_to_end(&alice, true);
    let mail = Mail::to(&["carla@plain.example"]);
    demand(&alice, &mail);
    demo.kill9();
    demo.start_again();
    let alice = demo.alice();
    assert_eq!(alice.settled(&alice.post(&mail)).recipients[0].state, "stopped", "it was demanded");
    let mail = Mail::to(&["carla@plain.example"]);
    assert_eq!(alice.settled(&alice.post(&mail)).recipients[0].state, "delivered", "by the exception");
    let kept: Value = alice.http.get("/api/v1/preferences").ok().parse();
    assert_eq!(kept["end_to_end_without_tls"], true);
}

/// A stop with the guarantee off: told as what it is, recorded like any other, good for every submission of the message.
#[test]
fn a_demand_is_stopped_told_and_still_holds() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    assert_eq!(alice.guarantee()["state"], "off");
    let mail = Mail::to(&["carla@tls.example", "bob@home.example", "dora@verified.example"]);
    demand(&bob, &mail);
    demand(&alice, &mail);
    let status = alice.settled(&alice.post(&mail));
    let states: Vec<&str> = status.recipients.iter().map(|to| to.state.as_str()).collect();
    assert_eq!(states, ["stopped", "delivered", "delivered"], "{status:?}");
    assert!(status.recipients.iter().all(|to| to.requirement == "authenticated"), "{status:?}");
    let stop = alice.stop_of(&status.id).expect("a recorded stop");
    assert_eq!((stop.recipients.len(), stop.recipients[0].cause.as_str()), (1, "not_authenticated"));
    assert!(stop.demanded, "the page says whose doing it was");
    let bounce = alice.wait_for_bounce(&mail.message_id);
    assert_eq!(bounce.addresses(), ["carla@tls.example"]);
    assert_eq!(bounce.recipients[0].field("status"), "5.7.5");
    let raw = String::from_utf8(alice.raw("INBOX", &alice.list("INBOX")[0].id())).expect("UTF-8");
    let text = raw.replace("\r\n", " ");
    assert!(text.contains("Sie haben für diese E-Mail verlangt"), "{raw}");
    assert!(text.contains("You asked for this mail to go only to verified servers"), "{raw}");
    assert!(!text.contains("TLS-Versand-Garantie hat") && !text.contains("guarantee stopped"), "{raw}");
    // A client that splits its recipients, or has not heard the reply, submits the same message again.
    let mut smtp = demo.submit_as("alice@home.example");
    for again in [smtp.submit(&mail), alice.post(&mail)] {
        let again = alice.settled(&again);
        assert_eq!(again.recipients[0].state, "stopped", "{again:?}");
    }
}

#[test]
fn a_pause_lets_nothing_out_that_was_accepted_before() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mut smtp = demo.submit_as("alice@home.example");
    // Those to down.example wait, those to plain.example are being decided on when the pause begins.
    let mails: Vec<Mail> = (0..10).map(|_| Mail::to(&["carla@plain.example", "dora@down.example"])).collect();
    let ids: Vec<String> = mails.iter().map(|mail| smtp.submit(mail)).collect();
    alice.pause(&rfc3339(Duration::from_secs(3600))).ok();
    for id in &ids {
        let status = alice.settled(id);
        assert_eq!(status.recipients[0].state, "stopped");
        assert!(status.recipients.iter().all(|to| to.requirement == "encrypted"), "{status:?}");
    }
    let paused = Mail::to(&["carla@plain.example"]);
    let status = alice.settled(&smtp.submit(&paused));
    assert_eq!(
        (status.recipients[0].state.as_str(), status.recipients[0].requirement.as_str()),
        ("delivered", "opportunistic")
    );
    assert_eq!(demo.deliveries().len(), 1, "that one alone");
}

#[test]
fn a_pause_ends_on_time_over_a_restart() {
    let mut demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let begun = SystemTime::now();
    let until = rfc3339(Duration::from_secs(4));
    alice.pause(&until).ok();
    demo.kill9();
    let over = Duration::from_secs(5).saturating_sub(begun.elapsed().expect("a clock that goes on"));
    // What is waited for is the time itself.
    std::thread::sleep(over);
    demo.start_again();
    let alice = demo.alice();
    assert_eq!(alice.guarantee()["state"], "on");
    let status = alice.settled(&alice.post(&Mail::to(&["carla@plain.example"])));
    assert_eq!(status.recipients[0].state, "stopped");
}

/// The time this far ahead, in RFC 3339.
fn rfc3339(ahead: Duration) -> String {
    let seconds =
        (SystemTime::now() + ahead).duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let time = mail_parser::DateTime::from_timestamp(i64::try_from(seconds).expect("this century"));
    time.to_rfc3339()
}

#[test]
fn an_exception_is_told_to_the_accounts_other_pages() {
    let demo = Demo::start();
    let alice = demo.alice();
    let events = alice.events();
    alice.http.post("/api/v1/exceptions", &json!({ "pattern": "plain.example" })).ok();
    events.wait_for("that something has changed", |event| (event.name == "guarantee").then_some(()));
}
