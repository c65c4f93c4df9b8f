//! The page and its files: built by `cargo xtask demo` into `target/www`, part of a release binary, read from disk in a debug build.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;

use crate::http::Failure;

#[derive(RustEmbed)]
#[folder = "../../target/www"]
#[allow_missing = true]
struct Site;

/// The page itself.
const INDEX: &str = "index.html";

/// What every file comes with. Scripts and styles are files of this server only; pictures and frames may also be
/// made by the page itself (the message view's sandbox); nothing is fetched from anywhere else.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' data:; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not built yet</title>\
    <h1>The page has not been built yet</h1><p>Run <code>cargo xtask demo</code>: it builds the page and starts \
    the demo. The API and the mail doors of this server work without it.</p></html>\n";

const NOT_FOUND: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not found</title>\
    <h1>There is no such page</h1><p lang=\"de\">Diese Seite gibt es nicht.</p><p><a href=\"/\">Mail</a></p></html>\n";

/// A file of the page.
#[derive(Clone)]
struct File {
    data: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

fn built(name: &str) -> Option<File> {
    Site::get(name).map(|file| File { sha256: file.metadata.sha256_hash(), data: file.data })
}

/// Answers everything outside the API.
pub async fn serve(request: Request) -> Response {
    let mut response = answer(built, request.method(), request.uri().path(), request.headers());
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn answer(site: impl Fn(&str) -> Option<File>, method: &Method, path: &str, headers: &HeaderMap) -> Response {
    let name = match path.trim_start_matches('/') {
        "" => INDEX,
        name => name,
    };
    // Packed variants are served in the stead of their original only.
    let packed = name.ends_with(".br") || name.ends_with(".gz");
    let found = (!packed).then(|| Variant::find(site, name, headers)).flatten();
    if *method != Method::GET && *method != Method::HEAD {
        return match found {
            Some(_) => ([(ALLOW, "GET, HEAD")], Failure::unknown_method()).into_response(),
            None => unknown(headers),
        };
    }
    match found {
        Some(variant) => variant.answer(name, headers),
        None if name == INDEX => page(StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT),
        None => unknown(headers),
    }
}

fn unknown(headers: &HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        page(StatusCode::NOT_FOUND, NOT_FOUND)
    } else {
        Failure::not_found("No such path", "The page is at /, the API is described at /api/v1/openapi.json.")
            .into_response()
    }
}

fn page(status: StatusCode, html: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")], html).into_response()
}

/// A file in the form that is sent.
struct Variant {
    file: File,
    encoding: Option<&'static str>,
}

impl Variant {
    /// The smallest form that the client understands.
    fn find(site: impl Fn(&str) -> Option<File>, name: &str, headers: &HeaderMap) -> Option<Self> {
        let original = site(name)?;
        let packed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, extension)| {
            let file = accepts(headers, encoding).then(|| site(&format!("{name}.{extension}")))??;
            Some(Self { file, encoding: Some(encoding) })
        });
        Some(packed.unwrap_or(Self { file: original, encoding: None }))
    }

    fn answer(self, name: &str, request: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&self.file.sha256[..15]));
        let mut headers = HeaderMap::new();
        // The names of files do not change with their content, so that it is asked every time whether it has.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        let known = request.get_all(IF_NONE_MATCH).iter().any(|known| names_tag(known, &tag));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        if known {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
        if let Some(encoding) = self.encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        (headers, Body::from(self.file.data.into_owned())).into_response()
    }
}

/// Whether `Accept-Encoding` names the encoding, and not with `q=0` (RFC 9110 §12.5.3).
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

