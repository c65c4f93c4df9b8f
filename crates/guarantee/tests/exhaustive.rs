//! Every combination of what a sender asks, a domain publishes and a host shows: what must hold whatever the network answers.

use std::net::{IpAddr, Ipv4Addr};

use guarantee::*;

const HOST: &str = "mx.example.net";
const DOMAIN: &str = "example.org";

const REQUIREMENTS: [Requirement; 5] = [
    Requirement::Regardless,
    Requirement::Opportunistic,
    Requirement::Encrypted,
    Requirement::Authenticated,
    Requirement::RequireTls,
];

fn at() -> HostAddress {
    HostAddress { name: HOST.to_owned(), address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)) }
}

fn record(usage: u8) -> TlsaRecord {
    TlsaRecord { usage, selector: 1, matching: 1, data: vec![7; 32] }
}

fn failure(kind: LookupFailureKind) -> LookupFailure {
    LookupFailure { kind, detail: "no answer".to_owned() }
}

fn every_tlsa() -> Vec<Tlsa> {
    let mut all = vec![Tlsa::None];
    for kind in [LookupFailureKind::Bogus, LookupFailureKind::Unanswered, LookupFailureKind::OwnFault] {
        all.push(Tlsa::Failed(failure(kind)));
    }
    for age in [Age::Cached, Age::Fresh] {
        // Usable; one of two usable; only such as SMTP does not use.
        for usages in [vec![3], vec![1, 2], vec![0, 1]] {
            let records = usages.into_iter().map(record).collect();
            all.push(Tlsa::Published { base: HOST.to_owned(), records, age });
        }
    }
    all
}

fn every_sts() -> Vec<Sts> {
    let mut all = vec![
        Sts::None,
        Sts::Unknown,
        Sts::Unavailable { problem: StsProblem::FetchError, detail: "blocked".to_owned() },
    ];
    for mode in [StsMode::Enforce, StsMode::Testing, StsMode::None] {
        for mx in [HOST, "*.example.net", "*.net", "example.net"] {
            for age in [Age::Cached, Age::Fresh] {
                let (domain, id, mx) = (DOMAIN.to_owned(), "1".to_owned(), vec![mx.to_owned()]);
                let policy = StsPolicy { domain, id, mode, mx, max_age: 86400, age };
                let (problem, detail) = (StsProblem::FetchError, "blocked".to_owned());
                all.push(Sts::Kept { policy: policy.clone(), problem, detail });
                all.push(Sts::Policy(policy));
            }
        }
    }
    all
}

fn every_facts() -> Vec<Facts> {
    let mut all = Vec::new();
    for proof in [Proof::Insecure, Proof::Secure] {
        for tlsa in every_tlsa() {
            for sts in every_sts() {
                let host = MxHost {
                    name: HOST.to_owned(),
                    preference: 10,
                    addresses: Addresses::Found(vec![at().address]),
                    is_self: false,
                    tlsa: tlsa.clone(),
                };
                let mx = MxAnswer::Hosts { proof, expanded: None, hosts: vec![host] };
                all.push(Facts { next_hop: DOMAIN.to_owned(), mx, sts: sts.clone() });
            }
        }
    }
    all
}

fn every_identity() -> Vec<Identity> {
    let trusted = |names: &[&str]| Chain::Trusted { names: names.iter().map(ToString::to_string).collect() };
    let mut chains = vec![trusted(&[]), trusted(&[HOST]), trusted(&[DOMAIN]), trusted(&[HOST, DOMAIN])];
    for fault in [ChainFault::Expired, ChainFault::NotTrusted] {
        chains.push(Chain::Untrusted { fault, detail: String::new() });
    }
    let matches = [
        TlsaMatch::NotAsked,
        TlsaMatch::Matched { record: "3 1 1 07".to_owned() },
        TlsaMatch::Mismatch { detail: String::new() },
    ];
    let mut all = Vec::new();
    for chain in chains {
        all.extend(matches.iter().map(|tlsa| Identity { chain: chain.clone(), tlsa: tlsa.clone() }));
    }
    all
}

