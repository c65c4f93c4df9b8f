//! Every combination of the decision, as tables and by exhaustive enumeration.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use guarantee::*;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes + 1_000_000)
}

fn host(n: u8) -> HostAddress {
    HostAddress { name: format!("mx{n}.example"), address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)) }
}

// --- requirement ------------------------------------------------------------------------------

// rfc 8689 5: SHOULD NOT When the MAIL FROM return-path is empty
#[test]
fn only_submitted_mail_under_the_switched_on_guarantee_must_be_encrypted() {
    let now = at(0);
    let switches = [
        (Switch::Off, false),
        (Switch::On, true),
        (Switch::Paused { until: at(1) }, false),
        // A pause that is over, to the second, is on again by itself.
        (Switch::Paused { until: now }, true),
        (Switch::Paused { until: at(-1) }, true),
    ];
    let levels =
        [(Level::Encrypted, Requirement::Encrypted), (Level::Authenticated, Requirement::Authenticated)];
    let mut seen = 0;
    for origin in [Origin::Submission, Origin::MailStore, Origin::Incoming, Origin::Report] {
        for (switch, holds) in switches {
            for (level, at_level) in levels {
                for wish in [Wish::None, Wish::TlsOptional, Wish::RequireTls, Wish::Demanded] {
                    for (lifts, is_report) in
                        every_lift().into_iter().flat_map(|lifts| [(lifts, false), (lifts, true)])
                    {
                        let asked = Asked { origin, switch, level, now, wish, is_report, lifts };
                        let lifted = lifts != Lifts::default();
                        let expected = match (origin, wish) {
                            (Origin::Report, Wish::TlsOptional) => Requirement::Regardless,
                            (Origin::Report, _) => Requirement::Opportunistic,
                            (_, Wish::RequireTls) if !is_report => Requirement::RequireTls,
                            (_, Wish::Demanded) => Requirement::Authenticated,
                            (Origin::Submission, Wish::TlsOptional) => Requirement::Regardless,
                            (Origin::Submission, _) if holds && !lifted => at_level,
                            _ => Requirement::Opportunistic,
                        };
                        assert_eq!(requirement(&asked), expected, "{asked:?}");
                        seen += 1;
                    }
                }
            }
        }
    }
    assert_eq!(seen, 4 * 5 * 2 * 4 * 16);
}

fn every_lift() -> Vec<Lifts> {
    let either = [false, true];
    let mut all = Vec::new();
    for override_recorded in either {
        for exception in either {
            all.extend(either.map(|end_to_end| Lifts { override_recorded, exception, end_to_end }));
        }
    }
    all
}

/// A demand never asks for less than the message does without it, whatever else holds for it.
#[rstest]
#[case(Wish::None, Wish::Demanded)]
#[case(Wish::TlsOptional, Wish::Demanded)]
#[case(Wish::RequireTls, Wish::RequireTls)]
#[case(Wish::Demanded, Wish::Demanded)]
fn a_demand_goes_before_the_header_and_leaves_requiretls(#[case] wish: Wish, #[case] with: Wish) {
    assert_eq!((wish.with_demand(), wish.with_demand().goes_on()), (with, true));
    for switch in [Switch::Off, Switch::On, Switch::Paused { until: at(1) }] {
        for lifts in every_lift() {
            let asked = |wish| {
                let (origin, level, is_report) = (Origin::Submission, Level::Encrypted, false);
                requirement(&Asked { origin, switch, level, now: at(0), wish, is_report, lifts })
            };
            assert!(asked(with) >= Requirement::Authenticated);
            assert!(asked(with) >= asked(wish));
        }
    }
}

#[test]
fn protection_is_ordered_so_that_worse_is_less() {
    assert!(Protection::None < Protection::Encrypted);
    assert!(Protection::Encrypted < Protection::Authenticated);
    assert!(Protection::Authenticated < Protection::Dane);
    assert!(Requirement::Opportunistic < Requirement::Encrypted);
}

// --- plan -------------------------------------------------------------------------------------

fn mx(n: u8, preference: u16, addresses: Addresses) -> MxHost {
    MxHost { name: host(n).name, preference, addresses, is_self: false, tlsa: Tlsa::None }
}

