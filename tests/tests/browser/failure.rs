//! When something is away: a clear word, no lost draft, no wrong claim about protection, and Roundcube as it was.

use std::fs;
use std::time::{Duration, Instant};

use black_box::{Delivery, Mail, Provider, Report, Role, World};

use crate::banner::stopped;
use crate::hosts::{Host, Language, Look};
use crate::mails::bring;
use crate::webmail::Webmail;

const BOB: &str = "bob@tls.example";
const CARLA: &str = "carla@plain.example";
const DORA: &str = "dora@dane.example";

/// Alice's Roundcube, in English on a desktop.
fn alices(name: &str, provider: &Provider) -> Option<Webmail> {
    Webmail::at_alices(Host::Roundcube, name, provider, Look::PLAIN)
}

/// The only delivery to this recipient, waited for.
fn only_delivery(world: &World, recipient: &str) -> Delivery {
    let to = |delivery: &Delivery| delivery.rcpt_to.iter().any(|one| one == recipient);
    black_box::wait_for(&format!("a delivery to {recipient}"), || world.deliveries().into_iter().find(to));
    let mut all = world.deliveries();
    all.retain(to);
    assert_eq!(all.len(), 1, "{recipient} got it once: {all:?}");
    all.remove(0)
}

/// Sets the clock by which the plugin signs its tokens, as PHP. Before the first page: PHP keeps what it has read.
fn set_clock(provider: &Provider, now: &str) {
    let path = provider.path("/var/lib/roundcube/plugins/tls_guarantee/tls_guarantee.php");
    let source = fs::read_to_string(&path).expect("the plugin");
    assert!(source.contains("$now = time();"), "the plugin's clock");
    fs::write(path, source.replace("$now = time();", now)).expect("written");
}

#[test]
fn without_the_module_roundcube_is_as_it_was() {
    let Some(provider) = Provider::start() else { return };
    let module = provider.path("/var/lib/roundcube/plugins/tls_guarantee/module");
    if module.exists() {
        fs::remove_dir_all(module).expect("the module removed");
    }
    let Some(page) = alices("without-module", &provider) else { return };
    let words = page.words;
    page.write(BOB, "Without the module", "Some text");
    page.send();
    page.expect_sent();
    only_delivery(&provider, BOB);
    page.read(words.sent, "Without the module");
    page.expect_text("Some text");
    page.open_more();
    page.choose_open_as_new();
    page.expect_recipients(words.to, BOB);
    page.expect_written("Some text");
    page.leave_composer();
}

/// The strictest policy under which Roundcube 1.6 itself works.
#[test]
fn a_content_security_policy_leaves_all_of_it_working() {
    let Some(provider) = Provider::start() else { return };
    let config = provider.path("/etc/roundcube/config.inc.php");
    let policy = "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; \
        img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'self'";
    let header = format!("\nheader(\"Content-Security-Policy: {policy}\");\n");
    let old = fs::read_to_string(&config).expect("the configuration");
    fs::write(&config, format!("{old}{header}")).expect("written");
    let Some(page) = alices("policy", &provider) else { return };
    let words = page.words;
    page.open_setting();
    page.click(Role::Button, words.activate);
    page.one(Role::Button, words.deactivate);
    stopped(Host::Roundcube, &provider.alice(), &[CARLA]);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);
    page.take_way(words.without);
    page.expect_text(words.leaves_without);
    page.send();
    page.expect_sent();
    only_delivery(&provider, CARLA);
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[test]
fn while_the_server_is_away_nothing_is_claimed_and_nothing_lost() {
    let Some(mut provider) = Provider::start() else { return };
    let alice = provider.alice();
    let Some(page) = alices("server-away", &provider) else { return };
    let words = page.words;
    stopped(Host::Roundcube, &alice, &[CARLA]);
    provider.stop_server();

    // Reading is as ever; the banner says what it does not know.
    page.read(words.inbox, Report::SUBJECT);
    page.expect_text("TLS is required, but was not offered by host");
    page.expect_text("We can't check right now whether this notice is genuine.");
    assert!(page.ways().iter().all(|way| !page.has(Role::Button, *way)), "no ways");
    page.shot("banner");
    page.open_setting();
    page.until("the panel's word", || page.text().contains(AWAY).then_some(()));
    for claim in [words.activate, words.deactivate] {
        assert!(!page.has(Role::Button, claim), "{claim} is offered while nobody knows the state");
    }
    page.shot("setting");

    // What is written stays, and goes out once.
    page.write(BOB, "Patience", "Some text");
    page.send();
    page.until("what is said of the failure", || page.text().contains("SMTP Error").then_some(()));
    page.shot("not-sent");
    page.expect_recipients(words.to, BOB);
    page.expect_written("Some text");
    provider.start_server();
    page.send();
    page.expect_sent();
    assert!(only_delivery(&provider, BOB).tls.is_some());
    assert_eq!(alice.list("Sent").iter().filter(|mail| mail.subject == "Patience").count(), 1);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);
}

/// The panel's words where the server gave no answer.
const AWAY: &str = "can't be reached";

