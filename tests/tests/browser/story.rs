//! The seed's whole story, once in German and once in English: on a desktop and on a phone, in the light and in the
//! dark.

use black_box::{ListedMessage, Report, Role, Screen, Shade, User};
use rstest::rstest;

use crate::hosts::{Host, Language, Look, Place};
use crate::webmail::Webmail;

const BOB: &str = "bob@tls.example";
const CARLA: &str = "carla@plain.example";
const DORA: &str = "dora@plain.example";

/// Somebody who lives the story.
struct Story {
    page: Webmail,
    place: Place,
    alice: User,
}

/// Each pair of language, screen and shade is there once.
#[rstest]
#[case::german_desktop_light("story-de-desktop-light", Language::German, Screen::Desktop, Shade::Light)]
#[case::german_phone_dark("story-de-phone-dark", Language::German, Screen::Phone, Shade::Dark)]
#[case::english_desktop_dark("story-en-desktop-dark", Language::English, Screen::Desktop, Shade::Dark)]
#[case::english_phone_light("story-en-phone-light", Language::English, Screen::Phone, Shade::Light)]
fn story(
    #[case] name: &str,
    #[case] language: Language,
    #[case] screen: Screen,
    #[case] shade: Shade,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at(host, name, &place, Look { language, screen, shade }) else { return };
    let alice = place.alice();
    let story = Story { page, place, alice };
    story.logs_in();
    story.p03_activates();
    let subject = story.p05_writes_to_both();
    story.p06_p08_reads_the_bounce();
    story.p09_sees_that_it_was_not_sent(&subject);
    story.p10_opens_it_as_new(&subject);
    story.p08_sends_without_the_guarantee(&subject);
    story.p11_is_reminded();
    assert_eq!(story.page.complaints(), Vec::<String>::new(), "the browser complained");
}

impl Story {
    fn logs_in(&self) {
        let (page, words) = (&self.page, self.page.words);
        page.expect_log_in();
        page.shot("log-in");
        page.log_in(&self.alice.address, black_box::PASSWORD);
        page.expect_mailboxes();
        let lang = page.script("return document.documentElement.lang");
        assert_eq!(
            lang.as_str().and_then(|lang| lang.get(..2)),
            words.language.get(..2),
            "the page's language"
        );
        assert_eq!(page.shade(), page.setting().shade, "the person's shade");
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
        let delivery = self.place.wait_for_delivery(&message_id, "tls.example");
        assert_eq!(delivery.rcpt_to, [BOB]);
        assert!(delivery.tls.is_some_and(|tls| tls.starts_with("TLSv1.")), "bob's copy was encrypted");
        let bounce = self.alice.wait_for_bounce(&message_id);
        assert_eq!(bounce.addresses(), [CARLA]);
        assert!(self.place.deliveries_of(&message_id, "plain.example").is_empty(), "nothing went to carla");
        subject.to_owned()
    }

    fn p06_p08_reads_the_bounce(&self) {
        let (page, words) = (&self.page, self.page.words);
        page.go(words.inbox);
        page.row(Report::SUBJECT);
        page.shot("inbox");
        page.read(words.inbox, Report::SUBJECT);
        let banner = page.banner(words.stopped);
        let stop = self.alice.stops().into_iter().next().expect("a recorded stop");
        let stopped = stop.recipients.first().expect("its recipient");
        let text = banner.text();
        for expected in [CARLA, &stopped.host, words.offers_none] {
            assert!(text.contains(expected), "{expected:?} in the banner: {text}");
        }
        assert!(!text.contains(BOB), "the others are only counted: {text}");
        for way in page.ways() {
            assert!(banner.has(Role::Button, way), "the way {way:?}");
        }
        page.shot("banner");
    }

    fn p09_sees_that_it_was_not_sent(&self, subject: &str) {
        let (page, words) = (&self.page, self.page.words);
        page.go(words.sent);
        page.row(subject);
        let mark = format!("{} ", words.not_sent);
        page.until("the line's mark", || {
            let line = page.line(subject);
            (line.contains(&mark) && line.contains(CARLA)).then_some(())
        });
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
        page.open_more();
        page.one(Role::MenuItem, words.open_as_new);
        page.shot("more");
        page.choose_open_as_new();
        page.expect_recipients(words.to, CARLA);
        page.expect_value(words.subject, subject);
        page.expect_written("Liebe beide,\nbis Dienstag.");
        page.expect_text(words.again);
        page.one(Role::Button, words.without);
        page.shot("open-as-new");
        page.leave_composer();
    }

    fn p08_sends_without_the_guarantee(&self, subject: &str) {
        let (page, words) = (&self.page, self.page.words);
        page.read(words.inbox, Report::SUBJECT);
        page.banner(words.stopped);
        page.take_way(words.without);
        page.expect_recipients(words.to, CARLA);
        page.expect_text(words.leaves_without);
        page.shot("without");
        page.send();
        page.expect_sent();
        assert!(page.reminder().is_none(), "the guarantee is still on");
        page.shot("sent-without");
        assert_eq!(self.alice.guarantee()["state"], "on");
        let delivered = black_box::wait_for("carla's copy", || {
            self.place.deliveries().into_iter().find(|delivery| delivery.domain == "plain.example")
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
        page.expect_recipients(words.to, DORA);
        assert!(!page.text().contains(words.again), "without the guarantee nothing is stopped");
        page.send();
        page.expect_sent();
        let reminder = page.until("the reminder", || page.reminder());
        assert!(reminder.text().contains(words.reminder), "{}", reminder.text());
        page.shot("reminder");
        page.click(Role::Button, words.activate);
        page.until("the end of the reminder", || page.reminder().is_none().then_some(()));
        assert_eq!(self.alice.guarantee()["state"], "on");
        page.shot("activated-again");
        let delivered = black_box::wait_for("dora's copy", || {
            self.place.deliveries().into_iter().find(|delivery| delivery.rcpt_to == [DORA])
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
