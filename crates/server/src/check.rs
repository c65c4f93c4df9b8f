//! What would protect mail to somebody: the delivery's own look-up and judgement, without a mail.

use std::{fmt, path::Path, sync::Arc};

use anyhow::Context;
use api::{Check, Outcome, ProtectionWord};
use async_trait::async_trait;
use delivery::{Courier, Extent, HostProbe, MemoryPolicies, PolicyStore, Probe, Settings};
use guarantee::{
    Addresses, Authentication, Cause, Conclusion, Facts, Level, MxAnswer, MxHost, Proof, Requirement, Sts,
    StsMode, Tlsa,
};
use serde::Serialize;
use small_internet::{Coordinates, World, WorldConfig};
use smtp::address::Mailbox as Address;
use store::{NextHop, Store};

use crate::{config::Config, demo, http::Checker, local::Local, operate::Place, policies::Policies, serve};

/// Checks recipients by asking their hosts.
pub struct Checks {
    courier: Courier,
    local: Arc<Local>,
    store: Option<Arc<dyn Store>>,
}

/// What a check of one recipient found, with its hosts.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// As the API says it.
    #[serde(flatten)]
    pub check: Check,
    /// Whether the DNS proves which hosts take the domain's mail; absent if that is not known.
    pub dnssec: Option<Proof>,
    /// The domain's MTA-STS policy.
    pub mta_sts: Option<StsReport>,
    /// Host by host, in the order of trying.
    pub hosts: Vec<HostReport>,
}

/// What a domain says by MTA-STS.
#[derive(Clone, Debug, Serialize)]
pub struct StsReport {
    /// `enforce`, `testing` or `none`; absent if its policy can't be had.
    pub mode: Option<StsMode>,
    /// The hosts it names.
    pub mx: Vec<String>,
    /// Why it can't be had.
    pub problem: Option<String>,
}

/// What a check found at one MX host.
#[derive(Clone, Debug, Serialize)]
pub struct HostReport {
    /// Its name.
    pub name: String,
    /// The address spoken to.
    pub address: Option<String>,
    /// Its TLSA records.
    pub tlsa: Vec<String>,
    /// What it gives; absent if it would not get the mail.
    pub protection: Option<guarantee::Protection>,
    /// How it proves who it is.
    pub authentication: Authentication,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls: Option<guarantee::TlsVersion>,
    /// The cipher suite.
    pub cipher: Option<String>,
    /// The key exchange.
    pub key_exchange: Option<String>,
    /// SHA-256 of its certificate.
    pub certificate_sha256: Option<String>,
    /// Why it would not get the mail.
    pub reason: Option<String>,
}

impl fmt::Display for HostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_deref().unwrap_or("no address");
        write!(f, "{}[{address}]: ", self.name)?;
        match (&self.reason, self.protection) {
            (Some(reason), _) => f.write_str(reason)?,
            (None, Some(protection)) => write!(f, "{protection}{}", by(&self.authentication))?,
            (None, None) => f.write_str("not asked")?,
        }
        if let (Some(tls), Some(cipher), Some(key_exchange)) = (self.tls, &self.cipher, &self.key_exchange) {
            write!(f, "\n  {tls}, {cipher}, {key_exchange}")?;
        }
        if let Some(fingerprint) = &self.certificate_sha256 {
            write!(f, "\n  certificate SHA-256 {fingerprint}")?;
        }
        for record in &self.tlsa {
            write!(f, "\n  TLSA {record}")?;
        }
        Ok(())
    }
}

impl fmt::Display for StsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mode, &self.problem) {
            (Some(mode), None) => write!(f, "MTA-STS {}: {}", mode.as_str(), self.mx.join(", ")),
            (Some(mode), Some(problem)) => {
                let mx = self.mx.join(", ");
                write!(f, "MTA-STS {}: {mx}\n  a newer policy can't be had: {problem}", mode.as_str())
            }
            (None, problem) => {
                write!(f, "MTA-STS announced, but no policy: {}", problem.as_deref().unwrap_or("unknown"))
            }
        }
    }
}

fn by(authentication: &Authentication) -> String {
    match authentication {
        Authentication::Nothing => String::new(),
        Authentication::UnprovenHost { .. } => ", TLSA matches, MX unsigned".to_owned(),
        Authentication::Certificate { name } => format!(", certificate for {name}"),
        Authentication::MtaSts { name } => format!(", MTA-STS, certificate for {name}"),
        Authentication::Dane { .. } => ", TLSA matches".to_owned(),
    }
}

