//! What a user sees of the transport's security: why a mail was stopped and which ways help, how much the guarantee
//! demands, and what proves how a mail was delivered.

use black_box::{Demo, Key, Mail, Report, Role, Screen, User};
use rstest::rstest;

use crate::banner;
use crate::hosts::{Host, Language, Look};
use crate::webmail::Webmail;
use crate::words::{ENGLISH, GERMAN, Words};

/// The sentences that are looked for, in one language.
#[derive(Debug)]
struct Said {
    words: &'static Words,
    level: &'static str,
    authenticated: &'static str,
    attack: &'static str,
    advice: &'static str,
    mismatch: &'static str,
    no_help: &'static str,
    not_proven: &'static str,
    delivery: &'static str,
    details: &'static str,
    by_dane: &'static str,
    encrypted: &'static str,
    bogus: &'static str,
    later: &'static str,
}

const IN_GERMAN: Said = Said {
    words: &GERMAN,
    level: "Was die Garantie verlangt",
    authenticated: "Nur geprüfte Server",
    attack: "Möglicher Angriff.",
    advice: "Warten Sie, oder fragen Sie auf einem anderen Weg nach.",
    mismatch: "weist sich nicht so aus, wie die Domain es öffentlich verlangt (DANE)",
    no_help: "Ohne TLS-Garantie zu senden hilft bei eve@dane-mismatch.example nicht",
    not_proven: "belegt nicht, wer er ist",
    delivery: "Zustellung",
    details: "Einzelheiten",
    by_dane: "verschlüsselt und geprüft (DANE)",
    encrypted: "zugestellt, verschlüsselt",
    bogus: "nicht echt oder fehlerhaft (DNSSEC)",
    later: "Gilt, sobald die Garantie aktiv ist.",
};

const IN_ENGLISH: Said = Said {
    words: &ENGLISH,
    level: "What the guarantee demands",
    authenticated: "Verified servers only",
    attack: "Possible attack.",
    advice: "Wait, or ask by another way.",
    mismatch: "does not identify itself as its domain publicly requires (DANE)",
    no_help: "Sending without the TLS guarantee does not help for eve@dane-mismatch.example",
    not_proven: "does not prove who it is",
    delivery: "Delivery",
    details: "Details",
    by_dane: "encrypted and verified (DANE)",
    encrypted: "delivered, encrypted",
    bogus: "not genuine, or broken (DNSSEC)",
    later: "Holds once the guarantee is on.",
};

impl Said {
    fn look(&self, screen: Screen) -> Look {
        let is_german = self.words.language == GERMAN.language;
        let language = if is_german { Language::German } else { Language::English };
        Look { screen, ..Look::of(language) }
    }
}

/// Sends a mail that is stopped for somebody, and gives its subject.
fn stopped(user: &User, to: &[&str]) -> String {
    let mail = Mail::new(&user.address, to);
    user.post(&mail);
    user.wait_for_bounce(&mail.message_id);
    mail.subject
}

/// Pictures in light and dark.
fn both_lights(page: &Webmail, step: &str) {
    page.shot(step);
    let switch = |shade: &str| {
        // As the one webmail and the other do it.
        page.script(&format!(
            "const all = document.documentElement; all.dataset.theme = '{shade}'; \
             all.classList.toggle('dark-mode', '{shade}' == 'dark')"
        ));
    };
    switch("dark");
    page.shot(&format!("{step}-dark"));
    switch("light");
}

fn page_of(name: &str, demo: &Demo, said: &Said, screen: Screen) -> Option<Webmail> {
    Webmail::of(name, demo, said.words, screen, "alice@home.example")
}

#[test]
fn a_host_that_drops_encryption_is_a_possible_attack_in_german() {
    downgrade("downgrade-de", &IN_GERMAN, Screen::SmallPhone);
}

#[test]
fn a_host_that_drops_encryption_is_a_possible_attack_in_english() {
    downgrade("downgrade-en", &IN_ENGLISH, Screen::Desktop);
}

fn downgrade(name: &str, said: &Said, screen: Screen) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, screen) else { return };
    let alice = demo.alice();
    alice.switch("on");
    let first = Mail::to(&["carla@stripped.example"]);
    alice.post(&first);
    let delivery = demo.wait_for_delivery(&first.message_id, "stripped.example");
    assert!(delivery.tls.is_some(), "the first mail leaves encrypted");
    stopped(&alice, &["carla@stripped.example"]);
    assert_eq!(alice.stops()[0].recipients[0].cause, "downgrade");

    page.read(said.words.inbox, Report::SUBJECT);
    let banner = page.banner(said.words.stopped);
    let text = banner.text();
    let today = page.script(
        "return new Intl.DateTimeFormat(document.documentElement.lang == 'de' ? 'de' : 'en-GB', \
         {day: 'numeric', month: 'long', year: 'numeric'}).format(new Date())",
    );
    let today = today.as_str().expect("a date");
    for expected in [said.attack, "carla@stripped.example", "mx.stripped.example", said.advice, today] {
        assert!(text.contains(expected), "{expected:?} in the banner: {text}");
    }
    // The calm advice comes first, the ways after it.
    let place = |words: &str| text.find(words).expect(words);
    for way in page.ways() {
        assert!(banner.has(Role::Button, way), "the way {way:?}");
        assert!(place(said.advice) < place(way), "{way} before the advice: {text}");
    }
    both_lights(&page, "banner");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[rstest]
