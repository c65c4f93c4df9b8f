use rstest::rstest;

use super::*;

const CARLA: &str = "carla@plain.example";
const BOB: &str = "bob@tls.example";
const SEEN: Timestamp = Timestamp::UNIX_EPOCH;

fn found(email: &str, protection: ProtectionWord, outcome: Outcome) -> Check {
    let host = Some("mx.example".to_owned());
    Check { host, observed_at: Some(SEEN), ..Check::new(email, protection, outcome, "As found.") }
}

fn encrypted(email: &str) -> Check {
    found(email, ProtectionWord::Encrypted, Outcome::Deliver)
}

fn stopped(email: &str, cause: &str) -> Check {
    let protection =
        if cause == "not_authenticated" { ProtectionWord::Encrypted } else { ProtectionWord::None };
    Check { cause: Some(cause.to_owned()), ..found(email, protection, Outcome::Stop) }
}

fn excepted(check: Check) -> Check {
    Check { exception: true, ..check }
}

fn promised(protection: ProtectionWord) -> Check {
    Check { promised: true, ..found(BOB, protection, Outcome::Deliver) }
}

fn here() -> Check {
    Check::new("dora@home.example", ProtectionWord::Encrypted, Outcome::Deliver, "")
}

/// With what the guarantee alone asks for.
#[rstest]
#[case::nothing(None, Word::Unknown, Fate::Open)]
#[case::here(Some(here()), Word::Here, Fate::Protected)]
#[case::in_clear(Some(stopped(CARLA, "no_starttls")), Word::None, Fate::Stopped)]
#[case::downgrade(Some(stopped(CARLA, "downgrade")), Word::None, Fate::Stopped)]
#[case::excepted_and_delivered(
    Some(excepted(Check { outcome: Outcome::Deliver, ..stopped(CARLA, "no_starttls") })),
    Word::Exception,
    Fate::Excepted
)]
#[case::encrypted_but_excepted(Some(excepted(encrypted(BOB))), Word::Exception, Fate::Excepted)]
#[case::proven_but_excepted_and_in_clear(
    Some(Check { unguarded: Some(ProtectionWord::None), ..excepted(found(BOB, ProtectionWord::Authenticated, Outcome::Deliver)) }),
    Word::Exception,
    Fate::Excepted
)]
#[case::encrypted(Some(encrypted(BOB)), Word::Encrypted(Some(SEEN)), Fate::Protected)]
#[case::level_unmet(Some(stopped(BOB, "not_authenticated")), Word::Unproven(Some(SEEN)), Fate::Stopped)]
#[case::verified(
    Some(found(BOB, ProtectionWord::Authenticated, Outcome::Deliver)),
    Word::Authenticated(Some(SEEN)),
    Fate::Protected
)]
#[case::sts(Some(promised(ProtectionWord::Authenticated)), Word::Promised, Fate::Protected)]
#[case::dane(Some(promised(ProtectionWord::Dane)), Word::Dane, Fate::Protected)]
#[case::an_exception_lifts_no_promise(
    Some(excepted(promised(ProtectionWord::Dane))),
    Word::Dane,
    Fate::Protected
)]
#[case::dane_mismatch(Some(stopped(CARLA, "dane_mismatch")), Word::Mismatch, Fate::Bound)]
#[case::sts_mismatch(Some(stopped(CARLA, "sts_mismatch")), Word::Mismatch, Fate::Bound)]
#[case::an_exception_lifts_no_mismatch(
    Some(excepted(stopped(CARLA, "sts_mismatch"))),
    Word::Mismatch,
    Fate::Bound
)]
#[case::defer(Some(found(BOB, ProtectionWord::Unknown, Outcome::Defer)), Word::Waits, Fate::Open)]
#[case::no_mail(Some(found(BOB, ProtectionWord::Unknown, Outcome::Stop)), Word::NoMail, Fate::Open)]
#[case::slow(Some(found(BOB, ProtectionWord::Unknown, Outcome::Unknown)), Word::Unknown, Fate::Open)]
#[case::invalid(Some(found(BOB, ProtectionWord::Invalid, Outcome::Unknown)), Word::Invalid, Fate::Open)]
fn words(#[case] check: Option<Check>, #[case] expected: Word, #[case] becomes: Fate) {
    assert_eq!(word(check.as_ref(), Under::Guarantee), expected);
    assert_eq!(fate(check.as_ref(), Under::Guarantee), becomes);
}

