//! S/MIME (RFC 8551), and CMS as far as it says what a message is (RFC 5652 §3, RFC 5083 §2).

use super::{Entity, base64::Base64, lines};

/// id-envelopedData (RFC 5652 §6), with its tag and length.
const ENVELOPED: &[u8] = &[0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03];
/// id-ct-authEnvelopedData (RFC 5083 §2.1), likewise.
const AUTH_ENVELOPED: &[u8] = &[0x06, 11, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xA0;

/// Whether the body is the encrypted kind of CMS that the header says it is (RFC 8551 §3.2.2); what is only signed comes
/// under the same media type.
pub(super) fn is_encrypted(entity: &Entity<'_>) -> Option<bool> {
    let kind = entity.media_type.parameter("smime-type")?.to_ascii_lowercase();
    let oid = match kind.as_str() {
        "enveloped-data" => ENVELOPED,
        "authenveloped-data" => AUTH_ENVELOPED,
        _ => return Some(false),
    };
    if !entity.is_encoded_as("base64") {
        return Some(false);
    }
    let mut data = Base64::default();
    let mut text = lines(entity.body.trim_ascii_end());
    text.try_for_each(|line| data.push(line))?;
    let (octets, length) = data.decoded()?;
    is_enveloped(&octets, length, oid)
}

/// `ContentInfo { oid, [0] SEQUENCE { version, … } }` from the first octet to the last. Programs that write as they encrypt
/// leave lengths open, which is BER (RFC 8551 §3.1).
fn is_enveloped(octets: &[u8], length: usize, oid: &[u8]) -> Option<bool> {
    let mut cursor = Cursor { octets, at: 0, length };
    cursor.enter(SEQUENCE)?;
    let after = octets.get(cursor.at..)?.strip_prefix(oid)?;
    cursor.at = octets.len() - after.len();
    cursor.enter(CONTEXT_0)?;
    cursor.enter(SEQUENCE)?;
    let version = octets.get(cursor.at..cursor.at + 4)?;
    // Then come the recipients, perhaps after certificates of the sender.
    Some(matches!(version, [0x02, 1, 0..=4, SET | CONTEXT_0]))
}

struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
    /// Octets in all, of which `octets` may be the beginning.
    length: usize,
}

impl Cursor<'_> {
    /// Goes into an element of that tag, which ends where everything does, or leaves open where.
    fn enter(&mut self, tag: u8) -> Option<()> {
        let [found, first, rest @ ..] = self.octets.get(self.at..)? else { return None };
        let (octets, length) = match *first {
            0x80 => (0, None),
            short @ ..0x80 => (0, Some(usize::from(short))),
            long @ 0x81..=0x84 => {
                let octets = usize::from(long & 0x7F);
                let number = rest.get(..octets)?.iter();
                (octets, Some(number.fold(0, |sum, octet| sum << 8 | usize::from(*octet))))
            }
            0x85.. => return None,
        };
        self.at += 2 + octets;
        let ends = length.is_none_or(|length| self.at.checked_add(length) == Some(self.length));
        (*found == tag && ends).then_some(())
    }
}