fn every_starttls() -> Vec<Starttls> {
    let mut all = vec![Starttls::NotOffered, Starttls::NotTried];
    for transient in [false, true] {
        all.push(Starttls::Refused { transient, reply: "454 later".to_owned() });
    }
    for failure in [TlsFailure::Refused, TlsFailure::Interrupted, TlsFailure::OwnFault] {
        all.push(Starttls::Failed { failure, detail: "alert".to_owned() });
    }
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for identity in every_identity() {
            for requiretls in [RequireTlsOffer::Offered, RequireTlsOffer::NotOffered] {
                let tls = TlsDetails {
                    version,
                    cipher: String::new(),
                    key_exchange: String::new(),
                    certificate_sha256: String::new(),
                };
                all.push(Starttls::Established { tls, identity: identity.clone(), requiretls });
            }
        }
    }
    all
}

/// What is asked of the host, said from the facts alone and in other words than the code's.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
struct Bound {
    dane: bool,
    tls_by_dane: bool,
    sts: bool,
    excluded: bool,
    mx_proven: bool,
}

impl Bound {
    fn by(facts: &Facts) -> Option<Self> {
        let MxAnswer::Hosts { proof, hosts, .. } = &facts.mx else { panic!("hosts") };
        let mx_proven = *proof == Proof::Secure;
        let (tls_by_dane, dane) = match &hosts[0].tlsa {
            Tlsa::None => (false, false),
            Tlsa::Failed(_) => return None,
            Tlsa::Published { records, .. } => {
                (true, records.iter().any(|record| record.usage == 2 || record.usage == 3))
            }
        };
        let (enforce, named) = match &facts.sts {
            Sts::Policy(policy) | Sts::Kept { policy, .. } => (
                policy.mode == StsMode::Enforce,
                policy.mx == [HOST.to_owned()] || policy.mx == ["*.example.net".to_owned()],
            ),
            _ => (false, false),
        };
        let sts = enforce && !(dane && mx_proven);
        Some(Self { dane, tls_by_dane, sts, excluded: sts && !named, mx_proven })
    }
}

fn verdict(requirement: Requirement, facts: &Facts, starttls: &Starttls, seen: u8) -> Option<Verdict> {
    let Plan::Try { hosts, .. } = plan(requirement, facts) else { panic!("one host has an address") };
    let planned = hosts.first()?;
    Some(judge(planned, &Handshake { host: at(), starttls: starttls.clone(), seen }))
}

// rfc 7672 2.2: MUST A "secure" TLSA RRset with at least one usable record: Any connection to the MTA MUST employ
// rfc 7672 2.2: MUST authenticate the SMTP server using the
// rfc 7672 2.2: MUST Failure to establish an authenticated TLS connection
// rfc 7672 2.2: MUST A "secure" non-empty TLSA RRset where all
// rfc 7672 2.2: MUST Failure to establish an encrypted TLS connection
// rfc 7672 2.2.3: MUST NOT The SMTP client MUST NOT deliver mail
// rfc 7672 3.2: MUST When at least one usable "secure" TLSA
// rfc 7672 3.2: MUST NOT Messages MUST NOT be delivered via the
// rfc 7672 9.1: MUST NOT Unless local policy specifies "audit only" or
// rfc 8461 2: MUST NOT However, MTA-STS is designed not to interfere
// rfc 8461 4: MUST When sending to an MX at a
// rfc 8461 5: MUST NOT "enforce": In this mode, Sending MTAs MUST
// rfc 8689 2: MUST The session itself MUST employ TLS transmission.
// rfc 8689 2: MUST If the SMTP server to which the message is being transmitted is identified through an MX record lookup, its
// rfc 8689 2: MUST the MX hostname MUST be validated by
// rfc 8689 2: MUST The certificate presented by the SMTP server either
// rfc 8689 2: MUST or it MUST be verified successfully using
// rfc 8689 4.2.1: MUST If the server lookup is accomplished via
// rfc 8689 4.2.1: MUST The hostname from the MX record lookup
// rfc 3207 4.1: MUST After the TLS handshake has been completed
// rfc 8689 1: MUST The service extension is used to specify
#[test]
fn nothing_leaves_for_less_than_what_sender_and_domain_ask() {
    let (mut cases, mut sent) = (0_u32, 0_u32);
    let starttls = every_starttls();
    for facts in every_facts() {
        let bound = Bound::by(&facts);
        for requirement in REQUIREMENTS {
            for seen in 1..=2 {
                for starttls in &starttls {
                    cases += 1;
                    let Some(verdict) = verdict(requirement, &facts, starttls, seen) else { continue };
                    match &verdict {
                        Verdict::Proceed(clearance) => {
                            sent += 1;
                            sent_rightly(requirement, bound.as_ref(), starttls, clearance);
                        }
                        Verdict::RetryInClear => {
                            let bound = bound.as_ref();
                            let asked = bound.is_some_and(|bound| bound.tls_by_dane || bound.sts);
                            assert!(requirement == Requirement::Regardless || !asked);
                            assert!(requirement <= Requirement::Opportunistic);
                        }
                        Verdict::Again | Verdict::NextHost(_) => {}
                    }
                }
            }
        }
    }
    assert!(cases > 300_000 && sent > 30_000, "{cases} cases, {sent} sent");
}

