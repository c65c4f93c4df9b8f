use api::StoppedRecipient;
use rstest::rstest;

use super::*;

fn emails(addresses: &[Address]) -> Vec<&str> {
    addresses.iter().map(|address| address.email.as_str()).collect()
}

/// As Thunderbird writes it.
const FLOWED: &str = "From: Alice Weber <alice@home.example>\r\n\
    Reply-To: office@home.example\r\n\
    To: \"Klein, Carla\" <carla@plain.example>, Friends: bob@tls.example, dora@plain.example;\r\n\
    Cc: =?UTF-8?Q?J=C3=BCrgen?= <j@tls.example>\r\n\
    Bcc: chef@home.example\r\n\
    Subject: =?UTF-8?Q?Vertrag_f=C3=BCr_Haus_12?=\r\n\
    Message-ID: <m1@home.example>\r\n\
    In-Reply-To: <second@tls.example>\r\n\
    References: <first@tls.example>\r\n <second@tls.example>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=UTF-8; format=flowed\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n\
    Ein Satz, der für den Weg \r\ngebrochen wurde.\r\n\r\n-- \r\nAlice\r\n";

#[test]
fn all_of_a_message() {
    let draft = draft(FLOWED.as_bytes(), Whom::All);
    assert_eq!(
        draft.from,
        Some(Address { name: Some("Alice Weber".to_owned()), email: "alice@home.example".to_owned() })
    );
    assert_eq!(emails(&draft.reply_to), ["office@home.example"]);
    assert_eq!(
        emails(&draft.recipients.to),
        ["carla@plain.example", "bob@tls.example", "dora@plain.example"]
    );
    assert_eq!(draft.recipients.to[0].name.as_deref(), Some("Klein, Carla"));
    assert_eq!(draft.recipients.cc[0].to_string(), "Jürgen <j@tls.example>");
    assert_eq!(emails(&draft.recipients.bcc), ["chef@home.example"]);
    assert_eq!(draft.subject, "Vertrag für Haus 12");
    assert_eq!(draft.text, "Ein Satz, der für den Weg gebrochen wurde.\n\n-- \nAlice\n");
    assert_eq!(draft.html, None);
    assert_eq!(draft.in_reply_to.as_deref(), Some("second@tls.example"));
    assert_eq!(draft.references, ["first@tls.example", "second@tls.example"]);
    assert!(draft.attachments.is_empty() && draft.choice.is_none() && draft.replaces.is_none());
}

#[rstest]
#[case::to(&["carla@plain.example"], &["carla@plain.example"], &[], &[])]
#[case::member_of_a_group(&["dora@plain.example"], &["dora@plain.example"], &[], &[])]
#[case::cc(&["j@tls.example"], &[], &["j@tls.example"], &[])]
#[case::bcc(&["chef@home.example"], &[], &[], &["chef@home.example"])]
#[case::one_of_each(&["chef@home.example", "j@tls.example", "carla@plain.example"],
    &["carla@plain.example"], &["j@tls.example"], &["chef@home.example"])]
#[case::other_case(&["Carla@PLAIN.example"], &["carla@plain.example"], &[], &[])]
#[case::hidden_from_the_copy(&["hidden@plain.example"], &[], &[], &["hidden@plain.example"])]
fn stopped_recipients_keep_their_role(
    #[case] stopped: &[&str],
    #[case] to: &[&str],
    #[case] cc: &[&str],
    #[case] bcc: &[&str],
) {
    let stopped: Vec<String> = stopped.iter().map(ToString::to_string).collect();
    let draft = draft(FLOWED.as_bytes(), Whom::Stopped(&stopped));
    assert_eq!(emails(&draft.recipients.to), to);
    assert_eq!(emails(&draft.recipients.cc), cc);
    assert_eq!(emails(&draft.recipients.bcc), bcc);
    let choice = draft.choice.unwrap();
    assert_eq!(choice.stopped, draft.recipients);
    assert!(choice.stopped.iter().all(|address| choice.all.contains(&address.email)));
    assert!(choice.all.len() >= 5);
}

