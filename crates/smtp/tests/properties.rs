//! What holds for every input: no panic, no dependence on how octets are cut, nothing lost on the way.

mod support;

use proptest::prelude::*;
use smtp::address::Mailbox;
use smtp::client::{
    Action, Dialogue, DotWriter, Loss, Message, Obstacle, RecipientOutcome, ReplyReader, Report, TlsWish,
    Transaction,
};
use smtp::content::{ContentFacts, check};
use smtp::envelope::{BodyType, MailFrom, Notify, RcptTo, ReversePath};
use smtp::limits::Limits;
use smtp::server::{Role, Waiting};
use support::clearance::{in_clear, proven};
use support::driver::Driver;

/// Limits that a short dialogue reaches.
fn tight() -> Limits {
    Limits {
        command_line: 600,
        auth_line: 700,
        refused_line: 2000,
        text_line: 50,
        message: 400,
        recipients: 3,
        refused_recipients: 5,
        errors: 6,
        idle_commands: 30,
        unauthenticated_commands: 8,
        failed_logins: 2,
    }
}

/// Pieces of dialogues, right and wrong.
const PIECES: &[&[u8]] = &[
    b"EHLO client.example\r\n",
    b"HELO x\r\n",
    b"MAIL FROM:<a@tls.example>\r\n",
    b"MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n",
    b"MAIL FROM:<> requiretls\r\n",
    b"MAIL FROM:<a@tls.example> REQUIRETLS RET=FULL\r\n",
    b"MAIL FROM:<a@tls.example> REQUIRETLS=1\r\n",
    b"STARTTLS\r\n",
    b"RCPT TO:<bob@home.example>\r\n",
    b"RCPT TO:<nobody@home.example>\r\n",
    b"DATA\r\n",
    b"BDAT 5\r\n",
    b"BDAT 12 LAST\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT x\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"QUIT\r\n",
    b"AUTH PLAIN\r\n",
    b"AUTH LOGIN\r\n",
    b"AUTH PLAIN AGFsaWNlQGhvbWUuZXhhbXBsZQBkZW1v\r\n",
    b"YWxpY2VAaG9tZS5leGFtcGxl\r\n",
    b"ZGVtbw==\r\n",
    b"AUTH OAUTHBEARER\r\n",
    b"AUTH XOAUTH2 YXV0aD1CZWFyZXIgYmFkAQE=\r\n",
    b"AQ==\r\n",
    b"*\r\n",
    b"\r\n.\r\n",
    b".\r\n",
    b"\r\n",
    b"\n.\n",
    b"\r.\r",
    b"\r",
    b"\n",
    b".",
    b"..",
    b"\0",
    b"\xff",
    b"Subject: hello\r\n\r\n",
    b"some text of a message that is longer than the fifty octets that are allowed",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

fn dialogue() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        9 => prop::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => Just(b"EHLO c\r\nMAIL FROM:<a@tls.example>\r\nRCPT TO:<bob@home.example>\r\nDATA\r\n".to_vec()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn role() -> impl Strategy<Value = (Role, bool)> {
    prop::sample::select(vec![
        (Role::Mx, false),
        (Role::Mx, true),
        (Role::Submission, true),
        (Role::Store, false),
        (Role::Relay, false),
    ])
}

/// Cuts `octets` after each length of `cuts` in turn.
fn cut<'a>(octets: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = octets;
    for length in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, after) = rest.split_at((*length).min(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

fn canonical(message: &[u8]) -> Vec<u8> {
    let text =
        String::from_utf8(message.iter().map(|&octet| if octet < 128 { octet } else { b'?' }).collect());
    let mut text = text.expect("ASCII").replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    if !text.is_empty() && !text.ends_with("\r\n") {
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        3 => Just(b'.'), 3 => Just(b'\r'), 3 => Just(b'\n'), 2 => Just(b'a'), 1 => 1_u8..127
    ];
    prop::collection::vec(octet, 0..200)
}

/// Some of what a server may offer.
fn offers() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(
        vec!["STARTTLS", "REQUIRETLS", "XREQUIRETLS", "PIPELINING", "DSN", "8BITMIME"],
        0..=6,
    )
}

fn ehlo(offers: &[&str]) -> String {
    let lines: String = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
    format!("250-mx\r\n{lines}250 HELP\r\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_session_does_the_same_however_its_input_is_cut(
        octets in dialogue(),
        cuts in prop::collection::vec(1_usize..40, 1..20),
        (role, tls) in role(),
    ) {
        let mut whole = Driver::new(role, tight(), tls);
        whole.feed(&octets);
        let mut parts = Driver::new(role, tight(), tls);
        for part in cut(&octets, &cuts) {
            parts.feed(part);
        }
        prop_assert_eq!(&whole.record, &parts.record);
        prop_assert_eq!(whole.session.waiting(), parts.session.waiting());
        whole.session.peer_closed();
        whole.run();
        prop_assert_eq!(whole.session.waiting(), Waiting::Closed);
    }

    #[test]
    fn a_session_keeps_only_what_is_sound(octets in dialogue(), tls in any::<bool>()) {
        let mut driver = Driver::new(Role::Mx, tight(), tls);
        driver.feed(&octets);
        for (envelope, message) in &driver.record.kept {
            prop_assert!(tls || !envelope.mail.requiretls);
            prop_assert!(check(message, &tight()).is_ok());
            prop_assert!((1..=3).contains(&envelope.recipients.len()));
            prop_assert!(envelope.recipients.iter().all(|r| r.address == "bob@home.example"));
        }
    }

    #[test]
    fn a_session_answers_in_whole_replies(octets in dialogue()) {
        let mut driver = Driver::new(Role::Submission, tight(), false);
        driver.feed(&octets);
        let mut rest = &driver.record.sent[..];
        while !rest.is_empty() {
            let (used, reply) = ReplyReader::default().read(rest).expect("our replies are replies");
            prop_assert!(reply.is_some());
            prop_assert!(rest[..used].len() <= 512 * 12);
            rest = &rest[used..];
        }
    }

    #[test]
    fn a_client_never_panics(octets in prop::collection::vec(any::<u8>(), 0..300), seed in any::<u8>()) {
        let mut text = b"220 x\r\n250-x\r\n250 PIPELINING\r\n".to_vec();
        text.extend(&octets);
        let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
        let mut input = text.chunks(1 + usize::from(seed % 17));
        loop {
            match dialogue.next_action() {
                Action::Receive(_) => match input.next() {
                    Some(octets) => dialogue.feed(octets),
                    None => dialogue.lost(Loss::Closed),
                },
                Action::Handshake => dialogue.tls_established(),
                Action::Content => dialogue.end_content(),
                Action::Report(Report::InClear(_) | Report::Secured) => {
                    let transaction = Transaction::new(&in_clear(), dialogue.capabilities(), &short());
                    if let Ok(transaction) = transaction {
                        dialogue.begin(transaction).expect("it is greeted");
                    }
                }
                Action::Idle => break,
                Action::Send { .. } | Action::Report(_) => {}
            }
        }
    }

    // rfc 8689 2: MUST This option MUST only be specified in the context
    #[test]
    fn requiretls_is_said_in_tls_or_nothing_is(
        in_clear_offers in offers(),
        in_tls_offers in offers(),
        refused in any::<bool>(),
        requiretls in any::<bool>(),
    ) {
        let mut dialogue = Dialogue::new("client.example", TlsWish::IfOffered);
        let mut replies = vec![
            "220 mx\r\n".to_owned(),
            ehlo(&in_clear_offers),
            if refused { "454 not now\r\n".to_owned() } else { "220 go\r\n".to_owned() },
            ehlo(&in_tls_offers),
        ].into_iter();
        let mail = MailFrom { requiretls, ..short().mail.clone() };
        let offers_now = loop {
            match dialogue.next_action() {
                Action::Receive(_) => dialogue.feed(replies.next().expect("one for each").as_bytes()),
                Action::Handshake => dialogue.tls_established(),
                Action::Report(Report::InClear(_)) => break false,
                Action::Report(Report::Secured) => break in_tls_offers.contains(&"REQUIRETLS"),
                Action::Send { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        let clearance = if dialogue.is_secured() { proven() } else { in_clear() };
        let message = Message { mail: &mail, ..short() };
        match Transaction::new(&clearance, dialogue.capabilities(), &message) {
            Err(obstacle) => {
                prop_assert_eq!(obstacle, Obstacle::NoRequireTls);
                prop_assert!(requiretls && !offers_now);
            }
            Ok(transaction) => {
                dialogue.begin(transaction).expect("it is greeted");
                let Action::Send { octets, .. } = dialogue.next_action() else { panic!("nothing is said") };
                let said = String::from_utf8(octets).expect("ASCII").contains(" REQUIRETLS");
                prop_assert_eq!(said, requiretls);
                prop_assert!(!said || (offers_now && dialogue.is_secured()));
            }
        }
    }

    // rfc 5321 2.3.8: MUST NOT Conforming implementations MUST NOT recognize or generate any other
    // rfc 5321 2.3.8: MUST NOT SMTP client implementations MUST NOT transmit these characters
    // rfc 5321 2.3.8: MUST transmit them only as a <CRLF> sequence
    #[test]
    fn nothing_but_crlf_ends_a_line_on_the_wire(
        message in message(),
        cuts in prop::collection::vec(1_usize..30, 1..10),
    ) {
        let mut wire = Vec::new();
        let mut writer = DotWriter::default();
        for part in cut(&message, &cuts) {
            writer.write(part, &mut wire);
        }
        writer.finish(&mut wire);
        let ends = wire.windows(2).filter(|pair| pair == b"\r\n").count();
        let count = |wanted: u8| wire.iter().filter(|&&octet| octet == wanted).count();
        prop_assert_eq!((count(b'\r'), count(b'\n')), (ends, ends));
        let end = wire.windows(5).position(|five| five == b"\r\n.\r\n");
        prop_assert!(wire == b".\r\n" || end == Some(wire.len() - 5));
    }

    #[test]
    fn replies_are_the_same_however_they_are_cut(
        octets in "([2-5][0-9]{2}[ -][a-z0-9. ]{0,10}\r?\n){1,8}",
        cuts in prop::collection::vec(1_usize..9, 1..8),
    ) {
        let read = |parts: &[&[u8]]| {
            let (mut reader, mut replies) = (ReplyReader::default(), Vec::new());
            for part in parts {
                let mut rest = *part;
                while !rest.is_empty() {
                    let (used, reply) = reader.read(rest).expect("they are replies");
                    replies.extend(reply);
                    rest = &rest[used..];
                }
            }
            replies
        };
        prop_assert_eq!(read(&[octets.as_bytes()]), read(&cut(octets.as_bytes(), &cuts)));
    }

    // rfc 5321 4.1.1.4: MUST NOT An extra <CRLF> MUST NOT be added
    // rfc 5321 4.1.1.4: MUST the originating SMTP system MUST either reject the message as invalid or add <CRLF>
    #[test]
    fn a_message_survives_the_way_from_client_to_server(
        message in message(),
        cuts in prop::collection::vec(1_usize..30, 1..10),
    ) {
        let mut wire = Vec::new();
        let mut writer = DotWriter::default();
        for part in cut(&message, &cuts) {
            writer.write(part, &mut wire);
        }
        writer.finish(&mut wire);
        let mut driver = Driver::new(Role::Store, Limits::default(), false);
        driver.feed(b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<bob@home.example>\r\nDATA\r\n");
        driver.feed(&wire);
        driver.feed(b"QUIT\r\n");
        prop_assert!(driver.record.closed, "the message ends where the client meant it to");
        let control = |octets: &[u8]| octets.contains(&0);
        prop_assume!(!control(&message));
        prop_assert_eq!(&driver.record.kept[0].1, &canonical(&message));
    }

    #[test]
    fn an_address_read_from_its_own_form_is_the_same(text in "\\PC{1,20}@[a-zA-Z0-9ü.-]{1,20}") {
        if let Ok(mailbox) = Mailbox::parse(&text) {
            let written = mailbox.to_string();
            let again = Mailbox::parse(&written);
            prop_assert_eq!(again.map(|again| again.to_string()), Ok(written));
        }
    }

    #[test]
    fn an_address_in_any_text_is_no_panic(text in any::<String>()) {
        let _ = Mailbox::parse(&text);
    }
}

fn short() -> Message<'static> {
    static MAIL: MailFrom = MailFrom {
        reverse_path: ReversePath::Null,
        body: BodyType::SevenBit,
        smtputf8: false,
        ret: None,
        envid: None,
        requiretls: false,
    };
    static TO: std::sync::LazyLock<Vec<RcptTo>> = std::sync::LazyLock::new(|| {
        vec![RcptTo { address: "bob@home.example".to_owned(), notify: Notify::Unspecified, orcpt: None }]
    });
    Message { mail: &MAIL, recipients: &TO, content: ContentFacts::default() }
}

/// Client and server of this crate, mouth to ear.
fn deliver(recipients: &[RcptTo], message: &[u8], limits: Limits) -> (Vec<RecipientOutcome>, Driver) {
    let mut driver = Driver::new(Role::Mx, limits, false);
    let mut dialogue = Dialogue::new("client.example", TlsWish::Never);
    let mut heard = 0;
    let mut content = message.chunks(7);
    loop {
        match dialogue.next_action() {
            Action::Send { octets, .. } => driver.feed(&octets),
            Action::Receive(_) => {
                assert!(heard < driver.record.sent.len(), "both wait");
                dialogue.feed(&driver.record.sent[heard..]);
                heard = driver.record.sent.len();
            }
            Action::Content => match content.next() {
                Some(octets) => dialogue.content(octets),
                None => dialogue.end_content(),
            },
            Action::Report(Report::InClear(_)) => {
                let message = Message { recipients, ..short() };
                let transaction = Transaction::new(&in_clear(), dialogue.capabilities(), &message);
                dialogue.begin(transaction.expect("no obstacle")).expect("it is greeted");
            }
            Action::Report(Report::Finished(outcome)) => return (outcome.recipients, driver),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn our_client_and_our_server_agree(
        names in prop::collection::vec(prop::sample::select(vec!["alice", "bob", "nobody"]), 1..150),
        message in message(),
    ) {
        let to = |name: &&str| RcptTo {
            address: format!("{name}@home.example"),
            notify: Notify::Unspecified,
            orcpt: None,
        };
        let recipients: Vec<RcptTo> = names.iter().map(to).collect();
        let limits = Limits { recipients: 100, refused_recipients: 1000, ..Limits::default() };
        let (outcomes, driver) = deliver(&recipients, &message, limits);
        let accepted: Vec<&RcptTo> = recipients
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| matches!(outcome, RecipientOutcome::Accepted(_)))
            .map(|(recipient, _)| recipient)
            .collect();
        let kept: Vec<&RcptTo> = driver.record.kept.iter().flat_map(|(envelope, _)| &envelope.recipients).collect();
        prop_assert_eq!(accepted, kept);
        for (name, outcome) in names.iter().zip(&outcomes) {
            if let RecipientOutcome::Refused { reply, .. } = outcome {
                // Beyond the limit it does not matter who it is.
                prop_assert!(reply.code == 452 || (*name == "nobody" && reply.code == 550), "{reply}");
            }
        }
    }
}
