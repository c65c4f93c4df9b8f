use serde::{Deserialize, Serialize};

use crate::{Check, Guarantee, MessageStatus, Stop};

/// The name of the event that tells a listener that it was too slow and missed some: fetch anew what you show.
pub const RESYNC: &str = "resync";

/// `GET /events`: one server-sent event; its name is the `event` field, its data the variant's content as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "event", content = "data")]
pub enum Event {
    /// A stop was recorded, or more recipients were added to one.
    Stop(Stop),
    /// A message's recipients changed state.
    Delivery(MessageStatus),
    /// The account's switch changed.
    Guarantee(Guarantee),
    /// A check that took longer than its answer.
    Check(Check),
    /// Something new lies in a mailbox.
    Mailbox {
        /// Its name: `INBOX` or `Sent`.
        name: String,
    },
}

impl Event {
    /// The event's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stop(_) => "stop",
            Self::Delivery(_) => "delivery",
            Self::Guarantee(_) => "guarantee",
            Self::Check(_) => "check",
            Self::Mailbox { .. } => "mailbox",
        }
    }
}
