//! The plugin's only door to the webmail it lives in.

use std::future::Future;
use std::pin::Pin;

use crate::client::ClientError;
use crate::draft::Draft;

/// An answer that comes later; the browser has one thread, so it need not be `Send`.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, ClientError>>>>;

/// How a request shows whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// A page of the server itself: its same-site HttpOnly cookie goes along, with the CSRF header.
    Cookie,
    /// A page of another server: this token goes into the header `Authorization`.
    Bearer(String),
}

/// What the plugin needs of its webmail; everything else it does itself.
pub trait Host {
    /// Where the API lies, without a slash at the end: `/api/v1`, or with another server's origin before it.
    fn api_base(&self) -> String;

    /// How to authenticate the next request. Asked before each one, so that a short-lived token can be renewed.
    fn authorization(&self) -> Answer<Authorization>;

    /// The address of the account that is logged in.
    fn account(&self) -> String;

    /// The server's name as its reports have it in Reporting-MTA.
    fn server_name(&self) -> String;

    /// Opens the webmail's usual composer with this draft, ready to be sent with one click.
    fn open_composer(&self, draft: Draft);

    /// The raw message with this Message-ID (without `<>`) from the folder of sent mail.
    fn sent_copy(&self, message_id: &str) -> Answer<Vec<u8>>;
}
