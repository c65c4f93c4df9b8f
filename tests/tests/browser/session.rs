//! Whose page it is.

use black_box::{Demo, Mail, Name, PASSWORD, Role, Screen};

use crate::mails::bring;
use crate::webmail::Webmail;
use crate::words::ENGLISH;

#[test]
fn a_wrong_password_is_said_and_the_address_stays() {
    let demo = Demo::start();
    let Some(page) = Webmail::open("log-in", &demo, &ENGLISH, Screen::Desktop) else { return };
    let words = page.words;
    page.log_in("alice@home.example", "wrong");
    page.until("the message", || {
        page.all(Role::Alert, Name::Any)
            .iter()
            .any(|alert| alert.text().contains("do not belong together"))
            .then_some(())
    });
    assert_eq!(page.value(words.address), "alice@home.example");
    page.until("the keyboard in the password", || (page.focused().name() == words.password).then_some(()));
    page.shot("wrong");
    page.fill(words.password, PASSWORD);
    page.click(Role::Button, words.log_in);
    page.one(Role::Link, words.inbox);
    // Nothing of a password is kept where a script could read it.
    let kept =
        page.script("return JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])");
    let kept = kept.as_str().unwrap_or_default();
    assert!(!kept.contains("wrong") && !kept.contains("token") && !kept.contains("tlsg_"), "{kept}");
}

#[test]
fn an_empty_form_asks_for_what_is_missing() {
    let demo = Demo::start();
    let Some(page) = Webmail::open("log-in-empty", &demo, &ENGLISH, Screen::SmallPhone) else { return };
    page.click(Role::Button, page.words.log_in);
    page.expect_text("Please enter your address and your password.");
    page.until("the keyboard in the address", || (page.focused().name() == page.words.address).then_some(()));
}

#[test]
fn a_reload_keeps_the_session_and_logging_out_ends_it() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("log-out", &demo) else { return };
    let words = page.words;
    page.open_setting();
    page.one(Role::Button, words.activate);
    page.reload();
    page.one(Role::Button, words.activate);
    page.log_out();
    page.expect_log_in();
    page.expect_text("You are logged out.");
    page.shot("out");
    page.reload();
    page.one(Role::Button, words.log_in);
    assert!(!page.has(Role::Link, words.inbox));
    // The browser's Back shows nothing of the mailbox either.
    page.script("history.back()");
    page.one(Role::Button, words.log_in);
    assert!(!page.has(Role::Link, words.inbox));
}

#[test]
fn two_users_see_their_own_mail_and_new_mail_appears_by_itself() {
    let demo = Demo::start();
    let Some(alice) = Webmail::of_alice("two-alice", &demo) else { return };
    let bob = Webmail::of("two-bob", &demo, &ENGLISH, Screen::Desktop, "bob@home.example");
    let Some(bob) = bob else { return };
    let words = alice.words;
    alice.write("bob@home.example", "For Bob alone", "Hello Bob");
    alice.send();
    alice.expect_sent();
    // Bob does nothing: his list does.
    bob.row("For Bob alone");
    bob.shot("new-mail");
    bob.click(Role::Link, Name::Has("For Bob alone"));
    bob.expect_text("Hello Bob");
    bob.go(words.sent);
    bob.expect_text("No messages.");
    alice.go(words.inbox);
    alice.expect_text("No messages.");
    alice.go(words.sent);
    alice.row("For Bob alone");
    let mail = Mail::new("dora@tls.example", &["alice@home.example"]);
    alice.go(words.inbox);
    bring(&demo, &mail.to_string());
    alice.row(&mail.subject);
    // What one of them knows by its address is nothing to the other.
    bob.open("/#/inbox/1");
    bob.reload();
    bob.one(Role::Link, words.inbox);
    assert!(!bob.text().contains(&mail.subject));
}

#[test]
fn a_session_that_has_ended_says_so_and_loses_nothing() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("ended", &demo) else { return };
    let words = page.words;
    page.write("bob@tls.example", "Before the end", "Some text");
    page.devtools("Network.clearBrowserCookies", &serde_json::json!({}));
    page.send();
    page.one(Role::Button, words.log_in);
    page.expect_text("Your session has ended.");
    page.shot("ended");
    page.log_in("alice@home.example", PASSWORD);
    page.one(Role::Button, words.compose);
    page.until("the draft", || {
        if !page.has(Role::Button, words.send) {
            page.click(Role::Button, words.compose);
        }
        page.has(Role::TextBox, words.message).then_some(())
    });
    page.expect_recipients(words.to, "bob@tls.example");
    page.expect_written("Some text");
    page.send();
    page.expect_sent();
    assert_eq!(demo.alice().list("Sent").len(), 1);
}
