//! Knowing before sending, in the reference webmail: what stands below each field, and the one question before a mail with
//! a recipient leaves for whom the guarantee would stop it. What the page says is compared with what then happens.

use black_box::{Demo, Element, Key, Name, Role, Screen, User};
use rstest::rstest;
use serde_json::json;

use crate::hosts::{Host, Language, Look};
use crate::webmail::Webmail;

const BOB: &str = "bob@tls.example";
const CARLA: &str = "carla@plain.example";
const EVE: &str = "eve@dane-mismatch.example";

/// A list's lines below a field, each as it is read out: address and word.
fn lines(page: &Webmail, field: &str) -> Vec<String> {
    let lines = page.nameless(&format!("#tlsg-{field} > li"));
    lines.iter().map(|line| line.text().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Waits until the list below a field says this, each line as it begins.
fn expect_lines(page: &Webmail, field: &str, expected: &[&str]) {
    page.until(&format!("{expected:?} below {field}"), || {
        let said = lines(page, field);
        let is_said = said.len() == expected.len()
            && said.iter().zip(expected).all(|(line, expected)| line.starts_with(expected));
        is_said.then_some(())
    });
}

fn expect_below(page: &Webmail, expected: &[&str]) {
    expect_lines(page, "to", expected);
}

/// Every kind of way there is in the small internet.
const ADDRESSES: [&str; 14] = [
    "a@tls.example",
    "a@verified.example",
    "a@dane.example",
    "a@sts.example",
    "a@plain.example",
    "a@legacy.example",
    "a@broken.example",
    "a@dane-mismatch.example",
    "a@sts-mismatch.example",
    "a@bogus.example",
    "a@mixed.example",
    "a@down.example",
    "a@nomail.example",
    "a@home.example",
];

const IN_GERMAN: [&str; 14] = [
    "verschlüsselt (gesehen ",
    "verschlüsselt und geprüft (gesehen ",
    "DANE (zugesagt)",
    "verschlüsselt und geprüft (zugesagt)",
    "unverschlüsselt",
    "unverschlüsselt",
    "unverschlüsselt",
    "weist sich falsch aus",
    "weist sich falsch aus",
    "würde warten",
    "verschlüsselt (gesehen ",
    "würde warten",
    "nimmt keine E-Mails an",
    "bleibt auf diesem Server",
];

const IN_ENGLISH: [&str; 14] = [
    "encrypted (seen ",
    "encrypted and verified (seen ",
    "DANE (promised)",
    "encrypted and verified (promised)",
    "unencrypted",
    "unencrypted",
    "unencrypted",
    "does not prove to be the right server",
    "does not prove to be the right server",
    "would wait",
    "encrypted (seen ",
    "would wait",
    "accepts no mail",
    "stays on this server",
];

#[rstest]
#[case::german(Language::German, Screen::SmallPhone, IN_GERMAN, "unverschlüsselt",
    ["wird mit Ihrer TLS-Versand-Garantie nicht gesendet.", "Wenn nicht, wird gestoppt.", "Ohne Garantie ist das keine Zusage.",
    "Gründe anzeigen", "Keine Verschlüsselung angeboten."])]
#[case::english(Language::English, Screen::Desktop, IN_ENGLISH, "unencrypted",
    ["With your TLS sending guarantee, nothing is sent to", "If it no longer holds, sending stops.",
    "Without the guarantee that is no promise.", "Show reasons", "No encryption offered."])]
