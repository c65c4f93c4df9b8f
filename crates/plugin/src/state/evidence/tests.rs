use rstest::rstest;

use super::*;

fn recipient(state: RecipientState) -> MessageRecipient {
    MessageRecipient {
        address: "carla@dane.example".to_owned(),
        state,
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
        requirement: Requirement::Encrypted,
        changed_at: Timestamp::UNIX_EPOCH,
        next_attempt_at: Some(Timestamp::UNIX_EPOCH),
    }
}

fn delivered(protection: Option<Protection>, by: Option<AuthenticatedBy>) -> MessageRecipient {
    MessageRecipient { protection, authenticated_by: by, ..recipient(RecipientState::Delivered) }
}

fn because(state: RecipientState, cause: &str) -> MessageRecipient {
    MessageRecipient { cause: Some(cause.to_owned()), ..recipient(state) }
}

#[rstest]
#[case::queued(recipient(RecipientState::Queued), Standing::Underway)]
#[case::here(delivered(None, None), Standing::DeliveredHere)]
#[case::clear(delivered(Some(Protection::None), None), Standing::DeliveredUnprotected)]
#[case::encrypted(delivered(Some(Protection::Encrypted), None), Standing::DeliveredEncrypted)]
#[case::certificate(
    delivered(Some(Protection::Authenticated), Some(AuthenticatedBy::Certificate)),
    Standing::DeliveredVerified(AuthenticatedBy::Certificate)
)]
#[case::policy(
    delivered(Some(Protection::Authenticated), Some(AuthenticatedBy::MtaSts)),
    Standing::DeliveredVerified(AuthenticatedBy::MtaSts)
)]
#[case::dane(
    delivered(Some(Protection::Dane), Some(AuthenticatedBy::Dane)),
    Standing::DeliveredVerified(AuthenticatedBy::Dane)
)]
#[case::own_line(because(RecipientState::Deferred, "own_line"), Standing::Waits(Wait::OwnLine))]
#[case::bogus(because(RecipientState::Deferred, "dns_bogus"), Standing::Waits(Wait::DnsBogus))]
#[case::no_dns(because(RecipientState::Deferred, "dns_failed"), Standing::Waits(Wait::DnsFailed))]
#[case::tlsa(because(RecipientState::Deferred, "dane_mismatch"), Standing::Waits(Wait::DomainDemands))]
#[case::sts(because(RecipientState::Deferred, "sts_mismatch"), Standing::Waits(Wait::DomainDemands))]
#[case::other_host(because(RecipientState::Deferred, "no_starttls"), Standing::Waits(Wait::OtherHost))]
#[case::away(because(RecipientState::Deferred, "unreachable"), Standing::Waits(Wait::Host))]
#[case::unsaid(recipient(RecipientState::Deferred), Standing::Waits(Wait::Host))]
#[case::stopped(because(RecipientState::Stopped, "downgrade"), Standing::Stopped(CauseWord::Downgrade))]
#[case::bounced(because(RecipientState::Bounced, "null_mx"), Standing::Undeliverable)]
fn standings(#[case] recipient: MessageRecipient, #[case] expected: Standing) {
    assert_eq!(standing(&recipient), expected);
    let waits = matches!(expected, Standing::Waits(_));
    assert_eq!(next_attempt(&recipient).is_some(), waits, "only what waits is tried again");
}

#[test]
fn the_details_are_those_that_there_are() {
    let full = MessageRecipient {
        host: Some("mx.dane.example".to_owned()),
        tls: Some("TLSv1.3".to_owned()),
        cipher: Some("TLS13_AES_256_GCM_SHA384".to_owned()),
        key_exchange: Some("X25519MLKEM768".to_owned()),
        certificate_sha256: Some("a8".to_owned()),
        authentication: Some("3 1 1 87".to_owned()),
        reason: Some("250 2.0.0 Kept".to_owned()),
        ..delivered(Some(Protection::Dane), Some(AuthenticatedBy::Dane))
    };
    let expected = [
        (Detail::Host, "mx.dane.example"),
        (Detail::Tls, "TLSv1.3 TLS13_AES_256_GCM_SHA384"),
        (Detail::KeyExchange, "X25519MLKEM768"),
        (Detail::Proof, "3 1 1 87"),
        (Detail::Certificate, "a8"),
        (Detail::Answer, "250 2.0.0 Kept"),
    ];
    assert_eq!(details(&full), expected.map(|(detail, value)| (detail, value.to_owned())));
    let resumed = MessageRecipient { key_exchange: Some("resumed".to_owned()), ..full.clone() };
    assert_eq!(details(&resumed)[2].0, Detail::Resumed);
    // A record of a host whose own name is not proven is no proof.
    let unproven = MessageRecipient { authenticated_by: None, ..full };
    assert!(details(&unproven).iter().all(|(detail, _)| *detail != Detail::Proof));
    assert_eq!(details(&delivered(None, None)), []);
}

#[rstest]
#[case(Requirement::Regardless, true)]
#[case(Requirement::Opportunistic, false)]
#[case(Requirement::Encrypted, false)]
#[case(Requirement::Authenticated, false)]
#[case(Requirement::RequireTls, false)]
fn own_decisions(#[case] requirement: Requirement, #[case] expected: bool) {
    let recipient = MessageRecipient { requirement, ..recipient(RecipientState::Delivered) };
    assert_eq!(is_own_decision(&recipient), expected);
}

fn status(id: &str, message_id: &str) -> MessageStatus {
    MessageStatus {
        id: id.to_owned(),
        message_id: Some(message_id.to_owned()),
        accepted_at: Timestamp::UNIX_EPOCH,
        recipients: vec![recipient(RecipientState::Queued)],
    }
}

#[rstest]
#[case("m1@x", Some("Q1"))]
#[case("<m1@x>", Some("Q1"))]
#[case("m2@x", Some("Q3"))]
#[case("m4@x", None)]
fn a_message_is_found_by_its_message_id(#[case] message_id: &str, #[case] expected: Option<&str>) {
    let mut known = Known::default();
    let later = Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1);
    known.learn(&status("Q1", "m1@x"));
    known.learn(&MessageStatus { accepted_at: later, ..status("Q3", "m2@x") });
    known.learn(&status("Q2", "m2@x"));
    assert_eq!(known.status(message_id).map(|status| status.id.as_str()), expected);
}

#[test]
fn the_newest_status_counts_and_memory_is_bounded() {
    let mut known = Known::default();
    known.learn(&status("Q1", "m1@x"));
    known.learn(&MessageStatus { recipients: Vec::new(), ..status("Q1", "m1@x") });
    assert!(known.status("m1@x").is_some_and(|status| status.recipients.is_empty()));
    for number in 0..2 * KEPT {
        known.learn(&status(&format!("N{number}"), &format!("n{number}@x")));
    }
    assert_eq!(known.0.len(), KEPT);
    assert!(known.status("n199@x").is_some() && known.status("m1@x").is_none());
}
