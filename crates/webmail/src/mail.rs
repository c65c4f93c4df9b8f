//! What the views of a logged-in account share.

use std::rc::Rc;

use api::{Event, Flags, ListedMessage, SessionAccount};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::state::panel::Known;
use plugin::{ClientError, Dialog, Draft, Plugin, Question, Recipients};

use crate::drafts::{Drafts, Kept, Origin, Typed};
use crate::host::{Webmail, api};
use crate::keep::{self, Shelf};
use crate::route::{Folder, Route};
use crate::session::Session;
use crate::words::w;

/// How many messages a list asks for at first, and how many more each time.
const PAGE: usize = 200;

/// The list of a folder.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) messages: RwSignal<Known<Vec<ListedMessage>>>,
    /// How many are asked for.
    limit: RwSignal<usize>,
}

impl Listing {
    fn new() -> Self {
        Self { messages: RwSignal::default(), limit: RwSignal::new(PAGE) }
    }

    /// Whether there may be more than are shown.
    pub(crate) fn is_cut(self) -> bool {
        let limit = self.limit.get();
        self.messages.with(|messages| messages.get().is_some_and(|messages| messages.len() >= limit))
    }

    /// How many have not been read.
    pub(crate) fn unread(self) -> usize {
        let unread = |messages: &Vec<ListedMessage>| messages.iter().filter(|message| !message.seen).count();
        self.messages.with(|messages| messages.get().map_or(0, unread))
    }
}

/// Something to be said once, above the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    /// Whether it is to be said in the next view too, which is about to be shown.
    stays: bool,
}

/// The account's page.
#[derive(Clone, Copy)]
pub(crate) struct Mail {
    account: StoredValue<SessionAccount>,
    session: Session,
    pub(crate) route: RwSignal<Route>,
    /// The folder that was open last: where the composer returns to.
    last_folder: RwSignal<Folder>,
    /// Whether somebody has moved within the page: only then does the focus follow the view.
    pub(crate) moved: RwSignal<bool>,
    inbox: Listing,
    sent: Listing,
    drafts: RwSignal<Drafts>,
    pub(crate) notice: RwSignal<Option<Notice>>,
    /// Said to screen readers only.
    pub(crate) whisper: RwSignal<String>,
    /// What stands in front of the page.
    pub(crate) dialog: RwSignal<Option<Dialog>, LocalStorage>,
    /// What is said within it.
    pub(crate) said: RwSignal<String>,
    /// What is asked in front of the page.
    pub(crate) question: RwSignal<Option<Question>, LocalStorage>,
}

impl Mail {
    /// Starts the account's page and its plugin, and puts both into the context.
    pub(crate) fn provide(account: SessionAccount) -> Self {
        let mail = Self {
            drafts: RwSignal::new(Drafts::of(Shelf::of(&account.address).all())),
            account: StoredValue::new(account.clone()),
            session: Session::of_context(),
            route: RwSignal::new(current_route()),
            last_folder: RwSignal::new(current_route().folder().unwrap_or(Folder::Inbox)),
            moved: RwSignal::new(false),
            inbox: Listing::new(),
            sent: Listing::new(),
            notice: RwSignal::new(None),
            whisper: RwSignal::new(String::new()),
            dialog: RwSignal::new_local(None),
            said: RwSignal::new(String::new()),
            question: RwSignal::new_local(None),
        };
        provide_context(mail);
        let plugin = Plugin::provide(Rc::new(Webmail { account, mail }));
        plugin.on_event(move |event| mail.hear(event));
        let listener =
            window_event_listener(leptos::ev::hashchange, move |_| mail.go_where_the_address_says());
        on_cleanup(move || listener.remove());
        mail.load(Folder::Inbox);
        mail.load(Folder::Sent);
        mail
    }

    /// The account's address.
    pub(crate) fn address(self) -> String {
        self.account.with_value(|account| account.address.clone())
    }

    /// The server's name.
    pub(crate) fn server_name(self) -> String {
        self.account.with_value(|account| account.server_name.clone())
    }

    /// A folder's list.
    pub(crate) fn listing(self, folder: Folder) -> Listing {
        match folder {
            Folder::Inbox => self.inbox,
            Folder::Sent => self.sent,
        }
    }

    /// Goes to a view, as a click on a link to it does.
    pub(crate) fn go(self, route: Route) {
        // The event that follows does the rest.
        let _ = window().location().set_hash(&route.href());
    }

    /// Goes to a view in the place of this one, which is no more: Back does not lead to it.
    pub(crate) fn go_instead(self, route: Route) {
        let _ = window().location().replace(&route.href());
    }

    /// Says something above the view that is about to be shown.
    pub(crate) fn say_next(self, text: String) {
        self.notice.set(Some(Notice { text, stays: true }));
    }

    /// Says something above this view.
    pub(crate) fn say(self, text: String) {
        self.notice.set(Some(Notice { text, stays: false }));
    }

    fn go_where_the_address_says(self) {
        let route = current_route();
        self.moved.set(true);
        self.notice.update(|notice| {
            *notice =
                notice.take().filter(|notice| notice.stays).map(|notice| Notice { stays: false, ..notice });
        });
        if let Some(folder) = route.folder() {
            self.last_folder.set(folder);
        }
        self.route.set(route);
    }

    /// The folder that was open last.
    pub(crate) fn last_folder(self) -> Folder {
        self.last_folder.get_untracked()
    }