fn found(n: u8) -> Addresses {
    Addresses::Found(vec![host(n).address])
}

fn facts(mx: MxAnswer) -> Facts {
    Facts { next_hop: "example".to_owned(), mx, sts: Sts::None }
}

fn hosts(hosts: Vec<MxHost>) -> MxAnswer {
    MxAnswer::Hosts { proof: Proof::Insecure, expanded: None, hosts }
}

fn lookup_failure(kind: LookupFailureKind) -> LookupFailure {
    LookupFailure { kind, detail: "timeout".to_owned() }
}

fn unanswered() -> Addresses {
    Addresses::Failed(lookup_failure(LookupFailureKind::Unanswered))
}

// rfc 5321 5.1: MUST If a non-existent domain error is returned
// rfc 5321 5.1: MUST If MX records are present, but none of them are usable, this situation
// rfc 5321 5.1: MUST If there are no records left at that point
#[rstest]
#[case(MxAnswer::NullMx, "5.1.10")]
#[case(MxAnswer::NoSuchDomain, "5.1.2")]
#[case(hosts(vec![mx(1, 10, Addresses::NoAddress)]), "5.4.4")]
#[case(hosts(vec![mx(1, 10, Addresses::Forbidden), mx(2, 20, Addresses::NoAddress)]), "5.4.4")]
#[case(hosts(vec![MxHost { is_self: true, ..mx(1, 10, found(1)) }, mx(2, 20, found(2))]), "5.4.6")]
#[case(hosts(vec![mx(2, 10, found(2)), MxHost { is_self: true, ..mx(1, 10, found(1)) }]), "5.4.6")]
fn what_no_host_can_ever_take_is_refused(#[case] answer: MxAnswer, #[case] status: &str) {
    for requirement in [Requirement::Opportunistic, Requirement::Encrypted] {
        match plan(requirement, &facts(answer.clone())) {
            Plan::Refuse(cause) => assert_eq!(cause.status(), status),
            other => panic!("{other:?}"),
        }
    }
}

