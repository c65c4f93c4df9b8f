//! Who a host has proven to be, by chains made for the purpose.

use delivery::Identifier;
use guarantee::{
    Age, Chain, ChainFault, Dane, Identity, PlannedHost, Proof, Requirement, StsDemand, TlsaMatch,
    TlsaRecord, usable_tlsa,
};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rstest::rstest;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256, Sha512};

use Life::{Expired, Future, Now};

type Der = CertificateDer<'static>;

/// Authority and key.
type Authority = CertifiedIssuer<'static, KeyPair>;

/// When a certificate is valid, seen from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Now,
    Expired,
    Future,
}

fn params(name: &str, life: Life) -> CertificateParams {
    let mut params = CertificateParams::default();
    let day = |days: i64| {
        let time = Timestamp::now().checked_add((days * 24).hours()).unwrap();
        std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(time.as_second().unsigned_abs())
    };
    let (from, until) = match life {
        Now => (-10, 10),
        Expired => (-20, -10),
        Future => (10, 20),
    };
    (params.not_before, params.not_after) = (day(from).into(), day(until).into());
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority_params(name: &str, life: Life, between: BasicConstraints) -> CertificateParams {
    let mut params = params(name, life);
    params.is_ca = IsCa::Ca(between);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn root(life: Life, between: BasicConstraints) -> Authority {
    CertifiedIssuer::self_signed(authority_params("Root", life, between), key()).unwrap()
}

fn below(issuer: &Authority, name: &str, life: Life) -> Authority {
    let params = authority_params(name, life, BasicConstraints::Unconstrained);
    CertifiedIssuer::signed_by(params, key(), issuer).unwrap()
}

fn host_params(names: &[&str], life: Life) -> CertificateParams {
    let mut params = params("mx.cn.example", life);
    params.subject_alt_names =
        names.iter().map(|name| SanType::DnsName((*name).try_into().unwrap())).collect();
    params
}

fn host(issuer: &Authority, names: &[&str], life: Life) -> Der {
    host_params(names, life).signed_by(&key(), issuer).unwrap().der().clone()
}

fn der(authority: &Authority) -> Der {
    authority.der().clone()
}

/// Certificates that only encrypt elsewhere.
fn odd(bits: u32, version: i32, days: std::ops::Range<i64>) -> Der {
    use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
    let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(version - 1).unwrap();
    let day = |days: i64| Asn1Time::from_unix(Timestamp::now().as_second() + days * 86400).unwrap();
    certificate.set_not_before(&day(days.start)).unwrap();
    certificate.set_not_after(&day(days.end)).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    certificate.build().to_der().unwrap().into()
}

/// The record of a certificate.
fn record(usage: u8, selector: u8, matching: u8, of: &Der) -> TlsaRecord {
    let key =
        || openssl::x509::X509::from_der(of).unwrap().public_key().unwrap().public_key_to_der().unwrap();
    let whole = if selector == 0 { of.to_vec() } else { key() };
    let data = match matching {
        0 => whole,
        1 => Sha256::digest(whole).to_vec(),
        _ => Sha512::digest(whole).to_vec(),
    };
    TlsaRecord { usage, selector, matching, data }
}

fn planned(records: &[TlsaRecord], names: &[&str]) -> PlannedHost {
    let dane = match records {
        [] => Dane::None,
        _ => Dane::Authenticate {
            base: names[0].to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            records: usable_tlsa(records),
            age: Age::Fresh,
        },
    };
    PlannedHost {
        name: "mx.one.example".to_owned(),
        sni: "mx.one.example".to_owned(),
        addresses: Vec::new(),
        requirement: Requirement::Encrypted,
        dane,
        sts: StsDemand::None,
        next_hop: "one.example".to_owned(),
        proof: Proof::Secure,
    }
}

fn identify(roots: &[Der], planned: &PlannedHost, chain: &[Der]) -> Identity {
    Identifier::new(roots).unwrap().identify(planned, chain, Timestamp::now())
}

/// The match in words, without fingerprints and dates.
fn told(records: &[TlsaRecord], names: &[&str], chain: &[Der]) -> String {
    match identify(&[], &planned(records, names), chain).tlsa {
        TlsaMatch::NotAsked => "not asked".to_owned(),
        TlsaMatch::Matched { record } => format!("matched {}", &record[..5]),
        TlsaMatch::Mismatch { detail } => {
            assert!(detail.len() < 250 && !detail.contains(char::is_control), "{detail}");
            detail.split(" (").next().unwrap().to_owned()
        }
    }
}

const HOST: &[&str] = &["mx.one.example"];

fn a_leaf(kind: &str) -> Der {
    let root = root(Now, BasicConstraints::Unconstrained);
    match kind {
        "usual" => host(&root, HOST, Now),
        "other name" => host(&root, &["other.example"], Now),
        "expired" => host(&root, HOST, Expired),
        "not valid yet" => host(&root, HOST, Future),
        "self-signed" => host_params(HOST, Now).self_signed(&key()).unwrap().der().clone(),
        "authority" => der(&root),
        "version 1" => odd(2048, 1, -1..1),
        "version 1, expired, 1024 bits" => odd(1024, 1, -2..-1),
        "1024 bits" => odd(1024, 3, -1..1),
        _ => unreachable!(),
    }
}

// rfc 7672 3.1.1: MUST The server MUST be considered authenticated even
// rfc 7672 3.1.1: MUST The expiration date of the server certificate
// rfc 7672 3.2.1: MUST NOT The SMTP client MUST NOT perform certificate
#[rstest]
fn usage_3_asks_for_nothing_but_the_certificate_or_its_key(
    #[values(
        "usual",
        "other name",
        "expired",
        "not valid yet",
        "self-signed",
        "authority",
        "version 1",
        "version 1, expired, 1024 bits",
        "1024 bits"
    )]
    kind: &str,
) {
    let (leaf, another) = (a_leaf(kind), a_leaf("usual"));
    for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let right = record(3, selector, matching, &leaf);
        let wrong = record(3, selector, matching, &another);
        let matched = format!("matched 3 {selector} {matching}");
        let chain = [leaf.clone(), another.clone()];
        assert_eq!(told(std::slice::from_ref(&right), HOST, &chain), matched);
        assert_eq!(told(&[wrong.clone(), right], HOST, &chain), matched);
        // What stands behind the host's own certificate is not the host's.
        assert_eq!(told(&[wrong], HOST, &chain), "no TLSA record matches the certificate");
    }
}

