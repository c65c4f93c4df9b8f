//! An open message.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::{BounceBanner, Icon, SentMark};
use plugin::state::banner::Banner;
use plugin::{Address, ClientError, Plugin};

use super::files;
use super::menu::{Entry, menu};
use crate::answer::{self, Answer};
use crate::drafts::Origin;
use crate::focus;
use crate::host::api;
use crate::html::{Links, clean};
use crate::live::live;
use crate::mail::Mail;
use crate::message::{Body, Opened};
use crate::route::{Folder, Route};
use crate::text::{Piece, pieces};
use crate::when;
use crate::words::{size, w};

/// What is shown beside the message itself.
#[derive(Clone, Copy)]
struct Shown {
    header: RwSignal<bool>,
    as_text: RwSignal<bool>,
}

/// The message of that number, once it has come.
pub(super) fn message(mail: Mail, folder: Folder, id: i64) -> impl IntoView {
    let answer: RwSignal<Option<Result<Arc<Opened>, ClientError>>, LocalStorage> = RwSignal::new_local(None);
    let load = move || {
        answer.set(None);
        spawn_local(async move {
            let raw = api().get_bytes(&format!("/mailboxes/{}/messages/{id}/raw", folder.name())).await;
            if let Err(error) = &raw {
                mail.heed(error);
            }
            // The reader may have gone on to another message.
            let _ = answer.try_set(Some(raw.map(|raw| Arc::new(Opened::read(Arc::new(raw))))));
        });
    };
    load();
    live(move || match answer.get() {
        None => view! { {bare_tools(folder)}<p class="empty" role="status">{w!(loading)}</p> }.into_any(),
        Some(Err(error)) => {
            let text = if matches!(error, ClientError::Problem(problem) if problem.status == 404) {
                w!(message_gone)
            } else {
                w!(server_away)
            };
            view! {
                {bare_tools(folder)}
                <div class="empty">
                    <p role="alert">{text}</p>
                    <button class="btn" type="button" on:click=move |_| load()>{w!(try_again)}</button>
                </div>
            }
            .into_any()
        }
        Some(Ok(opened)) => {
            mail.mark_read(folder, id);
            super::shell::set_title(mail, subject(&opened));
            if mail.moved.get_untracked() {
                focus::soon(".sheet h1");
            }
            sheet(mail, folder, id, opened).into_any()
        }
    })
}

/// The subject, or what stands for none.
fn subject(message: &Opened) -> &str {
    if message.subject.is_empty() { w!(no_subject) } else { &message.subject }
}

fn back(folder: Folder) -> impl IntoView {
    view! {
        <a class="btn quiet back" href=Route::Folder(folder).href()><Icon name="back" /><span class="vh">{w!(back_to_list)}</span></a>
    }
}

fn bare_tools(folder: Folder) -> impl IntoView {
    view! { <div class="pane-head tools back">{back(folder)}</div> }
}

fn sheet(mail: Mail, folder: Folder, id: i64, message: Arc<Opened>) -> impl IntoView {
    let shown = Shown { header: RwSignal::new(false), as_text: RwSignal::new(false) };
    let banner = Plugin::of_context().banner(&message.raw);
    let mark = (folder == Folder::Sent).then(|| message.message_id.clone()).flatten();
    view! {
        {tools(mail, folder, id, Arc::clone(&message), shown)}
        <article class="sheet">
            <header>
                <h1 tabindex="-1">{subject(&message).to_owned()}</h1>
                {head(&message)}
            </header>
            {mark.map(|message_id| view! { <SentMark message_id=message_id /> })}
            <BounceBanner banner=banner />
            {header(&message, shown)}
            {content(message, banner, shown)}
        </article>
    }
}

fn head(message: &Opened) -> impl IntoView + use<> {
    let line = |name: &'static str, people: &[Address]| {
        let people = people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        (!people.is_empty()).then(|| view! { <dt>{name}</dt><dd class="addr">{people}</dd> })
    };
    view! {
        <dl class="meta">
            {line(w!(from), &message.from)}
            {line(w!(to), &message.to)}
            {line(w!(cc), &message.cc)}
            {line(w!(bcc), &message.bcc)}
            {message.date.map(|date| view! { <dt>{w!(date)}</dt><dd><time datetime=date.to_string()>{spoken(date)}</time></dd> })}
        </dl>
    }
}

fn spoken(date: jiff::Timestamp) -> String {
    match when::long(date) {
        (true, time) => w!(today, time = time),
        (false, date) => date,
    }
}

fn tools(mail: Mail, folder: Folder, id: i64, message: Arc<Opened>, shown: Shown) -> impl IntoView {
    let button = |icon: &'static str, name: &'static str, what: Answer| {
        let message = Arc::clone(&message);
        let act = move |_| {
            let date = message.date.map(spoken).unwrap_or_default();
            let draft = answer::draft(&message, what, &mail.address(), &date);
            mail.open_draft(Origin::Answer(format!("{} {} {id}", what.word(), folder.name())), draft);
        };
        view! { <button class="btn quiet fold" type="button" on:click=act><Icon name=icon /><span>{name}</span></button> }
    };
    let all = answer::has_others(&message, &mail.address());
    view! {
        <div class="pane-head tools">
            {back(folder)}
            {button("reply", w!(reply), Answer::Reply)}
            {all.then(|| button("replyall", w!(reply_all), Answer::ReplyAll))}
            {button("fwd", w!(forward), Answer::Forward)}
            {menu(w!(more), entries(folder, Arc::clone(&message), shown))}
        </div>
    }
}

