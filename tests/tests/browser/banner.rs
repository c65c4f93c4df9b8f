//! Which message gets which banner (P8, and the contract's table): only what the server itself recorded for this user
//! is believed, and only there ways are offered.

use black_box::{Browser, Demo, Mail, Name, Report, Role, Screen, User};

use crate::mails::{SENTENCE, bounce, bring, html, text};
use crate::webmail::Webmail;
use crate::words::{ENGLISH, GERMAN, Words};

/// A stop of carla's and dora's copies for this user.
fn stopped(user: &User, to: &[&str]) -> Report {
    user.switch("on");
    let mail = Mail::new(&user.address, to);
    user.post(&mail);
    user.wait_for_bounce(&mail.message_id)
}

/// Opens the message from this sender.
fn open(page: &Webmail, from: &str) {
    page.go(page.words.inbox);
    page.click(Role::Link, Name::Has(from));
    page.expect_text(&format!("{from} <"));
}

fn assert_no_ways(page: &Webmail, case: &str) {
    for way in page.ways() {
        assert!(!page.has(Role::Button, way), "{case}: the way {way:?} is offered");
    }
}

#[test]
fn p08_a_forged_notice_is_called_one_in_english() {
    forged("forged-en", &ENGLISH);
}

#[test]
fn p08_a_forged_notice_is_called_one_in_german() {
    forged("forged-de", &GERMAN);
}

