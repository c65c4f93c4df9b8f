//! The account's page: the pause instead of off, exceptions, the check of a forwarding, and what has been.

use black_box::{Demo, Mail, Name, Role, Screen, User};
use rstest::rstest;
use serde_json::{Value, json};

use crate::webmail::Webmail;
use crate::words::{ENGLISH, GERMAN, Words};

const ALICE: &str = "alice@home.example";

/// The names and sentences that are looked for, in one language.
#[derive(Debug)]
struct Said {
    words: &'static Words,
    quarter: &'static str,
    paused_until: &'static str,
    end_pause: &'static str,
    exceptions: &'static str,
    pattern: &'static str,
    note: &'static str,
    add: &'static str,
    revoke: &'static str,
    is_exception: &'static str,
    no_pattern: &'static str,
    end_to_end: &'static str,
    saved: &'static str,
    forwarding: &'static str,
    target: &'static str,
    check: &'static str,
    watch: &'static str,
    forget: &'static str,
    not_promised: &'static str,
    by_dane: &'static str,
    by_sts: &'static str,
    offers_none: &'static str,
    invalid: &'static str,
    overrides: &'static str,
    memory: &'static str,
    attack: &'static str,
    weeks: &'static str,
    numbers: &'static str,
    no_mail: &'static str,
    away: &'static str,
    try_again: &'static str,
}

const IN_GERMAN: Said = Said {
    words: &GERMAN,
    quarter: "15 Minuten",
    paused_until: "Die TLS-Versand-Garantie ist bis ",
    end_pause: "Pause beenden",
    exceptions: "Ausnahmen",
    pattern: "Adresse oder Domain",
    note: "Notiz, warum (freiwillig)",
    add: "Ausnahme hinzufügen",
    revoke: "Widerrufen plain.example",
    is_exception: "plain.example ist jetzt eine Ausnahme.",
    no_pattern: "Bitte geben Sie eine Adresse",
    end_to_end: "Bereits Ende-zu-Ende-verschlüsselte E-Mails dürfen ohne TLS hinaus",
    saved: "Gespeichert.",
    forwarding: "Weiterleitung prüfen",
    target: "Zieladresse der Weiterleitung",
    check: "Prüfen",
    watch: "Mir eine E-Mail schicken, wenn der Schutz verloren geht",
    forget: "Nicht mehr beobachten t@tls.example",
    not_promised: "Zugesagt hat die Domain sie nicht.",
    by_dane: "DANE (zugesagt)",
    by_sts: "verschlüsselt und geprüft (zugesagt)",
    offers_none: "Keine Verschlüsselung angeboten.",
    invalid: "keine gültige Adresse",
    overrides: "Ohne Garantie gesendet",
    memory: "Was Ihre Post vorgefunden hat",
    attack: "möglicher Angriff am ",
    weeks: "Verschlüsselter Anteil",
    numbers: "Zahlen je Woche",
    no_mail: "In den letzten zwölf Wochen gab es keine E-Mails.",
    away: "Der Server ist gerade nicht zu erreichen.",
    try_again: "Erneut versuchen",
};

const IN_ENGLISH: Said = Said {
    words: &ENGLISH,
    quarter: "15 minutes",
    paused_until: "The TLS sending guarantee is paused until ",
    end_pause: "End the pause",
    exceptions: "Exceptions",
    pattern: "Address or domain",
    note: "Note why (optional)",
    add: "Add exception",
    revoke: "Revoke plain.example",
    is_exception: "plain.example is an exception now.",
    no_pattern: "Please give an address",
    end_to_end: "Mail that is already end-to-end encrypted may leave without TLS",
    saved: "Saved.",
    forwarding: "Check a forwarding",
    target: "Target address of the forwarding",
    check: "Check",
    watch: "Send me a mail when the protection is lost",
    forget: "Stop watching t@tls.example",
    not_promised: "Its domain has not promised it.",
    by_dane: "DANE (promised)",
    by_sts: "encrypted and verified (promised)",
    offers_none: "No encryption offered.",
    invalid: "not a valid address",
    overrides: "Sent without the guarantee",
    memory: "What your mail has met",
    attack: "possible attack on ",
    weeks: "Encrypted share",
    numbers: "Numbers per week",
    no_mail: "There was no mail in the last twelve weeks.",
    away: "The server can't be reached right now.",
    try_again: "Try again",
};

fn page_of(name: &str, demo: &Demo, said: &Said, screen: Screen) -> Option<Webmail> {
    Webmail::of(name, demo, said.words, screen, ALICE)
}

