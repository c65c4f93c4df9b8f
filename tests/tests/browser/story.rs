//! The seed's whole story, once in German and once in English, on a desktop and on a phone.

use black_box::{Demo, ListedMessage, Report, Role, Screen, User};

use crate::webmail::Webmail;
use crate::words::{ENGLISH, GERMAN, Words};

const BOB: &str = "bob@tls.example";
const CARLA: &str = "carla@plain.example";
const DORA: &str = "dora@plain.example";

/// Somebody who lives the story.
struct Story {
    page: Webmail,
    demo: Demo,
    alice: User,
}

#[test]
fn story_in_german_desktop() {
    tell("story-de-desktop", &GERMAN, Screen::Desktop);
}

#[test]
fn story_in_english_desktop() {
    tell("story-en-desktop", &ENGLISH, Screen::Desktop);
}

#[test]
fn story_in_german_phone() {
    tell("story-de-phone", &GERMAN, Screen::Phone);
}

#[test]
fn story_in_english_phone() {
    tell("story-en-phone", &ENGLISH, Screen::Phone);
}

fn tell(name: &str, words: &'static Words, screen: Screen) {
    let demo = Demo::start();
    let Some(page) = Webmail::open(name, &demo, words, screen) else { return };
    let alice = demo.alice();
    let story = Story { page, demo, alice };
    story.logs_in();
    story.p03_activates();
    let subject = story.p05_writes_to_both();
    story.p06_p08_reads_the_bounce(&subject);
    story.p09_sees_that_it_was_not_sent(&subject);
    story.p10_opens_it_as_new(&subject);
    story.p08_sends_without_the_guarantee(&subject);
    story.p11_is_reminded();
    assert_eq!(story.page.complaints(), Vec::<String>::new(), "the browser complained");
}

impl Story {
    fn logs_in(&self) {
        let (page, words) = (&self.page, self.page.words);
        page.one(Role::Button, words.log_in);
        page.shot("log-in");
        page.log_in("alice@home.example", black_box::PASSWORD);
        page.one(Role::Link, words.inbox);
        let lang = page.script("return document.documentElement.lang");
        assert_eq!(lang.as_str(), words.language.get(..2), "the page's language");
        page.shot("inbox-empty");
    }

    fn p03_activates(&self) {
        let (page, words) = (&self.page, self.page.words);
        assert_eq!(self.alice.guarantee()["state"], "off");
        page.open_setting();
        page.one(Role::Button, words.activate);
        page.shot("setting-off");
        page.click(Role::Button, words.activate);
        page.one(Role::Button, words.deactivate);
        assert_eq!(self.alice.guarantee()["state"], "on", "it takes effect at once");
        page.shot("setting-on");
    }

    fn p05_writes_to_both(&self) -> String {
        let (page, words) = (&self.page, self.page.words);
        let subject = "Grüße & <b>Termin</b>";
        page.write(&format!("{BOB}, {CARLA}"), subject, "Liebe beide,\nbis Dienstag.");
        page.shot("composer");
        page.send();
        page.expect_sent();
        assert!(page.reminder().is_none(), "nothing to remind of");
        page.go(words.sent);
        page.row(subject);
        let mail = self.sent(subject);
        let message_id = mail.message_id.expect("a Message-ID");
        let delivery = self.demo.wait_for_delivery(&message_id, "tls.example");
        assert_eq!(delivery.rcpt_to, [BOB]);
        assert!(delivery.tls.is_some_and(|tls| tls.starts_with("TLSv1.")), "bob's copy was encrypted");
        let bounce = self.alice.wait_for_bounce(&message_id);
        assert_eq!(bounce.addresses(), [CARLA]);
        assert!(self.demo.deliveries_of(&message_id, "plain.example").is_empty(), "nothing went to carla");
        subject.to_owned()
    }

    fn p06_p08_reads_the_bounce(&self, subject: &str) {
        let (page, words) = (&self.page, self.page.words);
        page.go(words.inbox);
        page.row(Report::SUBJECT);
        page.shot("inbox");
        page.read(words.inbox, Report::SUBJECT);
        let banner = page.banner(words.stopped);
        let text = banner.text();
        let stop = self.alice.stops().into_iter().next().expect("a recorded stop");
        let stopped = stop.recipients.first().expect("its recipient");
        for expected in [CARLA, &stopped.host, words.offers_none] {
            assert!(text.contains(expected), "{expected:?} in the banner: {text}");
        }
        assert!(!text.contains(BOB), "the others are only counted: {text}");
        for way in page.ways() {
            assert!(banner.has(Role::Button, way), "the way {way:?}");
        }
        page.shot("banner");
        assert!(
            page.title().starts_with(Report::SUBJECT) && !page.title().contains(subject),
            "{}",
            page.title()
        );
    }

