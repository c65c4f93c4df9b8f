//! Writing: nothing that was written is lost, and what is sent is what was written.

use std::path::PathBuf;

use black_box::{Demo, ListedMessage, Name, Role, User};
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use tempfile::TempDir;

use crate::webmail::Webmail;

const BOB: &str = "bob@home.example";

/// The mail with this subject in a folder, waited for, byte for byte.
fn arrived(user: &User, folder: &str, subject: &str) -> Vec<u8> {
    let listed: ListedMessage = user.wait_until(&format!("{subject} in {folder}"), || {
        user.list(folder).into_iter().find(|mail| mail.subject == subject)
    });
    user.raw(folder, &listed.id())
}

fn parse(raw: &[u8]) -> Message<'_> {
    MessageParser::default().parse(raw).expect("a message")
}

/// A file to attach.
fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

#[test]
fn a_draft_is_kept_when_it_is_left_and_nothing_is_asked() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("draft", &demo) else { return };
    let words = page.words;
    let folder = TempDir::new().expect("a folder");
    page.write("bob@tls.example, half-writ", "An <b>idea</b>", "First line\n\nThird line ä€😀");
    page.set_recipients(words.cc, "dora@tls.example");
    page.set_recipients(words.bcc, "eve@tls.example");
    page.choose_file(&file(&folder, "notes.txt", b"notes"));
    page.expect_text("notes.txt");
    let is_kept = || {
        page.expect_recipients(words.to, "bob@tls.example, half-writ");
        page.expect_recipients(words.cc, "dora@tls.example");
        page.expect_recipients(words.bcc, "eve@tls.example");
        page.expect_value(words.subject, "An <b>idea</b>");
        page.expect_written("First line\n\nThird line ä€😀");
        page.expect_text("notes.txt");
    };
    // By the folder's link; a question of the browser's own would end the test (`unhandledPromptBehavior`).
    page.go(words.sent);
    page.none(Role::Button, words.send);
    assert!(!page.has(Role::Dialog, Name::Any) && !page.has(Role::Alert, Name::Has("draft")));
    page.click(Role::Button, words.compose);
    is_kept();
    page.shot("kept");
    page.reload();
    is_kept();
    page.open("/");
    page.click(Role::Button, words.compose);
    is_kept();
    // After it is thrown away, Compose begins anew.
    page.click(Role::Button, "Discard");
    page.none(Role::Button, words.send);
    page.click(Role::Button, words.compose);
    page.expect_recipients(words.to, "");
    page.expect_written("");
    assert_eq!(demo.alice().list("Sent").len(), 0);
}

#[test]
fn attachments_arrive_byte_for_byte() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("attachments", &demo) else { return };
    let folder = TempDir::new().expect("a folder");
    let every_byte: Vec<u8> = (0..=255_u8).cycle().take(70_000).collect();
    let files: [(&str, &[u8]); 4] = [
        ("every byte.bin", &every_byte),
        ("Grüße „an“ alle; 1=2.txt", "Zeile\nohne\r\nOrdnung\r\räöü\n".as_bytes()),
        ("empty.dat", b""),
        ("mail.eml", b"From: a@b.example\r\nSubject: within\r\n\r\nSee\r\n--b\r\n.\r\n"),
    ];
    page.write(BOB, "Files", "See the files.");
    for (name, bytes) in &files {
        page.choose_file(&file(&folder, name, bytes));
        page.one(Role::Button, Name::Has(name));
    }
    page.choose_file(&file(&folder, "second thoughts.txt", b"not this one"));
    page.click(Role::Button, "Remove second thoughts.txt");
    page.none(Role::Button, "Remove second thoughts.txt");
    page.shot("files");
    page.send();
    page.expect_sent();
    let bob = demo.bob();
    let raw = arrived(&bob, "INBOX", "Files");
    let mail = parse(&raw);
    let got: Vec<(String, Vec<u8>)> = mail
        .attachments()
        .map(|part| {
            let bytes = match &part.body {
                PartType::Message(_) => raw
                    .get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)
                    .unwrap_or_default(),
                _ => part.contents(),
            };
            (part.attachment_name().unwrap_or_default().to_owned(), bytes.to_vec())
        })
        .collect();
    assert_eq!(got.len(), files.len());
    for ((name, bytes), (got_name, got_bytes)) in files.iter().zip(&got) {
        assert_eq!(name, got_name);
        assert!(bytes == got_bytes, "{name}: {} bytes became {}", bytes.len(), got_bytes.len());
    }
    assert_eq!(mail.body_text(0).as_deref().map(str::trim), Some("See the files."));
}

