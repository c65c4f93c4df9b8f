//! What the plugin's PHP part says of the page.

use plugin::state::reopen::{Taken, Way};
use serde::Deserialize;
use serde_json::Value;

use crate::js;

/// Which page it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// Settings → My account → Transport encryption.
    Settings,
    /// The list of messages.
    List,
    /// An open message.
    Message,
    /// The composer.
    Compose,
}

/// `rcmail.env.tls_guarantee`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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
    pub(crate) compose: Option<Composed>,
}

/// A message in a folder of Roundcube's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Message {
    /// Its number within the folder; a text, since it is only passed on.
    #[serde(deserialize_with = "number")]
    pub(crate) uid: String,
    pub(crate) mbox: String,
    /// Without `<>`; empty if it has none.
    #[serde(default)]
    pub(crate) message_id: String,
    /// Whether it lies among the sent ones.
    #[serde(default)]
    pub(crate) sent: bool,
    /// Whether it may be a report: the one kind that the banner is for.
    #[serde(default)]
    pub(crate) may_be_report: bool,
}

/// What the composer was opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Composed {
    /// The message that is opened as new.
    pub(crate) source: Option<Message>,
    /// `without` or `end-to-end`, where a banner's way led here.
    pub(crate) way: Option<String>,
    /// The stop whose banner it was.
    pub(crate) stop: Option<String>,
}

impl Composed {
    /// The banner's way that led here.
    pub(crate) fn taken(&self) -> Option<Taken> {
        let way = match self.way.as_deref()? {
            "without" => Way::WithoutGuarantee,
            "end-to-end" => Way::EndToEnd,
            _ => return None,
        };
        Some(Taken { stop: self.stop.clone()?, way })
    }
}

/// As the page's address has a way.
pub(crate) fn way_name(way: Way) -> &'static str {
    match way {
        Way::WithoutGuarantee => "without",
        Way::EndToEnd => "end-to-end",
    }
}

impl Page {
    /// The page that this module runs in.
    pub(crate) fn of_roundcube() -> Option<Self> {
        let env = js::at(&js::rcmail(), &["env", "tls_guarantee"]);
        Self::read(&String::from(js_sys::JSON::stringify(&env).ok()?))
    }

    fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// PHP writes numbers with or without quotes.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn page(more: &str) -> Option<Page> {
        Page::read(&format!(
            r#"{{"api":"/tls-guarantee/api/v1","account":"alice@example.org","server":"mail.example.org",
                "language":"de_DE","version":"1-2","wasm":"./?_action=x"{more}}}"#
        ))
    }

    #[rstest]
    #[case(r#","place":"settings""#, Some(Place::Settings))]
    #[case(r#","place":"list""#, Some(Place::List))]
    #[case(r#","place":"message""#, Some(Place::Message))]
    #[case(r#","place":"compose""#, Some(Place::Compose))]
    #[case(r#","place":"elsewhere""#, None)]
    #[case("", None)]
    fn places(#[case] more: &str, #[case] expected: Option<Place>) {
        assert_eq!(page(more).map(|page| page.place), expected);
    }

    #[rstest]
    #[case(r#""7""#)]
    #[case("7")]
    fn uids(#[case] uid: &str) {
        let more = format!(
            r#","place":"message","message":{{"uid":{uid},"mbox":"Sent","message_id":"a@b","sent":true,"may_be_report":false}}"#
        );
        let message = page(&more).unwrap().message.unwrap();
        assert_eq!((message.uid.as_str(), message.sent), ("7", true));
    }

    #[rstest]
    #[case(Some("without"), Some("7"), Some(Way::WithoutGuarantee))]
    #[case(Some("end-to-end"), Some("7"), Some(Way::EndToEnd))]
    #[case(Some("without"), None, None)]
    #[case(Some("other"), Some("7"), None)]
    #[case(None, Some("7"), None)]
    #[case(None, None, None)]
    fn ways(#[case] way: Option<&str>, #[case] stop: Option<&str>, #[case] expected: Option<Way>) {
        let own = |text: &str| text.to_owned();
        let composed = Composed { source: None, way: way.map(own), stop: stop.map(own) };
        assert_eq!(composed.taken().map(|taken| taken.way), expected);
        if let Some(way) = expected {
            assert_eq!(Some(way_name(way)), composed.way.as_deref());
        }
    }
}
