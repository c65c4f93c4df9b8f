//! What every view has, on every screen.

use black_box::{Demo, Mail, Report, Role, Screen, Shade};
use serde_json::json;

use crate::webmail::Webmail;
use crate::words::{ENGLISH, GERMAN, Words};

/// Whether the thing is within the screen, so that nobody has to look for it.
fn assert_in_sight(page: &Webmail, view: &str) {
    let words = page.words;
    for (role, name) in [
        (Role::Link, words.inbox),
        (Role::Link, words.sent),
        (Role::Button, words.compose),
        (Role::Link, words.settings),
    ] {
        let thing = page.one(role, name);
        assert!(thing.is_in_sight(), "{name} in the view {view}");
    }
}

#[test]
fn every_view_on_a_phone_in_german() {
    every_view("views-de-phone", &GERMAN, Screen::SmallPhone);
}

#[test]
fn every_view_on_a_desktop_in_english() {
    every_view("views-en-desktop", &ENGLISH, Screen::Desktop);
}

fn every_view(name: &str, words: &'static Words, screen: Screen) {
    let demo = Demo::start();
    let Some(page) = Webmail::of(name, &demo, words, screen, "alice@home.example") else { return };
    let alice = demo.alice();
    alice.switch("on");
    let long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung".repeat(3);
    let mut mail = Mail::to(&["carla@plain.example", "bob@tls.example"]);
    mail.subject = format!("=?utf-8?q?{}?=", long.replace('ä', "=C3=A4").replace('ü', "=C3=BC"));
    mail.body = format!("{long}\r\nhttps://a.example/{long}\r\n");
    alice.post(&mail);
    alice.wait_for_bounce(&mail.message_id);
    let has_title = |view: &str| {
        page.until(&format!("the title {view}"), || {
            (page.title() == format!("{view} – home.example")).then_some(())
        });
        assert_in_sight(&page, view);
        let headings = page.script("return document.querySelectorAll('h1').length");
        page.shot(&view.to_lowercase().replace(' ', "-").chars().take(24).collect::<String>());
        assert_eq!(headings, 1, "one first heading in the view {view}");
    };
    page.go(words.inbox);
    page.row(Report::SUBJECT);
    has_title(words.inbox);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);
    has_title(Report::SUBJECT);
    page.go(words.sent);
    page.row(&long);
    has_title(words.sent);
    page.read(words.sent, &long);
    has_title(&long);
    page.go(words.settings);
    has_title(words.settings);
    page.go(words.my_account);
    assert_in_sight(&page, words.my_account);
    page.go(words.transport);
    page.expect_text("carla@plain.example");
    has_title(words.transport);
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[test]
fn dark_where_the_person_has_it_dark() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("dark", &demo) else { return };
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    alice.post(&mail);
    alice.wait_for_bounce(&mail.message_id);
    let features =
        |scheme: &str| json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    page.devtools("Emulation.setEmulatedMedia", &features("dark"));
    page.until("the dark", || (page.shade() == Shade::Dark).then_some(()));
    page.read(page.words.inbox, Report::SUBJECT);
    page.banner(page.words.stopped);
    page.shot("banner");
    page.open_setting();
    page.one(Role::Button, page.words.deactivate);
    page.shot("setting");
    page.write("carla@plain.example", "In the dark", "Text");
    page.shot("composer");
    // The person may want it otherwise on this page, and finds it so again.
    page.click(Role::Button, "Light or dark");
    page.until("the light", || (page.shade() == Shade::Light).then_some(()));
    page.reload();
    page.until("the light", || (page.shade() == Shade::Light).then_some(()));
}
