//! The composer.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::{ComposerNotice, Field, ProtectionNotes, RecipientProtection};
use plugin::state::recipients;
use plugin::{Address, Attachment, Composing, Draft, Plugin, Recipients};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Event, FileList, HtmlInputElement, HtmlTextAreaElement};

use super::{files, plain_button};
use crate::drafts::{Kept, Origin, Typed};
use crate::el::{El, classed, effect, el, event_as, live, nothing, with_icon};
use crate::focus;
use crate::keep::{self, Shelf};
use crate::mail::Mail;
use crate::route::{Folder, Route};
use crate::sending::{self, Trouble};
use crate::when;
use crate::words::{size, w};

/// One of the fields for recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    To,
    Cc,
    Bcc,
}

impl Line {
    const ALL: [Self; 3] = [Self::To, Self::Cc, Self::Bcc];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::To => w!(to),
            Self::Cc => w!(cc),
            Self::Bcc => w!(bcc),
        }
    }

    fn field(self) -> Field {
        match self {
            Self::To => Field::To,
            Self::Cc => Field::Cc,
            Self::Bcc => Field::Bcc,
        }
    }

    fn of(self, recipients: &Recipients) -> &[Address] {
        match self {
            Self::To => &recipients.to,
            Self::Cc => &recipients.cc,
            Self::Bcc => &recipients.bcc,
        }
    }

    fn set(self, recipients: &mut Recipients, people: Vec<Address>) {
        match self {
            Self::To => recipients.to = people,
            Self::Cc => recipients.cc = people,
            Self::Bcc => recipients.bcc = people,
        }
    }
}

/// A draft being written.
#[derive(Clone, Copy)]
pub(crate) struct Composer {
    pub(crate) mail: Mail,
    pub(crate) plugin: Plugin,
    pub(crate) composing: Composing,
    pub(crate) number: u32,
    origin: StoredValue<Origin>,
    /// What the plugin and the sending know: always as the fields have it.
    pub(crate) draft: RwSignal<Draft>,
    to: RwSignal<String>,
    cc: RwSignal<String>,
    bcc: RwSignal<String>,
    edited: RwSignal<bool>,
    /// From pressing Send until something has come of it.
    pub(crate) pressed: StoredValue<bool>,
    pub(crate) busy: RwSignal<bool>,
    pub(crate) trouble: RwSignal<Option<Trouble>>,
    /// What is said beside the buttons.
    status: RwSignal<String>,
}

impl Composer {
    fn new(mail: Mail, kept: Kept) -> Self {
        let (plugin, draft) = (Plugin::of_context(), RwSignal::new(kept.draft));
        Self {
            mail,
            plugin,
            composing: plugin.composing(draft),
            number: kept.number,
            origin: StoredValue::new(kept.origin),
            to: RwSignal::new(kept.typed.to),
            cc: RwSignal::new(kept.typed.cc),
            bcc: RwSignal::new(kept.typed.bcc),
            draft,
            edited: RwSignal::new(kept.edited),
            pressed: StoredValue::new(false),
            busy: RwSignal::new(false),
            trouble: RwSignal::new(None),
            status: RwSignal::new(String::new()),
        }
    }

    fn field(self, line: Line) -> RwSignal<String> {
        match line {
            Line::To => self.to,
            Line::Cc => self.cc,
            Line::Bcc => self.bcc,
        }
    }

    /// The first thing in the fields that is no address.
    pub(crate) fn first_invalid(self) -> Option<(Line, String)> {
        Line::ALL.into_iter().find_map(|line| {
            let parsed = self.field(line).with_untracked(|field| recipients::parse(field));
            parsed.invalid.into_iter().next().map(|text| (line, text))
        })
    }

    /// What is wrong with a field, or with none of them.
    fn trouble_of(self, line: Option<Line>) -> Option<String> {
        let text = |trouble: &Trouble| trouble.text.clone();
        self.trouble.with(|trouble| trouble.as_ref().filter(|trouble| trouble.line == line).map(text))
    }