#[case::german("mismatch-de", &IN_GERMAN, Screen::Desktop)]
#[case::english("mismatch-en", &IN_ENGLISH, Screen::SmallPhone)]
fn where_the_domain_itself_demands_it_no_override_is_offered(
    #[case] name: &str,
    #[case] said: &Said,
    #[case] screen: Screen,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at_alices(host, name, &place, said.look(screen)) else { return };
    let (alice, words) = (place.alice(), page.words);
    let address = "eve@dane-mismatch.example";
    banner::stopped(host, &alice, &[address]);
    let subject = alice.list("Sent").remove(0).subject;
    page.read(words.inbox, Report::SUBJECT);
    let banner = page.banner(words.stopped);
    let text = banner.text();
    for expected in [said.mismatch, "mx.dane-mismatch.example", said.no_help] {
        assert!(text.contains(expected), "{expected:?} in the banner: {text}");
    }
    assert!(banner.has(Role::Button, words.tell) && banner.has(Role::Button, words.end_to_end));
    assert!(!banner.has(Role::Button, words.without), "what does not help is not offered");
    both_lights(&page, "banner");
    // Nor in the composer.
    page.open_as_new(&subject);
    page.expect_recipients(words.to, "eve@dane-mismatch.example");
    page.expect_text(words.again);
    assert!(!page.has(Role::Button, words.without), "what does not help is not offered");
    both_lights(&page, "again");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// Several causes in one stop: the override is for those whom it reaches.
#[test]
fn an_override_is_for_those_whom_it_reaches() {
    let demo = Demo::start();
    let Some(page) = page_of("mixed", &demo, &IN_ENGLISH, Screen::Desktop) else { return };
    let (alice, words) = (demo.alice(), page.words);
    alice.switch("on");
    stopped(&alice, &["carla@plain.example", "eve@dane-mismatch.example"]);
    page.read(words.inbox, Report::SUBJECT);
    let banner = page.banner(words.stopped);
    let text = banner.text();
    for expected in [words.offers_none, IN_ENGLISH.mismatch, IN_ENGLISH.no_help] {
        assert!(text.contains(expected), "{expected:?} in the banner: {text}");
    }
    both_lights(&page, "banner");
    page.click(Role::Button, words.without);
    page.expect_recipients(words.to, "carla@plain.example");
    page.send();
    page.expect_sent();
    page.until("carla's copy", || demo.deliveries().into_iter().find(|one| one.domain == "plain.example"));
}

#[test]
fn the_level_is_chosen_without_a_mouse_in_german() {
    level("level-de", &IN_GERMAN, Screen::SmallPhone);
}

#[test]
fn the_level_is_chosen_without_a_mouse_in_english() {
    level("level-en", &IN_ENGLISH, Screen::Desktop);
}

fn level(name: &str, said: &Said, screen: Screen) {
    let demo = Demo::start();
    let Some(page) = page_of(name, &demo, said, screen) else { return };
    let (alice, words) = (demo.alice(), said.words);
    page.open_setting();
    page.one(Role::Radio, said.authenticated);
    let group =
        page.script("return document.querySelector('fieldset:has([type=radio]) > legend').textContent");
    assert_eq!(group.as_str(), Some(said.level));
    page.expect_text(said.later);
    page.script("document.querySelector('[name=tlsg-level]:checked').focus()");
    page.press(Key::Down);
    page.until("the level saved", || (alice.guarantee()["level"] == "authenticated").then_some(()));
    assert_eq!(alice.guarantee()["state"], "off", "the switch stays");
    assert_eq!(page.focused().name(), said.authenticated, "the choice keeps the keyboard");
    both_lights(&page, "off");

    page.reload();
    page.one(Role::Radio, said.authenticated);
    let chosen = || {
        let chosen =
            page.script("return document.querySelector('[name=tlsg-level]:checked').labels[0].textContent");
        (chosen == said.authenticated).then_some(())
    };
    page.until("the level that was chosen", chosen);
    page.click(Role::Button, words.activate);
    page.one(Role::Button, words.deactivate);
    page.until("the sentence of the level", || page.text().contains(said.later).eq(&false).then_some(()));
    assert_eq!(alice.guarantee()["level"], "authenticated", "the switch leaves the level as it is");
    both_lights(&page, "on");

    stopped(&alice, &["bob@tls.example"]);
    page.read(words.inbox, Report::SUBJECT);
    let text = page.banner(words.stopped).text();
    assert!(text.contains(said.not_proven), "{text}");
    both_lights(&page, "banner");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[rstest]
#[case::german("evidence-de", &IN_GERMAN, Screen::SmallPhone)]
#[case::english("evidence-en", &IN_ENGLISH, Screen::Desktop)]
fn p14_a_sent_message_shows_how_it_was_delivered(
    #[case] name: &str,
    #[case] said: &Said,
    #[case] screen: Screen,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at_alices(host, name, &place, said.look(screen)) else { return };
    let words = page.words;
    page.write("dora@dane.example, bob@tls.example, gil@bogus.example", "Evidence", "Text.");
    page.send();
    page.expect_sent();
    page.read(words.sent, "Evidence");
    page.click(Role::Button, said.delivery);
    for expected in [said.by_dane, said.encrypted, said.bogus] {
        page.expect_text(expected);
    }
    let details = page.until("one for each recipient", || {
        let details = page.all(Role::Button, said.details);
        (details.len() == 3).then_some(details)
    });
    details[0].click();
    for expected in ["mx.dane.example", "TLSv1.3", "X25519MLKEM768", "3 1 1 "] {
        page.expect_text(expected);
    }
    both_lights(&page, "delivery");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}
