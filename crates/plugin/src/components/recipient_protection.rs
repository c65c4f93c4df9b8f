use std::cell::RefCell;
use std::collections::HashSet;

use api::Check;
use jiff::Timestamp;
use leptos::prelude::*;
use web_sys::Element;

use super::parts::{cause, hint, warning};
use crate::Composing;
use crate::browser;
use crate::composing::Shown;
use crate::draft::same_mailbox;
use crate::el::{El, classed, effect, el, live, nothing};
use crate::state::notice;
use crate::state::panel::Panel;
use crate::state::protection::{self, Mark, Word};
use crate::words::{list, locale, plural, w};

/// A field of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `To`.
    To,
    /// `Cc`.
    Cc,
    /// `Bcc`.
    Bcc,
}

impl Field {
    /// Its place in [`Composing::shown`], and the list's id.
    fn place(self) -> (usize, &'static str) {
        match self {
            Self::To => (0, "tlsg-to"),
            Self::Cc => (1, "tlsg-cc"),
            Self::Bcc => (2, "tlsg-bcc"),
        }
    }
}

/// The protection of one field's recipients, below it: a mark, the address and a word for each, and the reasons behind
/// one button for all of them, so that nobody has to tab past each recipient.
#[component]
pub fn RecipientProtection(
    /// The composer.
    composing: Composing,
    /// Which field.
    field: Field,
) -> impl IntoView {
    let (place, id) = field.place();
    let shown = Memo::new(move |_| composing.shown.with(|shown| shown[place].clone()));
    let is_empty = Memo::new(move |_| shown.with(Vec::is_empty));
    let mut chips = Vec::new();
    effect(move || {
        shown.with(|shown| {
            if let Some(list) = document().get_element_by_id(id) {
                keep_chips(&list, &mut chips, shown);
            }
        });
    });
    let open = RwSignal::new(false);
    let reasons = live(move || match open.get() {
        true => shown.with(|shown| reasons(composing, shown)).into(),
        false => nothing(),
    });
    // Whoever points at a recipient wants to know more; at a keyboard it is the button.
    let list = classed("ul", "chips").attr("id", id).press(move || open.set(true));
    let button = classed("button", "btn quiet why")
        .attr("type", "button")
        .live_attr("aria-expanded", move || Some(open.get().to_string()))
        .press(move || open.update(|open| *open = !*open))
        .text(w!(why));
    let protection = classed("div", "protection").hidden(move || is_empty.get()).child(list).child(button);
    AnyView::from(protection.view(reasons))
}

/// What makes a chip: its parts are there, its words are put in as text.
const CHIP: &str = "<svg class=\"i\" aria-hidden=\"true\"><use/></svg><span class=\"addr\"></span> <span class=\"state\"></span>";

/// What stands in the list.
struct Chip {
    email: String,
    word: Word,
    item: Element,
}

/// Brings the list up to date. Only what has changed is touched: with a hundred recipients nothing else is quick enough.
fn keep_chips(list: &Element, chips: &mut Vec<Chip>, shown: &[(String, Word)]) {
    let wanted: HashSet<&str> = shown.iter().map(|(email, _)| email.as_str()).collect();
    chips.retain(|chip| {
        let stays = wanted.contains(chip.email.as_str());
        if !stays {
            chip.item.remove();
        }
        stays
    });
    for (at, (email, word)) in shown.iter().enumerate() {
        match chips.get_mut(at).filter(|chip| chip.email == *email) {
            Some(chip) if chip.word == *word => {}
            Some(chip) => {
                chip.word = *word;
                paint(&chip.item, *word);
            }
            None => {
                let Some(item) = new_chip(email) else { return };
                paint(&item, *word);
                let next = chips.get(at).map(|next| &*next.item);
                let _ = list.insert_before(&item, next);
                chips.insert(at, Chip { email: email.clone(), word: *word, item });
            }
        }
    }
    chips.drain(shown.len()..).for_each(|chip| chip.item.remove());
}

fn paint(item: &Element, word: Word) {
    let (class, icon) = look(word);
    let _ = item.set_attribute("class", class);
    if let Some(mark) = part(item, "use") {
        let _ = mark.set_attribute("href", &format!("#i-{icon}"));
    }
    say(item, ".state", &in_words(word));
}

