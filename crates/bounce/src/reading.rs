//! What a message turned out to report.

use serde::{Deserialize, Serialize};

use crate::{status::host, tls::TlsCause};

/// What kind of message it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No report about a delivery: ordinary mail, automatic reply, read receipt, feedback report.
    #[default]
    Ordinary,
    /// A report that nothing went wrong: delivered, relayed or expanded (RFC 3464 §2.3.3).
    Success,
    /// A report that at least one delivery failed or is delayed.
    Bounce,
}

/// What happened to one recipient's copy (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Given up; the status may nevertheless be a temporary one (4.x.x).
    Failed,
    /// Not delivered yet, still being tried.
    Delayed,
    /// Delivered.
    Delivered,
    /// Handed to a system that sends no further reports.
    Relayed,
    /// Delivered to a list or alias that went on to others.
    Expanded,
}

impl Action {
    /// The word of the `Action` field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }

    /// Whether the copy has not arrived.
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::Delayed)
    }
}

/// Why, in the words of the reporting server (RFC 3464 §2.3.6). Both are the sender's text: show them as text only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// `smtp` for a reply of the remote server, `X-Postfix` or the like for the reporting server's own judgement,
    /// as spelled; nothing when the report does not say.
    pub kind: Option<String>,
    /// Unfolded to one line.
    pub text: String,
}

/// One recipient of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address that was tried last (`Final-Recipient`).
    pub address: String,
    /// The address the sender wrote (`Original-Recipient`), if the report tells.
    pub original: Option<String>,
    /// What happened.
    pub action: Action,
    /// Enhanced status code (RFC 3463), for example `5.1.1`.
    pub status: Option<String>,
    /// Why.
    pub diagnostic: Option<Diagnostic>,
    /// What the report's text for people says about this recipient, if its fields give no diagnostic; one line.
    pub explanation: Option<String>,
    /// The host that was talked to, without its type.
    pub remote_mta: Option<String>,
    /// Lack of transport security, if that is why.
    pub tls: Option<TlsCause>,
}

impl Recipient {
    pub(crate) fn only(address: String, action: Action) -> Self {
        let (original, status, diagnostic, explanation) = (None, None, None, None);
        Self { address, original, action, status, diagnostic, explanation, remote_mta: None, tls: None }
    }
}

/// What [`crate::read`] found in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What kind of message it is.
    pub kind: Kind,
    /// Every `Reporting-MTA` of the report as spelled, on one line; a genuine report has one.
    pub reporting_mtas: Vec<String>,
    /// Our own queue id (`X-TLS-Guarantee-Queue-ID`), if the report has one; anyone can write it.
    pub queue_id: Option<String>,
    /// `Original-Envelope-Id` (RFC 3461 §4.4)
    pub envelope_id: Option<String>,
    /// Message-ID of the message that is reported on, without angle brackets.
    pub message_id: Option<String>,
    /// The recipients, each once, in the order of the report.
    pub recipients: Vec<Recipient>,
    /// The mail shows the sentence of a stop by us somewhere in its text, whoever wrote it there. Only looked for in
    /// mails with a `Reporting-MTA` or our subject.
    pub shows_stop: bool,
    /// Its subject is the one of a bounce by us.
    pub titled_as_ours: bool,
}

impl Reading {
    /// The name of the first server that says it reports, without type and comment.
    pub fn reporting_mta(&self) -> Option<&str> {
        self.reporting_mtas.first().map(|mta| host(mta))
    }

    /// Whether a delivery failed or is delayed.
    pub fn is_bounce(&self) -> bool {
        self.kind == Kind::Bounce
    }

    /// Why a delivery ended for lack of transport security, if one did; the first such recipient's cause.
    pub fn tls_stop(&self) -> Option<TlsCause> {
        self.recipients.iter().find_map(|r| r.tls.filter(|_| r.action == Action::Failed))
    }
}
