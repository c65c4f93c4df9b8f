//! The webmail's tokens: who signs them, for whom, and for how long; and what a user's own never shows.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use black_box::{Mail, Provider, Smtp, WebmailKey};
use serde_json::{Value, json};

use crate::hands::{add, edit, reconfigure};

const CLOCK: &str = "urn:tls-guarantee:problem:clock";
const EXPIRED: &str = "urn:tls-guarantee:problem:token-expired";

/// What the plugin puts into a token for alice, made `age` seconds ago, with these claims changed.
fn claims(age: i64, changed: &Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let made = i64::try_from(now).expect("a time") - age;
    let mut claims = json!({
        "iss": "roundcube", "sub": "alice@example.org", "aud": "mail.example.org", "iat": made, "exp": made + 300,
    });
    for (name, value) in changed.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    claims
}

/// A token with this header and no signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.")
}

/// The answer to whoever brings this token: its status, and the problem's type.
fn answer(provider: &Provider, token: &str) -> (u16, String) {
    let answer = provider.anonymous().with_token(token).get("/api/v1/guarantee");
    let kind = if answer.status == 200 { Value::Null } else { answer.any_problem()["type"].clone() };
    (answer.status, kind.as_str().unwrap_or_default().to_owned())
}

#[test]
fn only_a_fresh_token_of_the_webmails_for_this_server_is_taken() {
    let Some(provider) = Provider::start() else { return };
    let key = provider.key();
    let good = claims(0, &Value::Null);
    assert_eq!(answer(&provider, &key.sign(&good)).0, 200);
    assert_eq!(answer(&provider, &key.sign(&claims(0, &json!({"sub": "Alice@Example.org"})))).0, 200);

    let other_secret =
        WebmailKey { secret: b"another secret of thirty-two characters".to_vec(), ..key.clone() };
    let other_id = WebmailKey { id: "nobodys".to_owned(), ..key.clone() };
    let (head, signature) = {
        let token = key.sign(&good);
        token.rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a token")
    };
    let bobs = key.sign(&claims(0, &json!({"sub": "bob@example.org"})));
    let [header, payload, _] = bobs.split('.').collect::<Vec<_>>()[..] else { panic!("{bobs}") };
    for (what, token, status, kind) in [
        ("signed by another", other_secret.sign(&good), 401, ""),
        ("of a key that is not here", other_id.sign(&good), 401, ""),
        ("not signed", unsigned(&json!({"alg": "none", "typ": "JWT", "kid": "webmail"}), &good), 401, ""),
        (
            "not signed, says HS256",
            unsigned(&json!({"alg": "HS256", "typ": "JWT", "kid": "webmail"}), &good),
            401,
            "",
        ),
        ("another's claims under this signature", format!("{header}.{payload}.{signature}"), 401, ""),
        ("shortened", format!("{head}.{}", &signature[1..]), 401, ""),
        ("for another server", key.sign(&claims(0, &json!({"aud": "mail.other.example"}))), 401, ""),
        ("for too long", key.sign(&claims(0, &json!({"exp": 4_000_000_000_u32}))), 401, ""),
        ("for another domain", key.sign(&claims(0, &json!({"sub": "alice@other.example"}))), 403, ""),
        ("for no address", key.sign(&claims(0, &json!({"sub": "alice"}))), 403, ""),
        ("ended", key.sign(&claims(400, &Value::Null)), 401, EXPIRED),
        ("of a clock five minutes ahead", key.sign(&claims(-300, &Value::Null)), 401, CLOCK),
        (
            "of a clock five minutes behind, used a minute later",
            key.sign(&claims(300 + 61, &Value::Null)),
            401,
            EXPIRED,
        ),
        ("none", "x.y.z".to_owned(), 401, ""),
        ("not even that", String::from("x"), 401, ""),
    ] {
        let told = answer(&provider, &token);
        assert_eq!(told.0, status, "{what}: {told:?}");
        assert!(kind.is_empty() || told.1 == kind, "{what}: {told:?}");
    }
    // What a browser's and a server's clocks differ by.
    for age in [-50, 50, 350] {
        assert_eq!(answer(&provider, &key.sign(&claims(age, &Value::Null))).0, 200, "{age} s old");
    }
}

/// Spelt in the webmail as the user typed it, and by Dovecot in its own way: it is one account.
#[test]
fn p04_an_account_is_one_however_its_name_is_spelt() {
    let Some(provider) = Provider::start() else { return };
    let (typed, alice) = (provider.user("Alice@EXAMPLE.org"), provider.alice());
    typed.switch("on");
    assert_eq!(alice.guarantee()["state"], "on");
    let mail = Mail::new(&alice.address, &["y@plain.example"]);
    let queue_id = provider.submit_as("ALICE@example.org").submit(&mail);
    typed.settled(&queue_id);
    assert_eq!((typed.stops().len(), alice.stops().len()), (1, 1));
    alice.wait_for_bounce(&mail.message_id);
}