fn new_chip(email: &str) -> Option<Element> {
    let chip = document().create_element("li").ok()?;
    chip.set_inner_html(CHIP);
    say(&chip, ".addr", email);
    Some(chip)
}

fn part(chip: &Element, selector: &str) -> Option<Element> {
    chip.query_selector(selector).ok()?
}

fn say(chip: &Element, selector: &str, text: &str) {
    if let Some(part) = part(chip, selector) {
        part.set_text_content(Some(text));
    }
}

/// A chip's class and icon.
pub(super) fn look(word: Word) -> (&'static str, &'static str) {
    let class = match word.mark() {
        Mark::Good => "chip ok",
        Mark::Bad => "chip none",
        Mark::Open => "chip wait",
    };
    let icon = match word {
        Word::Here => "check",
        Word::Dane => "shield",
        Word::Authenticated(_) | Word::Promised => "lockcheck",
        Word::Encrypted(_) | Word::Unproven(_) => "lock",
        Word::None | Word::Exception => "open",
        Word::Mismatch | Word::NoMail => "stop",
        Word::Waits => "clock",
        Word::Unknown | Word::Invalid => "ask",
    };
    (class, icon)
}

pub(super) fn in_words(word: Word) -> String {
    let word = match word {
        Word::Encrypted(seen) => return w!(known_encrypted, time = time(seen)),
        Word::Unproven(seen) => return w!(known_unproven, time = time(seen)),
        Word::Authenticated(seen) => return w!(known_authenticated, time = time(seen)),
        Word::Here => w!(known_here),
        Word::Exception => w!(known_exception),
        Word::None => w!(known_none),
        Word::Promised => w!(known_promised),
        Word::Dane => w!(known_dane),
        Word::Mismatch => w!(known_mismatch),
        Word::Waits => w!(known_waits),
        Word::NoMail => w!(known_no_mail),
        Word::Unknown => w!(known_unknown),
        Word::Invalid => w!(known_invalid),
    };
    word.to_owned()
}

thread_local! {
    /// The time that was written last, in milliseconds, and how.
    static LAST: RefCell<(i64, String)> = const { RefCell::new((0, String::new())) };
}

/// Many recipients were seen in the same moment, and the browser takes long to write a time.
fn time(seen: Option<Timestamp>) -> String {
    let Some(seen) = seen else { return w!(known_now).to_owned() };
    LAST.with_borrow_mut(|(last, text)| {
        if text.is_empty() || *last / 60_000 != seen.as_millisecond() / 60_000 {
            (*last, *text) = (seen.as_millisecond(), browser::clock(seen, locale()));
        }
        text.clone()
    })
}

/// Why each of them is shown so, with the server's own words for those who want them.
fn reasons(composing: Composing, shown: &[(String, Word)]) -> El {
    let now = browser::now().as_millisecond();
    composing.plugin.protections.with(|known| {
        let row = |(email, word): &(String, Word)| {
            let check = known.of(email, now);
            let mut row =
                el("li").child(classed("strong", "addr").text(email)).text(": ").text(reason(*word, check));
            if let Some(check) = check.filter(|check| !check.reason.is_empty()) {
                row =
                    row.text(" ").child(classed("span", "technical").attr("lang", "en").text(&check.reason));
            }
            row
        };
        classed("ul", "reasons small").children(shown.iter().map(row))
    })
}

pub(super) fn reason(word: Word, check: Option<&Check>) -> String {
    let text = match word {
        Word::Here => w!(why_here),
        Word::Exception => w!(why_exception),
        Word::None | Word::Mismatch => {
            let word = check.and_then(protection::cause);
            return format!("{}.", cause(word.unwrap_or(crate::state::cause::CauseWord::Unknown)));
        }
        Word::Encrypted(_) => w!(why_encrypted),
        Word::Unproven(_) => w!(why_unproven),
        Word::Authenticated(_) => w!(why_authenticated),
        Word::Promised => w!(why_promised),
        Word::Dane => w!(why_dane),
        Word::Waits => w!(why_waits),
        Word::NoMail => w!(reason_unknown_domain),
        Word::Unknown => w!(why_unknown),
        Word::Invalid => w!(why_invalid),
    };
    text.to_owned()
}