    fn typed(self) -> Typed {
        Typed { to: self.to.get_untracked(), cc: self.cc.get_untracked(), bcc: self.bcc.get_untracked() }
    }

    fn type_into(self, line: Line, text: String) {
        let addresses = recipients::parse(&text).addresses;
        let is_ended = text.trim_end().ends_with([',', ';']);
        self.field(line).set(text);
        self.draft.update(|draft| line.set(&mut draft.recipients, addresses));
        self.touch();
        if is_ended {
            self.composing.look_now();
        }
    }

    fn change(self, change: impl FnOnce(&mut Draft)) {
        self.draft.update(change);
        self.touch();
    }

    /// Somebody has changed something.
    fn touch(self) {
        self.edited.set(true);
        if self.trouble.with_untracked(Option::is_some) {
            self.trouble.set(None);
        }
    }

    /// Whatever changes the draft's recipients shows in the fields: the plugin's choice does.
    fn keep_fields_up_to_date(self) {
        for line in Line::ALL {
            let people = Memo::new(move |_| self.draft.with(|draft| line.of(&draft.recipients).to_vec()));
            effect(move || {
                let people = people.get();
                let field = self.field(line);
                let differs = field.with_untracked(|field| recipients::parse(field).addresses != people);
                if differs {
                    field.set(recipients::show(&people));
                }
            });
        }
    }

    /// Every change is put into the browser's storage; the page's memory gets it when the composer is left.
    fn keep(self) {
        Effect::new(move |before: Option<()>| {
            self.draft.track();
            for line in Line::ALL {
                self.field(line).track();
            }
            if before.is_some() {
                self.edited.set(true);
                let address = self.mail.address();
                let json = self.draft.with_untracked(|draft| {
                    self.origin.with_value(|origin| keep::to_json(origin, true, &self.typed(), draft))
                });
                if Shelf::of(&address).put(self.number, &json) {
                    self.status.set(w!(draft_saved, time = when::time(plugin::browser::now())));
                }
            }
        });
        on_cleanup(move || {
            self.mail.put_draft(Kept {
                number: self.number,
                origin: self.origin.get_value(),
                edited: self.edited.get_untracked(),
                typed: self.typed(),
                draft: self.draft.get_untracked(),
            });
        });
    }

    fn add_files(self, list: &FileList) {
        let chosen = files::listed(list);
        spawn_local(async move {
            let (files, unread) = files::read(chosen).await;
            if let Some(name) = unread.first() {
                let _ =
                    self.trouble.try_set(Some(Trouble::general(w!(file_unreadable, name = name.clone()))));
            }
            self.change_files(|attachments| attachments.extend(files));
        });
    }

    fn change_files(self, change: impl FnOnce(&mut Vec<Attachment>)) {
        if self.draft.try_update(|draft| change(&mut draft.attachments)).is_none() {
            return;
        }
        let address = self.mail.address();
        let fits =
            self.draft.with_untracked(|draft| Shelf::of(&address).put_files(self.number, &draft.attachments));
        if !fits {
            self.status.set(w!(files_not_saved).to_string());
        }
    }

    fn discard(self) {
        self.mail.remove_draft(self.number);
        self.mail.say_next(w!(discarded).to_string());
        self.mail.go_instead(Route::Folder(self.mail.last_folder()));
    }
}

/// The composer with the draft of that number.
pub(super) fn compose(mail: Mail, number: u32) -> AnyView {
    let Some(kept) = mail.draft(number) else {
        // Sent or thrown away meanwhile, or another browser's.
        set_timeout(move || mail.go_instead(Route::Folder(Folder::Inbox)), Duration::ZERO);
        return nothing();
    };
    let composer = Composer::new(mail, kept);
    composer.keep_fields_up_to_date();
    composer.keep();
    if composer.to.with_untracked(String::is_empty) {
        focus::soon("#to");
    } else {
        begin_at_the_top();
    }
    composer.form().into()
}