/// Pictures in light and dark of the section whose heading has this id.
fn both_lights(page: &Webmail, step: &str, section: &str) {
    page.script(&format!("document.getElementById({section:?}).scrollIntoView({{ block: 'start' }})"));
    page.shot(step);
    page.script("document.documentElement.dataset.theme = 'dark'");
    page.shot(&format!("{step}-dark"));
    page.script("document.documentElement.dataset.theme = 'light'");
}

/// Seconds from now until the end of the pause that the server holds.
fn pause_left(page: &Webmail, user: &User) -> i64 {
    let guarantee = user.guarantee();
    assert_eq!(guarantee["state"], "paused");
    let left = format!("return Math.round((Date.parse({}) - Date.now()) / 1000)", guarantee["until"]);
    page.script(&left).as_i64().expect("seconds")
}

fn is_paused(page: &Webmail, said: &Said) -> bool {
    page.has(Role::Button, said.end_pause)
}

fn expect_pause(page: &Webmail, said: &Said) {
    page.expect_text(said.paused_until);
    page.one(Role::Button, said.end_pause);
}

#[rstest]
#[case::german("pause-de", &IN_GERMAN, Screen::SmallPhone)]
#[case::english("pause-en", &IN_ENGLISH, Screen::Desktop)]
fn a_pause_is_seen_in_every_tab_and_ended_in_any(
    #[case] name: &str,
    #[case] said: &Said,
    #[case] screen: Screen,
) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, screen) else { return };
    let (alice, words) = (demo.alice(), said.words);
    alice.switch("on");
    let first = page.tab();
    let second = page.open_tab();
    page.open("");
    page.one(Role::Button, words.compose);
    assert!(!is_paused(&page, said));
    page.switch_to(&first);
    page.open_setting();
    page.one(Role::Button, words.deactivate);
    both_lights(&page, "on", "tlsg-state");
    page.click(Role::Button, said.quarter);
    expect_pause(&page, said);
    assert_eq!(page.focused().name(), said.quarter, "the focus stays where it was");
    page.one(Role::Button, words.activate);
    both_lights(&page, "paused", "tlsg-state");
    let left = pause_left(&page, &alice);
    assert!((14 * 60..=15 * 60).contains(&left), "{left} s");
    page.switch_to(&second);
    expect_pause(&page, said);
    page.shot("other-tab");
    // While it lasts, mail leaves unencrypted.
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    assert_eq!(demo.wait_for_delivery(&mail.message_id, "plain.example").tls, None);
    page.click(Role::Button, said.end_pause);
    page.none(Role::Button, said.end_pause);
    assert_eq!(alice.guarantee()["state"], "on");
    page.switch_to(&first);
    page.none(Role::Button, said.end_pause);
    page.one(Role::Button, words.deactivate);
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// A browser whose clock is an hour ahead, where each pause would seem to be over.
const AHEAD: &str = "const real = Date.now; window.serversNow = real; Date.now = () => real() + 3600000;";

#[test]
fn a_pause_ends_when_the_server_says_so_and_not_by_the_browsers_clock() {
    let demo = Demo::start();
    let said = &IN_ENGLISH;
    let Some(page) = Webmail::open("pause-ends", &demo, said.words, Screen::Desktop) else { return };
    let alice = demo.alice();
    alice.switch("on");
    page.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": AHEAD }));
    page.reload();
    page.log_in(ALICE, black_box::PASSWORD);
    page.expect_mailboxes();
    let until = page.script("return new Date(serversNow() + 20000).toISOString()");
    let until = until.as_str().expect("a time");
    alice.pause(until).ok();
    expect_pause(&page, said);
    assert_eq!(
        page.script(&format!("return Date.now() > Date.parse('{until}')")),
        true,
        "it seems to be over"
    );
    page.none(Role::Button, said.end_pause);
    assert_eq!(
        page.script(&format!("return serversNow() >= Date.parse('{until}')")),
        true,
        "not before its end"
    );
    page.open_setting();
    page.one(Role::Button, said.words.deactivate);
}