#[rstest]
#[case(LookupFailureKind::Unanswered, "4.4.3", "dns_failed")]
#[case(LookupFailureKind::Bogus, "4.4.3", "dns_bogus")]
#[case(LookupFailureKind::OwnFault, "4.3.0", "own_fault")]
fn what_is_not_known_is_deferred(#[case] kind: LookupFailureKind, #[case] status: &str, #[case] word: &str) {
    let told = |cause: &Cause| (cause.deferred_status(), cause.kind());
    let expected = (status.to_owned(), word);
    let plan_of = |answer| plan(Requirement::Encrypted, &facts(answer));
    match plan_of(MxAnswer::Failed(lookup_failure(kind))) {
        Plan::Defer(cause) => assert_eq!(told(&cause), expected),
        other => panic!("{other:?}"),
    }
    let failed = || mx(2, 20, Addresses::Failed(lookup_failure(kind)));
    for answer in [hosts(vec![failed()]), hosts(vec![mx(1, 10, Addresses::NoAddress), failed()])] {
        match plan_of(answer) {
            Plan::Try { hosts, barred } => {
                assert!(hosts.is_empty());
                assert_eq!(barred.len(), 1);
                assert_eq!(barred[0].weight, Weight::Away);
                assert_eq!(told(&barred[0].cause), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

// rfc 5321 5.1: MUST If a matching record is found
// rfc 5321 5.1: SHOULD If records do remain
#[test]
fn hosts_are_tried_in_order_and_unresolved_ones_count_as_away() {
    let answer = hosts(vec![
        mx(1, 10, unanswered()),
        mx(2, 20, found(2)),
        mx(3, 20, found(3)),
        MxHost { is_self: true, ..mx(4, 30, found(4)) },
        mx(5, 40, found(5)),
    ]);
    let Plan::Try { hosts, barred } = plan(Requirement::Encrypted, &facts(answer)) else { panic!() };
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["mx2.example", "mx3.example"]);
    assert!(hosts.iter().all(|host| host.requirement == Requirement::Encrypted));
    assert_eq!(barred.len(), 1);
}

// --- judge ------------------------------------------------------------------------------------

fn established(version: TlsVersion) -> Starttls {
    let tls = TlsDetails {
        version,
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
        key_exchange: "X25519MLKEM768".to_owned(),
        certificate_sha256: String::new(),
    };
    let chain = Chain::Untrusted { fault: ChainFault::NotTrusted, detail: "self-signed".to_owned() };
    let identity = Identity { chain, tlsa: TlsaMatch::NotAsked };
    Starttls::Established { tls, identity, requiretls: RequireTlsOffer::NotOffered }
}

fn every_starttls() -> Vec<Starttls> {
    let mut all = vec![Starttls::NotOffered, established(TlsVersion::Tls12), established(TlsVersion::Tls13)];
    for transient in [false, true] {
        all.push(Starttls::Refused { transient, reply: "454 4.7.0 later".to_owned() });
    }
    for failure in [TlsFailure::Refused, TlsFailure::Interrupted, TlsFailure::OwnFault] {
        all.push(Starttls::Failed { failure, detail: "alert".to_owned() });
    }
    all
}

fn ask(requirement: Requirement, starttls: Starttls, seen: u8) -> Verdict {
    let answer = hosts(vec![mx(1, 10, found(1))]);
    let Plan::Try { hosts, .. } = plan(requirement, &facts(answer)) else { panic!("to be tried") };
    let planned = hosts[0].clone();
    judge(&planned, &Handshake { host: host(1), starttls, seen })
}

/// The heart of the guarantee: over every observation, a clearance under `Encrypted` means TLS.
// rfc 3207 6: MUST In order to defend against such attacks
#[test]
fn an_encrypted_requirement_is_never_cleared_without_tls() {
    for starttls in every_starttls() {
        for seen in 0..=4 {
            let verdict = ask(Requirement::Encrypted, starttls.clone(), seen);
            let encrypted = matches!(starttls, Starttls::Established { .. });
            match verdict {
                Verdict::Proceed(clearance) => {
                    assert!(encrypted, "{starttls:?}");
                    assert_eq!(clearance.protection(), Protection::Encrypted);
                }
                Verdict::RetryInClear => panic!("never in clear: {starttls:?}"),
                Verdict::Again | Verdict::NextHost(_) => assert!(!encrypted),
            }
        }
    }
}

#[test]
fn what_is_certain_weighs_as_insecure_and_nothing_else_does() {
    for starttls in every_starttls() {
        for seen in 1..=3 {
            let verdict = ask(Requirement::Encrypted, starttls.clone(), seen);
            let expected = match &starttls {
                Starttls::Established { .. } => None,
                Starttls::NotTried => {
                    assert_eq!(verdict, Verdict::Again);
                    continue;
                }
                Starttls::NotOffered | Starttls::Refused { transient: false, .. } => Some(Weight::Insecure),
                Starttls::Refused { transient: true, .. } => Some(Weight::Away),
                Starttls::Failed { failure, .. } => match failure {
                    // Two fresh connections.
                    TlsFailure::Refused if seen < 2 => {
                        assert_eq!(verdict, Verdict::Again);
                        continue;
                    }
                    TlsFailure::Refused => Some(Weight::Insecure),
                    TlsFailure::Interrupted => Some(Weight::Shaky),
                    TlsFailure::OwnFault => Some(Weight::Away),
                },
            };
            let weight = match verdict {
                Verdict::NextHost(failure) => Some(failure.weight),
                _ => None,
            };
            assert_eq!(weight, expected, "{starttls:?} seen {seen}");
        }
    }
}

// rfc 7672 2.2: SHOULD An "insecure" TLSA RRset or DNSSEC-authenticated denial
// rfc 3207 6: SHOULD The additional option of using TLS when possible
#[test]
fn opportunistic_mail_leaves_in_clear_only_after_tls_was_tried() {
    for starttls in every_starttls() {
        let verdict = ask(Requirement::Opportunistic, starttls.clone(), 1);
        match starttls {
            Starttls::Established { .. } => {
                assert!(matches!(verdict, Verdict::Proceed(c) if c.protection() == Protection::Encrypted));
            }
            Starttls::NotOffered | Starttls::NotTried | Starttls::Refused { .. } => {
                assert!(matches!(verdict, Verdict::Proceed(c) if c.protection() == Protection::None));
            }
            Starttls::Failed { .. } => assert_eq!(verdict, Verdict::RetryInClear),
        }
    }
}

// --- conclude ---------------------------------------------------------------------------------

fn failure(n: u8, weight: Weight) -> HostFailure {
    let cause = match weight {
        Weight::Insecure => Cause::NoStarttls { host: host(n) },
        Weight::Shaky => Cause::HandshakeFailed { host: host(n), detail: "reset".to_owned() },
        Weight::Unconfirmed => {
            Cause::Mismatch { host: host(n), mechanism: Mechanism::Dane, detail: "other key".to_owned() }
        }
        Weight::Away => Cause::Unreachable { host: host(n), detail: "refused".to_owned() },
    };
    HostFailure { cause, weight }
}

fn is_stop(conclusion: &Conclusion) -> bool {
    matches!(conclusion, Conclusion::Stop(_))
}

#[rstest]
#[case::all_insecure(&[Weight::Insecure], true)]
#[case::both_insecure(&[Weight::Insecure, Weight::Insecure], true)]
#[case::away(&[Weight::Away], false)]
#[case::shaky(&[Weight::Shaky], false)]
#[case::one_away(&[Weight::Insecure, Weight::Away], false)]
#[case::one_away_first(&[Weight::Away, Weight::Insecure], false)]
#[case::unconfirmed(&[Weight::Unconfirmed], false)]
#[case::one_unconfirmed(&[Weight::Insecure, Weight::Unconfirmed], false)]
#[case::one_shaky(&[Weight::Insecure, Weight::Shaky], false)]
fn at_the_first_attempt(#[case] weights: &[Weight], #[case] stop: bool) {
    let tried: Vec<HostFailure> = weights.iter().zip(1..).map(|(weight, n)| failure(n, *weight)).collect();
    let (conclusion, history) = conclude(Requirement::Encrypted, &tried, &History::default(), at(0));
    assert_eq!(is_stop(&conclusion), stop);
    for requirement in [Requirement::Authenticated, Requirement::RequireTls] {
        assert_eq!(is_stop(&conclude(requirement, &tried, &History::default(), at(0)).0), stop);
    }
    for requirement in [Requirement::Regardless, Requirement::Opportunistic] {
        assert!(!is_stop(&conclude(requirement, &tried, &History::default(), at(0)).0));
    }
    assert_eq!(history.attempts, 1);
}

#[rstest]
// A host that stays away while the others are insecure: 15 minutes, then the stop.
#[case::away(&[Weight::Insecure, Weight::Away], &[0, 14], false)]
#[case::away_for_long(&[Weight::Insecure, Weight::Away], &[0, 15], true)]
// All away is never a stop, however long.
#[case::all_away(&[Weight::Away], &[0, 5, 15, 60, 6000], false)]
// The same interruption for 15 minutes in three tries counts as certain.
#[case::shaky_twice(&[Weight::Shaky], &[0, 15], false)]
#[case::shaky_thrice_too_soon(&[Weight::Shaky], &[0, 5, 14], false)]
#[case::shaky_thrice(&[Weight::Shaky], &[0, 5, 15], true)]
#[case::shaky_and_away(&[Weight::Shaky, Weight::Away], &[0, 5, 15], true)]
fn over_several_attempts(#[case] weights: &[Weight], #[case] minutes: &[i64], #[case] stop: bool) {
    let tried: Vec<HostFailure> = weights.iter().zip(1..).map(|(weight, n)| failure(n, *weight)).collect();
    let mut history = History::default();
    let mut last = None;
    for (index, minute) in minutes.iter().enumerate() {
        let (conclusion, after) = conclude(Requirement::Encrypted, &tried, &history, at(*minute));
        if index + 1 < minutes.len() {
            assert!(!is_stop(&conclusion), "too soon, at minute {minute}");
        }
        history = after;
        last = Some(conclusion);
    }
    assert_eq!(is_stop(&last.expect("at least one attempt")), stop);
}

#[test]
fn an_attempt_without_the_interruption_starts_the_count_anew() {
    let shaky = [failure(1, Weight::Shaky)];
    let away = [failure(1, Weight::Away)];
    let (_, history) = conclude(Requirement::Encrypted, &shaky, &History::default(), at(0));
    let (_, history) = conclude(Requirement::Encrypted, &shaky, &history, at(5));
    let (_, history) = conclude(Requirement::Encrypted, &away, &history, at(10));
    let (conclusion, history) = conclude(Requirement::Encrypted, &shaky, &history, at(16));
    assert!(!is_stop(&conclusion));
    assert_eq!((history.shaky_tries, history.attempts), (1, 4));
}

#[test]
fn the_cause_of_a_stop_is_an_insecure_host_even_when_another_was_tried_first() {
    let tried = [failure(1, Weight::Away), failure(2, Weight::Insecure)];
    let before = History { attempts: 3, insecure_since: Some(at(0)), ..History::default() };
    let (conclusion, _) = conclude(Requirement::Encrypted, &tried, &before, at(20));
    assert_eq!(conclusion, Conclusion::Stop(Cause::NoStarttls { host: host(2) }));
}

#[test]
fn nothing_tried_is_our_own_fault_and_waits() {
    let (conclusion, _) = conclude(Requirement::Encrypted, &[], &History::default(), at(0));
    assert!(matches!(conclusion, Conclusion::Defer(Cause::OwnFault { .. })));
}

// --- causes -----------------------------------------------------------------------------------

#[test]
fn the_causes_read_as_the_contract_has_them() {
    let host = HostAddress { name: "mx.plain.example".into(), address: "192.0.2.25".parse().expect("ip") };
    let cause = Cause::NoStarttls { host: host.clone() };
    assert_eq!(cause.text(), "TLS is required, but was not offered by host mx.plain.example[192.0.2.25]");
    assert_eq!(cause.status(), "5.7.4");
    assert_eq!(cause.deferred_status(), "4.7.4");
    let cause = Cause::StarttlsRefused { host: host.clone(), reply: "554 5.7.0 no".into() };
    assert_eq!(
        cause.text(),
        "TLS is required, but host mx.plain.example[192.0.2.25] refused to start TLS: 554 5.7.0 no"
    );
    assert_eq!(cause.status(), "5.7.4");
    let cause = Cause::HandshakeFailed { host, detail: "received fatal alert".into() };
    assert_eq!(
        cause.text(),
        "TLS is required, but the handshake with host mx.plain.example[192.0.2.25] failed: received fatal alert"
    );
    assert_eq!(cause.status(), "5.7.5");
}

#[rstest]
#[case(
    Cause::Mismatch { host: host(7), mechanism: Mechanism::Dane, detail: "no record matches".into() },
    "TLS is required, but host mx7.example[192.0.2.7] did not prove its identity (DANE): no record matches",
    "5.7.5"
)]
#[case(
    Cause::Mismatch { host: host(7), mechanism: Mechanism::MtaSts, detail: "expired".into() },
    "TLS is required, but host mx7.example[192.0.2.7] did not prove its identity (MTA-STS): expired",
    "5.7.5"
)]
#[case(
    Cause::Downgrade { now: Box::new(Cause::NoStarttls { host: host(7) }), seen: Timestamp::UNIX_EPOCH },
    "TLS is required, but was not offered by host mx7.example[192.0.2.7]; possible downgrade, TLS was last seen 1970-01-01",
    "5.7.4"
)]
#[case(
    Cause::RequireTlsNotOffered { host: host(7) },
    "REQUIRETLS support required, but not offered by host mx7.example[192.0.2.7]",
    "5.7.30"
)]
#[case(
    Cause::RequireTlsFailed { why: Box::new(Cause::NoStarttls { host: host(7) }) },
    "Encryption needed (REQUIRETLS): TLS is required, but was not offered by host mx7.example[192.0.2.7]",
    "5.7.10"
)]
fn the_causes_of_what_a_domain_or_a_sender_asks(
    #[case] cause: Cause,
    #[case] text: &str,
    #[case] status: &str,
) {
    assert_eq!((cause.text().as_str(), cause.status().as_str()), (text, status));
    assert!(cause.is_insecurity());
    assert_eq!(cause.host(), Some(&host(7)));
}

