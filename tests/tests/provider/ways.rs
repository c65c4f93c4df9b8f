//! The ways out of a stop as Roundcube goes them: the page tells our server, and the mail goes over SMTP, through Postfix
//! where there is one.

use black_box::{Mail, PostfixWay, Provider, User};
use rstest::rstest;
use serde_json::{Value, json};

fn submit(provider: &Provider, mail: &Mail) {
    let recipients: Vec<&str> = mail.recipients().collect();
    provider.submit_as(&mail.from).transact(&mail.from, &recipients, &mail.to_string()).expect(250);
}

/// What the page finds of a mail it sent, by what it knows of it.
fn found(of: &User, message_id: &str) -> Vec<Value> {
    of.http.get(&format!("/api/v1/messages?message_id={message_id}")).ok().parse()
}

/// Waits until this mail was delivered in clear.
fn wait_for_departure(provider: &Provider, mail: &Mail) {
    assert_eq!(provider.wait_for_delivery(&mail.message_id, "plain.example").tls, None);
}

#[rstest]
#[case::alone(None)]
#[case::postfix_hands_all_over(Some(PostfixWay::HandsAllOver))]
#[case::postfix_routes_by_sender(Some(PostfixWay::RoutesBySender))]
fn p08_a_mail_is_sent_without_the_guarantee_in_the_stead_of_a_stopped_one(#[case] way: Option<PostfixWay>) {
    let Some(provider) = way.map_or_else(Provider::start, Provider::beside_postfix) else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    let stopped = Mail::new(&alice.address, &["y@plain.example", &bob.address]);
    submit(&provider, &stopped);
    assert_eq!(alice.wait_for_bounce(&stopped.message_id).addresses(), ["y@plain.example"]);
    let stop = alice.stops().remove(0);
    assert_eq!(stop.message_id, stopped.message_id);
    let recipients = found(&alice, &stopped.message_id)[0]["recipients"].clone();
    let recipient =
        recipients.as_array().expect("a list").iter().find(|one| one["address"] == "y@plain.example");
    assert_eq!(recipient.expect("the stopped one")["state"], "stopped", "{recipients}");

    // As the page does when Send is pressed: before the mail is on its way.
    let instead = Mail::new(&alice.address, &["y@plain.example"]);
    let message_id = instead.message_id.as_str();
    let lift = json!({"message_id": message_id, "recipients": ["y@plain.example"]});
    alice.http.post("/api/v1/overrides", &lift).ok();
    let replacement = format!("/api/v1/stops/{}/replacements", stop.id);
    alice.http.post(&replacement, &json!({"message_id": message_id})).ok();
    assert_eq!(alice.stops()[0].replaced_by, None, "not yet sent");
    submit(&provider, &instead);
    wait_for_departure(&provider, &instead);
    let replaced = alice.wait_until("the stop's replacement", || alice.stops().remove(0).replaced_by);
    let found = found(&alice, message_id);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["id"], replaced.as_str());
    assert_eq!(bob.http.get(&format!("/api/v1/messages?message_id={message_id}")).ok().text(), "[]");

    // Once, and the setting is as it was.
    submit(&provider, &instead);
    assert_eq!(alice.wait_for_bounce(message_id).addresses(), ["y@plain.example"]);
    assert_eq!(alice.guarantee()["state"], "on");
    assert_eq!(provider.deliveries_of(message_id, "plain.example").len(), 1);
}
