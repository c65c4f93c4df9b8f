//! `cargo xtask package`: what an administrator gets, as two archives. In the one Roundcube's plugin with the module built
//! in, in the other the server with what systemd needs.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::ARCH;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::{files_below, remove_folder};
use crate::progress::{Progress, cargo, run};
use crate::{browser, setup};

/// Where the archives come to lie.
const PLACE: &str = "target/package";
/// The plugin but for the module.
const PLUGIN: &str = "www/roundcube/tls_guarantee";
/// What comes with the server.
const BESIDE_SERVER: &str = "crates/server/packaging";
const SERVER: &str = "target/release/tls-guarantee";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is in an archive, by path.
type Files = BTreeMap<PathBuf, PackedFile>;

struct PackedFile {
    source: PathBuf,
    is_program: bool,
}

/// Builds everything and writes the archives.
///
/// # Errors
/// When something cannot be built or written.
pub(crate) fn package(progress: &Progress) -> anyhow::Result<()> {
    setup::packages(progress, setup::BUILD)?;
    browser::build(progress)?;
    progress.say("building the server for release");
    run(cargo().args(["build", "--release", "--bin", "tls-guarantee"]))?;
    plugin(progress)?;
    let server = format!("tls-guarantee-{VERSION}-{ARCH}-linux");
    let archives = [
        (format!("tls_guarantee-{VERSION}.tar.gz"), plugin_files()?),
        (format!("{server}.tar.gz"), server_files(&server)?),
    ];
    let time = time_of_commit();
    for (name, files) in archives {
        let path = Path::new(PLACE).join(name);
        let archive = File::create(&path).with_context(|| path.display().to_string())?;
        write(archive, &files, time).with_context(|| path.display().to_string())?;
        progress.say(&format!("written: {}", path.display()));
    }
    Ok(())
}

/// Lays out the plugin's folder as it is unpacked into Roundcube's, from the module as it was built last.
///
/// # Errors
/// When the module has not been built, or a file cannot be written.
pub(crate) fn plugin(progress: &Progress) -> anyhow::Result<PathBuf> {
    progress.say("laying out Roundcube's plugin in target/package");
    let (place, new) = (Path::new(PLACE), Path::new(PLACE).join("new"));
    remove_folder(&new)?;
    for (name, file) in plugin_files()? {
        let copy = new.join(name);
        fs::create_dir_all(copy.parent().unwrap_or(&new))?;
        fs::copy(&file.source, copy).with_context(|| file.source.display().to_string())?;
    }
    let laid_out = place.join("tls_guarantee");
    remove_folder(&laid_out)?;
    fs::rename(new.join("tls_guarantee"), &laid_out)?;
    remove_folder(&new)?;
    Ok(laid_out)
}

fn plugin_files() -> anyhow::Result<Files> {
    let folder = Path::new("tls_guarantee");
    let mut files = folder_as(Path::new(PLUGIN), folder)?;
    for source in files_below(Path::new(browser::SITE))? {
        let name = source.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_of_module(name) {
            files.insert(folder.join("module").join(name), PackedFile { source, is_program: false });
        }
    }
    Ok(files)
}

/// Whether the plugin hands this file out: the browser's glue, and the code as it is and compressed.
fn is_of_module(name: &str) -> bool {
    name.starts_with(browser::MODULE) && [".js", ".wasm", ".wasm.br"].iter().any(|end| name.ends_with(end))
}

fn server_files(folder: &str) -> anyhow::Result<Files> {
    let mut files = folder_as(Path::new(BESIDE_SERVER), Path::new(folder))?;
    let server = PackedFile { source: SERVER.into(), is_program: true };
    files.insert(Path::new(folder).join("tls-guarantee"), server);
    Ok(files)
}

/// The files of a folder, as they are under another name.
fn folder_as(folder: &Path, name: &Path) -> anyhow::Result<Files> {
    let packed = |source: PathBuf| {
        let path = name.join(source.strip_prefix(folder)?);
        Ok((path, PackedFile { source, is_program: false }))
    };
    files_below(folder)?.into_iter().map(packed).collect()
}

/// When what is packed was committed, in seconds since 1970: two builds of one commit are equal.
fn time_of_commit() -> u64 {
    let log = Command::new("git").args(["log", "-1", "--format=%ct"]).output();
    log.ok().and_then(|log| String::from_utf8(log.stdout).ok()?.trim().parse().ok()).unwrap_or_default()
}

/// Writes an archive whose files and folders belong to root and can be read by all.
fn write(archive: impl std::io::Write, files: &Files, time: u64) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(archive, Compression::best()));
    let header = |kind: tar::EntryType, mode: u32| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        header
    };
    for folder in folders_of(files) {
        tar.append_data(&mut header(tar::EntryType::Directory, 0o755), folder, std::io::empty())?;
    }
    for (path, file) in files {
        let mut content = File::open(&file.source).with_context(|| file.source.display().to_string())?;
        let mut header = header(tar::EntryType::Regular, if file.is_program { 0o755 } else { 0o644 });
        header.set_size(content.metadata()?.len());
        tar.append_data(&mut header, path, &mut content)?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// The folders that the files are in, outer ones first.
fn folders_of(files: &Files) -> BTreeSet<&Path> {
    files.keys().flat_map(|path| path.ancestors().skip(1)).filter(|path| path.parent().is_some()).collect()
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;

    use super::*;

    fn workspace(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
    }

    #[test]
    fn the_plugin_is_one_folder_that_all_can_read() {
        let files = folder_as(&workspace(PLUGIN), Path::new("tls_guarantee")).expect("there");
        let mut packed = Vec::new();
        write(&mut packed, &files, 1_000_000_000).expect("written");
        let mut again = Vec::new();
        write(&mut again, &files, 1_000_000_000).expect("written");
        assert_eq!(packed, again);

        let mut archive = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let mut names = Vec::new();
        for entry in archive.entries().expect("an archive") {
            let entry = entry.expect("a file");
            let header = entry.header();
            let mode = if header.entry_type().is_dir() { 0o755 } else { 0o644 };
            assert_eq!(
                (header.mode().expect("a mode"), header.mtime().expect("a time")),
                (mode, 1_000_000_000)
            );
            if header.entry_type().is_file() {
                names.push(entry.path().expect("a name").display().to_string());
            }
        }
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| name.starts_with("tls_guarantee/")), "{names:?}");
        // What Roundcube looks for by these names.
        for name in [
            "boot.js",
            "composer.json",
            "config.inc.php.dist",
            "localization/en_US.inc",
            "localization/de_DE.inc",
            "skins/elastic/templates/account.html",
            "skins/elastic/tls_guarantee.css",
            "tls_guarantee.php",
        ] {
            assert!(names.contains(&format!("tls_guarantee/{name}")), "{name} in {names:?}");
        }
    }

    #[test]
    fn a_program_can_be_run() {
        let file = PackedFile { source: workspace("Cargo.toml"), is_program: true };
        let mut packed = Vec::new();
        write(&mut packed, &Files::from([("a/b".into(), file)]), 1).expect("written");
        let mut archive = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let entry = archive.entries().expect("an archive").last().expect("one").expect("a file");
        assert_eq!(entry.header().mode().expect("a mode"), 0o755);
        assert_eq!(entry.path().expect("a name").as_ref(), Path::new("a/b"));
    }
}
