//! The arrows of the design: which crate may use which, and which may touch neither network, disk nor clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The workspace's crates, lowest layer first: a crate may use only crates of the layers before its own.
const LAYERS: &[&[&str]] = &[
    &["guarantee"],
    &["bounce", "api", "smtp"],
    &["delivery", "store", "tlsrpt", "plugin", "small-internet"],
    &["server", "webmail", "roundcube"],
    &["module"],
    &["black-box", "xtask"],
];

/// They know no I/O, clock or randomness: the caller passes all that in.
const PURE: &[&str] = &["guarantee", "bounce", "api", "smtp"];

/// Libraries that do I/O or make chance; a pure crate may not even bring them along.
const IMPURE_LIBRARIES: &[&str] = &[
    "axum",
    "getrandom",
    "hickory-resolver",
    "hyper",
    "mio",
    "openssl",
    "rand",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "tokio",
    "tokio-rustls",
    "wasm-bindgen",
    "web-sys",
];

/// The same within the standard library and in `jiff`, as it would stand in the source.
const IMPURE_NAMES: &[&str] = &[
    "std::env",
    "std::fs",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "eprintln!",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Package name → names of the packages that it uses itself, without tests' and builds' own.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(workspace())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let name_of: BTreeMap<&str, &str> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let mut dependencies = BTreeMap::<String, BTreeSet<String>>::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let used = list(&node["deps"])
            .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()))
            .map(|dependency| name_of[text(&dependency["pkg"])].to_owned());
        dependencies.entry(name_of[text(&node["id"])].to_owned()).or_default().extend(used);
    }
    dependencies
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// All that `package` brings along, over any number of steps.
fn reach(dependencies: &BTreeMap<String, BTreeSet<String>>, package: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(next) = open.pop() {
        for used in dependencies.get(&next).into_iter().flatten() {
            if reached.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    reached
}

fn layer(package: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&package))
}

#[test]
fn arrows_point_down_only() {
    let dependencies = dependencies();
    let members = fs::read_dir(workspace().join("crates")).expect("crates");
    for member in members {
        let name = member.expect("a folder").file_name().into_string().expect("UTF-8");
        let own = layer(&name).unwrap_or_else(|| panic!("{name} has no layer: give it one in this test"));
        for used in &dependencies[&name] {
            let Some(theirs) = layer(used) else { continue };
            assert!(theirs < own, "{name} uses {used}, which is not below it");
        }
    }
}

#[test]
fn the_small_internet_shares_no_code_with_the_server() {
    let reached = reach(&dependencies(), "small-internet");
    for ours in ["smtp", "delivery", "store", "server"] {
        assert!(
            !reached.contains(ours),
            "small-internet links {ours}: a peer that shares our code proves nothing"
        );
    }
}

#[test]
fn the_black_box_tests_know_only_the_types_on_the_wire() {
    let reached = reach(&dependencies(), "black-box");
    for ours in ["bounce", "smtp", "delivery", "store", "server", "small-internet"] {
        assert!(!reached.contains(ours), "the black-box tests link {ours}");
    }
}

#[test]
fn the_browser_links_nothing_of_the_server() {
    let dependencies = dependencies();
    for page in ["plugin", "webmail", "roundcube", "module"] {
        let reached = reach(&dependencies, page);
        for servers in ["smtp", "delivery", "store", "server", "small-internet", "tokio"] {
            assert!(!reached.contains(servers), "{page} links {servers}");
        }
    }
}

#[test]
fn pure_crates_link_no_io() {
    let dependencies = dependencies();
    for pure in PURE {
        let reached = reach(&dependencies, pure);
        for impure in IMPURE_LIBRARIES {
            assert!(!reached.contains(*impure), "{pure} links {impure}");
        }
    }
}

#[test]
fn pure_crates_name_no_io() {
    for pure in PURE {
        let folder = workspace().join("crates").join(pure).join("src");
        for file in sources(&folder) {
            let source = fs::read_to_string(&file).expect("a source file");
            let own = source.split("#[cfg(test)]").next().unwrap_or_default();
            for line in own.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for name in IMPURE_NAMES {
                    assert!(!line.contains(name), "{} names {name}: {}", file.display(), line.trim());
                }
            }
        }
    }
}

/// The Rust files below `folder`, without those that hold tests only.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}