/// And with a demand for hosts that prove who they are, which nothing lifts.
#[rstest]
#[case::here(here(), Word::Here, Fate::Protected)]
#[case::encrypted(encrypted(BOB), Word::Unproven(Some(SEEN)), Fate::Stopped)]
#[case::excepted(excepted(encrypted(BOB)), Word::Unproven(Some(SEEN)), Fate::Stopped)]
#[case::in_clear(stopped(CARLA, "no_starttls"), Word::None, Fate::Stopped)]
#[case::excepted_in_clear(excepted(stopped(CARLA, "no_starttls")), Word::None, Fate::Stopped)]
#[case::verified(
    found(BOB, ProtectionWord::Authenticated, Outcome::Deliver),
    Word::Authenticated(Some(SEEN)),
    Fate::Protected
)]
#[case::dane(promised(ProtectionWord::Dane), Word::Dane, Fate::Protected)]
fn words_with_a_demand(#[case] check: Check, #[case] expected: Word, #[case] becomes: Fate) {
    assert_eq!(word(Some(&check), Under::Proof), expected);
    assert_eq!(fate(Some(&check), Under::Proof), becomes);
}

fn mixed() -> Check {
    Check { unguarded: Some(ProtectionWord::None), ..encrypted(BOB) }
}

/// With the guarantee off or paused: what then happens, also where a better way would have been taken with it.
#[rstest]
#[case::here(here(), Word::Here, Fate::Protected)]
#[case::encrypted(encrypted(BOB), Word::Encrypted(Some(SEEN)), Fate::Protected)]
#[case::a_worse_host_comes_first(mixed(), Word::None, Fate::InClear)]
#[case::a_worse_host_comes_before_a_proven_one(
    Check { unguarded: Some(ProtectionWord::None), ..found(BOB, ProtectionWord::Authenticated, Outcome::Deliver) },
    Word::None,
    Fate::InClear
)]
#[case::in_clear(stopped(CARLA, "no_starttls"), Word::None, Fate::InClear)]
#[case::level_unmet(stopped(BOB, "not_authenticated"), Word::Encrypted(Some(SEEN)), Fate::Protected)]
#[case::dane(promised(ProtectionWord::Dane), Word::Dane, Fate::Protected)]
#[case::mismatch(stopped(CARLA, "dane_mismatch"), Word::Mismatch, Fate::Bound)]
fn words_without_the_guarantee(#[case] check: Check, #[case] expected: Word, #[case] becomes: Fate) {
    assert_eq!(word(Some(&check), Under::Nothing), expected);
    assert_eq!(fate(Some(&check), Under::Nothing), becomes);
}

fn to(emails: &[&str]) -> Vec<String> {
    emails.iter().map(|email| (*email).to_owned()).collect()
}

#[test]
fn each_is_asked_for_once_while_the_answer_is_fresh() {
    let (mut known, all) = (Protections::default(), to(&[CARLA, BOB]));
    let question = known.ask(&all, 0).expect("a question");
    assert_eq!(question.recipients, all);
    assert!(known.is_awaited(&all, 0));
    assert_eq!(known.ask(&all, 10), None, "it is on its way");
    known.answer(&question, vec![stopped(CARLA, "no_starttls"), encrypted(BOB)], 20);
    assert!(!known.is_awaited(&all, 20));
    assert_eq!(known.of("Carla@PLAIN.example", 30).map(|check| check.outcome), Some(Outcome::Stop));
    assert_eq!(known.ask(&all, FRESH), None, "it is known");
    assert_eq!(known.next(&all, FRESH), Some(20 + FRESH));
    assert_eq!(known.ask(&all, 20 + FRESH).map(|question| question.recipients), Some(all));
}

#[rstest]
#[case("bob@tls")]
#[case("bob@tls.e")]
#[case("bob@tls.")]
fn what_is_half_typed_is_not_asked_for(#[case] email: &str) {
    let mut known = Protections::default();
    assert_eq!(known.ask(&to(&[email]), 0), None);
    assert_eq!(known.next(&to(&[email]), 0), None);
}

#[test]
fn at_most_a_hundred_in_one_question() {
    let all: Vec<String> = (0..250).map(|at| format!("a{at}@d{at}.example")).collect();
    let mut known = Protections::default();
    let asked: Vec<usize> =
        std::iter::from_fn(|| known.ask(&all, 0)).map(|question| question.recipients.len()).collect();
    assert_eq!(asked, [100, 100, 50]);
}

