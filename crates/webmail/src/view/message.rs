//! An open message.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::components::{BounceBanner, Delivery};
use plugin::state::banner::Banner;
use plugin::state::recipients;
use plugin::words::plural;
use plugin::{ClientError, Plugin};

use super::files;
use super::list::mark_of;
use super::menu::{Entry, menu};
use super::{button, plain_button};
use crate::answer::{self, Answer};
use crate::drafts::Origin;
use crate::el::{El, classed, el, live, nothing, with_icon};
use crate::focus;
use crate::host::api;
use crate::html::{self, Links};
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
pub(super) fn message(mail: Mail, folder: Folder, id: i64) -> AnyView {
    let answer: RwSignal<Option<Result<Arc<Opened>, ClientError>>, LocalStorage> = RwSignal::new_local(None);
    let load = move || {
        answer.set(None);
        spawn_local(async move {
            let opened = open(folder, id).await;
            if let Err(error) = &opened {
                mail.heed(error);
            }
            // The reader may have gone on to another message.
            let _ = answer.try_set(Some(opened.map(Arc::new)));
        });
    };
    load();
    live(move || match answer.get() {
        None => bare(folder, classed("p", "empty").attr("role", "status").text(w!(loading))),
        Some(Err(error)) => {
            let gone = matches!(error, ClientError::Problem(problem) if problem.status == 404);
            let text = if gone { w!(message_gone) } else { w!(server_away) };
            let said = el("p").attr("role", "alert").text(text);
            bare(folder, classed("div", "empty").child(said).child(button("btn", w!(try_again), load)))
        }
        Some(Ok(opened)) => {
            mail.mark_read(folder, id);
            super::shell::set_title(mail, subject(&opened));
            if mail.moved.get_untracked() {
                focus::soon(".sheet h1");
            }
            let shown = Shown { header: RwSignal::new(false), as_text: RwSignal::new(false) };
            pair(tools(mail, folder, id, &opened, shown), sheet(folder, opened, shown))
        }
    })
}

async fn open(folder: Folder, id: i64) -> Result<Opened, ClientError> {
    let raw = api().get_bytes(&format!("/mailboxes/{}/messages/{id}/raw", folder.name())).await?;
    Opened::read_by_part(raw).await
}

/// One after the other.
fn pair(one: El, other: El) -> AnyView {
    vec![AnyView::from(one), AnyView::from(other)].into_any()
}

fn bare(folder: Folder, content: El) -> AnyView {
    pair(classed("div", "pane-head tools back").child(back(folder)), content)
}

/// The subject, or what stands for none.
fn subject(message: &Opened) -> &str {
    if message.subject.is_empty() { w!(no_subject) } else { &message.subject }
}

fn back(folder: Folder) -> El {
    let word = classed("span", "vh").text(w!(back_to_list));
    classed("a", "btn quiet back").attr("href", Route::Folder(folder).href()).icon("back").child(word)
}

fn tools(mail: Mail, folder: Folder, id: i64, message: &Arc<Opened>, shown: Shown) -> El {
    let answer = |what: Answer, name: &'static str| {
        let message = Arc::clone(message);
        let act = move || {
            let date = message.date.map(spoken).unwrap_or_default();
            let draft = answer::draft(&message, what, &mail.address(), &date);
            mail.open_draft(Origin::Answer(format!("{} {} {id}", what.word(), folder.name())), draft);
        };
        with_icon(plain_button("btn quiet fold", act), what.icon(), name)
    };
    let all = answer::has_others(message, &mail.address());
    classed("div", "pane-head tools")
        .child(back(folder))
        .child(answer(Answer::Reply, w!(reply)))
        .maybe(all.then(|| answer(Answer::ReplyAll, w!(reply_all))))
        .child(answer(Answer::Forward, w!(forward)))
        .child(menu(w!(more), entries(folder, message, shown)))
}

fn entries(folder: Folder, message: &Arc<Opened>, shown: Shown) -> Vec<Entry> {
    let mut entries = Vec::new();
    if folder == Folder::Sent {
        let (plugin, raw) = (Plugin::of_context(), Arc::clone(&message.raw));
        let open = Box::new(move || plugin.open_as_new(&raw));
        entries.push(Entry { icon: "pen", name: w!(open_as_new), action: open });
    }
    if matches!(message.body, Body::Html(_)) {
        entries.push(Entry { icon: "text", name: w!(show_text), action: switch(shown.as_text) });
    }
    entries.push(Entry { icon: "info", name: w!(show_header), action: switch(shown.header) });
    entries
}

fn switch(signal: RwSignal<bool>) -> Box<dyn Fn()> {
    Box::new(move || signal.update(|on| *on = !*on))
}

fn sheet(folder: Folder, message: Arc<Opened>, shown: Shown) -> El {
    let banner = Plugin::of_context().banner(&message.raw);
    let sent = (folder == Folder::Sent).then(|| message.message_id.clone()).flatten();
    let delivery = sent.clone().map(|message_id| view! { <Delivery message_id=message_id /> }.into_any());
    classed("article", "sheet")
        .child(
            el("header").child(el("h1").attr("tabindex", "-1").text(subject(&message))).child(head(&message)),
        )
        .view(sent.map_or_else(nothing, mark_of))
        .view(view! { <BounceBanner banner=banner /> }.into_any())
        .view(header(&message, shown))
        .view(content(message, banner, shown))
        .view(delivery.unwrap_or_else(nothing))
}

