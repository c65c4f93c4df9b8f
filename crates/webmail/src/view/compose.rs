//! The composer.

use std::time::Duration;

use leptos::ev::{DragEvent, Event, MouseEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::{ComposerNotice, Icon};
use plugin::state::recipients;
use plugin::{Address, Attachment, Draft, Plugin, Recipients};
use wasm_bindgen::JsCast;
use web_sys::{FileList, HtmlInputElement};

use super::files;
use crate::drafts::{Kept, Origin, Typed};
use crate::focus;
use crate::keep::{self, Shelf};
use crate::live::live;
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
    pub(crate) number: u32,
    origin: StoredValue<Origin>,
    /// What the plugin and the sending know: always as the fields have it.
    pub(crate) draft: RwSignal<Draft>,
    to: RwSignal<String>,
    cc: RwSignal<String>,
    bcc: RwSignal<String>,
    edited: RwSignal<bool>,
    pub(crate) busy: RwSignal<bool>,
    pub(crate) trouble: RwSignal<Option<Trouble>>,
    /// What is said beside the buttons.
    status: RwSignal<String>,
}

impl Composer {
    fn new(mail: Mail, kept: Kept) -> Self {
        Self {
            mail,
            plugin: Plugin::of_context(),
            number: kept.number,
            origin: StoredValue::new(kept.origin),
            to: RwSignal::new(kept.typed.to),
            cc: RwSignal::new(kept.typed.cc),
            bcc: RwSignal::new(kept.typed.bcc),
            draft: RwSignal::new(kept.draft),
            edited: RwSignal::new(kept.edited),
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
        Typed {
            to: self.to.get_untracked(),
            cc: self.cc.get_untracked(),
            bcc: self.bcc.get_untracked(),
        }
    }

    fn type_into(self, line: Line, text: String) {
        let addresses = recipients::parse(&text).addresses;
        self.field(line).set(text);
        self.draft.update(|draft| line.set(&mut draft.recipients, addresses));
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
            Effect::new(move |_| {
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

    fn add_files(self, list: FileList) {
        spawn_local(async move {
            let (files, unread) = files::read(list).await;
            if let Some(name) = unread.first() {
                let _ = self.trouble.try_set(Some(Trouble::general(w!(file_unreadable, name = name.clone()))));
            }
            self.change_files(|attachments| attachments.extend(files));
        });
    }

    fn change_files(self, change: impl FnOnce(&mut Vec<Attachment>)) {
        if self.draft.try_update(|draft| change(&mut draft.attachments)).is_none() {
            return;
        }
        let address = self.mail.address();
        let fits = self.draft.with_untracked(|draft| Shelf::of(&address).put_files(self.number, &draft.attachments));
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
        return ().into_any();
    };
    let composer = Composer::new(mail, kept);
    composer.keep_fields_up_to_date();
    composer.keep();
    let begin = if composer.to.with_untracked(String::is_empty) { "#to" } else { "#message" };
    focus::soon(begin);
    form(composer).into_any()
}

fn form(composer: Composer) -> impl IntoView {
    let send = Callback::new(move |()| sending::send(composer));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send.run(());
    };
    let over = RwSignal::new(false);
    let drag = move |event: DragEvent| {
        event.prevent_default();
        over.set(true);
    };
    let drop = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        if let Some(list) = event.data_transfer().and_then(|data| data.files()).filter(|list| list.length() > 0) {
            composer.touch();
            composer.add_files(list);
        }
    };
    view! {
        <form class="compose" class:over=live(move || over.get()) novalidate on:submit=submit
            on:dragover=drag on:dragleave=move |_| over.set(false) on:drop=drop>
            <div class="pane-head tools">
                <a class="btn quiet" href=Route::Folder(composer.mail.last_folder()).href() on:click=go_back>
                    <Icon name="back" /><span>{w!(back)}</span>
                </a>
                <h1 class="vh">{w!(new_message)}</h1>
                <button class="btn quiet end" type="button" on:click=move |_| composer.discard()>
                    <Icon name="bin" /><span>{w!(discard)}</span>
                </button>
            </div>
            {others(composer)}
            {Line::ALL.map(|line| recipients_line(composer, line)).collect_view()}
            {subject(composer)}
            <ComposerNotice draft=composer.draft on_send=send />
            {html_hint(composer)}
            {text(composer)}
            {attachments(composer)}
            {buttons(composer)}
        </form>
    }
}

/// Back is where the person came from, when there is such a place.
fn go_back(event: MouseEvent) {
    if let Ok(history) = window().history()
        && history.length().is_ok_and(|length| length > 1)
    {
        event.prevent_default();
        let _ = history.back();
    }
}

fn others(composer: Composer) -> impl IntoView {
    let others = composer.mail.other_drafts(composer.number);
    let links = others.into_iter().map(|(number, subject)| {
        let subject = if subject.is_empty() { w!(no_subject).to_string() } else { subject };
        view! { <li><a href=Route::Compose(number).href()>{subject}</a></li> }
    });
    let links: Vec<_> = links.collect();
    (!links.is_empty()).then(|| {
        view! {
            <div class="line others">
                <span class="label" id="other-drafts">{w!(other_drafts)}</span>
                <ul class="row" aria-labelledby="other-drafts">{links}</ul>
            </div>
        }
    })
}

fn recipients_line(composer: Composer, line: Line) -> impl IntoView {
    let field = composer.field(line);
    let trouble = move || composer.trouble_of(Some(line));
    let hint = format!("{}-trouble", line.id());
    let described = hint.clone();
    view! {
        <div class="line">
            <label for=line.id()>{line.name()}</label>
            <div>
                <input id=line.id() type="text" inputmode="email" autocomplete="off" autocapitalize="none" spellcheck="false"
                    aria-invalid=live(move || trouble().map(|_| "true")) aria-describedby=described
                    prop:value=field on:input=move |event| composer.type_into(line, event_target_value(&event)) />
                <p class="hint warn" id=hint>
                    {live(move || match trouble() {
                        None => ().into_any(),
                        Some(text) => view! { <Icon name="alert" />" "<span>{text}</span> }.into_any(),
                    })}
                </p>
            </div>
        </div>
    }
}

fn subject(composer: Composer) -> impl IntoView {
    let write = move |event: Event| {
        composer.draft.update(|draft| draft.subject = event_target_value(&event));
        composer.touch();
    };
    view! {
        <div class="line">
            <label for="subject">{w!(subject)}</label>
            <input id="subject" type="text" autocomplete="off" on:input=write
                prop:value=live(move || composer.draft.with(|draft| draft.subject.clone())) />
        </div>
    }
}

fn text(composer: Composer) -> impl IntoView {
    let write = move |event: Event| {
        composer.draft.update(|draft| draft.set_text(event_target_value(&event)));
        composer.touch();
    };
    let area = NodeRef::<html::Textarea>::new();
    // Answers are written above what they answer.
    area.on_load(|area| {
        let _ = area.set_selection_range(0, 0);
    });
    view! {
        <label class="vh" for="message">{w!(message)}</label>
        <textarea id="message" node_ref=area on:input=write
            prop:value=live(move || composer.draft.with(|draft| draft.text.clone()))></textarea>
    }
}

/// What becomes of the HTML of a reopened message.
fn html_hint(composer: Composer) -> impl IntoView {
    let had = composer.draft.with_untracked(|draft| draft.html.is_some());
    let has = Memo::new(move |_| composer.draft.with(|draft| draft.html.is_some()));
    had.then(|| {
        view! {
            <p class="hint" role="status">
                <Icon name="info" />" "<span>{live(move || if has.get() { w!(html_kept) } else { w!(html_dropped) })}</span>
            </p>
        }
    })
}

fn attachments(composer: Composer) -> impl IntoView {
    let names = Memo::new(move |_| {
        composer.draft.with(|draft| {
            let named = |file: &Attachment| (file.name.clone(), file.bytes.len());
            draft.attachments.iter().map(named).collect::<Vec<_>>()
        })
    });
    let item = move |at: usize, name: String, bytes: usize| {
        let name = if name.is_empty() { w!(unnamed).to_string() } else { name };
        let remove = move |_| {
            composer.change_files(|files| {
                if at < files.len() {
                    files.remove(at);
                }
            });
            composer.touch();
            focus::soon("#attach");
        };
        view! {
            <li class="chip">
                <Icon name="clip" /><span class="addr">{name.clone()}</span><span class="state">{size(bytes)}</span>
                <button type="button" aria-label=w!(remove, name = name) on:click=remove><Icon name="x" /></button>
            </li>
        }
    };
    live(move || {
        let names = names.get();
        let items = names.into_iter().enumerate().map(|(at, (name, bytes))| item(at, name, bytes));
        let items: Vec<_> = items.collect();
        if items.is_empty() {
            return ().into_any();
        }
        view! { <ul class="files" aria-label=w!(attachments)>{items}</ul> }.into_any()
    })
}

fn buttons(composer: Composer) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let choose = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let chosen = move |event: Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
        if let Some(list) = input.files() {
            composer.touch();
            composer.add_files(list);
        }
        // So that the same file can be chosen again.
        input.set_value("");
    };
    let trouble = live(move || composer.trouble_of(None).unwrap_or_default());
    let status = live(move || if composer.busy.get() { w!(sending).to_string() } else { composer.status.get() });
    view! {
        <div class="send">
            <p class="trouble" role="alert">{trouble}</p>
            <button class="btn primary" type="submit" aria-disabled=live(move || composer.busy.get().then_some("true"))>
                <Icon name="sent" />{w!(send)}
            </button>
            <button class="btn" type="button" id="attach" on:click=choose><Icon name="clip" />{w!(attach)}</button>
            <input type="file" multiple hidden node_ref=input aria-label=w!(choose_files) on:change=chosen />
            <span class="small" role="status">{status}</span>
        </div>
    }
}