#[test]
fn a_cause_survives_being_written_down() {
    let cause = Cause::Expired { last: Box::new(Cause::NoStarttls { host: host(7) }) };
    let json = serde_json::to_value(&cause).expect("serialises");
    assert_eq!(json["kind"], cause.kind());
    assert_eq!(serde_json::from_value::<Cause>(json).expect("reads back"), cause);
}

// --- schedule ---------------------------------------------------------------------------------

// rfc 5321 4.5.4.1: MUST In a typical system, the program that composes a message
// rfc 5321 4.5.4.1: MUST The sender MUST delay retrying a particular destination
#[test]
fn three_tries_fit_into_a_quarter_of_an_hour_and_the_last_is_at_the_expiry() {
    let start = at(0);
    let mut now = start;
    let mut tries = vec![now];
    for attempts in 1..200 {
        now = next_attempt(attempts, start, now);
        tries.push(now);
        if now.duration_since(start) >= EXPIRES_AFTER {
            break;
        }
    }
    let soon = tries.iter().filter(|t| t.duration_since(start) <= CERTAIN_AFTER).count();
    assert!(soon >= CERTAIN_TRIES as usize, "{soon}");
    assert!(tries.contains(&(start + CERTAIN_AFTER)), "a verdict is due right at the 15 minutes");
    assert!(tries.contains(&(start + delay_notice_after(Requirement::Opportunistic))));
    assert_eq!(*tries.last().expect("some"), start + EXPIRES_AFTER);
}

