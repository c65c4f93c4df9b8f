//! What nobody may learn.

use black_box::{Demo, Mail};

#[test]
fn a_submitted_mail_names_neither_the_client_nor_the_login() {
    let demo = Demo::start();
    let alice = demo.alice();
    let mail = Mail::to(&["bob@home.example"]);
    let mut smtp = demo.submit_as("alice@home.example");
    smtp.command("EHLO alices-laptop.example").expect(250);
    alice.settled(&smtp.submit(&mail));
    let raw = String::from_utf8(demo.bob().wait_for_message("INBOX", &mail.message_id)).expect("UTF-8");
    let trace: String = raw.split("\r\n").take_while(|line| !line.starts_with("From:")).collect();
    assert!(trace.contains("Received: "), "{trace}");
    for private in
        ["alices-laptop", &demo.submission().ip().to_string(), "alice@home.example", "authenticated"]
    {
        let in_trace = trace.split("Received: ").skip(1).any(|field| field.contains(private));
        assert!(!in_trace, "{private:?} in {trace}");
    }
}

#[test]
fn nobody_sees_another_users_messages_stops_or_mailboxes() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    let id = alice.post(&mail);
    alice.settled(&id);
    let bounce_id =
        alice.wait_until("the bounce", || alice.list("INBOX").first().map(black_box::ListedMessage::id));
    bob.http.get(&format!("/api/v1/messages/{id}")).problem(404);
    bob.http.get(&format!("/api/v1/mailboxes/INBOX/messages/{bounce_id}/raw")).problem(404);
    assert!(bob.stops().is_empty() && bob.list("INBOX").is_empty() && bob.list("Sent").is_empty());
    // A message that is not there looks the same as another's.
    let none = bob.http.get("/api/v1/messages/nothing").problem(404);
    let others = bob.http.get(&format!("/api/v1/messages/{id}")).problem(404);
    assert_eq!((&none["type"], &none["title"]), (&others["type"], &others["title"]));
}

#[test]
fn an_event_goes_to_its_user_only() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    alice.switch("on");
    let events = bob.events();
    alice.settled(&alice.post(&Mail::to(&["carla@plain.example"])));
    let mail = Mail::new("bob@home.example", &["dora@tls.example"]);
    let id = bob.post(&mail);
    let mut heard = Vec::new();
    events.wait_for("bob's own delivery", |event| {
        heard.push(event.data.to_string());
        (event.name == "delivery" && event.data["id"] == id.as_str()).then_some(())
    });
    assert!(heard.iter().all(|data| !data.contains("carla@plain.example")), "{heard:?}");
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let demo = Demo::start();
    let log_in = |address: &str| {
        let credentials = serde_json::json!({"address": address, "password": "wrong"});
        let mut problem = demo.anonymous().post("/api/v1/session", &credentials).problem(401);
        problem["instance"].take();
        problem
    };
    assert_eq!(log_in("alice@home.example"), log_in("nobody@home.example"));
    let mut smtp = demo.submit_as("bob@home.example");
    smtp.command("QUIT").expect(221);
    let mut replies = ["alice@home.example", "nobody@home.example"].map(|address| {
        let mut smtp = black_box::Smtp::connect_tls(demo.submissions());
        smtp.command("EHLO client.example").expect(250);
        smtp.log_in(address, "wrong").expect(535).text()
    });
    replies.sort();
    assert_eq!(replies[0], replies[1]);
}