/// Whether `If-None-Match` names the tag, weakly compared (RFC 9110 §13.1.2).
fn names_tag(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// The page's own files are few, and browsers insist on the right type.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[rstest]
    #[case("gzip, deflate, br", "br", true)]
    #[case("gzip, deflate, br", "gzip", true)]
    #[case("gzip;q=1.0, BR;q=0.5", "br", true)]
    #[case("gzip, br;q=0", "br", false)]
    #[case("br; q=0.000", "br", false)]
    #[case("brotli", "br", false)]
    #[case("identity", "gzip", false)]
    #[case("", "gzip", false)]
    fn encodings(#[case] header: &'static str, #[case] encoding: &str, #[case] accepted: bool) {
        assert_eq!(accepts(&with(ACCEPT_ENCODING, header), encoding), accepted);
    }

    #[rstest]
    #[case("\"a\"", true)]
    #[case("W/\"a\"", true)]
    #[case("\"b\", \"a\"", true)]
    #[case("*", true)]
    #[case("\"b\"", false)]
    #[case("a", false)]
    fn tags(#[case] header: &'static str, #[case] named: bool) {
        assert_eq!(names_tag(&HeaderValue::from_static(header), "\"a\""), named);
    }

    #[rstest]
    #[case("/../Cargo.toml")]
    #[case("/../../crates/server/src/assets.rs")]
    #[case("/%2e%2e/Cargo.toml")]
    #[case("//etc/passwd")]
    #[case("/nothing.js")]
    #[case("/tls_guarantee_bg.wasm.br")]
    fn nothing_else_is_served(#[case] path: &str) {
        let response = answer(built, &Method::GET, path, &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[CONTENT_TYPE], api::PROBLEM_JSON);
        let response = answer(built, &Method::GET, path, &with(ACCEPT, "text/html,*/*"));
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    }

    fn two_files(name: &str) -> Option<File> {
        let (data, number): (&[u8], u8) = match name {
            "index.html" => (b"page", 1),
            "index.html.br" => (b"brotli", 2),
            "index.html.gz" => (b"gzip", 3),
            "a.wasm" => (b"wasm", 4),
            _ => return None,
        };
        Some(File { data: data.into(), sha256: [number; 32] })
    }

    fn get(path: &str, headers: &HeaderMap) -> Response {
        answer(two_files, &Method::GET, path, headers)
    }

    #[rstest]
    #[case("/", "", "", "text/html; charset=utf-8")]
    #[case("/", "gzip, br", "br", "text/html; charset=utf-8")]
    #[case("/index.html", "gzip", "gzip", "text/html; charset=utf-8")]
    #[case("/a.wasm", "br", "", "application/wasm")]
    fn the_smallest_form_that_is_understood(
        #[case] path: &str,
        #[case] accepted: &'static str,
        #[case] encoding: &str,
        #[case] media_type: &str,
    ) {
        let response = get(path, &with(ACCEPT_ENCODING, accepted));
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(header(CONTENT_ENCODING), encoding);
        assert_eq!(header(CONTENT_TYPE), media_type);
        assert_eq!((header(CACHE_CONTROL), header(VARY)), ("no-cache", "accept-encoding"));
    }

    #[test]
    fn each_form_has_a_tag_of_its_own_and_is_not_sent_twice() {
        let plain = get("/", &HeaderMap::new()).headers()[ETAG].clone();
        let packed = get("/", &with(ACCEPT_ENCODING, "br")).headers()[ETAG].clone();
        assert_ne!(plain, packed);
        let again = |tag: &HeaderValue| get("/", &HeaderMap::from_iter([(IF_NONE_MATCH, tag.clone())]));
        let response = again(&plain);
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[ETAG], plain);
        assert_eq!(response.headers().get(CONTENT_TYPE), None);
        assert_eq!(again(&packed).status(), StatusCode::OK);
    }

    #[test]
    fn packed_files_are_no_pages_of_their_own() {
        assert_eq!(get("/index.html.br", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn files_are_only_read() {
        let response = answer(two_files, &Method::POST, "/", &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }

    #[test]
    fn without_a_page_it_says_how_to_build_one() {
        let response = answer(|_| None, &Method::GET, "/", &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    }
}
