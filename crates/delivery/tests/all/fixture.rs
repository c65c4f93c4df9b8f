//! A small internet, a courier in it, and what a delivery came to in words.

use std::{collections::HashMap, time::Duration};

use delivery::{Attempt, AttemptRecipient, Courier, DnsServers, Fate, Ownership, Patience, Settings};
use guarantee::{Cause, History, Requirement, TlsVersion};
use jiff::Timestamp;
use small_internet::{Behaviour, Channel, Command, Domain, World, WorldConfig};
use smtp::envelope::{Notify, ReversePath};
use tempfile::TempDir;

pub(crate) const CONTENT: &str = "Message-ID: <1@home.example>\r\nSubject: x\r\n\r\nHello\r\n";

pub(crate) use Requirement::{Encrypted, Opportunistic};

/// A world with a courier, as in the demo.
pub(crate) struct Fixture {
    pub(crate) world: World,
    pub(crate) courier: Courier,
    _data: TempDir,
}

impl Fixture {
    pub(crate) async fn new(extra: impl IntoIterator<Item = Domain>) -> Self {
        Self::with(extra, Patience::default(), |_| ()).await
    }

    /// `odd.example`, with one MX host.
    pub(crate) async fn odd(behaviour: Behaviour) -> Self {
        Self::new([Domain::new("odd.example", behaviour)]).await
    }

    /// Nothing is waited for longer than a second.
    pub(crate) async fn hurried(extra: impl IntoIterator<Item = Domain>) -> Self {
        let patience = Patience { single: Duration::from_secs(1), ..Patience::default() };
        Self::with(extra, patience, |_| ()).await
    }

    pub(crate) async fn with(
        extra: impl IntoIterator<Item = Domain>,
        patience: Patience,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let extra = extra.into_iter().collect();
        let world = World::start(WorldConfig { extra, ..WorldConfig::new(data.path()) }).await.unwrap();
        let mut settings = Settings {
            hello_name: "home.example".to_owned(),
            own: Ownership {
                names: vec!["home.example".to_owned()],
                loopback_is_the_world: true,
                ..Ownership::default()
            },
            dns: DnsServers::At(vec![world.dns_addr()]),
            dnssec: delivery::Dnssec::Validate { anchor: world.trust_anchor().to_owned() },
            port: world.smtp_port(),
            https_port: 443,
            roots: Vec::new(),
            policies: std::sync::Arc::new(delivery::MemoryPolicies::default()),
            routes: HashMap::new(),
        };
        change(&mut settings);
        let courier = Courier::with_patience(settings, patience).unwrap();
        Self { world, courier, _data: data }
    }

    /// The fate of a small mail to `bob` at this domain, in words.
    pub(crate) async fn send(&self, domain: &str, requirement: Requirement) -> String {
        self.attempt(attempt(domain, requirement)).await.remove(0)
    }

    /// The recipients' fates, in words.
    pub(crate) async fn attempt(&self, attempt: Attempt) -> Vec<String> {
        self.fates(attempt).await.iter().map(|fate| self.told(fate)).collect()
    }

    /// The recipients' fates. Whatever they are, certain things hold.
    pub(crate) async fn fates(&self, attempt: Attempt) -> Vec<Fate> {
        let requirement = attempt.requirement;
        let in_clear_before = self.envelopes_in_clear().len();
        let all_before = self.all_envelopes().len();
        let fates = self.courier.attempt(attempt).await.fates;
        if requirement == Encrypted {
            assert_eq!(self.envelopes_in_clear().len(), in_clear_before, "{fates:?}");
        }
        if fates.iter().all(|fate| matches!(fate, Fate::Stopped { .. })) {
            assert_eq!(self.all_envelopes().len(), all_before, "{fates:?}");
        }
        fates
    }

    /// MAIL, RCPT and DATA that came to any host in clear.
    pub(crate) fn envelopes_in_clear(&self) -> Vec<Command> {
        self.all_envelopes().into_iter().filter(|command| command.channel == Channel::Clear).collect()
    }

    fn all_envelopes(&self) -> Vec<Command> {
        self.world.coordinates().hosts.keys().flat_map(|host| self.envelopes(host)).collect()
    }

    /// MAIL, RCPT and DATA that came to a host.
    pub(crate) fn envelopes(&self, host: &str) -> Vec<Command> {
        let mut all = self.world.commands(host);
        all.retain(|command| ["MAIL", "RCPT", "DATA"].contains(&command.line.get(..4).unwrap_or_default()));
        all
    }

    /// How often this command, or the beginning of one, came to a host.
    pub(crate) fn count(&self, host: &str, beginning: &str) -> usize {
        self.world.commands(host).iter().filter(|command| command.line.starts_with(beginning)).count()
    }

    /// Connections to a host: each begins with EHLO in clear.
    pub(crate) fn connections(&self, host: &str) -> usize {
        let commands = self.world.commands(host);
        commands.iter().filter(|c| c.channel == Channel::Clear && c.line.starts_with("EHLO")).count()
    }

    /// Waits until a command has come to a host.
    pub(crate) async fn wait_for(&self, host: &str, command: &str) {
        let mut events = self.world.events();
        let coming = async {
            while self.count(host, command) == 0 {
                events.recv().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), coming).await.unwrap();
    }

    /// A fate in words, with the place of an address among its host's instead of the address.
    pub(crate) fn told(&self, fate: &Fate) -> String {
        let mut told = match fate {
            Fate::Delivered { protection, host, tls, .. } => {
                let version = tls.as_ref().map_or("clear", |tls| match tls.version {
                    TlsVersion::Tls12 => "TLSv1.2",
                    TlsVersion::Tls13 => "TLSv1.3",
                });
                format!("delivered {protection} in {version} by {host}")
            }
            Fate::Stopped { cause, .. } => format!("stopped {}: {}", cause.status(), cause.text()),
            Fate::Bounced(cause) => format!("bounced {}: {}", cause.status(), cause.text()),
            Fate::Deferred { cause, .. } => format!("deferred {}: {}", cause.deferred_status(), cause.text()),
        };
        for (host, addresses) in &self.world.coordinates().hosts {
            for (index, address) in addresses.iter().enumerate() {
                told = told.replace(&format!("{host}[{address}]"), &format!("{host}[{}]", index + 1));
            }
        }
        told
    }
}

/// A small mail to `bob` at this domain.
pub(crate) fn attempt(domain: &str, requirement: Requirement) -> Attempt {
    Attempt {
        next_hop: domain.to_owned(),
        requirement,
        requiretls: requirement == Requirement::RequireTls,
        reverse_path: ReversePath::Address("alice@home.example".to_owned()),
        ret: None,
        envid: None,
        smtputf8: false,
        eight_bit: false,
        recipients: vec![recipient("bob", domain)],
        content: CONTENT.into(),
        now: Timestamp::now(),
    }
}

pub(crate) fn recipient(local: &str, domain: &str) -> AttemptRecipient {
    AttemptRecipient {
        address: format!("{local}@{domain}"),
        notify: Notify::Unspecified,
        orcpt: None,
        history: History::default(),
    }
}

/// The cause of a fate that has one.
pub(crate) fn cause(fate: &Fate) -> &Cause {
    match fate {
        Fate::Delivered { .. } => panic!("{fate:?}"),
        Fate::Stopped { cause, .. } | Fate::Bounced(cause) | Fate::Deferred { cause, .. } => cause,
    }
}