#[rstest]
#[case::german("exceptions-de", &IN_GERMAN, Screen::SmallPhone)]
#[case::english("exceptions-en", &IN_ENGLISH, Screen::Desktop)]
fn mail_to_an_exception_leaves_unencrypted_until_it_is_revoked(
    #[case] name: &str,
    #[case] said: &Said,
    #[case] screen: Screen,
) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, screen) else { return };
    let alice = demo.alice();
    alice.switch("on");
    page.open_setting();
    let section = page.one(Role::Region, said.exceptions);
    // What is wrong is said at the field.
    page.fill(said.pattern, "not an address");
    page.click(Role::Button, said.add);
    page.expect_text(said.no_pattern);
    assert_eq!(page.focused().name(), said.pattern);
    assert_eq!(page.focused().attribute("aria-invalid").as_deref(), Some("true"));
    both_lights(&page, "wrong", "tlsg-exceptions");
    page.fill(said.pattern, "plain.example");
    page.fill(said.note, "Verein <b>& Chor</b>");
    page.click(Role::Button, said.add);
    page.expect_text(said.is_exception);
    page.one(Role::Button, said.revoke);
    assert!(section.text().contains("Verein <b>& Chor</b>"), "{}", section.text());
    assert_eq!(page.value(said.pattern), "");
    both_lights(&page, "exception", "tlsg-exceptions");
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    assert_eq!(demo.wait_for_delivery(&mail.message_id, "plain.example").tls, None);
    page.click(Role::Button, said.revoke);
    page.none(Role::Button, said.revoke);
    assert_eq!(page.focused().text(), said.exceptions, "the focus is not lost with its button");
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    alice.wait_for_bounce(&mail.message_id);
    let complaints = page.complaints();
    assert!(complaints.iter().all(|one| one.contains(" 422 ")), "but for the refused one: {complaints:?}");
}

#[rstest]
#[case::german("preference-de", &IN_GERMAN)]
#[case::english("preference-en", &IN_ENGLISH)]
fn end_to_end_encrypted_mail_may_leave_without_tls_if_the_user_wants_it(
    #[case] name: &str,
    #[case] said: &Said,
) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, Screen::Desktop) else { return };
    let alice = demo.alice();
    let held = || -> Value { alice.http.get("/api/v1/preferences").ok().parse() };
    page.open_setting();
    let is_checked = || {
        page.one(Role::CheckBox, said.end_to_end);
        page.script("return document.querySelector('[aria-describedby=tlsg-end-to-end]').checked") == true
    };
    assert!(!is_checked(), "off at first");
    for wanted in [true, false] {
        page.click(Role::CheckBox, said.end_to_end);
        page.expect_text(said.saved);
        page.until("the preference", || (held()["end_to_end_without_tls"] == wanted).then_some(()));
        page.reload();
        page.until("the checkbox", || (is_checked() == wanted).then_some(()));
    }
}

#[rstest]
#[case::german("forwarding-de", &IN_GERMAN, Screen::SmallPhone)]
#[case::english("forwarding-en", &IN_ENGLISH, Screen::Desktop)]
fn the_target_of_a_forwarding_is_checked_in_the_composers_words(
    #[case] name: &str,
    #[case] said: &Said,
    #[case] screen: Screen,
) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, screen) else { return };
    let alice = demo.alice();
    page.open_setting();
    let section = page.one(Role::Region, said.forwarding);
    for (target, expected) in [
        ("nobody", said.invalid),
        ("t@plain.example", said.offers_none),
        ("t@sts.example", said.by_sts),
        ("t@dane.example", said.by_dane),
        ("t@tls.example", said.not_promised),
    ] {
        page.fill(said.target, target);
        page.click(Role::Button, said.check);
        page.until(&format!("{expected} for {target}"), || section.text().contains(expected).then_some(()));
        let offers = page.has(Role::Button, said.watch);
        assert_eq!(offers, !matches!(target, "nobody" | "t@plain.example"), "{target} can be watched");
        both_lights(&page, target.rsplit('@').next().unwrap_or(target), "tlsg-forwarding");
    }
    page.click(Role::Button, said.watch);
    page.one(Role::Button, said.forget);
    page.none(Role::Button, said.watch);
    let watched: Value = alice.http.get("/api/v1/forwardings").ok().parse();
    assert_eq!(watched[0]["address"], "t@tls.example");
    both_lights(&page, "watched", "tlsg-forwarding");
    page.click(Role::Button, said.forget);
    page.none(Role::Button, said.forget);
    let watched: Value = alice.http.get("/api/v1/forwardings").ok().parse();
    assert_eq!(watched, json!([]));
}

