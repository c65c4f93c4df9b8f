//! The zones of the signed tree, as data.

/// Where name servers listen, at port 53.
pub(crate) mod at {
    /// All zones but those of other name servers.
    pub(crate) const SERVER: &str = "127.53.0.1";
    /// All is refused: a lame delegation.
    pub(crate) const LAME: &str = "127.53.0.2";
    /// It refuses to tell keys.
    pub(crate) const NO_KEY: &str = "127.53.0.3";
    /// Those, for whoever knows of it.
    pub(crate) const HIDDEN: &str = "127.53.0.5";
}

/// A zone of the tree.
#[derive(Clone)]
pub(crate) struct Zone {
    /// Without the final dot; the root's is empty.
    pub(crate) name: &'static str,
    pub(crate) signing: Signing,
    pub(crate) delegation: Delegation,
    /// The name of its name server, below `example`.
    pub(crate) server: &'static str,
    /// Records besides the usual ones.
    pub(crate) extra: String,
}

#[derive(Clone)]
pub(crate) enum Signing {
    Unsigned,
    Signed(Signed),
}

#[derive(Clone)]
pub(crate) struct Signed {
    /// ldns' names of the algorithms: a key pair of each.
    pub(crate) algorithms: &'static [&'static str],
    /// More keys that sign the keys, of the first algorithm.
    pub(crate) spare_keys: usize,
    pub(crate) denial: Denial,
    /// Begin and end of the signatures, in seconds from now.
    pub(crate) validity: (i64, i64),
    pub(crate) spoilt: Spoilt,
}

