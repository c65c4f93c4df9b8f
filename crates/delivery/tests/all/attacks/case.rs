//! One case: what is asked, what is published, what is done; and what must hold afterwards.

use std::{collections::HashMap, fmt::Write, net::IpAddr, sync::Arc};

use delivery::{Attempt, DnsServers, Dnssec, Fate, MemoryPolicies, Ownership, Settings};
use guarantee::{
    Addresses, Age, Authentication, Facts, LookupFailure, LookupFailureKind, MxAnswer, MxHost, Proof,
    Protection, Requirement, Sts, StsMode, StsPolicy, Tlsa, TlsaRecord,
};
use openssl::{sha::sha256, x509::X509};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseError};
use small_internet::{Attack, Impostor, Scene, Seen};
use smtp::envelope::ReversePath;

use super::{
    memory::ADDRESSES,
    rules::Published,
    strategy::{attack, requirement},
    tally::Tally,
};
use crate::fixture;

pub(super) const HOST: &str = "mx.guarded.example";
pub(super) const DOMAIN: &str = "guarded.example";

/// What is tried.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// For each mail, one after the other, what the sender asks.
    pub(super) mails: Vec<Requirement>,
    published: Published,
    proof: Proof,
    second_look: SecondLook,
    addresses: usize,
    /// For each connection in turn.
    pub(super) attacks: Vec<Attack>,
}

/// What the attacker does to the look that is to confirm the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SecondLook {
    Answered,
    Blocked,
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    use Published::{
        DaneAnchor, DaneFailed, DaneKey, DaneOtherKey, DaneUnusable, Nothing, StsEnforce, StsOtherHost,
        StsTesting,
    };
    let published = prop_oneof![
        8 => Just(Nothing),
        6 => Just(DaneKey),
        2 => Just(DaneAnchor),
        3 => Just(DaneOtherKey),
        1 => Just(DaneUnusable),
        1 => Just(DaneFailed),
        5 => Just(StsEnforce),
        1 => Just(StsOtherHost),
        1 => Just(StsTesting),
    ];
    (
        prop_oneof![9 => vec(requirement(), 1), 1 => vec(requirement(), 2)],
        published,
        select(vec![Proof::Insecure, Proof::Secure]),
        prop_oneof![3 => Just(SecondLook::Answered), 1 => Just(SecondLook::Blocked)],
        prop_oneof![9 => Just(1_usize), 1 => Just(2)],
        vec(attack(), 1..=2),
    )
        .prop_map(|(mails, published, proof, second_look, addresses, attacks)| Case {
            mails,
            published,
            proof,
            second_look,
            addresses,
            attacks,
        })
}

pub(super) fn settings(ca: Vec<u8>) -> Settings {
    Settings {
        hello_name: "home.example".to_owned(),
        own: Ownership::default(),
        dns: DnsServers::At(Vec::new()),
        dnssec: Dnssec::TrustAd,
        port: 25,
        https_port: 443,
        roots: vec![ca.into()],
        policies: Arc::new(MemoryPolicies::default()),
        routes: HashMap::new(),
    }
}

/// Nothing else on the wire reads like this.
pub(super) fn secret(number: usize) -> String {
    format!("top-secret-{number}-")
}

/// A mail with its secret in envelope and content.
pub(super) fn mail(number: usize, domain: &str, requirement: Requirement) -> Attempt {
    let secret = secret(number);
    Attempt {
        reverse_path: ReversePath::Address(format!("{secret}from@home.example")),
        recipients: vec![fixture::recipient(&format!("{secret}to"), domain)],
        content: format!("Subject: {secret}subject\r\n\r\n{secret}text\r\n").into(),
        ..fixture::attempt(domain, requirement)
    }
}

impl Case {
    /// A guaranteed mail, of which the domain says nothing, under one attack.
    pub(super) fn guaranteed(attack: Attack) -> Self {
        Self {
            mails: vec![Requirement::Encrypted],
            published: Published::Nothing,
            proof: Proof::Insecure,
            second_look: SecondLook::Answered,
            addresses: 1,
            attacks: vec![attack],
        }
    }

    pub(super) fn facts(&self, age: Age, (scene, certificate): (&Scene, &[u8])) -> Facts {
        let blocked = age == Age::Fresh && self.second_look == SecondLook::Blocked;
        let failed = || {
            Tlsa::Failed(LookupFailure {
                kind: LookupFailureKind::Unanswered,
                detail: "no answer".to_owned(),
            })
        };
        let record = |usage, selector, matching, data| {
            let records = vec![TlsaRecord { usage, selector, matching, data }];
            if blocked { failed() } else { Tlsa::Published { base: HOST.to_owned(), records, age } }
        };
        let key = || X509::from_der(certificate).unwrap().public_key().unwrap().public_key_to_der().unwrap();
        let tlsa = match self.published {
            Published::DaneKey => record(3, 1, 1, sha256(&key()).to_vec()),
            Published::DaneAnchor => record(2, 0, 0, scene.ca().to_vec()),
            Published::DaneOtherKey => record(3, 1, 1, sha256(b"another key").to_vec()),
            Published::DaneUnusable => record(3, 1, 1, b"too short".to_vec()),
            Published::DaneFailed => failed(),
            Published::Nothing | Published::StsEnforce | Published::StsOtherHost | Published::StsTesting => {
                Tlsa::None
            }
        };
        let policy = |mode, mx: &str| {
            // A policy that is known holds when the look for a newer one is blocked (RFC 8461 §5.1).
            let age = if blocked { Age::Cached } else { age };
            let (domain, id, mx) = (DOMAIN.to_owned(), "1".to_owned(), vec![mx.to_owned()]);
            Sts::Policy(StsPolicy { domain, id, mode, mx, max_age: 86400, age })
        };
        let sts = match self.published {
            Published::StsEnforce => policy(StsMode::Enforce, HOST),
            Published::StsOtherHost => policy(StsMode::Enforce, "mx.other.example"),
            Published::StsTesting => policy(StsMode::Testing, HOST),
            _ => Sts::None,
        };
        let addresses: Vec<IpAddr> = ADDRESSES[..self.addresses].to_vec();
        let host = MxHost {
            name: HOST.to_owned(),
            preference: 10,
            addresses: Addresses::Found(addresses),
            is_self: false,
            tlsa,
        };
        let mx = MxAnswer::Hosts { proof: self.proof, expanded: None, hosts: vec![host] };
        Facts { next_hop: DOMAIN.to_owned(), mx, sts }
    }

