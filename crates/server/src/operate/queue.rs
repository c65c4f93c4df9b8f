//! `queue list|show|retry|remove`: what waits, for an operator. It works on the database beside a running server,
//! which notices.

use anyhow::bail;
use api::{MessageRecipient, MessageStatus, RecipientState};
use guarantee::Origin;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::{QueueEntry, Sqlite, Store};

use super::options::{Queue, QueueAction};
use super::print::{self, harmless, line};

pub(super) async fn run(queue: Queue) -> anyhow::Result<()> {
    let store = queue.place.place()?.open()?;
    let done = act(queue.action, queue.json, &store).await;
    store.close().await;
    done
}

async fn act(action: QueueAction, json: bool, store: &Sqlite) -> anyhow::Result<()> {
    match action {
        QueueAction::List => {
            let entries = store.queue().await?;
            if json {
                return print::json(&entries.iter().map(Entry::from).collect::<Vec<_>>());
            }
            if entries.is_empty() {
                line("the queue is empty")?;
            }
            for entry in &entries {
                line(&one_line(entry))?;
            }
        }
        QueueAction::Show { id } => match store.queue_entry(&id).await? {
            Some(entry) if json => return print::json(&Entry::from(&entry)),
            Some(entry) => line(in_full(&entry).trim_end())?,
            None => bail!("{}", unknown(&id)),
        },
        QueueAction::Retry { id } => {
            let retried = waiting(&id, store.retry(&id, Timestamp::now()).await?, store).await?;
            if json {
                return print::json(&json!({ "id": id, "retried": retried }));
            }
            line(&format!("{id}: {retried} of its recipients are due now"))?;
        }
        QueueAction::Remove { id } => {
            let removed = waiting(&id, store.remove(&id, Timestamp::now()).await?, store).await?;
            if json {
                return print::json(&json!({ "id": id, "removed": removed }));
            }
            line(&format!("{id}: {removed} of its recipients removed; nobody is told"))?;
        }
    }
    Ok(())
}

/// How many recipients were concerned; an error that says why, if none.
async fn waiting(id: &str, concerned: usize, store: &Sqlite) -> anyhow::Result<usize> {
    match (concerned, store.queue_entry(id).await?) {
        (0, None) => bail!("{}", unknown(id)),
        (0, Some(_)) => bail!("{id} waits for nobody any more; `queue show {id}` shows what became of it"),
        (concerned, _) => Ok(concerned),
    }
}

fn unknown(id: &str) -> String {
    format!("there is no message {id}; `queue list` lists those that wait")
}

/// A message as `--json` has it: as users see it, and what only the operator does.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    status: &'a MessageStatus,
    account: Option<&'a str>,
    mail_from: &'a str,
    origin: Origin,
    size: u64,
}

impl<'a> From<&'a QueueEntry> for Entry<'a> {
    fn from(entry: &'a QueueEntry) -> Self {
        Self {
            status: &entry.status,
            account: entry.account.as_deref(),
            mail_from: entry.reverse_path.as_str(),
            origin: entry.origin,
            size: entry.size,
        }
    }
}

/// `ID  accepted  octets  sender  ->  those it waits for`
fn one_line(entry: &QueueEntry) -> String {
    let waiting = entry.status.recipients.iter().filter(|recipient| waits(recipient));
    let recipients: Vec<String> = waiting.map(|recipient| harmless(&recipient.address)).collect();
    format!(
        "{}  {:.0}  {:>9}  {}  ->  {}",
        entry.status.id,
        entry.status.accepted_at,
        entry.size,
        sender(entry),
        recipients.join(", ")
    )
}

fn waits(recipient: &MessageRecipient) -> bool {
    matches!(recipient.state, RecipientState::Queued | RecipientState::Deferred)
}

fn sender(entry: &QueueEntry) -> String {
    format!("<{}>", harmless(entry.reverse_path.as_str()))
}

fn in_full(entry: &QueueEntry) -> String {
    let status = &entry.status;
    let message_id = status.message_id.as_deref().map_or_else(|| "none".to_owned(), harmless);
    let mut text = format!(
        "id          {}\naccepted    {:.0}\nfrom        {}\naccount     {}\nmessage-id  {message_id}\noctets      {}\n",
        status.id,
        status.accepted_at,
        sender(entry),
        entry.account.as_deref().unwrap_or("none"),
        entry.size
    );
    for recipient in &status.recipients {
        let state = recipient.state.as_str();
        text.push_str(&format!(
            "to          {}: {state}, must be {}",
            harmless(&recipient.address),
            requirement(recipient)
        ));
        if let Some(at) = recipient.next_attempt_at.filter(|_| waits(recipient)) {
            text.push_str(&format!(", next attempt {at:.0}"));
        }
        text.push('\n');
        if let Some(reason) = &recipient.reason {
            text.push_str(&format!("            {}\n", harmless(reason)));
        }
    }
    text
}

fn requirement(recipient: &MessageRecipient) -> &'static str {
    match recipient.requirement {
        guarantee::Requirement::Opportunistic => "encrypted if possible",
        guarantee::Requirement::Regardless => "regardless of what the domain publishes",
        guarantee::Requirement::Encrypted => "encrypted",
        guarantee::Requirement::Authenticated => "authenticated",
        guarantee::Requirement::RequireTls => "REQUIRETLS",
    }
}