/// A tree of issuers, and what a host may present of it.
struct Tree {
    root: Authority,
    between: Authority,
    lowest: Authority,
}

impl Tree {
    fn new() -> Self {
        let root = root(Now, BasicConstraints::Unconstrained);
        let between = below(&root, "Between", Now);
        let lowest = below(&between, "Lowest", Now);
        Self { root, between, lowest }
    }
}

const NO_WAY: &str = "no valid chain leads to the trust anchor";
const NO_ANCHOR: &str = "no TLSA record matches an issuer that was presented with the certificate";
const MATCHED: &str = "matched";

/// Which of L(eaf), r(oot), b(etween), l(owest) is presented in which order, and which one is the anchor; and what comes
/// of it with the whole certificate, the whole key (RFC 7671 §5.2.2, §5.2.3), and digests of them.
// rfc 7672 3.2: MUST When at least one usable "secure" TLSA record
// RFC 7671 §5.2.2: only 2 0 0 need not be presented; §5.2.3: a bare key, RECOMMENDED
#[rstest]
#[case::root("Llbr", 'r', [MATCHED; 4])]
#[case::intermediate("Llbr", 'b', [MATCHED; 4])]
#[case::lowest("Llbr", 'l', [MATCHED; 4])]
#[case::partial_chain("Llb", 'b', [MATCHED; 4])]
#[case::only_the_issuer("Ll", 'l', [MATCHED; 4])]
#[case::any_order("Lrbl", 'r', [MATCHED; 4])]
#[case::twice("Lllbbrr", 'r', [MATCHED; 4])]
#[case::not_presented("Llb", 'r', [MATCHED, MATCHED, NO_ANCHOR, NO_ANCHOR])]
#[case::alone("L", 'l', [MATCHED, MATCHED, NO_ANCHOR, NO_ANCHOR])]
#[case::gap("Lbr", 'r', [NO_WAY; 4])]
#[case::gap_before_an_absent_one("Ll", 'r', [NO_WAY, NO_WAY, NO_ANCHOR, NO_ANCHOR])]
#[case::another("Lo", 'o', [NO_WAY; 4])]
#[case::behind_the_last_one_looked_at("Lbrrrrrrrl", 'l', [MATCHED, MATCHED, NO_ANCHOR, NO_ANCHOR])]
fn usage_2_asks_for_a_chain_through_what_is_presented(
    #[case] presented: &str,
    #[case] anchor: char,
    #[case] outcomes: [&str; 4],
) {
    let tree = Tree::new();
    let leaf = host(&tree.lowest, HOST, Now);
    let other = root(Now, BasicConstraints::Unconstrained);
    let certificate = |which| match which {
        'L' => leaf.clone(),
        'r' => der(&tree.root),
        'b' => der(&tree.between),
        'l' => der(&tree.lowest),
        _ => der(&other),
    };
    let chain: Vec<Der> = presented.chars().map(certificate).collect();
    for ((selector, matching), outcome) in [(0, 0), (1, 0), (0, 1), (1, 2)].into_iter().zip(outcomes) {
        let record = record(2, selector, matching, &certificate(anchor));
        let outcome = match outcome {
            MATCHED => format!("matched 2 {selector} {matching}"),
            other => other.to_owned(),
        };
        assert_eq!(told(&[record], HOST, &chain), outcome, "{selector} {matching}");
    }
}

