use rstest::rstest;

use super::*;

const OWN: &str = "home.example";

/// A report as this project's server writes it, in its parts.
struct Report<'a> {
    reporting_mta: &'a str,
    queue_id: Option<&'a str>,
    message_id: Option<&'a str>,
    failed: &'a [(&'a str, &'a str, &'a str)],
}

const NO_STARTTLS: &str = "TLS is required, but was not offered by host mx.plain.example[127.0.0.5]";

impl Default for Report<'_> {
    fn default() -> Self {
        Self {
            reporting_mta: "Reporting-MTA: dns; home.example",
            queue_id: Some("Q1"),
            message_id: Some("m1@home.example"),
            failed: &[("carla@plain.example", "5.7.4", NO_STARTTLS)],
        }
    }
}

impl Report<'_> {
    fn raw(&self) -> Vec<u8> {
        let queue_id =
            self.queue_id.map(|id| format!("X-TLS-Guarantee-Queue-ID: {id}\r\n")).unwrap_or_default();
        let original = self.message_id.map(|id| format!("Message-ID: <{id}>\r\n")).unwrap_or_default();
        let recipients = self.failed.iter().map(|(address, status, cause)| {
            let kind = if *status == "5.7.4" { "X-TLS-Guarantee" } else { "smtp" };
            format!(
                "\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: {status}\r\n\
                 Diagnostic-Code: {kind}; {cause}\r\n"
            )
        });
        let recipients: String = recipients.collect();
        let causes: String = self.failed.iter().map(|(a, _, cause)| format!("<{a}>: {cause}\r\n")).collect();
        format!(
            "From: Mail Delivery System <MAILER-DAEMON@home.example>\r\nTo: alice@home.example\r\n\
             Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\n{causes}\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\n{}\r\n{queue_id}{recipients}\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}Subject: Hello\r\n\r\n--b--\r\n",
            self.reporting_mta
        )
        .into_bytes()
    }
}

fn recipient(address: &str, host: &str, cause: &str, stopped_at: &str) -> StoppedRecipient {
    StoppedRecipient {
        address: address.to_owned(),
        host: host.to_owned(),
        host_address: "127.0.0.5".to_owned(),
        reason: NO_STARTTLS.to_owned(),
        cause: cause.to_owned(),
        tls_last_seen: None,
        status: "5.7.4".to_owned(),
        stopped_at: stopped_at.parse().unwrap(),
        replaced_by: None,
    }
}

fn record() -> Stop {
    Stop {
        id: "S1".to_owned(),
        queue_id: "Q1".to_owned(),
        message_id: Some("m1@home.example".to_owned()),
        subject: "Hello".to_owned(),
        recipients: vec![
            recipient("carla@plain.example", "mx.plain.example", "no_starttls", "2026-11-24T13:05:00Z"),
            recipient("dora@plain.example", "mx.plain.example", "no_starttls", "2026-11-24T13:05:01Z"),
            recipient("lea@legacy.example", "mx.legacy.example", "handshake_failed", "2026-11-24T13:05:02Z"),
        ],
        delivered_others: 2,
        waiting_others: 1,
        replaced_by: None,
        demanded: false,
    }
}

fn banner(raw: &[u8], stops: &[Stop]) -> Banner {
    of(&claimed(raw, OWN), Ok(stops))
}

fn is_confirmed(banner: &Banner) -> bool {
    matches!(banner, Banner::Confirmed(_))
}

