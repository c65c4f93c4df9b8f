use api::Preferences;
use rstest::rstest;

use super::*;

#[tokio::test]
async fn they_are_off_at_first_and_the_accounts_own() {
    let server = Server::start().await;
    let (alice, bob) = (server.log_in(ALICE).await, server.log_in(BOB).await);
    let get =
        async |token: &str| -> Preferences { server.ask("GET", "/preferences").by(token).send().await.ok() };
    assert_eq!(get(&alice).await, Preferences { end_to_end_without_tls: false });
    for on in [true, false, true] {
        let body = json!({ "end_to_end_without_tls": on });
        let answer: Preferences = server.ask("PUT", "/preferences").by(&alice).json(&body).send().await.ok();
        assert_eq!((answer, get(&alice).await), (Preferences { end_to_end_without_tls: on }, answer));
    }
    assert_eq!(get(&bob).await, Preferences::default());
}

#[rstest]
#[case::nothing(json!({}), "/end_to_end_without_tls")]
#[case::a_word(json!({ "end_to_end_without_tls": "yes" }), "/end_to_end_without_tls")]
#[case::unknown(json!({ "end_to_end_without_tls": true, "more": 1 }), "/more")]
#[tokio::test]
async fn what_makes_no_sense_is_named(#[case] body: Value, #[case] field: &str) {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    let answer = server.ask("PUT", "/preferences").by(&token).json(&body).send().await;
    assert_eq!(answer.wrong_field(), field);
}
