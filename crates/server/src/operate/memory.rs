//! `memory list|forget`: what mail has met before, for an operator. By the day: nobody is shown when others wrote.

use anyhow::bail;
use serde_json::json;
use store::{MemoryEntry, Sqlite, Store};

use super::options::{Memory, MemoryAction};
use super::print::{self, harmless, line};

pub(super) async fn run(memory: Memory) -> anyhow::Result<()> {
    let store = memory.place.place()?.open()?;
    let done = act(memory.action, memory.json, &store).await;
    store.close().await;
    done
}

async fn act(action: MemoryAction, json: bool, store: &Sqlite) -> anyhow::Result<()> {
    match action {
        MemoryAction::List { domain } => {
            let entries = store.memory(domain.as_deref()).await?;
            if json {
                return print::json(&entries.iter().map(as_json).collect::<Vec<_>>());
            }
            if entries.is_empty() {
                line("nothing is remembered")?;
            }
            for entry in &entries {
                line(&one_line(entry))?;
            }
        }
        MemoryAction::Forget { domain, host } => {
            let forgotten = store.forget(&domain, host.as_deref()).await?;
            if forgotten == 0 {
                bail!("nothing is remembered of {domain}; `memory list` shows what is");
            }
            if json {
                return print::json(&json!({ "domain": domain, "forgotten": forgotten }));
            }
            line(&format!("{domain}: forgotten what was met at {forgotten} of its hosts"))?;
        }
    }
    Ok(())
}

fn as_json(entry: &MemoryEntry) -> serde_json::Value {
    let MemoryEntry { domain, host, best, first_tls, last_tls, count } = entry;
    json!({
        "domain": domain,
        "host": host,
        "best": best,
        "first_tls": first_tls.to_string(),
        "last_tls": last_tls.to_string(),
        "count": count,
    })
}

/// `domain  host  best  first to last  connections`
fn one_line(entry: &MemoryEntry) -> String {
    let MemoryEntry { domain, host, best, first_tls, last_tls, count } = entry;
    format!(
        "{}  {}  {best}  {first_tls} to {last_tls}  {count} connections",
        harmless(domain),
        harmless(host)
    )
}
