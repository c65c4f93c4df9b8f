//! The plugin's only door to the webmail it lives in.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use leptos::prelude::{AnyView, Signal};

use crate::client::ClientError;
use crate::draft::Draft;
use crate::state::banner::Confirmed;
use crate::state::reopen::Way;

/// An answer that comes later; the browser has one thread, so it need not be `Send`.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, ClientError>>>>;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To know something.
    Look,
    /// To change something: that is for whoever is logged in now, not for whoever was some minutes ago.
    Change,
}

/// How a request shows whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// A page of the server itself: its same-site HttpOnly cookie goes along, with the CSRF header.
    Cookie,
    /// A page of another server: this token goes into the header `Authorization`.
    Bearer(String),
}

/// Something to read and to take elsewhere, in front of the page.
pub struct Dialog {
    /// Its name.
    pub title: String,
    /// What it is for.
    pub text: String,
    /// What to take elsewhere, with its name; read only.
    pub prepared: (String, String),
    /// Its buttons, the most likely one first; another one that closes it is added.
    pub actions: Vec<Action>,
    /// The name of the button that closes it.
    pub close: String,
}

/// A button of a [`Dialog`].
#[derive(Clone)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What happens.
    pub act: Rc<dyn Fn()>,
    /// Whether the dialog closes then.
    pub closes: bool,
}

/// A question in front of the page, before something is done.
pub struct Question {
    /// Its name.
    pub title: String,
    /// Text and ways, to be shown below the title. Its first element's id is [`Question::TEXT`]: it describes the dialog.
    pub body: Rc<dyn Fn() -> AnyView>,
    /// The name of the button that closes it; it has the focus first.
    pub close: String,
    /// Once true the webmail closes it: it was answered, or what it was about has changed.
    pub is_over: Signal<bool>,
    /// To be called when it was closed, however.
    pub dismissed: Rc<dyn Fn()>,
}

impl Question {
    /// The id of what it says.
    pub const TEXT: &str = "tlsg-question";
}

/// What the plugin needs of its webmail; everything else it does itself.
pub trait Host {
    /// Where the API lies, without a slash at the end: `/api/v1`, or with another server's origin before it.
    fn api_base(&self) -> String;

    /// How to authenticate the next request. Asked before each one, so that a short-lived token can be renewed.
    fn authorization(&self, purpose: Purpose) -> Answer<Authorization>;

    /// The server does not accept this authorization (401). Answers whether it is worth while to ask for another, once.
    fn refused(&self, authorization: &Authorization) -> bool;

    /// Whether the page does without news while it is hidden. A browser opens six connections to a server over HTTP/1.1,
    /// for all its tabs together, and news takes one of them.
    fn rests_while_hidden(&self) -> bool;

    /// The address of the account that is logged in.
    fn account(&self) -> String;

    /// The server's name as its reports have it in Reporting-MTA.
    fn server_name(&self) -> String;

    /// Opens the webmail's usual composer with this draft, ready to be sent with one click.
    fn open_composer(&self, draft: Draft);

    /// Opens the composer with the sent copy of a stopped message, as [`crate::state::reopen`] says.
    fn reopen(&self, confirmed: &Confirmed, way: Way) -> Answer<()>;

    /// Says in passing that something is done, as the webmail does.
    fn say(&self, text: String);

    /// Shows a dialog, as the webmail does.
    fn show(&self, dialog: Dialog);

    /// Asks the user, as the webmail does; the page behind can't be used meanwhile.
    fn choose(&self, question: Question);
}
