//! Reports in words: what qmail, older Exim and Exchange, gateways and webmail providers write instead of, or before,
//! a machine-readable part.
//!
//! There is no list of systems here. All of them put the addresses that failed on lines of their own, or behind a
//! label, or in a sentence that says so; and all of them mark where the returned message begins.

mod words;

use std::collections::HashSet;

use crate::{
    address::{self, Found},
    fields::one_line,
    reading::{Action, Diagnostic, Recipient},
    signs::{Signs, Title, Weight},
    status::{Recipients, status_in},
    tls::{self, Speaker},
};
use words::{
    ADDRESSED, ANNOUNCED, ANNOUNCES, DECORATED, DELAY, FAILURE, GREETINGS, LABELS, NOT_DECORATED,
    NOT_THE_RECIPIENT, TROUBLE,
};

/// Bytes before and after an address that decide what it is.
const MAX_CONTEXT: usize = 240;
/// Lines and characters of one recipient's reason.
const MAX_REASON_LINES: usize = 24;
const MAX_REASON: usize = 2_000;

/// What the report's text says.
#[derive(Default)]
pub(crate) struct Prose<'x> {
    pub(crate) recipients: Vec<Recipient>,
    /// How sure they are.
    pub(crate) standing: Option<Standing>,
    /// They stand where only reports have addresses: behind words that announce a recipient, or in a transcript.
    pub(crate) announced: bool,
    /// One stands in the transcript of a session.
    pub(crate) transcript: bool,
    /// The fields of a report part that stand in the text.
    pub(crate) status: Option<&'x str>,
    /// How much the text speaks for a report.
    pub(crate) tone: Tone,
    /// The text begins with the trouble, as reports do and people's letters do not.
    pub(crate) opens_as_report: bool,
    /// The text from where the returned message begins.
    pub(crate) pasted: &'x str,
    /// Addresses only named as those the message was written to.
    pub(crate) written_to: Vec<String>,
}

/// What the text speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// Nothing of the kind.
    #[default]
    Quiet,
    /// Some trouble.
    Trouble,
    /// Without doubt that something was not delivered.
    Failure,
}

/// How sure an address is the one that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Named as somebody else: the sender, or whom to ask for help.
    Other,
    /// `To:` of the message, quoted in the report
    WrittenTo,
    /// Somewhere in the report.
    Mentioned,
    /// In a paragraph that speaks of trouble.
    Sentence,
    /// Right behind words that make it the recipient's.
    Addressed,
    /// In the transcript of a session: the command, or the reply to it.
    Transcript,
    /// On a line of its own, or behind a label.
    Alone,
}

impl Prose<'_> {
    /// Whether text and header together make a report; `returns` a message, or says where one begins.
    pub(crate) fn is_report(&self, header: Weight, returns: bool) -> bool {
        let failure = self.tone == Tone::Failure;
        let names_nobody = self.standing.is_none();
        match header {
            Weight::None => false,
            Weight::Transcript => failure && self.transcript,
            Weight::Weak => failure && (self.announced || names_nobody) && self.opens_as_report,
            Weight::Strong if names_nobody => failure,
            Weight::Strong => self.tone > Tone::Quiet && (self.announced || returns),
            Weight::Certain => self.tone > Tone::Quiet,
            Weight::Declared => true,
        }
    }
}

struct Candidate<'x> {
    address: &'x str,
    standing: Standing,
    announced: bool,
    line: usize,
    start: usize,
    end: usize,
}

/// Reads the readable text of a report.
pub(crate) fn read<'x>(text: &'x str, signs: &Signs) -> Prose<'x> {
    let (report, pasted) = text.split_at(returned_message(text));
    let lower = report.to_ascii_lowercase();
    let lines = Lines::of(report, &lower);
    let candidates = candidates(&lines, signs);
    let tone = tone(&lower, signs, &candidates, &lines);
    let best = candidates.iter().map(|c| c.standing).max().filter(|best| *best > Standing::WrittenTo);
    let chosen: Vec<&Candidate<'_>> = candidates.iter().filter(|c| Some(c.standing) == best).collect();
    let action =
        if signs.title == Title::Delay || is_delay(&lower) { Action::Delayed } else { Action::Failed };
    let mut recipients = Recipients::default();
    for (index, candidate) in chosen.iter().enumerate() {
        if !recipients.has(candidate.address) {
            recipients.add(recipient(candidate, chosen.get(index + 1).copied(), &lines, action));
        }
    }
    if recipients.list.is_empty() {
        lines
            .unqualified(signs)
            .into_iter()
            .for_each(|address| recipients.add(Recipient::only(address, action)));
    }
    let written_to = candidates
        .iter()
        .filter(|c| c.standing == Standing::WrittenTo && !signs.is_sender(c.address))
        .map(|c| c.address.to_owned())
        .collect();
    Prose {
        recipients: recipients.list,
        announced: chosen.iter().any(|c| c.announced),
        standing: best,
        transcript: candidates.iter().any(|c| c.standing == Standing::Transcript),
        status: status_fields(report),
        opens_as_report: signs.null_path || lines.open_as_report(),
        tone,
        pasted,
        written_to,
    }
}

