//! MTA-STS policies and the hosts that serve them, as plain data.

use std::time::Duration;

use crate::host::{Certificate, Handshake, Versions};

/// How long a policy holds when nothing else is said, in seconds.
const MAX_AGE: u32 = 7 * 24 * 60 * 60;

/// What a domain has for MTA-STS (RFC 8461): a TXT record, and the host `mta-sts.NAME` with a policy or without.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The `id` of the TXT record at `_mta-sts.NAME`; `None`: there is no such record.
    pub id: Option<String>,
    /// What the policy host does in TLS.
    pub handshake: Handshake,
    /// What it answers.
    pub answer: PolicyAnswer,
}

/// What a policy host answers to `GET /.well-known/mta-sts.txt`.
#[derive(Clone, Debug)]
pub enum PolicyAnswer {
    /// This page.
    Page(Page),
    /// This page, an octet of its body at a time, with a pause before each.
    Slow {
        /// The page.
        page: Page,
        /// The pause.
        pause: Duration,
    },
    /// A text that never ends.
    Endless,
    /// Nothing: the connection stays open.
    Silence,
    /// Nothing listens: connections are refused.
    Absent,
}

/// A page as HTTP gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// Name and value of header fields besides those of the connection and the length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Policy {
    /// A policy of this mode and text, with the `id` 1, served rightly.
    pub fn with_mode<'a>(mode: &str, mx: impl IntoIterator<Item = &'a str>) -> Self {
        let mx: String = mx.into_iter().map(|pattern| format!("mx: {pattern}\r\n")).collect();
        Self::text(&format!("version: STSv1\r\nmode: {mode}\r\n{mx}max_age: {MAX_AGE}\r\n"))
    }

    /// Mode `enforce` for MX hosts of these names.
    pub fn enforce<'a>(mx: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with_mode("enforce", mx)
    }

    /// This text as a policy, whatever it is, with the `id` 1, served rightly.
    pub fn text(text: &str) -> Self {
        Self::answering(PolicyAnswer::Page(Page::text(text)))
    }

    /// A policy host that answers like this; the TXT record has the `id` 1.
    pub fn answering(answer: PolicyAnswer) -> Self {
        let handshake = Handshake::Modern { certificate: Certificate::Trusted, versions: Versions::Both };
        Self { id: Some("1".to_owned()), handshake, answer }
    }

    /// No policy: no TXT record, and nothing listens. Another may come with [`World::set_policy`](crate::World::set_policy).
    pub fn absent() -> Self {
        Self { id: None, ..Self::answering(PolicyAnswer::Absent) }
    }

    /// The same with another `id`.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    /// The same, the policy host presenting this certificate.
    #[must_use]
    pub fn certificate(self, certificate: Certificate) -> Self {
        Self { handshake: Handshake::Modern { certificate, versions: Versions::Both }, ..self }
    }
}

impl Page {
    /// A page with status 200 and the content type of a policy (RFC 8461 §3.2).
    pub fn text(body: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: body.to_owned(),
        }
    }

    /// A redirect with status 302.
    pub fn redirect(location: &str) -> Self {
        let headers = vec![("Location".to_owned(), location.to_owned())];
        Self { status: 302, headers, body: String::new() }
    }

    /// The same with another status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with these header fields only.
    #[must_use]
    pub fn headers<'a>(self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self { headers: headers.into_iter().map(owned).collect(), ..self }
    }
}

/// The name of a domain's policy host (RFC 8461 §3.3).
pub(crate) fn host_of(domain: &str) -> String {
    format!("mta-sts.{domain}")
}
