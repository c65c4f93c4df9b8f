//! One certificate, in all the forms that TLSA records match.

use guarantee::{Matching, Selector, UsableTlsa};
use sha2::{Digest, Sha256, Sha512};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate that a host presented.
pub(super) struct Presented<'a> {
    pub(super) der: &'a [u8],
    /// `None` if it can't be read, which does not keep a record from matching it as a whole.
    pub(super) parsed: Option<X509Certificate<'a>>,
    forms: Vec<Form<'a>>,
}

/// What a selector takes of a certificate.
struct Form<'a> {
    selector: Selector,
    full: &'a [u8],
    sha256: Vec<u8>,
    sha512: Vec<u8>,
}

impl<'a> Presented<'a> {
    /// X.509 of any version, whatever its key.
    pub(super) fn new(der: &'a [u8]) -> Self {
        let parsed = X509Certificate::from_der(der).ok();
        let parsed = parsed.and_then(|(rest, certificate)| rest.is_empty().then_some(certificate));
        let key = parsed.as_ref().map(|certificate| certificate.tbs_certificate.subject_pki.raw);
        let mut forms = vec![Form::new(Selector::Certificate, der)];
        forms.extend(key.map(|key| Form::new(Selector::PublicKey, key)));
        Self { der, parsed, forms }
    }

    /// Whether the record's data is what its selector and matching type make of this certificate.
    pub(super) fn matches(&self, record: &UsableTlsa) -> bool {
        self.form(record.selector).is_some_and(|form| match record.matching {
            Matching::Full => form.full == record.data,
            Matching::Sha256 => form.sha256 == record.data,
            Matching::Sha512 => form.sha512 == record.data,
        })
    }

    /// The SHA-256 of the key, or of the whole where there is no telling the key.
    pub(super) fn fingerprint(&self) -> String {
        let (what, form) = match self.form(Selector::PublicKey) {
            Some(form) => (" of its key", Some(form)),
            None => ("", self.form(Selector::Certificate)),
        };
        let sha256 = form.map(|form| data_encoding::HEXLOWER.encode(&form.sha256)).unwrap_or_default();
        format!("SHA-256{what}: {sha256}")
    }

    /// Whether it names itself as its issuer.
    pub(super) fn is_self_issued(&self) -> bool {
        let parsed = self.parsed.as_ref();
        parsed.is_some_and(|one| one.tbs_certificate.subject.as_raw() == one.tbs_certificate.issuer.as_raw())
    }

    /// Its issuer's name.
    pub(super) fn issuer(&self) -> Option<String> {
        self.parsed.as_ref().map(|one| super::tame(&one.tbs_certificate.issuer.to_string()))
    }

    fn form(&self, selector: Selector) -> Option<&Form<'a>> {
        self.forms.iter().find(|form| form.selector == selector)
    }
}

impl<'a> Form<'a> {
    fn new(selector: Selector, full: &'a [u8]) -> Self {
        let (sha256, sha512) = (Sha256::digest(full).to_vec(), Sha512::digest(full).to_vec());
        Self { selector, full, sha256, sha512 }
    }
}
