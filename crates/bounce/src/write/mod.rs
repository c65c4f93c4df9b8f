//! Writes this server's own reports: RFC 3464 in RFC 6522, with RFC 6533 where an address needs it.

mod clean;
mod original;
mod status;
mod text;

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

use crate::reading::Action;
use clean::Alphabet;

/// What a report has to say in words, in one language. Plain text, paragraphs apart by an empty line; an empty text is
/// left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Before the recipients that were stopped, for each [`Ground`]: whose doing it was, and that nothing was sent to them.
    pub stopped: Grounds,
    /// After them: what lies in Sent was not sent to them, and the ways there are.
    pub ways: String,
    /// Instead, where what the domain demands leaves none of these ways.
    pub bound: String,
    /// Before the recipients that got nothing for another cause.
    pub failed: String,
    /// Before the recipients that are still being tried.
    pub delayed: String,
    /// Before the recipients in whose mailbox it lies.
    pub delivered: String,
    /// Before the recipients whose server has taken it and will report no more.
    pub relayed: String,
    /// At the end, for example who may be asked.
    pub closing: String,
}

/// What there is to say of a stop, for each ground.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "those of Ground")]
pub struct Grounds {
    pub no_encryption: String,
    pub downgrade: String,
    pub mismatch: String,
    pub unproven: String,
    pub requiretls: String,
    pub demanded: String,
}

/// The ground of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The way could not be encrypted.
    NoEncryption,
    /// It could be before: a possible attack.
    Downgrade,
    /// The host is not the one that its domain describes by DANE or MTA-STS. That binds with and without the guarantee.
    Mismatch,
    /// The user demands hosts that prove who they are.
    Unproven,
    /// The mail itself asked for REQUIRETLS (RFC 8689).
    RequireTls,
    /// The user demanded hosts that prove who they are for this mail alone, with the guarantee on or off.
    Demanded,
    /// The same, and the host is not the one that its domain describes: see [`Ground::Mismatch`].
    DemandedMismatch,
}

impl Ground {
    /// In the order of their sections.
    const ALL: [Self; 7] = [
        Self::Downgrade,
        Self::NoEncryption,
        Self::Mismatch,
        Self::Unproven,
        Self::RequireTls,
        Self::Demanded,
        Self::DemandedMismatch,
    ];

    /// Whether what the domain demands would hold the mail back in any case.
    fn is_bound(self) -> bool {
        matches!(self, Self::Mismatch | Self::DemandedMismatch)
    }

    fn words(self, texts: &Texts) -> &String {
        let Grounds { no_encryption, downgrade, mismatch, unproven, requiretls, demanded } = &texts.stopped;
        match self {
            Self::NoEncryption => no_encryption,
            Self::Downgrade => downgrade,
            Self::Mismatch => mismatch,
            Self::Unproven => unproven,
            Self::RequireTls => requiretls,
            Self::Demanded | Self::DemandedMismatch => demanded,
        }
    }
}

/// Why a recipient got nothing (yet), or how it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Forbidden on that ground: the sentence of the table of causes.
    Stop(Ground, String),
    /// Another judgement of this server, for example that the domain takes no mail, or that time is up.
    Own(String),
    /// The other server's reply, with its code, on one line or several; foreign text.
    Reply(String),
    /// None: it lies in a mailbox of this server.
    Delivered,
    /// None: a server that sends no success reports has taken it, with this reply; foreign text.
    Relayed(String),
}

impl Cause {
    fn text(&self) -> &str {
        match self {
            Self::Stop(_, text) | Self::Own(text) | Self::Reply(text) | Self::Relayed(text) => text,
            Self::Delivered => "",
        }
    }

    /// Whether the text is another server's.
    fn is_reply(&self) -> bool {
        matches!(self, Self::Reply(_) | Self::Relayed(_))
    }
}

/// One recipient of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The forward-path, without angle brackets.
    pub address: String,
    /// The ORCPT parameter as given (`rfc822;` and xtext); only then the report names an original recipient
    /// (RFC 3461 §6.3 d).
    pub orcpt: Option<String>,
    /// Enhanced status code (RFC 3463); one that does not fit the action is replaced by the general one that does.
    pub status: String,
    /// Why, or how.
    pub cause: Cause,
    /// The host that was talked to, if one was: `NAME` or `NAME[ADDRESS]`.
    pub remote: Option<String>,
    /// What was found or proven of the transport, as `name=value` pairs; a header field of the report.
    pub evidence: Option<String>,
    /// When it was tried last.
    pub last_attempt: Option<Timestamp>,
    /// Until when it is tried again; for delay notices.
    pub will_retry_until: Option<Timestamp>,
}

/// How much of the original is returned (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Returns {
    /// Its header only.
    #[default]
    Headers,
    /// All of it.
    Full,
}

/// What kind of report it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// Nothing more will be tried for these recipients.
    Failed,
    /// It is still being tried.
    Delayed,
    /// It has been delivered, or relayed where success is not reported; only for who asked (RFC 3461 §4.1).
    Succeeded,
}

impl Notice {
    fn action(self, cause: &Cause) -> Action {
        match (self, cause) {
            (Self::Failed, _) => Action::Failed,
            (Self::Delayed, _) => Action::Delayed,
            (Self::Succeeded, Cause::Delivered) => Action::Delivered,
            (Self::Succeeded, _) => Action::Relayed,
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Failed => "Undelivered Mail Returned to Sender",
            Self::Delayed => "Delayed Mail (still being retried)",
            Self::Succeeded => "Successful Mail Delivery Report",
        }
    }
}

