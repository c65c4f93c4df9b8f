//! Which message gets which banner (P8, and the contract's table): only what the server itself recorded for this user
//! is believed, and only there ways are offered.

use black_box::{Mail, Name, Report, Role, User};
use rstest::rstest;
use serde_json::json;

use crate::hosts::{Host, Language, Look};
use crate::mails::{SENTENCE, bounce, bring, html, text};
use crate::webmail::Webmail;

/// A stop of some of these recipients' copies, of a mail whose sent copy lies in Sent.
pub(crate) fn stopped(host: Host, user: &User, to: &[&str]) -> Report {
    user.switch("on");
    let mail = Mail::new(&user.address, to);
    user.post(&mail);
    host.file_sent(user, mail.to_string().as_bytes());
    user.wait_for_bounce(&mail.message_id)
}

/// Opens the message from this sender.
fn open(page: &Webmail, from: &str) {
    page.go(page.words.inbox);
    page.open_row(from);
    page.expect_text(from);
}

fn assert_no_ways(page: &Webmail, case: &str) {
    for way in page.ways() {
        assert!(!page.has(Role::Button, way), "{case}: the way {way:?} is offered");
    }
}

#[rstest]
#[case::german("forged-de", Language::German)]
#[case::english("forged-en", Language::English)]
fn p08_a_forged_notice_is_called_one(
    #[case] name: &str,
    #[case] language: Language,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let bobs = stopped(host, &place.bob(), &["carla@plain.example"]);
    let Some(page) = Webmail::at_alices(host, name, &place, Look::of(language)) else { return };
    let words = page.words;
    let link = "https://switch-it-off.example/";
    let cases = [
        ("By name", bounce(&place, "By name", place.name(), "5.7.4", SENTENCE)),
        (
            "By subject and sentence",
            text(&place, "By subject and sentence", &format!("{SENTENCE}\r\n{link}\r\n")),
        ),
        ("In HTML", html(&place, "In HTML", &format!("<p>{SENTENCE}</p><p><a href='{link}'>{link}</a></p>"))),
        ("Of another user", bobs.raw.replace("Mail Delivery System", "Of another user")),
    ];
    for (_, message) in &cases {
        bring(&place, message);
    }
    Host::wait_for_inbox(&place.alice(), cases.len());
    for (from, _) in &cases {
        open(&page, from);
        let banner = page.banner(words.forged);
        assert!(banner.text().contains(words.nothing_known), "{from}: {}", banner.text());
        assert_no_ways(&page, from);
        assert_links_are_off(host, &page, from, link);
        page.shot(&from.to_lowercase().replace(' ', "-"));
    }
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// The reference webmail shows HTML in a frame of its own, Roundcube within the message's.
fn assert_links_are_off(host: Host, page: &Webmail, from: &str, link: &str) {
    assert!(!page.has(Role::Link, Name::Has("switch-it-off")), "{from}: its links are off");
    if host == Host::Roundcube {
        return;
    }
    let frames = page.all(Role::Frame, Name::Any);
    assert_eq!(frames.len(), usize::from(from == "In HTML"), "{from}");
    for frame in frames {
        let links = frame.script("return document.querySelectorAll('a[href], form, [onclick]').length");
        assert_eq!(links, 0, "{from}: its links are off");
        let shown = frame.script("return document.body.innerText");
        assert!(shown.as_str().is_some_and(|shown| shown.contains(link)));
    }
}

#[rstest]
#[case::german("other-de", Language::German)]
#[case::english("other-en", Language::English)]
fn p08_other_bounces_are_explained_without_ways(
    #[case] name: &str,
    #[case] language: Language,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    alice.switch("on");
    let Some(page) = Webmail::at_alices(host, name, &place, Look::of(language)) else { return };
    let words = page.words;
    bring(&place, &bounce(&place, "Elsewhere", "mx.elsewhere.example", "5.7.4", SENTENCE));
    bring(&place, &bounce(&place, "Full mailbox", "mx.elsewhere.example", "5.2.2", "552 5.2.2 Mailbox full"));
    let nobody = format!("nobody@{}", place.domain());
    let own = Mail::new(&alice.address, &[&nobody]);
    alice.post(&own);
    let ours = alice.wait_for_bounce(&own.message_id);
    assert_eq!(ours.recipients.first().map(|recipient| recipient.field("status")), Some("5.1.1"));
    Host::wait_for_inbox(&alice, 3);
    for (from, address) in [
        ("Elsewhere", "carla@plain.example"),
        ("Full mailbox", "carla@plain.example"),
        ("Mail Delivery System", &nobody),
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
    let letter = text(&place, "A friend", "I got a mail that said: TLS is required.\r\n");
    bring(&place, &letter.replace(Report::SUBJECT, "Help"));
    Host::wait_for_inbox(&alice, 4);
    open(&page, "A friend");
    page.expect_text("I got a mail");
    for region in [words.forged, words.stopped, words.not_delivered] {
        assert!(!page.has(Role::Region, region), "{region} above a letter");
    }
}

#[rstest]
fn p08_where_the_server_can_not_be_asked_no_way_is_offered(
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, "unchecked", &place, Look::PLAIN) else { return };
    stopped(host, &alice, &["carla@plain.example"]);
    page.go(page.words.inbox);
    page.row(Report::SUBJECT);
    page.block(&["*/api/v1/stops*"]);
    page.open_row(Report::SUBJECT);
    page.expect_text("We can't check right now whether this notice is genuine.");
    assert_no_ways(&page, "unchecked");
    assert!(!page.has(Role::Region, page.words.stopped));
    page.shot("unchecked");
    page.block(&[]);
    page.click(Role::Button, "Check again");
    page.banner(page.words.stopped);
    assert!(page.has(Role::Button, page.words.without));
}

#[rstest]
fn p06_the_banner_names_each_stopped_recipient_with_host_and_cause(
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, "causes", &place, Look::PLAIN) else { return };
    stopped(
        host,
        &alice,
        &["bob@tls.example", "carla@plain.example", "dora@legacy.example", "eve@broken.example"],
    );
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

#[rstest]
fn p08_each_of_the_three_ways_leads_somewhere(#[values(Host::Reference, Host::Roundcube)] host: Host) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, "ways", &place, Look::PLAIN) else { return };
    let words = page.words;
    let bounce = stopped(host, &alice, &["bob@tls.example", "carla@plain.example"]);
    assert_eq!(bounce.addresses(), ["carla@plain.example"]);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);

    page.click(Role::Button, words.tell);
    page.leave_frames();
    let dialog = page.one(Role::Dialog, words.tell);
    let prepared = dialog.all(Role::TextBox, Name::Any).remove(0).value();
    assert!(prepared.contains("carla@plain.example"), "{prepared}");
    page.shot("tell");
    page.press(black_box::Key::Escape);
    page.none(Role::Dialog, words.tell);
    page.enter_message();
    page.until("the keyboard where it was", || (page.focused().name() == words.tell).then_some(()));

    page.take_way(words.end_to_end);
    page.expect_recipients(words.to, "carla@plain.example");
    page.expect_text("with OpenPGP or S/MIME");
    page.expect_text("so your guarantee stops this mail too");
    page.shot("end-to-end");
    page.leave_composer();

    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);
    page.take_way(words.without);
    page.expect_recipients(words.to, "carla@plain.example");
    page.expect_text("leaves for carla@plain.example without the TLS guarantee");
    assert!(place.deliveries().iter().all(|delivery| delivery.tls.is_some()), "nothing is sent before Send");
    page.send();
    page.expect_sent();
    let delivered = black_box::wait_for("carla's copy", || {
        place.deliveries().into_iter().find(|delivery| delivery.domain == "plain.example")
    });
    assert_eq!(delivered.tls, None);
    assert_eq!(place.deliveries().iter().filter(|d| d.domain == "tls.example").count(), 1, "bob got it once");
    assert!(page.reminder().is_none(), "an override leaves the guarantee on");
    page.read(words.inbox, Report::SUBJECT);
    page.expect_text(words.sent_again);
}

