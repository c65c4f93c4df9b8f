//! A hundred people write mails, each in a way of their own: they paste lists, edit, undo, switch in another tab, while the
//! server is slow or away. What is sent is what was shown at the click, and what the page claimed of each way is compared
//! with what then happened there.

use std::collections::BTreeMap;

use black_box::{Demo, MessageStatus, Recipient, Role, User, wait_for};
use rstest::rstest;

use crate::webmail::Webmail;

/// Sessions of one seed; the four seeds make a hundred.
const SESSIONS: usize = 25;

/// The small internet's mix, less what changes by itself.
const DOMAINS: [&str; 13] = [
    "home.example",
    "tls.example",
    "verified.example",
    "dane.example",
    "sts.example",
    "plain.example",
    "plain.example",
    "legacy.example",
    "broken.example",
    "mixed.example",
    "dane-mismatch.example",
    "sts-mismatch.example",
    "down.example",
];

/// The dialog's ways that send.
const ENCRYPTED_ONES: &str = "Send to the encrypted ones";
const WITH: &str = "Send with the TLS guarantee";
const WITHOUT: &str = "Send without the TLS guarantee";
const BACK: &str = "Back";

/// What the page says of the way to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// `not known yet`, `would wait`: it claims nothing.
    Nothing,
    Unencrypted,
    Mismatch,
    NoMail,
    Encrypted,
    Verified,
    Promised,
    Dane,
    Here,
}

impl Claim {
    fn read(word: &str) -> Self {
        match word {
            "not known yet" | "would wait" => Self::Nothing,
            "unencrypted" => Self::Unencrypted,
            "accepts no mail" => Self::NoMail,
            "does not prove to be the right server" => Self::Mismatch,
            "encrypted and verified (promised)" => Self::Promised,
            "DANE (promised)" => Self::Dane,
            "stays on this server" => Self::Here,
            word if word.starts_with("encrypted and verified (seen ") => Self::Verified,
            word if word.starts_with("encrypted (seen ") => Self::Encrypted,
            word => panic!("a word that nobody knows: {word}"),
        }
    }

    fn is_protected(self) -> bool {
        matches!(self, Self::Encrypted | Self::Verified | Self::Promised | Self::Dane | Self::Here)
    }

    /// The least protection that it amounts to.
    fn least(self) -> &'static [&'static str] {
        match self {
            Self::Dane => &["dane"],
            Self::Verified | Self::Promised => &["authenticated", "dane"],
            Self::Encrypted | Self::Here => &["encrypted", "authenticated", "dane"],
            Self::Nothing | Self::Unencrypted | Self::Mismatch | Self::NoMail => &[],
        }
    }
}

/// Chance that can be repeated (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).expect("64 bits") % sides
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// What the page shows of the ways of a mail.
type Shown = BTreeMap<String, Claim>;

/// A mail that was sent.
#[derive(Debug)]
struct Sent {
    subject: String,
    /// What was shown at the click, of those it was to go to.
    shown: Shown,
    /// Whether the guarantee was to hold for it, by what the page said.
    on: bool,
    /// For whom the user did without it.
    without: Vec<String>,
}

/// One seed's people, one after another, all at Alice's browser.
struct Crowd<'w> {
    dice: Dice,
    demo: &'w mut Demo,
    alice: User,
    page: Webmail,
    sent: Vec<Sent>,
}

#[rstest]
#[case(1)]
#[case(2)]
#[case(3)]
#[case(4)]
fn what_is_shown_is_what_is_sent_and_what_is_claimed_holds(#[case] seed: u64) {
    let mut demo = Demo::start();
    let Some(page) = Webmail::of_alice(&format!("sessions-{seed}"), &demo) else { return };
    let alice = demo.alice();
    let mut crowd = Crowd { dice: Dice(seed), demo: &mut demo, alice, page, sent: Vec::new() };
    for number in 0..SESSIONS {
        crowd.session(&format!("Session {seed}.{number:02}"));
    }
    crowd.compare();
}

