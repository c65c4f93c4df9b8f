//! Drafts in the browser's storage, one entry each, so that two tabs don't overwrite each other's;
//! files have an entry of their own, which is not written at every key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plugin::draft::Choice;
use plugin::state::recipients;
use plugin::{Address, Attachment, Draft};
use serde::{Deserialize, Serialize};

use crate::drafts::{Kept, Origin, Typed};

/// A draft as it is stored, without its files.
#[derive(Serialize, Deserialize)]
struct Stored {
    origin: Origin,
    edited: bool,
    typed: Typed,
    from: String,
    reply_to: String,
    subject: String,
    text: String,
    html: Option<String>,
    in_reply_to: Option<String>,
    references: Vec<String>,
    replaces: Option<String>,
    /// Those stopped, and all.
    choice: Option<(Typed, Typed)>,
    without_guarantee_for: Vec<String>,
    end_to_end: bool,
}

/// A file as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredFile {
    name: String,
    content_type: String,
    content_id: Option<String>,
    inline: bool,
    base64: String,
}

/// What the storage holds of a draft whose parts are these.
pub(crate) fn to_json(origin: &Origin, edited: bool, typed: &Typed, draft: &Draft) -> String {
    let stored = Stored {
        origin: origin.clone(),
        edited,
        typed: typed.clone(),
        from: recipients::show(draft.from.as_slice()),
        reply_to: recipients::show(&draft.reply_to),
        subject: draft.subject.clone(),
        text: draft.text.clone(),
        html: draft.html.clone(),
        in_reply_to: draft.in_reply_to.clone(),
        references: draft.references.clone(),
        replaces: draft.replaces.clone(),
        choice: draft.choice.as_ref().map(|choice| (Typed::of(&choice.stopped), Typed::of(&choice.all))),
        without_guarantee_for: draft.without_guarantee_for.clone(),
        end_to_end: draft.end_to_end,
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// What the storage holds of a draft's files.
pub(crate) fn files_to_json(files: &[Attachment]) -> String {
    let stored = files.iter().map(|file| StoredFile {
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        content_id: file.content_id.clone(),
        inline: file.inline,
        base64: STANDARD.encode(&file.bytes),
    });
    serde_json::to_string(&stored.collect::<Vec<_>>()).unwrap_or_default()
}

/// The draft of these entries; `None` when they are no draft of this version's.
pub(crate) fn from_json(number: u32, json: &str, files: Option<&str>) -> Option<Kept> {
    let stored: Stored = serde_json::from_str(json).ok()?;
    let files: Vec<StoredFile> = files.and_then(|files| serde_json::from_str(files).ok()).unwrap_or_default();
    let attachment = |file: StoredFile| {
        let bytes = STANDARD.decode(file.base64).ok()?;
        let StoredFile { name, content_type, content_id, inline, .. } = file;
        Some(Attachment { name, content_type, content_id, inline, bytes })
    };
    let draft = Draft {
        from: read(&stored.from).pop(),
        reply_to: read(&stored.reply_to),
        recipients: stored.typed.read(),
        subject: stored.subject,
        text: stored.text,
        html: stored.html,
        attachments: files.into_iter().filter_map(attachment).collect(),
        in_reply_to: stored.in_reply_to,
        references: stored.references,
        replaces: stored.replaces,
        choice: stored
            .choice
            .map(|(stopped, all)| Choice { stopped: stopped.read(), all: all.read() }),
        without_guarantee_for: stored.without_guarantee_for,
        end_to_end: stored.end_to_end,
    };
    Some(Kept { number, origin: stored.origin, edited: stored.edited, typed: stored.typed, draft })
}

fn read(field: &str) -> Vec<Address> {
    recipients::parse(field).addresses
}

/// The storage, for one account; without it (switched off, or full) drafts live as long as the page.
pub(crate) struct Shelf<'a> {
    account: &'a str,
}

impl<'a> Shelf<'a> {
    /// The shelf of an account.
    pub(crate) fn of(account: &'a str) -> Self {
        Self { account }
    }

    fn storage() -> Option<web_sys::Storage> {
        web_sys::window()?.local_storage().ok()?
    }

    fn key(&self, number: u32) -> String {
        format!("draft {} {number}", self.account)
    }

    fn files_key(&self, number: u32) -> String {
        format!("files {} {number}", self.account)
    }

    /// All drafts on the shelf.
    pub(crate) fn all(&self) -> Vec<Kept> {
        let Some(storage) = Self::storage() else { return Vec::new() };
        let prefix = format!("draft {} ", self.account);
        let keys = (0..storage.length().unwrap_or(0)).filter_map(|at| storage.key(at).ok()?);
        let numbers = keys.filter_map(|key| key.strip_prefix(&prefix)?.parse::<u32>().ok());
        let kept = numbers.filter_map(|number| {
            let files = storage.get_item(&self.files_key(number)).ok()?;
            from_json(number, &storage.get_item(&self.key(number)).ok()??, files.as_deref())
        });
        kept.collect()
    }

    /// Puts a draft there; false when there is no room.
    pub(crate) fn put(&self, number: u32, json: &str) -> bool {
        Self::storage().is_some_and(|storage| storage.set_item(&self.key(number), json).is_ok())
    }

    /// Puts a draft's files there; false when there is no room.
    pub(crate) fn put_files(&self, number: u32, files: &[Attachment]) -> bool {
        let Some(storage) = Self::storage() else { return false };
        let key = self.files_key(number);
        if files.is_empty() {
            return storage.remove_item(&key).is_ok();
        }
        let put = storage.set_item(&key, &files_to_json(files)).is_ok();
        if !put {
            // Rather none than those of before.
            let _ = storage.remove_item(&key);
        }
        put
    }

    /// Takes a draft off.
    pub(crate) fn remove(&self, number: u32) {
        if let Some(storage) = Self::storage() {
            let _ = storage.remove_item(&self.key(number));
            let _ = storage.remove_item(&self.files_key(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use plugin::Recipients;

    use super::*;

    #[test]
    fn a_draft_survives_the_storage() {
        let recipients = Recipients { to: vec![Address::bare("a@x.example")], ..Recipients::default() };
        let file = |inline| Attachment {
            name: "ä.pdf".into(),
            content_type: "application/pdf".into(),
            content_id: inline.then(|| "p1".into()),
            inline,
            bytes: vec![0, 255, 10, 13],
        };
        let draft = Draft {
            from: Some(Address { name: Some("Alice".into()), email: "alice@home.example".into() }),
            reply_to: vec![Address::bare("r@x.example")],
            recipients: recipients.clone(),
            subject: "Größe".into(),
            text: "a\nb".into(),
            html: Some("<p>a".into()),
            attachments: vec![file(true), file(false)],
            in_reply_to: Some("m@x".into()),
            references: vec!["r@x".into()],
            replaces: Some("s1".into()),
            choice: Some(Choice { stopped: recipients.clone(), all: recipients }),
            without_guarantee_for: vec!["a@x.example".into()],
            end_to_end: true,
        };
        let typed = Typed { to: "a@x.example".into(), cc: String::new(), bcc: "half@".into() };
        let json = to_json(&Origin::Reopened, true, &typed, &draft);
        let kept = from_json(3, &json, Some(&files_to_json(&draft.attachments))).expect("a draft");
        assert_eq!(kept, Kept { number: 3, origin: Origin::Reopened, edited: true, typed, draft });
    }

    #[test]
    fn what_is_no_draft_is_none() {
        assert!(from_json(1, "", None).is_none());
        assert!(from_json(1, "{}", None).is_none());
        let json = to_json(&Origin::New, false, &Typed::default(), &Draft::default());
        assert!(from_json(1, &json, Some("nonsense")).is_some_and(|kept| kept.draft.attachments.is_empty()));
    }
}
