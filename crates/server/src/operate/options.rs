//! The commands and their options, as the contract names them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::Place;
use crate::config::{self, Config, Listen};
use crate::demo::DemoOptions;

/// A mail submission server with a TLS sending guarantee: mail leaves encrypted, or not at all.
#[derive(Parser)]
#[command(name = "tls-guarantee", version)]
pub(super) struct Options {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Runs the server with a small internet of its own to send to
    Demo(Demo),
    /// Runs the server
    Serve(Serve),
    /// Adds, changes, lists and removes accounts
    User(User),
    /// Says how mail to addresses or domains would travel now; exits with 0 if it would be delivered, 1 stopped, 2 deferred, 3 if that is not known
    Check(Check),
    /// Reads messages and says what each reports
    Bounce(Bounce),
    /// Shows and changes what waits to be delivered
    Queue(Queue),
    /// Hands the message on standard input to the server, as /usr/sbin/sendmail does; exits with 0 or a code of sysexits
    Sendmail(Sendmail),
    /// Shows and forgets what mail has met at receiving hosts, by which downgrades are recognised
    Memory(Memory),
}

/// What the demo runs, where it listens, and where it keeps its data.
#[derive(Args)]
pub(super) struct Demo {
    /// The configuration of a server to try out: as it says, but no mail leaves for the real internet
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the page and the API are, instead of what FILE says; 127.0.0.1:8080 without FILE
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Where mail programs submit, with STARTTLS; 127.0.0.1:5870
    #[arg(long, value_name = "ADDR")]
    submission: Option<SocketAddr>,
    /// Where mail programs submit, with TLS from the start; 127.0.0.1:4650
    #[arg(long, value_name = "ADDR")]
    submissions: Option<SocketAddr>,
    /// Where mail for home.example comes in; 127.0.0.1:2525
    #[arg(long, value_name = "ADDR")]
    mx: Option<SocketAddr>,
    /// Where the mail store hands in what is exempt, an address or the path of a socket; 127.0.0.1:2626
    #[arg(long, value_name = "PLACE")]
    store: Option<config::Place>,
    /// Where to keep everything, and go on from next time; without it and FILE a new world that ends with the demo
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    /// What is asked for. Fails when the configuration can't be read, or is wrong.
    pub(super) fn read(self) -> anyhow::Result<DemoOptions> {
        let Self { config, http, submission, submissions, mx, store, data } = self;
        let config = config.map(|file| Config::read(&file)).transpose()?;
        let listen = Listen { http, submission, submissions, mx, store, relay: None, socketmap: None };
        Ok(DemoOptions { config, listen, data })
    }
}

#[derive(Args)]
pub(super) struct Serve {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Only says whether the configuration is valid
    #[arg(long)]
    pub(super) check: bool,
}

