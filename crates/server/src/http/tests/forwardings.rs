use std::time::Duration;

use api::{Forwarding, ProtectionWord};
use rstest::rstest;

use super::*;

#[tokio::test]
async fn a_forwarding_is_watched_listed_and_removed() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let watch = async |address: &str| {
        let body = json!({ "address": address });
        server.ask("POST", "/forwardings").by(&token).json(&body).send().await
    };
    let answer = watch(" Carla@X.example ").await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let first: Forwarding = answer.ok();
    assert_eq!((first.address.as_str(), first.protection), ("Carla@x.example", ProtectionWord::Encrypted));
    assert_eq!((first.checked_at, first.created_at), (Some(server.now()), server.now()));
    let twice = watch("carla@x.example").await.problem(409);
    assert_eq!(twice.field.as_deref(), Some("/address"));
    let second: Forwarding = watch("dora@x.example").await.ok();
    let list =
        async |token: &str| server.ask("GET", "/forwardings").by(token).send().await.ok::<Vec<Forwarding>>();
    assert_eq!(list(&token).await, [second.clone(), first.clone()]);
    let other = server.log_in(BOB).await;
    assert!(list(&other).await.is_empty(), "bob's are others");
    let remove = async |token: &str, id: &str| {
        server.ask("DELETE", &format!("/forwardings/{id}")).by(token).send().await
    };
    let id = second.id.to_string();
    remove(&other, &id).await.problem(404);
    remove(&token, "x").await.problem(404);
    remove(&token, &id).await.done();
    remove(&token, &id).await.problem(404);
    assert_eq!(list(&token).await, [first]);
}

#[rstest]
#[case::none(json!({}), "/address")]
#[case::a_domain(json!({ "address": "x.example" }), "/address")]
#[case::a_literal(json!({ "address": "carla@[127.0.0.1]" }), "/address")]
#[case::more(json!({ "address": "carla@x.example", "else": 1 }), "/else")]
#[tokio::test]
async fn what_is_no_target_is_named(#[case] body: Value, #[case] field: &str) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    assert_eq!(server.ask("POST", "/forwardings").by(&token).json(&body).send().await.wrong_field(), field);
}

#[tokio::test]
async fn twenty_are_watched_and_no_more() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    for n in 0..20 {
        let body = json!({ "address": format!("c{n}@x.example") });
        server.ask("POST", "/forwardings").by(&token).json(&body).send().await.ok::<Forwarding>();
    }
    let body = json!({ "address": "carla@x.example" });
    let problem = server.ask("POST", "/forwardings").by(&token).json(&body).send().await.problem(422);
    assert_eq!((problem.kind.as_str(), problem.field), ("about:blank#too_many_forwardings", None));
}

/// The watch finds it out later.
#[tokio::test]
async fn what_is_not_known_in_time_is_unknown() {
    struct Slow;
    #[async_trait]
    impl Checker for Slow {
        async fn admit(&self, _account: &str, _recipients: &[String]) -> Result<(), Duration> {
            Ok(())
        }
        async fn check(&self, _account: &str, _recipients: Vec<String>) -> Vec<Check> {
            Vec::new()
        }
        async fn way(&self, _account: &str, _address: &str) -> Option<::guarantee::Protection> {
            std::future::pending().await
        }
    }
    let server = Server::with(Slow, Scheme::Http).await;
    let token = server.log_in(ALICE).await;
    let body = json!({ "address": "carla@x.example" });
    let begun = std::time::Instant::now();
    let answer = server.ask("POST", "/forwardings").by(&token).json(&body).send().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let watched: Forwarding = answer.ok();
    assert_eq!((watched.protection, watched.checked_at), (ProtectionWord::Unknown, None));
    let soon = server.now() + SignedDuration::from_hours(4);
    assert_eq!(server.store.forwardings_due(soon, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_has_looked_at_too_much_watches_nothing_new() {
    let server = Server::with(super::checks::Scripted::default(), Scheme::Http).await;
    let token = server.log_in(ALICE).await;
    let body = json!({ "address": "carla@too-many.example" });
    server.ask("POST", "/forwardings").by(&token).json(&body).send().await.problem(429);
}