// rfc 7672 3.1.2: SHOULD In particular, the SMTP client SHOULD then
#[rstest]
fn usage_2_applies_dates_and_constraints(#[values(0, 1)] selector: u8, #[values(0, 1, 2)] matching: u8) {
    let good = Tree::new();
    let told = |anchor: &Der, chain: &[Der]| told(&[record(2, selector, matching, anchor)], HOST, chain);
    let expired = "the chain below the trust anchor has expired";

    let leaf = host(&good.root, HOST, Expired);
    assert_eq!(told(&der(&good.root), &[leaf, der(&good.root)]), expired);
    let leaf = host(&good.root, HOST, Future);
    let outcome = told(&der(&good.root), &[leaf, der(&good.root)]);
    assert_eq!(outcome, "the chain below the trust anchor is not valid yet");

    let between = below(&good.root, "Between", Expired);
    let chain = [host(&between, HOST, Now), der(&between), der(&good.root)];
    assert_eq!(told(&der(&good.root), &chain), expired, "an issuer in between");
    assert_eq!(told(&der(&between), &chain), expired, "the anchor");

    // The anchor allows no issuer below it.
    let root = root(Now, BasicConstraints::Constrained(0));
    let between = below(&root, "Between", Now);
    let direct = [host(&root, HOST, Now), der(&root)];
    assert_eq!(told(&der(&root), &direct), format!("matched 2 {selector} {matching}"));
    let indirect = [host(&between, HOST, Now), der(&between), der(&root)];
    assert_eq!(told(&der(&root), &indirect), NO_WAY);

    // The anchor is no authority: whoever has a certificate of one could issue others.
    let no_authority = CertifiedIssuer::signed_by(host_params(HOST, Now), key(), &good.root).unwrap();
    let chain = [host(&no_authority, HOST, Now), der(&no_authority), der(&good.root)];
    assert_eq!(told(&der(&no_authority), &chain), NO_WAY);
    assert_eq!(told(&der(&good.root), &chain), NO_WAY);
}