impl HostReport {
    /// A host that was asked.
    fn asked(probe: &HostProbe, facts: &Facts) -> Self {
        let tls = probe.tls.as_ref();
        Self {
            name: probe.name.clone(),
            address: probe.address.as_ref().map(|host| host.address.to_string()),
            tlsa: mx_hosts(facts).iter().find(|host| host.name == probe.name).map(tlsa).unwrap_or_default(),
            protection: probe.found.as_ref().ok().copied(),
            authentication: probe.authentication.clone(),
            tls: tls.map(|tls| tls.version),
            cipher: tls.map(|tls| tls.cipher.clone()),
            key_exchange: tls.map(|tls| tls.key_exchange.clone()),
            certificate_sha256: tls.map(|tls| tls.certificate_sha256.clone()),
            reason: probe.found.as_ref().err().map(Cause::text),
        }
    }

    /// A host that was not, because of what is published or because it can't be found.
    fn not_asked(host: &MxHost, facts: &Facts) -> Self {
        let address = match &host.addresses {
            Addresses::Found(addresses) => addresses.first().map(ToString::to_string),
            Addresses::NoAddress | Addresses::Forbidden | Addresses::Failed(_) => None,
        };
        Self {
            name: host.name.clone(),
            address,
            tlsa: tlsa(host),
            protection: None,
            authentication: Authentication::Nothing,
            tls: None,
            cipher: None,
            key_exchange: None,
            certificate_sha256: None,
            reason: why_not_asked(host, facts),
        }
    }
}

fn why_not_asked(host: &MxHost, facts: &Facts) -> Option<String> {
    match (&host.addresses, &host.tlsa, facts.sts.policy()) {
        _ if host.is_self => Some("this server itself".to_owned()),
        (Addresses::NoAddress, _, _) => Some("it has no address".to_owned()),
        (Addresses::Forbidden, _, _) => Some("mail may not be sent to its address".to_owned()),
        (Addresses::Failed(failure), _, _) => Some(format!("its address is not known: {failure}")),
        (_, Tlsa::Failed(failure), _) => Some(format!("its TLSA records are not known: {failure}")),
        (_, _, Some(policy)) if policy.mode == StsMode::Enforce && !policy.names(&host.name) => {
            Some("the domain's MTA-STS policy does not name it".to_owned())
        }
        _ => None,
    }
}

fn mx_hosts(facts: &Facts) -> &[MxHost] {
    match &facts.mx {
        MxAnswer::Hosts { hosts, .. } => hosts,
        MxAnswer::NullMx | MxAnswer::NoSuchDomain | MxAnswer::Failed(_) => &[],
    }
}

fn tlsa(host: &MxHost) -> Vec<String> {
    match &host.tlsa {
        Tlsa::Published { records, .. } => records.iter().map(ToString::to_string).collect(),
        Tlsa::None | Tlsa::Failed(_) => Vec::new(),
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
            let local = demo::local_of(data);
            let (settings, world) = small_internet(data, &local.server_name).await?;
            (settings, local, world)
        }
    };
    // The server's own memory of policies, if it has run yet: one whose host is blocked now still binds.
    let policies: Arc<dyn PolicyStore> = match place.open() {
        Ok(store) => Arc::new(Policies::new(Arc::new(store))),
        Err(_) => Arc::new(MemoryPolicies::default()),
    };
    let courier =
        Courier::new(Settings { policies, ..settings }).map_err(|error| anyhow::anyhow!("dns: {error}"))?;
    let checks = Checks { courier, local: Arc::new(local), store: None };
    let mut reports = Vec::new();
    for recipient in recipients {
        reports.push(checks.one(recipient, Requirement::Encrypted, Extent::All).await);
    }
    if let Some(world) = world {
        world.shutdown().await;
    }
    Ok(reports)
}

/// The small internet of a demo's data directory: the running one, or started for the time of the check.
async fn small_internet(data: &Path, name: &str) -> anyhow::Result<(Settings, Option<World>)> {
    anyhow::ensure!(
        demo::is_demo(data),
        "{}: this is not a demo's data directory; use --config",
        data.display()
    );
    match World::start(WorldConfig::new(data)).await {
        Ok(world) => Ok((demo::settings(name, world.coordinates())?, Some(world))),
        // It is running: its directory is locked.
        Err(_) => {
            let running = Coordinates::load(data).context("the small internet's addresses can't be read")?;
            Ok((demo::settings(name, &running)?, None))
        }
    }
}

impl Checks {
    /// Checks by this courier, for the accounts of this store.
    pub fn new(courier: Courier, local: Arc<Local>, store: Arc<dyn Store>) -> Self {
        Self { courier, local, store: Some(store) }
    }