fn stop(message_id: &str, addresses: &[&str]) -> Stop {
    let recipient = |address: &&str| StoppedRecipient {
        address: (*address).to_owned(),
        host: "mx.plain.example".to_owned(),
        host_address: "127.0.0.5".to_owned(),
        reason: String::new(),
        cause: "no_starttls".to_owned(),
        tls_last_seen: None,
        status: "5.7.4".to_owned(),
        stopped_at: "2026-11-24T13:05:00Z".parse().unwrap(),
        replaced_by: None,
    };
    Stop {
        id: "S1".to_owned(),
        queue_id: "Q1".to_owned(),
        message_id: Some(message_id.to_owned()),
        subject: String::new(),
        recipients: addresses.iter().map(recipient).collect(),
        delivered_others: 1,
        waiting_others: 0,
        replaced_by: None,
        demanded: false,
    }
}

#[test]
fn from_sent_it_goes_to_the_stopped_with_the_choice_of_all() {
    let stops =
        [stop("other@home.example", &["x@y.example"]), stop("m1@home.example", &["carla@plain.example"])];
    let draft = sent_message(FLOWED.as_bytes(), &stops);
    assert_eq!(emails(&draft.recipients.to), ["carla@plain.example"]);
    assert!(draft.recipients.cc.is_empty() && draft.recipients.bcc.is_empty());
    assert_eq!(draft.replaces.as_deref(), Some("S1"));
    assert_eq!(draft.choice.unwrap().all.len(), 5);
    assert!(draft.without_guarantee_for.is_empty(), "opening as new changes no setting");
}

#[rstest]
#[case::no_stop(&[])]
#[case::of_another_message(&[stop("other@home.example", &["carla@plain.example"])])]
fn from_sent_without_a_stop_it_goes_to_all(#[case] stops: &[Stop]) {
    let draft = sent_message(FLOWED.as_bytes(), stops);
    assert_eq!(draft.recipients.len(), 5);
    assert_eq!((draft.choice, draft.replaces), (None, None));
}

/// Roundcube reopens a message itself; the plugin says whom it goes to.
#[rstest]
#[case::from_sent(None, &["carla@plain.example", "eve@dane.example"], &[], false)]
#[case::end_to_end(Some(("S1", Way::EndToEnd)), &["carla@plain.example", "eve@dane.example"], &[], true)]
#[case::without(Some(("S1", Way::WithoutGuarantee)), &["carla@plain.example"], &["carla@plain.example"], false)]
#[case::a_stop_of_another_message(Some(("S9", Way::WithoutGuarantee)), &["carla@plain.example", "eve@dane.example"],
    &[], false)]
fn addressed_by_the_record(
    #[case] taken: Option<(&str, Way)>,
    #[case] recipients: &[&str],
    #[case] without: &[&str],
    #[case] end_to_end: bool,
) {
    let mut recorded = stop("m1@home.example", &["carla@plain.example", "eve@dane.example"]);
    recorded.recipients[1].cause = "dane_mismatch".to_owned();
    let all = Recipients {
        to: vec![Address::bare("bob@tls.example"), Address::bare("carla@plain.example")],
        cc: vec![Address::bare("eve@dane.example")],
        ..Recipients::default()
    };
    let other = Stop { id: "S9".to_owned(), ..stop("other@home.example", &["bob@tls.example"]) };
    let taken = taken.map(|(stop, way)| Taken { stop: stop.to_owned(), way, only: Vec::new() });
    let stops = [other, recorded];
    let draft = addressed(all.clone(), "<m1@home.example>", &stops, taken.as_ref()).unwrap();
    let found: Vec<&str> = draft.recipients.iter().map(|address| address.email.as_str()).collect();
    assert_eq!(found, recipients);
    assert_eq!(draft.overridden(), without);
    assert_eq!((draft.end_to_end, draft.replaces.as_deref()), (end_to_end, Some("S1")));
    assert_eq!(draft.bound, ["eve@dane.example"]);
    assert_eq!(draft.choice.unwrap().all, all);
    assert_eq!(addressed(all, "m2@home.example", &stops, None), None);
}

