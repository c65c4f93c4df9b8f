//! MTA-STS: the TXT record and the policy host, through an ordinary HTTPS client.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::proto::rr::RecordType::{A, TXT};
use rstest::rstest;
use small_internet::{Behaviour, Certificate, Channel, Domain, Handshake, Page, Policy, PolicyAnswer, World};
use tokio::task::block_in_place;

use crate::{
    Fixture,
    client::{Client, Demand},
    dnssec::ask,
};

const TEXT: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.odd.example\r\nmax_age: 604800\r\n";

fn client(world: &World, host: &str) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(world.ca_pem().as_bytes()).unwrap();
    let address = SocketAddr::from((world.addresses(host)[0], world.https_port()));
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .resolve(host, address)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

async fn get(world: &World, domain: &str, path: &str) -> Result<reqwest::Response, String> {
    let host = format!("mta-sts.{domain}");
    let url = format!("https://{host}:{}{path}", world.https_port());
    client(world, &host).get(url).send().await.map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text += &format!(": {cause}");
            source = cause.source();
        }
        text
    })
}

async fn policy(world: &World, domain: &str) -> Result<reqwest::Response, String> {
    get(world, domain, "/.well-known/mta-sts.txt").await
}

async fn with(policy: Policy) -> Fixture {
    Fixture::with([Domain::new("odd.example", Behaviour::verified()).policy(policy)]).await
}

#[rstest]
#[case("sts.example")]
#[case("sts-mismatch.example")]
#[tokio::test(flavor = "multi_thread")]
async fn the_rows_enforce_their_policies(#[case] domain: &str) {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    let host = format!("mta-sts.{domain}");
    assert_eq!(ask(world, &format!("_mta-sts.{domain}"), TXT).await, "insecure v=STSv1; id=1;");
    assert_eq!(ask(world, &host, A).await, format!("insecure {}", world.addresses(&host)[0]));
    let answer = policy(world, domain).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    let expected = TEXT.replace("odd.example", domain);
    assert_eq!(answer.text().await.unwrap(), expected);
    assert_eq!(world.policy_requests(domain), 1);
    let command = &world.commands(&host)[0];
    assert_eq!(command.line, "GET /.well-known/mta-sts.txt HTTP/1.1");
    assert_eq!(command.channel, Channel::Tls);

    let mx = format!("mx.{domain}");
    let verify = Some((world.ca_pem(), &*mx));
    let started = block_in_place(|| fixture.connect(&mx).starttls(&Demand { verify, ..Demand::modern() }));
    assert_eq!(started.is_ok(), domain == "sts.example", "{:?}", started.err());
}

#[rstest]
#[case::expired(Certificate::Expired, "expired")]
#[case::self_signed(Certificate::SelfSigned, "UnknownIssuer")]
#[case::unknown_ca(Certificate::UnknownCa, "UnknownIssuer")]
#[case::other_name(Certificate::TrustedFor("odd.example".to_owned()), "not valid for name")]
#[tokio::test]
async fn certificates(#[case] certificate: Certificate, #[case] expected: &str) {
    let fixture = with(Policy::enforce(["mx.odd.example"]).certificate(certificate)).await;
    let error = policy(&fixture.world, "odd.example").await.unwrap_err();
    assert!(error.contains(expected), "{error}");
    assert_eq!(fixture.world.policy_requests("odd.example"), 0);
}

#[tokio::test]
async fn the_handshake_may_fail_too() {
    let fixture = with(Policy { handshake: Handshake::Alert, ..Policy::enforce(["mx.odd.example"]) }).await;
    let error = policy(&fixture.world, "odd.example").await.unwrap_err();
    assert!(error.contains("HandshakeFailure"), "{error}");
}

