//! The browser's part: the page of `www/` with the compiled module, ready to be served from `target/www/`.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::{files_below, remove_folder};
use crate::parts;
use crate::progress::{Progress, run};
use crate::setup;
use crate::wasm::{Compiler, TARGET, TARGET_DIR};

/// What the server serves.
pub(crate) const SITE: &str = "target/www";
/// The module in the pseudo-language (`crates/plugin/pseudo.rs`) with its glue: for a test, and never shipped.
const PSEUDO_SITE: &str = "target/www-xx";
/// The hash of what `SITE` was made from.
const STAMP: &str = "target/www.stamp";
/// Programs fetched for the build.
const TOOLS: &str = "target/tools";
/// The optimiser, from npm: Debian's is too old for tables of references, and its modules do not start.
const BINARYEN: &str = "binaryen@132.0.0";
/// The features that rustc's wasm32 code has by default.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
/// How to make a part small.
const WASM_OPT: &[&str] = &[
    "--strip-debug",
    "--strip-producers",
    // A flat module is optimised further, and again for size when its loops have been found anew.
    "--flatten",
    "--rereloop",
    "-O3",
    "-Oz",
];
/// How the names of the module's files begin.
pub(crate) const MODULE: &str = "tls_guarantee";
/// The name of the part that every page loads.
pub(crate) const EVERY_PAGE: &str = "bg";
/// Within `www/`, but no part of the site: what is put into other webmails.
const OTHERS: &str = "www/roundcube";
/// What compresses well; pictures and fonts are compressed already.
const COMPRESSIBLE: &[&str] = &["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// What travels to the browser: bytes after brotli.
pub(crate) struct Sizes {
    /// The module's parts by name.
    pub(crate) parts: BTreeMap<String, u64>,
    /// The scripts and styles of each host.
    pub(crate) beside: [(&'static str, u64); 2],
}

/// Compiles the module, lays out the site (quick when nothing changed), and gives its sizes.
///
/// # Errors
/// When a compiler is missing, the code does not compile, or a file cannot be written.
pub(crate) fn build(progress: &Progress) -> anyhow::Result<Sizes> {
    let compiler = Compiler::get(progress)?;
    progress.say("building the browser module");
    compile(&compiler, &[])?;
    let compiled = compiled();
    let stamp = stamp(&compiled)?;
    if fs::read_to_string(STAMP).is_ok_and(|previous| previous == stamp) && Path::new(SITE).is_dir() {
        progress.say("the page is up to date");
    } else {
        progress.say("laying out the page in target/www");
        lay_out(&compiled)?;
        fs::write(STAMP, stamp)?;
    }
    sizes()
}

/// The sizes of what is in the site.
fn sizes() -> anyhow::Result<Sizes> {
    let (mut parts, mut webmail, mut roundcube) = (BTreeMap::new(), 0, 0);
    for file in files_below(Path::new(SITE))? {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = name.strip_suffix(".br") else { continue };
        let bytes = fs::metadata(&file)?.len();
        let of_module = name.strip_prefix(MODULE);
        if let Some((part, _)) =
            of_module.filter(|_| name.ends_with(".wasm")).and_then(|rest| rest.split_once('.'))
        {
            parts.insert(part.trim_start_matches('_').to_owned(), bytes);
        } else if name.ends_with(".js") || name.ends_with(".css") {
            webmail += bytes;
            roundcube += if of_module.is_some() { bytes } else { 0 };
        }
    }
    for file in files_below(Path::new(OTHERS))? {
        if file.extension().is_some_and(|end| end == "js" || end == "css") {
            roundcube += packed(&fs::read(file)?)?.len() as u64;
        }
    }
    Ok(Sizes { parts, beside: [("the reference webmail", webmail), ("Roundcube", roundcube)] })
}

/// Compiles the module with the pseudo-language for the test that shows the page in it.
///
/// # Errors
/// See [`build`].
pub(crate) fn build_pseudo(progress: &Progress) -> anyhow::Result<()> {
    progress.say("building the browser module in the pseudo-language");
    compile(&Compiler::get(progress)?, &["--features", "pseudo-locale"])?;
    remove_folder(Path::new(PSEUDO_SITE))?;
    bind(&compiled(), Path::new(PSEUDO_SITE))
}

fn compile(compiler: &Compiler, features: &[&str]) -> anyhow::Result<()> {
    let module = ["--package", "module", "--bin", MODULE, "--profile", "wasm"];
    run(compiler.cargo("rustc").args(module).args(features).args(["--", parts::LINKER]))
}

/// Writes the module's parts with their glue.
fn bind(compiled: &Path, site: &Path) -> anyhow::Result<()> {
    parts::bind(compiled, site, Command::new(optimiser()?.join("wasm-merge")).args(FEATURES))
}

/// Where cargo puts the module.
fn compiled() -> PathBuf {
    [TARGET_DIR, TARGET, "wasm", "tls_guarantee.wasm"].iter().collect()
}

/// Bytes in KiB.
#[expect(clippy::cast_precision_loss, reason = "a size to be read by people")]
pub(crate) fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

/// Compares what the page is made from, by content.
fn stamp(compiled: &Path) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    (FEATURES, WASM_OPT).hash(&mut hasher);
    fs::read(compiled).with_context(|| compiled.display().to_string())?.hash(&mut hasher);
    for file in page()? {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Makes the whole site beside the old one and changes them over, so that no half of one is ever served.
fn lay_out(compiled: &Path) -> anyhow::Result<()> {
    let new = PathBuf::from(format!("{SITE}.new"));
    remove_folder(&new)?;
    fs::create_dir_all(&new)?;
    for file in page()? {
        let copy = new.join(file.strip_prefix("www")?);
        fs::create_dir_all(copy.parent().unwrap_or(&new))?;
        fs::copy(&file, copy)?;
    }
    bind(compiled, &new)?;
    let program = optimiser()?.join("wasm-opt");
    for file in files_below(&new)?.iter().filter(|file| file.extension().is_some_and(|end| end == "wasm")) {
        run(Command::new(&program).args(FEATURES).args(WASM_OPT).arg("-o").arg(file).arg(file))?;
    }
    for file in files_below(&new)? {
        let extension = file.extension().unwrap_or_default();
        if COMPRESSIBLE.iter().any(|compressible| extension == *compressible) {
            compress(&file)?;
        }
    }
    remove_folder(Path::new(SITE))?;
    fs::rename(new, SITE)?;
    Ok(())
}

/// The programs that make a module smaller, not different, and put several into one; fetched if they are not there.
fn optimiser() -> anyhow::Result<PathBuf> {
    let programs = Path::new(TOOLS).join("node_modules/.bin");
    if !programs.join("wasm-opt").exists() {
        setup::npm(TOOLS, BINARYEN).context("fetching wasm-opt")?;
    }
    Ok(programs)
}

/// Writes `FILE.br` and `FILE.gz` beside the file, for the server to pick from.
fn compress(file: &Path) -> anyhow::Result<()> {
    let content = fs::read(file)?;
    let name = file.to_str().ok_or_else(|| anyhow!("{} is no UTF-8 name", file.display()))?;
    fs::write(format!("{name}.br"), packed(&content)?)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&content)?;
    fs::write(format!("{name}.gz"), gzip.finish()?)?;
    Ok(())
}

fn packed(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut packed, &parameters)?;
    Ok(packed)
}

/// The page's own files.
fn page() -> anyhow::Result<Vec<PathBuf>> {
    let mut files = files_below(Path::new("www"))?;
    files.retain(|file| !file.starts_with(OTHERS));
    Ok(files)
}
