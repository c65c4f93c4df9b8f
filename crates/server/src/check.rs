//! What would protect mail to somebody: the delivery's own look-up and judgement, without a mail.

use std::{fmt, path::Path, sync::Arc};

use anyhow::Context;
use api::{Check, Outcome, ProtectionWord};
use async_trait::async_trait;
use delivery::{Courier, HostProbe, Probe, Settings};
use guarantee::{Conclusion, Protection};
use serde::Serialize;
use small_internet::{Coordinates, World, WorldConfig};
use smtp::address::Mailbox as Address;
use store::NextHop;

use crate::{config::Config, demo, http::Checker, local::Local, operate::Place, serve};

/// Checks recipients by asking their hosts.
pub struct Checks {
    courier: Courier,
    local: Arc<Local>,
}

/// What a check of one recipient found, with its hosts.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// As the API says it.
    #[serde(flatten)]
    pub check: Check,
    /// Host by host, in the order of trying, up to the one that would get the mail.
    pub hosts: Vec<HostReport>,
}

/// What a check found at one MX host.
#[derive(Clone, Debug, Serialize)]
pub struct HostReport {
    /// Its name.
    pub name: String,
    /// The address spoken to.
    pub address: Option<String>,
    /// What it gives; absent if it would not get the mail.
    pub protection: Option<Protection>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls: Option<guarantee::TlsVersion>,
    /// The cipher suite.
    pub cipher: Option<String>,
    /// Why it would not get the mail.
    pub reason: Option<String>,
}

impl fmt::Display for HostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_deref().unwrap_or("no address");
        write!(f, "{}[{address}]: ", self.name)?;
        match (&self.reason, self.protection, &self.cipher) {
            (Some(reason), _, _) => f.write_str(reason),
            (None, Some(protection), Some(cipher)) => write!(f, "{protection} ({cipher})"),
            (None, Some(protection), None) => write!(f, "{protection}"),
            (None, None, _) => f.write_str("not asked"),
        }
    }
}

impl From<&HostProbe> for HostReport {
    fn from(probe: &HostProbe) -> Self {
        Self {
            name: probe.name.clone(),
            address: probe.address.as_ref().map(|host| host.address.to_string()),
            protection: probe.found.as_ref().ok().copied(),
            tls: probe.tls.as_ref().map(|tls| tls.version),
            cipher: probe.tls.as_ref().map(|tls| tls.cipher.clone()),
            reason: probe.found.as_ref().err().map(guarantee::Cause::text),
        }
    }
}

/// `tls-guarantee check`: each recipient in turn, as the server of that place would find it.
pub async fn run(place: &Place, recipients: &[String]) -> anyhow::Result<Vec<Report>> {
    let (settings, local, world) = match place {
        Place::Config(file) => {
            let config = Config::read(file)?;
            let local = config.local();
            (serve::settings(&config)?, local, None)
        }
        Place::Data(data) => {
            let (settings, world) = small_internet(data).await?;
            (settings, demo::local(), world)
        }
    };
    let courier = Courier::new(settings).map_err(|error| anyhow::anyhow!("dns: {error}"))?;
    let checks = Checks::new(courier, Arc::new(local));
    let mut reports = Vec::new();
    for recipient in recipients {
        reports.push(checks.one(recipient).await);
    }
    if let Some(world) = world {
        world.shutdown().await;
    }
    Ok(reports)
}

/// The small internet of a demo's data directory: the running one, or started for the time of the check.
async fn small_internet(data: &Path) -> anyhow::Result<(Settings, Option<World>)> {
    anyhow::ensure!(
        demo::is_demo(data),
        "{}: this is not a demo's data directory; use --config",
        data.display()
    );
    match World::start(WorldConfig::new(data)).await {
        Ok(world) => Ok((demo::settings(world.coordinates())?, Some(world))),
        // It is running: its directory is locked.
        Err(_) => {
            let running = Coordinates::load(data).context("the small internet's addresses can't be read")?;
            Ok((demo::settings(&running)?, None))
        }
    }
}

impl Checks {
    /// Checks by this courier.
    pub fn new(courier: Courier, local: Arc<Local>) -> Self {
        Self { courier, local }
    }

    /// Looks at one recipient: an address or a domain.
    pub async fn one(&self, recipient: &str) -> Report {
        let domain = match domain_of(recipient) {
            Ok(domain) => domain,
            Err(reason) => return Report { check: invalid(recipient, reason), hosts: Vec::new() },
        };
        match self.local.next_hop(&domain) {
            NextHop::Local => Report { check: local(recipient), hosts: Vec::new() },
            NextHop::Domain(domain) => {
                let probe = self.courier.probe(&domain, guarantee::Requirement::Encrypted).await;
                let hosts = probe.hosts.iter().map(HostReport::from).collect();
                Report { check: outcome(recipient, &probe), hosts }
            }
        }
    }
}

#[async_trait]
impl Checker for Checks {
    async fn check(&self, _account: &str, recipients: Vec<String>) -> Vec<Check> {
        let Some(first) = recipients.first() else { return Vec::new() };
        // All are of one domain: one look is enough.
        let found = self.one(first).await.check;
        recipients.into_iter().map(|recipient| Check { recipient, ..found.clone() }).collect()
    }
}

fn domain_of(recipient: &str) -> Result<String, String> {
    if recipient.contains('@') {
        let address = Address::parse(recipient).map_err(|error| error.to_string())?;
        return Ok(address.domain().as_str().to_owned());
    }
    let domain = smtp::address::Domain::parse(recipient).map_err(|error| error.to_string())?;
    Ok(domain.as_str().to_owned())
}

fn invalid(recipient: &str, reason: String) -> Check {
    Check {
        recipient: recipient.to_owned(),
        protection: ProtectionWord::Invalid,
        outcome: Outcome::Unknown,
        promised: false,
        reason,
    }
}

fn local(recipient: &str) -> Check {
    Check {
        recipient: recipient.to_owned(),
        protection: ProtectionWord::Encrypted,
        outcome: Outcome::Deliver,
        promised: false,
        reason: "The mailbox is on this server: the mail does not leave it".to_owned(),
    }
}

fn outcome(recipient: &str, probe: &Probe) -> Check {
    let (protection, outcome, reason) = match &probe.conclusion {
        Ok(protection) => ((*protection).into(), Outcome::Deliver, delivers(*protection, probe)),
        Err(Conclusion::Stop(cause)) if cause.is_insecurity() => {
            (Protection::None.into(), Outcome::Stop, cause.text())
        }
        // It would not be delivered, for a reason that has nothing to do with its protection.
        Err(Conclusion::Stop(cause)) => (ProtectionWord::Unknown, Outcome::Stop, cause.text()),
        Err(Conclusion::Defer(cause)) => (ProtectionWord::Unknown, Outcome::Defer, cause.text()),
    };
    Check { recipient: recipient.to_owned(), protection, outcome, promised: false, reason }
}

fn delivers(protection: Protection, probe: &Probe) -> String {
    let host = probe.hosts.last();
    let name = host.map_or("the host", |host| host.name.as_str());
    match host.and_then(|host| host.tls.as_ref()) {
        Some(tls) => {
            let version = serde_json::to_value(tls.version).ok();
            let version = version.as_ref().and_then(|version| version.as_str()).unwrap_or("TLS");
            format!("{name} offers {version} ({})", tls.cipher)
        }
        None => format!("{name}: {protection}"),
    }
}
