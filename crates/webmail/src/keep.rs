//! Drafts in the browser's storage, one entry each, so that two tabs don't overwrite each other's;
//! files have an entry of their own, which is not written at every key.
//!
//! An entry is a JSON list of rows, each a list of texts that begins with the row's name. A row whose name says
//! nothing to this version is passed over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plugin::draft::Choice;
use plugin::state::recipients;
use plugin::{Attachment, Draft};

use crate::drafts::{Kept, Origin, Typed};

type Row = Vec<String>;

fn row(name: &str, values: &[&str]) -> Row {
    std::iter::once(&name).chain(values).map(|text| (*text).to_owned()).collect()
}

/// What the storage holds of a draft whose parts are these, but for its files.
pub(crate) fn to_json(origin: &Origin, edited: bool, typed: &Typed, draft: &Draft) -> String {
    let origin = match origin {
        Origin::New => row("new", &[]),
        Origin::Answer(message) => row("answer", &[message]),
        Origin::Reopened => row("reopened", &[]),
    };
    let mut rows = vec![
        origin,
        row("typed", &[&typed.to, &typed.cc, &typed.bcc]),
        row("from", &[&recipients::show(draft.from.as_slice())]),
        row("reply-to", &[&recipients::show(&draft.reply_to)]),
        row("subject", &[&draft.subject]),
        row("text", &[&draft.text]),
    ];
    rows.extend(edited.then(|| row("edited", &[])));
    rows.extend(draft.html.as_ref().map(|html| row("html", &[html])));
    rows.extend(draft.in_reply_to.as_ref().map(|id| row("in-reply-to", &[id])));
    rows.extend(draft.references.iter().map(|id| row("reference", &[id])));
    rows.extend(draft.replaces.as_ref().map(|id| row("replaces", &[id])));
    rows.extend(draft.choice.as_ref().map(|choice| {
        let (stopped, all) = (Typed::of(&choice.stopped), Typed::of(&choice.all));
        row("choice", &[&stopped.to, &stopped.cc, &stopped.bcc, &all.to, &all.cc, &all.bcc])
    }));
    rows.extend(draft.without_guarantee_for.iter().map(|email| row("without-guarantee-for", &[email])));
    rows.extend(draft.bound.iter().map(|email| row("bound", &[email])));
    rows.extend(draft.end_to_end.then(|| row("end-to-end", &[])));
    rows.extend(draft.demand_authenticated.then(|| row("demand-authenticated", &[])));
    serde_json::to_string(&rows).unwrap_or_default()
}

/// What the storage holds of a draft's files.
pub(crate) fn files_to_json(files: &[Attachment]) -> String {
    let file = |file: &Attachment| {
        let place = if file.inline { "inline" } else { "beside" };
        let id = file.content_id.as_deref().unwrap_or_default();
        row("file", &[&file.name, &file.content_type, place, id, &STANDARD.encode(&file.bytes)])
    };
    serde_json::to_string(&files.iter().map(file).collect::<Vec<_>>()).unwrap_or_default()
}

/// The draft of these entries; `None` when they are no draft of this version's.
pub(crate) fn from_json(number: u32, json: &str, files: Option<&str>) -> Option<Kept> {
    let rows: Vec<Row> = serde_json::from_str(json).ok()?;
    let files: Vec<Row> = files.and_then(|files| serde_json::from_str(files).ok()).unwrap_or_default();
    let (mut origin, mut edited) = (None, false);
    let (mut typed, mut draft) = (Typed::default(), Draft::default());
    for row in rows.into_iter().chain(files) {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        match row.as_slice() {
            ["new"] => origin = Some(Origin::New),
            ["answer", message] => origin = Some(Origin::Answer((*message).to_owned())),
            ["reopened"] => origin = Some(Origin::Reopened),
            ["edited"] => edited = true,
            ["typed", to, cc, bcc] => typed = fields(to, cc, bcc),
            _ => read_row(&row, &mut draft),
        }
    }
    draft.recipients = typed.read();
    Some(Kept { number, origin: origin?, edited, typed, draft })
}

fn read_row(row: &[&str], draft: &mut Draft) {
    match *row {
        ["from", from] => draft.from = recipients::parse(from).addresses.pop(),
        ["reply-to", to] => draft.reply_to = recipients::parse(to).addresses,
        ["subject", subject] => subject.clone_into(&mut draft.subject),
        ["text", text] => text.clone_into(&mut draft.text),
        ["html", html] => draft.html = Some(html.to_owned()),
        ["in-reply-to", id] => draft.in_reply_to = Some(id.to_owned()),
        ["reference", id] => draft.references.push(id.to_owned()),
        ["replaces", id] => draft.replaces = Some(id.to_owned()),
        ["choice", to, cc, bcc, all_to, all_cc, all_bcc] => {
            let (stopped, all) = (fields(to, cc, bcc).read(), fields(all_to, all_cc, all_bcc).read());
            draft.choice = Some(Choice { stopped, all });
        }
        ["without-guarantee-for", email] => draft.without_guarantee_for.push(email.to_owned()),
        ["bound", email] => draft.bound.push(email.to_owned()),
        ["end-to-end"] => draft.end_to_end = true,
        ["demand-authenticated"] => draft.demand_authenticated = true,
        ["file", name, content_type, place, id, base64] => {
            draft.attachments.extend(STANDARD.decode(base64).ok().map(|bytes| Attachment {
                name: name.to_owned(),
                content_type: content_type.to_owned(),
                content_id: (!id.is_empty()).then(|| id.to_owned()),
                inline: place == "inline",
                bytes,
            }));
        }
        _ => {}
    }
}

fn fields(to: &str, cc: &str, bcc: &str) -> Typed {
    Typed { to: to.to_owned(), cc: cc.to_owned(), bcc: bcc.to_owned() }
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
    use plugin::{Address, Recipients};

    use super::*;

    #[test]
    fn a_draft_survives_the_storage() {
        let recipients = Recipients { to: vec![Address::bare("a@x.example")], ..Recipients::default() };
        let file = |inline: bool| Attachment {
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
            bound: vec!["b@x.example".into()],
            end_to_end: true,
            demand_authenticated: true,
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
        assert!(from_json(1, "[]", None).is_none());
        assert!(from_json(1, r#"[["subject","a"]]"#, None).is_none());
        let json = to_json(&Origin::New, false, &Typed::default(), &Draft::default());
        assert!(from_json(1, &json, Some("nonsense")).is_some_and(|kept| kept.draft.attachments.is_empty()));
    }
}