fn head(message: &Opened) -> El {
    let mut list = classed("dl", "meta");
    let people =
        [(w!(from), &message.from), (w!(to), &message.to), (w!(cc), &message.cc), (w!(bcc), &message.bcc)];
    for (name, people) in people.into_iter().filter(|(_, people)| !people.is_empty()) {
        list = list.child(el("dt").text(name)).child(classed("dd", "addr").text(recipients::show(people)));
    }
    match message.date {
        Some(date) => {
            list.child(el("dt").text(w!(date))).child(el("dd").child(when::element(date, spoken(date))))
        }
        None => list,
    }
}

fn spoken(date: jiff::Timestamp) -> String {
    match when::long(date) {
        (true, time) => w!(today, time = time),
        (false, date) => date,
    }
}

fn header(message: &Opened, shown: Shown) -> AnyView {
    let header = message.header();
    live(move || {
        if !shown.header.get() {
            return nothing();
        }
        let text = classed("pre", "mail raw").attr("tabindex", "0").text(header.clone());
        el("section").attr("aria-label", w!(header)).child(text).into()
    })
}

/// How the content is treated for the banner above it.
#[derive(Clone, Copy, PartialEq)]
struct Treatment {
    /// The banner has said it all: the notice's own text is folded away.
    folded: bool,
    links: Links,
}

fn content(message: Arc<Opened>, banner: Signal<Banner>, shown: Shown) -> AnyView {
    let treatment = Memo::new(move |_| {
        banner.with(|banner| match banner {
            Banner::None => Treatment { folded: false, links: Links::Followable },
            Banner::Confirmed(_) | Banner::Other(_) | Banner::Delayed(_) => {
                Treatment { folded: true, links: Links::Followable }
            }
            Banner::Forged | Banner::Unchecked(_) => Treatment { folded: false, links: Links::Off },
        })
    });
    live(move || {
        let Treatment { folded, links } = treatment.get();
        let as_text = shown.as_text.get();
        let mut parts = match &message.body {
            Body::Html(html) if !as_text => framed(&message, html, links),
            Body::Html(_) | Body::Text(_) => vec![plain(&message.text, links)],
        };
        parts.extend(attachments(&message, as_text));
        if folded {
            el("details").child(el("summary").text(w!(notice_text))).children(parts).into()
        } else {
            parts.into_iter().map(AnyView::from).collect::<Vec<_>>().into_any()
        }
    })
}

fn plain(text: &str, links: Links) -> El {
    let mut shown = classed("div", "mail text");
    for piece in pieces(text) {
        shown = match (piece, links) {
            (Piece::Text(text), _) => shown.text(text),
            (Piece::Link(link), Links::Off) => shown.child(classed("span", "off").text(link)),
            (Piece::Link(link), Links::Followable) => {
                let to = el("a").attr("href", link.clone()).attr("target", "_blank");
                shown.child(to.attr("rel", "noopener noreferrer").text(link))
            }
        };
    }
    shown
}

fn framed(message: &Opened, html: &str, links: Links) -> Vec<El> {
    let cleaned =
        html::clean(html, links, |content_id| message.part_of_html(content_id).and_then(files::picture_url));
    let left_out = match cleaned.pictures_left_out {
        0 => None,
        count => Some(plural(&w!(pictures_left_out, count = count), count)),
    };
    // Without `allow-scripts` and `allow-same-origin` it can run nothing and read nothing of this page.
    let sandbox = match links {
        Links::Followable => "allow-popups allow-popups-to-escape-sandbox",
        Links::Off => "",
    };
    let frame = classed("iframe", "mail-frame")
        .attr("sandbox", sandbox)
        .attr("title", w!(content))
        .attr("height", (cleaned.lines * 24 + 60).clamp(200, 1000).to_string())
        .attr("srcdoc", cleaned.document);
    let mut parts = Vec::new();
    parts.extend(left_out.map(|text| with_icon(classed("p", "hint"), "info", text)));
    parts.push(frame);
    parts
}

/// The files beside the text: pictures that the text shows are not named a second time.
fn attachments(message: &Opened, as_text: bool) -> Option<El> {
    let within = |id: &str| match &message.body {
        Body::Html(html) => !as_text && html.contains(&format!("cid:{id}")),
        Body::Text(_) => false,
    };
    let beside = message.files.iter().filter(|file| !file.content_id.as_deref().is_some_and(within));
    let items: Vec<El> = beside
        .map(|file| {
            let file = file.clone();
            let (name, bytes) = (file.name.clone(), file.bytes.len());
            let button = plain_button("chip file", move || files::download(&file))
                .icon("down")
                .child(classed("span", "addr").text(name))
                .child(classed("span", "state").text(size(bytes)))
                .child(classed("span", "vh").text(" ").text(w!(download)));
            el("li").child(button)
        })
        .collect();
    (!items.is_empty()).then(|| classed("ul", "files").attr("aria-label", w!(attachments)).children(items))
}