#[test]
fn an_invalid_address_is_shown_and_nothing_is_sent() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("invalid", &demo) else { return };
    let words = page.words;
    for (to, said) in [
        ("bob@home.example, carla@", "“carla@” is not a mail address"),
        ("nonsense", "“nonsense” is not a mail address"),
        ("", "at least one recipient"),
    ] {
        page.write(to, "Invalid", "Text");
        page.send();
        page.expect_text(said);
        page.expect_recipients(words.to, to);
        page.expect_written("Text");
        page.until("the focus in the field", || {
            (page.focused().name() == words.to && page.focused().attribute("aria-invalid").is_some())
                .then_some(())
        });
        page.go(words.inbox);
        page.none(Role::Button, words.send);
    }
    let described = page.has(Role::Alert, Name::Has("recipient"));
    assert!(!described, "nothing is left of it");
    assert_eq!((demo.alice().list("Sent").len(), demo.bob().list("INBOX").len()), (0, 0));
}

#[test]
fn while_the_server_is_away_the_draft_is_safe_and_later_it_is_sent_once() {
    let mut demo = Demo::start();
    let Some(page) = Webmail::of_alice("away", &demo) else { return };
    let words = page.words;
    page.write("bob@tls.example", "Patience", "Some text");
    demo.kill9();
    page.send();
    page.expect_text("Not sent: the server can't be reached right now.");
    page.shot("away");
    page.expect_recipients(words.to, "bob@tls.example");
    page.expect_value(words.subject, "Patience");
    page.expect_written("Some text");
    page.send();
    page.expect_text("Not sent: the server can't be reached right now.");
    demo.start_again();
    page.send();
    page.expect_sent();
    let alice = demo.alice();
    let id = arrived(&alice, "Sent", "Patience");
    let id = parse(&id).message_id().expect("a Message-ID").to_owned();
    demo.wait_for_delivery(&id, "tls.example");
    assert_eq!((alice.list("Sent").len(), demo.deliveries().len()), (1, 1));
    page.go(words.sent);
    page.row("Patience");
}

#[test]
fn a_double_click_on_send_sends_once() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("double", &demo) else { return };
    page.write("bob@tls.example", "Once", "Text");
    page.one(Role::Button, page.words.send).double_click();
    page.expect_sent();
    // A second one would have been accepted by now: what is sent afterwards is there, and arrived.
    page.write("bob@tls.example", "Afterwards", "Text");
    page.send();
    page.expect_sent();
    let alice = demo.alice();
    let afterwards = arrived(&alice, "Sent", "Afterwards");
    demo.wait_for_delivery(parse(&afterwards).message_id().expect("a Message-ID"), "tls.example");
    assert_eq!(alice.list("Sent").iter().filter(|mail| mail.subject == "Once").count(), 1);
    black_box::wait_for("both", || (demo.deliveries().len() >= 2).then_some(()));
    assert_eq!(demo.deliveries().len(), 2);
}

#[test]
fn cc_is_seen_and_bcc_is_not() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("cc", &demo) else { return };
    page.write("\"Bob, at home\" <bob@home.example>", "Copies", "Text");
    page.set_recipients(page.words.cc, "dora@tls.example; eve@verified.example");
    page.set_recipients(page.words.bcc, "secret@tls.example");
    page.shot("fields");
    page.send();
    page.expect_sent();
    let raw = arrived(&demo.bob(), "INBOX", "Copies");
    let text = String::from_utf8_lossy(&raw).to_lowercase();
    assert!(!text.contains("secret") && !text.contains("\nbcc"), "{text}");
    let mail = parse(&raw);
    let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
        list.into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|one| one.address().map(str::to_owned))
            .collect()
    };
    assert_eq!(addresses(mail.to()), [BOB]);
    assert_eq!(mail.to().and_then(|to| to.first()).and_then(|to| to.name()), Some("Bob, at home"));
    assert_eq!(addresses(mail.cc()), ["dora@tls.example", "eve@verified.example"]);
    let id = mail.message_id().expect("a Message-ID");
    let mut got = Vec::new();
    black_box::wait_for("all three", || {
        let all = demo.deliveries();
        got = all
            .iter()
            .filter(|d| d.message_id.as_deref() == Some(id))
            .flat_map(|d| d.rcpt_to.clone())
            .collect();
        (got.len() == 3).then_some(())
    });
    got.sort();
    assert_eq!(got, ["dora@tls.example", "eve@verified.example", "secret@tls.example"]);
    // The sender's own copy knows.
    let sent = arrived(&demo.alice(), "Sent", "Copies");
    assert!(String::from_utf8_lossy(&sent).contains("secret@tls.example"));
}