impl Crowd<'_> {
    fn session(&mut self, subject: &str) {
        let on = self.dice.chance(75);
        self.switch(on);
        let recipients = self.recipients();
        println!("{subject}: {} to {recipients:?}", if on { "on" } else { "off" });
        self.write(subject, &recipients);
        self.meddle(subject);
        if self.dice.chance(20) {
            // In another tab, or on another device.
            self.switch(!on);
        }
        if self.dice.chance(70) {
            self.wait_for_answers();
        }
        match self.dice.roll(10) {
            0 => self.press_while_away(subject),
            1 => {
                // As slow as can be: what is asked lies there until it goes on.
                self.demo.signal("STOP");
                let shown = self.press();
                self.demo.signal("CONT");
                self.decide(subject, shown);
            }
            _ => {
                let shown = self.press();
                self.decide(subject, shown);
            }
        }
    }

    /// Switches elsewhere, and waits until this page says so too.
    fn switch(&self, on: bool) {
        self.alice.switch(if on { "on" } else { "off" });
        self.page.until("the switch's state", || (self.is_on() == on).then_some(()));
    }

    /// What the page says of the switch.
    fn is_on(&self) -> bool {
        self.page.has(Role::Link, "Guarantee on")
    }

    fn recipients(&mut self) -> Vec<String> {
        let count = 1 + self.dice.roll(5);
        let mut recipients: Vec<String> =
            (0..count).map(|at| format!("person{at}@{}", self.dice.pick(&DOMAINS))).collect();
        for recipient in &mut recipients {
            if recipient.ends_with("@home.example") {
                *recipient = "bob@home.example".to_owned();
            }
        }
        recipients.dedup();
        recipients
    }

    fn write(&mut self, subject: &str, recipients: &[String]) {
        let words = self.page.words;
        self.page.click(Role::Button, words.compose);
        let list = match self.dice.roll(3) {
            0 => recipients.join(", "),
            1 => recipients.iter().map(|email| format!("A Person <{email}>")).collect::<Vec<_>>().join("; "),
            _ => recipients.join(" "),
        };
        let field = self.dice.pick(&[words.to, words.to, words.cc, words.bcc]);
        self.page.set_recipients(field, &list);
        self.page.fill(words.subject, subject);
        self.page.fill(words.message, "Some words.");
    }

    /// What people do between writing and sending.
    fn meddle(&mut self, subject: &str) {
        let words = self.page.words;
        for _ in 0..self.dice.roll(3) {
            let what = self.dice.roll(5);
            println!("{subject}: meddles {what}");
            match what {
                0 => {
                    // Typed, and taken back by undo.
                    let before = self.fields();
                    self.page.click(Role::TextBox, words.to);
                    self.page.type_keys("x");
                    self.page.until("what was typed", || (self.fields() != before).then_some(()));
                    self.page.press_with_control("z");
                    self.page.until("undone", || (self.fields() == before).then_some(()));
                }
                1 => {
                    let more = format!("later@{}", self.dice.pick(&["tls.example", "plain.example"]));
                    let before = self.page.value(words.cc);
                    let list = if before.is_empty() { more } else { format!("{before}, {more}") };
                    self.page.set_recipients(words.cc, &list);
                }
                2 => {
                    // Left and found again, as it was.
                    let before = self.fields();
                    self.page.go(words.sent);
                    self.page.none(Role::Button, words.send);
                    self.page.click(Role::Button, words.compose);
                    self.page.expect_value(words.subject, subject);
                    assert_eq!(self.fields(), before, "{subject}: the draft as it was left");
                }
                3 => {
                    let before = self.fields();
                    self.page.reload();
                    self.page.expect_value(words.subject, subject);
                    assert_eq!(self.fields(), before, "{subject}: the draft after a reload");
                }
                _ => self.page.fill(words.message, "Other words."),
            }
        }
    }

    /// The three fields of recipients, as they stand there.
    fn fields(&self) -> [String; 3] {
        let words = self.page.words;
        [words.to, words.cc, words.bcc].map(|field| self.page.value(field))
    }

    /// What the page shows of each recipient. A word that follows within moments may not be there yet.
    fn shown(&self) -> Shown {
        let script = "return [...document.querySelectorAll('.protection .chip')].map(chip => \
            [chip.querySelector('.addr').textContent, chip.querySelector('.state').textContent]);";
        let pairs: Vec<(String, String)> =
            serde_json::from_value(self.page.script(script)).expect("pairs of words");
        pairs.into_iter().map(|(email, word)| (email, Claim::read(&word))).collect()
    }

    /// Everybody who is in a field has a chip, and nobody else.
    fn wait_for_answers(&self) {
        self.page.until("an answer for everybody", || {
            let shown = self.shown();
            let known = |(email, claim): (&String, &Claim)| {
                *claim != Claim::Nothing || email.ends_with("@down.example")
            };
            (shown.len() == self.written().len() && shown.iter().all(known)).then_some(())
        });
    }

    /// The addresses in the fields.
    fn written(&self) -> Vec<String> {
        let text = self.fields().join(" ");
        let is_address = |word: &&str| word.contains('@');
        let mut written: Vec<String> =
            text.split([' ', ',', ';', '<', '>']).filter(is_address).map(str::to_owned).collect();
        written.sort();
        written.dedup();
        written
    }

    /// Presses Send; what was shown at that moment.
    fn press(&self) -> (bool, Shown) {
        let on = self.is_on();
        self.page
            .until("a chip for everybody", || (self.shown().len() == self.written().len()).then_some(()));
        let shown = self.shown();
        assert_eq!(shown.keys().cloned().collect::<Vec<_>>(), self.written(), "chips and fields");
        self.page.send();
        (on, shown)
    }

    /// Goes on from the click: through the dialog, if there is one.
    fn decide(&mut self, subject: &str, (on, shown): (bool, Shown)) {
        let words = self.page.words;
        // Looked at in one moment: while the dialog opens, all else goes out of reach.
        let script = "return document.querySelector('dialog[open]') ? 'asked' : document.querySelector('form.compose') ? null : 'sent';";
        let asked = self.page.until("the dialog, or the mail's way", || {
            self.page.script(script).as_str().map(|stage| stage == "asked")
        });
        if !asked {
            self.page.expect_text(words.said_sent);
            self.note(subject, shown, on, Vec::new());
            return;
        }
        assert!(on, "{subject}: asked though nothing would be stopped");
        // What is shown has been waited for meanwhile.
        let shown = self.shown();
        let way = self.dice.pick(&[ENCRYPTED_ONES, WITH, WITHOUT, BACK]);
        println!("{subject}: {way}");
        if way == BACK || !self.page.has(Role::Button, way) {
            self.page.click(Role::Button, BACK);
            self.page.none(Role::Button, WITH);
            assert_eq!(self.shown().len(), shown.len(), "{subject}: Back changes nothing");
            self.page.click(Role::Button, "Discard");
            self.page.none(Role::Button, words.send);
            return;
        }
        self.page.click(Role::Button, way);
        if way == ENCRYPTED_ONES {
            let (sent, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
                shown.into_iter().partition(|(_, claim)| claim.is_protected());
            // The others stay in the draft.
            let left: Vec<String> = left.into_keys().collect();
            self.page.until("those who are left", || (self.written() == left).then_some(()));
            self.page.click(Role::Button, "Discard");
            self.page.none(Role::Button, words.send);
            self.note(subject, sent, on, Vec::new());
            return;
        }
        self.page.none(Role::Button, words.send);
        self.page.expect_text(words.said_sent);
        let lifted = |(email, claim): (&String, &Claim)| {
            (way == WITHOUT && *claim == Claim::Unencrypted).then(|| email.clone())
        };
        let without = shown.iter().filter_map(lifted).collect();
        self.note(subject, shown, on, without);
    }

    /// The server is away at the click: nothing is sent, the draft is as it was, and it goes out once afterwards.
    fn press_while_away(&mut self, subject: &str) {
        println!("{subject}: the server is away");
        let before = self.fields();
        self.demo.kill9();
        self.page.send();
        self.page.until("what the page says of it", || {
            let asks = self.page.has(Role::Button, WITH);
            if asks {
                self.page.click(Role::Button, WITH);
            }
            let says = "return !document.querySelector('dialog[open]') && document.querySelector('.send .trouble').textContent !== ''";
            (self.page.script(says) == true).then_some(())
        });
        assert_eq!(self.fields(), before, "{subject}: the draft while the server is away");
        self.demo.start_again();
        self.page.until("the server's answers again", || {
            (self.is_on() == (self.alice.guarantee()["state"] == "on")).then_some(())
        });
        self.wait_for_answers();
        let shown = self.press();
        self.decide(subject, shown);
    }

    fn note(&mut self, subject: &str, shown: Shown, on: bool, without: Vec<String>) {
        self.sent.push(Sent { subject: subject.to_owned(), shown, on, without });
    }

    /// What was sent against what was shown, and what became of it against what was claimed.
    fn compare(self) {
        let (mut stops, mut foretold) = (0, 0);
        for sent in &self.sent {
            let status = self.settled(&sent.subject);
            let mut addresses: Vec<&String> = status.recipients.iter().map(|to| &to.address).collect();
            addresses.sort();
            assert_eq!(addresses, sent.shown.keys().collect::<Vec<_>>(), "{}: sent as shown", sent.subject);
            for recipient in &status.recipients {
                let claim = sent.shown[&recipient.address];
                sent.holds(recipient, claim);
                if recipient.state == "stopped" {
                    stops += 1;
                    foretold += usize::from(matches!(claim, Claim::Unencrypted | Claim::Mismatch));
                }
            }
        }
        println!("{} mails, {stops} stops, {foretold} of them foretold at the click", self.sent.len());
    }

    /// What became of the mail with this subject, once nothing of it is under way.
    fn settled(&self, subject: &str) -> MessageStatus {
        let copies: Vec<_> =
            self.alice.list("Sent").into_iter().filter(|mail| mail.subject == subject).collect();
        assert_eq!(copies.len(), 1, "{subject}: sent once");
        let id = copies[0].message_id.clone().expect("a Message-ID");
        wait_for(&format!("the end of {subject}"), || {
            let path = format!("/api/v1/messages?message_id={}", id.replace('+', "%2B"));
            let mut found: Vec<MessageStatus> = self.alice.http.get(&path).ok().parse();
            assert_eq!(found.len(), 1, "{subject}: one message");
            let status = found.remove(0);
            status.recipients.iter().all(|to| to.state != "queued").then_some(status)
        })
    }
}

