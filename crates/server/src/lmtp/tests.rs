use std::time::{Duration, Instant};

use guarantee::Cause;
use rstest::rstest;
use smtp::envelope::{BodyType, MailFrom, Notify, RcptTo, ReversePath};

use super::{
    Answer, Verdict,
    scripted::{CLOSE, SILENCE, Scripted, Taken},
};

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";
const CONTENT: &str = "Subject: hello\r\n\r\n.\r\nhi\r\n";

fn mail() -> MailFrom {
    MailFrom {
        reverse_path: ReversePath::Address("erik@tls.example".to_owned()),
        body: BodyType::SevenBit,
        smtputf8: false,
        requiretls: false,
        ret: None,
        envid: None,
    }
}

fn to(addresses: &[&str]) -> Vec<RcptTo> {
    let rcpt =
        |&address: &&str| RcptTo { address: address.to_owned(), notify: Notify::Unspecified, orcpt: None };
    addresses.iter().map(rcpt).collect()
}

/// `filed`, or what it is and the cause's text.
fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Filed => "filed".to_owned(),
        Verdict::Refused(cause) => format!("refused: {}", cause.text()),
        Verdict::Later(cause) => format!("later: {}", cause.text()),
        Verdict::Away(cause) => format!("away: {}", cause.text()),
    }
}

const HOST: &str = "mail.home.example[127.0.0.1]";

fn said(kind: &str, reply: &str, command: &str) -> String {
    format!("{kind}: host {HOST} said: {reply} (in reply to {command})")
}

fn lost(stage: &str) -> String {
    format!("away: lost connection with {HOST} while {stage}: the server closed the connection")
}

fn dot() -> String {
    lost("waiting for the reply to end of DATA")
}

fn filed() -> String {
    "filed".to_owned()
}

#[rstest]
#[case::all_well(&[], [filed(), filed()])]
#[case::unknown(&[("RCPT alice@home.example", "550 5.1.1 <alice@home.example> User doesn't exist")],
    ["refused: There is no mailbox alice@home.example here".to_owned(), filed()])]
#[case::unknown_only_at_the_end(&[(". bob@home.example", "550 5.1.1 who?")],
    [filed(), "refused: There is no mailbox bob@home.example here".to_owned()])]
#[case::full(&[(". alice@home.example", "552 5.2.2 Mailbox is full")],
    [said("refused", "552 5.2.2 Mailbox is full", "end of DATA"), filed()])]
#[case::full_for_now(&[("RCPT alice@home.example", "452 4.2.2 Mailbox is full")],
    [said("later", "452 4.2.2 Mailbox is full", "RCPT TO"), filed()])]
#[case::no_enhanced_code(&[("RCPT alice@home.example", "450 not now"), (". bob@home.example", "554 never")],
    [said("later", "450 not now", "RCPT TO"), said("refused", "554 never", "end of DATA")])]
#[case::unwell(&[("RCPT alice@home.example", "451 4.3.0 Temporary internal error")],
    [said("away", "451 4.3.0 Temporary internal error", "RCPT TO"), filed()])]
#[case::leaving(&[(". bob@home.example", "421 4.3.2 Shutting down")],
    [filed(), said("away", "421 4.3.2 Shutting down", "end of DATA")])]
#[case::mail_refused(&[("MAIL", "451 4.3.0 no")],
    [said("away", "451 4.3.0 no", "MAIL FROM"), said("away", "451 4.3.0 no", "MAIL FROM")])]
#[case::data_refused(&[("DATA", "554 5.6.0 no")],
    [said("refused", "554 5.6.0 no", "DATA"), said("refused", "554 5.6.0 no", "DATA")])]
#[case::lost_at_the_greeting(&[("GREETING", CLOSE)], [lost("waiting for the greeting"), lost("waiting for the greeting")])]
#[case::lost_at_lhlo(&[("LHLO", CLOSE)], [lost("waiting for the reply to LHLO"), lost("waiting for the reply to LHLO")])]
#[case::lost_at_mail(&[("MAIL", CLOSE)], [lost("waiting for the reply to MAIL FROM"), lost("waiting for the reply to MAIL FROM")])]
#[case::lost_at_rcpt(&[("RCPT bob@home.example", CLOSE)], [lost("waiting for the reply to RCPT TO"), lost("waiting for the reply to RCPT TO")])]
#[case::lost_at_data(&[("DATA", CLOSE)], [lost("waiting for the reply to DATA"), lost("waiting for the reply to DATA")])]
#[case::lost_at_the_dot(&[(". alice@home.example", CLOSE)], [dot(), dot()])]
#[case::lost_between(&[(". bob@home.example", CLOSE)], [filed(), dot()])]
#[case::refused_and_lost(&[("RCPT alice@home.example", "550 5.1.1 no"), (". bob@home.example", CLOSE)],
    ["refused: There is no mailbox alice@home.example here".to_owned(), dot()])]
#[case::does_not_greet(&[("GREETING", "554 5.3.2 no")],
    std::array::from_fn(|_| format!("away: host {HOST} refused to talk to us: 554 5.3.2 no")))]
#[case::no_lmtp(&[("LHLO", "500 5.5.1 what")],
    std::array::from_fn(|_| format!("away: host {HOST} refused to talk to us: 500 5.5.1 what")))]
#[case::nonsense(&[("RCPT alice@home.example", "what")],
    std::array::from_fn(|_| format!("away: lost connection with {HOST} while waiting for the reply to RCPT TO: the server sent a line that is no SMTP reply: what")))]