/// A new certificate of the same anchor stands beside its expired one.
#[test]
fn usage_2_takes_the_better_of_two_certificates_of_one_anchor() {
    let key = key();
    let pem = key.serialize_pem();
    let make = |life| {
        let params = authority_params("Root", life, BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::from_pem(&pem).unwrap()).unwrap()
    };
    let (old, new) = (make(Expired), make(Now));
    let leaf = host(&new, HOST, Now);
    let records = [record(2, 1, 1, &der(&old))];
    for chain in [[leaf.clone(), der(&old), der(&new)], [leaf.clone(), der(&new), der(&old)]] {
        assert_eq!(told(&records, HOST, &chain), "matched 2 1 1");
    }
    assert_eq!(
        told(&[record(2, 0, 1, &der(&old))], HOST, &[leaf, der(&old)]),
        "the chain below the trust anchor has expired"
    );
}

/// Same name, other key: the signature decides.
#[test]
fn usage_2_wants_every_signature_right() {
    let (right, forged) =
        (root(Now, BasicConstraints::Unconstrained), root(Now, BasicConstraints::Unconstrained));
    let leaf = host(&forged, HOST, Now);
    for (selector, matching) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let records = [record(2, selector, matching, &der(&right))];
        assert_eq!(told(&records, HOST, &[leaf.clone(), der(&right)]), NO_WAY);
        assert_eq!(told(&records, HOST, &[leaf.clone(), der(&forged), der(&right)]), NO_WAY);
    }
    assert_eq!(told(&[record(2, 0, 0, &der(&right))], HOST, std::slice::from_ref(&leaf)), NO_WAY);
    assert_eq!(told(&[record(2, 1, 0, &der(&right))], HOST, &[leaf]), NO_WAY);
}

/// An anchor issues the certificate; the certificate itself is for usage 3 (docs/decisions/0040).
#[rstest]
fn usage_2_is_not_for_the_certificate_itself(#[values(0, 1)] selector: u8, #[values(0, 1)] matching: u8) {
    let expected = "a TLSA record of usage 2 matches the certificate itself, not one of its issuers";
    for kind in ["self-signed", "authority", "usual"] {
        let leaf = a_leaf(kind);
        let records = [record(2, selector, matching, &leaf)];
        assert_eq!(told(&records, HOST, std::slice::from_ref(&leaf)), expected, "{kind}");
        assert_eq!(told(&records, HOST, &[leaf.clone(), leaf]), expected, "{kind}");
    }
}

const FULL: &[&str] = &["mx.one.example", "one.example", "expanded.example"];