/// Answers are written above what they answer; whom they go to stays in sight.
fn begin_at_the_top() {
    request_animation_frame(|| {
        let area = focus::find("#message").and_then(|area| area.dyn_into::<HtmlTextAreaElement>().ok());
        if let Some(area) = area {
            let _ = area.focus();
            let _ = area.set_selection_range(0, 0);
        }
        if let Some(pane) = focus::find("#content") {
            pane.set_scroll_top(0);
        }
    });
}

impl Composer {
    fn form(self) -> El {
        let send = Callback::new(move |()| sending::send(self));
        let over = RwSignal::new(false);
        let class = move || Some(if over.get() { "compose over" } else { "compose" }.to_owned());
        el("form")
            .live_attr("class", class)
            .attr("novalidate", "")
            .on("submit", move |event| {
                event.prevent_default();
                send.run(());
            })
            .on("dragover", move |event| {
                event.prevent_default();
                over.set(true);
            })
            .on("dragleave", move |_| over.set(false))
            .on("drop", move |event| {
                event.prevent_default();
                over.set(false);
                self.drop_files(event);
            })
            .child(self.tools())
            .maybe(self.others())
            .children(Line::ALL.map(|line| self.recipients_line(line)))
            .child(self.subject())
            .view(view! { <ComposerNotice draft=self.draft on_send=send /> }.into_any())
            .maybe(self.html_hint())
            .child(el("label").class("vh").attr("for", "message").text(w!(message)))
            .child(el("textarea").attr("id", "message").value(
                move || self.draft.with(|draft| draft.text.clone()),
                move |text| self.change(|draft| draft.set_text(text)),
            ))
            // Below the text: what comes while somebody writes must move no field away from under the click, and what is
            // written is to be seen on a small screen, too.
            .view(Line::ALL.map(|line| self.protection(line)).into_any())
            .view(view! { <ProtectionNotes composing=self.composing /> }.into_any())
            .view(self.attachments())
            .child(self.buttons())
    }

    fn tools(self) -> El {
        // Back is where the person came from, when there is such a place.
        let go_back = move |event: Event| {
            if let Ok(history) = window().history()
                && history.length().is_ok_and(|length| length > 1)
            {
                event.prevent_default();
                let _ = history.back();
            }
        };
        let back = classed("a", "btn quiet").attr("href", Route::Folder(self.mail.last_folder()).href());
        classed("div", "pane-head tools")
            .child(with_icon(back, "back", w!(back)).on("click", go_back))
            .child(classed("h1", "vh").text(w!(new_message)))
            .child(with_icon(plain_button("btn quiet end", move || self.discard()), "bin", w!(discard)))
    }

    /// The drafts beside this one.
    fn others(self) -> Option<El> {
        let others = self.mail.other_drafts(self.number);
        let link = |(number, subject): &(u32, String)| {
            let subject = if subject.is_empty() { w!(no_subject) } else { subject };
            el("li").child(el("a").attr("href", Route::Compose(*number).href()).text(subject))
        };
        let list =
            classed("ul", "row").attr("aria-labelledby", "other-drafts").children(others.iter().map(link));
        let label = classed("span", "label").attr("id", "other-drafts").text(w!(other_drafts));
        (!others.is_empty()).then(|| classed("div", "line others").child(label).child(list))
    }

    fn recipients_line(self, line: Line) -> El {
        let hint = format!("{}-trouble", line.id());
        let field = self.field(line);
        let input = field_named(line.id())
            .attr("inputmode", "email")
            .attr("autocapitalize", "none")
            .attr("spellcheck", "false")
            .attr("aria-describedby", hint.clone())
            .truth("aria-invalid", move || self.trouble_of(Some(line)).is_some())
            .value(move || field.get(), move |text| self.type_into(line, text))
            .on("blur", move |_| self.composing.look_now())
            // The field has it afterwards.
            .on("paste", move |_| set_timeout(move || self.composing.look_now(), Duration::ZERO));
        let trouble = live(move || match self.trouble_of(Some(line)) {
            None => nothing(),
            Some(text) => with_icon(classed("span", "hint warn"), "alert", text).into(),
        });
        let hint = el("div").attr("id", hint).view(trouble);
        labelled(line.id(), line.name()).child(el("div").child(input).child(hint))
    }

