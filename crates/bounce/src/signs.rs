//! What the header of a mail says about being a report, before anything of its text is read.

use mail_parser::{HeaderValue, parsers::MessageStream};

use crate::{
    address,
    fields::{Field, Fields, one_line},
    shown::is_our_title,
};

/// Names that mail systems send their reports under, lower case, in the From field.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailer daemon",
    "mailerdaemon",
    "mail deliver",
    "maildeliver",
    "mail.deliver",
    "postmaster",
    "post_master",
    "post-master",
    "delivery system",
    "delivery subsystem",
    "mail system",
    "system administrator",
    "ndr administrator",
    "ndr@",
    "mdaemon",
    "bounce",
];

/// Beginnings or parts of subjects that reports have, lower case.
const SUBJECTS: &[&str] = &[
    "undeliver",
    "returned mail",
    "returned to sender",
    "returned message",
    "delivery status",
    "delivery fail",
    "delivery report",
    "delivery notification",
    "delivery problem",
    "delivery error",
    "delivery has",
    "failure notice",
    "failed delivery",
    "failed mail",
    "mail failure",
    "mail error",
    "mail system error",
    "non-deliver",
    "nondeliver",
    "not delivered",
    "not be delivered",
    "be delivered",
    "during delivery",
    "error sending",
    "processing error",
    "unzustellbar",
    "nicht zugestellt",
    "zustellung",
    "unable to deliver",
    "delivery to",
];

/// Parts of subjects that delay notices have, lower case.
const DELAYS: &[&str] =
    &["delayed", "warning: message", "(delay)", "still being retried", "notification: warning"];

/// Subjects of automatic replies by people's mailboxes.
const AUTO_REPLIES: &[&str] = &[
    "out of office",
    "automatic reply",
    "auto reply",
    "autoreply",
    "auto-reply",
    "autorespon",
    "auto response",
    "auto-response",
    "auto:",
    "vacation",
    "away until",
    "abwesen",
    "automatische antwort",
    "on leave",
    "on holiday",
    "respuesta autom",
    "réponse autom",
];

/// Prefixes of an answer or a forwarded mail.
const REPLY_PREFIXES: &[&str] =
    &["re:", "fw:", "fwd:", "aw:", "wg:", "antw:", "sv:", "vs:", "tr:", "rv:", "ant:"];

/// Who wrote the mail, as far as its header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Author {
    #[default]
    Unknown,
    /// A mail system: its From says so.
    System,
    /// A person: an answer, or sent by a mail program.
    Person,
    /// From a mail system's address, but an answer.
    SystemAnswering,
    /// Somebody's automatic reply.
    AutoReply,
}

/// What the subject announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Title {
    #[default]
    Anything,
    Report,
    Delay,
}

/// The evidence.
#[derive(Default)]
pub(crate) struct Signs {
    pub(crate) author: Author,
    pub(crate) title: Title,
    /// With the subject of our own bounces, in any of its Subject fields.
    pub(crate) titled_as_ours: bool,
    /// Sent with the null reverse-path (RFC 3464 §2), as far as the delivering server wrote it down.
    pub(crate) null_path: bool,
    /// A `multipart/report` about deliveries.
    pub(crate) report: bool,
    /// `X-Failed-Recipients`, which Exim and Gmail add.
    pub(crate) failed_recipients: Vec<String>,
    /// The domain it comes from.
    pub(crate) from_domain: Option<String>,
    /// Where the report was sent: the sender of the message reported on.
    pub(crate) senders: Vec<String>,
    /// The last Message-ID in In-Reply-To or References.
    pub(crate) refers_to: Option<String>,
}

/// Marks of a person's mail that the header has.
#[derive(Default)]
struct Marks {
    answers: bool,
    program: bool,
    auto_reply: bool,
}

