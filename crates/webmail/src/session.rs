//! Whose page this is.

use api::{Credentials, Session as Opened, SessionAccount};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin::ClientError;

use crate::focus;
use crate::host::api;

/// Why somebody has to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nothing has happened yet.
    First,
    /// They have logged out; so many drafts of that account are left in the browser.
    LoggedOut { account: String, drafts: usize },
    /// The server does not know the session any more.
    Ended,
}

/// The page's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The server is being asked.
    Asking,
    /// The server does not answer.
    Away,
    Out(Why),
    In(SessionAccount),
}

/// The session, in the context of the whole page.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) state: RwSignal<State>,
}

impl Session {
    /// Puts a session into the context and asks the server whether there is one already.
    pub(crate) fn provide() -> Self {
        let session = Self { state: RwSignal::new(State::Asking) };
        provide_context(session);
        session.ask(Why::First);
        session
    }

    /// The session of the page.
    pub(crate) fn of_context() -> Self {
        expect_context()
    }

    /// Asks the server whose session this is; `why` is said if nobody's.
    pub(crate) fn ask(self, why: Why) {
        spawn_local(async move {
            let answer = api().get::<SessionAccount>("/session").await;
            self.state.set(match answer {
                Ok(account) => State::In(account),
                Err(ClientError::Away) => State::Away,
                Err(
                    ClientError::LoggedOut
                    | ClientError::Clock
                    | ClientError::Problem(_)
                    | ClientError::Unreadable,
                ) => State::Out(why),
            });
        });
    }

    /// Logs in.
    ///
    /// # Errors
    /// [`ClientError::LoggedOut`] when address and password do not belong together.
    pub(crate) async fn log_in(self, credentials: Credentials) -> Result<(), ClientError> {
        let client = api();
        client.send::<_, Opened>(Method::POST, "/session", &credentials).await?;
        let account = client.get::<SessionAccount>("/session").await?;
        self.state.set(State::In(account));
        // The form that had the focus is gone; what is shown may take it to a better place.
        focus::soon(format!("{}, #content", focus::HEADING));
        Ok(())
    }

    /// Logs out. The page forgets the account even when the server can't be told.
    pub(crate) fn log_out(self, account: String, drafts: usize) {
        spawn_local(async move {
            let _ = api().call(Method::DELETE, "/session").await;
            self.state.set(State::Out(Why::LoggedOut { account, drafts }));
        });
    }

    /// Takes note of an error: when nobody is logged in any more, that is what the page says.
    pub(crate) fn heed(self, error: &ClientError) {
        if *error == ClientError::LoggedOut {
            let _ = self.state.try_set(State::Out(Why::Ended));
        }
    }
}
