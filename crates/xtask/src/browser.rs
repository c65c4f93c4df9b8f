//! The browser's part: the page of `www/` with the compiled module, ready to be served from `target/www/`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use flate2::Compression;
use flate2::write::GzEncoder;
use wasm_bindgen_cli_support::Bindgen;

use crate::files::{files_below, remove_folder};
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
/// The optimiser, for size, with the features that rustc's wasm32 code has by default.
const WASM_OPT: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--strip-debug",
    "--strip-producers",
    // A flat module is optimised further, and again for size when its loops have been found anew.
    "--flatten",
    "--rereloop",
    "-O3",
    "-Oz",
];
/// The module as the browser loads it, by its glue `tls_guarantee.js`.
const MODULE: &str = "tls_guarantee_bg.wasm";
/// Within `www/`, but no part of the site: what is put into other webmails.
const OTHERS: &str = "www/roundcube";
/// What compresses well; pictures and fonts are compressed already.
const COMPRESSIBLE: &[&str] = &["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// Compiles the module, lays out the site (quick when nothing changed), and gives the module's size as it
/// travels to the browser: bytes after brotli.
///
/// # Errors
/// When a compiler is missing, the code does not compile, or a file cannot be written.
pub(crate) fn build(progress: &Progress) -> anyhow::Result<u64> {
    let compiler = Compiler::get(progress)?;
    progress.say("building the browser module");
    run(compiler.cargo("build").args(["--package", "module", "--profile", "wasm"]))?;
    let compiled = compiled();
    let stamp = stamp(&compiled)?;
    if fs::read_to_string(STAMP).is_ok_and(|previous| previous == stamp) && Path::new(SITE).is_dir() {
        progress.say("the page is up to date");
    } else {
        progress.say("laying out the page in target/www");
        lay_out(&compiled)?;
        fs::write(STAMP, stamp)?;
    }
    let brotli_bytes = fs::metadata(Path::new(SITE).join(format!("{MODULE}.br")))?.len();
    progress.say(&format!("the browser module is {:.1} KiB after brotli", kib(brotli_bytes)));
    Ok(brotli_bytes)
}

/// Compiles the module with the pseudo-language for the test that shows the page in it.
///
/// # Errors
/// See [`build`].
pub(crate) fn build_pseudo(progress: &Progress) -> anyhow::Result<()> {
    progress.say("building the browser module in the pseudo-language");
    let mut cargo = Compiler::get(progress)?.cargo("build");
    run(cargo.args(["--package", "module", "--profile", "wasm", "--features", "pseudo-locale"]))?;
    remove_folder(Path::new(PSEUDO_SITE))?;
    bind(&compiled(), Path::new(PSEUDO_SITE))
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
    WASM_OPT.hash(&mut hasher);
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
    optimise(&new.join(MODULE))?;
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

/// Writes the module with its glue, for `<script type="module">`.
fn bind(compiled: &Path, site: &Path) -> anyhow::Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).web(true)?.typescript(false);
    // The glue finds the module beside itself.
    bindgen.omit_default_module_path(false);
    bindgen.remove_producers_section(true).generate(site).context("wasm-bindgen")
}

/// Makes the module smaller, not different.
fn optimise(module: &Path) -> anyhow::Result<()> {
    let program = Path::new(TOOLS).join("node_modules/.bin/wasm-opt");
    if !program.exists() {
        setup::npm(TOOLS, BINARYEN).context("fetching wasm-opt")?;
    }
    run(Command::new(program).args(WASM_OPT).arg("-o").arg(module).arg(module))
}

/// Writes `FILE.br` and `FILE.gz` beside the file, for the server to pick from.
fn compress(file: &Path) -> anyhow::Result<()> {
    let content = fs::read(file)?;
    let name = file.to_str().ok_or_else(|| anyhow!("{} is no UTF-8 name", file.display()))?;
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut content.as_slice(), &mut packed, &parameters)?;
    fs::write(format!("{name}.br"), packed)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&content)?;
    fs::write(format!("{name}.gz"), gzip.finish()?)?;
    Ok(())
}

/// The page's own files.
fn page() -> anyhow::Result<Vec<PathBuf>> {
    let mut files = files_below(Path::new("www"))?;
    files.retain(|file| !file.starts_with(OTHERS));
    Ok(files)
}
