//! Gives the page's folder a place before it is embedded: without the folder the macro could not tell where a page
//! that is built later will lie.

use std::fs;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let site = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/www"));
    // Where that is not allowed there is no page to embed either.
    let _not_there = fs::create_dir_all(site);
    // A debug build reads the page at run time; a release build contains it.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed={}", site.display());
    }
}