impl Sent {
    /// Every claim against what happened.
    fn holds(&self, recipient: &Recipient, claim: Claim) {
        let told = format!("{}: {} was shown as {claim:?}: {recipient:?}", self.subject, recipient.address);
        let without = self.without.contains(&recipient.address);
        let protection = recipient.protection.as_deref();
        if self.on && !without {
            assert!(
                recipient.state != "delivered" || protection != Some("none"),
                "in clear with the guarantee: {told}"
            );
        }
        match claim {
            Claim::Nothing => {}
            Claim::NoMail => assert_eq!(recipient.state, "bounced", "{told}"),
            Claim::Here => assert_eq!(recipient.state, "delivered", "{told}"),
            Claim::Encrypted | Claim::Verified | Claim::Promised | Claim::Dane => {
                assert_eq!(recipient.state, "delivered", "{told}");
                assert!(claim.least().contains(&protection.unwrap_or_default()), "{told}");
            }
            Claim::Unencrypted if self.on && !without => assert_eq!(recipient.state, "stopped", "{told}"),
            Claim::Unencrypted => {
                assert_eq!((recipient.state.as_str(), protection), ("delivered", Some("none")), "{told}");
            }
            Claim::Mismatch if self.on => assert_eq!(recipient.state, "stopped", "{told}"),
            Claim::Mismatch => assert_eq!(recipient.state, "deferred", "{told}"),
        }
    }
}