/// What the certificate names, what the client expects.
// rfc 7672 3.2.2: MUST To match a server via a TLSA
// rfc 7672 3.2.2: MUST In all DANE-TA(2) cases, the SMTP client
// rfc 7672 3.2.2: MUST TLSA records for MX hostnames: If the
// rfc 7672 3.2.2: MUST The CNAME-expanded original next-hop domain MUST be
// rfc 7672 3.2.3: MUST SMTP clients MUST support wildcards that match
// rfc 7672 1.1: MUST When name checks are applicable
#[rstest]
#[case::base(&["mx.one.example"], FULL, MATCHED)]
#[case::case_does_not_matter(&["MX.One.Example"], FULL, MATCHED)]
#[case::next_hop(&["one.example"], FULL, MATCHED)]
#[case::expanded(&["x.example", "expanded.example"], FULL, MATCHED)]
#[case::next_hop_not_expected(&["one.example"], HOST, "the certificate names one.example, not mx.one.example")]
#[case::wildcard(&["*.one.example"], HOST, MATCHED)]
#[case::wildcard_at_the_top(&["*.example"], &["one.example"], MATCHED)]
#[case::wildcard_stands_for_one_label(&["*.example"], HOST, "the certificate names *.example, not mx.one.example")]
#[case::wildcard_stands_for_a_label(&["*.mx.one.example"], HOST, "the certificate names *.mx.one.example, not mx.one.example")]
#[case::wildcard_is_a_whole_label(&["m*.one.example"], HOST, "the certificate names m*.one.example, not mx.one.example")]
#[case::wildcard_is_a_whole_label_2(&["*x.one.example"], HOST, "the certificate names *x.one.example, not mx.one.example")]
#[case::wildcard_is_left_most(&["mx.*.example"], HOST, "the certificate names mx.*.example, not mx.one.example")]
#[case::wildcard_alone(&["*"], HOST, "the certificate names *, not mx.one.example")]
#[case::suffix(&["xmx.one.example"], HOST, "the certificate names xmx.one.example, not mx.one.example")]
#[case::some(&["a.example", "b.example", "c.example", "d.example"], HOST, "the certificate names a.example, b.example, c.example and others, not mx.one.example")]
#[case::cn_where_there_is_no_dns_id(&[], &["mx.cn.example"], MATCHED)]
#[case::cn_not_beside_a_dns_id(&["a.example"], &["mx.cn.example"], "the certificate names a.example, not mx.cn.example")]
#[case::cn_of_another(&[], HOST, "the certificate names mx.cn.example, not mx.one.example")]
fn usage_2_asks_for_a_name(#[case] names: &[&str], #[case] expected: &[&str], #[case] outcome: &str) {
    let root = root(Now, BasicConstraints::Unconstrained);
    let chain = [host(&root, names, Now), der(&root)];
    let outcome = if outcome == MATCHED { "matched 2 0 1" } else { outcome };
    assert_eq!(told(&[record(2, 0, 1, &der(&root))], expected, &chain), outcome);
    // One that matches the certificate is enough.
    let both = [record(2, 0, 1, &der(&root)), record(3, 1, 1, &chain[0])];
    assert_eq!(told(&both, expected, &chain), "matched 3 1 1");
}

/// An address or a mailbox in the SAN is no DNS-ID.
#[test]
fn other_kinds_of_names_do_not_rule_out_the_cn() {
    let root = root(Now, BasicConstraints::Unconstrained);
    let mut params = host_params(&[], Now);
    params.subject_alt_names = vec![
        SanType::IpAddress("192.0.2.1".parse().unwrap()),
        SanType::Rfc822Name("mx.one.example".try_into().unwrap()),
    ];
    let leaf = params.signed_by(&key(), &root).unwrap().der().clone();
    let records = [record(2, 0, 1, &der(&root))];
    let chain = [leaf, der(&root)];
    assert_eq!(told(&records, &["mx.cn.example"], &chain), "matched 2 0 1");
    assert_eq!(told(&records, HOST, &chain), "the certificate names mx.cn.example, not mx.one.example");
}

#[test]
fn without_usable_records_nothing_is_compared() {
    let root = root(Now, BasicConstraints::Unconstrained);
    assert_eq!(told(&[], HOST, &[host(&root, HOST, Now)]), "not asked");
    let chain: [Der; 0] = [];
    let records = [record(3, 1, 1, &der(&root))];
    assert_eq!(told(&records, HOST, &chain), "no certificate was presented");
}

/// Evidence stays small, whatever is published.
#[test]
fn a_record_in_evidence_is_cut() {
    let leaf = a_leaf("usual");
    let planned = planned(&[record(3, 0, 0, &leaf)], HOST);
    let TlsaMatch::Matched { record } = identify(&[], &planned, &[leaf]).tlsa else { panic!() };
    assert!(record.ends_with('…') && record.len() < 200, "{record}");
    let leaf = a_leaf("usual");
    let planned = self::planned(&[self::record(3, 0, 2, &leaf)], HOST);
    let TlsaMatch::Matched { record } = identify(&[], &planned, &[leaf]).tlsa else { panic!() };
    assert_eq!(record.len(), 6 + 128);
}

