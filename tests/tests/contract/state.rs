//! What outlives a restart.

use black_box::{Demo, Mail};

#[test]
fn sigterm_and_ctrl_c_stop_it_cleanly() {
    let mut demo = Demo::start();
    let status = demo.terminate();
    assert!(status.success(), "{status}: {}", demo.said());
    demo.start_again();
    demo.alice();
}

// rfc 5321 6.1: MUST NOT It MUST NOT lose the message for frivolous reasons
#[test]
fn after_250_the_mail_is_on_disk() {
    let mut demo = Demo::start();
    demo.alice().switch("on");
    let mails: Vec<Mail> = (0..5).map(|_| Mail::to(&["bob@tls.example", "carla@plain.example"])).collect();
    let mut smtp = demo.submit_as("alice@home.example");
    let ids: Vec<String> = mails.iter().map(|mail| smtp.submit(mail)).collect();
    demo.kill9();
    demo.start_again();
    let alice = demo.alice();
    for (mail, id) in mails.iter().zip(&ids) {
        let status = alice.settled(id);
        assert_eq!(
            (status.recipients[0].state.as_str(), status.recipients[1].state.as_str()),
            ("delivered", "stopped")
        );
        alice.wait_for_bounce(&mail.message_id);
        demo.wait_for_delivery(&mail.message_id, "tls.example");
    }
}

#[test]
fn the_same_data_goes_on_where_it_was() {
    let mut demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail =
        Mail::to(&["bob@home.example", "dora@tls.example", "carla@plain.example", "emil@down.example"]);
    let id = alice.post(&mail);
    alice.settled(&id);
    alice.wait_for_bounce(&mail.message_id);
    let deliveries = demo.deliveries().len();
    demo.terminate();
    demo.start_again();
    let alice = demo.alice();
    let states: Vec<_> = alice.message(&id).recipients.into_iter().map(|r| r.state).collect();
    assert_eq!(states, ["delivered", "delivered", "stopped", "deferred"]);
    assert_eq!(demo.deliveries().len(), deliveries, "nothing is sent twice");
    assert_eq!((alice.bounces().len(), alice.stops().len(), alice.list("Sent").len()), (1, 1, 1));
    demo.bob().wait_for_message("INBOX", &mail.message_id);
}