fn sent_rightly(requirement: Requirement, bound: Option<&Bound>, starttls: &Starttls, clearance: &Clearance) {
    let case = || format!("{requirement:?} {starttls:?} {clearance:?}");
    let protection = clearance.protection();
    let established = match starttls {
        Starttls::Established { identity, requiretls, .. } => Some((identity, *requiretls)),
        _ => None,
    };
    assert_eq!(protection == Protection::None, established.is_none(), "{}", case());
    let matched = established.is_some_and(|(identity, _)| matches!(identity.tlsa, TlsaMatch::Matched { .. }));
    let names = |name: &str| {
        established.is_some_and(|(identity, _)| match &identity.chain {
            Chain::Trusted { names } => names.iter().any(|one| one == name),
            Chain::Untrusted { .. } => false,
        })
    };
    // What a claim of protection stands for.
    if protection == Protection::Dane {
        assert!(matched && bound.is_some_and(|bound| bound.dane && bound.mx_proven), "{}", case());
    }
    if protection == Protection::Authenticated {
        let proven = bound.is_none_or(|bound| bound.mx_proven || bound.sts);
        assert!((names(HOST) && proven) || names(DOMAIN), "{}", case());
    }
    if requirement == Requirement::Regardless {
        return;
    }
    let bound = bound.unwrap_or_else(|| panic!("no word of TLSA: {}", case()));
    assert!(!bound.excluded, "{}", case());
    assert!(established.is_some() || !(bound.tls_by_dane || bound.sts), "{}", case());
    assert!(matched || !bound.dane, "{}", case());
    assert!(names(HOST) || !bound.sts, "{}", case());
    assert!(requirement < Requirement::Encrypted || protection >= Protection::Encrypted, "{}", case());
    assert!(
        requirement < Requirement::Authenticated || protection >= Protection::Authenticated,
        "{}",
        case()
    );
    if requirement == Requirement::RequireTls {
        assert_eq!(established.map(|(_, offer)| offer), Some(RequireTlsOffer::Offered), "{}", case());
        let name_is_proven = bound.mx_proven || bound.sts;
        assert!(protection == Protection::Dane || (names(HOST) && name_is_proven), "{}", case());
    }
}

/// Never weaker than without: whatever a stricter requirement lets go, the less strict ones let go with the same protection.
#[test]
fn to_ask_for_more_never_lets_more_go() {
    for facts in every_facts() {
        for starttls in every_starttls() {
            let mut stricter: Option<Protection> = None;
            for requirement in REQUIREMENTS.into_iter().rev() {
                let cleared = match verdict(requirement, &facts, &starttls, 2) {
                    Some(Verdict::Proceed(clearance)) => Some(clearance.protection()),
                    _ => None,
                };
                if let Some(protection) = stricter {
                    assert_eq!(cleared, Some(protection), "{requirement:?} {facts:?} {starttls:?}");
                }
                stricter = cleared.or(stricter);
            }
        }
    }
}