#[tokio::test]
async fn pages_are_what_they_are_said_to_be() {
    let fixture = with(Policy::absent()).await;
    let world = &fixture.world;
    let html = Page::text(TEXT).headers([("Content-Type", "text/html"), ("X-Other", "thing")]);
    for page in [
        Page::text(TEXT),
        html,
        Page::text(TEXT).status(404),
        Page::text("later").status(503),
        Page::redirect("https://elsewhere.example/"),
        Page::text(&"x".repeat(100_000)),
    ] {
        world.set_policy("odd.example", Policy::answering(PolicyAnswer::Page(page.clone()))).await.unwrap();
        let answer = policy(world, "odd.example").await.unwrap();
        assert_eq!(answer.status().as_u16(), page.status);
        for (name, value) in &page.headers {
            assert_eq!(answer.headers()[name], **value);
        }
        assert_eq!(answer.text().await.unwrap(), page.body);
    }
}

#[tokio::test]
async fn only_the_policy_is_there() {
    let fixture = with(Policy::enforce(["mx.odd.example"])).await;
    let world = &fixture.world;
    assert_eq!(get(world, "odd.example", "/").await.unwrap().status(), 404);
    let host = "mta-sts.odd.example";
    let url = format!("https://{host}:{}/.well-known/mta-sts.txt", world.https_port());
    let request = || client(world, host);
    assert_eq!(request().post(&url).send().await.unwrap().status(), 405);
    let other = request().get(&url).header("Host", "mta-sts.sts.example").send().await.unwrap();
    assert_eq!(other.status(), 421);
}

#[tokio::test]
async fn hosts_may_be_slow_silent_endless_or_absent() {
    let page = Page::text(TEXT);
    let fixture = with(Policy::answering(PolicyAnswer::Silence)).await;
    let world = &fixture.world;
    let hurried = async || {
        let answer = tokio::time::timeout(Duration::from_millis(300), policy(world, "odd.example"));
        answer.await.map_err(|_| "too late".to_owned())?
    };
    assert_eq!(hurried().await.unwrap_err(), "too late");

    let set = async |answer| world.set_policy("odd.example", Policy::answering(answer)).await.unwrap();
    set(PolicyAnswer::Slow { page: page.clone(), pause: Duration::from_secs(60) }).await;
    let mut answer = hurried().await.unwrap();
    assert_eq!(answer.content_length(), None);
    assert!(tokio::time::timeout(Duration::from_millis(200), answer.chunk()).await.is_err());
    set(PolicyAnswer::Slow { page, pause: Duration::from_micros(1) }).await;
    assert_eq!(policy(world, "odd.example").await.unwrap().text().await.unwrap(), TEXT);

    set(PolicyAnswer::Endless).await;
    let mut answer = hurried().await.unwrap();
    let mut size = 0;
    while size < 1_000_000 {
        size += answer.chunk().await.unwrap().expect("more").len();
    }

    set(PolicyAnswer::Absent).await;
    let error = hurried().await.unwrap_err();
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn policies_come_change_and_go() {
    let fixture = with(Policy::absent()).await;
    let world = &fixture.world;
    let txt = async || ask(world, "_mta-sts.odd.example", TXT).await;
    assert_eq!(txt().await, "insecure no such name");
    for (id, mode) in [("a1", "testing"), ("a2", "enforce"), ("a3", "none")] {
        let new = Policy::with_mode(mode, ["*.odd.example"]).id(id);
        world.set_policy("odd.example", new).await.unwrap();
        assert_eq!(txt().await, format!("insecure v=STSv1; id={id};"));
        let text = policy(world, "odd.example").await.unwrap().text().await.unwrap();
        assert!(text.contains(&format!("mode: {mode}\r\nmx: *.odd.example\r\n")), "{text}");
    }
    world.set_policy("odd.example", Policy::absent()).await.unwrap();
    assert_eq!(txt().await, "insecure no such name");
    assert!(policy(world, "odd.example").await.is_err());
    assert!(world.set_policy("tls.example", Policy::absent()).await.is_err());
}

/// Mail does not go to a policy host.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_host_takes_no_mail() {
    let fixture = Fixture::new().await;
    let error = block_in_place(|| Client::connect(fixture.host("mta-sts.sts.example"))).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let address = fixture.world.addresses("mta-sts.sts.example")[0];
    assert!(fixture.world.set_behaviour(address, Behaviour::tls()).await.is_err());
}