#[derive(Clone, Copy)]
pub(crate) enum Denial {
    Nsec,
    Nsec3 { iterations: u16, salt: &'static str, opt_out: bool },
}

/// What was done to a signed zone afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoilt {
    Nothing,
    /// There are no signatures of records of this type.
    NoSignatures(&'static str),
    /// There are no records of this type, nor signatures of them.
    NoRecords(&'static str),
    /// Nothing is signed.
    Unsigned,
    /// The zone's keys are others than those that signed it.
    OtherKeys,
    /// Of records of this type, the data was changed.
    Forged(&'static str),
}

/// What the parent says of the zone's keys.
#[derive(Clone, Copy)]
pub(crate) enum Delegation {
    /// Nothing.
    Unsigned,
    /// Digests of this type (RFC 4034 §5.1.3) of the first so many keys.
    Digests { kind: u8, keys: usize },
    /// A digest of a key that the zone does not have.
    WrongKey,
    /// A digest of a key of an algorithm that nobody knows.
    UnknownAlgorithm,
    /// A digest of a type that nobody knows.
    UnknownDigest,
}

const DAY: i64 = 86_400;
const ECDSA: &str = "ECDSAP256SHA256";

pub(crate) const NSEC3: Denial = Denial::Nsec3 { iterations: 0, salt: "-", opt_out: false };
pub(crate) const OPT_OUT: Denial = Denial::Nsec3 { iterations: 0, salt: "-", opt_out: true };

pub(crate) fn signing() -> Signed {
    Signed {
        algorithms: &[ECDSA],
        spare_keys: 0,
        denial: Denial::Nsec,
        validity: (-3600, 14 * DAY),
        spoilt: Spoilt::Nothing,
    }
}

/// A zone with a proper delegation.
pub(crate) fn signed(name: &'static str, signed: Signed) -> Zone {
    Zone {
        name,
        signing: Signing::Signed(signed),
        delegation: Delegation::Digests { kind: 2, keys: 9 },
        server: "ns",
        extra: String::new(),
    }
}

pub(crate) fn unsigned(name: &'static str) -> Zone {
    Zone { signing: Signing::Unsigned, delegation: Delegation::Unsigned, ..signed(name, signing()) }
}

fn of(name: &'static str, algorithm: &'static [&'static str]) -> Zone {
    signed(name, Signed { algorithms: algorithm, ..signing() })
}

fn denying(name: &'static str, denial: Denial) -> Zone {
    signed(name, Signed { denial, ..signing() })
}

fn iterated(name: &'static str, iterations: u16) -> Zone {
    denying(name, Denial::Nsec3 { iterations, salt: "abcd", opt_out: false })
}

fn dated(name: &'static str, begin: i64, end: i64) -> Zone {
    signed(name, Signed { validity: (begin, end), ..signing() })
}

fn spoilt(name: &'static str, spoilt: Spoilt) -> Zone {
    signed(name, Signed { spoilt, ..signing() })
}

fn spoilt3(name: &'static str, spoilt: Spoilt) -> Zone {
    signed(name, Signed { spoilt, denial: NSEC3, ..signing() })
}

fn delegated(name: &'static str, delegation: Delegation) -> Zone {
    Zone { delegation, ..signed(name, signing()) }
}

fn served(zone: Zone, server: &'static str) -> Zone {
    Zone { server, ..zone }
}

fn with(zone: Zone, extra: &str) -> Zone {
    Zone { extra: extra.to_owned(), ..zone }
}

/// The root and the top-level domains: NSEC, NSEC3 with opt-out, unsigned.
pub(crate) fn tops() -> Vec<Zone> {
    let addresses = format!("ns A {}\nns-lame A {}\nns-nokey A {}\n", at::SERVER, at::LAME, at::NO_KEY);
    let root = format!("ns.example. A {}\n", at::SERVER);
    vec![
        with(of("", &["RSASHA256"]), &root),
        with(signed("example", signing()), &addresses),
        denying("opt", OPT_OUT),
        unsigned("bare"),
    ]
}

/// Domains, each with the usual records.
pub(crate) fn domains() -> Vec<Zone> {
    [sound(), unsound(), odd()].concat()
}

/// Signed as it should be.
fn sound() -> Vec<Zone> {
    let loops = "round CNAME about\nabout CNAME round\nself CNAME self\nfar CNAME round.other.opt.\n";
    let long = format!("long TXT {}\n", format!("\"{}\" ", "v".repeat(250)).repeat(14));
    let chain: String = (1..=7).map(|n| format!("c{n} CNAME c{}\n", n + 1)).collect();
    let chain = format!("{chain}c8 A 127.25.0.9\n_25._tcp.c8 TLSA 3 1 1 {}\n", "c8".repeat(32));
    vec![
        with(signed("nsec.example", signing()), &format!("{loops}{long}{chain}")),
        denying("nsec3.example", NSEC3),
        iterated("salted.example", 10),
        iterated("many.example", 150),
        iterated("toomany.example", 151),
        of("rsa256.example", &["RSASHA256"]),
        of("rsa512.example", &["RSASHA512"]),
        of("p384.example", &["ECDSAP384SHA384"]),
        of("ed25519.example", &["ED25519"]),
        of("ed448.example", &["ED448"]),
        signed("sha1.example", Signed { algorithms: &["RSASHA1-NSEC3-SHA1"], denial: NSEC3, ..signing() }),
        of("sha1nsec.example", &["RSASHA1"]),
        of("two-algorithms.example", &[ECDSA, "ED25519"]),
        signed("two-ksk.example", Signed { spare_keys: 1, ..signing() }),
        Zone {
            delegation: Delegation::Digests { kind: 2, keys: 1 },
            ..signed("rollover.example", Signed { spare_keys: 1, ..signing() })
        },
        delegated("sha1-digest.example", Delegation::Digests { kind: 1, keys: 1 }),
        delegated("sha384-digest.example", Delegation::Digests { kind: 4, keys: 1 }),
    ]
}

/// What is signed does not hold, or the keys can't be had.
fn unsound() -> Vec<Zone> {
    vec![
        dated("expired.example", -60 * DAY, -30 * DAY),
        dated("early.example", 30 * DAY, 60 * DAY),
        dated("just-expired.example", -30 * DAY, -1800),
        dated("almost-valid.example", 1800, 30 * DAY),
        delegated("wrong-ds.example", Delegation::WrongKey),
        spoilt("other-keys.example", Spoilt::OtherKeys),
        spoilt("no-signatures.example", Spoilt::Unsigned),
        spoilt("tlsa-unsigned.example", Spoilt::NoSignatures("TLSA")),
        spoilt("mx-unsigned.example", Spoilt::NoSignatures("MX")),
        spoilt("tlsa-forged.example", Spoilt::Forged("TLSA")),
        spoilt("mx-forged.example", Spoilt::Forged("MX")),
        spoilt("a-forged.example", Spoilt::Forged("A")),
        spoilt("no-nsec.example", Spoilt::NoRecords("NSEC")),
        spoilt3("no-nsec3.example", Spoilt::NoRecords("NSEC3")),
        spoilt("nsec-unsigned.example", Spoilt::NoSignatures("NSEC")),
        spoilt("no-keys.example", Spoilt::NoRecords("DNSKEY")),
        served(signed("lame.example", signing()), "ns-lame"),
        served(signed("no-key.example", signing()), "ns-nokey"),
        served(unsigned("lame-plain.example"), "ns-lame"),
        dated("expired.opt", -60 * DAY, -30 * DAY),
    ]
}

/// Wildcards, cuts, and what is not signed.
fn odd() -> Vec<Zone> {
    let wild = "* MX 5 mx\n* A 127.25.0.5\n* TXT \"anything\"\n";
    let cuts = "below NS ns.example.\nsigned NS ns.example.\n";
    vec![
        with(signed("wild.example", signing()), wild),
        with(denying("wild3.example", NSEC3), wild),
        with(denying("wild-opt.example", OPT_OUT), wild),
        delegated("island.example", Delegation::Unsigned),
        delegated("strange-key.example", Delegation::UnknownAlgorithm),
        delegated("strange-digest.example", Delegation::UnknownDigest),
        unsigned("plain.example"),
        with(signed("cuts.example", signing()), cuts),
        with(denying("cuts3.example", OPT_OUT), cuts),
        unsigned("below.cuts.example"),
        signed("signed.cuts.example", signing()),
        unsigned("below.cuts3.example"),
        signed("signed.cuts3.example", signing()),
        with(signed("nsec.opt", signing()), "round CNAME about.nsec.example.\n"),
        with(denying("other.opt", NSEC3), "round CNAME far.nsec.example.\n"),
        unsigned("plain.opt"),
        unsigned("plain.bare"),
        delegated("island.bare", Delegation::Unsigned),
    ]
}

/// What every domain has.
pub(crate) const USUAL: &str = r#"
@ MX 10 mx
@ MX 20 mx2
@ TXT "v=spf1 -all" " and more"
@ TXT "another"
mx A 127.25.0.1
mx AAAA 2a00::1
mx2 A 127.25.0.2
mx3 A 127.25.0.3
apart A 127.25.0.4
apart MX 0 .
_mta-sts TXT "v=STSv1; id=1;"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:t@example"
_25._tcp.mx TLSA 3 1 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
_25._tcp.mx TLSA 2 0 1 cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
*._tcp.mx2 TLSA 2 0 1 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
_465._tcp.mx3 TLSA 3 1 1 dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
_25._tcp.apart CNAME _25._tcp.mx
alias CNAME mx
alias2 CNAME alias
to-nsec CNAME mx.nsec.example.
to-nsec3 CNAME mx.nsec3.example.
to-plain CNAME mx.plain.example.
to-expired CNAME mx.expired.example.
to-gone CNAME gone.nsec3.example.
to-lame CNAME mx.lame.example.
through CNAME to-plain.nsec.example.
into CNAME to-nsec.plain.example.
a.b.ent A 127.25.0.6
*.w A 127.25.0.7
*.w TXT "wild"
x.y.w A 127.25.0.8
*.wc CNAME mx
*.wcx CNAME mx.plain.example.
*.wm MX 10 mx
dn DNAME nsec3.example.
dn-plain DNAME plain.example.
dn-expired DNAME expired.example.
"#;

/// What is asked of every domain: names, and the types of questions.
pub(crate) const QUESTIONS: &[(&str, &str)] = &[
    ("", "MX A TLSA TXT"),
    ("mx", "MX A TLSA TXT"),
    ("mx2", "MX A TLSA TXT"),
    ("mx3", "A TLSA"),
    ("apart", "MX A TLSA"),
    ("_mta-sts", "TXT"),
    ("_smtp._tls", "TXT"),
    ("alias", "MX A TLSA"),
    ("alias2", "MX A"),
    ("to-nsec", "MX A TLSA"),
    ("to-nsec3", "MX A"),
    ("to-plain", "MX A TXT"),
    ("to-expired", "A"),
    ("to-gone", "A MX"),
    ("to-lame", "A"),
    ("through", "A TXT"),
    ("into", "A"),
    ("ent", "MX A TLSA TXT"),
    ("b.ent", "MX A TLSA TXT"),
    ("_tcp.mx", "TXT"),
    ("gone", "MX A TLSA TXT"),
    ("deeply.gone", "MX A"),
    ("q.w", "MX A TXT TLSA"),
    ("r.q.w", "A TXT"),
    ("y.w", "A TXT"),
    ("z.y.w", "A"),
    ("q.wc", "MX A"),
    ("q.wcx", "MX A"),
    ("q.wm", "MX A"),
    ("mx.dn", "MX A TLSA"),
    ("gone.dn", "A"),
    ("dn", "MX A"),
    ("mx.dn-plain", "A"),
    ("mx.dn-expired", "A"),
];

/// What else is asked.
pub(crate) const MORE: &[(&str, &str)] = &[
    ("round.nsec.example", "MX A"),
    ("self.nsec.example", "A"),
    ("far.nsec.example", "A"),
    ("round.nsec.opt", "A"),
    ("c1.nsec.example", "MX A TLSA"),
    ("long.nsec.example", "TXT"),
    ("example", "MX A TXT"),
    ("opt", "MX A"),
    ("bare", "MX A TXT"),
    ("gone.example", "MX A TLSA TXT"),
    ("gone.opt", "MX A TLSA TXT"),
    ("gone.bare", "MX A"),
    ("nosuchtop", "MX A"),
    ("mail.nosuchtop", "MX A TXT"),
    ("unserved.opt", "MX"),
];
