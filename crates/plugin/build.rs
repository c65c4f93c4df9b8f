//! Compiles the catalogue of `locales/` into the module `i18n`: every folder there is a language. A key that one language has
//! and another lacks fails the build, as does a text that uses another placeholder.

use std::path::{Path, PathBuf};
use std::{env, error::Error, fs};

use leptos_i18n_parser::parse_locales::options::{Config, ParseOptions};
use leptos_i18n_parser::parse_locales::parse_locales;

include!("pseudo.rs");

const NAMESPACES: [&str; 3] = ["plugin", "webmail", "bounce"];
/// The language for whoever speaks none of them.
const DEFAULT: &str = "en";
/// The language that the tests make.
const PSEUDO: &str = "xx";

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "pseudo.rs", "locales"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut languages = languages(&root.join("locales"))?;
    let mut folder = root.join("locales");
    if env::var_os("CARGO_FEATURE_PSEUDO_LOCALE").is_some() {
        folder = with_pseudo(&folder, &languages, &out.join("locales"))?;
        languages.push(PSEUDO.to_owned());
    }
    // `td_string!` of a text with placeholders: names and titles are strings, not views.
    let options = ParseOptions::new().interpolate_display(true);
    languages.retain(|language| language != DEFAULT);
    let config = Config::new(DEFAULT)?.add_locales(languages)?.add_namespaces(NAMESPACES)?;
    let config = config.locales_path(folder).parse_options(options);
    let parsed = parse_locales(Some(root), config)?;
    let (errors, warnings) = parsed.diag.borrow();
    let complaints: Vec<String> =
        errors.iter().map(ToString::to_string).chain(warnings.iter().map(ToString::to_string)).collect();
    if !complaints.is_empty() {
        return Err(format!("locales/: {}", complaints.join("\nlocales/: ")).into());
    }
    let attributes = "#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]".parse()?;
    let code = leptos_i18n_codegen::gen_code(&parsed, None, false, Some(&attributes), false)?;
    fs::write(out.join("i18n.rs"), code.to_string())?;
    Ok(())
}

fn languages(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        found.push(entry?.file_name().into_string().map_err(|name| format!("locales/{}", name.display()))?);
    }
    found.sort();
    Ok(found)
}

/// The languages and the pseudo-language, in a folder of their own.
fn with_pseudo(from: &Path, languages: &[String], to: &Path) -> Result<PathBuf, Box<dyn Error>> {
    for namespace in NAMESPACES.map(|name| format!("{name}.json")) {
        for language in languages {
            fs::create_dir_all(to.join(language))?;
            fs::copy(from.join(language).join(&namespace), to.join(language).join(&namespace))?;
        }
        let texts: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&fs::read_to_string(from.join(DEFAULT).join(&namespace))?)?;
        let made = texts
            .iter()
            .map(|(key, text)| (key.clone(), pseudo(key, text.as_str().unwrap_or_default()).into()));
        let made: serde_json::Map<String, serde_json::Value> = made.collect();
        fs::create_dir_all(to.join(PSEUDO))?;
        fs::write(to.join(PSEUDO).join(&namespace), serde_json::to_string(&made)?)?;
    }
    Ok(to.to_owned())
}