    fn p09_sees_that_it_was_not_sent(&self, subject: &str) {
        let (page, words) = (&self.page, self.page.words);
        page.go(words.sent);
        let name = page.row(subject).name();
        let mark = format!("{} ", words.not_sent);
        assert!(name.contains(&mark) && name.contains(CARLA), "the line's mark: {name}");
        page.shot("sent");
        page.read(words.sent, subject);
        page.expect_text("bis Dienstag.");
        page.until("the mark above the message", || {
            page.text().lines().any(|line| line.contains(&mark) && line.contains(CARLA)).then_some(())
        });
        page.shot("sent-message");
    }

    fn p10_opens_it_as_new(&self, subject: &str) {
        let (page, words) = (&self.page, self.page.words);
        page.click(Role::Button, words.more);
        page.one(Role::MenuItem, words.open_as_new);
        page.shot("more");
        page.click(Role::MenuItem, words.open_as_new);
        page.expect_value(words.to, CARLA);
        page.expect_value(words.subject, subject);
        page.expect_value(words.message, "Liebe beide,\nbis Dienstag.");
        page.expect_text(words.again);
        page.one(Role::Button, words.without);
        page.shot("open-as-new");
        page.click(Role::Link, words.back);
        page.none(Role::Button, words.send);
    }

    fn p08_sends_without_the_guarantee(&self, subject: &str) {
        let (page, words) = (&self.page, self.page.words);
        page.read(words.inbox, Report::SUBJECT);
        page.banner(words.stopped);
        page.click(Role::Button, words.without);
        page.expect_value(words.to, CARLA);
        page.expect_text(words.leaves_without);
        page.shot("without");
        page.send();
        page.expect_sent();
        assert!(page.reminder().is_none(), "the guarantee is still on");
        page.shot("sent-without");
        assert_eq!(self.alice.guarantee()["state"], "on");
        let delivered = black_box::wait_for("carla's copy", || {
            self.demo.deliveries().into_iter().find(|delivery| delivery.domain == "plain.example")
        });
        assert_eq!((delivered.rcpt_to, delivered.tls), (vec![CARLA.to_owned()], None));
        let sent = self.alice.list("Sent").into_iter().filter(|mail| mail.subject == subject).count();
        assert_eq!(sent, 2);
    }

    /// The seed's own way: switch it off, open as new, send, be reminded.
    fn p11_is_reminded(&self) {
        let (page, words) = (&self.page, self.page.words);
        let subject = "Noch ein Termin";
        page.write(DORA, subject, "Bis Mittwoch.");
        page.send();
        page.expect_sent();
        self.alice.wait_for_bounce(&self.sent(subject).message_id.expect("a Message-ID"));
        page.open_setting();
        page.click(Role::Button, words.deactivate);
        page.one(Role::Button, words.activate);
        assert_eq!(self.alice.guarantee()["state"], "off");
        page.open_as_new(subject);
        page.expect_value(words.to, DORA);
        assert!(!page.text().contains(words.again), "without the guarantee nothing is stopped");
        page.send();
        page.none(Role::Button, words.send);
        let reminder = page.until("the reminder", || page.reminder());
        assert!(reminder.text().contains(words.reminder), "{}", reminder.text());
        page.shot("reminder");
        page.one(Role::Heading, words.sent);
        page.click(Role::Button, words.activate);
        page.until("the end of the reminder", || page.reminder().is_none().then_some(()));
        assert_eq!(self.alice.guarantee()["state"], "on");
        page.shot("activated-again");
        let delivered = black_box::wait_for("dora's copy", || {
            self.demo.deliveries().into_iter().find(|delivery| delivery.rcpt_to == [DORA])
        });
        assert_eq!(delivered.tls, None);
    }

    /// The newest sent message with this subject.
    fn sent(&self, subject: &str) -> ListedMessage {
        self.page.until("the sent copy", || {
            self.alice.list("Sent").into_iter().find(|mail| mail.subject == subject)
        })
    }
}
