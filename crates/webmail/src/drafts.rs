//! The drafts of an account that have not been sent: leaving the composer keeps them and asks nothing.

use plugin::state::recipients;
use plugin::{Draft, Recipients};

/// What a draft began as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// "Compose".
    New,
    /// An answer to, or forward of, the message that the text names.
    Answer(String),
    /// Handed over by the plugin: a sent message opened as new.
    Reopened,
}

/// The fields of recipients as typed: what is half written must not be lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    pub(crate) to: String,
    pub(crate) cc: String,
    pub(crate) bcc: String,
}

impl Typed {
    /// The fields for these recipients.
    pub(crate) fn of(people: &Recipients) -> Self {
        Self {
            to: recipients::show(&people.to),
            cc: recipients::show(&people.cc),
            bcc: recipients::show(&people.bcc),
        }
    }

    /// Whom the fields name, as far as they can be read.
    pub(crate) fn read(&self) -> Recipients {
        let read = |field: &str| recipients::parse(field).addresses;
        Recipients { to: read(&self.to), cc: read(&self.cc), bcc: read(&self.bcc) }
    }
}

/// A draft.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) number: u32,
    pub(crate) origin: Origin,
    /// Whether a person has worked on it; what nobody has touched can be made again.
    pub(crate) edited: bool,
    pub(crate) typed: Typed,
    pub(crate) draft: Draft,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drafts {
    kept: Vec<Kept>,
}

impl Drafts {
    /// Those found in the browser's storage.
    pub(crate) fn of(kept: Vec<Kept>) -> Self {
        Self { kept }
    }

    /// The draft of that number.
    pub(crate) fn get(&self, number: u32) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.number == number)
    }

    /// Takes over a draft as it is now.
    pub(crate) fn put(&mut self, kept: Kept) {
        match self.kept.iter_mut().find(|known| known.number == kept.number) {
            Some(known) => *known = kept,
            None => self.kept.push(kept),
        }
    }

    /// The newest draft to go on with instead of a new one. A reopened message is never that: whoever
    /// reopens it again has perhaps chosen another way.
    pub(crate) fn resumable(&self, origin: &Origin) -> Option<u32> {
        let same = |kept: &&Kept| kept.origin == *origin && kept.edited && kept.origin != Origin::Reopened;
        self.kept.iter().filter(same).map(|kept| kept.number).max()
    }

    /// Adds a draft, numbered `wanted` or the next free number; drops those that nobody has worked on,
    /// and says which.
    pub(crate) fn open(&mut self, origin: Origin, draft: Draft, wanted: u32) -> (Kept, Vec<u32>) {
        let untouched = self.kept.iter().filter(|kept| !kept.edited).map(|kept| kept.number).collect();
        self.kept.retain(|kept| kept.edited);
        let number =
            self.kept.iter().map(|kept| kept.number.saturating_add(1)).max().unwrap_or(0).max(wanted);
        let typed = Typed::of(&draft.recipients);
        let kept = Kept { number, origin, edited: false, typed, draft };
        self.kept.push(kept.clone());
        (kept, untouched)
    }

    /// Sent or thrown away.
    pub(crate) fn remove(&mut self, number: u32) {
        self.kept.retain(|kept| kept.number != number);
    }

    /// The drafts beside this one that somebody has worked on, newest first: number and subject.
    pub(crate) fn others(&self, number: u32) -> Vec<(u32, String)> {
        let mut others: Vec<(u32, String)> = Vec::new();
        for kept in self.kept.iter().filter(|kept| kept.edited && kept.number != number) {
            let at = others.partition_point(|(number, _)| *number > kept.number);
            others.insert(at, (kept.number, kept.draft.subject.trim().to_owned()));
        }
        others
    }

    /// How many there are that somebody has worked on.
    pub(crate) fn edited(&self) -> usize {
        self.kept.iter().filter(|kept| kept.edited).count()
    }
}

#[cfg(test)]
mod tests {
    use plugin::Address;

    use super::*;

    fn edit(drafts: &mut Drafts, number: u32, subject: &str) {
        let mut kept = drafts.get(number).expect("a draft").clone();
        kept.edited = true;
        subject.clone_into(&mut kept.draft.subject);
        drafts.put(kept);
    }

    fn open(drafts: &mut Drafts, origin: Origin) -> u32 {
        drafts.open(origin, Draft::default(), 7).0.number
    }

    #[test]
    fn compose_goes_on_with_what_was_begun() {
        let mut drafts = Drafts::default();
        let number = open(&mut drafts, Origin::New);
        assert_eq!(drafts.resumable(&Origin::New), None, "nobody has worked on it");
        edit(&mut drafts, number, "a");
        assert_eq!(drafts.resumable(&Origin::New), Some(number));
        assert_eq!(drafts.resumable(&Origin::Answer("reply inbox 1".into())), None);
        drafts.remove(number);
        assert_eq!(drafts.resumable(&Origin::New), None);
    }

    #[test]
    fn an_answer_is_gone_on_with_where_it_was_begun() {
        let mut drafts = Drafts::default();
        let one = Origin::Answer("reply inbox 1".into());
        let number = open(&mut drafts, one.clone());
        edit(&mut drafts, number, "Re: a");
        assert_eq!(drafts.resumable(&one), Some(number));
        assert_eq!(drafts.resumable(&Origin::Answer("reply inbox 2".into())), None);
        assert_eq!(drafts.resumable(&Origin::New), None);
    }

    #[test]
    fn a_reopened_message_is_always_opened_anew_and_no_work_is_lost() {
        let mut drafts = Drafts::default();
        let first = open(&mut drafts, Origin::Reopened);
        edit(&mut drafts, first, "a");
        assert_eq!(drafts.resumable(&Origin::Reopened), None);
        let second = open(&mut drafts, Origin::Reopened);
        assert_ne!(first, second);
        assert_eq!(drafts.others(second), [(first, "a".to_owned())]);
    }

    #[test]
    fn what_nobody_touched_makes_room() {
        let mut drafts = Drafts::default();
        let first = open(&mut drafts, Origin::Reopened);
        let (second, dropped) = drafts.open(Origin::New, Draft::default(), 7);
        assert_eq!(dropped, [first]);
        assert_eq!(second.number, 7);
        assert!(drafts.others(second.number).is_empty());
        assert_eq!(drafts.edited(), 0);
    }

    #[test]
    fn the_fields_show_the_drafts_recipients() {
        let recipients = Recipients {
            to: vec![Address::bare("a@x.example"), Address::bare("b@x.example")],
            cc: vec![Address { name: Some("C".into()), email: "c@x.example".into() }],
            bcc: vec![],
        };
        let draft = Draft { recipients, ..Draft::default() };
        let (kept, _) = Drafts::default().open(Origin::Reopened, draft, 1);
        assert_eq!(kept.typed.to, "a@x.example, b@x.example");
        assert_eq!(kept.typed.cc, "C <c@x.example>");
        assert_eq!(kept.typed.bcc, "");
    }
}