#[test]
fn an_expired_token_is_renewed_without_a_word() {
    let Some(provider) = Provider::start() else { return };
    // The first one of a session has expired when it is used.
    let clock = "$now = time() - (empty($_SESSION['had_one']) ? 400 : 0); $_SESSION['had_one'] = true;";
    set_clock(&provider, clock);
    let Some(page) = alices("token", &provider) else { return };
    let words = page.words;
    page.open_setting();
    page.click(Role::Button, words.activate);
    page.one(Role::Button, words.deactivate);
    assert_eq!(provider.alice().guarantee()["state"], "on");
}

#[test]
fn clocks_that_differ_are_said_in_the_panel_and_keep_nobody_from_writing() {
    let Some(provider) = Provider::start() else { return };
    let offset = provider.path("/var/lib/roundcube/offset");
    let set_off = |seconds: &str| fs::write(&offset, seconds).expect("written");
    set_clock(&provider, &format!("$now = time() + (int) file_get_contents('{}');", offset.display()));
    set_off("300");
    let Some(page) = alices("clock", &provider) else { return };
    let words = page.words;
    page.open_setting();
    page.until("the panel's word", || page.text().contains("clock").then_some(()));
    assert!(!page.has(Role::Button, words.activate), "nobody knows the state");
    page.shot("ahead");
    page.write(BOB, "In spite of the clock", "Some text");
    page.send();
    page.expect_sent();
    only_delivery(&provider, BOB);
    set_off("-400");
    page.open_setting();
    page.until("the panel's word", || page.text().contains("clock").then_some(()));
    set_off("0");
    page.click(Role::Button, "Try again");
    page.one(Role::Button, words.activate);
}

#[test]
fn while_dovecot_starts_again_a_draft_stays_and_is_sent_once() {
    let Some(mut provider) = Provider::start() else { return };
    let alice = provider.alice();
    let Some(page) = alices("dovecot", &provider) else { return };
    let words = page.words;
    alice.switch("on");
    page.write(&format!("{BOB}, {CARLA}"), "Through it all", "Some text");
    provider.stop_dovecot();
    page.send();
    page.click(Role::Button, words.send_with);
    page.until("what is said of the failure", || page.text().contains("SMTP Error").then_some(()));
    page.shot("not-sent");
    page.expect_written("Some text");
    assert_eq!(provider.deliveries().len(), 0);
    provider.start_dovecot();
    page.send();
    page.expect_sent();
    only_delivery(&provider, BOB);
    black_box::wait_for("the bounce", || alice.bounces().into_iter().next());
    assert_eq!(alice.list("Sent").iter().filter(|mail| mail.subject == "Through it all").count(), 1);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.stopped);
}

#[test]
fn a_second_tab_shows_what_the_first_one_switched() {
    let Some(provider) = Provider::start() else { return };
    let Some(page) = alices("second-tab", &provider) else { return };
    let words = page.words;
    page.open_setting();
    page.one(Role::Button, words.activate);
    let first = page.tab();
    let second = page.open_tab();
    page.expect_mailboxes();
    page.open_setting();
    page.click(Role::Button, words.activate);
    page.one(Role::Button, words.deactivate);
    let soon = |tab, name| {
        page.switch_to(tab);
        let start = Instant::now();
        page.one(Role::Button, name);
        // The server says a word each 15 s, and whoever hears nothing asks anew after that.
        assert!(start.elapsed() < Duration::from_secs(10), "seen after {:?}", start.elapsed());
    };
    soon(&first, words.deactivate);
    page.click(Role::Button, words.deactivate);
    page.one(Role::Button, words.activate);
    soon(&second, words.activate);
    assert_eq!(provider.alice().guarantee()["state"], "off");
}

#[test]
fn a_logged_out_tab_says_so_and_changes_nothing() {
    let Some(provider) = Provider::start() else { return };
    let Some(page) = alices("logged-out", &provider) else { return };
    let words = page.words;
    let alice = provider.alice();
    page.open_setting();
    page.click(Role::Button, words.activate);
    page.one(Role::Button, words.deactivate);
    let first = page.tab();
    page.open_tab();
    page.expect_mailboxes();
    page.log_out();
    page.switch_to(&first);
    page.click(Role::Button, words.deactivate);
    page.until("the log-in, or a word about it", || {
        let text = page.text();
        let said = text.contains("logged out") || text.contains("session") || text.contains("Session");
        (said || !page.nameless("#rcmloginsubmit").is_empty()).then_some(())
    });
    page.shot("said");
    assert_eq!(alice.guarantee()["state"], "on", "nobody who is logged out switches anything");
}