/// Where the server's data lies.
#[derive(Args)]
pub(super) struct Where {
    /// The server's configuration
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The server's data, for example that of a demo
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

impl Where {
    /// The place that was named.
    pub(super) fn place(self) -> anyhow::Result<Place> {
        match (self.config, self.data) {
            (Some(config), None) => Ok(Place::Config(config)),
            (None, Some(data)) => Ok(Place::Data(data)),
            _ => anyhow::bail!("say where the server's data lies: either --config FILE or --data DIR"),
        }
    }
}

#[derive(Args)]
pub(super) struct User {
    #[command(flatten)]
    pub(super) place: Where,
    #[command(subcommand)]
    pub(super) action: UserAction,
}

#[derive(Subcommand)]
pub(super) enum UserAction {
    /// Adds an account; asks for its password, or reads it from standard input
    Add {
        /// For example alice@home.example
        address: String,
    },
    /// Changes an account's password, and ends its sessions
    Passwd {
        /// The account
        address: String,
    },
    /// Lists the accounts
    List {
        /// Only this one
        address: Option<String>,
    },
    /// Removes an account with its mailboxes; what it has queued still goes out
    Remove {
        /// The account
        address: String,
    },
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) place: Where,
    /// Addresses, or domains
    #[arg(required = true, value_name = "ADDRESS-OR-DOMAIN")]
    pub(super) recipients: Vec<String>,
    /// Prints a JSON list
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Bounce {
    /// Messages; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Prints one line of JSON a file
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Sendmail {
    /// The server's door: the `listen.store` of its configuration
    #[arg(long, value_name = "PLACE")]
    pub(super) socket: config::Place,
    /// [-i] [-oi] -f SENDER [--] RECIPIENT…; with -i, a line of one dot does not end the message
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub(super) arguments: Vec<String>,
}

#[derive(Args)]
pub(super) struct Queue {
    #[command(flatten)]
    pub(super) place: Where,
    /// Prints JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) action: QueueAction,
}

#[derive(Subcommand)]
pub(super) enum QueueAction {
    /// Lists the messages that wait for some of their recipients, oldest first
    List,
    /// Shows one message, also one that waits no more
    Show {
        /// The queue id
        id: String,
    },
    /// Tries a message's waiting recipients now
    Retry {
        /// The queue id
        id: String,
    },
    /// Takes a message's waiting recipients out of the queue, without a report to its sender
    Remove {
        /// The queue id
        id: String,
    },
}

#[derive(Args)]
pub(super) struct Memory {
    #[command(flatten)]
    pub(super) place: Where,
    /// Prints JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) action: MemoryAction,
}

#[derive(Subcommand)]
pub(super) enum MemoryAction {
    /// Lists the hosts where mail has met TLS, with the best protection
    List {
        /// Only of this domain
        domain: Option<String>,
    },
    /// Forgets a domain's hosts for all accounts, for example when it has given up TLS for good
    Forget {
        /// The recipients' domain
        domain: String,
        /// Only this host
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Options::command().debug_assert();
    }

    #[rstest]
    #[case("demo")]
    #[case("demo --config f --http 127.0.0.1:1 --data d")]
    #[case("demo --store /run/store")]
    #[case(
        "demo --http 127.0.0.1:1 --submission 127.0.0.1:2 --submissions 127.0.0.1:3 --mx [::1]:4 --store 127.0.0.1:5 --data d"
    )]
    #[case("serve --config f")]
    #[case("serve --config f --check")]
    #[case("user add a@b.example --data d")]
    #[case("user --data d passwd a@b.example")]
    #[case("user list --config f")]
    #[case("user remove a@b.example --config f")]
    #[case("check a@b.example b.example --data d --json")]
    #[case("check --config f b.example")]
    #[case("bounce one two --json")]
    #[case("bounce -")]
    #[case("sendmail --socket /run/store -i -f <> -- a@b.example")]
    #[case("sendmail --socket 127.0.0.1:2626 -oi -fa@b.example a@b.example")]
    #[case("queue list --data d")]
    #[case("queue show 1 --json --data d")]
    #[case("queue --data d retry 1")]
    #[case("queue remove 1 --config f")]
    #[case("memory list --data d")]
    #[case("memory list b.example --json --data d")]
    #[case("memory forget b.example --host mx.b.example --config f")]
    fn understood(#[case] line: &str) {
        assert!(parse(line).is_ok(), "{line}");
    }

    #[rstest]
    #[case("")]
    #[case("demo --http nowhere")]
    #[case("demo --store run/store")]
    #[case("serve")]
    #[case("user add --data d")]
    #[case("user list --data d --config f")]
    #[case("check --data d")]
    #[case("bounce")]
    #[case("sendmail -f <> a@b.example")]
    #[case("queue show --data d")]
    fn not_understood(#[case] line: &str) {
        let placed = parse(line).map(|options| match options.command {
            Command::User(user) => user.place.place().is_ok(),
            Command::Queue(queue) => queue.place.place().is_ok(),
            _ => true,
        });
        assert!(!matches!(placed, Ok(true)), "{line}");
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["tls-guarantee"].into_iter().chain(line.split_whitespace()))
    }
}
