//! Recognises mail that is encrypted end to end, by what it is made of and never by what a header says alone.
//!
//! Whoever pretends harms nobody else. But a mail program's mistake must not send in clear what is readable: so anything in
//! doubt is not encrypted, such as a part too many, text beside the encrypted part, or a signature that is armoured alike.

mod base64;
mod media_type;
mod pgp;
mod smime;

use crate::headers::Headers;
use media_type::MediaType;

/// Whether the whole content of a message is encrypted: by PGP/MIME (RFC 3156 §4), by S/MIME (RFC 8551 §3.3, §3.4), or as a
/// text that is an armoured OpenPGP message and nothing else, as Enigma and people who encrypt elsewhere send it. Takes
/// time in proportion to the message, and little memory.
pub fn is_encrypted(message: &[u8]) -> bool {
    encrypted(message).unwrap_or(false)
}

/// `None` where it is not well-formed enough to tell.
fn encrypted(message: &[u8]) -> Option<bool> {
    let entity = Entity::read(message)?;
    let version = entity.headers.text("MIME-Version")?;
    // RFC 2045 §4: comments are allowed, and some programs put their name there.
    let known = version.split('(').next()?.trim() == "1.0" && entity.headers.count("MIME-Version") == 1;
    match entity.media_type.name() {
        "multipart/encrypted" if known => pgp::is_encrypted(&entity),
        "text/plain" if known => pgp::is_encrypted_text(&entity),
        // The older name is still written (RFC 8551 §1.6 has it from before S/MIME was a standard).
        "application/pkcs7-mime" | "application/x-pkcs7-mime" if known => smime::is_encrypted(&entity),
        _ => Some(false),
    }
}

/// A message or one of its parts.
struct Entity<'a> {
    headers: Headers<'a>,
    media_type: MediaType,
    body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// Reads one that says its type once, and its encoding at most once.
    fn read(octets: &'a [u8]) -> Option<Self> {
        let headers = Headers::read(octets).ok()?;
        if headers.count("Content-Type") != 1 || headers.count("Content-Transfer-Encoding") > 1 {
            return None;
        }
        let media_type = MediaType::parse(&headers.text("Content-Type")?)?;
        let rest = octets.get(headers.size()..)?;
        let body = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
        Some(Self { headers, media_type, body })
    }

    /// Whether the body has this encoding; 7bit unless the header says otherwise (RFC 2045 §6.1).
    fn is_encoded_as(&self, encoding: &str) -> bool {
        let given = self.headers.text("Content-Transfer-Encoding");
        given.as_deref().unwrap_or("7bit").eq_ignore_ascii_case(encoding)
    }
}

/// The lines of a text, each with the octets of its end and white space before it taken off.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end)
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests;
