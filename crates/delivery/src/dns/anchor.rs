//! The trust anchor: whose keys for the root are believed.

use hickory_resolver::proto::{
    dnssec::{
        Algorithm, DigestType, TrustAnchors, Verifier,
        rdata::{DNSKEY, DNSSECRData, DS},
    },
    op::Message,
    rr::{Name, RData},
};

/// The root's keys as IANA publishes them (<https://data.iana.org/root-anchors/root-anchors.xml>): KSK-2017 and KSK-2024.
pub const ROOT_ANCHOR: &str = "\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// Keys of the root zone, or digests of them.
pub(super) struct Anchor {
    keys: TrustAnchors,
    digests: Vec<DS>,
}

impl Anchor {
    /// Reads DNSKEY and DS records in zone file format, a DS record on one line. Fails, naming the line, if there is
    /// anything else, and if there is nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut digests = Vec::new();
        let mut keys = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split(';').next().unwrap_or_default().split_whitespace().collect();
            match words.iter().position(|word| word.eq_ignore_ascii_case("DS")) {
                Some(place) if words[0] == "." => {
                    let unknown = || format!("trust anchor: not a DS record that this server knows: {line}");
                    digests.push(digest(&words[place + 1..]).ok_or_else(unknown)?);
                }
                Some(_) => return Err(format!("trust anchor: not a record of the root: {line}")),
                None => keys.extend([line, "\n"]),
            }
        }
        let keys: TrustAnchors = keys.parse().map_err(|error| {
            format!("trust anchor: not DNSKEY or DS records in zone file format: {error}")
        })?;
        if keys.is_empty() && digests.is_empty() {
            return Err("trust anchor: no DNSKEY or DS record of the root".to_owned());
        }
        Ok(Self { keys, digests })
    }

    /// Whether the root zone's keys must be seen to know which are meant.
    pub(super) fn needs_keys(&self) -> bool {
        !self.digests.is_empty()
    }

    /// The keys that are believed, of those that the root zone has.
    pub(super) fn keys(&self, root: Option<&Message>) -> TrustAnchors {
        let mut believed = self.keys.clone();
        let offered =
            root.iter().flat_map(|message| &message.answers).filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::DNSKEY(key)) if record.name.is_root() => Some(key),
                _ => None,
            });
        for key in offered {
            if self.digests.iter().any(|digest| matches(digest, key))
                && let Ok(key) = key.key()
            {
                believed.insert(&*key);
            }
        }
        believed
    }
}

fn matches(digest: &DS, key: &DNSKEY) -> bool {
    digest.algorithm() == key.algorithm() && digest.covers(&Name::root(), key).unwrap_or(false)
}

/// Key tag, algorithm, digest type and digest (RFC 4034 §5.3).
fn digest(words: &[&str]) -> Option<DS> {
    let [tag, algorithm, kind, digest @ ..] = words else { return None };
    let algorithm = Algorithm::from_u8(algorithm.parse().ok()?);
    let kind = DigestType::from(kind.parse::<u8>().ok()?);
    if !algorithm.is_supported() || !kind.is_supported() {
        return None;
    }
    let digest = digest.concat();
    let octet = |place: usize| u8::from_str_radix(digest.get(place..place + 2)?, 16).ok();
    let octets = (0..digest.len()).step_by(2).map(octet).collect::<Option<Vec<u8>>>()?;
    (!octets.is_empty()).then(|| DS::new(tag.parse().unwrap_or_default(), algorithm, kind, octets))
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{dnssec::PublicKey, rr::Record};
    use rstest::rstest;

    use super::*;

    /// The root zone with the keys that the DNS library brings along.
    fn root() -> Message {
        let known = TrustAnchors::default();
        let mut message = Message::query();
        for key in (0..known.len()).filter_map(|place| known.get(place)) {
            let key = DNSKEY::from_key(key);
            message.add_answer(Record::from_rdata(Name::root(), 60, RData::DNSSEC(DNSSECRData::DNSKEY(key))));
        }
        message
    }

    #[test]
    fn the_root_anchor_is_of_the_keys_that_others_know() {
        let anchor = Anchor::parse(ROOT_ANCHOR).expect("an anchor");
        assert!(anchor.needs_keys());
        let (ours, theirs) = (anchor.keys(Some(&root())), TrustAnchors::default());
        assert_eq!((ours.len(), theirs.len()), (2, 2));
        for key in (0..2).filter_map(|place| ours.get(place)) {
            assert!(theirs.contains(key), "{:?}", key.public_bytes());
        }
        assert!(anchor.keys(None).is_empty());
    }

    #[test]
    fn keys_need_no_root() {
        let Some(RData::DNSSEC(DNSSECRData::DNSKEY(key))) = root().answers.pop().map(|record| record.data)
        else {
            panic!("no key");
        };
        let anchor = Anchor::parse(&format!("; the root\n. 3600 IN DNSKEY {key}\n")).expect("an anchor");
        assert!(!anchor.needs_keys());
        assert_eq!(anchor.keys(None).len(), 1);
    }

    #[rstest]
    #[case::nothing("", "no DNSKEY or DS record")]
    #[case::comment("; . IN DS 1 8 2 AB\n", "no DNSKEY or DS record")]
    #[case::another_zone("example. IN DS 20326 8 2 E06D", "not a record of the root")]
    #[case::no_hexadecimal(". IN DS 20326 8 2 XYZ", "not a DS record that this server knows")]
    #[case::half_an_octet(". IN DS 20326 8 2 E06", "not a DS record that this server knows")]
    #[case::beyond_ascii(". IN DS 20326 8 2 Eä", "not a DS record that this server knows")]
    #[case::unknown_digest(". IN DS 20326 8 99 E06D", "not a DS record that this server knows")]
    #[case::short(". IN DS 20326", "not a DS record that this server knows")]
    #[case::other(". IN A 192.0.2.1", "not DNSKEY or DS records")]
    fn an_error_names_what_is_wrong(#[case] text: &str, #[case] expected: &str) {
        let error = Anchor::parse(text).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
