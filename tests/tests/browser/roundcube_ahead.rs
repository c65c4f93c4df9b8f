//! Knowing before sending in Roundcube's own pages: its composer, its dialogs, its settings and its plugins.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use black_box::{Element, Key, Name, Provider, Role, Screen, User, run};
use rstest::rstest;

use crate::hosts::{Host, Look, Place};
use crate::webmail::Webmail;

const BOB: &str = "bob@tls.example";
const CARLA: &str = "carla@plain.example";

/// What a list below a field says, one line for each recipient.
fn said_below(page: &Webmail, field: &str) -> Vec<String> {
    let lines = page.nameless(&format!("#compose_{field} .chips > li"));
    lines.iter().map(|line| line.text().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Waits until the list below a field says this, each line as it begins.
fn expect_below(page: &Webmail, field: &str, expected: &[&str]) {
    page.until(&format!("{expected:?} below {field}"), || {
        let said = said_below(page, field);
        let is_it = said.len() == expected.len()
            && said.iter().zip(expected).all(|(line, expected)| line.starts_with(expected));
        is_it.then_some(())
    });
}

/// Whether Roundcube would ask before the composer is left.
fn would_ask(page: &Webmail) -> bool {
    page.script("return rcmail.cmp_hash !== rcmail.compose_field_hash()") == true
}

#[test]
fn below_each_field_stands_how_each_recipients_copy_would_travel() {
    let Some(place) = Host::Roundcube.start() else { return };
    let Some(page) = Webmail::at_alices(Host::Roundcube, "ahead-words", &place, Look::PLAIN) else { return };
    let words = page.words;
    place.alice().switch("on");
    page.compose();
    page.one(Role::CheckBox, "Only to verified servers").click();
    page.until("the demand", || {
        (page.script("return document.querySelector('.demand input').checked") == true).then_some(())
    });
    assert!(!would_ask(&page), "nothing was written");
    page.one(Role::CheckBox, "Only to verified servers").click();
    page.set_recipients(words.to, &format!("{BOB}, {CARLA}"));
    page.set_recipients(words.cc, "Dora Diaz <dora@dane.example>, fay@example.org");
    page.set_recipients(words.bcc, "eve@sts.example");
    expect_below(&page, "to", &["bob@tls.example encrypted (seen ", "carla@plain.example unencrypted"]);
    let here = "fay@example.org stays on this server";
    expect_below(&page, "cc", &["dora@dane.example DANE (promised)", here]);
    expect_below(&page, "bcc", &["eve@sts.example encrypted and verified (promised)"]);
    page.expect_text("nothing is sent to carla@plain.example");
    page.shot("words");
    // Roundcube's own list is as it was, and leads.
    page.expect_recipients(words.cc, "Dora Diaz <dora@dane.example>, fay@example.org");
    page.press_first("#compose_to li.recipient a.remove");
    expect_below(&page, "to", &["carla@plain.example unencrypted"]);
    page.press_first("#compose_to .why");
    page.expect_text("No encryption offered.");
    // What is being typed is nobody's address yet.
    page.press_first("#compose_to li.input input");
    page.type_keys("gil@tls.ex");
    page.press(Key::Tab);
    page.until("the typed address", || (said_below(&page, "to").len() == 2).then_some(()));
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// A mail that is being sent, and the question before it.
struct Asked<'p> {
    page: &'p Webmail,
    place: &'p Place,
    alice: User,
    subject: &'static str,
}

impl<'p> Asked<'p> {
    /// Writes to bob, who is reached encrypted, and carla, who is not, and presses Send.
    fn before(page: &'p Webmail, place: &'p Place, subject: &'static str) -> Self {
        page.write(BOB, subject, "Until Tuesday.");
        page.set_recipients(page.words.cc, CARLA);
        page.send();
        let asked = Self { page, place, alice: place.alice(), subject };
        asked.dialog();
        asked
    }

    fn dialog(&self) -> Element<'p> {
        self.page.one(Role::Dialog, "Not every way is encrypted.")
    }

    /// Takes a way, and waits until the mail lies in Sent; answers its Message-ID.
    fn sent_by(&self, way: &str) -> String {
        self.page.click(Role::Button, way);
        self.page.expect_sent();
        self.page.until("the sent copy", || {
            let sent = self.alice.list("Sent").into_iter().find(|mail| mail.subject == self.subject)?;
            sent.message_id
        })
    }

    fn is_with_bob(&self, message_id: &str) {
        let delivery = self.place.wait_for_delivery(message_id, "tls.example");
        assert_eq!(delivery.rcpt_to, [BOB]);
        assert!(delivery.tls.is_some(), "bob's copy was encrypted");
    }

    fn nothing_was_sent(&self) {
        assert!(!self.page.nameless("body.action-compose").is_empty(), "the composer is still there");
        assert!(self.alice.list("Sent").iter().all(|mail| mail.subject != self.subject));
        self.page.expect_recipients(self.page.words.to, BOB);
        self.page.expect_recipients(self.page.words.cc, CARLA);
        self.page.expect_value(self.page.words.subject, self.subject);
    }
}

#[rstest]
#[case::desktop("ahead-ways", Screen::Desktop)]
#[case::phone("ahead-ways-phone", Screen::Phone)]
fn each_answer_sends_what_it_says(#[case] name: &str, #[case] screen: Screen) {
    let Some(place) = Host::Roundcube.start() else { return };
    let look = Look { screen, ..Look::PLAIN };
    let Some(page) = Webmail::at_alices(Host::Roundcube, name, &place, look) else { return };
    let alice = place.alice();
    alice.switch("on");
    comes_back(&page, &place);
    leaves_carla_out(&page, &place);
    leaves_it_to_the_guarantee(&page, &place);
    does_without_for_carla(&page, &place);
    assert_eq!(alice.guarantee()["state"], "on", "no answer changes the setting");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// Back is where the keyboard is, Escape is the same, and so is asking the recipient.
fn comes_back(page: &Webmail, place: &Place) {
    let asked = Asked::before(page, place, "Back");
    page.until("the keyboard on Back", || (page.focused().name() == page.words.back).then_some(()));
    let text = asked.dialog().text();
    assert!(text.contains(CARLA) && !text.contains(BOB), "{text}");
    page.shot("question");
    page.press(Key::Escape);
    page.none(Role::Dialog, Name::Any);
    asked.nothing_was_sent();
    page.send();
    asked.dialog();
    page.click(Role::Button, page.words.tell);
    page.none(Role::Dialog, "Not every way is encrypted.");
    page.until("the text to take elsewhere", || page.all(Role::Dialog, Name::Any).into_iter().next());
    page.shot("tell");
    page.press(Key::Escape);
    page.none(Role::Dialog, Name::Any);
    asked.nothing_was_sent();
    page.leave_composer();
}

fn leaves_carla_out(page: &Webmail, place: &Place) {
    let asked = Asked::before(page, place, "Only encrypted");
    let id = asked.sent_by("Send to the encrypted ones");
    page.expect_text("Sent, but not to carla@plain.example.");
    page.shot("left-out");
    asked.is_with_bob(&id);
    let sent = asked.alice.wait_for_message("Sent", &id);
    assert!(!String::from_utf8_lossy(&sent).contains(CARLA), "her copy was not addressed");
    assert!(asked.alice.stops().is_empty(), "so nothing was stopped");
}

fn leaves_it_to_the_guarantee(page: &Webmail, place: &Place) {
    let asked = Asked::before(page, place, "With the guarantee");
    let id = asked.sent_by(page.words.send_with);
    asked.is_with_bob(&id);
    assert_eq!(asked.alice.wait_for_bounce(&id).addresses(), [CARLA]);
    assert!(place.deliveries_of(&id, "plain.example").is_empty());
}

fn does_without_for_carla(page: &Webmail, place: &Place) {
    let asked = Asked::before(page, place, "Without");
    let id = asked.sent_by(page.words.without);
    asked.is_with_bob(&id);
    let hers = place.wait_for_delivery(&id, "plain.example");
    assert_eq!((hers.rcpt_to, hers.tls), (vec![CARLA.to_owned()], None));
    assert!(page.reminder().is_none(), "the guarantee is still on");
}

#[test]
fn a_demand_holds_for_one_mail_even_without_the_guarantee() {
    let Some(place) = Host::Roundcube.start() else { return };
    let Some(page) = Webmail::at_alices(Host::Roundcube, "ahead-demand", &place, Look::PLAIN) else { return };
    let alice = place.alice();
    page.write("bob@tls.example, dora@dane.example", "Demanded", "Text");
    page.click(Role::CheckBox, "Only to verified servers");
    page.expect_text("Nothing is sent to bob@tls.example");
    page.send();
    page.one(Role::Dialog, "Not every server is verified.");
    page.shot("question");
    page.click(Role::Button, page.words.send_with);
    page.expect_sent();
    let stop = alice.wait_until("the stop", || alice.stops().into_iter().next());
    let stopped: Vec<_> =
        stop.recipients.iter().map(|one| (one.address.as_str(), one.cause.as_str())).collect();
    assert_eq!(stopped, [(BOB, "not_authenticated")]);
    place.wait_for_delivery(&stop.message_id, "dane.example");
    assert!(place.deliveries_of(&stop.message_id, "tls.example").is_empty());
    // The next mail is as ever.
    page.write(BOB, "As ever", "Text");
    page.send();
    page.expect_sent();
    let sent = page.until("the sent copy", || {
        alice.list("Sent").into_iter().find(|mail| mail.subject == "As ever").and_then(|mail| mail.message_id)
    });
    place.wait_for_delivery(&sent, "tls.example");
}

#[test]
fn a_pause_is_shown_in_every_tab_and_ended_from_any() {
    let Some(place) = Host::Roundcube.start() else { return };
    let Some(page) = Webmail::at_alices(Host::Roundcube, "ahead-pause", &place, Look::PLAIN) else { return };
    let alice = place.alice();
    alice.switch("on");
    let end = "End the pause";
    let first = page.tab();
    page.open_tab();
    page.expect_mailboxes();
    page.compose();
    assert!(!page.has(Role::Button, end));
    let until = page.script("return new Date(Date.now() + 2400000).toISOString()");
    alice.pause(until.as_str().expect("a time")).ok();
    page.one(Role::Button, end);
    page.expect_text("The TLS sending guarantee is paused until");
    page.shot("composer");
    page.leave_composer();
    page.one(Role::Button, end);
    page.shot("list");
    page.open("?_task=settings");
    page.one(Role::Button, end);
    page.shot("settings");
    page.switch_to(&first);
    page.click(Role::Button, end);
    page.none(Role::Button, end);
    assert_eq!(alice.guarantee()["state"], "on");
}

/// Adds to Roundcube's configuration; `false`, said so, where the plugin is not installed.
fn add_plugin(provider: &Provider, plugin: &str, config: &str) -> bool {
    if !Path::new("/usr/share/roundcube/plugins").join(plugin).exists() {
        eprintln!("not run: Roundcube's plugin {plugin} is not installed");
        return false;
    }
    let path = provider.path("/etc/roundcube/config.inc.php");
    let mut file = OpenOptions::new().append(true).open(path).expect("Roundcube's configuration");
    write!(file, "\n$config['plugins'][] = '{plugin}';\n{config}\n").expect("written");
    true
}

#[test]
fn beside_the_filters_the_way_to_a_target_is_looked_at() {
    let Some(place) = Host::Roundcube.start() else { return };
    let Place::Provider(provider) = &place else { return };
    let config = format!(
        "$config['managesieve_host'] = '{}';\n$config['managesieve_forward'] = 1;",
        provider.managesieve().ip()
    );
    if !add_plugin(provider, "managesieve", &config) {
        return;
    }
    let Some(page) = Webmail::at_alices(Host::Roundcube, "ahead-filters", &place, Look::PLAIN) else {
        return;
    };
    for (form, address, said) in [
        ("?_task=settings&_action=plugin.managesieve-forward", CARLA, "unencrypted"),
        (
            "?_task=settings&_action=plugin.managesieve-action&_framed=1&_nav=hide&_fid=",
            BOB,
            "encrypted (seen",
        ),
    ] {
        page.open(form);
        page.first("#tls-guarantee-forwarding input");
        // Roundcube's own form comes first: what is set up there is taken over.
        page.script(&format!(
            "const field = document.querySelector('#action_target, input[name^=_action_target]'); \
             field.value = '{address}'; field.dispatchEvent(new Event('change', {{ bubbles: true }}))"
        ));
        page.press_first("#tls-guarantee-forwarding button[type=submit]");
        page.until("what was found", || {
            let found = page.nameless("#tls-guarantee-forwarding .found").first()?.text();
            (found.contains(address) && found.contains(said)).then_some(())
        });
        page.shot("found");
        assert!(page.script("return !document.querySelector('form form')") == true, "no form within another");
    }
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// Roundcube's plugin Enigma with a key of alice's and one of carla's; `false`, said so, where it can't be had.
fn with_enigma(provider: &Provider) -> bool {
    let home = provider.path("/var/lib/roundcube/enigma");
    let config = format!("$config['enigma_pgp_homedir'] = '{}';", home.display());
    if !Path::new("/usr/share/php/Crypt/GPG.php").exists() {
        eprintln!("not run: php-crypt-gpg is not installed");
        return false;
    }
    if !add_plugin(provider, "enigma", &config) {
        return false;
    }
    let keys = home.join("alice@example.org");
    let script = format!(
        "install -d -m 700 -o www-data -g www-data {home} {keys}\n\
         for address in alice@example.org {CARLA}; do\n\
         setpriv --reuid www-data --regid www-data --clear-groups gpg --homedir {keys} --batch --no-tty \
         --pinentry-mode loopback --passphrase '' --quick-gen-key $address future-default default never\n\
         done\n\
         setpriv --reuid www-data --regid www-data --clear-groups gpgconf --homedir {keys} --kill gpg-agent",
        home = home.display(),
        keys = keys.display(),
    );
    let made = run(Command::new("sh").args(["-e", "-c", &script]), b"");
    assert!(made.status.success(), "{made:?}");
    true
}

#[test]
fn where_roundcube_can_encrypt_the_way_switches_that_on() {
    let Some(place) = Host::Roundcube.start() else { return };
    let Place::Provider(provider) = &place else { return };
    if !with_enigma(provider) {
        return;
    }
    let Some(page) = Webmail::at_alices(Host::Roundcube, "ahead-enigma", &place, Look::PLAIN) else { return };
    let alice = place.alice();
    alice.switch("on");
    let wish = alice.http.put("/api/v1/preferences", &serde_json::json!({"end_to_end_without_tls": true}));
    assert_eq!(wish.status, 200);
    page.write(CARLA, "Encrypted", "A secret.");
    page.send();
    page.one(Role::Dialog, "Not every way is encrypted.");
    page.click(Role::Button, page.words.end_to_end);
    page.none(Role::Dialog, Name::Any);
    page.expect_text("The content will be encrypted end to end when you send.");
    assert_eq!(page.script("return document.querySelector('#enigmaencryptopt').checked"), true);
    page.shot("switched-on");
    sends_unasked(&page);
    leaves_encrypted(&place, "Encrypted", "Content-Type: text/plain");
    // With a second part, here a key, it is PGP/MIME; by the user's own switch it is the same.
    page.write(CARLA, "And a key", "A secret.");
    page.script("document.querySelector('#enigmaencryptopt').click()");
    page.script("document.querySelector('#enigmaattachpubkeyopt').click()");
    sends_unasked(&page);
    leaves_encrypted(&place, "And a key", "Content-Type: multipart/encrypted");
    assert!(alice.stops().is_empty());
}

/// What is encrypted already, and may go, is nothing to ask about.
fn sends_unasked(page: &Webmail) {
    page.send();
    page.until("the composer to be left", || {
        assert!(!page.has(Role::Dialog, Name::Any), "a question");
        page.nameless("body.action-compose").is_empty().then_some(())
    });
    page.expect_sent();
}

/// The mail was sent encrypted by Roundcube, and left without TLS: the user's own wish for such mail.
fn leaves_encrypted(place: &Place, subject: &str, kind: &str) {
    let alice = place.alice();
    let sent = black_box::wait_for("the sent copy", || {
        let mail = alice.list("Sent").into_iter().find(|mail| mail.subject == subject)?;
        mail.message_id
    });
    let copy = String::from_utf8_lossy(&alice.wait_for_message("Sent", &sent)).into_owned();
    for expected in [kind, "-----BEGIN PGP MESSAGE-----"] {
        assert!(copy.contains(expected) && !copy.contains("A secret."), "{expected} in {copy}");
    }
    assert_eq!(place.wait_for_delivery(&sent, "plain.example").tls, None);
}