    fn hear(self, event: &Event) {
        if let Event::Mailbox { name } = event
            && let Some(folder) = Folder::of(name)
        {
            self.load(folder);
        }
    }

    /// Asks for a folder's messages.
    pub(crate) fn load(self, folder: Folder) {
        let listing = self.listing(folder);
        let path = format!("/mailboxes/{}/messages?limit={}", folder.name(), listing.limit.get_untracked());
        let client = api();
        spawn_local(async move {
            let answer = client.get::<Vec<ListedMessage>>(&path).await;
            if let Err(error) = &answer {
                self.session.heed(error);
            }
            // Nobody has to read what they have written.
            let answer = answer.map(|mut messages| {
                if folder == Folder::Sent {
                    messages.iter_mut().for_each(|message| message.seen = true);
                }
                messages
            });
            let news = listing.messages.try_update(|known| {
                let news =
                    known.get().zip(answer.as_ref().ok()).is_some_and(|(old, new)| newest(new) > newest(old));
                if answer.is_ok() || known.get().is_none() {
                    *known = answer.into();
                }
                news
            });
            if folder == Folder::Inbox && news == Some(true) {
                let _ = self.whisper.try_set(w!(new_mail).to_string());
            }
        });
    }

    /// Asks for more of a folder's messages.
    pub(crate) fn load_more(self, folder: Folder) {
        self.listing(folder).limit.update(|limit| *limit += PAGE);
        self.load(folder);
    }

    /// Marks a message as read, here at once and with the server.
    pub(crate) fn mark_read(self, folder: Folder, id: i64) {
        let unread = |known: &Known<Vec<ListedMessage>>| {
            known.get().is_some_and(|list| list.iter().any(|message| message.id == id && !message.seen))
        };
        let listing = self.listing(folder);
        if !listing.messages.with_untracked(unread) {
            return;
        }
        listing.messages.update(|known| {
            if let Known::Known(list) = known {
                list.iter_mut().filter(|message| message.id == id).for_each(|message| message.seen = true);
            }
        });
        let client = api();
        spawn_local(async move {
            let path = format!("/mailboxes/{}/messages/{id}", folder.name());
            let flags = Flags { seen: true };
            // Should it not work out, it is unread again the next time.
            let _ = client.send::<_, ()>(Method::PATCH, &path, &flags).await;
        });
    }

    /// Takes note of an error, see [`Session::heed`].
    pub(crate) fn heed(self, error: &ClientError) {
        self.session.heed(error);
    }

    /// Logs out; drafts stay in the browser.
    pub(crate) fn log_out(self) {
        let drafts = self.drafts.with_untracked(Drafts::edited);
        self.session.log_out(self.address(), drafts);
    }

    /// Opens the composer: with the draft that was begun so, if somebody has worked on it, else with this one.
    pub(crate) fn open_draft(self, origin: Origin, draft: Draft) {
        let resumed = self.drafts.with_untracked(|drafts| drafts.resumable(&origin));
        let number = resumed.unwrap_or_else(|| self.begin_draft(origin, draft));
        self.go(Route::Compose(number));
    }

    fn begin_draft(self, origin: Origin, draft: Draft) -> u32 {
        let wanted = u32::try_from(plugin::browser::now().as_second()).unwrap_or(0);
        let opened = self.drafts.try_update(|drafts| drafts.open(origin, draft, wanted));
        let Some((kept, dropped)) = opened else { return wanted };
        let address = self.address();
        let shelf = Shelf::of(&address);
        dropped.into_iter().for_each(|number| shelf.remove(number));
        shelf.put(kept.number, &keep::to_json(&kept.origin, kept.edited, &kept.typed, &kept.draft));
        shelf.put_files(kept.number, &kept.draft.attachments);
        kept.number
    }

    /// The draft of that number.
    pub(crate) fn draft(self, number: u32) -> Option<Kept> {
        self.drafts.with_untracked(|drafts| drafts.get(number).cloned())
    }

    /// Takes over a draft as it is now, if it has not been sent or thrown away.
    pub(crate) fn put_draft(self, kept: Kept) {
        let _ = self.drafts.try_update(|drafts| {
            if drafts.get(kept.number).is_some() {
                drafts.put(kept);
            }
        });
    }

    /// A draft was sent, but not to these: it is kept for them.
    pub(crate) fn keep_for(self, number: u32, left: &Recipients) {
        let Some(kept) = self.draft(number) else { return };
        let kept =
            Kept { typed: Typed::of(left), draft: Draft { recipients: left.clone(), ..kept.draft }, ..kept };
        let json = keep::to_json(&kept.origin, kept.edited, &kept.typed, &kept.draft);
        Shelf::of(&self.address()).put(number, &json);
        self.put_draft(kept);
    }

    /// A draft was sent or thrown away.
    pub(crate) fn remove_draft(self, number: u32) {
        Shelf::of(&self.address()).remove(number);
        self.drafts.update(|drafts| drafts.remove(number));
    }

    /// The drafts beside this one, as they are now: a composer is not made anew because its own draft was sent.
    pub(crate) fn other_drafts(self, number: u32) -> Vec<(u32, String)> {
        self.drafts.with_untracked(|drafts| drafts.others(number))
    }
}

fn current_route() -> Route {
    Route::parse(&window().location().hash().unwrap_or_default())
}

fn newest(messages: &[ListedMessage]) -> Option<i64> {
    messages.iter().map(|message| message.id).max()
}