/// At most `length` bytes of `text`, whole characters.
fn head(text: &str, length: usize) -> &str {
    let mut end = text.len().min(length);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// At most the last `length` bytes of `text`, whole characters.
fn tail(text: &str, length: usize) -> &str {
    let mut start = text.len().saturating_sub(length);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn tone(lower: &str, signs: &Signs, candidates: &[Candidate<'_>], lines: &Lines<'_>) -> Tone {
    let listed =
        || candidates.iter().any(|c| c.standing == Standing::Alone && is_qmail_form(lines.text[c.line]));
    if FAILURE.iter().any(|word| lower.contains(word)) || (signs.by_system() && (signs.titled() || listed()))
    {
        Tone::Failure
    } else if TROUBLE.iter().any(|word| lower.contains(word)) {
        Tone::Trouble
    } else {
        Tone::Quiet
    }
}

/// `<user@host>:` and nothing else: a report's form in whatever language the text around it is.
fn is_qmail_form(line: &str) -> bool {
    line.starts_with('<') && line.trim_end().ends_with(">:")
}

fn is_delay(lower: &str) -> bool {
    DELAY.iter().any(|words| lower.contains(words))
}

/// The lines of a report, and the same in lower case.
struct Lines<'x> {
    text: Vec<&'x str>,
    lower: Vec<&'x str>,
}

impl<'x> Lines<'x> {
    fn of(text: &'x str, lower: &'x str) -> Self {
        Self { text: text.lines().collect(), lower: lower.lines().collect() }
    }

    fn is_blank(&self, line: usize) -> bool {
        self.text.get(line).is_none_or(|text| text.trim().is_empty())
    }

    /// Whether the paragraph around `line` (at most three lines each way) has one of `words`.
    fn paragraph_has(&self, line: usize, words: &[&str]) -> bool {
        let first =
            (line.saturating_sub(3)..line).rev().take_while(|l| !self.is_blank(*l)).last().unwrap_or(line);
        let last = (line + 1..line + 4).take_while(|l| !self.is_blank(*l)).last().unwrap_or(line);
        self.lower[first..=last].iter().any(|text| words.iter().any(|word| text.contains(word)))
    }

    /// The last line before `line` that is not empty, without the signs at its end.
    fn before(&self, line: usize) -> &'x str {
        let before = self.lower[..line].iter().rev().take(4).find(|text| !text.trim().is_empty());
        before.map_or("", |text| tail(text, MAX_CONTEXT).trim_end_matches(|c: char| !c.is_alphanumeric()))
    }

    /// Whether the first paragraph, after lines that are drawn, speaks of trouble without greeting or asking anybody.
    fn open_as_report(&self) -> bool {
        let drawn = |text: &str| !text.trim().starts_with(|c: char| c.is_alphanumeric() || c == '<');
        let Some(first) = self.lower.iter().position(|text| !text.trim().is_empty() && !drawn(text)) else {
            return true;
        };
        let line = self.lower[first].trim_start();
        let greets = GREETINGS
            .iter()
            .filter_map(|word| line.strip_prefix(word))
            .any(|rest| !rest.starts_with(char::is_alphanumeric));
        let paragraph = || self.lower[first..].iter().take(12).take_while(|text| !text.trim().is_empty());
        !greets
            && !paragraph().any(|text| text.contains('?'))
            && paragraph().any(|text| TROUBLE.iter().any(|word| text.contains(word)))
    }

    /// Whether the line before `line` that is neither empty nor an address itself announces recipients.
    fn is_announced(&self, line: usize) -> bool {
        let before = self.lower[..line]
            .iter()
            .rev()
            .take(40)
            .find(|text| !text.trim().is_empty() && !text.contains('@'));
        before.is_some_and(|text| ANNOUNCES.iter().any(|word| tail(text, MAX_CONTEXT).contains(word)))
    }

    /// Local parts that stand alone below a line that announces recipients: of the domain the report comes from.
    fn unqualified(&self, signs: &Signs) -> Vec<String> {
        let Some(domain) = &signs.from_domain else { return Vec::new() };
        let word = |line: usize| {
            let word = self.text.get(line)?.trim();
            let local = !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
            local.then_some(word)
        };
        let announces = |lower: &str| {
            lower.trim_end().ends_with(':')
                && (lower.contains("recipient")
                    || lower.contains("address")
                    || lower.contains("accepting mail"))
        };
        let first =
            self.lower.iter().position(|lower| announces(lower)).map_or(self.text.len(), |line| line + 1);
        (first..self.text.len()).map_while(word).map(|local| format!("{local}@{domain}")).collect()
    }
}

/// The fields of a report part that a system or a broken gateway put into the text.
fn status_fields(report: &str) -> Option<&str> {
    let starts = |line: &str, names: &[&str]| {
        names.iter().any(|name| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
    };
    let mut start = None;
    let mut recipient = false;
    let mut at = 0;
    for line in report.split_inclusive('\n') {
        let names = starts(line, &["final-recipient:", "original-recipient:"]);
        if start.is_none() && (names || starts(line, &["reporting-mta:", "action:"])) {
            start = Some(at);
        } else if recipient && line.trim_start().starts_with("--") {
            break;
        }
        recipient |= names;
        at += line.len();
    }
    start.filter(|_| recipient).map(|start| &report[start..at])
}

/// Where the returned message begins in the text of a report; its length if it does not.
fn returned_message(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if begins_returned(line.trim_end()) {
            return at;
        }
        at += line.len();
    }
    at
}

fn begins_returned(line: &str) -> bool {
    let starts = |words: &str| line.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words));
    if starts("received: from ")
        || starts("received:from ")
        || starts("received: by ")
        || starts("return-path: <")
    {
        return true;
    }
    let words = line.trim_matches(|c: char| !c.is_alphanumeric());
    if words.len() < 8 || words.len() > 120 {
        return false;
    }
    let decorated = line.trim_start().starts_with(['-', '*', '=', '_', '+', '|', '#']);
    let words = words.to_ascii_lowercase();
    let contains = |list: &[&str]| list.iter().any(|w| words.contains(w));
    (decorated && contains(DECORATED) && !contains(NOT_DECORATED))
        || ANNOUNCED.iter().any(|announcement| words.starts_with(announcement))
        || words == "original message"
}

