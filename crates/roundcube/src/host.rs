//! The plugin's bridge into Roundcube.

use std::rc::Rc;
use std::time::Duration;

use gloo_timers::future::sleep;
use plugin::state::banner::Confirmed;
use plugin::state::reopen::Way;
use plugin::{Answer, Authorization, ClientError, Dialog, Draft, Host, Purpose, Question};
use wasm_bindgen::JsValue;

use crate::page::{Page, way_name};
use crate::token::Tokens;
use crate::{actions, dialog, js};

/// How often the page is looked at until it is quiet, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 40;

/// Roundcube, for the account that the page is for.
pub(crate) struct Roundcube {
    page: Rc<Page>,
    tokens: Tokens,
}

impl Roundcube {
    pub(crate) fn new(page: Rc<Page>) -> Self {
        Self { page, tokens: Tokens::default() }
    }
}

impl Host for Roundcube {
    fn api_base(&self) -> String {
        self.page.api.clone()
    }

    fn authorization(&self, purpose: Purpose) -> Answer<Authorization> {
        let token = self.tokens.clone().get(self.page.account.clone(), purpose);
        Box::pin(async move { token.await.map(Authorization::Bearer) })
    }

    fn refused(&self, authorization: &Authorization) -> bool {
        match authorization {
            Authorization::Cookie => false,
            Authorization::Bearer(token) => {
                self.tokens.forget(token);
                true
            }
        }
    }

    fn rests_while_hidden(&self) -> bool {
        true
    }

    fn account(&self) -> String {
        self.page.account.clone()
    }

    fn server_name(&self) -> String {
        self.page.server.clone()
    }

    fn open_composer(&self, draft: Draft) {
        compose(&[("_subject", draft.subject.into()), ("_body", draft.text.into())]);
    }

    fn reopen(&self, confirmed: &Confirmed, way: Way) -> Answer<()> {
        let (message_id, stop) = (confirmed.message_id.clone(), confirmed.stop.clone());
        let only = if way == Way::Again { confirmed.addressees().join(" ") } else { String::new() };
        Box::pin(async move {
            let id = message_id.ok_or(ClientError::Unreadable)?;
            let body = format!("message_id={}", String::from(js_sys::encode_uri_component(&id)));
            let action = "plugin.tls_guarantee.find";
            let found = actions::post(action, "plugin.tls_guarantee.found", &body).await?;
            let (uid, mbox) = (js::get(&found, "uid"), js::get(&found, "mbox"));
            if uid.is_falsy() {
                return Err(ClientError::Unreadable);
            }
            until_quiet().await;
            compose(&[
                ("_mbox", mbox),
                ("_uid", uid),
                ("_tls_guarantee_way", way_name(way).into()),
                ("_tls_guarantee_stop", stop.into()),
                ("_tls_guarantee_only", only.into()),
                // Shows that no link in a mail has asked for that.
                ("_token", actions::request_token().into()),
            ]);
            Ok(())
        })
    }

    fn say(&self, text: String) {
        dialog::say(&text, "confirmation");
    }

    fn show(&self, dialog: Dialog) {
        dialog::show(dialog);
    }

    fn choose(&self, question: Question) {
        dialog::choose(question);
    }
}

/// Waits until Roundcube's page asks for nothing, for a moment at most. Of two requests of one session within half a second
/// the later answer may undo what the other has noted (`rcube_session::get_cache`), and the composer would not be found.
async fn until_quiet() {
    let window = js::whole_page();
    for _ in 0..LOOKS {
        let is_busy = js::at(&window, &["rcmail", "busy"]).is_truthy();
        if !is_busy && js::at(&window, &["jQuery", "active"]).is_falsy() {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Opens Roundcube's composer, in a window of its own for those who have set it so.
fn compose(parameters: &[(&str, JsValue)]) {
    js::call(&js::rcmail(), "open_compose_step", &[js::object(parameters)]);
}