/// To whom the way is encrypted by now: only those, and nothing to be warned of. What is not recorded counts for nothing.
#[test]
fn again_it_goes_to_those_whom_the_way_reaches() {
    let stops = [stop("m1@home.example", &["carla@plain.example", "dora@plain.example"])];
    let all = Recipients {
        to: vec![Address::bare("bob@tls.example"), Address::bare("carla@plain.example")],
        cc: vec![Address::bare("dora@plain.example")],
        ..Recipients::default()
    };
    let only = ["DORA@plain.example", "bob@tls.example"].map(str::to_owned).to_vec();
    let taken = Taken { stop: "S1".to_owned(), way: Way::Again, only };
    let draft = addressed(all, "m1@home.example", &stops, Some(&taken)).unwrap();
    assert_eq!(emails(&draft.recipients.cc), ["dora@plain.example"]);
    assert_eq!(draft.recipients.len(), 1);
    assert_eq!((draft.replaces.as_deref(), draft.choice, draft.bound), (Some("S1"), None, vec![]));
    assert!(draft.without_guarantee_for.is_empty());
}

/// Nobody gets it twice: who was sent to since is left out, unless that is everybody.
#[rstest]
#[case::to_one_of_them(&[Some("Q9"), None], &["dora@plain.example"])]
#[case::to_both(&[Some("Q9"), Some("Q9")], &["carla@plain.example", "dora@plain.example"])]
fn after_it_was_sent_again(#[case] replaced_by: &[Option<&str>], #[case] expected: &[&str]) {
    let mut stop = stop("m1@home.example", &["carla@plain.example", "dora@plain.example"]);
    for (one, by) in stop.recipients.iter_mut().zip(replaced_by) {
        one.replaced_by = by.map(str::to_owned);
    }
    for taken in [None, Some(Taken { stop: "S1".to_owned(), way: Way::WithoutGuarantee, only: vec![] })] {
        let stops = [stop.clone()];
        let draft = addressed(Recipients::default(), "m1@home.example", &stops, taken.as_ref()).unwrap();
        assert_eq!(emails(&draft.recipients.bcc), expected, "{taken:?}");
    }
}

#[rstest]
#[case(Way::EndToEnd, true, &[])]
#[case(Way::Again, false, &[])]
#[case(Way::WithoutGuarantee, false, &["carla@plain.example"])]
fn the_banners_ways(#[case] way: Way, #[case] end_to_end: bool, #[case] without: &[&str]) {
    let confirmed = Confirmed {
        stop: "S1".to_owned(),
        groups: vec![crate::state::banner::StoppedGroup {
            recipients: vec!["carla@plain.example".to_owned()],
            host: "mx.plain.example".to_owned(),
            cause: crate::state::cause::CauseWord::NoStarttls,
            last_seen: None,
            demanded: false,
        }],
        ..Confirmed::default()
    };
    let draft = stopped(FLOWED.as_bytes(), &confirmed, way);
    assert_eq!(emails(&draft.recipients.to), ["carla@plain.example"]);
    assert_eq!(draft.end_to_end, end_to_end);
    assert_eq!(draft.without_guarantee_for, without);
    assert_eq!(draft.overridden(), without);
    assert_eq!(draft.replaces.as_deref(), Some("S1"));
    assert_eq!(draft.choice.is_none(), way == Way::Again);
}

const fn head() -> &'static str {
    "From: a@b.example\r\nTo: c@d.example\r\nMIME-Version: 1.0\r\nContent-Type: "
}

/// Name, media type, Content-ID, whether inline, content.
type File = (&'static str, &'static str, Option<&'static str>, bool, &'static [u8]);

/// A file in the structure that each mail program has for it.
struct Expected {
    text: &'static str,
    html: Option<&'static str>,
    files: &'static [File],
}

#[rstest]
#[case::outlook_picture_without_disposition(
    "multipart/related; boundary=r\r\n\r\n\
     --r\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:p1\">\r\n\
     --r\r\nContent-Type: image/png; name=\"p.png\"\r\nContent-ID: <p1>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--r--\r\n",
    Expected { text: "", html: Some("<img src=\"cid:p1\">"),
        files: &[("p.png", "image/png", Some("p1"), true, b"\x89PNG")] })]