#[test]
fn a_recorded_stop_is_confirmed_in_the_words_of_the_record() {
    let raw = Report {
        failed: &[
            (
                "CARLA@plain.example",
                "5.7.4",
                "TLS is required, but was not offered by host mx.evil.example[192.0.2.1]",
            ),
            ("lea@legacy.example", "5.7.4", NO_STARTTLS),
            ("dora@plain.example", "5.7.4", NO_STARTTLS),
        ],
        ..Report::default()
    }
    .raw();
    let expected = Confirmed {
        stop: "S1".to_owned(),
        message_id: Some("m1@home.example".to_owned()),
        groups: vec![
            StoppedGroup {
                recipients: vec!["carla@plain.example".to_owned(), "dora@plain.example".to_owned()],
                host: "mx.plain.example".to_owned(),
                cause: CauseWord::NoStarttls,
                last_seen: None,
                demanded: false,
            },
            StoppedGroup {
                recipients: vec!["lea@legacy.example".to_owned()],
                host: "mx.legacy.example".to_owned(),
                cause: CauseWord::HandshakeFailed,
                last_seen: None,
                demanded: false,
            },
        ],
        delivered_others: 2,
        waiting_others: 1,
        stopped_at: "2026-11-24T13:05:00Z".parse().unwrap(),
        sent_again_to: vec![],
    };
    assert_eq!(banner(&raw, &[record()]), Banner::Confirmed(expected));
}

/// It was not the guarantee, which may even be off.
#[test]
fn a_stop_by_the_users_demand_for_one_message_says_so() {
    let stop = Stop { demanded: true, ..record() };
    let Banner::Confirmed(confirmed) = banner(&Report::default().raw(), &[stop]) else { panic!() };
    assert!(confirmed.groups.iter().all(|group| group.demanded));
}

/// Later stops of the same message get a report of their own: each names only its own recipients.
#[test]
fn only_those_the_report_names_are_named() {
    let Banner::Confirmed(confirmed) = banner(&Report::default().raw(), &[record()]) else { panic!() };
    assert_eq!(confirmed.recipients(), ["carla@plain.example"]);
}

#[rstest]
#[case::as_recorded(Report::default(), true)]
#[case::another_queue_id(Report { queue_id: Some("Q2"), ..Report::default() }, false)]
#[case::no_queue_id(Report { queue_id: None, ..Report::default() }, false)]
#[case::another_message(Report { message_id: Some("m2@home.example"), ..Report::default() }, false)]
#[case::no_message(Report { message_id: None, ..Report::default() }, false)]
#[case::a_recipient_too_many(Report { failed: &[("carla@plain.example", "5.7.4", NO_STARTTLS),
    ("chef@bank.example", "5.7.4", NO_STARTTLS)], ..Report::default() }, false)]
#[case::another_recipient(Report { failed: &[("chef@bank.example", "5.7.4", NO_STARTTLS)], ..Report::default() }, false)]
#[case::nobody(Report { failed: &[], ..Report::default() }, false)]
#[case::another_failure_besides(Report { failed: &[("carla@plain.example", "5.7.4", NO_STARTTLS),
    ("x@nomail.example", "5.1.10", "Domain nomail.example does not accept mail (null MX)")], ..Report::default() }, true)]
#[case::name_in_other_case(Report { reporting_mta: "Reporting-MTA: dns; HOME.example", ..Report::default() }, true)]
fn what_the_record_must_agree_with(#[case] report: Report<'_>, #[case] confirmed: bool) {
    let shown = banner(&report.raw(), &[record()]);
    assert_eq!(is_confirmed(&shown), confirmed, "{shown:?}");
    if !confirmed {
        assert_eq!(shown, Banner::Forged);
    }
}

#[rstest]
#[case::no_record_at_all(vec![])]
#[case::the_record_of_another_message(vec![Stop { queue_id: "Q9".to_owned(), ..record() }])]
#[case::a_record_without_message_id(vec![Stop { message_id: None, ..record() }])]
fn a_claim_without_its_record_is_forged(#[case] stops: Vec<Stop>) {
    assert_eq!(banner(&Report::default().raw(), &stops), Banner::Forged);
}

#[test]
fn without_the_server_nothing_is_said_of_a_claim() {
    let claim = claimed(&Report::default().raw(), OWN);
    assert_eq!(of(&claim, Err(&ClientError::Away)), Banner::Unchecked(ClientError::Away));
}

#[test]
fn the_record_is_found_among_others() {
    let others = |n: usize| Stop { id: n.to_string(), queue_id: format!("other{n}"), ..record() };
    let stops: Vec<Stop> = (0..50).map(others).chain([record()]).collect();
    assert!(is_confirmed(&banner(&Report::default().raw(), &stops)));
}

