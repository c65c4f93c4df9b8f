//! All there is to see: one view after the other, for those who look at each in a way of their own.

use black_box::{Key, PASSWORD, Report, Role, User};
use serde_json::json;

use crate::banner::stopped;
use crate::hosts::{Host, Place};
use crate::mails::{SENTENCE, bounce, bring, text};
use crate::webmail::Webmail;

const BOB: &str = "bob@tls.example";
const CARLA: &str = "carla@plain.example";

/// A visitor of a webmail in which nobody has logged in.
pub(crate) struct Tour<'t> {
    pub(crate) host: Host,
    pub(crate) page: &'t Webmail,
    pub(crate) place: &'t Place,
    /// Told of each view's name when it is there.
    pub(crate) look: &'t dyn Fn(&str),
}

impl Tour<'_> {
    /// From the log-in to the reminder.
    pub(crate) fn take(&self) {
        let alice = self.place.alice();
        self.log_in(&alice);
        self.settings(&alice);
        let subject = self.mailboxes(&alice);
        self.messages();
        self.ways(&subject);
        self.composer();
        self.without_an_answer();
        self.reminder(&alice, &subject);
    }

    fn log_in(&self, alice: &User) {
        let page = self.page;
        page.expect_log_in();
        (self.look)("log-in");
        page.log_in(&alice.address, PASSWORD);
        page.expect_mailboxes();
        (self.look)("inbox-empty");
    }

    fn settings(&self, alice: &User) {
        let (page, words) = (self.page, self.page.words);
        if self.host == Host::Reference {
            page.go(words.settings);
            page.one(Role::Link, words.my_account);
            (self.look)("settings");
            page.go(words.my_account);
            page.one(Role::Link, words.transport);
            (self.look)("account");
        }
        page.open_setting();
        page.one(Role::Button, words.activate);
        (self.look)("setting-off");
        let exception = json!({ "pattern": "partner.example", "note": "Their new server comes in spring." });
        alice.http.post("/api/v1/exceptions", &exception).ok();
        stopped(self.host, alice, &[CARLA, "dora@legacy.example"]);
        page.reload();
        page.one(Role::Button, words.deactivate);
        page.expect_text(CARLA);
        page.expect_text("partner.example");
        (self.look)("setting-on");
        page.press_first(".pause button");
        page.until("the pause", || (alice.guarantee()["state"] == "paused").then_some(()));
        page.one(Role::Button, words.activate);
        (self.look)("setting-paused");
        page.go(words.inbox);
        page.row(Report::SUBJECT);
        (self.look)("inbox-paused");
        alice.switch("on");
    }

    /// Fills the mailboxes; gives the subject of the message that was stopped.
    fn mailboxes(&self, alice: &User) -> String {
        let (page, words, place) = (self.page, self.page.words, self.place);
        bring(place, &bounce(place, "Forged", place.name(), "5.7.4", SENTENCE));
        bring(place, &bounce(place, "Elsewhere", "mx.elsewhere.example", "5.2.2", "552 5.2.2 Mailbox full"));
        let delayed = bounce(place, "Late", "mx.elsewhere.example", "4.4.1", "connection timed out");
        bring(place, &delayed.replace("Action: failed", "Action: delayed"));
        bring(place, &text(place, "A friend", "Good morning!\r\n").replace(Report::SUBJECT, "Hello"));
        Host::wait_for_inbox(alice, 5);
        page.go(words.inbox);
        page.row("Hello");
        (self.look)("inbox");
        page.go(words.sent);
        let subject = alice.list("Sent").remove(0).subject;
        page.row(&subject);
        page.until("the line's mark", || page.line(&subject).contains(CARLA).then_some(()));
        (self.look)("sent");
        page.open_row(&subject);
        page.expect_text(words.not_sent);
        (self.look)("sent-message");
        if self.host == Host::Reference {
            page.open_more();
            page.one(Role::MenuItem, words.open_as_new);
            (self.look)("more");
            page.press(Key::Escape);
        }
        subject
    }

    fn messages(&self) {
        let (page, words) = (self.page, self.page.words);
        for (from, banner, view) in [
            ("A friend", None, "letter"),
            ("Forged", Some(words.forged), "forged"),
            ("Elsewhere", Some(words.not_delivered), "other-bounce"),
            ("Mail Delivery System", Some(words.stopped), "stopped"),
        ] {
            page.go(words.inbox);
            page.open_row(from);
            match banner {
                Some(banner) => drop(page.banner(banner)),
                None => page.expect_text("Good morning!"),
            }
            (self.look)(view);
        }
        page.go(words.inbox);
        page.open_row("Late");
        page.banner(words.waiting);
        (self.look)("delayed");
    }

    fn read_the_stop(&self) {
        let (page, words) = (self.page, self.page.words);
        page.go(words.inbox);
        page.open_row("Mail Delivery System");
        page.banner(words.stopped);
    }

    fn ways(&self, subject: &str) {
        let (page, words) = (self.page, self.page.words);
        self.read_the_stop();
        page.click(Role::Button, words.tell);
        page.leave_frames();
        page.one(Role::Dialog, words.tell);
        (self.look)("tell");
        page.press(Key::Escape);
        page.none(Role::Dialog, words.tell);
        page.enter_message();
        for (way, view) in [(words.end_to_end, "end-to-end"), (words.without, "without")] {
            self.read_the_stop();
            page.take_way(way);
            page.until("the recipient", || page.text().contains(CARLA).then_some(()));
            (self.look)(view);
            page.leave_composer();
        }
        page.open_as_new(subject);
        page.expect_text(words.again);
        (self.look)("open-as-new");
        page.leave_composer();
    }

    fn composer(&self) {
        let (page, words) = (self.page, self.page.words);
        page.write(&format!("{BOB}, {CARLA}"), "A draft", "Some text");
        page.first(".chip.none");
        (self.look)("composer");
        page.press_first(".why");
        page.first(".reasons");
        (self.look)("reasons");
        page.send();
        page.one(Role::Button, words.send_with);
        (self.look)("question");
        page.press(Key::Escape);
        page.none(Role::Button, words.send_with);
        page.leave_composer();
    }

    fn without_an_answer(&self) {
        let (page, words) = (self.page, self.page.words);
        page.go(words.inbox);
        page.row("Hello");
        page.block(&["*/api/v1/stops*"]);
        page.open_row("Mail Delivery System");
        page.until("no answer", || page.ways().iter().all(|way| !page.has(Role::Button, *way)).then_some(()));
        (self.look)("unchecked");
        page.block(&[]);
    }

    fn reminder(&self, alice: &User, subject: &str) {
        let page = self.page;
        alice.switch("off");
        page.open_as_new(subject);
        page.send();
        page.expect_sent();
        page.until("the reminder", || page.reminder());
        (self.look)("reminder");
    }
}