fn each_recipient_is_shown_with_a_word(
    #[case] language: Language,
    #[case] screen: Screen,
    #[case] words: [&str; 14],
    #[case] in_clear: &str,
    #[case] said: [&str; 5],
) {
    let demo = Demo::start();
    let look = Look { screen, ..Look::of(language) };
    let Some(page) = Webmail::at_alices(Host::Reference, "ahead-words", &demo, look) else { return };
    let [not_sent, enforced, no_promise, why, no_starttls] = said;
    demo.alice().switch("on");
    page.compose();
    page.set_recipients(page.words.to, &ADDRESSES.join(", "));
    let expected: Vec<String> =
        ADDRESSES.iter().zip(words).map(|(address, word)| format!("{address} {word}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    expect_below(&page, &expected);
    page.expect_text(not_sent);
    page.expect_text(enforced);
    page.shot("on");
    page.click(Role::Button, why);
    page.expect_text(no_starttls);
    page.shot("reasons");
    // A symbol for each, never a colour alone; and one place only that tells of changes.
    let marks = "return [...document.querySelectorAll('#tlsg-to > li')].every(li => document.querySelector(li.querySelector('use').getAttribute('href')))";
    assert_eq!(page.script(marks), true);
    // Without the guarantee nothing is promised that only it sees to; where a host in clear comes first, it is taken.
    demo.alice().switch("off");
    page.expect_text(no_promise);
    let mixed = format!("a@mixed.example {in_clear}");
    page.until("what leaves in clear then", || lines(&page, "to").contains(&mixed).then_some(()));
    let text = page.text();
    assert!(!text.contains(not_sent) && !text.contains(enforced), "{text}");
    page.shot("off");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// A composer of alice's with this recipient and that, all of whom are known.
fn written(demo: &Demo, name: &str, to: &[&str]) -> Option<(Webmail, User)> {
    let page = Webmail::of_alice(name, demo)?;
    let alice = demo.alice();
    alice.switch("on");
    page.write(&to.join(", "), "Ahead", "Text");
    let not_known = || lines(&page, "to").iter().all(|line| !line.ends_with("not known yet"));
    page.until("all known", || (lines(&page, "to").len() == to.len() && not_known()).then_some(()));
    Some((page, alice))
}

/// The question, with the safe button under the keyboard.
fn asked(page: &Webmail) -> Element<'_> {
    let dialog = page.one(Role::Dialog, "Not every way is encrypted.");
    page.until("the keyboard at Back", || (page.focused().name() == page.words.back).then_some(()));
    dialog
}

/// The one message that alice has sent, by its Message-ID.
fn sent(alice: &User) -> String {
    let listed = alice.wait_until("the sent copy", || alice.list("Sent").into_iter().next());
    listed.message_id.expect("a Message-ID")
}

/// To whom a message was delivered, once so many were.
fn delivered(demo: &Demo, id: &str, count: usize) -> Vec<String> {
    black_box::wait_for(&format!("{count} deliveries"), || {
        let all = demo.deliveries();
        let mut to: Vec<String> = all
            .iter()
            .filter(|one| one.message_id.as_deref() == Some(id))
            .flat_map(|one| one.rcpt_to.clone())
            .collect();
        to.sort();
        (to.len() >= count).then_some(to)
    })
}

#[test]
fn to_the_encrypted_ones_and_the_others_stay_in_the_draft() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-encrypted", &[BOB, CARLA, EVE]) else { return };
    page.send();
    let dialog = asked(&page);
    let text = dialog.text();
    for expected in [CARLA, EVE, "Nothing has been sent yet.", "To 1 of 3 recipients."] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    page.shot("question");
    page.click(Role::Button, "Send to the encrypted ones");
    page.expect_text("Sent to 1 of 3 recipients.");
    page.expect_recipients(page.words.to, &format!("{CARLA}, {EVE}"));
    page.expect_value(page.words.subject, "Ahead");
    page.expect_written("Text");
    page.shot("left");
    let id = sent(&alice);
    assert_eq!(delivered(&demo, &id, 1), [BOB]);
    assert_eq!(alice.stops().len(), 0, "nobody else was tried");
    page.reload();
    page.expect_recipients(page.words.to, &format!("{CARLA}, {EVE}"));
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[test]
fn with_the_guarantee_the_server_stops_what_it_must() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-with", &[BOB, CARLA]) else { return };
    page.send();
    asked(&page);
    page.click(Role::Button, page.words.send_with);
    page.expect_sent();
    let id = sent(&alice);
    let stops = alice.wait_until("the stop", || Some(alice.stops()).filter(|stops| !stops.is_empty()));
    assert_eq!(stops[0].message_id, id);
    assert_eq!(stops[0].recipients.iter().map(|one| &*one.address).collect::<Vec<_>>(), [CARLA]);
    assert_eq!(delivered(&demo, &id, 1), [BOB]);
}

#[test]
fn without_the_guarantee_for_those_alone_who_were_named() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-without", &[BOB, CARLA, EVE]) else { return };
    page.send();
    asked(&page);
    page.one(Role::Button, page.words.without).double_click();
    page.expect_sent();
    let id = sent(&alice);
    // What the domain publishes binds all the same.
    let stops = alice.wait_until("the stop", || Some(alice.stops()).filter(|stops| !stops.is_empty()));
    assert_eq!(stops[0].recipients.iter().map(|one| &*one.address).collect::<Vec<_>>(), [EVE]);
    assert_eq!(delivered(&demo, &id, 2), [BOB, CARLA]);
    assert_eq!(alice.list("Sent").len(), 1, "sent once");
    assert_eq!(alice.guarantee()["state"], "on", "it was for this mail");
}