#[test]
fn one_that_was_sent_again_says_so() {
    let mut stop = record();
    stop.recipients[0].replaced_by = Some("Q7".to_owned());
    let Banner::Confirmed(confirmed) = banner(&Report::default().raw(), &[stop]) else { panic!() };
    assert_eq!(confirmed.sent_again_to, ["carla@plain.example"]);
    assert!(confirmed.is_settled());
    assert_eq!(confirmed.addressees(), ["carla@plain.example"], "whoever wants to send it once more can");
}

/// Of two hosts one is encrypted: with the guarantee it takes the mail, without it the other may.
#[rstest]
#[case(Panel::On, true)]
#[case(Panel::Off, false)]
#[case(Panel::Unknown, false)]
fn what_only_the_guarantee_sees_to_is_offered_with_it_alone(#[case] panel: Panel, #[case] offered: bool) {
    let confirmed = stopped_for(&[("no_starttls", "")]);
    let check = check("r0@x.example", ProtectionWord::Encrypted, Outcome::Deliver);
    let only_guarded = Check { unguarded: Some(ProtectionWord::None), ..check.clone() };
    assert_eq!(confirmed.reachable(&[only_guarded], panel).is_some(), offered);
    assert!(confirmed.reachable(&[check], panel).is_some());
}

/// What the server answers about `address` with the guarantee on.
fn check(address: &str, protection: ProtectionWord, outcome: Outcome) -> Check {
    Check {
        observed_at: Some("2026-11-24T15:00:00Z".parse().unwrap()),
        ..Check::new(address, protection, outcome, "")
    }
}

#[rstest]
#[case::encrypted_by_now("no_starttls", "", ProtectionWord::Encrypted, Outcome::Deliver, true)]
#[case::verified_by_now("starttls_refused", "", ProtectionWord::Authenticated, Outcome::Deliver, true)]
#[case::newer_tls("handshake_failed", "", ProtectionWord::Encrypted, Outcome::Deliver, true)]
#[case::not_yet("no_starttls", "", ProtectionWord::None, Outcome::Stop, false)]
#[case::by_an_exception_only("no_starttls", "", ProtectionWord::None, Outcome::Deliver, false)]
#[case::encrypted_but_more_is_demanded("no_starttls", "", ProtectionWord::Encrypted, Outcome::Stop, false)]
#[case::not_known("no_starttls", "", ProtectionWord::Unknown, Outcome::Unknown, false)]
#[case::waits("no_starttls", "", ProtectionWord::Encrypted, Outcome::Defer, false)]
#[case::attack_over("downgrade", "", ProtectionWord::Encrypted, Outcome::Deliver, true)]
#[case::still_unproven(
    "downgrade",
    "it last proved its identity x",
    ProtectionWord::Encrypted,
    Outcome::Deliver,
    false
)]
#[case::proven_again(
    "downgrade",
    "it last proved its identity x",
    ProtectionWord::Dane,
    Outcome::Deliver,
    true
)]
#[case::still_another("dane_mismatch", "", ProtectionWord::Encrypted, Outcome::Deliver, false)]
#[case::the_right_one("sts_mismatch", "", ProtectionWord::Authenticated, Outcome::Deliver, true)]
#[case::asked_for_more_itself("require_tls_failed", "", ProtectionWord::Dane, Outcome::Deliver, false)]
fn whom_the_way_reaches_by_now(
    #[case] cause: &str,
    #[case] reason: &str,
    #[case] protection: ProtectionWord,
    #[case] outcome: Outcome,
    #[case] reached: bool,
) {
    let confirmed = stopped_for(&[(cause, reason), ("no_starttls", "")]);
    let checks = [
        check("R0@x.example", protection, outcome),
        check("else@x.example", ProtectionWord::Dane, Outcome::Deliver),
    ];
    let found = confirmed.reachable(&checks, Panel::On);
    assert_eq!(
        found.as_ref().map(|found| found.recipients.join(" ")),
        reached.then(|| "r0@x.example".to_owned())
    );
    if let Some(found) = found {
        assert_eq!(found.seen, Some("2026-11-24T15:00:00Z".parse().unwrap()));
        assert_eq!(confirmed.only(&found.recipients).recipients(), ["r0@x.example"]);
    }
    let sent_again = Confirmed { sent_again_to: vec!["r0@x.example".to_owned()], ..confirmed };
    assert_eq!(sent_again.reachable(&checks, Panel::On), None, "nothing is offered twice");
    assert_eq!(sent_again.addressees(), ["r1@x.example"]);
}