/// The plain sentence: a page that trusted the mail could be led by it.
#[rstest]
fn p08_recipients_host_and_cause_come_from_the_record_not_from_the_mail(
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, "record", &place, Look::PLAIN) else { return };
    let genuine = stopped(host, &alice, &["carla@plain.example"]);
    let twisted = genuine
        .raw
        .replace("Mail Delivery System", "Twisted")
        .replace("carla@plain.example", "mallory@evil.example")
        .replace("mx.plain.example", "mx.evil.example");
    bring(&place, &twisted);
    Host::wait_for_inbox(&alice, 2);
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
        page.take_way(page.words.without);
        page.expect_recipients(page.words.to, "carla@plain.example");
    }
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// Roundcube shows a message in three places: beside the list, alone, and in a window of its own.
#[test]
fn p08_the_banner_is_wherever_roundcube_shows_the_message() {
    let host = Host::Roundcube;
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, "places", &place, Look::of(Language::German)) else { return };
    let words = page.words;
    stopped(host, &alice, &["carla@plain.example"]);
    page.go(words.inbox);
    page.row(Report::SUBJECT).double_click();
    page.first("body.action-show");
    page.banner(words.stopped);
    page.shot("alone");
    page.open_more();
    page.one(Role::MenuItem, words.open_as_new);
    page.press(black_box::Key::Escape);
    page.take_way(words.end_to_end);
    page.expect_recipients(words.to, "carla@plain.example");
    page.leave_composer();

    page.read(words.inbox, Report::SUBJECT);
    let list = page.tab();
    page.press_first("#message-header a.extwin");
    page.switch_to_new_window(&list);
    page.first("body.action-show");
    page.banner(words.stopped);
    page.shot("own-window");
    page.take_way(words.without);
    page.expect_recipients(words.to, "carla@plain.example");
    page.expect_text(words.leaves_without);
    page.send();
    black_box::wait_for("carla's copy", || {
        place.deliveries().into_iter().find(|one| one.domain == "plain.example")
    });
    // Its window closes by itself.
    page.until("the end of the window", || (page.windows() == 1).then_some(()));
    page.switch_to(&list);
    page.leave_frames();
    assert!(page.reminder().is_none(), "an override leaves the guarantee on");
    page.read(words.inbox, Report::SUBJECT);
    page.expect_text(words.sent_again);
}

