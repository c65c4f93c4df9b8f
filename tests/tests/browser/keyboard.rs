//! Without a mouse: Tab, Enter, Space, arrows and Escape only, and the keyboard's place is never lost.

use black_box::{Demo, Element, Key, Mail, PASSWORD, Report, Role, Screen};

use crate::banner::stopped;
use crate::hosts::{Host, Look};
use crate::mails::bring;
use crate::webmail::Webmail;
use crate::words::ENGLISH;

/// So many things nobody has to pass on the way to another.
const MOST: usize = 50;

/// Somebody at a keyboard.
struct Typist<'p> {
    page: &'p Webmail,
    /// Whether what has the focus shows it by an outline or a shadow. Roundcube has other ways for what is its own.
    shows_focus: bool,
}

impl Typist<'_> {
    /// Waits until the focus is somewhere, and gives where.
    fn place(&self, when: &str) -> Element<'_> {
        self.page.until(&format!("the keyboard's place {when}"), || {
            let is_lost = self
                .page
                .script("return document.activeElement === document.body || !document.activeElement");
            (is_lost == false).then(|| self.page.focused())
        })
    }

    /// Presses Tab until the thing of this name has the focus.
    fn tab_to(&self, name: &str) {
        self.step_to(name, |found| found == name);
    }

    fn tab_to_one_with(&self, words: &str) {
        self.step_to(words, |found| found.contains(words));
    }

    fn step_to(&self, what: &str, is_it: impl Fn(&str) -> bool) {
        let mut passed = Vec::new();
        for _ in 0..MOST {
            let here = self.page.focused().name();
            if is_it(&here) && !self.shows_focus {
                return;
            }
            if is_it(&here) {
                let outline = self.page.script(
                    "const here = document.activeElement, looks = [getComputedStyle(here), getComputedStyle(here, '::after')]; \
                     return looks.some(s => s.outlineStyle != 'none' || s.boxShadow != 'none')",
                );
                assert_eq!(outline, true, "{what} shows that it has the focus");
                return;
            }
            passed.push(here);
            self.page.press(Key::Tab);
        }
        panic!("{what} is not reached by Tab, but {passed:?}");
    }

    /// Tab to it and Enter, and the focus is not lost by what that does.
    fn enter(&self, name: &str) {
        self.tab_to(name);
        self.page.press(Key::Enter);
        self.place(&format!("after {name}"));
    }
}

#[test]
fn the_story_without_a_mouse() {
    let demo = Demo::start();
    let Some(page) = Webmail::open("keyboard", &demo, &ENGLISH, Screen::Desktop) else { return };
    let (words, typist) = (page.words, Typist { page: &page, shows_focus: true });
    page.one(Role::Button, words.log_in);
    page.until("the keyboard in the first field", || (page.focused().name() == words.address).then_some(()));
    page.type_keys("alice@home.example");
    page.press(Key::Tab);
    page.type_keys(PASSWORD);
    page.press(Key::Enter);
    page.one(Role::Link, words.inbox);
    typist.place("after logging in");

    typist.enter(words.settings);
    page.one(Role::Heading, words.settings);
    typist.enter(words.my_account);
    typist.enter(words.transport);
    page.one(Role::Heading, words.transport);
    typist.tab_to(words.activate);
    page.press(Key::Space);
    page.one(Role::Button, words.deactivate);
    assert_eq!(demo.alice().guarantee()["state"], "on");
    assert_eq!(page.focused().name(), words.deactivate, "the button keeps the keyboard");

    let mail = Mail::new("dora@tls.example", &["alice@home.example"]);
    bring(&demo, &mail.to_string());
    typist.enter(words.inbox);
    page.row(&mail.subject);
    typist.tab_to_one_with(&mail.subject);
    page.press(Key::Enter);
    page.one(Role::Heading, &*mail.subject);
    page.until("the keyboard at the message's heading", || {
        (page.focused().text() == mail.subject).then_some(())
    });

    menu(&typist);

    typist.enter("Reply");
    page.one(Role::Button, words.send);
    page.until("the keyboard in the text", || (page.focused().name() == words.message).then_some(()));
    page.type_keys("An answer without a mouse.");
    typist.enter(words.send);
    page.expect_sent();
    typist.place("after sending");
    page.until("the answer", || (demo.alice().list("Sent").len() == 1).then_some(()));
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// More: arrows move in a circle, Escape closes and gives the keyboard back.
fn menu(typist: &Typist<'_>) {
    let page = typist.page;
    let at = |name: &str| {
        page.until(&format!("the keyboard at {name}"), || (page.focused().name() == name).then_some(()));
    };
    typist.tab_to(page.words.more);
    page.press(Key::Enter);
    at("Show headers");
    page.press(Key::Escape);
    at(page.words.more);
    page.none(Role::MenuItem, "Show headers");
    page.press(Key::Down);
    at("Show headers");
    page.press(Key::Down);
    at("Show headers");
    page.press(Key::Up);
    at("Show headers");
    page.press(Key::Enter);
    page.one(Role::Region, "Headers");
    page.none(Role::MenuItem, "Show headers");
    at(page.words.more);
    assert_eq!(page.focused().attribute("aria-expanded").as_deref(), Some("false"));
}

#[test]
fn p10_the_sent_menu_without_a_mouse() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("keyboard-sent", &demo) else { return };
    let (words, typist) = (page.words, Typist { page: &page, shows_focus: true });
    let mail = Mail::to(&["bob@tls.example"]);
    demo.alice().post(&mail);
    typist.place("after logging in");
    typist.enter(words.sent);
    page.row(&mail.subject);
    typist.tab_to_one_with(&mail.subject);
    page.press(Key::Enter);
    page.one(Role::Heading, &*mail.subject);
    typist.tab_to(words.more);
    page.press(Key::Down);
    page.until("the first entry", || (page.focused().name() == words.open_as_new).then_some(()));
    page.press(Key::Up);
    page.until("the last entry", || (page.focused().name() == "Show headers").then_some(()));
    page.press(Key::Home);
    page.until("the first entry", || (page.focused().name() == words.open_as_new).then_some(()));
    page.press(Key::Enter);
    page.one(Role::Button, words.send);
    page.until("the keyboard in the text", || (page.focused().name() == words.message).then_some(()));
    page.press(Key::Tab);
    typist.enter(words.send);
    page.expect_sent();
    typist.place("after sending");
}

