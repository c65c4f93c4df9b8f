//! Where the server's data lies.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use store::Sqlite;

use crate::config::Config;
use crate::node::database;

/// What `--config` or `--data` named.
#[derive(Clone, Debug)]
pub enum Place {
    /// A server's configuration.
    Config(PathBuf),
    /// A data folder; a demo's has its small internet's addresses too.
    Data(PathBuf),
}

impl Place {
    fn database(&self) -> anyhow::Result<PathBuf> {
        match self {
            Self::Config(file) => Ok(database(&Config::read(file)?.data)),
            Self::Data(data) => Ok(database(data)),
        }
    }

    /// Where Dovecot keeps the accounts, if it does.
    pub(super) fn dovecot(&self) -> anyhow::Result<Option<crate::config::Place>> {
        match self {
            Self::Config(file) => Ok(Config::read(file)?.users.dovecot),
            Self::Data(_) => Ok(None),
        }
    }

    /// Opens the database, beside a running server if there is one.
    ///
    /// # Errors
    /// When there is none: it would be a mistyped folder.
    pub fn open(&self) -> anyhow::Result<Sqlite> {
        let path = self.database()?;
        if !path.is_file() {
            bail!(
                "there is no database {}: is this the server's folder, and has it run yet?",
                path.display()
            );
        }
        open(&path)
    }

    /// Opens the database, and makes it if need be: accounts may be added before the server first runs.
    pub(super) fn open_or_make(&self) -> anyhow::Result<Sqlite> {
        let path = self.database()?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        open(&path)
    }
}

fn open(path: &Path) -> anyhow::Result<Sqlite> {
    Sqlite::open(path).with_context(|| format!("cannot open {}", path.display()))
}
