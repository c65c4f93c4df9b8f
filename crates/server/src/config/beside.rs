//! The programs that the server stands beside: Dovecot, Roundcube, Postfix.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;
use smtp::address::Domain;

use super::Place;

/// Who holds the accounts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersOptions {
    /// Dovecot's authentication service; the own user table when absent.
    pub dovecot: Option<Place>,
}

/// Where mail for the own domains goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxesOptions {
    /// An LMTP server (RFC 2033), such as Dovecot's; the mailboxes of this server when absent.
    pub lmtp: Option<Place>,
}

/// Who may send under which further addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendersOptions {
    /// An SQLite database, only read.
    pub database: PathBuf,
    /// Gives the log-ins that may send as the address `?1`, one a row.
    pub query: String,
}

/// The webmail's plugin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebmailOptions {
    /// Files of secrets that sign its tokens; a file's stem is the key's id. Several while one takes over from another.
    pub keys: Vec<PathBuf>,
}

/// The fewest characters of a secret: 32 of base64 hold 192 bits.
const SECRET: usize = 32;

/// A secret that signs the plugin's tokens.
#[derive(Clone)]
pub struct WebmailKey {
    /// The token's `kid`.
    pub id: String,
    /// The octets of the file's first line.
    pub secret: Vec<u8>,
}

/// Who may use the mail store's entry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreOptions {
    /// Unix users, besides the server's own and root.
    #[serde(default)]
    pub users: Vec<String>,
    /// Forwarded mail leaves under a reverse-path of this server's; under its own when absent.
    pub srs: Option<SrsOptions>,
}

/// The sender rewriting scheme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SrsOptions {
    /// The domain of the rewritten addresses, one of `domains`.
    pub domain: String,
    /// A file with the secret that marks them as ours.
    pub secret: PathBuf,
}

/// An existing Postfix.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayOptions {
    /// Unix users who may use `listen.relay` and `listen.socketmap`, besides the server's own and root.
    #[serde(default)]
    pub users: Vec<String>,
    /// What the socketmap answers for the mail of a user with the guarantee: Postfix's `transport:nexthop`.
    pub transport: Option<String>,
}

impl WebmailOptions {
    /// The keys. Fails when a file can't be read, or its secret is too short.
    pub fn keys(&self) -> anyhow::Result<Vec<WebmailKey>> {
        if self.keys.is_empty() {
            bail!("webmail.keys: give at least one file");
        }
        let keys: Vec<WebmailKey> = self.keys.iter().map(|path| key(path)).collect::<anyhow::Result<_>>()?;
        let mut ids = HashSet::new();
        if let Some(twice) = keys.iter().find(|key| !ids.insert(&key.id)) {
            bail!(
                "webmail.keys: two files are called {:?}; a file's name without .key is the key's id",
                twice.id
            );
        }
        Ok(keys)
    }
}

fn key(path: &Path) -> anyhow::Result<WebmailKey> {
    let secret = secret("webmail.keys", path)?;
    let id = path.file_stem().and_then(|stem| stem.to_str());
    let id = id.with_context(|| format!("webmail.keys = {}: the key's id is no UTF-8", path.display()))?;
    Ok(WebmailKey { id: id.to_owned(), secret })
}

impl SrsOptions {
    /// The secret. Fails when the file can't be read, or it is too short.
    pub fn secret(&self) -> anyhow::Result<Vec<u8>> {
        secret("store.srs.secret", &self.secret)
    }

    /// Whether the domain is at home here, so that bounces come back to where they can be read.
    pub(super) fn check(&mut self, domains: &[String]) -> anyhow::Result<()> {
        let Ok(domain) = Domain::parse(&self.domain) else {
            bail!("store.srs.domain = {:?}: this is no domain", self.domain)
        };
        domain.as_str().clone_into(&mut self.domain);
        if domains.contains(&self.domain) {
            Ok(())
        } else {
            bail!(
                "store.srs.domain = {:?}: give one of `domains`, so that bounces come back here",
                self.domain
            )
        }
    }
}

/// A file's first line.
fn secret(field: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let text = fs::read_to_string(path).with_context(|| format!("{field} = {}", path.display()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.len() < SECRET {
        bail!(
            "{field} = {}: the secret has {} characters and needs at least {SECRET}; make one with: openssl rand -base64 48",
            path.display(),
            line.len()
        );
    }
    Ok(line.as_bytes().to_vec())
}
