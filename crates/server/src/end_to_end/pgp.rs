//! PGP/MIME (RFC 3156 §4), and OpenPGP as far as it says what a message is (RFC 9580).

use super::{Entity, base64::Base64, is_blank, lines};

/// Octets before the first part: programs say there what this is to those that can't show it.
const PREAMBLE: usize = 200;

/// Octets of a boundary (RFC 2046 §5.1.1).
const BOUNDARY: usize = 70;

/// Whether these are exactly the two parts: the version, and an encrypted message.
pub(super) fn is_encrypted(entity: &Entity<'_>) -> Option<bool> {
    let protocol = entity.media_type.parameter("protocol")?;
    let boundary = entity.media_type.parameter("boundary")?;
    let sound = protocol.eq_ignore_ascii_case("application/pgp-encrypted")
        && (1..=BOUNDARY).contains(&boundary.len())
        && is_plain(entity);
    if !sound {
        return Some(false);
    }
    let [control, encrypted] = two_parts(entity.body, boundary)?;
    let (control, encrypted) = (Entity::read(control)?, Entity::read(encrypted)?);
    Some(
        control.media_type.name() == "application/pgp-encrypted"
            && encrypted.media_type.name() == "application/octet-stream"
            && is_plain(&control)
            && is_plain(&encrypted)
            && control.body.trim_ascii() == b"Version: 1"
            && is_encrypted_message(encrypted.body)?,
    )
}

/// Whether the text is an encrypted message and nothing else.
pub(super) fn is_encrypted_text(entity: &Entity<'_>) -> Option<bool> {
    Some(is_plain(entity) && is_encrypted_message(entity.body)?)
}

fn is_plain(entity: &Entity<'_>) -> bool {
    ["7bit", "8bit"].iter().any(|encoding| entity.is_encoded_as(encoding))
}

/// The parts of a body that has just two, and nothing to read around them (RFC 2046 §5.1.1).
fn two_parts<'a>(body: &'a [u8], boundary: &str) -> Option<[&'a [u8]; 2]> {
    let delimiter = format!("--{boundary}");
    // Where a piece begins; and where the line break before the delimiter that ends it does.
    let (mut begins, mut pieces, mut at) = (0, Vec::new(), 0);
    let mut closed = false;
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        if let Some(rest) = line.strip_prefix(delimiter.as_bytes()) {
            // A line that only begins like one leaves it to the reader what it is.
            closed = match rest.trim_ascii_end() {
                b"" if !closed => false,
                b"--" if !closed => true,
                _ => return None,
            };
            pieces.push(&body[begins..at]);
            begins = at + line.len();
            if pieces.len() > 3 {
                return None;
            }
        }
        at += line.len();
    }
    let [preamble, first, second] = pieces.try_into().ok()?;
    let quiet = preamble.len() <= PREAMBLE && is_blank(&body[begins..]);
    (closed && quiet).then_some([first, second])
}

/// Whether this is one armoured OpenPGP message (RFC 9580 §6.2), nothing before and nothing after it, that is encrypted.
fn is_encrypted_message(text: &[u8]) -> Option<bool> {
    let mut lines = lines(text).skip_while(|line| line.is_empty());
    if lines.next()? != b"-----BEGIN PGP MESSAGE-----" {
        return Some(false);
    }
    loop {
        match lines.next()? {
            b"" => break,
            header if header.windows(2).any(|pair| pair == b": ") => {}
            _ => return Some(false),
        }
    }
    let mut data = Base64::default();
    let end = loop {
        let line = lines.next()?;
        match line.first()? {
            b'-' => break line,
            // The checksum, which is the last (§6.1).
            b'=' if line.len() == 5 => break lines.next()?,
            _ => data.push(line)?,
        }
    };
    let alone = end == b"-----END PGP MESSAGE-----" && lines.all(<[u8]>::is_empty);
    let (octets, length) = data.decoded()?;
    Some(alone && encrypts(&octets, length)?)
}

/// Whether session keys, for somebody's key or password, are followed by data encrypted with integrity protection up to
/// the end (RFC 9580 §10.3). A signed or compressed message is armoured alike; encryption without the protection can be
/// changed on the way, which matters most where the way is open (§13.7).
fn encrypts(mut octets: &[u8], mut length: usize) -> Option<bool> {
    let mut keys = 0_u32;
    loop {
        let packet = Packet::read(octets)?;
        match packet.tag {
            // Public-key and symmetric-key encrypted session keys.
            1 | 3 => keys += 1,
            // GnuPG marks what early versions can't read.
            10 => {}
            // Symmetrically encrypted, integrity protected; and GnuPG's own form of it.
            18 | 20 => {
                let to_the_end =
                    packet.length.is_none_or(|body| packet.header.saturating_add(body) == length);
                let known = matches!(octets.get(packet.header)?, 1 | 2);
                return Some(keys > 0 && to_the_end && known);
            }
            _ => return Some(false),
        }
        let whole = packet.header.checked_add(packet.length?)?;
        octets = octets.get(whole..)?;
        length = length.checked_sub(whole)?;
    }
}

/// The beginning of a packet (RFC 9580 §4.2).
struct Packet {
    tag: u8,
    /// Octets of tag and length.
    header: usize,
    /// Octets of the body; `None` if it comes in pieces or has no length.
    length: Option<usize>,
}

impl Packet {
    fn read(octets: &[u8]) -> Option<Self> {
        let first = *octets.first()?;
        let number = |from: usize, count: usize| {
            let octets = octets.get(from..from + count)?;
            octets
                .iter()
                .try_fold(0_usize, |sum, octet| sum.checked_mul(256)?.checked_add(usize::from(*octet)))
        };
        match first {
            0xC0.. => {
                let tag = first & 0x3F;
                let (header, length) = match *octets.get(1)? {
                    short @ ..192 => (2, Some(usize::from(short))),
                    192..224 => (3, Some(number(1, 2)? - (192 << 8) + 192)),
                    224..255 => (2, None),
                    255 => (6, Some(number(2, 4)?)),
                };
                Some(Self { tag, header, length })
            }
            0x80.. => {
                let tag = first >> 2 & 0x0F;
                let (header, length) = match first & 3 {
                    0 => (2, Some(number(1, 1)?)),
                    1 => (3, Some(number(1, 2)?)),
                    2 => (5, Some(number(1, 4)?)),
                    _ => (1, None),
                };
                Some(Self { tag, header, length })
            }
            _ => None,
        }
    }
}