/// Over the small internet's whole mix: which stops the composer foretold. All of them, but where something changed
/// between the answer and the delivery: only `stripped.example` does, with the first mail.
#[test]
fn the_composer_foretells_every_stop_but_of_what_changes_meanwhile() {
    let mut demo = Demo::start();
    let Some(page) = Webmail::of_alice("foretold", &demo) else { return };
    let alice = demo.alice();
    let mut crowd = Crowd { dice: Dice(0), demo: &mut demo, alice, page, sent: Vec::new() };
    crowd.switch(true);
    let others = ["stripped.example", "bogus.example", "nomail.example"];
    let everybody: Vec<String> = DOMAINS
        .iter()
        .chain(&others)
        .filter(|domain| **domain != "home.example")
        .map(|domain| format!("somebody@{domain}"))
        .collect();
    for subject in ["The first to all", "The second to all"] {
        crowd.write(subject, &everybody);
        crowd.page.until("an answer for everybody", || {
            let open = |(email, claim): &(&String, &Claim)| {
                let only_waits = email.ends_with("@down.example") || email.ends_with("@bogus.example");
                **claim == Claim::Nothing && !only_waits
            };
            let shown = crowd.shown();
            (shown.len() == crowd.written().len() && shown.iter().find(open).is_none()).then_some(())
        });
        let (on, shown) = crowd.press();
        crowd.page.click(Role::Button, WITH);
        crowd.page.none(Role::Button, crowd.page.words.send);
        crowd.note(subject, shown, on, Vec::new());
        let status = crowd.settled(subject);
        let stopped = status.recipients.iter().filter(|to| to.state == "stopped");
        let (mut stops, mut foretold) = (0, 0);
        for recipient in stopped {
            stops += 1;
            let claim = crowd.sent.last().expect("the mail").shown[&recipient.address];
            let is_foretold = matches!(claim, Claim::Unencrypted | Claim::Mismatch);
            foretold += usize::from(is_foretold);
            assert!(is_foretold, "{subject}: {} was shown as {claim:?}", recipient.address);
        }
        println!("{subject}: {foretold} of {stops} stops foretold");
        assert!(stops >= 5, "{subject}: {stops} stops");
    }
    crowd.compare();
}