#[tokio::test]
async fn each_recipient_has_its_own_verdict(#[case] rules: &[(&str, &str)], #[case] expected: [String; 2]) {
    let mut server = Scripted::start(rules);
    let verdicts = server.client().deliver(&mail(), &to(&[ALICE, BOB]), CONTENT.as_bytes()).await;
    assert_eq!(verdicts.iter().map(words).collect::<Vec<_>>(), expected);
    for (recipient, verdict) in [ALICE, BOB].into_iter().zip(verdicts) {
        if verdict == Verdict::Filed {
            let mail = "<erik@tls.example>".to_owned();
            let taken = Taken { mail, recipient: recipient.to_owned(), content: CONTENT.to_owned() };
            assert_eq!(server.taken().await, taken);
        }
    }
    assert_eq!(server.left(), None);
}

#[rstest]
#[case::takes(&[], Ok(()))]
#[case::unknown(&[("RCPT alice@home.example", "550 5.1.1 no")], Err("unknown"))]
#[case::disabled(&[("RCPT alice@home.example", "550 5.2.1 disabled")], Err("closed 550 5.2.1 disabled"))]
#[case::full(&[("RCPT alice@home.example", "452 4.2.2 full")], Err("closed 452 4.2.2 full"))]
#[case::unwell(&[("RCPT alice@home.example", "451 4.3.0 no")], Err("away"))]
#[case::odd(&[("RCPT alice@home.example", "354 go on")], Err("away"))]
#[case::mail_refused(&[("MAIL", "550 5.7.1 no")], Err("away"))]
#[case::leaving(&[("LHLO", "421 4.3.2 no")], Err("away"))]
#[case::lost(&[("RCPT alice@home.example", CLOSE)], Err("away"))]
#[tokio::test]
async fn it_is_asked_who_lives_here(#[case] rules: &[(&str, &str)], #[case] expected: Result<(), &str>) {
    let mut server = Scripted::start(rules);
    let answer = match server.client().ask(ALICE).await {
        Answer::Takes => Ok(()),
        Answer::Unknown => Err("unknown".to_owned()),
        Answer::Closed(reply) => Err(format!("closed {reply}")),
        Answer::Away(_) => Err("away".to_owned()),
    };
    assert_eq!(answer, expected.map_err(str::to_owned));
    assert_eq!(server.left(), None);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let server = Scripted::away();
    let verdicts = server.client().deliver(&mail(), &to(&[ALICE, BOB]), CONTENT.as_bytes()).await;
    assert!(
        verdicts.len() == 2
            && verdicts.iter().all(|one| matches!(one, Verdict::Away(Cause::Unreachable { .. }))),
        "{verdicts:?}"
    );
    assert!(matches!(server.client().ask(ALICE).await, Answer::Away(Cause::Unreachable { .. })));
}

#[tokio::test]
async fn a_silent_server_keeps_nobody_waiting_for_long() {
    let server = Scripted::start(&[("RCPT alice@home.example", SILENCE)]);
    let client = super::Lmtp { answer: Duration::from_millis(300), ..server.client() };
    let begun = Instant::now();
    // More than are asked at a time.
    let answers = futures_util::future::join_all((0..3 * super::QUESTIONS).map(|_| client.ask(ALICE))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Away(_))), "{answers:?}");
    assert!(begun.elapsed() < super::ANSWER, "all together: {:?}", begun.elapsed());
}

#[tokio::test]
async fn what_it_cannot_take_bounces() {
    let server = Scripted::start(&[("LHLO", "250-store\r\n250 SIZE 10")]);
    let client = server.client();
    let verdicts = client.deliver(&mail(), &to(&[ALICE]), CONTENT.as_bytes()).await;
    assert!(matches!(&verdicts[..], [Verdict::Refused(Cause::TooLarge { limit: 10, .. })]), "{verdicts:?}");
    let verdicts = client.deliver(&mail(), &to(&[ALICE]), "\r\né".as_bytes()).await;
    assert!(matches!(&verdicts[..], [Verdict::Refused(Cause::NoEightBitMime { .. })]), "{verdicts:?}");
    let verdicts = client.deliver(&mail(), &to(&["jürgen@home.example"]), b"").await;
    assert!(matches!(&verdicts[..], [Verdict::Refused(Cause::NoSmtpUtf8 { .. })]), "{verdicts:?}");
    assert_eq!(client.ask("jürgen@home.example").await, Answer::Unknown);
}

#[rstest]
#[case::offered("250-store\r\n250-8BITMIME\r\n250 SMTPUTF8", " BODY=8BITMIME SMTPUTF8")]
#[case::not_offered("250-store\r\n250 8BITMIME", " BODY=8BITMIME")]
#[tokio::test]
async fn a_header_in_utf8_is_filed_as_it_is(#[case] lhlo: &str, #[case] said: &str) {
    let mut server = Scripted::start(&[("LHLO", lhlo)]);
    let mail = MailFrom { smtputf8: true, body: BodyType::EightBitMime, ..mail() };
    let content = "Subject: \u{e9}\r\n\r\n\r\n";
    assert_eq!(server.client().deliver(&mail, &to(&[ALICE]), content.as_bytes()).await, [Verdict::Filed]);
    let taken = server.taken().await;
    assert_eq!((taken.mail, taken.content), (format!("<erik@tls.example>{said}"), content.to_owned()));
}
