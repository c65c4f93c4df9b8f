//! What the header of a mail says about being a report, before anything of its text is read.

use mail_parser::{HeaderValue, parsers::MessageStream};

use crate::{
    address,
    fields::{Field, Fields, one_line},
};

/// Names that mail systems send their reports under, lower case, in the From field.
const DAEMONS: &[&str] = &[
    "mailer-daemon", "mailer daemon", "mailerdaemon", "mail deliver", "maildeliver", "mail.deliver", "postmaster", "post_master", "post-master", "delivery system",
    "delivery subsystem", "mail system", "system administrator", "ndr administrator", "ndr@", "mdaemon", "bounce",
];

/// Beginnings or parts of subjects that reports have, lower case.
const SUBJECTS: &[&str] = &[
    "undeliver", "returned mail", "returned to sender", "returned message", "delivery status", "delivery fail",
    "delivery report", "delivery notification", "delivery problem", "delivery error", "delivery delayed", "delivery has",
    "failure notice", "failed delivery", "failed mail", "mail failure", "mail error", "mail system error", "non-deliver", "nondeliver", "not delivered",
    "not be delivered", "be delivered", "message delayed", "warning: message", "delayed mail", "during delivery",
    "error sending", "processing error", "unzustellbar", "nicht zugestellt", "zustellung", "unable to deliver", "delivery to",
];

/// Subjects of automatic replies by people's mailboxes.
const AUTO_REPLIES: &[&str] = &[
    "out of office", "automatic reply", "auto reply", "autoreply", "auto-reply", "autorespon", "auto response", "auto-response", "auto:",
    "vacation", "away until", "abwesen", "automatische antwort", "on leave", "on holiday", "respuesta autom", "réponse autom",
];

/// Prefixes of an answer or a forwarded mail.
const REPLY_PREFIXES: &[&str] = &["re:", "fw:", "fwd:", "aw:", "wg:", "antw:", "sv:", "vs:", "tr:", "rv:", "ant:"];

/// The evidence.
#[derive(Default)]
pub(crate) struct Signs {
    pub(crate) subject: String,
    /// From a mail system.
    pub(crate) daemon: bool,
    /// With a subject that reports have.
    pub(crate) titled: bool,
    /// `X-Failed-Recipients`, which Exim and Gmail add.
    pub(crate) failed_recipients: Vec<String>,
    /// A `multipart/report` about deliveries, or about nothing said.
    pub(crate) report: bool,
    /// Sent with the null reverse-path (RFC 3464 §2), as far as the delivering server wrote it down.
    pub(crate) null_path: bool,
    /// Declared to be an automatic reply.
    pub(crate) other: bool,
    /// Written by a person: an answer, or sent by a mail program.
    pub(crate) person: bool,
    /// A delay notice, by its subject.
    pub(crate) delayed: bool,
    /// The domain it comes from.
    pub(crate) from_domain: Option<String>,
    /// Where the report was sent: the sender of the message reported on.
    pub(crate) senders: Vec<String>,
    /// Message-IDs in In-Reply-To and References, the last one first.
    pub(crate) refers_to: Option<String>,
}

impl Signs {
    /// From the header of a message, with the `report-type` it declares.
    pub(crate) fn of(headers: &[u8], report_type: Option<&str>) -> Self {
        let mut signs = Self::default();
        let mut from = String::new();
        let mut answers = false;
        let mut program = false;
        for field in Fields::of(headers) {
            let name = field.name.to_ascii_lowercase();
            match name.as_slice() {
                b"subject" => signs.subject = decoded(field),
                b"from" => from = decoded(field).to_lowercase(),
                b"to" | b"delivered-to" => signs.senders.extend(addresses(field)),
                b"return-path" => signs.null_path |= matches!(field.text().as_str(), "<>" | "" | "<MAILER-DAEMON>"),
                b"x-failed-recipients" => signs.failed_recipients.extend(addresses(field)),
                b"in-reply-to" => {
                    answers = true;
                    signs.refers_to = message_id(&field.text());
                }
                b"references" if signs.refers_to.is_none() => signs.refers_to = message_id(&field.text()),
                b"user-agent" => program = true,
                b"x-autoreply" | b"x-autorespond" | b"x-vacation" => signs.other = true,
                _ => {}
            }
        }
        let subject = signs.subject.to_lowercase();
        let contains = |words: &[&str]| words.iter().any(|word| subject.contains(word));
        let reply = REPLY_PREFIXES.iter().any(|word| subject.starts_with(word));
        signs.from_domain = address::in_text(&from).next().and_then(|found| found.address.rsplit_once('@').map(|(_, domain)| domain.to_owned()));
        signs.daemon = from.ends_with("<>") || DAEMONS.iter().any(|name| from.contains(name));
        signs.titled = !reply && contains(SUBJECTS);
        signs.delayed = contains(&["delayed", "warning: message", "(delay)", "still being retried"]);
        signs.person = !signs.null_path && (reply && answers || program && !signs.daemon);
        signs.report = report_type.is_some_and(|kind| kind.contains("delivery"));
        signs.other |= contains(AUTO_REPLIES) && !signs.report;
        signs
    }

    /// Whether `address` is where the report was sent.
    pub(crate) fn is_sender(&self, address: &str) -> bool {
        self.senders.iter().any(|sender| sender.eq_ignore_ascii_case(address))
    }

    /// How much the header speaks for a report in words.
    pub(crate) fn weight(&self) -> Weight {
        if self.other {
            Weight::None
        } else if self.person {
            if self.daemon { Weight::Transcript } else { Weight::None }
        } else if self.daemon || self.titled || self.report || !self.failed_recipients.is_empty() {
            Weight::Strong
        } else if self.null_path {
            Weight::Weak
        } else {
            Weight::None
        }
    }
}

/// How much speaks for a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    None,
    /// Only with the transcript of a session: an answer, but by a mail system's address.
    Transcript,
    /// Only if the text leaves no doubt.
    Weak,
    Strong,
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
