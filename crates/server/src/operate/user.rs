//! `user add|passwd|list|remove`: the own user table.

use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::Arc;

use anyhow::{Context, bail};
use store::{Sqlite, Store, StoreError};

use super::options::{User, UserAction};
use super::print::line;
use crate::accounts::{AccountError, Accounts};

/// Octets read in search of a password's end.
const LINE: u64 = 4096;

pub(super) async fn run(user: User) -> anyhow::Result<()> {
    let place = user.place.place()?;
    if let (UserAction::Add { .. } | UserAction::Passwd { .. }, Some(dovecot)) =
        (&user.action, place.dovecot()?)
    {
        bail!(
            "the accounts and their passwords are Dovecot's (users.dovecot = {dovecot}); add users and change passwords \
             there, and each is known here from the first log-in on"
        );
    }
    let store = match &user.action {
        UserAction::Add { .. } => place.open_or_make()?,
        _ => place.open()?,
    };
    let store = Arc::new(store);
    let done = act(user.action, Arc::clone(&store)).await;
    store.close().await;
    done
}

async fn act(action: UserAction, store: Arc<Sqlite>) -> anyhow::Result<()> {
    let accounts = Accounts::new(Arc::clone(&store) as Arc<dyn Store>);
    match action {
        UserAction::Add { address } => {
            let password = password()?;
            let address = accounts.add(&address, &password).await.map_err(|error| explained(&error))?;
            line(&format!("added {address}"))?;
        }
        UserAction::Passwd { address } => {
            let password = password()?;
            let address =
                accounts.set_password(&address, &password).await.map_err(|error| explained(&error))?;
            line(&format!("changed the password of {address}, and ended its sessions"))?;
        }
        UserAction::Remove { address } => {
            let address = accounts.remove(&address).await.map_err(|error| explained(&error))?;
            line(&format!("removed {address}"))?;
        }
        UserAction::List { address: None } => {
            for account in store.accounts().await? {
                line(&account.address)?;
            }
        }
        UserAction::List { address: Some(address) } => match store.account(&address).await? {
            Some(account) => line(&account.address)?,
            None => bail!("there is no account {address}; `user list` lists them"),
        },
    }
    Ok(())
}

fn explained(error: &AccountError) -> anyhow::Error {
    let remedy = match error {
        AccountError::Store(StoreError::Exists(_)) => "; to change its password use `user passwd`",
        AccountError::Store(StoreError::NotFound(_)) => "; `user list` lists the accounts",
        AccountError::Address { .. } => "; an account's address looks like alice@home.example",
        AccountError::Password(_) | AccountError::Hash(_) | AccountError::Store(_) => "",
    };
    anyhow::anyhow!("{error}{remedy}")
}

/// Asked for twice without echo at a terminal, else the first line of standard input.
fn password() -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ").context("cannot read the password")?;
        if rpassword::prompt_password("Again: ").context("cannot read the password")? != password {
            bail!("the two passwords differ; nothing was changed");
        }
        return Ok(password);
    }
    let mut line = String::new();
    let read = io::stdin().lock().take(LINE).read_line(&mut line);
    read.context("cannot read the password from standard input (it must be UTF-8)")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
