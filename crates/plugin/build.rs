//! Compiles the catalogue of `locales/` into the module `i18n`. A key that one language has and
//! the other lacks fails the build, as does a text that uses another placeholder.

use std::path::Path;
use std::{env, error::Error, fs};

use leptos_i18n_parser::parse_locales::options::{Config, ParseOptions};
use leptos_i18n_parser::parse_locales::parse_locales;

const NAMESPACES: [&str; 3] = ["plugin", "webmail", "bounce"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=locales");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    // `td_string!` of a text with placeholders: names and titles are strings, not views.
    let options = ParseOptions::new().interpolate_display(true);
    let config = Config::new("en")?.add_locale("de")?.add_namespaces(NAMESPACES)?.parse_options(options);
    let parsed = parse_locales(Some(root.into()), config)?;
    let (errors, warnings) = parsed.diag.borrow();
    let complaints: Vec<String> =
        errors.iter().map(ToString::to_string).chain(warnings.iter().map(ToString::to_string)).collect();
    if !complaints.is_empty() {
        return Err(format!("locales/: {}", complaints.join("\nlocales/: ")).into());
    }
    let attributes = "#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]".parse()?;
    let code = leptos_i18n_codegen::gen_code(&parsed, None, false, Some(&attributes), false)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("i18n.rs"), code.to_string())?;
    Ok(())
}