/// However long the mailboxes' server was away, a mail waits at most as long again, and at most five minutes.
#[test]
fn a_local_mail_waits_hardly_longer_than_its_server_was_away() {
    let start = at(0);
    let mut now = start;
    for attempts in 1..2000 {
        let next = next_local_attempt(attempts, start, now);
        let (away, wait) = (now.duration_since(start), next.duration_since(now));
        assert!(
            wait <= SignedDuration::from_secs(2).max(away + SignedDuration::from_secs(1)),
            "{away} {wait}"
        );
        assert!(wait <= SignedDuration::from_mins(5) && wait.is_positive());
        now = next;
        if now.duration_since(start) >= EXPIRES_AFTER {
            break;
        }
    }
    assert_eq!(now, start + EXPIRES_AFTER);
}

// --- DANE and MTA-STS together ----------------------------------------------------------------

/// A host that its TLSA record describes, in a domain whose policy says something else.
#[rstest]
#[case::signed(Proof::Secure, Ok(Protection::Dane))]
// Where nothing proves that the host is the domain's, the policy's word counts as well.
#[case::unsigned(Proof::Insecure, Err("sts_mismatch"))]
fn dane_goes_before_a_policy_where_it_proves_the_host(
    #[case] proof: Proof,
    #[case] expected: Result<Protection, &str>,
    #[values("mx1.example", "other.example")] named: &str,
) {
    let records = vec![TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![1; 32] }];
    let tlsa = Tlsa::Published { base: host(1).name, records, age: Age::Fresh };
    let mx = MxHost { tlsa, ..mx(1, 10, found(1)) };
    let policy = StsPolicy {
        domain: "example".to_owned(),
        id: "1".to_owned(),
        mode: StsMode::Enforce,
        mx: vec![named.to_owned()],
        max_age: 86400,
        age: Age::Fresh,
    };
    let mx = MxAnswer::Hosts { proof, expanded: None, hosts: vec![mx] };
    let facts = Facts { next_hop: "example".to_owned(), mx, sts: Sts::Policy(policy) };
    let Plan::Try { hosts, barred } = plan(Requirement::Encrypted, &facts) else { panic!("to be tried") };
    let Starttls::Established { tls, mut identity, requiretls } = established(TlsVersion::Tls13) else {
        panic!()
    };
    identity.tlsa = TlsaMatch::Matched { record: "3 1 1".to_owned() };
    let seen =
        Handshake { host: host(1), starttls: Starttls::Established { tls, identity, requiretls }, seen: 1 };
    let failure = match hosts.first().map(|planned| judge(planned, &seen)) {
        Some(Verdict::Proceed(clearance)) => {
            assert_eq!(Ok(clearance.protection()), expected);
            return;
        }
        Some(Verdict::NextHost(failure)) => failure,
        other => {
            assert_eq!(other, None);
            barred[0].clone()
        }
    };
    assert_eq!(Err(failure.cause.kind()), expected);
}