/// One key takes over from another without a page that stops working.
#[test]
fn keys_rotate() {
    let Some(mut provider) = Provider::start() else { return };
    let old = provider.key();
    let next = WebmailKey {
        id: "next".to_owned(),
        secret: b"the next secret, of more than 32 characters".to_vec(),
        ..old.clone()
    };
    let (old_file, next_file) =
        (provider.path("/etc/tls-guarantee/webmail.key"), provider.path("/etc/tls-guarantee/next.key"));
    fs::write(&next_file, &next.secret).expect("a key");
    let told =
        |provider: &Provider| [&old, &next].map(|key| answer(provider, &key.token("alice@example.org")).0);
    assert_eq!(told(&provider), [200, 401]);
    let (old_file, next_file) =
        (format!("\"{}\"", old_file.display()), format!("\"{}\"", next_file.display()));
    reconfigure(&mut provider, &old_file, &format!("{old_file}, {next_file}"));
    assert_eq!(told(&provider), [200, 200]);
    reconfigure(&mut provider, &format!("{old_file}, "), "");
    assert_eq!(told(&provider), [401, 200]);
}

#[test]
fn a_users_token_shows_nothing_of_anothers() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    bob.switch("on");
    let mail = Mail::new(&bob.address, &["y@plain.example"]);
    let queue_id = provider.submit_as(&bob.address).submit(&mail);
    bob.settled(&queue_id);
    let stop = bob.stop_of(&queue_id).expect("a stop");

    assert!(alice.stops().is_empty());
    assert_eq!(alice.guarantee()["state"], "off");
    alice.http.get(&format!("/api/v1/messages/{queue_id}")).problem(404);
    let by_message_id = format!("/api/v1/messages?message_id={}", mail.message_id);
    assert_eq!(alice.http.get(&by_message_id).ok().parse::<Vec<Value>>().len(), 0);
    assert_eq!(bob.http.get(&by_message_id).ok().parse::<Vec<Value>>().len(), 1);
    let replacement = json!({"message_id": mail.message_id});
    alice.http.post(&format!("/api/v1/stops/{}/replacements", stop.id), &replacement).problem(404);
    assert_eq!(bob.stops()[0].replaced_by, None);
    for path in ["/api/v1/guarantee", "/api/v1/stops"] {
        provider.anonymous().get(path).problem(401);
    }
}

/// Where Dovecot takes tokens instead of passwords, from whoever signs them, a mail program can submit with one.
#[test]
fn p04_a_token_that_dovecot_takes_is_a_log_in() {
    let Some(mut provider) = Provider::start() else { return };
    let secret = b"a secret of the sign-on's, of more than 32 characters".to_vec();
    let key = WebmailKey { id: "sso".to_owned(), secret, audience: "mail".to_owned() };
    let keys = provider.path("/etc/dovecot/keys");
    fs::create_dir_all(keys.join("default/HS256")).expect("a folder");
    fs::write(keys.join("default/HS256/sso"), BASE64_STANDARD.encode(&key.secret)).expect("a key");
    let options = provider.path("/etc/dovecot/oauth2.conf");
    let keys = keys.display();
    let settings = "introspection_mode = local\nusername_attribute = email\nlocal_validation_key_dict = fs:posix:prefix=";
    fs::write(&options, format!("{settings}{keys}/\n")).expect("Dovecot's configuration");
    let local = "/etc/dovecot/local.conf";
    edit(&provider, local, "passdb {\n", "passdb {\n  mechanisms = plain login\n");
    let more = format!(
        "auth_mechanisms = plain login xoauth2 oauthbearer\n\
         passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {}\n}}\n",
        options.display()
    );
    add(&provider, local, &more);
    provider.stop_dovecot();
    provider.start_dovecot();
    provider.stop_server();
    provider.start_server();

    let claims = claims(0, &json!({"email": "alice@example.org"}));
    let other = WebmailKey { secret: b"a secret of somebody else's, long enough".to_vec(), ..key.clone() };
    for (token, code) in [(key.sign(&claims), 235), (other.sign(&claims), 535)] {
        let xoauth2 = format!("user=alice@example.org\x01auth=Bearer {token}\x01\x01");
        let oauthbearer = format!("n,a=alice@example.org,\x01auth=Bearer {token}\x01\x01");
        for (mechanism, response) in [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)] {
            let mut smtp = Smtp::connect_tls(provider.submissions());
            let ehlo = smtp.command("EHLO client.example").expect(250);
            assert!(ehlo.lines.iter().any(|line| line == "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER"), "{ehlo:?}");
            let mut reply = smtp.command(&format!("AUTH {mechanism} {}", BASE64_STANDARD.encode(response)));
            if reply.code == 334 {
                // The client has read why (RFC 7628 section 3.2.3).
                reply = smtp.command("AQ==");
            }
            assert_eq!(reply.code, code, "{mechanism}: {reply:?}");
            if code == 235 {
                smtp.submit(&Mail::new("alice@example.org", &["x@tls.example"]));
            }
        }
    }
}