fn chain_told(roots: &[Der], chain: &[Der]) -> String {
    match identify(roots, &planned(&[], HOST), chain).chain {
        Chain::Trusted { names } => format!("trusted for {}", names.join(", ")),
        Chain::Untrusted { fault, detail } => {
            assert!(detail.len() < 250 && !detail.contains(char::is_control), "{detail}");
            let fault = if fault == ChainFault::Expired { "expired" } else { "not trusted" };
            format!("{fault}: {}", detail.split(" 20").next().unwrap())
        }
    }
}

// rfc 8461 4.2: MUST The certificate presented by the receiving MTA MUST not
// rfc 8461 4.2: MUST chain to a root CA that
// rfc 8461 4.2: MUST The certificate MUST have a subject alternative
#[rstest]
#[case::host(&["mx.one.example"], "mx.one.example")]
#[case::domain(&["one.example"], "one.example")]
#[case::both(&["one.example", "MX.one.example"], "mx.one.example, one.example")]
#[case::wildcard(&["*.one.example"], "mx.one.example")]
#[case::two_labels(&["*.example"], "one.example")]
#[case::part_of_a_label(&["m*.one.example"], "")]
#[case::inner(&["mx.*.example"], "")]
#[case::other(&["other.example"], "")]
#[case::cn_never_counts(&[], "")]
fn authorities_and_names(#[case] names: &[&str], #[case] trusted: &str) {
    let tree = Tree::new();
    let chain = [host(&tree.lowest, names, Now), der(&tree.lowest), der(&tree.between)];
    let outcome = chain_told(&[der(&tree.root)], &chain);
    let expected = match names {
        // The library wants two labels behind an asterisk.
        ["*.example"] => "trusted for ".to_owned(),
        _ => format!("trusted for {trusted}"),
    };
    assert_eq!(outcome, expected);
}

#[test]
fn a_cn_never_counts_with_authorities() {
    let root = root(Now, BasicConstraints::Unconstrained);
    let mut params = params("mx.one.example", Now);
    params.subject_alt_names = Vec::new();
    let leaf = params.signed_by(&key(), &root).unwrap().der().clone();
    assert_eq!(chain_told(&[der(&root)], &[leaf]), "trusted for ");
}

#[rstest]
#[case::expired(|t: &Tree| vec![host(&t.root, HOST, Expired)], "expired: valid until")]
#[case::future(|t: &Tree| vec![host(&t.root, HOST, Future)], "expired: valid from")]
#[case::expired_between(|t: &Tree| { let b = below(&t.root, "B", Expired); vec![host(&b, HOST, Now), der(&b)] }, "expired: valid until")]
#[case::gap(|t: &Tree| vec![host(&t.between, HOST, Now)], "not trusted: unknown issuer CN=Between")]
#[case::unknown(|_: &Tree| { let o = root(Now, BasicConstraints::Unconstrained); vec![host(&o, HOST, Now), der(&o)] }, "not trusted: a wrong signature")]
#[case::self_signed(|_: &Tree| vec![a_leaf("self-signed")], "not trusted: self-signed")]
#[case::the_root_itself(|t: &Tree| vec![der(&t.root)], "not trusted: self-signed")]
#[case::version_1(|_: &Tree| vec![odd(2048, 1, -1..1)], "not trusted: self-signed")]
#[case::rsa_1024(|_: &Tree| vec![odd(1024, 3, -1..1)], "not trusted: self-signed")]
#[case::issued_by_a_host(|t: &Tree| { let mut p = host_params(HOST, Now); p.distinguished_name.push(DnType::CommonName, "Host"); let h = CertifiedIssuer::signed_by(p, key(), &t.root).unwrap(); vec![host(&h, HOST, Now), der(&h)] }, "not trusted: an issuer that is no certification authority")]
#[case::none(|_: &Tree| vec![], "not trusted: none was presented")]
#[case::no_certificate(|_: &Tree| vec![Der::from(vec![0x30, 0x03, 1, 1, 1])], "not trusted: ")]
fn authorities_and_faults(#[case] chain: fn(&Tree) -> Vec<Der>, #[case] outcome: &str) {
    let tree = Tree::new();
    let told = chain_told(&[der(&tree.root)], &chain(&tree));
    assert!(told.starts_with(outcome), "{told}");
}

