//! P10: Sent → More → "Open as new message" brings back all that the mail had, for those who did not get it.

use std::process::Command;

use black_box::{Mail, Role, run};
use mail_parser::{Message, MessageParser, MimeHeaders};
use rstest::rstest;

use crate::hosts::{Host, Look, Place};
use crate::webmail::Webmail;

fn parse(raw: &[u8]) -> Message<'_> {
    MessageParser::default().parse(raw).expect("a message")
}

/// A message of another program, with all that can be lost on the way.
fn rich(mail: &Mail) -> String {
    let head = mail.to_string();
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    format!(
        "{head}\r\nIn-Reply-To: <m2@tls.example>\r\nReferences: <m1@tls.example>\r\n <m2@tls.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=mixed\r\n\r\n\
         --mixed\r\nContent-Type: multipart/alternative; boundary=alternative\r\n\r\n\
         --alternative\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         Sch=F6ne Gr=FC=DFe\r\n\
         --alternative\r\nContent-Type: multipart/related; boundary=related\r\n\r\n\
         --related\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <p style=\"color: red\">Schöne <i>Grüße</i> <img src=\"cid:picture@client.example\" alt=\"A dot\"></p>\r\n\
         --related\r\nContent-Type: image/gif\r\nContent-ID: <picture@client.example>\r\n\
         Content-Disposition: inline; filename=dot.gif\r\nContent-Transfer-Encoding: base64\r\n\r\n{DOT}\r\n--related--\r\n\
         --alternative--\r\n\
         --mixed\r\nContent-Type: application/pdf; name=\"Vertrag.pdf\"\r\nContent-Disposition: attachment;\r\n \
         filename*=utf-8''Vertr%C3%A4ge.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQKAP8NCg==\r\n--mixed--\r\n"
    )
}

const DOT: &str = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/// The picture's Content-ID is Roundcube's own in the new message, and its plain text is made from the HTML.
#[rstest]
fn p10_a_reopened_message_keeps_all_that_it_had(#[values(Host::Reference, Host::Roundcube)] host: Host) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at_alices(host, "reopened", &place, Look::PLAIN) else { return };
    let from = identity(&place);
    let (alice, bob, words) = (place.alice(), place.bob(), page.words);
    let mut mail = Mail::new(&from, &[&bob.address]);
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?=".clone_into(&mut mail.subject);
    mail.cc.push("Dora Diaz <dora@tls.example>".to_owned());
    alice.post_raw(rich(&mail).into_bytes());
    host.file_sent(&alice, rich(&mail).as_bytes());
    let first = bob.wait_for_message("INBOX", &mail.message_id);
    page.open_as_new("Grüße");
    page.expect_recipients(words.to, &bob.address);
    page.expect_recipients(words.cc, "Dora Diaz <dora@tls.example>");
    page.expect_value(words.subject, "Grüße");
    page.expect_text("Verträge.pdf");
    assert!(page.written().contains("Schöne Grüße"));
    page.shot("reopened");
    page.send();
    page.expect_sent();
    let second = black_box::wait_for("the second", || {
        let list = bob.list("INBOX");
        let new = list.iter().find(|listed| listed.message_id.as_deref() != Some(&mail.message_id))?;
        Some(bob.raw("INBOX", &new.id()))
    });
    assert_kept(host, &parse(&first), &parse(&second));
}