/// Which names a certificate below a trust anchor may have. Where no MX record was used, the host is the next hop.
// rfc 7672 3.2.2: MUST TLSA records for non-MX hostnames: If MX
// rfc 7672 3.2.2: MUST TLSA records for MX hostnames: If the
// rfc 7672 3.2.2: MUST The CNAME-expanded original next-hop domain MUST be
#[rstest]
#[case::mx(Proof::Secure, None, "mx1.example", "mx1.example", &["mx1.example", "example"])]
#[case::mx_of_an_alias(
    Proof::Secure, Some("other.example"), "mx1.example", "mx1.example", &["mx1.example", "example", "other.example"]
)]
#[case::mx_that_is_an_alias(Proof::Secure, None, "mx1.example", "mx.example.net", &["mx.example.net", "example"])]
#[case::unsigned_mx(Proof::Insecure, Some("other.example"), "mx1.example", "mx1.example", &["mx1.example"])]
#[case::no_mx(Proof::Secure, None, "example", "example", &["example"])]
#[case::no_mx_at_an_alias(
    Proof::Secure, Some("other.example"), "example", "other.example", &["other.example", "example"]
)]
fn the_names_that_dane_accepts(
    #[case] proof: Proof,
    #[case] expanded: Option<&str>,
    #[case] name: &str,
    #[case] base: &str,
    #[case] expected: &[&str],
) {
    let records = vec![TlsaRecord { usage: 2, selector: 0, matching: 1, data: vec![1; 32] }];
    let tlsa = Tlsa::Published { base: base.to_owned(), records, age: Age::Fresh };
    let host = MxHost { name: name.to_owned(), tlsa, ..mx(1, 10, found(1)) };
    let mx = MxAnswer::Hosts { proof, expanded: expanded.map(str::to_owned), hosts: vec![host] };
    let Plan::Try { hosts, .. } = plan(Requirement::Encrypted, &facts(mx)) else { panic!("to be tried") };
    let Dane::Authenticate { names, .. } = &hosts[0].dane else { panic!("{hosts:?}") };
    assert_eq!(names[0], base, "the primary one");
    let accepted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(accepted, expected.iter().copied().collect());
}