#[test]
fn the_skip_link_leads_to_the_content() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("skip", &demo) else { return };
    page.reload();
    page.one(Role::Button, page.words.compose);
    page.press(Key::Tab);
    assert_eq!(page.focused().name(), "Skip to content");
    page.shot("skip-link");
    page.press(Key::Enter);
    let is_in_content = "return !!document.activeElement.closest('main')";
    page.until("the keyboard in the content", || (page.script(is_in_content) == true).then_some(()));
}

/// The main path in Roundcube: the setting, the banner, the message sent again.
#[test]
fn the_way_through_roundcube_without_a_mouse() {
    let Some(place) = Host::Roundcube.start() else { return };
    let Some(page) = Webmail::at(Host::Roundcube, "keyboard", &place, Look::PLAIN) else { return };
    let (words, alice) = (page.words, place.alice());
    let typist = Typist { page: &page, shows_focus: false };
    let ours = Typist { page: &page, shows_focus: true };
    page.expect_log_in();
    typist.place("at the log-in");
    page.type_keys(&alice.address);
    page.press(Key::Tab);
    page.type_keys(PASSWORD);
    page.press(Key::Enter);
    page.expect_mailboxes();

    typist.tab_to(words.settings);
    page.press(Key::Enter);
    page.first("body.task-settings");
    typist.tab_to(words.my_account);
    page.press(Key::Enter);
    page.one(Role::Button, words.activate);
    ours.tab_to(words.activate);
    page.press(Key::Space);
    page.one(Role::Button, words.deactivate);
    assert_eq!(alice.guarantee()["state"], "on");
    page.until("the button keeps the keyboard", || (page.focused().name() == words.deactivate).then_some(()));

    stopped(Host::Roundcube, &alice, &["carla@plain.example"]);
    typist.tab_to(words.mail);
    page.press(Key::Enter);
    page.expect_mailboxes();
    page.row(Report::SUBJECT);
    typist.tab_to_one_with(Report::SUBJECT);
    page.press(Key::Enter);
    page.enter_message();
    page.banner(words.stopped);
    ours.tab_to(words.without);
    page.shot("at-the-way");
    page.press(Key::Enter);
    page.leave_frames();
    page.first("body.action-compose");
    page.expect_text(words.leaves_without);
    page.expect_recipients(words.to, "carla@plain.example");
    typist.tab_to(words.send);
    page.press(Key::Enter);
    page.expect_sent();
    black_box::wait_for("carla's copy", || {
        place.deliveries().into_iter().find(|one| one.domain == "plain.example")
    });
}
