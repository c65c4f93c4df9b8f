//! Answers and forwards: drafts made of a message that is open.

use plugin::{Address, Attachment, Draft, Recipients};

use crate::message::Opened;
use crate::words::w;

/// What is made of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply,
    ReplyAll,
    Forward,
}

impl Answer {
    /// A word for it that stays the same in every language.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::ReplyAll => "reply-all",
            Self::Forward => "forward",
        }
    }

    /// Its icon in the sprite.
    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::ReplyAll => "replyall",
            Self::Forward => "fwd",
        }
    }
}

/// The draft; `me` is the account's address, `date` the message's as people read it.
pub(crate) fn draft(message: &Opened, answer: Answer, me: &str, date: &str) -> Draft {
    match answer {
        Answer::Reply => reply(message, recipients(message, me, false), date),
        Answer::ReplyAll => reply(message, recipients(message, me, true), date),
        Answer::Forward => forward(message, date),
    }
}

/// Whether answering everybody is something else than answering.
pub(crate) fn has_others(message: &Opened, me: &str) -> bool {
    recipients(message, me, true).len() > recipients(message, me, false).len()
}

fn recipients(message: &Opened, me: &str, everybody: bool) -> Recipients {
    let own = message.from.iter().any(|from| from.is(me));
    let to = match (own, message.reply_to.as_slice()) {
        // The answer to one's own mail goes where that went.
        (true, _) => message.to.clone(),
        (false, []) => message.from.clone(),
        (false, reply_to) => reply_to.to_vec(),
    };
    let mut recipients = Recipients { to, ..Recipients::default() };
    if everybody {
        for other in message.to.iter().chain(&message.cc) {
            if !other.is(me) && !recipients.contains(&other.email) {
                recipients.cc.push(other.clone());
            }
        }
    }
    recipients
}

fn reply(message: &Opened, recipients: Recipients, date: &str) -> Draft {
    let from = message.from.first().map(short_name).unwrap_or_default();
    let intro = w!(reply_intro, date = date.to_owned(), name = from);
    let mut references = message.references.clone();
    references.extend(message.message_id.clone());
    Draft {
        recipients,
        subject: prefixed("Re:", &message.subject, &["re:", "aw:"]),
        text: format!("\n\n{intro}\n{}", quoted(&message.text)),
        in_reply_to: message.message_id.clone(),
        references,
        ..Draft::default()
    }
}

fn forward(message: &Opened, date: &str) -> Draft {
    let list = |people: &[Address]| people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let head = [
        (w!(from).to_string(), list(&message.from)),
        (w!(to).to_string(), list(&message.to)),
        (w!(cc).to_string(), list(&message.cc)),
        (w!(date).to_string(), date.to_owned()),
        (w!(subject).to_string(), message.subject.clone()),
    ];
    let head: String = head
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    let attachments = message.files.iter().map(|file| Attachment {
        name: file.name.clone(),
        content_type: file.media_type.clone(),
        content_id: None,
        inline: false,
        bytes: file.bytes.to_vec(),
    });
    Draft {
        subject: prefixed("Fwd:", &message.subject, &["fwd:", "fw:", "wg:"]),
        text: format!("\n\n---------- {} ----------\n{head}\n{}\n", w!(forward_intro), message.text),
        attachments: attachments.collect(),
        ..Draft::default()
    }
}

fn short_name(address: &Address) -> String {
    address.name.clone().unwrap_or_else(|| address.email.clone())
}

fn prefixed(prefix: &str, subject: &str, known: &[&str]) -> String {
    let lower = subject.to_ascii_lowercase();
    if known.iter().any(|known| lower.starts_with(known)) {
        subject.to_owned()
    } else {
        format!("{prefix} {subject}").trim_end().to_owned()
    }
}

fn quoted(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| if line.starts_with('>') { format!(">{line}\n") } else { format!("> {line}\n") })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ME: &str = "alice@home.example";

    fn message(head: &str) -> Opened {
        plugin::words::speak(plugin::i18n::Locale::en);
        let raw = format!("{head}\r\nMessage-ID: <m2@x>\r\nReferences: <m1@x>\r\n\r\none\r\n> two\r\n");
        Opened::read(raw.into_bytes())
    }

    fn emails(list: &[Address]) -> Vec<&str> {
        list.iter().map(|address| address.email.as_str()).collect()
    }

    #[rstest]
    #[case::from("From: bob@x.example\r\nTo: alice@home.example, carla@y.example", &["bob@x.example"], &["carla@y.example"])]
    #[case::reply_to("From: bob@x.example\r\nReply-To: list@x.example\r\nTo: Alice@home.example", &["list@x.example"], &[])]
    #[case::own("From: alice@home.example\r\nTo: bob@x.example\r\nCc: carla@y.example", &["bob@x.example"], &["carla@y.example"])]
    #[case::twice("From: bob@x.example\r\nTo: BOB@x.example\r\nCc: carla@y.example, Carla@y.example", &["bob@x.example"], &["carla@y.example"])]
    fn recipients_of_answers(#[case] head: &str, #[case] to: &[&str], #[case] others: &[&str]) {
        let message = message(head);
        let one = draft(&message, Answer::Reply, ME, "today");
        assert_eq!((emails(&one.recipients.to), one.recipients.cc.len()), (to.to_vec(), 0));
        let all = draft(&message, Answer::ReplyAll, ME, "today");
        assert_eq!((emails(&all.recipients.to), emails(&all.recipients.cc)), (to.to_vec(), others.to_vec()));
        assert_eq!(has_others(&message, ME), !others.is_empty());
    }

    #[test]
    fn an_answer_stays_in_its_thread() {
        let answer = draft(&message("From: bob@x.example\r\nSubject: Plan"), Answer::Reply, ME, "today");
        assert_eq!(answer.in_reply_to.as_deref(), Some("m2@x"));
        assert_eq!(answer.references, ["m1@x", "m2@x"]);
        assert_eq!(answer.subject, "Re: Plan");
        assert!(answer.text.ends_with("> one\n>> two\n"), "{}", answer.text);
    }

    #[rstest]
    #[case("Re: Plan", "Re: Plan")]
    #[case("AW: Plan", "AW: Plan")]
    #[case("Reise", "Re: Reise")]
    #[case("", "Re:")]
    fn subjects(#[case] subject: &str, #[case] expected: &str) {
        assert_eq!(prefixed("Re:", subject, &["re:", "aw:"]), expected);
    }

    #[test]
    fn a_forward_brings_head_text_and_files() {
        plugin::words::speak(plugin::i18n::Locale::en);
        let raw = "From: bob@x.example\r\nSubject: Plan\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n\
            --o\r\n\r\ntext\r\n--o\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\nPDF\r\n--o--\r\n";
        let forward = draft(&Opened::read(raw.as_bytes().to_vec()), Answer::Forward, ME, "today");
        assert_eq!(forward.subject, "Fwd: Plan");
        assert!(
            forward.text.contains("From: bob@x.example\nDate: today\nSubject: Plan\n\ntext"),
            "{}",
            forward.text
        );
        assert_eq!(forward.attachments.len(), 1);
        assert_eq!(forward.attachments[0].name, "a.pdf");
        assert!(forward.recipients.is_empty());
    }
}