    /// What the guarantee of this account would require.
    async fn requirement(&self, account: &str) -> Requirement {
        let Some(store) = &self.store else { return Requirement::Encrypted };
        match store.switch(account).await.map(|stored| stored.level) {
            Ok(Level::Authenticated) => Requirement::Authenticated,
            Ok(Level::Encrypted) | Err(_) => Requirement::Encrypted,
        }
    }

    /// Looks at one recipient, an address or a domain, as a mail with this requirement would find it.
    pub async fn one(&self, recipient: &str, requirement: Requirement, extent: Extent) -> Report {
        let unasked = |check| Report { check, dnssec: None, mta_sts: None, hosts: Vec::new() };
        let domain = match domain_of(recipient) {
            Ok(domain) => domain,
            Err(reason) => return unasked(invalid(recipient, reason)),
        };
        match self.local.next_hop(&domain) {
            NextHop::Local => unasked(local(recipient)),
            NextHop::Domain(domain) => {
                let probe = self.courier.probe(&domain, requirement, extent).await;
                report(recipient, &probe, extent)
            }
        }
    }
}

fn report(recipient: &str, probe: &Probe, extent: Extent) -> Report {
    let facts = &probe.facts;
    let mut hosts: Vec<HostReport> = probe.hosts.iter().map(|host| HostReport::asked(host, facts)).collect();
    if extent == Extent::All {
        let missing =
            mx_hosts(facts).iter().filter(|host| probe.hosts.iter().all(|one| one.name != host.name));
        hosts.extend(missing.map(|host| HostReport::not_asked(host, facts)));
    }
    let dnssec = match &facts.mx {
        MxAnswer::Hosts { proof, .. } => Some(*proof),
        MxAnswer::NullMx | MxAnswer::NoSuchDomain | MxAnswer::Failed(_) => None,
    };
    let mta_sts = (facts.sts != Sts::None).then(|| StsReport {
        mode: facts.sts.policy().map(|policy| policy.mode),
        mx: facts.sts.policy().map(|policy| policy.mx.clone()).unwrap_or_default(),
        problem: facts.sts.problem().map(|(_, detail)| detail.to_owned()),
    });
    Report { check: outcome(recipient, probe), dnssec, mta_sts, hosts }
}

#[async_trait]
impl Checker for Checks {
    async fn check(&self, account: &str, recipients: Vec<String>) -> Vec<Check> {
        let Some(first) = recipients.first() else { return Vec::new() };
        // All are of one domain: one look is enough.
        let requirement = self.requirement(account).await;
        let found = self.one(first, requirement, Extent::FirstToServe).await.check;
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
    Check::new(recipient, ProtectionWord::Invalid, Outcome::Unknown, reason)
}

fn local(recipient: &str) -> Check {
    let reason = "The mailbox is on this server: the mail does not leave it";
    Check::new(recipient, ProtectionWord::Encrypted, Outcome::Deliver, reason)
}

fn outcome(recipient: &str, probe: &Probe) -> Check {
    let (protection, outcome, reason) = match &probe.conclusion {
        Ok(protection) => ((*protection).into(), Outcome::Deliver, delivers(probe)),
        Err(Conclusion::Stop(cause)) if cause.is_insecurity() => {
            (guarantee::Protection::None.into(), Outcome::Stop, cause.text())
        }
        // It would not be delivered, for a reason that has nothing to do with its protection.
        Err(Conclusion::Stop(cause)) => (ProtectionWord::Unknown, Outcome::Stop, cause.text()),
        Err(Conclusion::Defer(cause)) => (ProtectionWord::Unknown, Outcome::Defer, cause.text()),
    };
    let promised = promised(&probe.facts);
    Check { promised, ..Check::new(recipient, protection, outcome, reason) }
}

/// Whether the domain binds its senders: by DANE or by MTA-STS.
fn promised(facts: &Facts) -> bool {
    let policy = facts.sts.policy().is_some_and(|policy| policy.mode == StsMode::Enforce);
    let published = |host: &MxHost| match &host.tlsa {
        Tlsa::Published { records, .. } => records.iter().any(|record| record.usable().is_some()),
        Tlsa::None | Tlsa::Failed(_) => false,
    };
    policy || (facts.mx_proof() == Proof::Secure && mx_hosts(facts).iter().any(published))
}

fn delivers(probe: &Probe) -> String {
    let Some(host) = probe.hosts.iter().find(|host| host.found.is_ok()) else {
        return "would be delivered".to_owned();
    };
    match (&host.tls, &host.found) {
        (Some(tls), _) => {
            format!("{} offers {} ({}){}", host.name, tls.version, tls.cipher, by(&host.authentication))
        }
        (None, Ok(protection)) => format!("{}: {protection}", host.name),
        (None, Err(cause)) => cause.text(),
    }
}
