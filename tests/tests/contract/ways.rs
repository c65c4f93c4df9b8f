//! The way out of a stop that needs the server: P8, the recorded override.

use black_box::{Answer, Demo, Mail, User};
use serde_json::{Value, json};

fn lift(user: &User, mail: &Mail, recipients: &[&str]) -> Answer {
    let message_id = format!("<{}>", mail.message_id);
    user.http.post("/api/v1/overrides", &json!({"message_id": message_id, "recipients": recipients}))
}

#[test]
fn p08_a_recorded_override_sends_this_mail_to_these_recipients_once() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let first = Mail::to(&["carla@plain.example", "dora@plain.example"]);
    lift(&alice, &first, &["carla@plain.example"]).ok();
    let status = alice.settled(&alice.post(&first));
    assert_eq!(status.recipients[0].state, "delivered", "carla's copy was lifted");
    assert_eq!(status.recipients[1].state, "stopped", "dora's was not");
    assert_eq!(alice.guarantee()["state"], "on");
    let status = alice.settled(&alice.post(&first));
    assert_eq!(status.recipients[0].state, "stopped", "an override is good for once");
}

#[test]
fn p08_an_override_holds_whichever_way_the_mail_is_submitted() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    lift(&alice, &mail, &["carla@plain.example"]).ok();
    let status = alice.settled(&demo.submit_as("alice@home.example").submit(&mail));
    assert_eq!(status.recipients[0].state, "delivered");
}

#[test]
fn p08_an_override_is_the_users_and_the_messages_own() {
    let demo = Demo::start();
    let (alice, bob) = (demo.alice(), demo.bob());
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example"]);
    lift(&bob, &mail, &["carla@plain.example"]).ok();
    assert_eq!(alice.settled(&alice.post(&mail)).recipients[0].state, "stopped", "bob cannot lift alice's");
    let other = Mail::to(&["carla@plain.example"]);
    lift(&alice, &other, &["carla@plain.example"]).ok();
    let mail = Mail::to(&["carla@plain.example"]);
    assert_eq!(
        alice.settled(&alice.post(&mail)).recipients[0].state,
        "stopped",
        "it was for another message"
    );
}

#[test]
fn p08_an_override_needs_a_message_and_recipients() {
    let demo = Demo::start();
    let alice = demo.alice();
    let post = |body: Value| alice.http.post("/api/v1/overrides", &body);
    post(json!({"message_id": "<a@b.example>", "recipients": []})).any_problem();
    post(json!({"message_id": "", "recipients": ["carla@plain.example"]})).any_problem();
    post(json!({"message_id": "<a@b.example>", "recipients": ["no address"]})).any_problem();
    post(json!({"recipients": ["carla@plain.example"]})).any_problem();
}

/// The seed's own way: switch off, send again, switch on.
#[test]
fn p08_switching_off_briefly_lets_it_through() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let stopped = Mail::to(&["carla@plain.example"]);
    alice.settled(&alice.post(&stopped));
    alice.wait_for_bounce(&stopped.message_id);
    alice.switch("off");
    let again = Mail::to(&["carla@plain.example"]);
    alice.settled(&alice.post(&again));
    alice.switch("on");
    let delivered = demo.deliveries_of(&again.message_id, "plain.example");
    assert_eq!((delivered.len(), &delivered[0].tls), (1, &None));
    assert_eq!(demo.deliveries_of(&stopped.message_id, "plain.example").len(), 0);
}
