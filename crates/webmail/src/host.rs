//! The plugin's bridge into this webmail.

use std::future::ready;
use std::rc::Rc;

use api::{BASE, ListedMessage, SessionAccount};
use leptos::prelude::Set;
use plugin::state::banner::Confirmed;
use plugin::state::reopen::Way;
use plugin::{Answer, Authorization, Client, ClientError, Dialog, Draft, Host, Purpose, Question, parts};

use crate::drafts::Origin;
use crate::mail::Mail;

/// The API of the server that this page came from, in the name of whoever the cookie says.
pub(crate) fn api() -> Client {
    Client::new(Rc::new(Door))
}

/// The way to the server, whether somebody has logged in or not.
struct Door;

impl Host for Door {
    fn api_base(&self) -> String {
        BASE.to_owned()
    }

    fn authorization(&self, _purpose: Purpose) -> Answer<Authorization> {
        Box::pin(ready(Ok(Authorization::Cookie)))
    }

    fn account(&self) -> String {
        String::new()
    }

    fn server_name(&self) -> String {
        String::new()
    }

    fn refused(&self, _authorization: &Authorization) -> bool {
        false
    }

    fn rests_while_hidden(&self) -> bool {
        false
    }

    fn open_composer(&self, _draft: Draft) {}

    fn reopen(&self, _confirmed: &Confirmed, _way: Way) -> Answer<()> {
        Box::pin(ready(Err(ClientError::LoggedOut)))
    }

    fn say(&self, _text: String) {}

    fn show(&self, _dialog: Dialog) {}

    fn choose(&self, question: Question) {
        (question.dismissed)();
    }
}

/// This webmail, for the account that is logged in.
pub(crate) struct Webmail {
    pub(crate) account: SessionAccount,
    pub(crate) mail: Mail,
}

impl Host for Webmail {
    fn api_base(&self) -> String {
        Door.api_base()
    }

    fn authorization(&self, purpose: Purpose) -> Answer<Authorization> {
        Door.authorization(purpose)
    }

    fn account(&self) -> String {
        self.account.address.clone()
    }

    fn server_name(&self) -> String {
        self.account.server_name.clone()
    }

    fn refused(&self, authorization: &Authorization) -> bool {
        Door.refused(authorization)
    }

    fn rests_while_hidden(&self) -> bool {
        Door.rests_while_hidden()
    }

    fn open_composer(&self, draft: Draft) {
        self.mail.open_draft(Origin::Reopened, draft);
    }

    fn reopen(&self, confirmed: &Confirmed, way: Way) -> Answer<()> {
        let (mail, confirmed) = (self.mail, confirmed.clone());
        Box::pin(async move {
            let wanted = confirmed.message_id.as_deref().ok_or(ClientError::Unreadable)?;
            let client = api();
            let sent: Vec<ListedMessage> = client.get("/mailboxes/Sent/messages").await?;
            let found = sent.iter().find(|message| message.message_id.as_deref() == Some(wanted));
            let id = found.ok_or(ClientError::Unreadable)?.id;
            let raw = client.get_bytes(&format!("/mailboxes/Sent/messages/{id}/raw")).await?;
            mail.open_draft(Origin::Reopened, parts::stopped(&raw, &confirmed, way).await?);
            Ok(())
        })
    }

    fn say(&self, text: String) {
        self.mail.said.set(text);
    }

    fn show(&self, dialog: Dialog) {
        self.mail.said.set(String::new());
        self.mail.dialog.set(Some(dialog));
    }

    fn choose(&self, question: Question) {
        self.mail.question.set(Some(question));
    }
}
