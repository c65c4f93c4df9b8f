use super::*;

/// Whether the page has been built or not, these hold.
#[tokio::test]
async fn the_page_comes_with_a_strict_policy() {
    let server = Server::start().await;
    for path in ["/", "/index.html", "/nothing"] {
        for method in ["GET", "HEAD", "POST"] {
            let answer = server.ask_at(method, path).header("accept", "text/html").send().await;
            let policy = answer.header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe-inline") && !policy.contains('*'), "{policy}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value);
            }
            assert!(!answer.header("permissions-policy").is_empty());
        }
    }
}

#[tokio::test]
async fn the_page_or_how_to_build_it() {
    let server = Server::start().await;
    let answer = server.ask_at("GET", "/").send().await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let text = String::from_utf8_lossy(&answer.body);
    match answer.status {
        StatusCode::OK => assert!(text.contains("boot.js"), "{text}"),
        StatusCode::SERVICE_UNAVAILABLE => assert!(text.contains("cargo xtask demo"), "{text}"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn files_are_packed_and_asked_for_again_by_their_tag() {
    let server = Server::start().await;
    let whole = server.ask_at("GET", "/index.html").send().await;
    if whole.status != StatusCode::OK {
        println!("not run: the page has not been built");
        return;
    }
    assert_eq!(whole.header("cache-control"), "no-cache");
    assert_eq!(whole.header("content-encoding"), "");
    let packed = server.ask_at("GET", "/index.html").header("accept-encoding", "gzip, br").send().await;
    assert_eq!(packed.header("content-encoding"), "br");
    assert_eq!(packed.header("content-type"), whole.header("content-type"));
    assert_eq!(packed.header("vary"), "accept-encoding");
    assert!(packed.body.len() < whole.body.len());
    assert_ne!(packed.header("etag"), whole.header("etag"));
    let again =
        server.ask_at("GET", "/index.html").header("if-none-match", whole.header("etag")).send().await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());
    assert_eq!(again.header("etag"), whole.header("etag"));
    let wasm = server.ask_at("HEAD", "/tls_guarantee_bg.wasm").header("accept-encoding", "gzip").send().await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
    assert_eq!(wasm.header("content-encoding"), "gzip");
    assert!(wasm.body.is_empty());
}