#[test]
fn two_users_of_one_browser_see_and_change_only_their_own() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    let Some(page) = alices("two-users", &provider) else { return };
    let words = page.words;
    // Alice: the guarantee on, a stop, and off again, so that she is to be reminded.
    stopped(Host::Roundcube, &alice, &[CARLA]);
    page.open_setting();
    page.one(Role::Button, words.deactivate);
    page.expect_text(CARLA);
    let alices_tab = page.tab();

    page.open_tab();
    page.expect_mailboxes();
    page.log_out();
    page.log_in(&bob.address, black_box::PASSWORD);
    page.expect_mailboxes();
    page.open_setting();
    page.one(Role::Button, words.activate);
    assert!(!page.text().contains(CARLA), "bob sees nothing of alice's stops");
    page.shot("bob");
    // Her mail, brought to him, proves nothing to him.
    let hers = alice.bounces().remove(0).raw;
    let mut smtp = black_box::Smtp::connect(provider.mx());
    smtp.command("EHLO mx.elsewhere.example").expect(250);
    smtp.transact("", &[&bob.address], &hers).expect(250);
    Host::wait_for_inbox(&bob, 1);
    page.read(words.inbox, Report::SUBJECT);
    page.banner(words.forged);
    page.write(BOB, "From bob", "Some text");
    page.send();
    page.expect_sent();
    only_delivery(&provider, BOB);
    assert!(page.reminder().is_none(), "bob had it never on");

    // Her stale tab is hers no more, and switches neither hers nor his.
    page.switch_to(&alices_tab);
    page.click(Role::Button, words.deactivate);
    page.until("an end of it", || {
        let still = page.has(Role::Button, words.deactivate) && !page.text().contains("session");
        (!still || !page.nameless("#messagestack > div").is_empty()).then_some(())
    });
    page.shot("stale");
    assert_eq!((&alice.guarantee()["state"], &bob.guarantee()["state"]), (&"on".into(), &"off".into()));
    assert_eq!(bob.list("INBOX").len(), 1);
    let mail = Mail::new("dora@tls.example", &[&alice.address]);
    bring(&provider, &mail.to_string());
    Host::wait_for_inbox(&alice, 2);
    page.reload();
    page.leave_frames();
    page.until("bob's own page", || (!page.text().contains(CARLA)).then_some(()));
}

#[test]
fn in_german_the_panel_says_that_the_server_is_away() {
    let Some(mut provider) = Provider::start() else { return };
    let look = Look::of(Language::German);
    let Some(page) = Webmail::at_alices(Host::Roundcube, "server-away-de", &provider, look) else { return };
    provider.stop_server();
    page.open_setting();
    page.until("the panel's word", || page.text().contains("nicht zu erreichen").then_some(()));
    page.shot("setting");
}

/// Presses Send, and waits until it is said that nothing was sent; the draft is as it was.
fn is_not_sent(page: &Webmail, said: &str) {
    page.send();
    page.expect_text(said);
    page.until("Send to be free again", || {
        (page.script("return !document.querySelector('#messagestack .loading')") == true).then_some(())
    });
    assert!(!page.nameless("body.action-compose").is_empty(), "the composer is still there");
    page.expect_recipients(page.words.to, DORA);
    page.expect_written("Some text");
}

#[test]
fn what_the_user_has_chosen_for_a_mail_is_not_left_out_when_the_module_does_not_answer() {
    let Some(provider) = Provider::start() else { return };
    let Some(page) = alices("no-answer", &provider) else { return };
    page.write(DORA, "Chosen", "Some text");
    page.one(Role::CheckBox, "Only to verified servers").click();
    page.until("the choice", || (page.script("return tls_guarantee.bound") == true).then_some(()));
    page.script("window.judges = tls_guarantee.guard; tls_guarantee.guard = () => new Promise(() => {})");
    is_not_sent(&page, "Not sent: your choice for this mail could not be recorded");
    page.shot("hangs");
    page.script("rcmail.clear_messages(); tls_guarantee.guard = () => { throw new Error('a trap') }");
    is_not_sent(&page, "Not sent: your choice for this mail could not be recorded");
    // What does not arrive as it was recorded is not sent under another name.
    page.script(
        "rcmail.clear_messages(); \
         tls_guarantee.guard = async () => { tls_guarantee.messageId('x@example.org'); return true }",
    );
    is_not_sent(&page, "Not sent: your choice for this mail could not be recorded");
    assert_eq!(provider.deliveries().len(), 0);
    assert!(provider.alice().list("Sent").is_empty());
    page.script("tls_guarantee.guard = window.judges");
    page.send();
    page.expect_sent();
    only_delivery(&provider, DORA);
}

#[test]
fn without_an_answer_and_a_choice_a_mail_is_sent_as_soon_as_roundcube_has_time() {
    let Some(provider) = Provider::start() else { return };
    let Some(page) = alices("no-answer-free", &provider) else { return };
    page.write(BOB, "Free", "Some text");
    page.until("the module", || (page.script("return !!tls_guarantee.guard") == true).then_some(()));
    // Roundcube is busy when the wait is over, as with a draft that it saves.
    page.script(
        "tls_guarantee.guard = () => { \
             setTimeout(() => { \
                 const lock = rcmail.set_busy(true, 'loading'); \
                 setTimeout(() => rcmail.set_busy(false, null, lock), 3000); \
             }, 6000); \
             return new Promise(() => {}) \
         }",
    );
    page.send();
    page.expect_sent();
    only_delivery(&provider, BOB);
}
