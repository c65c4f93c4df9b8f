//! Messages to send.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// A simple message; its Message-ID is its own.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `From`.
    pub from: String,
    /// `To`.
    pub to: Vec<String>,
    /// `Cc`.
    pub cc: Vec<String>,
    /// `Bcc`.
    pub bcc: Vec<String>,
    /// `Subject`.
    pub subject: String,
    /// More header fields, whole lines without CRLF.
    pub more: Vec<String>,
    /// The text, lines ended by CRLF.
    pub body: String,
    /// Without `<>`.
    pub message_id: String,
}

impl Mail {
    /// A message from one address to some.
    pub fn new(from: &str, to: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            from: from.to_owned(),
            to: to.iter().map(|&address| address.to_owned()).collect(),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: format!("Message {number}"),
            more: Vec::new(),
            body: format!("This is message {number}.\r\n"),
            message_id: format!("{number}.{}@client.example", std::process::id()),
        }
    }

    /// From alice.
    pub fn to(to: &[&str]) -> Self {
        Self::new("alice@home.example", to)
    }

    /// With one more header field.
    #[must_use]
    pub fn with(mut self, field: &str) -> Self {
        self.more.push(field.to_owned());
        self
    }

    /// All recipients.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.to.iter().chain(&self.cc).chain(&self.bcc).map(String::as_str)
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "From: {}\r\n", self.from)?;
        for (name, addresses) in [("To", &self.to), ("Cc", &self.cc), ("Bcc", &self.bcc)] {
            if !addresses.is_empty() {
                write!(f, "{name}: {}\r\n", addresses.join(",\r\n "))?;
            }
        }
        write!(f, "Subject: {}\r\nMessage-ID: <{}>\r\n", self.subject, self.message_id)?;
        write!(f, "Date: Tue, 24 Nov 2026 09:00:00 +0100\r\n")?;
        for field in &self.more {
            write!(f, "{field}\r\n")?;
        }
        write!(f, "\r\n{}", self.body)
    }
}