#[case::apple_text_picture_text(
    "multipart/mixed; boundary=m\r\n\r\n\
     --m\r\nContent-Type: text/plain\r\n\r\nbefore\r\n\
     --m\r\nContent-Type: image/png; name=\"p.png\"\r\nContent-Disposition: inline; filename=\"p.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n\
     --m\r\nContent-Type: text/plain\r\n\r\nafter\r\n--m--\r\n",
    Expected { text: "before\nafter", html: None, files: &[("p.png", "image/png", None, true, b"\x89PNG")] })]
#[case::text_file_in_another_charset(
    "multipart/mixed; boundary=m\r\n\r\n\
     --m\r\nContent-Type: text/plain\r\n\r\nbody\r\n\
     --m\r\nContent-Type: text/csv; charset=iso-8859-1; name=\"a.csv\"\r\nContent-Disposition: attachment; filename=\"a.csv\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nf=FCr;1=0D=0A\r\n--m--\r\n",
    Expected { text: "body", html: None, files: &[("a.csv", "text/csv; charset=\"iso-8859-1\"", None, false, b"f\xfcr;1\r\n")] })]
#[case::invitation(
    "multipart/alternative; boundary=a\r\n\r\n\
     --a\r\nContent-Type: text/plain\r\n\r\ncome\r\n\
     --a\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n--a--\r\n",
    Expected { text: "come", html: None, files: &[("", "text/calendar; method=\"REQUEST\"", None, false, b"BEGIN:VCALENDAR")] })]
#[case::forwarded_message(
    "multipart/mixed; boundary=m\r\n\r\n\
     --m\r\nContent-Type: text/plain\r\n\r\nsee below\r\n\
     --m\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ninner\r\n--i\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--i--\r\n\r\n--m--\r\n",
    Expected { text: "see below", html: None, files: &[("", "message/rfc822", None, false,
        b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ninner\r\n--i\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--i--\r\n")] })]
#[case::signed(
    "multipart/signed; boundary=s; protocol=\"application/pgp-signature\"\r\n\r\n\
     --s\r\nContent-Type: text/plain\r\n\r\nsigned\r\n\
     --s\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n--s--\r\n",
    Expected { text: "signed", html: None, files: &[] })]
#[case::html_only("text/html; charset=utf-8\r\n\r\n<p>Guten Tag</p>\r\n",
    Expected { text: "Guten Tag\n", html: Some("<p>Guten Tag</p>\n"), files: &[] })]
#[case::file_without_text(
    "application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nJVBERg==\r\n",
    Expected { text: "", html: None, files: &[("a.pdf", "application/pdf", None, false, b"%PDF")] })]
#[case::name_in_another_alphabet(
    "multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nx\r\n\
     --m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''Grundri%C3%9F.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--m--\r\n",
    Expected { text: "x", html: None, files: &[("Grundriß.pdf", "application/pdf", None, false, b"%PDF")] })]
fn structures(#[case] message: &str, #[case] expected: Expected) {
    let draft = draft(format!("{}{message}", head()).as_bytes(), Whom::All);
    assert_eq!(draft.text, expected.text);
    assert_eq!(draft.html.as_deref(), expected.html);
    let files: Vec<_> = draft
        .attachments
        .iter()
        .map(|file| {
            (
                file.name.as_str(),
                file.content_type.as_str(),
                file.content_id.as_deref(),
                file.inline,
                file.bytes.as_slice(),
            )
        })
        .collect();
    assert_eq!(files, expected.files);
}

#[rstest]
#[case::empty(b"".as_slice())]
#[case::bytes(&[0, 0xff, 0x0a])]
#[case::boundary_never_ends(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx".as_slice())]
#[case::broken_base64(b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\xff%%%".as_slice())]
fn what_is_no_sound_message_does_no_harm(#[case] raw: &[u8]) {
    let draft = draft(raw, Whom::Stopped(&["carla@plain.example".to_owned()]));
    assert!(draft.recipients.to.is_empty() && draft.attachments.len() <= 1);
}

#[test]
fn deep_nesting_does_no_harm() {
    let mut raw = String::new();
    for depth in 0..2000 {
        raw.push_str(&format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"));
    }
    raw.push_str("Content-Type: text/plain\r\n\r\nx\r\n");
    let _ = draft(raw.as_bytes(), Whom::All);
}