/// The contract's rows that need no server: explained, whatever the record says, and even if it can't be had.
#[rstest]
#[case::another_server_with_our_sentence(Report { reporting_mta: "Reporting-MTA: dns; mx.other.example", ..Report::default() },
    Banner::Other(vec![FailedGroup { recipients: vec!["carla@plain.example".to_owned()], reason: Reason::NoEncryption }]))]
#[case::unknown_user_elsewhere(Report { reporting_mta: "Reporting-MTA: dns; mx.other.example",
    failed: &[("x@y.example", "5.1.1", "550 5.1.1 user unknown")], ..Report::default() },
    Banner::Other(vec![FailedGroup { recipients: vec!["x@y.example".to_owned()], reason: Reason::UnknownUser }]))]
#[case::two_reasons(Report { reporting_mta: "Reporting-MTA: dns; mx.other.example",
    failed: &[("x@y.example", "5.1.1", "user unknown"), ("z@y.example", "5.2.2", "mailbox full"), ("w@y.example", "5.1.1", "user unknown")],
    ..Report::default() },
    Banner::Other(vec![
        FailedGroup { recipients: vec!["x@y.example".to_owned(), "w@y.example".to_owned()], reason: Reason::UnknownUser },
        FailedGroup { recipients: vec!["z@y.example".to_owned()], reason: Reason::MailboxFull },
    ]))]
fn other_bounces(#[case] report: Report<'_>, #[case] expected: Banner) {
    let claim = claimed(&report.raw(), OWN);
    assert_eq!(of(&claim, Ok(&[record()])), expected);
    assert_eq!(of(&claim, Err(&ClientError::Away)), expected);
}

#[rstest]
#[case::ordinary(b"Subject: Hello\r\n\r\nHello Alice\r\n".as_slice())]
#[case::talks_about_it(b"From: bob@tls.example\r\nSubject: Re: question\r\n\r\n\
    I got \"TLS is required, but was not offered by host mx.plain.example[127.0.0.5]\". What is that?\r\n".as_slice())]
#[case::empty(b"".as_slice())]
#[case::not_even_text(&[0xff, 0x00, 0x0d])]
fn ordinary_mail_gets_no_banner(#[case] raw: &[u8]) {
    assert_eq!(banner(raw, &[record()]), Banner::None);
}

#[test]
fn a_text_that_looks_like_ours_is_forged() {
    let raw = format!(
        "Subject: Undelivered Mail Returned to Sender\r\n\r\n<carla@plain.example>: {NO_STARTTLS}\r\n"
    );
    assert_eq!(banner(raw.as_bytes(), &[record()]), Banner::Forged);
}

#[test]
fn a_delay_is_no_failure() {
    let raw = String::from_utf8(Report::default().raw()).unwrap();
    let raw = raw
        .replace("Action: failed", "Action: delayed")
        .replace("Status: 5.7.4", "Status: 4.4.1")
        .replace("X-TLS-Guarantee; ", "smtp; ")
        .replace(NO_STARTTLS, "connect to mx.down.example[127.0.0.9]: connection refused")
        .replace("Undelivered Mail Returned to Sender", "Delayed Mail");
    assert_eq!(banner(raw.as_bytes(), &[]), Banner::Delayed(vec!["carla@plain.example".to_owned()]));
}

#[test]
fn an_endless_list_is_cut() {
    let failures: Vec<Failure> = (0..1000)
        .map(|n| Failure { address: format!("{n}@y.example"), reason: Reason::UnknownUser })
        .collect();
    let Banner::Other(groups) = explained(failures) else { panic!() };
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].recipients.len(), NAMED + 1);
    assert_eq!(groups[0].recipients[NAMED], "…");
}