fn candidates<'x>(lines: &Lines<'x>, signs: &Signs) -> Vec<Candidate<'x>> {
    let mut candidates = Vec::new();
    for (index, line) in lines.text.iter().enumerate() {
        let mut trouble = None;
        // lines quoted as in an answer are not the report's own
        if line.starts_with("> ") {
            continue;
        }
        for found in address::in_text(line) {
            let mut trouble = || *trouble.get_or_insert_with(|| lines.paragraph_has(index, TROUBLE));
            if let Some(standing) = standing(lines, index, found, signs, &mut trouble) {
                let listed = standing == Standing::Alone && line[..found.start].trim().len() < 4;
                let announced = !listed || is_qmail_form(line) || lines.is_announced(index);
                candidates.push(Candidate {
                    announced: standing > Standing::Sentence && announced,
                    address: found.address,
                    standing,
                    line: index,
                    start: found.start,
                    end: found.end,
                });
            }
        }
    }
    // whoever was named as somebody to ask is not meant by a mere mention either
    let others: HashSet<&str> =
        candidates.iter().filter(|c| c.standing == Standing::Other).map(|c| c.address).collect();
    candidates.retain(|c| c.standing > Standing::Sentence || !others.contains(c.address));
    candidates
}

/// What `found` is in its line; nothing if it is not a recipient at all.
fn standing(
    lines: &Lines<'_>,
    index: usize,
    found: Found<'_>,
    signs: &Signs,
    trouble: &mut dyn FnMut() -> bool,
) -> Option<Standing> {
    let (line, lower) = (lines.text[index], lines.lower[index]);
    let before =
        tail(&lower[..found.start], MAX_CONTEXT).trim_end_matches(['<', '"', '\'', '(', '[', ' ', '\t']);
    let label = before
        .trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ')' | char::REPLACEMENT_CHARACTER));
    let after = head(&line[found.end..], MAX_CONTEXT).trim_start_matches(['>', '"', '\'', ')']);
    let denied = |text: &str| NOT_THE_RECIPIENT.iter().any(|word| ends_with_word(text, word));
    // `alias@host <user@host>`: the one in brackets is the address
    let display = address::in_text(label)
        .next()
        .is_some_and(|first| first.end == label.len() && line[..found.start].ends_with('<'));
    if label.is_empty() || display {
        if stands_alone(after) && !denied(lines.before(index)) {
            return Some(Standing::Alone);
        }
    } else if ends_with_word(label, "generated from") || ends_with_word(label, "expanded from") {
        return Some(Standing::Mentioned);
    } else if denied(label) {
        return Some(Standing::Other);
    } else {
        let separated = before.ends_with([':', '=']);
        if separated && label == "to" {
            return Some(Standing::WrittenTo);
        }
        if ends_with_word(label, "rcpt to") || is_reply(before) && !signs.is_sender(found.address) {
            return Some(Standing::Transcript);
        }
        if separated && LABELS.iter().any(|word| ends_with_word(label, word)) {
            return Some(Standing::Alone);
        }
    }
    if signs.is_sender(found.address) {
        return None;
    }
    Some(if ADDRESSED.iter().any(|word| ends_with_word(label, word)) {
        Standing::Addressed
    } else if trouble() {
        Standing::Sentence
    } else {
        Standing::Mentioned
    })
}

