//! A data directory in use: by one server at a time, and for one network. Mail that waits for the one must not leave into
//! the other: a configuration is tried out in the small internet, and then served, or the other way round.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use store::Store;

/// Into which network mail leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The real one.
    Internet,
    /// A demo's.
    SmallInternet,
}

impl Network {
    fn word(self) -> &'static str {
        match self {
            Self::Internet => "the internet",
            Self::SmallInternet => "a demo's small internet",
        }
    }
}

/// The claim to a data directory, as long as it lives: two servers on one queue would send everything twice.
#[derive(Debug)]
pub struct Claim {
    /// Locked. It says for which network the queue is.
    file: File,
    data: PathBuf,
}

impl Claim {
    /// Claims a directory, made if need be. Fails while another server has it.
    pub fn take(data: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(data).with_context(|| format!("data = {}: can't be made", data.display()))?;
        let path = data.join("server.lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, data: data.to_owned() }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "data = {}: another server is at work there; stop it, or give another directory",
                    data.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Keeps for which network the queue is from now on. Fails if mail waits in it for the other.
    pub async fn settle(&mut self, network: Network, store: &dyn Store) -> anyhow::Result<()> {
        let mut before = String::new();
        self.file.read_to_string(&mut before).context("server.lock")?;
        let word = network.word();
        if before == word {
            return Ok(());
        }
        let data = self.data.display();
        if !before.is_empty() && !store.queue().await?.is_empty() {
            bail!(
                "data = {data}: mail for {before} waits in this queue, and would leave into {word}; \
                 give another directory, or see to it with: tls-guarantee queue list --data {data}"
            );
        }
        self.file.set_len(0).and_then(|()| self.file.rewind()).context("server.lock")?;
        self.file.write_all(word.as_bytes()).context("server.lock")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use smtp::envelope::{Notify, ReversePath};
    use store::{MessageFacts, NewMessage, NewRecipient, NextHop, Sqlite};

    use super::*;

    fn waiting() -> NewMessage {
        NewMessage {
            facts: MessageFacts {
                queue_id: "1".to_owned(),
                origin: guarantee::Origin::MailStore,
                account: None,
                reverse_path: ReversePath::Null,
                ret: None,
                envid: None,
                smtputf8: false,
                eight_bit: false,
                wish: guarantee::Wish::None,
                accepted_at: Timestamp::now(),
            },
            message_id: None,
            subject: String::new(),
            recipients: vec![NewRecipient {
                address: "carla@plain.example".to_owned(),
                next_hop: NextHop::Domain("plain.example".to_owned()),
                notify: Notify::Unspecified,
                orcpt: None,
            }],
            content: "x".into(),
            end_to_end: false,
            sent_copy: None,
            replaces: None,
        }
    }

    #[tokio::test]
    async fn what_waits_for_one_network_does_not_leave_into_the_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Sqlite::open(folder.path().join("test.db")).expect("opens");
        let settle = async |network| {
            let mut claim = Claim::take(folder.path()).expect("free");
            claim.settle(network, &store).await
        };
        settle(Network::SmallInternet).await.expect("new");
        settle(Network::Internet).await.expect("nothing waits");
        store.accept(waiting()).await.expect("accepted");
        settle(Network::Internet).await.expect("the same network");
        let error = settle(Network::SmallInternet).await.expect_err("mail waits").to_string();
        assert!(
            error.contains("mail for the internet waits in this queue, and would leave into a demo's"),
            "{error}"
        );
        settle(Network::Internet).await.expect("still the same");
    }

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Claim::take(folder.path()).expect("free");
        let error = Claim::take(folder.path()).expect_err("taken").to_string();
        assert!(error.contains("another server is at work there"), "{error}");
        drop(first);
        Claim::take(folder.path()).expect("free again");
    }
}