    fn protection(self, line: Line) -> AnyView {
        let (composing, field) = (self.composing, line.field());
        view! { <RecipientProtection composing field /> }.into_any()
    }

    fn subject(self) -> El {
        let input = field_named("subject").value(
            move || self.draft.with(|draft| draft.subject.clone()),
            move |text| self.change(|draft| draft.subject = text),
        );
        labelled("subject", w!(subject)).child(input)
    }

    /// What becomes of the HTML of a reopened message.
    fn html_hint(self) -> Option<El> {
        let had = self.draft.with_untracked(|draft| draft.html.is_some());
        let text = move || {
            let has = self.draft.with(|draft| draft.html.is_some());
            if has { w!(html_kept) } else { w!(html_dropped) }.to_owned()
        };
        had.then(|| {
            let said = el("span").live_text(text);
            classed("p", "hint").attr("role", "status").icon("info").child(said)
        })
    }

    fn attachments(self) -> AnyView {
        let names = Memo::new(move |_| {
            let named = |file: &Attachment| (file.name.clone(), file.bytes.len());
            self.draft.with(|draft| draft.attachments.iter().map(named).collect::<Vec<_>>())
        });
        live(move || {
            let names = names.get();
            if names.is_empty() {
                return nothing();
            }
            let items =
                names.into_iter().enumerate().map(|(at, (name, bytes))| self.attachment(at, &name, bytes));
            classed("ul", "files").attr("aria-label", w!(attachments)).children(items).into()
        })
    }

    fn attachment(self, at: usize, name: &str, bytes: usize) -> El {
        let name = if name.is_empty() { w!(unnamed) } else { name };
        let remove = move || {
            self.change_files(|files| {
                if at < files.len() {
                    files.remove(at);
                }
            });
            self.touch();
            focus::soon("#attach");
        };
        classed("li", "chip")
            .icon("clip")
            .child(classed("span", "addr").text(name))
            .child(classed("span", "state").text(size(bytes)))
            .child(plain_button("", remove).attr("aria-label", w!(remove, name = name.to_owned())).icon("x"))
    }

    fn buttons(self) -> El {
        let send = classed("button", "btn primary")
            .attr("type", "submit")
            .truth("aria-disabled", move || self.busy.get())
            .icon("sent")
            .text(w!(send));
        let choose = || focus::find("#files").into_iter().for_each(|input| input.click());
        let attach = plain_button("btn", choose).attr("id", "attach").icon("clip").text(w!(attach));
        let files = el("input")
            .attr("type", "file")
            .attr("id", "files")
            .attr("multiple", "")
            .attr("hidden", "")
            .attr("aria-label", w!(choose_files))
            .on("change", move |event| self.choose_files(&event));
        let status = move || if self.busy.get() { w!(sending).to_owned() } else { self.status.get() };
        let trouble = move || self.trouble_of(None).unwrap_or_default();
        classed("div", "send")
            .child(classed("p", "trouble").attr("role", "alert").live_text(trouble))
            .child(send)
            .child(attach)
            .child(files)
            .child(classed("span", "small").attr("role", "status").live_text(status))
    }

    fn choose_files(self, event: &Event) {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        let Some(input) = input else { return };
        if let Some(list) = input.files() {
            self.touch();
            self.add_files(&list);
        }
        // So that the same file can be chosen again.
        input.set_value("");
    }

    fn drop_files(self, event: Event) {
        let files = event_as::<DragEvent>(event).and_then(|event| event.data_transfer()?.files());
        if let Some(list) = files.filter(|list| list.length() > 0) {
            self.touch();
            self.add_files(&list);
        }
    }
}

fn labelled(id: &'static str, name: &'static str) -> El {
    classed("div", "line").child(el("label").attr("for", id).text(name))
}

fn field_named(id: &'static str) -> El {
    el("input").attr("id", id).attr("type", "text").attr("autocomplete", "off")
}
