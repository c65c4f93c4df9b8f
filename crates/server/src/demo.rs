//! `tls-guarantee demo`: the server in a small internet of its own.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use axum::{Json, Router, extract::State, routing::get};
use delivery::{DnsServers, Dnssec, Ownership, Settings};
use serde::{Deserialize, Serialize};
use small_internet::{Coordinates, Delivery, World, WorldConfig};
use store::StoreError;

use crate::{
    accounts::AccountError,
    config::{Config, Listen, Place, certificates},
    local::Local,
    node::{Node, stopped_by_signal},
    serve,
};

/// The demo's own domain and server name, if no configuration gives others.
const DOMAIN: &str = "home.example";

/// The demo's users, with the password `demo`; the first is postmaster.
const USERS: [&str; 2] = ["alice", "bob"];

/// Where the demo listens, if nothing else says it.
const HTTP: &str = "127.0.0.1:8080";
const SUBMISSION: &str = "127.0.0.1:5870";
const SUBMISSIONS: &str = "127.0.0.1:4650";
const MX: &str = "127.0.0.1:2525";
const STORE: &str = "127.0.0.1:2626";

/// The file that tells a demo's data directory from another.
const MARK: &str = "small-internet.json";

/// The file that says what is at home in a demo.
const HOME: &str = "home.json";

/// What is at home in a demo, for commands that know only its data directory.
#[derive(Serialize, Deserialize)]
struct Home {
    name: String,
    domains: Vec<String>,
}

/// What `tls-guarantee demo` was asked for.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The server that is tried out; the demo's own when absent.
    pub config: Option<Config>,
    /// Where to listen, before all that the configuration says.
    pub listen: Listen,
    /// Where to keep everything, likewise; with neither, a temporary directory.
    pub data: Option<PathBuf>,
}

/// Runs the demo until SIGTERM or Ctrl-C.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let (config, temporary) = config(options)?;
    let data = &config.data;
    std::fs::create_dir_all(data).with_context(|| format!("data = {}: can't be made", data.display()))?;
    let world =
        Arc::new(World::start(WorldConfig::new(data)).await.context("the small internet could not start")?);
    let way_out = settings(&config.name, world.coordinates())?;
    let mut node = Node::open(serve::node_config(&config, way_out)?).await?;
    let home = Home { name: config.name.clone(), domains: config.domains.clone() };
    std::fs::write(data.join(HOME), serde_json::to_vec(&home)?)
        .with_context(|| format!("{}/{HOME}", data.display()))?;
    let users = users(&config);
    add_users(&node, &users).await?;
    node.merge(deliveries(Arc::clone(&world)));
    let addresses = node.addresses();
    if let Some(mx) = addresses.mx {
        world.set_home(mx);
    }
    let stop = stopped_by_signal()?;
    announce(&addresses, &users);
    node.run(stop).await;
    world.shutdown().await;
    drop(temporary);
    Ok(())
}

/// Whether this is a demo's data directory.
pub fn is_demo(data: &Path) -> bool {
    data.join(MARK).exists()
}

/// What is at home in the demo, if no configuration says it.
pub fn local() -> Local {
    own_config(PathBuf::new()).local()
}

/// What is at home in the demo that has its data here.
pub fn local_of(data: &Path) -> Local {
    let home = std::fs::read(data.join(HOME)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    match home {
        Some(Home { name, domains }) => Local { server_name: name, domains, ..local() },
        None => local(),
    }
}

/// How mail leaves into a small internet, from a server of this name. Fails when its trust anchor can't be read.
pub fn settings(name: &str, world: &Coordinates) -> anyhow::Result<Settings> {
    let anchor = std::fs::read_to_string(&world.trust_anchor)
        .with_context(|| format!("the small internet's {}", world.trust_anchor.display()))?;
    Ok(Settings {
        hello_name: name.to_owned(),
        own: Ownership { names: vec![name.to_owned()], addresses: Vec::new(), loopback_is_the_world: true },
        dns: DnsServers::At(vec![world.dns]),
        dnssec: Dnssec::Validate { anchor },
        port: world.smtp_port,
        https_port: world.https_port,
        roots: certificates(&world.ca).with_context(|| world.ca.display().to_string())?,
        policies: Arc::new(delivery::MemoryPolicies::default()),
        // A configured route would lead out of the small internet.
        routes: std::collections::HashMap::new(),
    })
}

/// The server to run, with the directory that goes with it if its data have no other place.
fn config(options: DemoOptions) -> anyhow::Result<(Config, Option<TemporaryDirectory>)> {
    let DemoOptions { config, listen, data } = options;
    let (mut config, temporary) = match (config, &data) {
        (Some(config), _) => (config, None),
        (None, Some(data)) => (own_config(data.clone()), None),
        (None, None) => {
            let temporary = TemporaryDirectory::new()?;
            (own_config(temporary.0.clone()), Some(temporary))
        }
    };
    config.listen = listen.or(config.listen);
    config.data = data.unwrap_or(config.data);
    Ok((config, temporary))
}

fn own_config(data: PathBuf) -> Config {
    let at = |address: &str| address.parse().ok();
    let listen = Listen {
        http: at(HTTP),
        submission: at(SUBMISSION),
        submissions: at(SUBMISSIONS),
        mx: at(MX),
        store: at(STORE).map(Place::Tcp),
        relay: None,
        socketmap: None,
    };
    let postmaster = USERS.first().map(|user| format!("{user}@{DOMAIN}"));
    Config { domains: vec![DOMAIN.to_owned()], postmaster, listen, ..Config::new(DOMAIN.to_owned(), data) }
}

/// The users the demo makes: none where Dovecot has them.
fn users(config: &Config) -> Vec<String> {
    match (&config.users.dovecot, config.domains.first()) {
        (None, Some(domain)) => USERS.iter().map(|user| format!("{user}@{domain}")).collect(),
        (None, None) | (Some(_), _) => Vec::new(),
    }
}

async fn add_users(node: &Node, users: &[String]) -> anyhow::Result<()> {
    for user in users {
        match node.accounts().add(user, "demo").await {
            Ok(_) | Err(AccountError::Store(StoreError::Exists(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn announce(addresses: &crate::node::Addresses, users: &[String]) {
    let lines = [
        ("submission (STARTTLS)", addresses.submission.map(Place::Tcp)),
        ("submission (implicit TLS)", addresses.submissions.map(Place::Tcp)),
        ("incoming mail", addresses.mx.map(Place::Tcp)),
        ("mail store's entry", addresses.store.clone()),
        ("other mail server's entry", addresses.relay.clone()),
        ("other mail server's socketmap", addresses.socketmap.clone()),
    ];
    for (name, place) in lines {
        if let Some(place) = place {
            println!("{name}: {place}");
        }
    }
    if !users.is_empty() {
        println!("users: {}, password: demo", users.join(" and "));
    }
    if let Some(http) = addresses.http {
        println!("ready: http://{}", reachable(http));
    }
}

/// An address that a browser can open, also when the server listens at all of them.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new([127, 0, 0, 1].into(), address.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

fn deliveries(world: Arc<World>) -> Router {
    Router::new().route("/demo/deliveries", get(list)).with_state(world)
}

async fn list(State(world): State<Arc<World>>) -> Json<Vec<Delivery>> {
    Json(world.deliveries())
}

/// A directory that goes with the demo.
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn new() -> anyhow::Result<Self> {
        let name = format!("tls-guarantee-demo-{}", crate::acceptance::new_queue_id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}
