//! The plugin's bridge into this webmail.

use std::future::ready;
use std::rc::Rc;

use api::{BASE, ListedMessage, SessionAccount};
use plugin::state::stops::bare_message_id;
use plugin::{Answer, Authorization, Client, ClientError, Draft, Host};

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

    fn authorization(&self) -> Answer<Authorization> {
        Box::pin(ready(Ok(Authorization::Cookie)))
    }

    fn account(&self) -> String {
        String::new()
    }

    fn server_name(&self) -> String {
        String::new()
    }

    fn open_composer(&self, _draft: Draft) {}

    fn sent_copy(&self, _message_id: &str) -> Answer<Vec<u8>> {
        Box::pin(ready(Err(ClientError::LoggedOut)))
    }
}

/// This webmail, for the account that is logged in.
pub(crate) struct Webmail {
    pub(crate) account: SessionAccount,
    /// Opens the composer.
    pub(crate) compose: Box<dyn Fn(Draft)>,
}

impl Host for Webmail {
    fn api_base(&self) -> String {
        Door.api_base()
    }

    fn authorization(&self) -> Answer<Authorization> {
        Door.authorization()
    }

    fn account(&self) -> String {
        self.account.address.clone()
    }

    fn server_name(&self) -> String {
        self.account.server_name.clone()
    }

    fn open_composer(&self, draft: Draft) {
        (self.compose)(draft);
    }

    fn sent_copy(&self, message_id: &str) -> Answer<Vec<u8>> {
        let wanted = bare_message_id(message_id).to_owned();
        Box::pin(async move {
            let client = api();
            let sent: Vec<ListedMessage> = client.get("/mailboxes/Sent/messages").await?;
            let found = sent.iter().find(|message| message.message_id.as_deref() == Some(wanted.as_str()));
            let id = found.ok_or(ClientError::Unreadable)?.id;
            client.get_bytes(&format!("/mailboxes/Sent/messages/{id}/raw")).await
        })
    }
}
