use api::Stop;

use super::*;

#[tokio::test]
async fn there_are_none_at_first() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    assert_eq!(server.ask("GET", "/stops").by(&token).send().await.ok::<Vec<Stop>>(), []);
    assert_eq!(server.ask("GET", "/stops?limit=1").by(&token).send().await.ok::<Vec<Stop>>(), []);
    let answer = server.ask("GET", "/stops?limit=none").by(&token).send().await;
    assert_eq!(answer.wrong_field(), "limit");
    server.ask("GET", "/stops").send().await.problem(401);
}
