use api::SessionAccount;

use super::*;

#[tokio::test]
async fn a_token_lasts_twelve_hours_or_until_log_out() {
    let server = Server::start().await;
    let credentials = json!({ "address": "Alice@HOME.example", "password": "demo" });
    let session: Session = server.ask("POST", "/session").json(&credentials).send().await.ok();
    assert_eq!(session.token.len(), 43, "32 octets in base64url");
    assert_eq!(session.expires_at, server.now() + SignedDuration::from_hours(12));
    let who: SessionAccount = server.ask("GET", "/session").by(&session.token).send().await.ok();
    assert_eq!((who.address.as_str(), who.server_name.as_str()), (ALICE, "mail.home.example"));
    assert_eq!(who.expires_at, session.expires_at);
    server.pass(SignedDuration::from_hours(12));
    server.ask("GET", "/session").by(&session.token).send().await.problem(401);

    let token = server.log_in(ALICE).await;
    server.ask("DELETE", "/session").by(&token).send().await.done();
    let answer = server.ask("GET", "/session").by(&token).send().await;
    answer.problem(401);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn two_log_ins_are_two_sessions() {
    let server = Server::start().await;
    let (first, second) = (server.log_in(ALICE).await, server.log_in(ALICE).await);
    assert_ne!(first, second);
    server.ask("DELETE", "/session").by(&first).send().await.done();
    server.ask("GET", "/session").by(&second).send().await.ok::<SessionAccount>();
}

#[tokio::test]
async fn the_cookie_is_for_the_page_alone() {
    for (scheme, forwarded, secure) in
        [(Scheme::Http, "http", false), (Scheme::Http, "https", true), (Scheme::Https, "http", true)]
    {
        let server = Server::with(NobodyAnswers, scheme).await;
        let credentials = json!({ "address": ALICE, "password": "demo" });
        let ask = server.ask("POST", "/session").json(&credentials).header("x-forwarded-proto", forwarded);
        let answer = ask.send().await;
        let cookie = answer.header("set-cookie");
        let token = answer.ok::<Session>().token;
        let end = if secure { "; Secure" } else { "" };
        assert_eq!(
            cookie,
            format!(
                "tls_guarantee_session={token}; Path=/api/v1; Max-Age=43200; HttpOnly; SameSite=Strict{end}"
            )
        );
    }
}

#[tokio::test]
async fn with_the_cookie_only_the_page_itself_can_change_anything() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    server.ask("GET", "/session").by_cookie(&token).send().await.ok::<SessionAccount>();
    let head = server.ask("HEAD", "/session").by_cookie(&token).send().await;
    assert_eq!(head.status, StatusCode::OK);
    let on = json!({ "state": "on" });
    server.ask("PUT", "/guarantee").by_cookie(&token).json(&on).send().await.problem(403);
    server.ask("DELETE", "/session").by_cookie(&token).send().await.problem(403);
    let ask = server.ask("PUT", "/guarantee").by_cookie(&token).header(api::CSRF_HEADER, "1");
    ask.json(&on).send().await.ok::<api::Guarantee>();
    let ask = server.ask("DELETE", "/session").by_cookie(&token).header(api::CSRF_HEADER, "1");
    let answer = ask.send().await;
    answer.done();
    assert!(answer.header("set-cookie").starts_with("tls_guarantee_session=; Path=/api/v1; Max-Age=0;"));
    server.ask("GET", "/session").by_cookie(&token).send().await.problem(401);
}

#[tokio::test]
async fn a_bearer_token_counts_before_the_cookie() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    server.ask("GET", "/session").by_cookie(&token).by("wrong").send().await.problem(401);
    server
        .ask("GET", "/session")
        .by_cookie(&token)
        .header("authorization", "Basic eDp5")
        .send()
        .await
        .problem(401);
    server.ask("GET", "/session?token=x").send().await.problem(401);
}

#[tokio::test]
async fn wrong_credentials_are_not_told_apart() {
    let server = Server::start().await;
    let mut details = Vec::new();
    for (address, password) in [(ALICE, "wrong"), ("nobody@home.example", "demo"), ("", "")] {
        let credentials = json!({ "address": address, "password": password });
        details.push(server.ask("POST", "/session").json(&credentials).send().await.problem(401));
    }
    assert!(details.windows(2).all(|pair| pair[0] == pair[1]), "{details:?}");
}

#[tokio::test]
async fn guessing_ends_in_429() {
    let server = Server::start().await;
    let credentials = json!({ "address": ALICE, "password": "wrong" });
    for _ in 0..10 {
        server.ask("POST", "/session").json(&credentials).send().await.problem(401);
    }
    let answer = server.ask("POST", "/session").json(&credentials).send().await;
    answer.problem(429);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((29..=31).contains(&wait), "{wait}");
    server.log_in(BOB).await;
}
