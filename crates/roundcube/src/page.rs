//! What the plugin's PHP part says of the page.

use plugin::state::reopen::{Taken, Way};
use wasm_bindgen::JsValue;

use crate::js;

/// Which page it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Settings → My account → Transport encryption.
    Settings,
    /// The list of messages.
    List,
    /// An open message.
    Message,
    /// The composer.
    Compose,
    /// A form in which a forwarding may be set up.
    Filters,
    /// A page that has no part of its own.
    Page,
}

impl Place {
    fn of(name: &str) -> Option<Self> {
        match name {
            "settings" => Some(Self::Settings),
            "list" => Some(Self::List),
            "message" => Some(Self::Message),
            "compose" => Some(Self::Compose),
            "filters" => Some(Self::Filters),
            "page" => Some(Self::Page),
            _ => None,
        }
    }
}

/// `rcmail.env.tls_guarantee`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Where the API lies, without a slash at the end.
    pub(crate) api: String,
    /// Whose page it is.
    pub(crate) account: String,
    /// The server's name.
    pub(crate) server: String,
    /// Roundcube's language: `de_DE`.
    pub(crate) language: String,
    pub(crate) place: Place,
    /// The open message.
    pub(crate) message: Option<Message>,
    /// What is being composed.
    pub(crate) compose: Composed,
}

/// A message in a folder of Roundcube's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its number within the folder; a text, since it is only passed on.
    pub(crate) uid: String,
    pub(crate) mbox: String,
    /// Without `<>`; empty if it has none.
    pub(crate) message_id: String,
    /// Whether it lies among the sent ones.
    pub(crate) sent: bool,
    /// Whether it may be a report: the one kind that the banner is for.
    pub(crate) may_be_report: bool,
}

impl Message {
    fn of(value: &JsValue) -> Option<Self> {
        let text = |name| js::text(&js::get(value, name));
        let is = |name| js::get(value, name).is_truthy();
        Some(Self {
            uid: text("uid")?,
            mbox: text("mbox")?,
            message_id: text("message_id").unwrap_or_default(),
            sent: is("sent"),
            may_be_report: is("may_be_report"),
        })
    }
}

/// What the composer was opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Composed {
    /// The message that is opened as new.
    pub(crate) source: Option<Message>,
    /// `without`, `end-to-end` or `again`, where a banner's way led here.
    pub(crate) way: Option<String>,
    /// The stop whose banner it was.
    pub(crate) stop: Option<String>,
    /// For the way `again`: to whom, separated by spaces.
    pub(crate) only: Option<String>,
}

impl Composed {
    /// The banner's way that led here.
    pub(crate) fn taken(&self) -> Option<Taken> {
        let way = match self.way.as_deref()? {
            "without" => Way::WithoutGuarantee,
            "end-to-end" => Way::EndToEnd,
            "again" => Way::Again,
            _ => return None,
        };
        let only = self.only.as_deref().unwrap_or_default().split(' ').map(str::to_owned).collect();
        Some(Taken { stop: self.stop.clone()?, way, only })
    }
}

/// As the page's address has a way.
pub(crate) fn way_name(way: Way) -> &'static str {
    match way {
        Way::WithoutGuarantee => "without",
        Way::EndToEnd => "end-to-end",
        Way::Again => "again",
    }
}

impl Page {
    /// The page that this module runs in.
    pub(crate) fn of_roundcube() -> Option<Self> {
        let env = js::at(&js::rcmail(), &["env", "tls_guarantee"]);
        let text = |name| js::text(&js::get(&env, name));
        let compose = js::get(&env, "compose");
        let composed = |name| js::text(&js::get(&compose, name));
        Some(Self {
            api: text("api")?,
            account: text("account")?,
            server: text("server")?,
            language: text("language")?,
            place: Place::of(&text("place")?)?,
            message: Message::of(&js::get(&env, "message")),
            compose: Composed {
                source: Message::of(&js::get(&compose, "source")),
                way: composed("way"),
                stop: composed("stop"),
                only: composed("only"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("without"), Some("7"), Some(Way::WithoutGuarantee))]
    #[case(Some("end-to-end"), Some("7"), Some(Way::EndToEnd))]
    #[case(Some("again"), Some("7"), Some(Way::Again))]
    #[case(Some("without"), None, None)]
    #[case(Some("other"), Some("7"), None)]
    #[case(None, Some("7"), None)]
    #[case(None, None, None)]
    fn ways(#[case] way: Option<&str>, #[case] stop: Option<&str>, #[case] expected: Option<Way>) {
        let own = |text: &str| text.to_owned();
        let composed = Composed { way: way.map(own), stop: stop.map(own), ..Composed::default() };
        assert_eq!(composed.taken().map(|taken| taken.way), expected);
        if let Some(way) = expected {
            assert_eq!(Some(way_name(way)), composed.way.as_deref());
        }
    }
}
