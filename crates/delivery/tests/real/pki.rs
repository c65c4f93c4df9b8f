//! Certificates of every kind, made for a host.

use openssl::sha;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a host presents, and the certificates that TLSA records may be made of.
pub(crate) struct Presented {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    /// The host's certificate, and those above it, with the names that records call them by.
    named: Vec<(&'static str, Made)>,
}

/// A certificate with its key.
struct Made {
    params: CertificateParams,
    certificate: Certificate,
    key: KeyPair,
}

/// Names of a host: its own, and its domain's.
pub(crate) struct Names<'a> {
    pub(crate) host: &'a str,
    pub(crate) domain: &'a str,
}

impl Presented {
    /// A chain by its words: how the host's certificate is (see `leaf`), then what is presented besides.
    pub(crate) fn new(words: &str, names: &Names<'_>) -> Self {
        let mut words = words.split('+');
        let kind = words.next().unwrap();
        let root = Made::root(kind);
        let mid =
            Made::below(ca(if kind == "by-no-ca" { IsCa::NoCa } else { UNCONSTRAINED }, "Middle"), &root);
        let params = leaf(kind, names);
        let leaf = match kind {
            _ if kind.starts_with("self") => Made::own(params),
            "via" | "by-no-ca" | "path" | "old-root" => Made::below(params, &mid),
            "stranger" => Made::below(params, &Made::own(ca(UNCONSTRAINED, "Root"))),
            _ => Made::below(params, &root),
        };
        let key = leaf.key.serialize_der();
        let named = vec![("leaf", leaf), ("mid", mid), ("root", root)];
        let of = |word: &str| named.iter().find(|(name, _)| *name == word).unwrap().1.der();
        let chain = std::iter::once("leaf").chain(words).map(of).collect();
        Self { chain, key, named }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    /// The chain and the key in PEM.
    pub(crate) fn pem(&self) -> String {
        let key = &self.named[0].1.key;
        let certificates = self.named.iter().filter(|(_, made)| self.chain.contains(&made.der()));
        certificates.fold(key.serialize_pem(), |all, (_, made)| all + &made.certificate.pem())
    }

    /// A TLSA record's data by its words: usage, selector, matching, of what. `cut` takes an octet away.
    pub(crate) fn tlsa(&self, words: &str) -> String {
        let words: Vec<&str> = words.split_whitespace().collect();
        let [usage, selector, matching, of, cut @ ..] = words.as_slice() else { panic!("{words:?}") };
        let octets = match self.named.iter().find(|(name, _)| name == of) {
            Some((_, made)) if *selector == "1" => made.key.subject_public_key_info(),
            Some((_, made)) => made.der().to_vec(),
            None => of.as_bytes().to_vec(),
        };
        let mut data = match *matching {
            "1" => sha::sha256(&octets).to_vec(),
            "2" => sha::sha512(&octets).to_vec(),
            _ => octets,
        };
        if !cut.is_empty() {
            data.pop();
        }
        format!("{usage} {selector} {matching} {}", data_encoding::HEXLOWER.encode(&data))
    }
}

const UNCONSTRAINED: IsCa = IsCa::Ca(BasicConstraints::Unconstrained);

impl Made {
    fn own(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), params, key }
    }

    fn below(params: CertificateParams, issuer: &Self) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&issuer.params, &issuer.key);
        Self { certificate: params.signed_by(&key, &issuer).unwrap(), params, key }
    }

    fn root(kind: &str) -> Self {
        let constraint =
            if kind == "path" { BasicConstraints::Constrained(0) } else { BasicConstraints::Unconstrained };
        let mut params = ca(IsCa::Ca(constraint), "Root");
        if kind == "old-root" {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        Self::own(params)
    }

    fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }
}

fn ca(is_ca: IsCa, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params
}

/// What the host's certificate says.
fn leaf(kind: &str, names: &Names<'_>) -> CertificateParams {
    let Names { host, domain } = names;
    let alternatives = match kind {
        "other" | "self-other" | "cn-beside" => vec!["mail.elsewhere.example".to_owned()],
        "domain" => vec![(*domain).to_owned()],
        "real" => vec![format!("real.{domain}")],
        "wild" => vec![format!("*.{domain}")],
        "high-wild" => vec![format!("*.{}", domain.splitn(3, '.').last().unwrap())],
        "part-wild" => vec![format!("m*.{domain}")],
        "upper" => vec![host.to_ascii_uppercase()],
        "cn" | "self-cn" => Vec::new(),
        _ => vec![(*host).to_owned()],
    };
    let mut params = CertificateParams::new(alternatives).unwrap();
    (params.not_before, params.not_after) = match kind {
        "expired" | "self-expired" => (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1)),
        "early" | "self-early" => (date_time_ymd(2039, 1, 1), date_time_ymd(2040, 1, 1)),
        _ => (date_time_ymd(2019, 1, 1), date_time_ymd(2040, 1, 1)),
    };
    let named = ["cn", "self-cn", "cn-beside"].contains(&kind);
    params.distinguished_name.push(DnType::CommonName, if named { *host } else { "Somebody" });
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let purpose = if kind == "client" {
        ExtendedKeyUsagePurpose::ClientAuth
    } else {
        ExtendedKeyUsagePurpose::ServerAuth
    };
    params.extended_key_usages = vec![purpose];
    if kind == "self-ca" {
        params.is_ca = UNCONSTRAINED;
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    }
    params
}