fn entries(folder: Folder, message: Arc<Opened>, shown: Shown) -> Vec<Entry> {
    let mut entries = Vec::new();
    let plugin = Plugin::of_context();
    if matches!(message.body, Body::Html(_)) {
        let switch = Callback::new(move |()| shown.as_text.update(|as_text| *as_text = !*as_text));
        entries.push(Entry { icon: "text", name: w!(show_text).to_string(), action: switch });
    }
    let switch = Callback::new(move |()| shown.header.update(|header| *header = !*header));
    entries.push(Entry { icon: "info", name: w!(show_header).to_string(), action: switch });
    if folder == Folder::Sent {
        let open = Callback::new(move |()| plugin.open_as_new(&message.raw));
        entries.insert(0, Entry { icon: "pen", name: w!(open_as_new).to_string(), action: open });
    }
    entries
}

fn header(message: &Opened, shown: Shown) -> impl IntoView + use<> {
    let header = message.header();
    live(move || {
        if !shown.header.get() {
            return ().into_any();
        }
        view! {
            <section class="whole-header" aria-label=w!(header)>
                <pre class="mail raw" tabindex="0">{header.clone()}</pre>
            </section>
        }
        .into_any()
    })
}

/// How the content is treated for the banner above it.
#[derive(Clone, Copy, PartialEq)]
struct Treatment {
    /// The banner has said it all: the notice's own text is folded away.
    folded: bool,
    links: Links,
}

fn content(message: Arc<Opened>, banner: Signal<Banner>, shown: Shown) -> impl IntoView {
    let treatment = Memo::new(move |_| {
        banner.with(|banner| match banner {
            Banner::None => Treatment { folded: false, links: Links::Followable },
            Banner::Confirmed(_) | Banner::Other { .. } | Banner::Delayed { .. } => {
                Treatment { folded: true, links: Links::Followable }
            }
            Banner::Forged | Banner::Unchecked => Treatment { folded: false, links: Links::Off },
        })
    });
    live(move || {
        let Treatment { folded, links } = treatment.get();
        let as_text = shown.as_text.get();
        let body = match &message.body {
            Body::Html(html) if !as_text => framed(&message, html, links).into_any(),
            Body::Html(_) | Body::Text(_) => plain(&message.text, links).into_any(),
        };
        let files = attachments(&message, as_text);
        if folded {
            view! { <details><summary>{w!(notice_text)}</summary>{body}{files}</details> }.into_any()
        } else {
            view! { {body}{files} }.into_any()
        }
    })
}

fn plain(text: &str, links: Links) -> impl IntoView + use<> {
    let pieces = pieces(text).into_iter().map(|piece| match (piece, links) {
        (Piece::Text(text), _) => text.into_any(),
        (Piece::Link(link), Links::Off) => view! { <span class="off">{link}</span> }.into_any(),
        (Piece::Link(link), Links::Followable) => {
            let href = link.clone();
            view! { <a href=href target="_blank" rel="noopener noreferrer">{link}</a> }.into_any()
        }
    });
    view! { <div class="mail text">{pieces.collect_view()}</div> }
}

fn framed(message: &Opened, html: &str, links: Links) -> impl IntoView + use<> {
    let cleaned = clean(html, links, |content_id| {
        message.part_of_html(content_id).and_then(files::picture_url)
    });
    let left_out = match cleaned.pictures_left_out {
        0 => None,
        1 => Some(w!(pictures_left_out_one).to_string()),
        count => Some(w!(pictures_left_out, count = count)),
    };
    // Without `allow-scripts` and `allow-same-origin` it can run nothing and read nothing of this page.
    let sandbox = match links {
        Links::Followable => "allow-popups allow-popups-to-escape-sandbox",
        Links::Off => "",
    };
    let frame = NodeRef::<html::Iframe>::new();
    view! {
        {left_out.map(|text| view! { <p class="hint"><Icon name="info" />" "<span>{text}</span></p> })}
        <iframe class="mail-frame" node_ref=frame sandbox=sandbox srcdoc=cleaned.document title=w!(content)></iframe>
    }
}

/// The files beside the text: pictures that the text shows are not named a second time.
fn attachments(message: &Opened, as_text: bool) -> Option<impl IntoView + use<>> {
    let within = |id: &str| match &message.body {
        Body::Html(html) => !as_text && html.contains(&format!("cid:{id}")),
        Body::Text(_) => false,
    };
    let beside = message.files.iter().filter(|file| !file.content_id.as_deref().is_some_and(within));
    let items: Vec<_> = beside
        .map(|file| {
            let (name, shown_size) = (file.name.clone(), size(file.bytes.len()));
            let label = w!(download, name = name.clone());
            let file = file.clone();
            view! {
                <li>
                    <button class="chip file" type="button" aria-label=label on:click=move |_| files::download(&file)>
                        <Icon name="down" /><span class="addr">{name}</span><span class="state">{shown_size}</span>
                    </button>
                </li>
            }
        })
        .collect();
    (!items.is_empty()).then(|| view! { <ul class="files" aria-label=w!(attachments)>{items}</ul> })
}
