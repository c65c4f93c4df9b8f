//! `tls-guarantee demo`: the server in a small internet of its own.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use axum::{Json, Router, extract::State, routing::get};
use delivery::{DnsServers, Dnssec, Ownership, Settings};
use jiff::SignedDuration;
use small_internet::{Coordinates, Delivery, World, WorldConfig};
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::AccountError,
    config::{Listen, certificates},
    http::Scheme,
    local::Local,
    node::{Node, NodeConfig, stopped_by_signal},
    submission::self_signed,
};

/// The demo's own domain and server name.
pub const DOMAIN: &str = "home.example";

/// The demo's users, with the password `demo`.
const USERS: [&str; 2] = ["alice@home.example", "bob@home.example"];

/// The file that tells a demo's data directory from another.
const MARK: &str = "small-internet.json";

/// What `tls-guarantee demo` was asked for.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where to listen.
    pub listen: Listen,
    /// Where to keep everything; a temporary directory when absent.
    pub data: Option<PathBuf>,
}

/// Runs the demo until SIGTERM or Ctrl-C.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let temporary = match &options.data {
        Some(_) => None,
        None => Some(TemporaryDirectory::new()?),
    };
    let data = match (&options.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(temporary)) => temporary.0.clone(),
        (None, None) => PathBuf::new(),
    };
    std::fs::create_dir_all(&data).with_context(|| format!("--data {}", data.display()))?;
    let world =
        Arc::new(World::start(WorldConfig::new(&data)).await.context("the small internet could not start")?);
    let mut node = Node::open(node_config(&data, options.listen, &world)?).await?;
    add_users(&node).await?;
    node.merge(deliveries(Arc::clone(&world)));
    let addresses = node.addresses();
    if let Some(mx) = addresses.mx {
        world.set_home(mx);
    }
    announce(&addresses);
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let signal = tokio::spawn(async move {
        let stopped = stopped_by_signal().await;
        stopper.cancel();
        stopped
    });
    node.run(stop).await;
    world.shutdown().await;
    signal.await??;
    drop(temporary);
    Ok(())
}

/// Whether this is a demo's data directory.
pub fn is_demo(data: &Path) -> bool {
    data.join(MARK).exists()
}

/// What is at home in the demo.
pub fn local() -> Local {
    Local {
        server_name: DOMAIN.to_owned(),
        domains: vec![DOMAIN.to_owned()],
        postmaster: Some(USERS[0].to_owned()),
    }
}

/// How mail leaves into a small internet. Fails when its trust anchor can't be read.
pub fn settings(world: &Coordinates) -> anyhow::Result<Settings> {
    let anchor = std::fs::read_to_string(&world.trust_anchor)
        .with_context(|| format!("the small internet's {}", world.trust_anchor.display()))?;
    Ok(Settings {
        hello_name: DOMAIN.to_owned(),
        own: Ownership { names: vec![DOMAIN.to_owned()], addresses: Vec::new(), loopback_is_the_world: true },
        dns: DnsServers::At(vec![world.dns]),
        dnssec: Dnssec::Validate { anchor },
        port: world.smtp_port,
        https_port: world.https_port,
        roots: certificates(&world.ca).with_context(|| world.ca.display().to_string())?,
        policies: Arc::new(delivery::MemoryPolicies::default()),
        routes: std::collections::HashMap::new(),
    })
}

fn node_config(data: &Path, listen: Listen, world: &World) -> anyhow::Result<NodeConfig> {
    let names = vec![DOMAIN.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    Ok(NodeConfig {
        local: local(),
        data: data.to_owned(),
        listen,
        certificate: self_signed(data, names)?,
        settings: settings(world.coordinates())?,
        signer: None,
        tls_reporter: None,
        scheme: Scheme::Http,
        keep: SignedDuration::from_hours(30 * 24),
    })
}

async fn add_users(node: &Node) -> anyhow::Result<()> {
    for user in USERS {
        match node.accounts().add(user, "demo").await {
            Ok(_) | Err(AccountError::Store(StoreError::Exists(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn announce(addresses: &crate::node::Addresses) {
    let lines = [
        ("submission (STARTTLS)", addresses.submission),
        ("submission (implicit TLS)", addresses.submissions),
        ("incoming mail", addresses.mx),
        ("mail store's entry", addresses.store),
    ];
    for (name, address) in lines {
        if let Some(address) = address {
            println!("{name}: {address}");
        }
    }
    println!("users: {}, password: demo", USERS.join(" and "));
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
