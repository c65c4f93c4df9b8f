//! A message in the making: what the plugin and its webmail's composer hand each other.

use std::fmt;

/// A mailbox as RFC 5322 §3.4 has it: an address, perhaps with a person's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The person's name, decoded.
    pub name: Option<String>,
    /// `local@domain`.
    pub email: String,
}

impl Address {
    /// An address without a name.
    pub fn bare(email: impl Into<String>) -> Self {
        Self { name: None, email: email.into() }
    }

    /// Whether both mean the same mailbox, as far as anybody but its own server can tell.
    pub fn is(&self, email: &str) -> bool {
        same_mailbox(&self.email, email)
    }
}

/// Whether two addresses differ at most in the case of ASCII letters.
pub fn same_mailbox(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl fmt::Display for Address {
    /// As a person types it: `Name <local@domain>`, the name quoted where it must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SPECIAL: &[char] = &['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '"'];
        match self.name.as_deref().filter(|name| !name.is_empty()) {
            None => f.write_str(&self.email),
            Some(name) if name.contains(SPECIAL) => {
                write!(f, "\"{}\" <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), self.email)
            }
            Some(name) => write!(f, "{name} <{}>", self.email),
        }
    }
}

/// Whom a message goes to, each in their role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// `To`.
    pub to: Vec<Address>,
    /// `Cc`.
    pub cc: Vec<Address>,
    /// `Bcc`: named to nobody.
    pub bcc: Vec<Address>,
}

impl Recipients {
    /// All of them, To first.
    pub fn iter(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.to.len() + self.cc.len() + self.bcc.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this address is among them.
    pub fn contains(&self, email: &str) -> bool {
        self.iter().any(|address| address.is(email))
    }
}

/// A file or an inline picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file's name; empty if it has none.
    pub name: String,
    /// The media type with its parameters, as written: `image/png`, `text/calendar; method=REQUEST`.
    pub content_type: String,
    /// What the HTML names it by (`cid:…`), without `<>`.
    pub content_id: Option<String>,
    /// Whether it belongs into the text (a picture of the HTML) rather than beside it.
    pub inline: bool,
    /// The content, decoded.
    pub bytes: Vec<u8>,
}

/// Whom a reopened message may go to: the composer shows this choice where the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Those the message was not sent to, in the roles they had. Chosen at first.
    pub stopped: Recipients,
    /// Everybody the message was for.
    pub all: Recipients,
}

/// A message in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Who writes; the account itself when absent.
    pub from: Option<Address>,
    /// Where answers are wanted, if elsewhere.
    pub reply_to: Vec<Address>,
    /// Whom it goes to.
    pub recipients: Recipients,
    /// The subject.
    pub subject: String,
    /// The plain text, lines ended by `\n`.
    pub text: String,
    /// The HTML that says the same as `text`. Whoever changes the one must change or drop the other: see [`Draft::set_text`].
    pub html: Option<String>,
    /// Files and inline pictures.
    pub attachments: Vec<Attachment>,
    /// The Message-ID it answers, without `<>`.
    pub in_reply_to: Option<String>,
    /// The thread's Message-IDs, oldest first, without `<>`.
    pub references: Vec<String>,
    /// The id of the stop whose message this one replaces.
    pub replaces: Option<String>,
    /// Set when it was reopened and a stop is recorded for the original.
    pub choice: Option<Choice>,
    /// For whom the user has decided to send without the guarantee; recorded with the server when Send is pressed.
    pub without_guarantee_for: Vec<String>,
    /// Stopped recipients whom that does not reach: what their domain publishes binds every mail.
    pub bound: Vec<String>,
    /// Whether the user wants to encrypt the content end to end.
    pub end_to_end: bool,
    /// Whether it may go only to servers that prove who they are; recorded with the server when Send is pressed.
    pub demand_authenticated: bool,
}

impl Draft {
    /// Takes over a text that the user has changed. The HTML no longer says the same and is
    /// dropped; its inline pictures stay as files.
    pub fn set_text(&mut self, text: String) {
        if text == self.text {
            return;
        }
        self.text = text;
        if self.html.take().is_some() {
            for picture in &mut self.attachments {
                picture.inline = false;
            }
        }
    }

    /// Those of `without_guarantee_for` that are still among the recipients: whom an override is recorded for.
    pub fn overridden(&self) -> Vec<String> {
        self.without_guarantee_for.iter().filter(|email| self.recipients.contains(email)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, "a@b.example")]
    #[case(Some(""), "a@b.example")]
    #[case(Some("Carla Klein"), "Carla Klein <a@b.example>")]
    #[case(Some("Klein, Carla"), "\"Klein, Carla\" <a@b.example>")]
    #[case(Some("the \"boss\""), "\"the \\\"boss\\\"\" <a@b.example>")]
    fn addresses_as_typed(#[case] name: Option<&str>, #[case] shown: &str) {
        let address = Address { name: name.map(str::to_owned), email: "a@b.example".to_owned() };
        assert_eq!(address.to_string(), shown);
    }

    fn written() -> Draft {
        let picture = Attachment {
            name: "p.png".to_owned(),
            content_type: "image/png".to_owned(),
            content_id: Some("p".to_owned()),
            inline: true,
            bytes: vec![1],
        };
        Draft {
            text: "one".to_owned(),
            html: Some("<p>one</p>".to_owned()),
            attachments: vec![picture],
            ..Draft::default()
        }
    }

    #[test]
    fn a_text_left_as_it_was_keeps_its_html() {
        let mut draft = written();
        draft.set_text("one".to_owned());
        assert_eq!(draft, written());
    }

    #[test]
    fn a_changed_text_drops_the_html_and_keeps_its_pictures_as_files() {
        let mut draft = written();
        draft.set_text("two".to_owned());
        assert_eq!((draft.text.as_str(), draft.html), ("two", None));
        assert_eq!(draft.attachments.iter().map(|file| file.inline).collect::<Vec<_>>(), [false]);
    }
}