/// Once in a composer, after the last field: what the protection of the recipients comes to, and the choice to send this
/// message to servers only that prove who they are. The one place that a screen reader hears of changes.
#[component]
pub fn ProtectionNotes(
    /// The composer.
    composing: Composing,
) -> impl IntoView {
    // What is said of a reopened message already is not said twice.
    let told = Memo::new(move |_| {
        let draft = composing.draft;
        draft.with(|draft| [draft.overridden(), notice::stopped(draft), notice::bound(draft)].concat())
    });
    let demand = Memo::new(move |_| composing.demand());
    let notes = Memo::new(move |_| {
        composing
            .shown
            .with(|shown| told.with(|told| notes(shown, told, composing.panel.get(), demand.get())))
    });
    let said = live(move || {
        let lines = notes.get().into_iter().map(|note| match note {
            Note::Heed(text) => warning("open", &text, false),
            Note::Know(text) => hint("shield", text),
        });
        lines.map(AnyView::from).collect::<Vec<_>>().into_any()
    });
    let said = classed("div", "line notes-line").attr("role", "status").view(said);
    vec![AnyView::from(said), only_proven(composing).into()].into_any()
}

#[derive(Clone, PartialEq)]
enum Note {
    Heed(String),
    Know(&'static str),
}

fn notes(shown: &[Shown; 3], told: &[String], panel: Panel, demand: bool) -> Vec<Note> {
    let (mut in_clear, mut unproven, mut bound, mut seen) = (Vec::new(), Vec::new(), Vec::new(), false);
    for (email, word) in shown.iter().flatten() {
        seen |= word.is_only_seen() && word.mark() == Mark::Good;
        let list = match word {
            Word::None => &mut in_clear,
            Word::Unproven(_) => &mut unproven,
            Word::Mismatch => &mut bound,
            _ => continue,
        };
        if !told.iter().any(|other| same_mailbox(other, email)) {
            list.push(email.clone());
        }
    }
    let mut notes = Vec::new();
    let mut heed = |emails: &[String], text: fn(String) -> String| {
        if !emails.is_empty() {
            notes.push(Note::Heed(text(few(emails))));
        }
    };
    match panel {
        Panel::On => heed(&in_clear, |whom| w!(protect_not_sent, recipients = whom)),
        _ if demand => heed(&in_clear, |whom| w!(protect_unproven, recipients = whom)),
        Panel::Off | Panel::Paused(_) => heed(&in_clear, |whom| w!(protect_in_clear, recipients = whom)),
        Panel::Waiting | Panel::Unknown => {}
    }
    if panel == Panel::On || demand {
        heed(&unproven, |whom| w!(protect_unproven, recipients = whom));
    }
    heed(&bound, |whom| w!(protect_bound, recipients = whom));
    match panel {
        Panel::On if seen => notes.push(Note::Know(w!(protect_enforced))),
        Panel::Off | Panel::Paused(_) if seen => notes.push(Note::Know(w!(protect_no_promise))),
        _ => {}
    }
    notes
}

/// Some of them by name.
fn few(emails: &[String]) -> String {
    match emails.get(..4) {
        Some(first) if emails.len() > 5 => {
            let count = emails.len() as u32 - 4;
            let more = plural(&w!(recipients_more, count = count), count);
            list(&[first, &[more]].concat())
        }
        _ => list(emails),
    }
}

fn only_proven(composing: Composing) -> El {
    let draft = composing.draft;
    let choose = move |_| {
        draft.update(|draft| {
            draft.demand_authenticated = !draft.demand_authenticated;
            // The one decision takes the other back.
            draft.without_guarantee_for.clear();
        });
    };
    let checkbox = el("input")
        .attr("type", "checkbox")
        .attr("aria-describedby", "tlsg-only-proven")
        .checked(move || composing.demand())
        .on("change", choose);
    let more = el("details")
        .child(el("summary").text(w!(details)))
        .child(classed("p", "small").text(w!(only_proven_details)));
    classed("div", "line demand")
        .child(classed("label", "choice").child(checkbox).text(w!(only_proven)))
        .child(classed("p", "small").attr("id", "tlsg-only-proven").text(w!(only_proven_text)))
        .child(more)
}