fn assert_kept(host: Host, first: &Message<'_>, second: &Message<'_>) {
    assert_ne!(first.message_id(), second.message_id());
    assert_eq!(first.subject(), second.subject());
    assert_eq!(first.from(), second.from());
    assert_eq!(first.to(), second.to());
    assert_eq!(first.cc(), second.cc());
    assert_eq!(first.in_reply_to(), second.in_reply_to());
    assert_eq!(first.references(), second.references());
    let html = |mail: &Message<'_>| mail.body_html(0).map(|html| html.trim().to_owned()).unwrap_or_default();
    if host == Host::Reference {
        assert_eq!(
            first.body_text(0).as_deref().map(str::trim),
            second.body_text(0).as_deref().map(str::trim)
        );
        assert_eq!(html(first), html(second));
    } else {
        for kept in ["<em>Gr", "color: red", "alt=\"A dot\"", "src=\"cid:"] {
            assert!(html(second).contains(kept), "{kept} in {}", html(second));
        }
        assert!(second.body_text(0).is_some_and(|text| text.contains("Schöne")), "a plain text, too");
    }
    let parts = |mail: &Message<'_>| {
        let part = |part: &mail_parser::MessagePart<'_>| {
            let kind =
                part.content_type().map(|kind| (kind.ctype().to_owned(), kind.subtype().map(str::to_owned)));
            let id = part.content_id().filter(|_| host == Host::Reference).map(str::to_owned);
            (kind, part.attachment_name().map(str::to_owned), id, part.contents().to_vec())
        };
        let mut parts: Vec<_> = mail.attachments().map(part).collect();
        parts.sort();
        parts
    };
    assert_eq!(parts(first), parts(second));
    assert_eq!(parts(second).len(), 2);
}

/// An address of alice's besides her own, where she has one.
fn identity(place: &Place) -> String {
    let Place::Provider(provider) = place else { return "alice@home.example".to_owned() };
    let sql = |database: &str, statement: &str| {
        let done = run(Command::new("sqlite3").arg(provider.path(database)).arg(statement), b"");
        assert!(done.status.success(), "{statement}: {done:?}");
    };
    let login = "alice@example.org";
    let address = "sales@example.org";
    sql("/etc/tls-guarantee/aliases.sqlite", &format!("INSERT INTO alias VALUES ('{address}', '{login}')"));
    // As if she had made it in her settings.
    sql(
        "/var/lib/roundcube/db/roundcube.sqlite",
        &format!("INSERT INTO identities (user_id, email) SELECT user_id, '{address}' FROM users"),
    );
    address.to_owned()
}

/// Nobody gets it twice, unless that is chosen.
#[rstest]
fn p10_it_is_for_the_stopped_with_a_choice_of_all(#[values(Host::Reference, Host::Roundcube)] host: Host) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at_alices(host, "choice", &place, Look::PLAIN) else { return };
    let (alice, words) = (place.alice(), page.words);
    alice.switch("on");
    let mut mail = Mail::new(&alice.address, &["bob@tls.example", "carla@plain.example"]);
    mail.cc.push("dora@plain.example".to_owned());
    mail.bcc.push("eve@tls.example".to_owned());
    alice.post(&mail);
    host.file_sent(&alice, mail.to_string().as_bytes());
    alice.wait_for_bounce(&mail.message_id);
    page.open_as_new(&mail.subject);
    page.expect_recipients(words.to, "carla@plain.example");
    page.expect_recipients(words.cc, "dora@plain.example");
    page.expect_recipients(words.bcc, "");
    page.expect_text(words.again);
    page.one(Role::Radio, "Only to those stopped (2)");
    page.shot("stopped");
    page.click(Role::Radio, "To all (4)");
    page.expect_recipients(words.to, "bob@tls.example, carla@plain.example");
    page.expect_recipients(words.cc, "dora@plain.example");
    page.expect_recipients(words.bcc, "eve@tls.example");
    page.shot("all");
    page.click(Role::Radio, "Only to those stopped (2)");
    page.expect_recipients(words.to, "carla@plain.example");
    page.expect_recipients(words.bcc, "");
    // The override is offered here too; it sends to them, and changes no setting.
    page.click(Role::Button, words.without);
    page.expect_sent();
    let mut got = Vec::new();
    black_box::wait_for("both", || {
        let all = place.deliveries();
        got = all
            .iter()
            .filter(|one| one.domain == "plain.example")
            .flat_map(|one| one.rcpt_to.clone())
            .collect();
        (got.len() == 2).then_some(())
    });
    got.sort();
    assert_eq!(got, ["carla@plain.example", "dora@plain.example"]);
    assert_eq!(alice.guarantee()["state"], "on");
    assert_eq!(
        place.deliveries().iter().filter(|one| one.domain == "tls.example").count(),
        1,
        "no second copy"
    );
    // The stop is answered: the list no longer warns of what has been sent since.
    assert!(alice.stops().first().is_some_and(|stop| stop.replaced_by.is_some()));
}
