//! The stops recorded for this user, kept up to date by events.

use api::{Event, MessageStatus, RecipientState, Stop, StoppedRecipient};

use crate::draft::same_mailbox;

/// Takes over what an event says.
pub fn apply(stops: &mut Vec<Stop>, event: &Event) {
    match event {
        Event::Stop(stop) => match stops.iter_mut().find(|known| known.id == stop.id) {
            // Two deliveries of one message may be told of in the wrong order: the later record names more.
            Some(known) if stop.recipients.len() >= known.recipients.len() => known.clone_from(stop),
            Some(_) => {}
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

/// What is true of a sent message that was stopped for somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Who is still without it.
    pub not_sent_to: Vec<String>,
    /// To whom a later message was sent in its stead.
    pub sent_again_to: Vec<String>,
}

/// The mark of the message with this Message-ID; an empty one if no stop is recorded for it.
pub fn mark(stops: &[Stop], message_id: &str) -> Mark {
    let mut mark = Mark::default();
    for recipient in of_message(stops, message_id).flat_map(|stop| &stop.recipients) {
        let list = match was_sent_again(stops, recipient) {
            true => &mut mark.sent_again_to,
            false => &mut mark.not_sent_to,
        };
        list.push(recipient.address.clone());
    }
    mark
}

/// Whether a later message was sent to a stopped recipient, and not stopped again.
pub fn was_sent_again(stops: &[Stop], recipient: &StoppedRecipient) -> bool {
    let mut by = recipient.replaced_by.as_deref();
    // Each is later than the one before, so that it ends; a record that says otherwise is not followed for ever.
    for _ in 0..=stops.len() {
        let Some(queue_id) = by else { return false };
        let again = stops.iter().filter(|stop| stop.queue_id == queue_id).flat_map(|stop| &stop.recipients);
        match again.into_iter().find(|one| same_mailbox(&one.address, &recipient.address)) {
            None => return true,
            Some(stopped) => by = stopped.replaced_by.as_deref(),
        }
    }
    false
}

/// Those of a stop's recipients who are still without the message; all of them once it was sent to all again.
pub fn still_without<'a>(stops: &[Stop], recipients: &[&'a StoppedRecipient]) -> Vec<&'a StoppedRecipient> {
    let left: Vec<_> = recipients.iter().copied().filter(|one| !was_sent_again(stops, one)).collect();
    if left.is_empty() { recipients.to_vec() } else { left }
}

/// Whether a message that is on its way may have taken a stopped one's stead since the stops were asked for: the
/// server tells of deliveries, but not of that.
pub fn may_be_outdated(stops: &[Stop], event: &Event) -> bool {
    let Event::Delivery(status) = event else { return false };
    let others = stops.iter().filter(|stop| stop.queue_id != status.id).flat_map(|stop| &stop.recipients);
    let is_waiting = |one: &StoppedRecipient| one.replaced_by.is_none();
    others.into_iter().any(|one| {
        is_waiting(one) && status.recipients.iter().any(|to| same_mailbox(&to.address, &one.address))
    })
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
            demanded: false,
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
    fn an_earlier_record_told_of_later_takes_nobody_away() {
        let both = stop("1", "Q1", None, &["a@plain.example", "b@legacy.example"]);
        let mut stops = vec![both.clone()];
        apply(&mut stops, &Event::Stop(stop("1", "Q1", None, &["a@plain.example"])));
        assert_eq!(stops, [both]);
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
        assert_eq!(mark(&stops, message_id).not_sent_to, expected);
    }

    /// `Q1` was stopped for these, each with the message that replaced it; `Q2`, for `a`, likewise.
    #[rstest]
    #[case::not_yet(&[("a", None)], None, &["a"], &[])]
    #[case::sent(&[("a", Some("Q9"))], None, &[], &["a"])]
    #[case::sent_to_one(&[("a", Some("Q9")), ("b", None)], None, &["b"], &["a"])]
    #[case::stopped_again(&[("a", Some("Q2")), ("b", Some("Q2"))], Some(None), &["a"], &["b"])]
    #[case::sent_at_last(&[("a", Some("Q2"))], Some(Some("Q3")), &[], &["a"])]
    #[case::going_round(&[("a", Some("Q2"))], Some(Some("Q2")), &["a"], &[])]
    fn marks(
        #[case] first: &[(&str, Option<&str>)],
        #[case] second: Option<Option<&str>>,
        #[case] not_sent_to: &[&str],
        #[case] sent_again_to: &[&str],
    ) {
        let replaced = |stop: Stop, by: &[Option<&str>]| {
            let with = |(one, by): (StoppedRecipient, &Option<&str>)| StoppedRecipient {
                replaced_by: by.map(str::to_owned),
                ..one
            };
            Stop { recipients: stop.recipients.iter().cloned().zip(by).map(with).collect(), ..stop }
        };
        let (addresses, by): (Vec<&str>, Vec<Option<&str>>) = first.iter().copied().unzip();
        let mut stops = vec![replaced(stop("1", "Q1", Some("m1@home.example"), &addresses), &by)];
        // Addresses differ in case at most.
        stops.extend(second.map(|by| replaced(stop("2", "Q2", Some("m2@home.example"), &["A"]), &[by])));
        let mark = mark(&stops, "m1@home.example");
        assert_eq!((mark.not_sent_to, mark.sent_again_to), (owned(not_sent_to), owned(sent_again_to)));
    }

    fn owned(addresses: &[&str]) -> Vec<String> {
        addresses.iter().map(|&address| address.to_owned()).collect()
    }

    #[rstest]
    #[case::another_message_to_the_same("Q2", "b@tls.example", None, true)]
    #[case::its_own_delivery("Q1", "b@tls.example", None, false)]
    #[case::to_somebody_else("Q2", "c@tls.example", None, false)]
    #[case::known_already("Q2", "b@tls.example", Some("Q9"), false)]
    fn stops_are_asked_for_anew(
        #[case] queue_id: &str,
        #[case] stopped: &str,
        #[case] replaced_by: Option<&str>,
        #[case] expected: bool,
    ) {
        let mut stop = stop("1", "Q1", None, &[stopped]);
        stop.recipients[0].replaced_by = replaced_by.map(str::to_owned);
        assert_eq!(may_be_outdated(&[stop], &delivery(queue_id, &[RecipientState::Delivered])), expected);
    }
}