// --- sightings --------------------------------------------------------------------------------

fn seen(starttls: Starttls) -> Option<Sighting> {
    let facts = facts(hosts(vec![mx(1, 10, found(1))]));
    let Plan::Try { hosts, .. } = plan(Requirement::Encrypted, &facts) else { panic!("to be tried") };
    let seen = Handshake { host: host(1), starttls, seen: 3 };
    let verdict = judge(&hosts[0], &seen);
    sighting(&facts, &hosts[0], &seen, &verdict)
}

/// What has no category of its own has the general one, with the library's words.
// rfc 8460 4.3.3: SHOULD When a negotiation failure cannot be categorized
// rfc 8460 4.3.3: SHOULD When this category is used, the reporter
#[rstest]
#[case::refused(TlsFailure::Refused)]
#[case::interrupted(TlsFailure::Interrupted)]
fn a_handshake_that_fails_is_a_validation_failure(#[case] failure: TlsFailure) {
    let detail = "the host answered with the alert internal_error".to_owned();
    let outcome = seen(Starttls::Failed { failure, detail: detail.clone() }).map(|sighting| sighting.outcome);
    assert_eq!(outcome, Some(Sighted::NoTls { result: ResultType::ValidationFailure, detail }));
    let outcome = seen(Starttls::NotOffered).map(|sighting| sighting.outcome);
    assert!(
        matches!(outcome, Some(Sighted::NoTls { result: ResultType::StarttlsNotSupported, .. })),
        "that has one: {outcome:?}"
    );
}