// rfc 8461 5: MUST NOT When a message fails to deliver due
// rfc 8461 5: SHOULD In all cases, MTAs SHOULD treat such
// rfc 8461 5.1: MUST NOT A message delivery attempt MUST NOT be
#[test]
fn a_mismatch_is_certain_only_after_a_fresh_look_and_stops_only_what_the_sender_asks() {
    let mut mismatches = 0;
    for facts in every_facts() {
        for requirement in REQUIREMENTS {
            let Plan::Try { hosts, barred } = plan(requirement, &facts) else {
                panic!("one host has an address")
            };
            let mut failures = barred;
            for starttls in every_starttls() {
                let verdict = hosts.first().map(|planned| {
                    judge(planned, &Handshake { host: at(), starttls: starttls.clone(), seen: 2 })
                });
                if let Some(Verdict::NextHost(failure)) = verdict {
                    failures.push(failure);
                }
            }
            for failure in failures {
                let cause = match &failure.cause {
                    Cause::RequireTlsFailed { why } => why,
                    cause => cause,
                };
                let certain = failure.weight == Weight::Insecure;
                if let Cause::Mismatch { mechanism, .. } = cause {
                    mismatches += 1;
                    assert_eq!(certain, age_of(&facts, *mechanism) == Age::Fresh, "{facts:?} {failure:?}");
                }
                let now = jiff::Timestamp::UNIX_EPOCH;
                let (conclusion, _) = conclude(requirement, &[failure], &History::default(), now);
                let stopped = matches!(conclusion, Conclusion::Stop(_));
                assert_eq!(stopped, certain && requirement >= Requirement::Encrypted);
            }
        }
    }
    assert!(mismatches > 1000, "{mismatches}");
}

fn age_of(facts: &Facts, mechanism: Mechanism) -> Age {
    match (mechanism, &facts.mx, &facts.sts) {
        (Mechanism::MtaSts, _, Sts::Policy(policy) | Sts::Kept { policy, .. }) => policy.age,
        (Mechanism::Dane, MxAnswer::Hosts { hosts, .. }, _) => match &hosts[0].tlsa {
            Tlsa::Published { age, .. } => *age,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

// rfc 7672 2.1.2: MUST If any DNS queries used to locate
// rfc 7672 2.1.2: MUST NOT deliver the message via that
// rfc 7672 2.2: MUST Any lookup error: Lookup errors, including "bogus"
// rfc 7672 2.2.1: MUST To avoid downgrade attacks, any errors during
// rfc 8689 3: SHOULD No - The SMTP client SHOULD attempt
#[test]
fn a_failed_look_up_of_tlsa_bars_the_host_for_all_but_tls_required_no() {
    for facts in every_facts().into_iter().filter(|facts| Bound::by(facts).is_none()) {
        for requirement in REQUIREMENTS {
            let Plan::Try { hosts, barred } = plan(requirement, &facts) else {
                panic!("one host has an address")
            };
            if requirement == Requirement::Regardless {
                assert_eq!((hosts.len(), barred.len()), (1, 0));
            } else {
                assert!(hosts.is_empty() && barred.len() == 1, "{facts:?}");
                assert_eq!(barred[0].weight, Weight::Away);
            }
        }
    }
}

/// What a policy might prove is not certainly missing while it is not known whether there is one.
#[test]
fn that_a_policy_can_not_be_had_never_stops_a_host_it_could_prove() {
    let mut waits = 0;
    for facts in every_facts() {
        if !matches!(facts.sts, Sts::Unknown | Sts::Unavailable { .. }) || Bound::by(&facts).is_none() {
            continue;
        }
        for starttls in every_starttls() {
            let Starttls::Established { identity, .. } = &starttls else { continue };
            let named =
                matches!(&identity.chain, Chain::Trusted { names } if names.contains(&HOST.to_owned()));
            for requirement in [Requirement::Authenticated, Requirement::RequireTls] {
                let Some(Verdict::NextHost(failure)) = verdict(requirement, &facts, &starttls, 1) else {
                    continue;
                };
                let lacks_proof = match &failure.cause {
                    Cause::RequireTlsFailed { why } => matches!(**why, Cause::NotAuthenticated { .. }),
                    cause => matches!(cause, Cause::NotAuthenticated { .. }),
                };
                if lacks_proof {
                    let expected = if named { Weight::Away } else { Weight::Insecure };
                    assert_eq!(failure.weight, expected, "{failure:?}");
                    waits += u32::from(named);
                }
            }
        }
    }
    assert!(waits > 0);
}
