//! `tls-guarantee serve`: the real server.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};

use anyhow::Context;
use delivery::{Ownership, Settings};
use jiff::SignedDuration;

use crate::{
    config::{Config, Listen, WebmailKey, WebmailOptions},
    http::Scheme,
    listener::Guests,
    local::Local,
    node::{LocalGuests, Node, NodeConfig, stopped_by_signal},
    senders,
    srs::Srs,
    submission::{Certificate, self_signed},
};

/// The port of MX hosts (RFC 5321 §4.5.4.2).
const SMTP: u16 = 25;

/// Runs the server until SIGTERM or Ctrl-C.
pub async fn run(config: Config) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.data).with_context(|| format!("data = {}", config.data.display()))?;
    let node = Node::open(node_config(&config, settings(&config)?)?).await?;
    let stop = stopped_by_signal()?;
    if let Some(http) = node.addresses().http {
        println!("ready: http://{http}");
    } else {
        println!("ready");
    }
    node.run(stop).await;
    Ok(())
}

/// Whether all that the configuration names can be used, without leaving anything behind.
pub fn check(config: &Config) -> anyhow::Result<()> {
    settings(config)?;
    config.signer()?;
    config.reporter()?;
    webmail_keys(config)?;
    if let Some(options) = &config.senders {
        senders::check(options)?;
    }
    guests(config)?;
    srs(config)?;
    if let Some(files) = &config.tls {
        Certificate::read(&files.certificate, &files.key).context("tls")?;
    }
    Ok(())
}

/// The configured server, whose mail leaves as `settings` say. Fails when a file that the configuration names can't be
/// used.
pub fn node_config(config: &Config, settings: Settings) -> anyhow::Result<NodeConfig> {
    let hours = i64::from(config.keep_days) * 24;
    Ok(NodeConfig {
        local: Local { srs: srs(config)?, ..config.local() },
        data: config.data.clone(),
        listen: config.listen.clone(),
        guests: guests(config)?,
        relay_transport: config.relay.transport.clone(),
        certificate: certificate(config, &config.data)?,
        settings,
        signer: config.signer()?,
        tls_reporter: config.reporter()?,
        dovecot: config.users.dovecot.clone(),
        senders: config.senders.clone(),
        webmail: webmail_keys(config)?,
        scheme: if config.https { Scheme::Https } else { Scheme::Http },
        keep: SignedDuration::from_hours(hours),
    })
}

/// How mail leaves from a configured server. Fails when a file that the configuration names can't be read.
pub fn settings(config: &Config) -> anyhow::Result<Settings> {
    Ok(Settings {
        hello_name: config.name.clone(),
        own: Ownership {
            names: vec![config.name.clone()],
            addresses: own_addresses(&config.listen),
            loopback_is_the_world: false,
        },
        dns: config.dns(),
        dnssec: config.dnssec()?,
        port: SMTP,
        https_port: 443,
        roots: config.roots()?,
        policies: std::sync::Arc::new(delivery::MemoryPolicies::default()),
        routes: config.routes(),
    })
}

/// Addresses the server is known to have: mail that MX records lead there would go round in a circle.
fn own_addresses(listen: &Listen) -> Vec<IpAddr> {
    listen.addresses().iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified()).collect()
}

fn webmail_keys(config: &Config) -> anyhow::Result<Vec<WebmailKey>> {
    config.webmail.as_ref().map(WebmailOptions::keys).transpose().map(Option::unwrap_or_default)
}

fn srs(config: &Config) -> anyhow::Result<Option<Srs>> {
    let Some(options) = &config.store.srs else { return Ok(None) };
    Ok(Some(Srs::new(options.domain.clone(), &options.secret()?)))
}

fn guests(config: &Config) -> anyhow::Result<LocalGuests> {
    Ok(LocalGuests {
        store: Guests::new("store.users", &config.store.users)?,
        relay: Guests::new("relay.users", &config.relay.users)?,
    })
}

fn certificate(config: &Config, data: &Path) -> anyhow::Result<Certificate> {
    match &config.tls {
        Some(files) => Certificate::read(&files.certificate, &files.key).context("tls"),
        // Who connects on this machine does not know the name.
        None => self_signed(data, [&config.name, "localhost", "127.0.0.1"].map(str::to_owned).to_vec()),
    }
}
