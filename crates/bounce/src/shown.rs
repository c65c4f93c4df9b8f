//! Whether a mail shows its reader the sentence of a stop, in whatever form: any charset and encoding, folded, wrapped,
//! with markup inside, in odd spacing and case, spread over parts, inside an attached message.
//!
//! Everything but letters and digits is left out before looking, so that none of those forms makes a difference.

use crate::{
    decode,
    mime::{Encoding, Kind, Parts},
};

/// Text that is looked through; a longer mail is taken to show it.
const MAX_TEXT: usize = 2 * 1024 * 1024;
/// Encoded messages in encoded messages that are opened.
const MAX_ENCODED: u8 = 3;

/// What every cause of a stop begins with (P7 and the table of causes).
const CAUSE: &str = "tlsisrequiredbut";
/// What only our own reports say in their text.
const GUARANTEE: &[&str] = &["tlsversandgarantie", "tlssendingguarantee"];
/// `Undelivered Mail Returned to Sender`
const TITLE: &str = "undeliveredmailreturnedtosender";

/// The letters and digits of `text`, in lower case.
pub(crate) fn letters(text: &str, into: &mut String) {
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            into.push(c.to_ascii_lowercase());
        } else if !c.is_ascii() && c.is_alphanumeric() {
            into.extend(plain(c).to_lowercase());
        }
    }
}

/// Full-width forms as the letters they are.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Whether a subject is the one of our bounces.
pub(crate) fn is_our_title(subject: &str) -> bool {
    let mut plain = String::with_capacity(subject.len());
    letters(subject, &mut plain);
    plain.contains(TITLE)
}

/// Whether the mail shows the beginning of a stop's cause anywhere, or speaks of the guarantee in its own text.
pub(crate) fn shows_stop(parts: &Parts<'_>) -> bool {
    let mut look = Look { own: String::new(), nested: String::new(), left: MAX_TEXT };
    look.through(parts, MAX_ENCODED);
    let unread = look.left == 0 || parts.truncated;
    let sentence = look.own.contains(CAUSE) || look.nested.contains(CAUSE);
    unread || sentence || GUARANTEE.iter().any(|words| look.own.contains(words))
}

struct Look {
    own: String,
    nested: String,
    left: usize,
}

impl Look {
    fn through(&mut self, parts: &Parts<'_>, encoded: u8) {
        for part in &parts.list {
            if self.left == 0 {
                return;
            }
            if part.body.len() > self.left {
                self.left = 0;
                return;
            }
            match part.kind {
                Kind::Text | Kind::Html | Kind::Status | Kind::Headers => {
                    self.left -= part.body.len();
                    let into = if part.level == 0 && encoded == MAX_ENCODED {
                        &mut self.own
                    } else {
                        &mut self.nested
                    };
                    letters(&decode::readable(part), into);
                }
                Kind::Message if part.encoding != Encoding::Plain && encoded > 0 => {
                    self.left -= part.body.len();
                    self.through(&Parts::of(&decode::bytes(part)), encoded - 1);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("Subject: x\n\nTLS is required, but was not offered by host mx.a.example", true)]
    #[case::wrapped("Subject: x\n\n> tls IS  required,\n>  but was\n> not offered by\n", true)]
    #[case::spaces(
        "Subject: x\nContent-Type: text/plain; charset=utf-8\n\nTLS\u{a0}is\u{2003}re\u{ad}quired,\u{200b}but",
        true
    )]
    #[case::html("Content-Type: text/html\n\nTLS is <b>re</b>quired,&nbsp;b<!-- x -->ut", true)]
    #[case::base64("Content-Transfer-Encoding: base64\n\nVExTIGlzIHJlcXVpcmVkLCBidXQgd2FzIG5vdA==", true)]
    #[case::quoted("Content-Transfer-Encoding: quoted-printable\n\nTLS is req=\nuired=2C but", true)]
    #[case::parts(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nTLS is required,\n--b\n\nbut was not\n--b--\n",
        true
    )]
    #[case::attached(
        "Content-Type: message/rfc822\n\nSubject: y\n\nTLS is required, but was not offered",
        true
    )]
    #[case::attached_encoded(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeQoKVExTIGlzIHJlcXVpcmVkLCBidXQ=",
        true
    )]
    #[case::words("Subject: x\n\nIhre TLS-Versand-Garantie hat diesen Versand gestoppt.", true)]
    #[case::words_returned(
        "Content-Type: message/rfc822\n\nSubject: y\n\nDie TLS-Versand-Garantie ist fein.",
        false
    )]
    #[case::other("Subject: x\n\nTLS is nice, but not required.", false)]
    fn sentences_are_seen(#[case] mail: &str, #[case] seen: bool) {
        assert_eq!(shows_stop(&Parts::of(mail.as_bytes())), seen);
    }

    #[rstest]
    #[case("Undelivered Mail Returned to Sender", true)]
    #[case("*** undelivered  MAIL\u{a0}returned\u{200b} to sender", true)]
    #[case("Ｕndelivered Mail Returned to Sender", true)]
    #[case("Mail delivery failed: returning message to sender", false)]
    fn titles(#[case] subject: &str, #[case] ours: bool) {
        assert_eq!(is_our_title(subject), ours);
    }
}