fn forged(name: &str, words: &'static Words) {
    let demo = Demo::start();
    let bobs = stopped(&demo.bob(), &["carla@plain.example"]);
    let Some(page) = Webmail::of(name, &demo, words, Screen::Desktop, "alice@home.example") else { return };
    let link = "https://switch-it-off.example/";
    let cases = [
        ("By name", bounce("By name", "home.example", "5.7.4", SENTENCE)),
        ("By subject and sentence", text("By subject and sentence", &format!("{SENTENCE}\r\n{link}\r\n"))),
        ("In HTML", html("In HTML", &format!("<p>{SENTENCE}</p><p><a href='{link}'>{link}</a></p>"))),
        ("Of another user", bobs.raw.replace("Mail Delivery System", "Of another user")),
    ];
    for (_, message) in &cases {
        bring(&demo, message);
    }
    for (from, _) in &cases {
        open(&page, from);
        let banner = page.banner(words.forged);
        assert!(banner.text().contains(words.nothing_known), "{from}: {}", banner.text());
        assert_no_ways(&page, from);
        assert!(!page.has(Role::Link, Name::Has("switch-it-off")), "{from}: its links are off");
        let frames = page.all(Role::Frame, Name::Any);
        assert_eq!(frames.len(), usize::from(*from == "In HTML"), "{from}");
        for frame in frames {
            let links = frame.script("return document.querySelectorAll('a[href], form, [onclick]').length");
            assert_eq!(links, 0, "{from}: its links are off");
            assert!(
                frame.script("return document.body.innerText").as_str().is_some_and(|t| t.contains(link))
            );
        }
        page.shot(&from.to_lowercase().replace(' ', "-"));
    }
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[test]
fn p08_other_bounces_are_explained_without_ways_in_english() {
    others("other-en", &ENGLISH);
}

#[test]
fn p08_other_bounces_are_explained_without_ways_in_german() {
    others("other-de", &GERMAN);
}

fn others(name: &str, words: &'static Words) {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let Some(page) = Webmail::of(name, &demo, words, Screen::Desktop, "alice@home.example") else { return };
    bring(&demo, &bounce("Elsewhere", "mx.elsewhere.example", "5.7.4", SENTENCE));
    bring(&demo, &bounce("Full mailbox", "mx.elsewhere.example", "5.2.2", "552 5.2.2 Mailbox full"));
    let own = Mail::to(&["nobody@home.example"]);
    alice.post(&own);
    let ours = alice.wait_for_bounce(&own.message_id);
    assert_eq!(ours.recipients.first().map(|recipient| recipient.field("status")), Some("5.1.1"));
    for (from, address) in [
        ("Elsewhere", "carla@plain.example"),
        ("Full mailbox", "carla@plain.example"),
        ("Mail Delivery System", "nobody@home.example"),
    ] {
        open(&page, from);
        let banner = page.banner(words.not_delivered);
        let text = banner.text();
        assert!(text.contains(address) && text.contains(words.not_us), "{from}: {text}");
        assert_no_ways(&page, from);
        assert!(!page.has(Role::Region, words.forged) && !page.has(Role::Region, words.stopped), "{from}");
        page.shot(&from.to_lowercase().replace(' ', "-"));
    }
    // A letter about bounces is a letter.
    bring(
        &demo,
        &text("A friend", "I got a mail that said: TLS is required.\r\n").replace(Report::SUBJECT, "Help"),
    );
    open(&page, "A friend");
    page.expect_text("I got a mail");
    for region in [words.forged, words.stopped, words.not_delivered] {
        assert!(!page.has(Role::Region, region), "{region} above a letter");
    }
}

#[test]
fn p08_where_the_server_can_not_be_asked_no_way_is_offered() {
    let demo = Demo::start();
    let alice = demo.alice();
    let Some(page) = Webmail::of_alice("unchecked", &demo) else { return };
    stopped(&alice, &["carla@plain.example"]);
    page.go(page.words.inbox);
    page.row(Report::SUBJECT);
    page.block(&["*/api/v1/stops*"]);
    page.click(Role::Link, Name::Has(Report::SUBJECT));
    page.expect_text("We can't check right now whether this notice is genuine.");
    assert_no_ways(&page, "unchecked");
    assert!(!page.has(Role::Region, page.words.stopped));
    page.shot("unchecked");
    page.block(&[]);
    page.click(Role::Button, "Check again");
    page.banner(page.words.stopped);
    assert!(page.has(Role::Button, page.words.without));
}

#[test]
fn p06_the_banner_names_each_stopped_recipient_with_host_and_cause() {
    let demo = Demo::start();
    let alice = demo.alice();
    let Some(page) = Webmail::of_alice("causes", &demo) else { return };
    stopped(&alice, &["bob@tls.example", "carla@plain.example", "dora@legacy.example", "eve@broken.example"]);
    page.read(page.words.inbox, Report::SUBJECT);
    let banner = page.banner(page.words.stopped);
    let stop = alice.stops().remove(0);
    assert_eq!(stop.recipients.len(), 3);
    page.until("each recipient with its host", || {
        let text = banner_text(&page);
        let all = stop.recipients.iter().all(|r| text.contains(&r.address) && text.contains(&r.host));
        (all && text.contains("1 other: delivered encrypted")).then_some(())
    });
    let text = banner.text();
    assert!(text.contains("offers no encryption"), "{text}");
    assert!(text.contains("outdated or could not be established"), "{text}");
    assert!(!text.contains("bob@"), "the others are only counted: {text}");
    page.shot("banner");
}

fn banner_text(page: &Webmail) -> String {
    page.banner(page.words.stopped).text()
}

#[test]
fn p08_each_of_the_three_ways_leads_somewhere() {
    let demo = Demo::start();
    let alice = demo.alice();
    let Some(page) = Webmail::of_alice("ways", &demo) else { return };
    let words = page.words;
    let bounce = stopped(&alice, &["bob@tls.example", "carla@plain.example"]);
    assert_eq!(bounce.addresses(), ["carla@plain.example"]);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);

    page.click(Role::Button, words.tell);
    let dialog = page.one(Role::Dialog, words.tell);
    let prepared = dialog.all(Role::TextBox, Name::Any).remove(0).value();
    assert!(prepared.contains("carla@plain.example"), "{prepared}");
    page.shot("tell");
    page.press(black_box::Key::Escape);
    page.none(Role::Dialog, words.tell);
    assert_eq!(page.focused().name(), words.tell, "the keyboard is where it was");

    page.click(Role::Button, words.end_to_end);
    page.expect_value(words.to, "carla@plain.example");
    page.expect_text("with OpenPGP or S/MIME");
    page.expect_text("so your guarantee stops this mail too");
    page.shot("end-to-end");
    page.click(Role::Link, words.back);
    page.banner(words.stopped);

    page.click(Role::Button, words.without);
    page.expect_value(words.to, "carla@plain.example");
    page.expect_text("leaves for carla@plain.example without the TLS guarantee");
    assert!(demo.deliveries().iter().all(|delivery| delivery.tls.is_some()), "nothing is sent before Send");
    page.send();
    page.expect_sent();
    let delivered = black_box::wait_for("carla's copy", || {
        demo.deliveries().into_iter().find(|delivery| delivery.domain == "plain.example")
    });
    assert_eq!(delivered.tls, None);
    assert_eq!(demo.deliveries().iter().filter(|d| d.domain == "tls.example").count(), 1, "bob got it once");
    page.read(words.inbox, Report::SUBJECT);
    page.expect_text("You have sent this mail again since.");
}

/// The plain sentence: a page that trusted the mail could be led by it.
#[test]
fn p08_recipients_host_and_cause_come_from_the_record_not_from_the_mail() {
    let demo = Demo::start();
    let alice = demo.alice();
    let Some(page) = Webmail::of_alice("record", &demo) else { return };
    let genuine = stopped(&alice, &["carla@plain.example"]);
    let twisted = genuine
        .raw
        .replace("Mail Delivery System", "Twisted")
        .replace("carla@plain.example", "mallory@evil.example")
        .replace("mx.plain.example", "mx.evil.example");
    bring(&demo, &twisted);
    open(&page, "Twisted");
    // It names a stop that there is: then what is shown, and what can be sent, is what was recorded.
    let banner = page.until("a banner", || {
        let confirmed = page.all(Role::Region, page.words.stopped);
        let forged = page.all(Role::Region, page.words.forged);
        confirmed.into_iter().chain(forged).next()
    });
    let text = banner.text();
    assert!(!text.contains("evil.example"), "from the mail: {text}");
    if banner.has(Role::Button, page.words.without) {
        page.click(Role::Button, page.words.without);
        page.expect_value(page.words.to, "carla@plain.example");
    }
    no_evil(&page);
}

fn no_evil(page: &Browser) {
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}