#[rstest]
#[case::german("history-de", &IN_GERMAN, Screen::SmallPhone)]
#[case::english("history-en", &IN_ENGLISH, Screen::Desktop)]
fn what_has_been_is_listed(#[case] name: &str, #[case] said: &Said, #[case] screen: Screen) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, screen) else { return };
    let alice = demo.alice();
    page.open_setting();
    page.one(Role::Region, said.weeks);
    page.expect_text(said.no_mail);
    alice.switch("on");
    // One leaves encrypted, then is stopped as a possible attack; one leaves by a decision of the user's own.
    let first = Mail::to(&["carla@stripped.example"]);
    alice.post(&first);
    demo.wait_for_delivery(&first.message_id, "stripped.example");
    let second = Mail::to(&["carla@stripped.example"]);
    alice.post(&second);
    alice.wait_for_bounce(&second.message_id);
    let third = Mail::to(&["dora@plain.example"]);
    let decided = json!({ "message_id": third.message_id, "recipients": ["dora@plain.example"] });
    alice.http.post("/api/v1/overrides", &decided).ok();
    alice.post(&third);
    demo.wait_for_delivery(&third.message_id, "plain.example");
    let fourth = json!({ "message_id": "never@home.example", "recipients": ["nobody@plain.example"] });
    alice.http.post("/api/v1/overrides", &fourth).ok();
    page.reload();
    let memory = page.one(Role::Region, said.memory);
    page.until("the memory", || memory.text().contains("mx.stripped.example").then_some(()));
    assert!(memory.text().contains(said.attack), "{}", memory.text());
    both_lights(&page, "memory", "tlsg-memory");
    let overrides = page.one(Role::Region, said.overrides);
    page.until("the overrides", || overrides.text().contains("dora@plain.example").then_some(()));
    let text = overrides.text();
    let place = |words: &str| text.find(words).expect(words);
    assert!(place("nobody@plain.example") < place("dora@plain.example"), "newest first: {text}");
    both_lights(&page, "overrides", "tlsg-overrides");
    let weeks = page.one(Role::Region, said.weeks);
    page.until("the numbers", || (weeks.all(Role::Row, Name::Any).len() > 1).then_some(()));
    assert_eq!(page.script("return document.querySelectorAll('svg.plot').length"), 0, "one week is no curve");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// Twelve weeks cannot be waited for: the server's answer is another's here.
const TWELVE_WEEKS: &str = r#"
const weeks = Array.from({length: 12}, (_, back) => ({
    monday: new Date(Date.UTC(2026, 10, 23) - back * 7 * 86400000).toISOString().slice(0, 10),
    protected: back == 4 ? 0 : 98 - back, unprotected: back == 4 ? 0 : 2 + back, stopped: back % 3,
}));
const real = window.fetch;
window.fetch = (request, ...rest) => String(request.url ?? request).endsWith("/api/v1/weeks")
    ? Promise.resolve(new Response(JSON.stringify(weeks), {headers: {"content-type": "application/json"}}))
    : real(request, ...rest);
"#;

#[rstest]
#[case::german("weeks-de", &IN_GERMAN, Screen::SmallPhone)]
#[case::english("weeks-en", &IN_ENGLISH, Screen::Desktop)]
fn twelve_weeks_are_a_curve_and_numbers(#[case] name: &str, #[case] said: &Said, #[case] screen: Screen) {
    let demo = Demo::start();
    let Some(page) = Webmail::open(name, &demo, said.words, screen) else { return };
    page.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": TWELVE_WEEKS }));
    page.reload();
    page.log_in(ALICE, black_box::PASSWORD);
    page.expect_mailboxes();
    page.open_setting();
    let weeks = page.one(Role::Region, said.weeks);
    page.one(Role::Button, said.numbers);
    let drawn = page.script(
        "const plot = document.querySelector('svg.plot'); const wide = plot.getBoundingClientRect(); \
         return [plot.querySelectorAll('circle').length, plot.querySelector('.curve').getAttribute('d').match(/M/g).length, \
         wide.width > 200 && wide.width <= document.documentElement.clientWidth, plot.querySelector('title').textContent != '']",
    );
    assert_eq!(drawn, json!([11, 2, true, true]), "a point a week with mail, and a gap");
    both_lights(&page, "plot", "tlsg-weeks");
    page.click(Role::Button, said.numbers);
    assert_eq!(weeks.all(Role::Row, Name::Any).len(), 13);
    both_lights(&page, "numbers", "tlsg-weeks");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[rstest]
#[case::german("parts-away-de", &IN_GERMAN)]
#[case::english("parts-away-en", &IN_ENGLISH)]
fn a_part_without_an_answer_says_so_and_blocks_nothing(#[case] name: &str, #[case] said: &Said) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, Screen::Desktop) else { return };
    let parts = ["*/exceptions", "*/preferences", "*/forwardings", "*/overrides", "*/memory", "*/weeks"];
    page.block(&parts);
    page.open_setting();
    for part in [said.exceptions, said.forwarding, said.overrides, said.memory, said.weeks] {
        let part = page.one(Role::Region, part);
        page.until("what is wrong", || part.text().contains(said.away).then_some(()));
        assert!(part.has(Role::Button, Name::Has(said.try_again)));
    }
    page.click(Role::Button, said.words.activate);
    page.one(Role::Button, said.words.deactivate);
    page.block(&[]);
    let weeks = page.one(Role::Region, said.weeks);
    // The server can be reached again: the parts ask of themselves when it has something to say.
    page.click(Role::Button, said.words.deactivate);
    page.until("the weeks", || weeks.text().contains(said.no_mail).then_some(()));
}
