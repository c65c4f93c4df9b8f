//! Finds the languages of the reports, and gives the page's folder a place before it is embedded: without the folder the macro
//! could not tell where a page that is built later will lie.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let site = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/www"));
    // Where that is not allowed there is no page to embed either.
    let _not_there = fs::create_dir_all(site);
    // A debug build reads the page at run time; a release build contains it.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed={}", site.display());
    }
    languages()
}

/// Every folder of the plugin's catalogue is a language, in the order of their names.
fn languages() -> io::Result<()> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin/locales"));
    println!("cargo:rerun-if-changed={}", folder.display());
    let languages = fs::read_dir(folder)?.map(|entry| Ok(entry?.path().join("bounce.json")));
    let mut languages = languages.collect::<io::Result<Vec<PathBuf>>>()?;
    languages.sort();
    let included: Vec<String> = languages.iter().map(|path| format!("include_str!({path:?})")).collect();
    let code = format!("const CATALOGUES: &[&str] = &[{}];\n", included.join(", "));
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("catalogues.rs"), code)
}
