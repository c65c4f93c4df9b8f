//! What would protect mail to somebody: the delivery's own look-up and judgement, without a mail.

use api::{Check, Outcome, ProtectionWord};
use async_trait::async_trait;
use delivery::{Courier, Probe};
use guarantee::{Conclusion, Protection};
use smtp::address::Mailbox as Address;
use store::NextHop;

use crate::{acceptance::Local, http::Checker};

/// Checks recipients by asking their hosts.
pub struct Checks {
    courier: Courier,
    local: std::sync::Arc<Local>,
}

/// What a check of one recipient found, with its hosts.
#[derive(Clone, Debug)]
pub struct Found {
    /// As the API says it.
    pub check: Check,
    /// What was seen, if hosts were asked.
    pub probe: Option<Probe>,
}

impl Checks {
    /// Checks by this courier.
    pub fn new(courier: Courier, local: std::sync::Arc<Local>) -> Self {
        Self { courier, local }
    }

    /// Looks at one recipient: an address or a domain.
    pub async fn one(&self, recipient: &str) -> Found {
        let domain = match domain_of(recipient) {
            Ok(domain) => domain,
            Err(reason) => return Found { check: invalid(recipient, reason), probe: None },
        };
        match self.local.next_hop(&domain) {
            NextHop::Local => Found { check: local(recipient), probe: None },
            NextHop::Domain(domain) => {
                let probe = self.courier.probe(&domain).await;
                Found { check: outcome(recipient, &probe), probe: Some(probe) }
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
        Err(Conclusion::Stop(cause)) if cause.text().starts_with("TLS is required") => {
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