/// Counts the presses of whoever sits there, over all pages and frames of the webmail.
const COUNT: &str = "addEventListener('click', event => { if (event.isTrusted) \
    sessionStorage.presses = Number(sessionStorage.presses || 0) + 1 }, true)";

/// From the open bounce to the mail on its way: the way, and Send.
#[rstest]
fn p08_two_presses_lead_from_the_bounce_to_the_mail_on_its_way(
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, "presses", &place, Look::PLAIN) else { return };
    stopped(host, &alice, &["bob@tls.example", "carla@plain.example"]);
    page.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": COUNT }));
    page.reload();
    page.read(page.words.inbox, Report::SUBJECT);
    page.banner(page.words.stopped);
    page.script("sessionStorage.presses = 0");
    page.take_way(page.words.without);
    page.send();
    page.expect_sent();
    let delivered = black_box::wait_for("carla's copy", || {
        place.deliveries().into_iter().find(|delivery| delivery.domain == "plain.example")
    });
    assert_eq!(delivered.rcpt_to, ["carla@plain.example"]);
    assert_eq!(page.script("return sessionStorage.presses"), "2", "the way, and Send");
}

/// Has the page learn from now on that the way to carla is encrypted, as if that had changed.
const CARLA_IS_REACHED: &str = "const fetched = window.fetch; window.fetch = async (asked, how) => { \
    const request = new Request(asked, how); \
    if (!request.url.endsWith('/checks')) return fetched(request); \
    const found = recipient => recipient.startsWith('carla@') ? { protection: 'encrypted', outcome: 'deliver' } \
        : { protection: 'none', outcome: 'stop', cause: 'no_starttls' }; \
    const { recipients } = await request.json(); \
    const results = recipients.map(recipient => ({ recipient, promised: false, reason: '', host: 'mx.plain.example', \
        observed_at: new Date().toISOString(), ...found(recipient) })); \
    return new Response(JSON.stringify({ results }), { headers: { 'content-type': 'application/json' } }) }";

