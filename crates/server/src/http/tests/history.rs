use api::{HostMemory, PastOverride, Week};

use super::*;

/// The store's tests say what the lists hold.
#[tokio::test]
async fn past_overrides_are_those_of_thirty_days() {
    let server = Server::start().await;
    for message_id in ["1@home.example", "2@home.example"] {
        let token = server.log_in(ALICE).await;
        let body = json!({ "message_id": message_id, "recipients": ["carla@plain.example"] });
        server.ask("POST", "/overrides").by(&token).json(&body).send().await;
        server.pass(SignedDuration::from_hours(24));
    }
    let ids = async |path: &str| {
        let token = server.log_in(ALICE).await;
        let list: Vec<PastOverride> = server.ask("GET", path).by(&token).send().await.ok();
        list.into_iter().map(|one| one.message_id).collect::<Vec<_>>()
    };
    assert_eq!(ids("/overrides").await, ["2@home.example", "1@home.example"], "newest first");
    assert_eq!(ids("/overrides?limit=1").await, ["2@home.example"]);
    server.pass(SignedDuration::from_hours(28 * 24));
    assert_eq!(ids("/overrides").await, ["2@home.example", "1@home.example"]);
    server.pass(SignedDuration::from_secs(1));
    assert_eq!(ids("/overrides").await, ["2@home.example"]);
}

#[tokio::test]
async fn twelve_weeks_from_this_one() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let weeks: Vec<Week> = server.ask("GET", "/weeks").by(&token).send().await.ok();
    assert_eq!(weeks.len(), 12);
    assert_eq!((weeks[0].monday.as_str(), weeks[11].monday.as_str()), ("2026-11-23", "2026-09-07"));
    let memory: Vec<HostMemory> = server.ask("GET", "/memory").by(&token).send().await.ok();
    assert!(memory.is_empty());
    for path in ["/weeks", "/memory", "/overrides", "/forwardings"] {
        server.ask("GET", path).send().await.problem(401);
        server.ask("GET", &format!("{path}?limit=0")).by(&token).send().await.problem(422);
    }
}