/// Everything that goes into a report. All text may be hostile; what comes out is well-formed.
#[derive(Clone, Debug)]
pub struct Report<'x> {
    /// Failure, delay or success.
    pub notice: Notice,
    /// The name this server reports under, for `Reporting-MTA` and `From`.
    pub own_name: String,
    /// Our id of the message reported on.
    pub queue_id: String,
    /// Whom it goes to: the reverse-path of the message reported on. Never write one to the null reverse-path
    /// (RFC 3464 §2).
    pub to: String,
    /// Date of the report.
    pub date: Timestamp,
    /// Message-ID of the report, without angle brackets.
    pub message_id: String,
    /// Boundary of its parts, random; is lengthened if the original has it too.
    pub boundary: String,
    /// When the message reported on was accepted.
    pub arrival: Timestamp,
    /// The ENVID parameter as given (xtext).
    pub envelope_id: Option<String>,
    /// The recipients, at least one.
    pub recipients: Vec<Reported>,
    /// The message reported on, whole or at least its header.
    pub original: &'x [u8],
    /// How much of it is returned.
    pub returns: Returns,
    /// The texts for people, a language each: who reads the report is not known, so that it says everything in all of them.
    pub words: Vec<Texts>,
}

/// Writes the report as a message with CRLF line ends, none longer than 998 octets (RFC 5322 §2.1.1).
///
/// It declares 8bit where it needs it; to a next hop without 8BITMIME it has to be re-encoded like any mail.
pub fn write(report: &Report<'_>) -> Vec<u8> {
    let text = text::part(report);
    let status = status::part(report);
    let returned = original::part(report.original, report.returns);
    let boundary = free_boundary(report);
    let eight_bit = !text.is_ascii() || !status.is_ascii() || !returned.body.is_ascii();

    let mut out = header(report, &boundary, eight_bit);
    out.push_str("This is a MIME-encapsulated message.\r\n");
    let kind = "text/plain; charset=utf-8";
    begin_part(&boundary, "Notification", kind, text.is_ascii(), &mut out);
    out.push_str(&text);
    let kind = if status::alphabet(report) == Alphabet::Unicode {
        "message/global-delivery-status"
    } else {
        "message/delivery-status"
    };
    begin_part(&boundary, "Delivery report", kind, status.is_ascii(), &mut out);
    out.push_str(&status);
    let prefix = if report.notice == Notice::Succeeded { "" } else { "Undelivered " };
    let description = format!("{prefix}{}", returned.description);
    begin_part(&boundary, &description, returned.kind, returned.body.is_ascii(), &mut out);
    let mut out = out.into_bytes();
    out.extend_from_slice(&returned.body);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

fn header(report: &Report<'_>, boundary: &str, eight_bit: bool) -> String {
    let own_name = clean::token(&report.own_name);
    let mut out = String::new();
    clean::whole_field("Date", &date(report.date), &mut out);
    clean::whole_field("From", &format!("Mail Delivery System <MAILER-DAEMON@{own_name}>"), &mut out);
    clean::whole_field("To", &format!("<{}>", clean::address(&report.to)), &mut out);
    clean::whole_field("Subject", report.notice.subject(), &mut out);
    clean::whole_field("Message-ID", &format!("<{}>", clean::token(&report.message_id)), &mut out);
    if let Some(id) = original::message_id(report.original) {
        clean::whole_field("In-Reply-To", &format!("<{id}>"), &mut out);
        clean::whole_field("References", &format!("<{id}>"), &mut out);
    }
    for recipient in &report.recipients {
        if let Some(evidence) = &recipient.evidence {
            let evidence = clean::line(evidence, Alphabet::Ascii);
            let value = format!("rcpt={}; {evidence}", clean::address(&recipient.address));
            clean::field("X-TLS-Guarantee-Evidence", &value, &mut out);
        }
    }
    // RFC 3834 §5: nobody may answer it automatically
    clean::whole_field("Auto-Submitted", "auto-replied", &mut out);
    clean::whole_field("MIME-Version", "1.0", &mut out);
    let kind = format!("multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"");
    clean::whole_field("Content-Type", &kind, &mut out);
    if eight_bit {
        clean::whole_field("Content-Transfer-Encoding", "8bit", &mut out);
    }
    out.push_str("\r\n");
    out
}

fn begin_part(boundary: &str, description: &str, kind: &str, ascii: bool, out: &mut String) {
    let encoding = if ascii { "7bit" } else { "8bit" };
    out.push_str(&format!(
        "\r\n--{boundary}\r\nContent-Description: {description}\r\nContent-Type: {kind}\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n"
    ));
}

/// The boundary, lengthened until it does not occur in the original (RFC 2046 §5.1.1).
fn free_boundary(report: &Report<'_>) -> String {
    let is_boundary = |c: &char| c.is_ascii_alphanumeric() || "'()+_,-./:=?".contains(*c);
    let mut boundary: String = report.boundary.chars().filter(is_boundary).take(60).collect();
    if boundary.is_empty() {
        boundary.push_str("report");
    }
    // ten more characters are enough for any original that was written without knowing the boundary
    for _ in 0..10 {
        if memchr::memmem::find(report.original, boundary.as_bytes()).is_none() {
            break;
        }
        boundary.push('=');
    }
    boundary
}

/// A date as mail writes it (RFC 5322 §3.3), in UTC.
fn date(time: Timestamp) -> String {
    jiff::fmt::rfc2822::to_string(&ZonedDateTime::new(time, TimeZone::UTC)).unwrap_or_default()
}
