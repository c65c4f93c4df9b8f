//! Malformed messages, by all four ways in: each is refused in words, or it arrives.

use black_box::{Answer, Demo, Reply, Smtp, User};
use rstest::rstest;

/// What is to happen at submission; at the MX, where nobody can correct a stranger's mail, all that SMTP allows is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Submission {
    Taken,
    Refused,
}

use Submission::{Refused, Taken};

const OWN: &str = "From: alice@home.example\r\n";

/// A name, the message after `From`, and what is to happen.
fn own(fields: &str) -> String {
    format!("{OWN}{fields}")
}

#[rstest]
#[case::empty("", Refused)]
#[case::only_a_line_end("\r\n", Refused)]
#[case::only_a_body("\r\nHello\r\n", Refused)]
#[case::no_from("Subject: x\r\n\r\nHello\r\n", Refused)]
#[case::empty_from("From:\r\n\r\nHello\r\n", Refused)]
#[case::from_without_address("From: Alice\r\n\r\nHello\r\n", Refused)]
#[case::from_unclosed("From: Alice <alice@home.example\r\n\r\nHello\r\n", Taken)]
#[case::from_group("From: Friends: alice@home.example, eve@plain.example;\r\n\r\nHello\r\n", Refused)]
#[case::from_twice(&own("From: eve@plain.example\r\n\r\nHello\r\n"), Refused)]
#[case::from_in_lower_case_too(&own("from: eve@plain.example\r\n\r\nHello\r\n"), Refused)]
#[case::from_with_space_before_colon(&own("From : eve@plain.example\r\n\r\nHello\r\n"), Refused)]
#[case::from_with_nul(&own("X: \0\r\n\r\nHello\r\n"), Refused)]
#[case::from_with_comment("From: (eve@plain.example) alice@home.example\r\n\r\nHello\r\n", Taken)]
#[case::from_quoted("From: \"eve@plain.example\" <alice@home.example>\r\n\r\nHello\r\n", Taken)]
#[case::from_encoded_word(
    "From: =?utf-8?q?eve=40plain.example?= <alice@home.example>\r\n\r\nHello\r\n",
    Taken
)]
#[case::from_route("From: <@relay.example:eve@plain.example>\r\n\r\nHello\r\n", Refused)]
#[case::from_folded("From:\r\n alice@home.example\r\n\r\nHello\r\n", Taken)]
#[case::from_in_the_body_part("Subject: x\r\n\r\nFrom: alice@home.example\r\n\r\nHello\r\n", Refused)]
#[case::sender_of_another(&own("Sender: eve@plain.example\r\n\r\nHello\r\n"), Refused)]
#[case::no_body(&own(""), Taken)]
#[case::no_empty_line(&own("Hello, this is no field\r\n"), Refused)]
#[case::line_that_is_no_field(&own("this is no field\r\nTo: bob@home.example\r\n\r\nHello\r\n"), Refused)]
#[case::begins_with_a_folded_line(" folded\r\nFrom: alice@home.example\r\n\r\nHello\r\n", Refused)]
#[case::mbox_line(
    "From alice@home.example Tue Nov 24 09:00:00 2026\r\nFrom: alice@home.example\r\n\r\nHello\r\n",
    Refused
)]
#[case::field_without_name(&own(": value\r\n\r\nHello\r\n"), Refused)]
#[case::message_id_without_brackets(&own("Message-ID: x\r\n\r\nHello\r\n"), Taken)]
#[case::message_id_empty(&own("Message-ID:\r\n\r\nHello\r\n"), Taken)]
#[case::message_id_twice(&own("Message-ID: <a@x.example>\r\nMessage-ID: <b@x.example>\r\n\r\nHello\r\n"), Taken)]
#[case::message_id_huge(&own(&format!("Message-ID: <{}@x.example>\r\n\r\nHello\r\n", "m".repeat(900))), Taken)]
#[case::message_id_of_markup(&own("Message-ID: <<script>alert(1)</script>@x.example>\r\n\r\nHello\r\n"), Taken)]
#[case::date_nonsense(&own("Date: yesterday\r\n\r\nHello\r\n"), Taken)]
#[case::date_far_off(&own("Date: Fri, 31 Dec 99999 23:59:60 +9999\r\n\r\nHello\r\n"), Taken)]
#[case::subject_latin1_bytes(&own("Subject: =?iso-8859-1?q?=E9?= =?utf-8?b?w?=\r\n\r\nHello\r\n"), Taken)]
#[case::subject_unknown_charset(&own("Subject: =?x-unknown?b?AAAA?=\r\n\r\nHello\r\n"), Taken)]
#[case::subject_endless(&own(&format!("Subject: {}\r\n\r\nHello\r\n", "long ".repeat(190))), Taken)]
#[case::subject_folded_a_thousand_times(&own(&format!("Subject: x{}\r\n\r\nHello\r\n", "\r\n y".repeat(1000))), Taken)]
#[case::a_thousand_fields(&own(&format!("{}\r\nHello\r\n", "X-Many: x\r\n".repeat(1000))), Taken)]
#[case::addresses_by_the_thousand(&own(&format!("To: {}\r\n\r\nHello\r\n", "bob@home.example,\r\n ".repeat(3000))), Taken)]
#[case::comments_nested(&own(&format!("To: {}bob@home.example\r\n\r\nHello\r\n", "(".repeat(900))), Taken)]
#[case::quotes_unclosed(&own("To: \"bob <bob@home.example>\r\n\r\nHello\r\n"), Taken)]
#[case::multipart_without_boundary(&own("MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\nHello\r\n"), Taken)]
#[case::multipart_without_end(&own("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n"), Taken)]
#[case::multipart_empty_boundary(&own("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nHello\r\n"), Taken)]
#[case::multipart_of_itself(&own(&nested(200)), Taken)]
#[case::messages_in_messages(&own(&"Content-Type: message/rfc822\r\n\r\nFrom: eve@plain.example\r\n".repeat(200)), Taken)]
#[case::base64_nonsense(&own("Content-Transfer-Encoding: base64\r\n\r\n!!!! not base64 ****\r\n"), Taken)]
#[case::quoted_printable_nonsense(&own("Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=\r\n=4\r\n"), Taken)]
#[case::encoding_unknown(&own("Content-Transfer-Encoding: x-rot13\r\n\r\nUryyb\r\n"), Taken)]
#[case::charset_unknown(&own("Content-Type: text/plain; charset=x-klingon\r\n\r\nHello\r\n"), Taken)]
#[case::utf8_broken_in_the_body(&own("Content-Type: text/plain; charset=utf-8\r\n\r\n\u{FFFD}\u{202E}Hello\r\n"), Taken)]
#[case::tls_required_twice(&own("TLS-Required: No\r\nTLS-Required: No\r\n\r\nHello\r\n"), Taken)]
#[case::received_in_a_circle(&own(&format!("{}\r\nHello\r\n", "Received: from a by b; Tue, 24 Nov 2026 09:00:00 +0000\r\n".repeat(101))), Refused)]
#[case::dots_only(&own("\r\n.\r\n..\r\n...\r\n"), Taken)]
#[case::bare_cr(&own("\r\nHello\rWorld\r\n"), Refused)]
#[case::bare_lf(&own("\r\nHello\nWorld\r\n"), Refused)]
#[case::bare_lf_in_the_header(&own("Subject: x\nBcc: eve@plain.example\r\n\r\nHello\r\n"), Refused)]
fn a_malformed_message(#[case] message: &str, #[case] at_submission: Submission) {
    let mut demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());

    let mut smtp = demo.submit_as("alice@home.example");
    let reply = smtp.transact("alice@home.example", &["bob@home.example"], message);
    let outcome = outcome_of(&reply);
    assert_eq!(outcome, at_submission, "SMTP: {reply:?}");
    smtp.command("NOOP").expect(250);
    if outcome == Taken {
        arrives(&alice, &reply.queue_id());
    }

    // Over HTTP the recipients come from the message; a Bcc of our own at its top does not change its faults.
    let posted = format!("Bcc: bob@home.example\r\n{message}");
    let answer = alice.http.call("POST", "/api/v1/messages", "message/rfc822", posted);
    if answer.status < 300 {
        arrives(&alice, answer.parse::<serde_json::Value>()["id"].as_str().expect("a queue id"));
    } else {
        clear_refusal(&answer);
    }

    // A stranger's mail is taken as it is, whatever its header says, or refused in words.
    let before = bob.list("INBOX").len();
    let mut mx = Smtp::connect(demo.mx());
    mx.command("EHLO tls.example").expect(250);
    let reply = mx.transact("eve@tls.example", &["bob@home.example"], message);
    if outcome_of(&reply) == Taken {
        bob.wait_until("the stranger's mail", || (bob.list("INBOX").len() > before).then_some(()));
    }
    mx.command("NOOP").expect(250);
    for listed in bob.list("INBOX") {
        assert!(!bob.raw("INBOX", &listed.id()).is_empty());
    }
    demo.assert_alive();
}

/// Multiparts in multiparts, this deep.
fn nested(depth: usize) -> String {
    (0..depth)
        .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"))
        .collect()
}

fn outcome_of(reply: &Reply) -> Submission {
    if reply.code == 250 {
        return Taken;
    }
    let text = reply.text();
    assert!((500..600).contains(&reply.code), "{reply:?}");
    assert!(text.starts_with("5.") && text.len() > 10, "a refusal names its reason: {reply:?}");
    Refused
}

fn clear_refusal(answer: &Answer) {
    let problem = answer.any_problem();
    assert!(answer.status < 500, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
}

fn arrives(user: &User, queue_id: &str) {
    let status = user.settled(queue_id);
    let bob =
        status.recipients.iter().find(|recipient| recipient.address == "bob@home.example").expect("bob");
    assert_eq!(bob.state, "delivered", "{status:?}");
}
