//! What a policy host may do, and what follows (RFC 8461 §3.3).

use std::time::{Duration, Instant};

use guarantee::{Age, StsMode};
use rstest::rstest;
use rustls::server::Acceptor;
use small_internet::{
    Behaviour, Certificate, Dated, Domain, Handshake, Page, Policy, PolicyAnswer, Versions,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::LazyConfigAcceptor;

use super::fixture::{DAY, Fixture, logged, policy_host, told, write_log};

const TEXT: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.odd.example\r\nmax_age: 604800\r\n";

fn page(page: Page) -> Policy {
    Policy::answering(PolicyAnswer::Page(page))
}

fn typed(media_type: &str) -> Policy {
    page(Page::text(TEXT).headers([("Content-Type", media_type)]))
}

fn dated(dated: Dated) -> Policy {
    Policy { handshake: Handshake::Dated(dated), ..Policy::text(TEXT) }
}

/// What is no policy, and why. Without a kept policy it goes on as if there were none, and is reported.
// rfc 8461 3.3: MUST If a valid TXT record is found
// rfc 8461 3.3: MUST Conversely, if no "live" policy can be
// rfc 8461 3.3: MUST During the TLS handshake initiated to fetch
// rfc 8461 3.3: MUST NOT HTTP 3xx redirects MUST NOT be followed
// rfc 8461 3.2: SHOULD When fetching a policy, senders SHOULD validate
#[rstest]
#[case::refused(
    Policy::answering(PolicyAnswer::Absent),
    "unfetched: mta-sts.odd.example: Connection refused"
)]
#[case::silent(
    Policy::answering(PolicyAnswer::Silence),
    "unfetched: mta-sts.odd.example: it gave no policy within 2 seconds"
)]
#[case::slow(
    Policy::answering(PolicyAnswer::Slow { page: Page::text(TEXT), pause: Duration::from_millis(100) }),
    "unfetched: mta-sts.odd.example: it gave no policy within 2 seconds"
)]
#[case::endless(
    Policy::answering(PolicyAnswer::Endless),
    "invalid: mta-sts.odd.example: the policy is larger than 65536 octets"
)]
#[case::large(Policy::text(&format!("{TEXT}x: {}", "x".repeat(65536))), "invalid: mta-sts.odd.example: the policy is larger")]
#[case::not_found(page(Page::text(TEXT).status(404)), "unfetched: mta-sts.odd.example: it answered with HTTP status 404, not 200")]
#[case::no_content(page(Page::text("").status(204)), "unfetched: mta-sts.odd.example: it answered with HTTP status 204, not 200")]
#[case::other_success(page(Page::text(TEXT).status(203)), "unfetched: mta-sts.odd.example: it answered with HTTP status 203, not 200")]
#[case::redirect(
    page(Page::redirect("https://mta-sts.sts.example/.well-known/mta-sts.txt")),
    "unfetched: mta-sts.odd.example: it answered with HTTP status 302, not 200"
)]
#[case::page(
    typed("text/html; charset=utf-8"),
    "invalid: mta-sts.odd.example: it sends the policy as text/html; charset=utf-8, not as text/plain"
)]
#[case::hostile_type(typed("text/x\u{7f}y"), "")]
#[case::no_type(
    page(Page::text(TEXT).headers([])),
    "invalid: mta-sts.odd.example: it sends the policy without a media type, not as text/plain"
)]
#[case::html(
    Policy::text("<!DOCTYPE html>\n"),
    "invalid: mta-sts.odd.example: line 1 of the policy must have the form `name: value`"
)]
#[case::nul(
    Policy::text("version: STSv1\0\n"),
    "invalid: mta-sts.odd.example: line 1 of the policy must have the form"
)]
#[case::empty(Policy::text(""), "invalid: mta-sts.odd.example: the policy has no line `version: …`")]
#[case::expired(Policy::text(TEXT).certificate(Certificate::Expired), "untrusted: mta-sts.odd.example: its certificate is not trusted: certificate expired")]
#[case::self_signed(Policy::text(TEXT).certificate(Certificate::SelfSigned), "untrusted: mta-sts.odd.example: its certificate is not trusted: ")]
#[case::unknown_ca(Policy::text(TEXT).certificate(Certificate::UnknownCa), "untrusted: mta-sts.odd.example: its certificate is not trusted: ")]
#[case::parents_name(
    Policy::text(TEXT).certificate(Certificate::TrustedFor("odd.example".to_owned())),
    "untrusted: mta-sts.odd.example: its certificate is not trusted: certificate not valid for name \"mta-sts.odd.example\""
)]
#[case::alert(Policy { handshake: Handshake::Alert, ..Policy::text(TEXT) }, "unfetched: mta-sts.odd.example: ")]
#[case::closed(Policy { handshake: Handshake::Close, ..Policy::text(TEXT) }, "unfetched: mta-sts.odd.example: ")]
#[case::no_tls(Policy { handshake: Handshake::Garbage, ..Policy::text(TEXT) }, "unfetched: mta-sts.odd.example: ")]
#[case::old_tls(dated(Dated::Tls10And11), "unfetched: mta-sts.odd.example: ")]
#[case::long_headers(
    page(Page::text(TEXT).headers([("Content-Type", "text/plain"), ("X", &*"x".repeat(1 << 20))])),
    "unfetched: mta-sts.odd.example: "
)]
#[case::many_headers(page(Page::text(TEXT).headers(vec![("Content-Type", "text/plain"); 10_000])), "unfetched: mta-sts.odd.example: ")]
#[tokio::test]
async fn what_is_no_policy(#[case] policy: Policy, #[case] expected: &str) {
    let fixture = Fixture::new(policy.id("7")).await;
    let begun = Instant::now();
    let told = fixture.told(Age::Cached).await;
    assert!(told.starts_with(expected) && !told.starts_with("cached"), "{told}");
    assert!(told.len() < 400 && !told.contains(char::is_control), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(fixture.world.policy_requests("sts.example"), 0);
    assert_eq!(fixture.kept().await, None);

    // With one that is kept, that one stays in force. As a newer one is announced, it is no reason for a stop.
    fixture.keep(StsMode::Enforce, DAY, 100).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.kept.example");
    assert_eq!(fixture.told(Age::Fresh).await, "cached 1: enforce mx.kept.example");
}

#[rstest]
#[case(typed("text/plain; charset=utf-8"))]
#[case(typed("Text/Plain;x=y"))]
#[case(page(Page::text(TEXT).headers([("Content-Type", "text/plain"), ("Location", "https://x.example/")])))]
#[case(Policy { handshake: Handshake::Modern { certificate: Certificate::Trusted, versions: Versions::Tls12 }, ..Policy::text(TEXT) })]
#[case(Policy { handshake: Handshake::Modern { certificate: Certificate::Trusted, versions: Versions::Tls13 }, ..Policy::text(TEXT) })]
#[case(Policy::text(TEXT).certificate(Certificate::TrustedFor("*.odd.example".to_owned())))]
#[case(Policy::text(&format!("{TEXT}x: {}", "x".repeat(60_000))))]
#[tokio::test]
async fn what_is_a_policy(#[case] policy: Policy) {
    let fixture = Fixture::new(policy).await;
    assert_eq!(fixture.told(Age::Cached).await, "cached 1: enforce mx.odd.example");
}

/// Under the same `id` a fetch that fails leaves what is kept, and a look was taken.
#[tokio::test]
async fn a_blocked_fetch_leaves_the_policy_in_force() {
    let fixture = Fixture::new(Policy::text(TEXT)).await;
    fixture.told(Age::Cached).await;
    fixture.set(Policy::answering(PolicyAnswer::Absent)).await;
    assert_eq!(fixture.told(Age::Fresh).await, "fresh 1: enforce mx.odd.example");
    assert_eq!(
        told(&fixture.restarted(), "odd.example", Age::Fresh).await,
        "fresh 1: enforce mx.odd.example"
    );
}

// rfc 8461 3.3: SHOULD In the case where the HTTPS GET
#[tokio::test]
async fn a_failed_fetch_is_not_repeated_at_once() {
    let fixture = Fixture::new(page(Page::text("").status(503))).await;
    for age in [Age::Cached, Age::Fresh, Age::Cached] {
        let told = fixture.told(age).await;
        assert_eq!(told, "unfetched: mta-sts.odd.example: it answered with HTTP status 503, not 200");
    }
    assert_eq!(fixture.requests(), 1);
    // Another `id` is another matter.
    fixture.set(Policy::text(TEXT).id("2")).await;
    assert_eq!(fixture.told(Age::Fresh).await, "fresh 2: enforce mx.odd.example");
    assert_eq!(fixture.requests(), 2);
}

// rfc 8461 3.3: MUST NOT HTTP caching (as specified in [RFC7234]) MUST
// rfc 8461 8.2: MUST NOT Note that while Sending MTAs MUST NOT
#[tokio::test]
async fn what_http_says_of_caching_is_not_heard() {
    let headers =
        [("Content-Type", "text/plain"), ("Cache-Control", "max-age=86400, immutable"), ("ETag", "\"1\"")];
    let fixture = Fixture::new(page(Page::text(TEXT).headers(headers))).await;
    for requests in 1..4 {
        assert_eq!(fixture.told(Age::Fresh).await, "fresh 1: enforce mx.odd.example");
        assert_eq!(fixture.requests(), requests);
    }
}

// rfc 8461 7.1: MUST When connecting to an HTTP server to
#[tokio::test]
async fn the_policy_host_is_asked_for_by_name() {
    let fixture = Fixture::new(Policy { id: Some("1".to_owned()), ..Policy::absent() }).await;
    let listener = TcpListener::bind(policy_host(&fixture.world)).await.unwrap();
    let asked = async {
        let (stream, _) = listener.accept().await.unwrap();
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await.unwrap();
        hello.client_hello().server_name().map(str::to_owned)
    };
    let (told, asked) = tokio::join!(fixture.told(Age::Cached), asked);
    assert_eq!(asked.as_deref(), Some("mta-sts.odd.example"));
    assert!(told.starts_with("unfetched: "), "{told}");
}

/// No redirect, no clear text: a server that answers in clear is no policy host.
#[tokio::test]
async fn clear_text_is_no_policy() {
    let fixture = Fixture::new(Policy { id: Some("1".to_owned()), ..Policy::absent() }).await;
    let listener = TcpListener::bind(policy_host(&fixture.world)).await.unwrap();
    let in_clear = async {
        let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", TEXT.len());
        stream.write_all((head + TEXT).as_bytes()).await.unwrap();
        stream
    };
    let (told, _stream) = tokio::join!(fixture.told(Age::Cached), in_clear);
    assert!(told.starts_with("unfetched: "), "{told}");
}

/// Nobody's record makes us speak to a private address; the world is on loopback, which is one everywhere else.
#[tokio::test]
async fn private_addresses_are_not_connected_to() {
    let fixture = Fixture::new(Policy::text(TEXT)).await;
    let courier = fixture.changed(|settings| settings.own.loopback_is_the_world = false);
    let told = told(&courier, "odd.example", Age::Cached).await;
    assert_eq!(
        told,
        "unfetched: mta-sts.odd.example: it has only private or reserved addresses, which are not connected to"
    );
    assert_eq!(fixture.requests(), 0);
}

#[tokio::test]
async fn a_policy_host_must_have_an_address() {
    let odd = Domain::new("odd.example", Behaviour::verified()).txt("_mta-sts.odd.example", "v=STSv1; id=1;");
    let fixture = Fixture::with([odd]).await;
    assert_eq!(fixture.told(Age::Cached).await, "unfetched: mta-sts.odd.example: it has no address");
}

// rfc 8461 3.3: SHOULD To enable administrators to discover problems with
#[rstest]
#[case(StsMode::Enforce, 1)]
#[case(StsMode::Testing, 1)]
#[case(StsMode::None, 0)]
#[tokio::test]
async fn a_policy_that_cannot_be_replaced_is_told_once(#[case] mode: StsMode, #[case] lines: usize) {
    write_log();
    let fixture = Fixture::new(Policy::text("nothing\x1b[31m").id("2")).await;
    fixture.keep(mode, DAY, 100).await;
    for _ in 0..3 {
        assert!(fixture.told(Age::Fresh).await.starts_with("cached 1: "));
    }
    let told = logged();
    assert_eq!(told.len(), lines, "{told:?}");
    for line in told {
        assert!(line.contains("domain=\"odd.example\"") && line.contains("line 1 of the policy"), "{line}");
        assert!(!line.contains('\x1b'), "{line}");
    }
}
