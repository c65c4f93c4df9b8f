//! What would protect mail to somebody: the delivery's own look-up and judgement, without a mail.

mod accounts;
mod kept;

use std::{fmt, path::Path, sync::Arc};

use anyhow::Context;
use api::{AuthenticatedBy, Check, Outcome, ProtectionWord};
use delivery::{Courier, Extent, HostProbe, MemoryPolicies, PolicyStore, Probe, Settings};
use guarantee::{
    Addresses, Authentication, Cause, Conclusion, Facts, MxAnswer, MxHost, Proof, Requirement, Sts, StsMode,
    Tlsa,
};
use serde::Serialize;
use small_internet::{Coordinates, World, WorldConfig};
use smtp::address::Mailbox as Address;
use store::NextHop;

use crate::{config::Config, demo, local::Local, operate::Place, policies::Policies, serve};

pub use accounts::Checks;

/// Looks at recipients by asking their hosts.
struct Looks {
    courier: Courier,
    local: Arc<Local>,
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
    let looks = Looks { courier, local: Arc::new(local) };
    let mut reports = Vec::new();
    for recipient in recipients {
        reports.push(looks.one(recipient, Requirement::Encrypted).await);
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

impl Looks {
    /// Looks at all hosts of one recipient, an address or a domain, as a mail with this requirement would find them.
    async fn one(&self, recipient: &str, requirement: Requirement) -> Report {
        let unasked = |check| Report { check, dnssec: None, mta_sts: None, hosts: Vec::new() };
        let domain = match domain_of(recipient) {
            Ok(domain) => domain,
            Err(reason) => return unasked(invalid(recipient, reason)),
        };
        match self.local.next_hop(&domain) {
            NextHop::Local => unasked(local(recipient)),
            NextHop::Domain(domain) => {
                report(recipient, &self.courier.probe(&domain, requirement, Extent::All).await)
            }
        }
    }
}

fn report(recipient: &str, probe: &Probe) -> Report {
    let facts = &probe.facts;
    let mut hosts: Vec<HostReport> = probe.hosts.iter().map(|host| HostReport::asked(host, facts)).collect();
    let missing = mx_hosts(facts).iter().filter(|host| probe.hosts.iter().all(|one| one.name != host.name));
    hosts.extend(missing.map(|host| HostReport::not_asked(host, facts)));
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
        Err(Conclusion::Stop(cause)) => (without(cause), Outcome::Stop, cause.text()),
        Err(Conclusion::Defer(cause)) => (ProtectionWord::Unknown, Outcome::Defer, cause.text()),
    };
    let mut check =
        Check { promised: promised(&probe.facts), ..Check::new(recipient, protection, outcome, reason) };
    match &probe.conclusion {
        Ok(_) => {
            let host = probe.hosts.iter().find(|host| host.found.is_ok());
            check.host = host.map(|host| host.name.clone());
            check.authenticated_by = host.and_then(|host| authenticated_by(&host.authentication));
        }
        Err(Conclusion::Stop(cause) | Conclusion::Defer(cause)) => {
            check.host = cause.host().map(|host| host.name.clone());
            check.cause = Some(cause.kind().to_owned());
        }
    }
    check
}

/// What mail that is stopped for this cause would be protected by, if nothing stopped it.
fn without(cause: &Cause) -> ProtectionWord {
    match cause {
        Cause::Downgrade { now, .. } => without(now),
        Cause::NotAuthenticated { .. } => ProtectionWord::Encrypted,
        cause if cause.is_insecurity() => ProtectionWord::None,
        // It would not be delivered, for a reason that has nothing to do with its protection.
        _ => ProtectionWord::Unknown,
    }
}

fn authenticated_by(authentication: &Authentication) -> Option<AuthenticatedBy> {
    match authentication {
        Authentication::Nothing | Authentication::UnprovenHost { .. } => None,
        Authentication::Certificate { .. } => Some(AuthenticatedBy::Certificate),
        Authentication::MtaSts { .. } => Some(AuthenticatedBy::MtaSts),
        Authentication::Dane { .. } => Some(AuthenticatedBy::Dane),
    }
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
        (None, Ok(_)) => format!("{} offers no usable TLS: mail would leave unencrypted", host.name),
        (None, Err(cause)) => cause.text(),
    }
}
