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
