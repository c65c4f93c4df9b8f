//! The stops recorded for this user, kept up to date by events.

use api::{Event, MessageStatus, RecipientState, Stop};

/// Takes over what an event says.
pub fn apply(stops: &mut Vec<Stop>, event: &Event) {
    match event {
        Event::Stop(stop) => match stops.iter_mut().find(|known| known.id == stop.id) {
            Some(known) => known.clone_from(stop),
            None => stops.insert(0, stop.clone()),
        },
        Event::Delivery(status) => {
            for stop in stops.iter_mut().filter(|stop| stop.queue_id == status.id) {
                recount(stop, status);
            }
        }
        Event::Guarantee(_) | Event::Check(_) | Event::Mailbox { .. } => {}
    }
}

fn recount(stop: &mut Stop, status: &MessageStatus) {
    let count = |wanted: &[RecipientState]| {
        let others = status.recipients.iter().filter(|recipient| wanted.contains(&recipient.state));
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    };
    stop.delivered_others = count(&[RecipientState::Delivered]);
    stop.waiting_others = count(&[RecipientState::Queued, RecipientState::Deferred]);
}

/// A Message-ID as the API writes it: without space and `<>` around it.
pub fn bare_message_id(message_id: &str) -> &str {
    let trimmed = message_id.trim();
    trimmed.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(trimmed)
}

/// The stops of the message with this Message-ID.
pub fn of_message<'a>(stops: &'a [Stop], message_id: &'a str) -> impl Iterator<Item = &'a Stop> {
    let message_id = bare_message_id(message_id);
    stops.iter().filter(move |stop| stop.message_id.as_deref() == Some(message_id))
}

/// Whom the message with this Message-ID was not sent to.
pub fn not_sent_to(stops: &[Stop], message_id: &str) -> Vec<String> {
    of_message(stops, message_id)
        .flat_map(|stop| &stop.recipients)
        .map(|recipient| recipient.address.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use api::{MessageRecipient, StoppedRecipient};
    use rstest::rstest;

    use super::*;

    fn stop(id: &str, queue_id: &str, message_id: Option<&str>, addresses: &[&str]) -> Stop {
        let recipient = |address: &&str| StoppedRecipient {
            address: (*address).to_owned(),
            host: "mx.plain.example".to_owned(),
            host_address: "127.0.0.5".to_owned(),
            reason: String::new(),
            cause: "no_starttls".to_owned(),
            tls_last_seen: None,
            status: "5.7.4".to_owned(),
            stopped_at: "2026-11-24T13:05:00Z".parse().unwrap(),
            replaced_by: None,
        };
        Stop {
            id: id.to_owned(),
            queue_id: queue_id.to_owned(),
            message_id: message_id.map(str::to_owned),
            subject: String::new(),
            recipients: addresses.iter().map(recipient).collect(),
            delivered_others: 0,
            waiting_others: 3,
            replaced_by: None,
        }
    }

    fn delivery(queue_id: &str, states: &[RecipientState]) -> Event {
        let time = "2026-11-24T13:05:00Z".parse().unwrap();
        let recipient = |state: &RecipientState| MessageRecipient {
            address: "b@tls.example".to_owned(),
            state: *state,
            protection: None,
            reason: None,
            cause: None,
            status: None,
            host: None,
            tls: None,
            cipher: None,
            key_exchange: None,
            certificate_sha256: None,
            authenticated_by: None,
            authentication: None,
            requirement: guarantee::Requirement::Encrypted,
            changed_at: time,
            next_attempt_at: None,
        };
        Event::Delivery(MessageStatus {
            id: queue_id.to_owned(),
            message_id: None,
            accepted_at: time,
            recipients: states.iter().map(recipient).collect(),
        })
    }

    #[test]
    fn a_new_stop_is_the_newest_and_a_known_one_is_renewed() {
        let mut stops = vec![stop("1", "Q1", None, &["a@plain.example"])];
        apply(&mut stops, &Event::Stop(stop("2", "Q2", None, &["c@plain.example"])));
        apply(&mut stops, &Event::Stop(stop("1", "Q1", None, &["a@plain.example", "b@plain.example"])));
        let ids: Vec<&str> = stops.iter().map(|stop| stop.id.as_str()).collect();
        assert_eq!(ids, ["2", "1"]);
        assert_eq!(stops[1].recipients.len(), 2);
    }

    #[test]
    fn deliveries_change_the_numbers_of_their_own_stop_only() {
        use RecipientState::{Bounced, Deferred, Delivered, Queued, Stopped};
        let mut stops = vec![stop("1", "Q1", None, &[]), stop("2", "Q2", None, &[])];
        apply(&mut stops, &delivery("Q1", &[Delivered, Delivered, Queued, Deferred, Stopped, Bounced]));
        let numbers: Vec<(u32, u32)> =
            stops.iter().map(|stop| (stop.delivered_others, stop.waiting_others)).collect();
        assert_eq!(numbers, [(2, 2), (0, 3)]);
    }

    #[rstest]
    #[case("m1@home.example", &["a@plain.example", "b@plain.example"])]
    #[case("<m1@home.example>", &["a@plain.example", "b@plain.example"])]
    #[case(" <m1@home.example>\r\n", &["a@plain.example", "b@plain.example"])]
    #[case("m2@home.example", &[])]
    #[case("", &[])]
    fn of_a_message(#[case] message_id: &str, #[case] expected: &[&str]) {
        let stops = [
            stop("1", "Q1", Some("m1@home.example"), &["a@plain.example"]),
            stop("2", "Q2", None, &["x@plain.example"]),
            stop("3", "Q3", Some("m1@home.example"), &["b@plain.example"]),
        ];
        assert_eq!(not_sent_to(&stops, message_id), expected);
    }
}