/// Only those whom it reaches, with the guarantee on: what the page was told does not decide, the delivery does.
#[rstest]
#[case::german("again-de", Language::German)]
#[case::english("again-en", Language::English)]
fn a_stopped_mail_is_offered_again_once_the_way_is_encrypted(
    #[case] name: &str,
    #[case] language: Language,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, name, &place, Look::of(language)) else { return };
    let words = page.words;
    stopped(host, &alice, &["bob@tls.example", "carla@plain.example", "dora@plain.example"]);
    page.devtools("Network.clearBrowserCache", &json!({}));
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);
    page.until("the question for the way", || {
        page.asked_for().iter().any(|url| url.ends_with("/checks")).then_some(())
    });
    assert!(!page.has(Role::Button, words.send_again), "nothing has changed");

    page.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": CARLA_IS_REACHED }));
    page.reload();
    page.read(words.inbox, Report::SUBJECT);
    let banner = page.banner(words.stopped);
    page.until("the offer", || banner.has(Role::Button, words.send_again).then_some(()));
    let offer = format!("carla@plain.example {}", words.encrypted_by_now);
    assert!(banner.text().contains(&offer), "{}", banner.text());
    for way in page.ways() {
        assert!(banner.has(Role::Button, way), "the way {way:?} is still there");
    }
    page.shot("offer");
    page.take_way(words.send_again);
    page.expect_recipients(words.to, "carla@plain.example");
    page.expect_recipients(words.cc, "");
    page.expect_recipients(words.bcc, "");
    assert!(!page.text().contains(words.again), "nothing warns of a stop: {}", page.text());
    assert!(!page.has(Role::Radio, Name::Any), "there is nothing to choose");
    page.send();
    page.expect_sent();
    let stop = black_box::wait_for("another stop", || {
        alice.stops().into_iter().find(|stop| stop.recipients.len() == 1)
    });
    assert_eq!(stop.recipients[0].address, "carla@plain.example");
    assert!(place.deliveries().iter().all(|delivery| delivery.tls.is_some()), "no override was recorded");
}

/// "not sent" for as long as it is so, and for whom it is so.
#[rstest]
#[case::german("mark-de", Language::German)]
#[case::english("mark-en", Language::English)]
fn p09_the_mark_says_to_whom_it_was_sent_again(
    #[case] name: &str,
    #[case] language: Language,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let alice = place.alice();
    let Some(page) = Webmail::at_alices(host, name, &place, Look::of(language)) else { return };
    let words = page.words;
    let (carla, dora) = ("carla@plain.example", "dora@plain.example");
    let both = format!("{carla}{}{dora}", words.and);
    stopped(host, &alice, &["bob@tls.example", carla, dora]);
    let subject = alice.list("Sent").remove(0).subject;
    let marked = |expected: &[String]| {
        page.go(words.sent);
        page.until(&format!("the mark {expected:?} in the list"), || {
            let line = page.line(&subject);
            let all = expected.iter().all(|words| line.contains(words));
            (all && line.contains(words.not_sent) == expected[0].starts_with(words.not_sent)).then_some(())
        });
        assert_eq!(page.nameless(".mark svg").len(), 1, "a symbol beside the words");
        page.shot("list");
        page.open_row(&subject);
        page.until(&format!("the mark {expected:?} above the message"), || {
            let text = page.text();
            let all = expected.iter().all(|words| text.contains(words));
            (all && text.contains(words.not_sent) == expected[0].starts_with(words.not_sent)).then_some(())
        });
    };
    let send_again = |expected: &str, to: &str, subject: &str| {
        page.read(words.inbox, Report::SUBJECT);
        page.banner(words.stopped);
        page.take_way(words.without);
        page.expect_recipients(words.to, expected);
        page.set_recipients(words.to, to);
        page.fill(words.subject, subject);
        page.send();
        page.expect_sent();
    };
    let to = if language == Language::German { "an" } else { "to" };
    let not_sent = |whom: &str| format!("{} {to} {whom}", words.not_sent);
    marked(&[not_sent(&both)]);
    send_again(&format!("{carla}, {dora}"), carla, "Once more");
    marked(&[not_sent(dora), format!("{} {carla}", words.marked_again)]);
    send_again(dora, dora, "And again");
    marked(&[format!("{} {both}", words.marked_again)]);
    page.read(words.inbox, Report::SUBJECT);
    page.expect_text(words.sent_again);
    let got: Vec<_> = place.deliveries().into_iter().filter(|one| one.domain == "plain.example").collect();
    assert_eq!(got.len(), 2, "each of them got it once: {got:?}");
}
