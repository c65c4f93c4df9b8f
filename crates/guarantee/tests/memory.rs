//! The memory for downgrades, and the watch over our own line.

use std::net::{IpAddr, Ipv4Addr};

use guarantee::*;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000 + hours)
}

fn minutes(minutes: i64) -> Timestamp {
    at(0) + SignedDuration::from_mins(minutes)
}

fn tls() -> TlsDetails {
    TlsDetails {
        version: TlsVersion::Tls13,
        cipher: String::new(),
        key_exchange: String::new(),
        certificate_sha256: "ab".to_owned(),
    }
}

fn host() -> HostAddress {
    HostAddress { name: "mx.example".to_owned(), address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)) }
}

fn seen(protections: &[(Protection, i64)]) -> Remembered {
    let mut remembered = None;
    for (protection, hours) in protections {
        remembered = Some(Remembered::after(remembered, &tls(), *protection, at(*hours)));
    }
    remembered.expect("seen at least once")
}

#[test]
fn what_is_seen_adds_up() {
    use Protection::{Authenticated, Encrypted};
    let remembered = seen(&[(Encrypted, 0), (Authenticated, 1), (Encrypted, 2)]);
    assert_eq!((remembered.best, remembered.count), (Authenticated, 3));
    assert_eq!((remembered.first_tls, remembered.last_tls), (at(0), at(2)));
    assert_eq!(remembered.last_authenticated, Some(at(1)));
    // What has faded counts for nothing.
    let much_later = 2 + 30 * 24;
    let remembered = Remembered::after(Some(remembered), &tls(), Encrypted, at(much_later));
    assert_eq!((remembered.best, remembered.count, remembered.first_tls), (Encrypted, 1, at(much_later)));
}

#[rstest]
#[case::no_starttls(Cause::NoStarttls { host: host() }, Some(at(5)))]
#[case::refused(Cause::StarttlsRefused { host: host(), reply: "502".into() }, Some(at(5)))]
#[case::handshake(Cause::HandshakeFailed { host: host(), detail: "alert".into() }, Some(at(5)))]
#[case::not_authenticated(Cause::NotAuthenticated { host: host(), detail: "expired".into() }, Some(at(3)))]
// A TLSA record or policy that does not match is an attack or a fault of its own, not a downgrade.
#[case::mismatch(Cause::Mismatch { host: host(), mechanism: Mechanism::Dane, detail: String::new() }, None)]
#[case::unknown_user(Cause::UnknownUser { address: "x@y.example".into() }, None)]
fn less_than_before_is_a_possible_downgrade(#[case] cause: Cause, #[case] expected: Option<Timestamp>) {
    let remembered = seen(&[(Protection::Authenticated, 3), (Protection::Encrypted, 5)]);
    assert_eq!(recognise(cause.clone(), None, at(6)), cause, "nothing is remembered");
    match (recognise(cause.clone(), Some(&remembered), at(6)), expected) {
        (Cause::Downgrade { now, seen }, Some(expected)) => {
            assert_eq!((*now, seen), (cause.clone(), expected));
        }
        (same, None) => assert_eq!(same, cause),
        other => panic!("{other:?}"),
    }
    // Thirty days after, it is another server.
    assert_eq!(recognise(cause.clone(), Some(&remembered), at(5 + 30 * 24)), cause);
}

#[test]
fn a_host_that_never_proved_who_it_is_does_not_prove_less_than_before() {
    let cause = Cause::NotAuthenticated { host: host(), detail: "self-signed".into() };
    assert_eq!(recognise(cause.clone(), Some(&seen(&[(Protection::Encrypted, 3)])), at(6)), cause);
}

/// Sightings as (domain, network, what, minute).
type Sighting = (u8, u8, Loss, i64);

fn lost(domain: u8, network: u8) -> Sighting {
    (domain, network, Loss::LostTls, 0)
}

#[rstest]
#[case::five_in_three(&[lost(1, 1), lost(2, 1), lost(3, 2), lost(4, 2), lost(5, 3)], 1, true)]
#[case::four(&[lost(1, 1), lost(2, 1), lost(3, 2), lost(4, 3)], 1, false)]
#[case::two_networks(&[lost(1, 1), lost(2, 1), lost(3, 2), lost(4, 2), lost(5, 2)], 1, false)]
#[case::one_domain_often(&[lost(1, 1), lost(1, 2), lost(1, 3), lost(1, 4), lost(1, 5)], 1, false)]
#[case::over(&[lost(1, 1), lost(2, 1), lost(3, 2), lost(4, 2), lost(5, 3)], 10, false)]
#[case::never_had(&[(1, 1, Loss::NeverHad, 0), lost(2, 1), lost(3, 2), lost(4, 2), lost(5, 3)], 1, false)]
// Half of those tried.
#[case::half(&[lost(1, 1), lost(2, 2), lost(3, 3), lost(4, 4), lost(5, 5), (6, 6, Loss::HasTls, 0), (7, 7, Loss::HasTls, 0),
    (8, 8, Loss::HasTls, 0), (9, 9, Loss::HasTls, 0), (10, 10, Loss::HasTls, 0)], 1, true)]
#[case::less_than_half(&[lost(1, 1), lost(2, 2), lost(3, 3), lost(4, 4), lost(5, 5), (6, 6, Loss::HasTls, 0), (7, 7, Loss::HasTls, 0),
    (8, 8, Loss::HasTls, 0), (9, 9, Loss::HasTls, 0), (10, 10, Loss::HasTls, 0), (11, 11, Loss::HasTls, 0)], 1, false)]
// The last sighting of a domain counts.
#[case::back_again(&[lost(1, 1), lost(2, 1), lost(3, 2), lost(4, 2), lost(5, 3), (5, 3, Loss::HasTls, 1)], 2, false)]
fn our_own_line_is_suspect(#[case] sightings: &[Sighting], #[case] now: i64, #[case] suspect: bool) {
    let mut line = Line::default();
    for (domain, network, loss, minute) in sightings {
        let address = IpAddr::V4(Ipv4Addr::new(198, 51, *network, *domain));
        line.note(&format!("{domain}.example"), address, *loss, minutes(*minute));
    }
    assert_eq!(line.is_suspect(minutes(now)), suspect);
}
