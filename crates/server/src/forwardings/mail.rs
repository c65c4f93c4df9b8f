//! The mail that tells of a forwarding's loss. In both languages, as reports are; and no report of any mail, since none has
//! failed: it has nothing that a bounce has.

use guarantee::Protection;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;

use crate::acceptance::new_message_id;

/// In ASCII, so that every list shows it as it is.
const SUBJECT: &str = "Ihre Weiterleitung ist weniger sicher / Your forwarding is less secure";

/// What was lost.
pub(super) struct Loss<'a> {
    /// The user.
    pub(super) to: &'a str,
    /// This server's name.
    pub(super) server_name: &'a str,
    /// The forwarding's target.
    pub(super) target: &'a str,
    /// What protected the way, and when that was last seen.
    pub(super) before: (Protection, Timestamp),
    /// What does now.
    pub(super) now: (Protection, Timestamp),
}

/// Writes the mail.
pub(super) fn compose(loss: &Loss<'_>) -> Vec<u8> {
    write(loss, new_message_id(loss.server_name).trim_matches(['<', '>']))
}

fn write(loss: &Loss<'_>, message_id: &str) -> Vec<u8> {
    let from = format!("postmaster@{}", loss.server_name);
    let message = MessageBuilder::new()
        .from((loss.server_name, from.as_str()))
        .to(loss.to)
        .subject(SUBJECT)
        .date(loss.now.1.as_second())
        .message_id(message_id)
        // RFC 3834 §5: nobody's program answers it.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(format!("{}\n\n* * *\n\n{}", german(loss), english(loss)));
    // Into memory, where nothing fails.
    message.write_to_vec().unwrap_or_default()
}

fn german(loss: &Loss<'_>) -> String {
    let word = |protection| match protection {
        Protection::None => "unverschlüsselt",
        Protection::Encrypted => "verschlüsselt",
        Protection::Authenticated => "verschlüsselt und geprüft",
        Protection::Dane => "verschlüsselt und geprüft (DANE)",
    };
    let time = |at: Timestamp| at.strftime("%d.%m.%Y, %H:%M Uhr UTC").to_string();
    let ((before, seen_at), (now, now_at)) = (loss.before, loss.now);
    let readable = match now {
        Protection::None => " Wer den Weg mitliest, kann sie jetzt lesen.",
        Protection::Encrypted | Protection::Authenticated | Protection::Dane => "",
    };
    format!(
        "Guten Tag,\n\n\
         der Weg zum Ziel Ihrer Weiterleitung ist weniger geschützt als bisher.\n\n\
         Ziel: {target}\n\
         Bisher: {before} (zuletzt gesehen am {seen_at})\n\
         Jetzt: {now} (gesehen am {now_at})\n\n\
         Weitergeleitete E-Mails gehen weiterhin dorthin, denn für Weiterleitungen gilt die TLS-Versand-Garantie \
         nicht.{readable}\n\n\
         Was Sie tun können:\n\n\
         1. Fragen Sie beim Empfänger oder dessen Anbieter nach, ob das so gewollt ist.\n\
         2. Beenden Sie die Weiterleitung, oder wählen Sie ein anderes Ziel, wenn Ihre E-Mails vertraulich sind.\n\
         3. Wenn Sie diese Nachrichten nicht mehr möchten: Entfernen Sie das Ziel in den Einstellungen, unter \
         Transportwegverschlüsselung, aus der Liste der Weiterleitungen.\n\n\
         Diese Nachricht kommt von Ihrem eigenen Mailserver.",
        target = loss.target,
        before = word(before),
        seen_at = time(seen_at),
        now = word(now),
        now_at = time(now_at),
    )
}

fn english(loss: &Loss<'_>) -> String {
    let word = |protection| match protection {
        Protection::None => "unencrypted",
        Protection::Encrypted => "encrypted",
        Protection::Authenticated => "encrypted and verified",
        Protection::Dane => "encrypted and verified (DANE)",
    };
    let time = |at: Timestamp| at.strftime("%Y-%m-%d, %H:%M UTC").to_string();
    let ((before, seen_at), (now, now_at)) = (loss.before, loss.now);
    let readable = match now {
        Protection::None => " Whoever listens on the way can read it now.",
        Protection::Encrypted | Protection::Authenticated | Protection::Dane => "",
    };
    format!(
        "Hello,\n\n\
         the way to your forwarding's target is less protected than before.\n\n\
         Target: {target}\n\
         Before: {before} (last seen on {seen_at})\n\
         Now: {now} (seen on {now_at})\n\n\
         Forwarded mail still goes there, since the TLS sending guarantee does not hold for forwardings.{readable}\n\n\
         What you can do:\n\n\
         1. Ask the recipient or their provider whether this is intended.\n\
         2. End the forwarding, or choose another target, if your mail is confidential.\n\
         3. If you no longer want these messages: remove the target from the list of forwardings in the settings, under \
         Transport encryption.\n\n\
         This message comes from your own mail server.",
        target = loss.target,
        before = word(before),
        seen_at = time(seen_at),
        now = word(now),
        now_at = time(now_at),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn loss(now: Protection) -> Vec<u8> {
        let at = |time: &str| time.parse().expect("a time");
        let loss = Loss {
            to: "alice@home.example",
            server_name: "mail.home.example",
            target: "carla@x.example",
            before: (Protection::Dane, at("2026-11-20T08:15:00Z")),
            now: (now, at("2026-11-24T12:00:00Z")),
        };
        write(&loss, "1@mail.home.example")
    }

    #[rstest]
    #[case::in_clear(Protection::None, include_str!("loss-none.eml"), "loss-none.eml")]
    #[case::encrypted(Protection::Encrypted, include_str!("loss-encrypted.eml"), "loss-encrypted.eml")]
    fn the_mail_says_what_was_lost_and_what_to_do(
        #[case] now: Protection,
        #[case] golden: &str,
        #[case] file: &str,
    ) {
        let written = String::from_utf8(loss(now)).expect("text").replace("\r\n", "\n");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = format!("{}/src/forwardings/{file}", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, &written).expect("written");
            return;
        }
        assert_eq!(written, golden);
    }

    #[test]
    fn nobody_takes_it_for_a_bounce() {
        let raw = loss(Protection::None);
        assert_eq!(bounce::claim(&bounce::read(&raw), "mail.home.example"), bounce::Claim::NotABounce);
    }
}