/// Whether `before` is the code of a reply (RFC 5321 §4.2), with or without an enhanced one, and nothing else.
fn is_reply(before: &str) -> bool {
    let mut words = before.split_whitespace();
    let code = words.next().is_some_and(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()));
    code && words.all(|word| status_in(word).is_some())
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Whether what follows an address at the front of a line leaves it standing for itself.
fn stands_alone(after: &str) -> bool {
    let trimmed = after.trim_start();
    let next = address::in_text(trimmed).next().filter(|next| trimmed.starts_with('<') && next.start == 1);
    next.is_none()
        && (trimmed.is_empty()
            || trimmed.starts_with([':', '(', '[', ';', '-'])
            || trimmed.starts_with("...")
            || trimmed.starts_with("<mailto:")
            || (trimmed.starts_with("on ") && trimmed.contains(','))
            || after.len() > trimmed.len() + 1)
}

/// The recipient of a candidate, with what the text says up to the `next` one.
fn recipient(
    candidate: &Candidate<'_>,
    next: Option<&Candidate<'_>>,
    lines: &Lines<'_>,
    action: Action,
) -> Recipient {
    let same_line = next.filter(|next| next.line == candidate.line);
    let line = lines.text[candidate.line];
    let rest = &line[candidate.end..same_line.map_or(line.len(), |next| next.start.max(candidate.end))];
    let until = next.map_or(lines.text.len(), |next| next.line).max(candidate.line + 1);
    let mut reason =
        head(rest, MAX_REASON).trim_start_matches(['>', '"', '\'', ')', ':', ';', ' ']).to_owned();
    let mut original = None;
    for line in lines.text[candidate.line + 1..until].iter().take(MAX_REASON_LINES) {
        if reason.len() > MAX_REASON || (line.trim().is_empty() && !reason.trim().is_empty()) {
            break;
        }
        if line.contains("generated from") || line.contains("expanded from") {
            original = address::in_text(line).next().map(|found| found.address.to_owned());
        } else {
            reason.push(' ');
            reason.push_str(head(line, MAX_REASON));
        }
    }
    let text = head(&one_line(&reason), MAX_REASON).to_owned();
    let status = status_in(&text);
    let tls = tls::cause(Speaker::Unknown, status.as_deref(), &text);
    let diagnostic = (!text.is_empty()).then_some(Diagnostic { kind: None, text });
    Recipient { original, status, diagnostic, tls, ..Recipient::only(candidate.address.to_owned(), action) }
}