    /// What must hold, whatever was done.
    pub(super) fn check(
        &self,
        fates: &[Fate],
        seen: &Seen,
        certificate: &[u8],
    ) -> Result<Tally, TestCaseError> {
        let mut tally = Tally::of(seen);
        prop_assert_eq!(fates.len(), self.mails.len());
        for (number, (requirement, fate)) in self.mails.iter().zip(fates).enumerate() {
            tally.count(fate);
            let secret = secret(number);
            let knows = |octets: &[u8]| memchr::memmem::find(octets, secret.as_bytes()).is_some();
            if !self.published.lets_clear(*requirement) {
                prop_assert!(!knows(&seen.wire), "mail {number} was seen in clear: {fate:?}");
            }
            if !self.published.lets_host(*requirement) {
                prop_assert!(!knows(&seen.host), "mail {number} is at the host that is excluded");
            }
            for (impostor, octets) in &seen.impostors {
                let allowed = self.published.lets_impostor(*requirement, *impostor);
                prop_assert!(allowed || !knows(octets), "mail {number} is at an impostor: {impostor:?}");
            }
            self.check_fate(*requirement, fate, (seen, &secret, certificate))?;
        }
        self.check_commands(seen)?;
        Ok(tally)
    }

    /// Where no mail may go, no command of a transaction goes either.
    fn check_commands(&self, seen: &Seen) -> Result<(), TestCaseError> {
        let none = |allowed: &dyn Fn(Requirement) -> bool| !self.mails.iter().any(|mail| allowed(*mail));
        let check = |octets: &[u8], whose: &str| {
            for line in octets.split(|octet| *octet == b'\n') {
                let begins = |verb: &&[u8]| line.starts_with(verb);
                let of_a_transaction = [&b"MAIL"[..], b"RCPT", b"DATA"].iter().any(begins);
                prop_assert!(!of_a_transaction, "{} at {whose}", line.escape_ascii());
            }
            Ok(())
        };
        if none(&|mail| self.published.lets_clear(mail)) {
            check(&seen.wire, "the wire")?;
        }
        if none(&|mail| self.published.lets_host(mail)) {
            check(&seen.host, "the excluded host")?;
        }
        for (impostor, octets) in &seen.impostors {
            if none(&|mail| self.published.lets_impostor(mail, *impostor)) {
                check(octets, &format!("{impostor:?}"))?;
            }
        }
        Ok(())
    }

    /// What is said of a delivery is true.
    fn check_fate(
        &self,
        requirement: Requirement,
        fate: &Fate,
        (seen, secret, certificate): (&Seen, &str, &[u8]),
    ) -> Result<(), TestCaseError> {
        let Fate::Delivered { protection, authentication, tls, .. } = fate else { return Ok(()) };
        let Some(tls) = tls else {
            prop_assert_eq!((*protection, authentication), (Protection::None, &Authentication::Nothing));
            prop_assert!(self.published.lets_clear(requirement), "delivered in clear");
            return Ok(());
        };
        prop_assert!(*protection >= Protection::Encrypted);
        let content = format!("{secret}text\r\n");
        let has_it = |octets: &[u8]| memchr::memmem::find(octets, content.as_bytes()).is_some();
        let by_the_host = tls.certificate_sha256 == hex(&sha256(certificate));
        if by_the_host {
            prop_assert!(has_it(&seen.host), "delivered to the host, which does not have it");
        } else {
            let deceivers = || seen.impostors.iter().filter(|(_, octets)| has_it(octets));
            prop_assert!(deceivers().next().is_some(), "delivered to nobody");
            let proven = *protection >= Protection::Authenticated;
            prop_assert!(
                !proven || deceivers().any(|(impostor, _)| *impostor == Impostor::AnotherKey),
                "a stranger has proven to be the host"
            );
        }
        if *protection == Protection::Dane {
            let dane = matches!(self.published, Published::DaneKey | Published::DaneAnchor);
            prop_assert!(dane && self.proof == Proof::Secure, "DANE where there is none");
        }
        if self.published == Published::DaneKey && requirement != Requirement::Regardless {
            prop_assert!(by_the_host, "DANE, and another host");
        }
        let asked = match requirement {
            Requirement::Regardless | Requirement::Opportunistic | Requirement::Encrypted => {
                Protection::Encrypted
            }
            Requirement::Authenticated | Requirement::RequireTls => Protection::Authenticated,
        };
        prop_assert!(*protection >= asked, "less than asked");
        Ok(())
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut hex, octet| {
        write!(hex, "{octet:02x}").unwrap();
        hex
    })
}