#[test]
fn where_no_override_helps_none_is_offered() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-bound", &[EVE]) else { return };
    page.send();
    let dialog = page.one(Role::Dialog, "Not every server is verified.");
    assert!(!dialog.has(Role::Button, page.words.without), "what does not help is not offered");
    assert!(!dialog.has(Role::Button, "Send to the encrypted ones"), "there is none");
    page.click(Role::Button, page.words.tell);
    page.one(Role::Dialog, page.words.tell);
    page.shot("tell");
    page.click(Role::Button, "Close");
    page.expect_recipients(page.words.to, EVE);
    assert_eq!(alice.list("Sent").len(), 0);
}

#[test]
fn encrypting_the_content_first_sends_nothing_yet() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-end-to-end", &[CARLA]) else { return };
    page.send();
    asked(&page);
    page.click(Role::Button, page.words.end_to_end);
    page.expect_text("Subject and addresses stay readable.");
    page.shot("explained");
    assert_eq!(alice.list("Sent").len(), 0);
    page.send();
    let dialog = asked(&page);
    assert!(!dialog.has(Role::Button, page.words.end_to_end), "that was taken already");
}

#[test]
fn the_question_by_keyboard_alone() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-keyboard", &[BOB, CARLA]) else { return };
    page.script("document.querySelector('.send .primary').focus()");
    page.press(Key::Enter);
    asked(&page);
    page.press(Key::Escape);
    page.none(Role::Dialog, Name::Any);
    page.until("the keyboard at Send", || (page.focused().name() == page.words.send).then_some(()));
    assert_eq!(alice.list("Sent").len(), 0);
    page.expect_recipients(page.words.to, &format!("{BOB}, {CARLA}"));
    page.press(Key::Enter);
    asked(&page);
    // Back is the last; from it the keyboard comes to the first.
    for _ in 0..3 {
        page.press(Key::Tab);
        if page.focused().name() == "Send to the encrypted ones" {
            break;
        }
    }
    assert_eq!(page.focused().name(), "Send to the encrypted ones");
    page.shot("at-the-way");
    page.press(Key::Enter);
    page.expect_text("Sent to 1 of 2 recipients.");
    assert_eq!(delivered(&demo, &sent(&alice), 1), [BOB]);
}

/// Who has decided already is not asked again, nor who has nothing to decide.
#[test]
fn nothing_is_asked_where_nothing_is_stopped() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-quiet", &[BOB]) else { return };
    page.send();
    page.none(Role::Button, page.words.send);
    assert_eq!(delivered(&demo, &sent(&alice), 1), [BOB]);
    alice.switch("off");
    page.write(CARLA, "Off", "Text");
    page.send();
    page.none(Role::Button, page.words.send);
    page.until("carla's", || demo.deliveries().into_iter().find(|one| one.domain == "plain.example"));
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// A switch in another tab makes the question one about nothing: it goes, and nothing was sent.
#[test]
fn a_question_about_what_is_no_more_goes_by_itself() {
    let demo = Demo::start();
    let Some((page, alice)) = written(&demo, "ahead-over", &[CARLA]) else { return };
    page.send();
    asked(&page);
    alice.switch("off");
    page.none(Role::Dialog, Name::Any);
    page.one(Role::Button, page.words.send);
    assert_eq!(alice.list("Sent").len(), 0);
}

