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

use crate::progress::{Progress, run};
use crate::setup;
use crate::wasm::{Compiler, TARGET, TARGET_DIR};

/// What the server serves.
const SITE: &str = "target/www";
/// The hash of what `SITE` was made from.
const STAMP: &str = "target/www.stamp";
/// Programs fetched for the build.
const TOOLS: &str = "target/tools";
/// The optimiser's package in the npm registry: one version, so that the size is everybody's.
const BINARYEN: &str = "binaryen@132.0.0";
/// What compresses well; pictures and fonts are compressed already.
const COMPRESSIBLE: &[&str] = &["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// The module as it travels to the browser.
pub(crate) struct Module {
    /// Its size after brotli, in bytes.
    pub(crate) brotli_bytes: u64,
    /// Whether the optimiser went over it; without, it is larger than it has to be.
    pub(crate) optimised: bool,
}

/// Compiles the module and lays out the site; quick when nothing changed.
///
/// # Errors
/// When a compiler is missing, the code does not compile, or a file cannot be written.
pub(crate) fn build(progress: &Progress) -> anyhow::Result<Module> {
    let compiler = Compiler::get(progress)?;
    progress.say("building the browser module");
    run(compiler.cargo("build").args(["--package", "webmail", "--profile", "wasm"]))?;
    let compiled: PathBuf = [TARGET_DIR, TARGET, "wasm", "webmail.wasm"].iter().collect();
    let optimiser = optimiser(progress);
    let stamp = stamp(&compiled, optimiser.as_deref())?;
    if fs::read_to_string(STAMP).is_ok_and(|previous| previous == stamp) && Path::new(SITE).is_dir() {
        progress.say("the page is up to date");
    } else {
        progress.say("laying out the page in target/www");
        lay_out(&compiled, optimiser.as_deref())?;
        fs::write(STAMP, stamp)?;
    }
    let brotli_bytes = fs::metadata(Path::new(SITE).join("webmail_bg.wasm.br"))?.len();
    let note = if optimiser.is_some() {
        ""
    } else {
        " (without wasm-opt, which comes with npm: larger than need be)"
    };
    progress.say(&format!("the browser module is {:.1} KiB after brotli{note}", kib(brotli_bytes)));
    Ok(Module { brotli_bytes, optimised: optimiser.is_some() })
}

/// Bytes in KiB.
#[expect(clippy::cast_precision_loss, reason = "a size to be read by people")]
pub(crate) fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

/// The path of `wasm-opt`, fetched once where npm is there. It makes the module smaller, not different, so
/// that a machine without it still gets its page.
fn optimiser(progress: &Progress) -> Option<PathBuf> {
    let program = Path::new(TOOLS).join("node_modules/.bin/wasm-opt");
    if !program.exists() {
        setup::find_program("npm")?;
        progress.say("fetching wasm-opt with npm");
        let mut npm = Command::new("timeout");
        npm.args(["120", "npm", "install", "--silent", "--no-save", "--prefix", TOOLS, BINARYEN]);
        if let Err(error) = run(&mut npm) {
            progress.say(&format!("going on without it: {error}"));
            return None;
        }
    }
    Some(program)
}

/// Compares what the page is made from, by content.
fn stamp(compiled: &Path, optimiser: Option<&Path>) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), BINARYEN, optimiser.is_some()).hash(&mut hasher);
    fs::read(compiled).with_context(|| compiled.display().to_string())?.hash(&mut hasher);
    for file in files_below(Path::new("www"))? {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Makes the whole site beside the old one and changes them over, so that no half of one is ever served.
fn lay_out(compiled: &Path, optimiser: Option<&Path>) -> anyhow::Result<()> {
    let new = PathBuf::from(format!("{SITE}.new"));
    remove_folder(&new)?;
    fs::create_dir_all(&new)?;
    for file in files_below(Path::new("www"))? {
        let copy = new.join(file.strip_prefix("www")?);
        fs::create_dir_all(copy.parent().unwrap_or(&new))?;
        fs::copy(&file, copy)?;
    }
    bind(compiled, &new)?;
    if let Some(optimiser) = optimiser {
        optimise(optimiser, &new.join("webmail_bg.wasm"))?;
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

/// Writes `webmail.js` and `webmail_bg.wasm`: the module with its glue, for `<script type="module">`.
fn bind(compiled: &Path, site: &Path) -> anyhow::Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).web(true)?.typescript(false).omit_default_module_path(false);
    bindgen.remove_producers_section(true).generate(site).context("wasm-bindgen")
}

/// Optimises for size, and strips.
fn optimise(optimiser: &Path, module: &Path) -> anyhow::Result<()> {
    // What rustc's wasm32 code uses by default; every browser of the last years knows these.
    let features =
        ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types"];
    let mut command = Command::new(optimiser);
    command.args(features.map(|feature| format!("--enable-{feature}")));
    command.args(["--enable-sign-ext", "--strip-debug", "--strip-producers", "-Oz"]);
    run(command.arg("-o").arg(module).arg(module))
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

/// All files below a folder, in a stable order; none when there is no such folder.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() { &mut folders } else { &mut files }.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}