fn stopped_for(causes: &[(&str, &str)]) -> Confirmed {
    let recipients = causes.iter().enumerate().map(|(n, (cause, reason))| StoppedRecipient {
        reason: (*reason).to_owned(),
        tls_last_seen: (*cause == "downgrade").then(|| "2026-11-20T08:00:00Z".parse().unwrap()),
        ..recipient(&format!("r{n}@x.example"), "mx.x.example", cause, "2026-11-24T13:05:00Z")
    });
    let stop = Stop { recipients: recipients.collect(), ..record() };
    let named: Vec<String> = stop.recipients.iter().map(|one| one.address.clone()).collect();
    confirmed(&stop, &named, &[]).unwrap()
}

/// Which ways help: an override reaches nobody whose domain publishes what it demands.
#[rstest]
#[case::clear(&[("no_starttls", "")], Without::Readable, 1, 0, false, false)]
#[case::handshake(&[("handshake_failed", "")], Without::Readable, 1, 0, false, false)]
#[case::tlsa(&[("dane_mismatch", "")], Without::NoHelp, 0, 1, false, false)]
#[case::policy(&[("sts_mismatch", ""), ("dane_mismatch", "")], Without::NoHelp, 0, 2, false, false)]
#[case::mixed(&[("no_starttls", ""), ("dane_mismatch", "")], Without::Readable, 1, 1, false, false)]
#[case::unproven(&[("not_authenticated", "")], Without::Unproven, 1, 0, false, false)]
#[case::unproven_and_mismatch(&[("not_authenticated", ""), ("sts_mismatch", "")], Without::Unproven, 1, 1, false, false)]
#[case::unproven_and_clear(&[("not_authenticated", ""), ("no_starttls", "")], Without::Readable, 2, 0, false, false)]
#[case::downgrade(&[("downgrade", "; possible downgrade, TLS was last seen 2026-11-20")], Without::Readable, 1, 0, true, false)]
#[case::lost_identity(&[("downgrade", "; possible downgrade, it last proved its identity 2026-11-20")],
    Without::Unproven, 1, 0, true, false)]
#[case::require_tls(&[("require_tls_not_offered", "")], Without::Readable, 1, 0, false, true)]
#[case::require_tls_failed(&[("require_tls_failed", "")], Without::Readable, 1, 0, false, true)]
#[case::newer_server(&[("unheard_of", "")], Without::Readable, 1, 0, false, false)]
fn which_ways_help(
    #[case] causes: &[(&str, &str)],
    #[case] without: Without,
    #[case] liftable: usize,
    #[case] bound: usize,
    #[case] may_be_attack: bool,
    #[case] require_tls: bool,
) {
    let confirmed = stopped_for(causes);
    assert_eq!(confirmed.without(), without);
    assert_eq!((confirmed.liftable().len(), confirmed.bound().len()), (liftable, bound));
    assert_eq!(confirmed.recipients().len(), liftable + bound);
    assert_eq!((confirmed.may_be_attack(), confirmed.asks_for_require_tls()), (may_be_attack, require_tls));
}

#[test]
fn several_causes_at_one_host_are_several_groups_and_the_date_is_kept() {
    let confirmed = stopped_for(&[("downgrade", ""), ("no_starttls", ""), ("downgrade", "")]);
    let groups: Vec<_> =
        confirmed.groups.iter().map(|g| (g.cause, g.recipients.len(), g.last_seen.is_some())).collect();
    assert_eq!(groups, [(CauseWord::Downgrade, 2, true), (CauseWord::NoStarttls, 1, false)]);
}

#[test]
fn numbers_do_not_change_the_frame() {
    let one = Confirmed { delivered_others: 1, ..stopped_for(&[("no_starttls", "")]) };
    let other = Confirmed { delivered_others: 2, waiting_others: 0, ..one.clone() };
    assert_eq!(Banner::Confirmed(one.clone()).without_numbers(), Banner::Confirmed(other).without_numbers());
    let another = stopped_for(&[("dane_mismatch", "")]);
    assert_ne!(Banner::Confirmed(one).without_numbers(), Banner::Confirmed(another).without_numbers());
}
