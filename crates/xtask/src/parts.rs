//! The module in parts: what every page loads, and what is loaded where it is needed.
//!
//! `#[wasm_split]` marks the edges in the source; the linker's notes say what is reached only through one of them. What
//! several parts share goes into the first file with what every page needs, so that no page waits for more files than it
//! names.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::progress::run;

/// The glue, which loads the rest.
const GLUE: &str = "tls_guarantee.js";
/// What every page loads.
const MODULE: &str = "tls_guarantee_bg.wasm";
/// The script between glue and parts, as its writer names it. It becomes part of the glue.
const LINK: &str = "./__wasm_split.js";
/// How the names of its loaders begin; the part's name follows.
const LOADER: &str = "__wasm_split_load_";
/// What the linker is told, so that its notes are in the file.
pub(crate) const LINKER: &str = "-Clink-arg=--emit-relocs";

/// Takes the compiled module apart and writes it with its glue, for `<script type="module">`.
/// `merge` puts several modules into one.
///
/// # Errors
/// When the module is not as expected, or a file cannot be written.
pub(crate) fn bind(compiled: &Path, site: &Path, merge: &mut Command) -> anyhow::Result<()> {
    let pieces = site.join("pieces");
    fs::create_dir_all(&pieces)?;
    let input = fs::read(compiled).with_context(|| compiled.display().to_string())?;
    let unbound = pieces.join("tls_guarantee.wasm");
    let mut options = wasm_split_cli_support::Options::new(&input);
    options.output_dir = &pieces;
    options.main_out_path = &unbound;
    options.link_name = LINK;
    let split = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:?}"))?;

    let mut bindgen = Bindgen::new();
    bindgen.input_path(&unbound).web(true)?.typescript(false);
    // The glue finds the module beside itself.
    bindgen.omit_default_module_path(false);
    // What the parts call.
    bindgen.keep_lld_exports(true);
    bindgen.remove_producers_section(true).generate(&pieces).context("wasm-bindgen")?;

    let (parts, shared): (Vec<_>, Vec<_>) =
        split.split_modules.iter().partition(|file| name_of(file).starts_with("split_"));
    merge.arg(pieces.join(MODULE)).arg("__wasm_split");
    for file in shared {
        merge.arg(file).arg(name_of(file));
    }
    run(merge.arg("-o").arg(site.join(MODULE)))?;

    // A page that is open while the server is renewed must not get parts of another build: they would not fit.
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let build = format!("{:016x}", hasher.finish());
    let mut names = Vec::new();
    for file in parts {
        let name = name_of(file).trim_start_matches("split_").to_owned();
        fs::copy(file, site.join(format!("tls_guarantee_{name}.{build}.wasm")))?;
        names.push(name);
    }
    let glue = with_parts(&fs::read_to_string(pieces.join(GLUE))?, &names, &build)?;
    fs::write(site.join(GLUE), glue)?;
    fs::remove_dir_all(pieces)?;
    Ok(())
}

fn name_of(file: &Path) -> &str {
    file.file_stem().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The glue with the loaders of the parts in it, in the stead of the script that it would load them from: that would
/// name the glue without the version that the page has named it by, and so be given another module.
fn with_parts(glue: &str, parts: &[String], build: &str) -> anyhow::Result<String> {
    let mut written = String::new();
    let mut imports = Vec::new();
    for line in glue.lines() {
        let import = line.strip_prefix("import * as ").and_then(|rest| rest.split_once(" from "));
        match import {
            Some((name, file)) if file.contains(LINK) => imports.push(name),
            _ => writeln!(written, "{line}")?,
        }
    }
    ensure!(!imports.is_empty(), "the glue does not know of parts");
    let loaders: String = parts.iter().map(|name| format!(" {LOADER}{name}: loader(\"{name}\"),")).collect();
    written.push_str(&LOADING.replace("BUILD", build).replace("LOADERS", &loaders));
    for name in imports {
        writeln!(written, "const {name} = parts;")?;
    }
    Ok(written)
}

/// Loads a part and tells the module. A page may say where parts lie; what could not be loaded is tried anew when it is
/// needed again.
const LOADING: &str = r#"const parts = (() => {
    const loading = {};
    const load = (name) => {
        const file = `${name}.BUILD`;
        const address = globalThis.tls_guarantee?.part?.(file) ?? new URL(`tls_guarantee_${file}.wasm`, import.meta.url);
        loading[name] ??= WebAssembly.instantiateStreaming(fetch(address), { __wasm_split: wasm });
        return loading[name];
    };
    const loader = (name) => async (callback, data) => {
        let is_there = true;
        try {
            await load(name);
        } catch (error) {
            delete loading[name];
            is_there = false;
            console.error(error);
        }
        wasm.__indirect_function_table.get(callback)(data, is_there);
    };
    return {LOADERS };
})();
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glue_loads_the_parts_itself() {
        let glue = "import * as import1 from \"./__wasm_split.js\"\nimport * as import2 from \"./__wasm_split.js\"\nlet wasm;\n";
        let parts = ["mail".to_owned(), "webmail".to_owned()];
        let written = with_parts(glue, &parts, "abc").expect("glue");
        assert!(!written.contains("import *"), "{written}");
        assert!(written.contains("const file = `${name}.abc`;"), "{written}");
        let loaders = "return { __wasm_split_load_mail: loader(\"mail\"), __wasm_split_load_webmail: loader(\"webmail\"), };\n\
            })();\nconst import1 = parts;\nconst import2 = parts;\n";
        assert!(written.ends_with(loaders), "{written}");
    }

    #[test]
    fn a_glue_without_parts_is_no_glue() {
        assert!(with_parts("let wasm;\n", &[], "abc").is_err());
    }
}