/// A server that is away holds up neither typing nor Send.
#[test]
fn a_server_that_is_away_holds_nothing_up() {
    let mut demo = Demo::start();
    let Some(page) = Webmail::of_alice("ahead-away", &demo) else { return };
    demo.alice().switch("on");
    page.compose();
    demo.kill9();
    page.set_recipients(page.words.to, CARLA);
    page.fill(page.words.subject, "Away");
    expect_below(&page, &["carla@plain.example not known yet"]);
    page.send();
    page.expect_text("Not sent: the server can't be reached right now.");
    assert!(!page.has(Role::Dialog, Name::Any), "nothing is known that could be asked");
    page.shot("away");
    demo.start_again();
    // It is asked again by itself.
    expect_below(&page, &["carla@plain.example unencrypted"]);
    page.send();
    asked(&page);
}

#[test]
fn only_to_verified_servers_holds_for_one_mail_with_the_guarantee_off() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("ahead-demand", &demo) else { return };
    let alice = demo.alice();
    page.write(&format!("{BOB}, ada@verified.example"), "Demand", "Text");
    expect_below(&page, &["bob@tls.example encrypted (seen ", "ada@verified.example encrypted and verified"]);
    page.click(Role::CheckBox, "Only to verified servers");
    page.until("what is missing", || lines(&page, "to")[0].ends_with("not verified").then_some(()));
    page.shot("demanded");
    page.send();
    page.one(Role::Dialog, "Not every server is verified.");
    assert!(!page.has(Role::Button, page.words.without), "that would take back what is demanded");
    page.shot("question");
    page.click(Role::Button, page.words.send_with);
    page.expect_sent();
    let id = sent(&alice);
    let stops = alice.wait_until("the stop", || Some(alice.stops()).filter(|stops| !stops.is_empty()));
    assert_eq!(stops[0].recipients.iter().map(|one| &*one.address).collect::<Vec<_>>(), [BOB]);
    assert_eq!(delivered(&demo, &id, 1), ["ada@verified.example"]);
    // The next mail is as before.
    page.compose();
    let is_checked = "return document.querySelector('.demand input').checked";
    assert_eq!(page.script(is_checked), false);
}

/// Typing stays quick with a hundred recipients, on a processor four times slower: they add less than 50 ms to what a key
/// sets going in all its tasks together. It is measured in the processor's time, so that a busy machine makes no difference.
#[test]
fn a_hundred_recipients_hold_up_no_key() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("ahead-hundred", &demo) else { return };
    demo.alice().switch("on");
    page.compose();
    page.devtools("Performance.enable", &json!({ "timeDomain": "threadTicks" }));
    page.devtools("Emulation.setCPUThrottlingRate", &json!({ "rate": 4 }));
    page.click(Role::TextBox, page.words.subject);
    let mut alone = milliseconds_of_keys(&page, "a subject as it is typed");
    alone.sort_unstable();
    let usual = alone[alone.len() / 2];

    let people: Vec<String> = (0..98).map(|at| format!("person{at}@tls.example")).collect();
    page.click(Role::TextBox, page.words.to);
    page.script(&format!("document.execCommand('insertText', false, '{}')", people.join(", ")));
    page.until("98 known", || {
        let known = "return [...document.querySelectorAll('#tlsg-to .state')].filter(it => it.textContent.startsWith('encrypted')).length";
        (page.script(known) == 98).then_some(())
    });
    let keys = milliseconds_of_keys(&page, ", x@tls.example, y@dane.example");
    page.until("all shown", || (lines(&page, "to").len() == 100).then_some(()));
    assert!(keys.iter().all(|key| *key < usual + 50), "each key, with {usual} ms as usual: {keys:?}");
}

/// What each key costs, all its tasks and the driver's own together.
fn milliseconds_of_keys(page: &Webmail, text: &str) -> Vec<u32> {
    let spent = || {
        let metrics = page.devtools("Performance.getMetrics", &json!({}));
        let metrics = metrics["metrics"].as_array().cloned().unwrap_or_default();
        let tasks = metrics.iter().find(|metric| metric["name"] == "TaskDuration");
        tasks.and_then(|tasks| tasks["value"].as_f64()).expect("a duration")
    };
    let cost = |key: char| {
        let before = spent();
        page.type_keys(&key.to_string());
        ((spent() - before) * 1000.0) as u32
    };
    text.chars().map(cost).collect()
}