impl Signs {
    /// From the header of a message, with the `report-type` it declares.
    pub(crate) fn of(headers: &[u8], report_type: Option<&str>) -> Self {
        let mut signs =
            Self { report: report_type.is_some_and(|kind| kind.contains("delivery")), ..Self::default() };
        let mut marks = Marks::default();
        let (mut subject, mut from) = (String::new(), String::new());
        for field in Fields::of(headers) {
            match field.lower_name(&mut [0; 32]) {
                b"subject" => {
                    subject = decoded(field).to_lowercase();
                    signs.titled_as_ours |= is_our_title(&subject) && !is_reply(&subject);
                }
                b"from" => from = decoded(field).to_lowercase(),
                b"to" | b"delivered-to" => signs.senders.extend(addresses(field)),
                b"return-path" => {
                    signs.null_path |= matches!(field.text().as_str(), "<>" | "" | "<MAILER-DAEMON>");
                }
                b"x-failed-recipients" => signs.failed_recipients.extend(addresses(field)),
                b"in-reply-to" => {
                    marks.answers = true;
                    signs.refers_to = message_id(&field.text());
                }
                b"references" if signs.refers_to.is_none() => signs.refers_to = message_id(&field.text()),
                b"user-agent" => marks.program = true,
                b"x-autoreply" | b"x-autorespond" | b"x-vacation" => marks.auto_reply = true,
                _ => {}
            }
        }
        let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        signs.from_domain = address::in_text(&from).next().and_then(|found| domain(found.address));
        signs.title = title(&subject);
        signs.author = signs.author(&subject, &from, &marks);
        signs
    }

    fn author(&self, subject: &str, from: &str, marks: &Marks) -> Author {
        let system = from.ends_with("<>") || DAEMONS.iter().any(|name| from.contains(name));
        if marks.auto_reply || (!self.report && AUTO_REPLIES.iter().any(|words| subject.contains(words))) {
            Author::AutoReply
        } else if !self.null_path && marks.answers && is_reply(subject) {
            if system { Author::SystemAnswering } else { Author::Person }
        } else if system {
            Author::System
        } else if !self.null_path && marks.program {
            Author::Person
        } else {
            Author::Unknown
        }
    }

    /// Whether it comes from a mail system.
    pub(crate) fn by_system(&self) -> bool {
        matches!(self.author, Author::System | Author::SystemAnswering)
    }

    /// Whether its subject is a report's.
    pub(crate) fn titled(&self) -> bool {
        self.title != Title::Anything
    }

    /// Whether `address` is where the report was sent.
    pub(crate) fn is_sender(&self, address: &str) -> bool {
        self.senders.iter().any(|sender| sender.eq_ignore_ascii_case(address))
    }

    /// How much the header speaks for a report in words.
    pub(crate) fn weight(&self) -> Weight {
        match self.author {
            Author::AutoReply | Author::Person => Weight::None,
            Author::SystemAnswering => Weight::Transcript,
            _ if !self.failed_recipients.is_empty() => Weight::Declared,
            _ if self.report => Weight::Certain,
            Author::System if self.titled() => Weight::Certain,
            Author::System => Weight::Strong,
            Author::Unknown if self.titled() || self.null_path => Weight::Weak,
            Author::Unknown => Weight::None,
        }
    }
}

fn title(subject: &str) -> Title {
    let contains = |words: &[&str]| words.iter().any(|word| subject.contains(word));
    if is_reply(subject) {
        Title::Anything
    } else if contains(DELAYS) {
        Title::Delay
    } else if contains(SUBJECTS) {
        Title::Report
    } else {
        Title::Anything
    }
}

/// How much the header speaks for a report, and what the text has to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    None,
    /// An answer, but by a mail system's address: no doubt about the failure, and the transcript of a session.
    Transcript,
    /// By nobody in particular, with a report's subject or the null reverse-path: no doubt about the failure, and an
    /// address in a place that only reports have.
    Weak,
    /// By a mail system, under any subject: trouble, and an address in such a place or a returned message.
    Strong,
    /// Any word of trouble.
    Certain,
    /// Nothing: it has a report part, or names the recipients in its header.
    Declared,
}

fn is_reply(subject: &str) -> bool {
    REPLY_PREFIXES.iter().any(|word| subject.starts_with(word))
}

/// The field's value with its encoded words (RFC 2047) decoded, on one line.
pub(crate) fn decoded(field: Field<'_>) -> String {
    let mut raw = field.raw().to_vec();
    raw.push(b'\n');
    match MessageStream::new(&raw).parse_unstructured() {
        HeaderValue::Text(text) => one_line(&text),
        _ => String::new(),
    }
}

/// The addresses in a field.
pub(crate) fn addresses(field: Field<'_>) -> Vec<String> {
    let text = field.text();
    address::in_text(&text).map(|found| found.address.to_owned()).collect()
}

/// The last message identifier (RFC 5322 §3.6.4) of a field, without its angle brackets.
pub(crate) fn message_id(text: &str) -> Option<String> {
    let text = text.trim();
    let id = match text.rfind('<') {
        Some(open) => text[open + 1..].split('>').next().unwrap_or_default(),
        None => text.rsplit(' ').next().unwrap_or_default(),
    };
    (!id.is_empty() && id.len() < 998).then(|| id.to_owned())
}