#[test]
fn after_a_failure_it_waits_longer_and_longer() {
    let (mut known, all) = (Protections::default(), to(&[BOB]));
    let (mut now, mut pauses) = (0, Vec::new());
    for _ in 0..9 {
        let question = known.ask(&all, now).expect("a question");
        known.fail(&question, now);
        assert_eq!(known.ask(&all, now), None);
        assert!(!known.is_awaited(&all, now), "nothing is on its way: Send does not wait for it");
        let next = known.next(&all, now).expect("a time");
        pauses.push((next - now) / 1000);
        now = next;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    let question = known.ask(&all, now).expect("a question");
    known.answer(&question, vec![encrypted(BOB)], now);
    assert!(known.of(BOB, now).is_some());
}

#[test]
fn a_late_answer_is_taken_over_and_only_of_what_was_asked() {
    let (mut known, all) = (Protections::default(), to(&[BOB]));
    let question = known.ask(&all, 0).expect("a question");
    let slow = found(BOB, ProtectionWord::Unknown, Outcome::Unknown);
    known.answer(&question, vec![slow], 3_000);
    known.hear(&Event::Check(encrypted(BOB)), 9_000);
    known.hear(&Event::Check(encrypted("eve@dane.example")), 9_000);
    assert_eq!(word(known.of(BOB, 9_000), Under::Guarantee), Word::Encrypted(Some(SEEN)));
    assert_eq!(known.of("eve@dane.example", 9_000), None);
}

#[test]
fn what_is_not_known_is_asked_again_before_long() {
    let (mut known, all) = (Protections::default(), to(&[BOB]));
    let question = known.ask(&all, 0).expect("a question");
    known.answer(&question, vec![found(BOB, ProtectionWord::Unknown, Outcome::Defer)], 0);
    assert_eq!(known.ask(&all, PATIENT - 1), None);
    assert!(known.ask(&all, PATIENT).is_some());
}

/// A mail to this address was stopped, so many milliseconds after 1970.
pub(in crate::state) fn stop(email: &str, at: i64) -> Event {
    let at = api::rfc3339(Timestamp::from_millisecond(at).expect("a time"));
    let recipient = serde_json::json!({
        "address": email, "host": "mx.tls.example", "host_address": "192.0.2.1", "reason": "", "cause": "downgrade",
        "status": "5.7.4", "stopped_at": at
    });
    let stop = serde_json::json!({
        "id": "S1", "queue_id": "Q1", "message_id": null, "subject": "", "recipients": [recipient],
        "delivered_others": 0, "waiting_others": 0, "replaced_by": null
    });
    Event::Stop(serde_json::from_value(stop).expect("a stop"))
}

/// A stop is younger than what was asked before, also than an answer that is on its way.
#[test]
fn a_stop_voids_what_is_known_of_its_domain() {
    let (mut known, all) = (Protections::default(), to(&[BOB, "eve@TLS.example", CARLA]));
    let question = known.ask(&all, 0).expect("a question");
    let answers = vec![encrypted(BOB), encrypted("eve@TLS.example"), stopped(CARLA, "no_starttls")];
    known.answer(&question, answers.clone(), 0);
    known.hear(&stop("frank@tls.example", -10), 10);
    assert_eq!((known.of(BOB, 10), known.of("eve@TLS.example", 10)), (None, None));
    assert!(known.of(CARLA, 10).is_some());
    let again = known.ask(&all, 10).expect("a question");
    assert_eq!(again.recipients, all[..2]);
    known.hear(&stop(BOB, -10), 20);
    known.answer(&again, answers.clone(), 30);
    known.hear(&Event::Check(encrypted(BOB)), 30);
    assert_eq!(known.of(BOB, 30), None, "asked before the stop");
    let third = known.ask(&all, 40).expect("a question");
    known.answer(&third, answers, 50);
    assert!(known.of(BOB, 50).is_some());
}

/// What holds for one address holds for its neighbours, but for an exception.
#[test]
fn a_domain_is_known_by_any_of_its_addresses() {
    let (mut known, all) = (Protections::default(), to(&[BOB, CARLA]));
    let question = known.ask(&all, 0).expect("a question");
    known.answer(&question, vec![encrypted(BOB), excepted(stopped(CARLA, "no_starttls"))], 0);
    assert_eq!(known.of("eve@tls.example", 0).map(|check| check.protection), Some(ProtectionWord::Encrypted));
    assert_eq!(known.of("eve@plain.example", 0), None);
    assert!(known.ask(&to(&["eve@tls.example"]), 0).is_some(), "it may have an exception of its own");
}

#[test]
fn what_can_not_be_had_anew_is_shown_for_a_while() {
    let (mut known, all) = (Protections::default(), to(&[BOB]));
    let question = known.ask(&all, 0).expect("a question");
    known.answer(&question, vec![encrypted(BOB)], 0);
    assert!(known.of(BOB, SHOWN - 1).is_some());
    assert_eq!(known.of(BOB, SHOWN), None);
}

/// The server keeps what it has seen for some minutes, too.
#[test]
fn what_was_seen_before_a_stop_is_no_answer() {
    let (mut known, all) = (Protections::default(), to(&[BOB]));
    let first = known.ask(&all, 0).expect("a question");
    known.answer(&first, vec![encrypted(BOB)], 0);
    known.hear(&stop(BOB, 5_000), 10);
    let second = known.ask(&all, 20).expect("a question");
    known.answer(&second, vec![encrypted(BOB)], 30);
    assert_eq!(word(known.of(BOB, 30), Under::Guarantee), Word::Unknown);
    assert_eq!(known.ask(&all, 40), None, "that would be a storm");
}
