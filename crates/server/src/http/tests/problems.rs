use rstest::rstest;

use super::*;

#[rstest]
#[case("GET", "/api/v1/nothing", 404)]
#[case("GET", "/api/v1", 404)]
#[case("GET", "/api/v1/", 404)]
#[case("GET", "/api/v2/session", 404)]
#[case("GET", "/api", 404)]
#[case("POST", "/api/v1/nothing", 404)]
#[case("POST", "/nothing", 404)]
#[case("GET", "/api/v1/checks", 405)]
#[case("POST", "/api/v1/guarantee", 405)]
#[case("OPTIONS", "/api/v1/guarantee", 405)]
#[case("BREW", "/api/v1/guarantee", 405)]
#[case("GET", "/api/v1/session", 401)]
#[case("GET", "/api/v1/stops", 401)]
#[case("GET", "/api/v1/events", 401)]
#[case("POST", "/api/v1/messages", 401)]
#[case("PUT", "/api/v1/guarantee", 401)]
#[tokio::test]
async fn are_problem_json_everywhere(#[case] method: &str, #[case] path: &str, #[case] status: u16) {
    let server = Server::start().await;
    let answer = server.ask_at(method, path).send().await;
    answer.problem(status);
    assert_eq!(answer.header("allow").is_empty(), status != 405, "{answer:?}");
    assert_eq!(answer.header("www-authenticate").is_empty(), status != 401, "{answer:?}");
}

#[rstest]
#[case("", 400, "")]
#[case("{", 400, "")]
#[case("{\"address\": \"a\", \"password\": \"b\"} {}", 400, "")]
#[case("\u{feff}{}", 400, "")]
#[case("null", 422, "")]
#[case("[]", 422, "")]
#[case("[\"alice@home.example\", \"demo\"]", 422, "")]
#[case("\"text\"", 422, "")]
#[case("{}", 422, "/address")]
#[case("{\"address\": \"a\"}", 422, "/password")]
#[case("{\"address\": 1, \"password\": \"b\"}", 422, "/address")]
#[case("{\"address\": \"a\", \"password\": [\"b\"]}", 422, "/password")]
#[case("{\"address\": \"a\", \"password\": \"b\", \"token\": \"c\"}", 422, "/token")]
#[case("{\"address\": \"a\", \"address\": \"a\", \"password\": \"b\"}", 422, "/address")]
#[tokio::test]
async fn bad_json_is_named(#[case] body: &'static str, #[case] status: u16, #[case] field: &str) {
    let server = Server::start().await;
    let answer = server.ask("POST", "/session").body("application/json", body).send().await;
    assert_eq!(answer.problem(status).field.unwrap_or_default(), field);
}

#[tokio::test]
async fn json_too_deep_or_large_or_not_announced() {
    let server = Server::start().await;
    let post = |content_type: &'static str, body: String| {
        let ask = server.ask("POST", "/session").body(content_type, body);
        async { ask.send().await }
    };
    post("application/json", "{\"address\":".repeat(10_000)).await.problem(422);
    post("application/json", format!("{{\"x\":{}", "[".repeat(100_000))).await.problem(422);
    post("application/json", " ".repeat((256 << 10) + 1)).await.problem(413);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let credentials = json!({ "address": ALICE, "password": "demo" }).to_string();
        post(content_type, credentials).await.problem(415);
    }
    let credentials = json!({ "address": ALICE, "password": "demo" }).to_string();
    post("Application/JSON; charset=utf-8", credentials).await.ok::<Session>();
}

#[tokio::test]
async fn what_is_no_utf8_is_no_json() {
    let server = Server::start().await;
    let body: &[u8] = b"{\"address\": \"\xff\", \"password\": \"\"}";
    server.ask("POST", "/session").body("application/json", body).send().await.problem(400);
}

#[rstest]
#[case("authorization", "Bearer")]
#[case("authorization", "Bearer ")]
#[case("authorization", "bearer nonsense")]
#[case("authorization", "Bearer a b")]
#[case("authorization", "Basic YTpi")]
#[case("cookie", "tls_guarantee_session=")]
#[case("cookie", "tls_guarantee_session")]
#[case("cookie", ";;;=;")]
#[tokio::test]
async fn nonsense_for_a_token(#[case] name: &str, #[case] value: &str) {
    let server = Server::start().await;
    server.ask("GET", "/guarantee").header(name, value).send().await.problem(401);
}
