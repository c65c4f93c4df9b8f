//! A behaviour made ready to be followed: with keys and certificates, and with the uses of its rules counted.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;

use crate::{
    ca::Ca,
    host::{Action, Behaviour, Rule, Stage, StartTls},
    tls,
};

pub(crate) struct Conduct {
    pub(crate) behaviour: Behaviour,
    /// What follows STARTTLS, where it is offered.
    pub(crate) tls: Option<tls::Ready>,
    /// With [`StartTls::UntilMail`]: there was a mail.
    stripped: AtomicBool,
    /// How often each rule has been followed.
    used: Mutex<Vec<u32>>,
}

impl Conduct {
    pub(crate) fn new(ca: &Ca, host: &str, behaviour: Behaviour) -> Result<Self> {
        let tls = match &behaviour.starttls {
            StartTls::NotOffered => None,
            StartTls::Offered(handshake)
            | StartTls::UntilMail(handshake)
            | StartTls::Injecting { handshake, .. } => Some(tls::Ready::new(ca, host, handshake)?),
        };
        let used = Mutex::new(vec![0; behaviour.rules.len()]);
        Ok(Self { behaviour, tls, stripped: AtomicBool::new(false), used })
    }

    /// The time this host takes before a reply.
    pub(crate) async fn pause(&self) {
        if !self.behaviour.pace.is_zero() {
            tokio::time::sleep(self.behaviour.pace).await;
        }
    }

    pub(crate) fn offers_starttls(&self) -> bool {
        match self.behaviour.starttls {
            StartTls::NotOffered => false,
            StartTls::UntilMail(_) => !self.stripped.load(Ordering::SeqCst),
            StartTls::Offered(_) | StartTls::Injecting { .. } => true,
        }
    }

    /// A mail has come completely.
    pub(crate) fn count_mail(&self) -> Mail {
        if !matches!(self.behaviour.starttls, StartTls::UntilMail(_)) {
            Mail::Ordinary
        } else if self.stripped.swap(true, Ordering::SeqCst) {
            Mail::AfterTheLastInTls
        } else {
            Mail::LastInTls
        }
    }

    /// The mail counted as [`Mail::LastInTls`] could not be kept.
    pub(crate) fn uncount_mail(&self) {
        self.stripped.store(false, Ordering::SeqCst);
    }

    /// The first rule from number `from` on that applies, and one use of it.
    pub(crate) fn action(&self, from: usize, stage: Stage, locals: &[&str]) -> Option<(usize, &Action)> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rules = self.behaviour.rules.iter().enumerate().skip(from);
        let (at, rule) = rules
            .find(|(at, rule)| applies(rule, stage, locals) && rule.times.is_none_or(|n| used[*at] < n))?;
        used[at] += 1;
        Some((at, &rule.action))
    }
}

/// What a mail means for STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mail {
    /// Nothing.
    Ordinary,
    /// STARTTLS is offered no more.
    LastInTls,
    /// STARTTLS is gone already.
    AfterTheLastInTls,
}

fn applies(rule: &Rule, stage: Stage, locals: &[&str]) -> bool {
    rule.stage == stage && rule.local_part.as_deref().is_none_or(|local| locals.contains(&local))
}