/// For whom it was made counts, when it says so.
#[test]
fn a_certificate_for_clients_is_none_for_servers() {
    let root = root(Now, BasicConstraints::Unconstrained);
    let mut params = host_params(HOST, Now);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = params.signed_by(&key(), &root).unwrap().der().clone();
    assert_eq!(chain_told(&[der(&root)], std::slice::from_ref(&leaf)), "not trusted: not for TLS servers");
    assert_eq!(told(&[record(2, 0, 1, &der(&root))], HOST, &[leaf.clone(), der(&root)]), NO_WAY);
    assert_eq!(told(&[record(3, 0, 1, &leaf)], HOST, &[leaf]), "matched 3 0 1");
}

#[test]
fn a_root_that_is_no_certificate_is_refused() {
    let error = Identifier::new(&[Der::from(b"no certificate".to_vec())]).unwrap_err();
    assert!(error.starts_with("a certificate among the trusted authorities can't be used"), "{error}");
}

/// Every issuer could be every other's: the ways through them are many, the work is not.
#[test]
fn the_search_for_a_chain_is_bounded() {
    let maze = |count| {
        let issuer = root(Now, BasicConstraints::Unconstrained);
        let mut chain = vec![host(&issuer, HOST, Now)];
        chain.extend((0..count).map(|_| der(&root(Now, BasicConstraints::Unconstrained))));
        chain
    };
    let same_name = root(Now, BasicConstraints::Unconstrained);
    let other_name = below(&same_name, "Other", Now);
    for anchor in [der(&same_name), der(&other_name)] {
        let planned = planned(&[record(2, 0, 0, &anchor), record(2, 1, 0, &anchor)], HOST);
        let began = std::time::Instant::now();
        let identity = identify(std::slice::from_ref(&anchor), &planned, &maze(100));
        assert!(matches!(identity.tlsa, TlsaMatch::Mismatch { .. }));
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
        println!("{:?}", began.elapsed());
    }
}

fn mutated() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<TlsaRecord>)> {
    let tree = Tree::new();
    let chain =
        vec![host(&tree.lowest, HOST, Now).to_vec(), der(&tree.lowest).to_vec(), der(&tree.between).to_vec()];
    let flips = prop::collection::vec((0..3_usize, any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let cut = prop::option::of((0..3_usize, any::<prop::sample::Index>()));
    (flips, cut, prop::collection::vec(any::<u8>(), 0..80)).prop_map(move |(flips, cut, junk)| {
        let mut chain = chain.clone();
        for (which, index, value) in flips {
            let at = index.index(chain[which].len());
            chain[which][at] = value;
        }
        if let Some((which, index)) = cut {
            let at = index.index(chain[which].len());
            chain[which].truncate(at);
        }
        let whole = |selector| TlsaRecord { usage: 2, selector, matching: 0, data: chain[2].clone() };
        let of_junk = |selector| TlsaRecord { usage: 2, selector, matching: 0, data: junk.clone() };
        let records = vec![whole(0), whole(1), of_junk(0), of_junk(1)];
        (chain, records)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Nothing that a host presents or a domain publishes is more than wrong.
    #[test]
    fn hostile_certificates_do_no_harm((chain, records) in mutated()) {
        let identifier = Identifier::new(&[]).unwrap();
        let chain: Vec<Der> = chain.into_iter().map(Der::from).collect();
        let identity = identifier.identify(&planned(&records, HOST), &chain, Timestamp::now());
        let trusted = matches!(identity.chain, Chain::Trusted { .. });
        prop_assert!(!trusted);
    }
}
