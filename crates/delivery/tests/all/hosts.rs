//! Domains with several MX hosts: which is tried when, and what follows from all of them together.

use guarantee::{CERTAIN_AFTER, CERTAIN_TRIES, History, Requirement};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use small_internet::{Behaviour, Domain, Handshake, Rule, Stage, Tlsa};

use crate::fixture::{Encrypted, Fixture, Opportunistic, attempt};

const NOT_OFFERED: &str = "TLS is required, but was not offered by host";

fn hosts(first: Behaviour, second: Behaviour) -> Domain {
    Domain::with_hosts("odd.example", [(10, first), (20, second)])
}

fn greylisting() -> Behaviour {
    Behaviour::tls().rule(Rule::reply(Stage::Rcpt, "450 4.7.1 Greylisted"))
}

fn shaky() -> Behaviour {
    Behaviour::offering(Handshake::Close)
}

/// A history of so many minutes in which every attempt found an insecure or a shaky host.
fn history(minutes: i64) -> History {
    let since = Some(Timestamp::now() - SignedDuration::from_mins(minutes));
    History { attempts: 5, insecure_since: since, shaky_since: since, shaky_tries: CERTAIN_TRIES }
}

async fn send(fixture: &Fixture, requirement: Requirement, history: History) -> String {
    let mut attempt = attempt("odd.example", requirement);
    attempt.recipients[0].history = history;
    fixture.attempt(attempt).await.remove(0)
}

/// At the first attempt, and when what it found has lasted for a quarter of an hour.
#[rstest]
#[case::insecure_and_away(
    hosts(Behaviour::plain(), Behaviour::down()),
    "deferred 4.4.1: connect to mx2.odd.example[1]: Connection refused",
    "stopped 5.7.4: NOT_OFFERED mx1.odd.example[1]"
)]
#[case::away_and_insecure(
    hosts(Behaviour::down(), Behaviour::plain()),
    "deferred 4.4.1: connect to mx1.odd.example[1]: Connection refused",
    "stopped 5.7.4: NOT_OFFERED mx2.odd.example[1]"
)]
#[case::both_insecure(
    hosts(Behaviour::plain(), Behaviour::broken()),
    "stopped 5.7.4: NOT_OFFERED mx1.odd.example[1]",
    "stopped 5.7.4: NOT_OFFERED mx1.odd.example[1]"
)]
#[case::insecure_and_shaky(
    hosts(Behaviour::plain(), shaky()),
    "deferred 4.7.5: TLS is required, but the handshake with host mx2.odd.example[1] failed: tls handshake eof",
    "stopped 5.7.4: NOT_OFFERED mx1.odd.example[1]"
)]
#[case::shaky_and_away(
    hosts(shaky(), Behaviour::down()),
    "deferred 4.7.5: TLS is required, but the handshake with host mx1.odd.example[1] failed: tls handshake eof",
    "stopped 5.7.5: TLS is required, but the handshake with host mx1.odd.example[1] failed: tls handshake eof"
)]
#[case::both_away(
    hosts(Behaviour::down(), Behaviour::down()),
    "deferred 4.4.1: connect to mx1.odd.example[1]: Connection refused",
    "deferred 4.4.1: connect to mx1.odd.example[1]: Connection refused"
)]
#[case::secure_after_insecure(
    hosts(Behaviour::plain(), Behaviour::tls()),
    "delivered encrypted in TLSv1.3 by mx2.odd.example[1]",
    "delivered encrypted in TLSv1.3 by mx2.odd.example[1]"
)]
#[case::secure_before_insecure(
    hosts(Behaviour::tls(), Behaviour::plain()),
    "delivered encrypted in TLSv1.3 by mx1.odd.example[1]",
    "delivered encrypted in TLSv1.3 by mx1.odd.example[1]"
)]
// A host that gives TLS and says "later" can still deliver: it is waited for, as long as it takes.
#[case::insecure_and_later(
    hosts(Behaviour::plain(), greylisting()),
    "deferred 4.7.1: host mx2.odd.example[1] said: 450 4.7.1 Greylisted (in reply to RCPT TO)",
    "deferred 4.7.1: host mx2.odd.example[1] said: 450 4.7.1 Greylisted (in reply to RCPT TO)"
)]
#[case::later_and_insecure(
    hosts(greylisting(), Behaviour::plain()),
    "deferred 4.7.1: host mx1.odd.example[1] said: 450 4.7.1 Greylisted (in reply to RCPT TO)",
    "deferred 4.7.1: host mx1.odd.example[1] said: 450 4.7.1 Greylisted (in reply to RCPT TO)"
)]
#[tokio::test(flavor = "multi_thread")]
async fn with_the_guarantee(#[case] domain: Domain, #[case] at_first: &str, #[case] at_last: &str) {
    let fixture = Fixture::new([domain]).await;
    let words = |text: &str| text.replace("NOT_OFFERED", NOT_OFFERED);
    assert_eq!(send(&fixture, Encrypted, History::default()).await, words(at_first));
    let minutes = CERTAIN_AFTER.as_mins();
    let shortly_before = send(&fixture, Encrypted, history(minutes - 1)).await;
    assert_eq!(shortly_before, words(at_first));
    assert_eq!(send(&fixture, Encrypted, history(minutes + 1)).await, words(at_last));
}

// rfc 5321 5.1: MUST It is the responsibility of the domain name resolver interface
// rfc 5321 5.1: MUST MX records contain a preference indication
// rfc 5321 5.1: MUST it MUST sort the MX records
// rfc 7672 2.2.1: MUST MX records MUST be sorted by preference
#[rstest]
#[case(hosts(Behaviour::plain(), Behaviour::tls()), "delivered none in clear by mx1.odd.example[1]")]
#[case(hosts(Behaviour::down(), Behaviour::plain()), "delivered none in clear by mx2.odd.example[1]")]
#[case(hosts(shaky(), Behaviour::tls()), "delivered none in clear by mx1.odd.example[1]")]
#[case(hosts(greylisting(), Behaviour::plain()), "delivered none in clear by mx2.odd.example[1]")]
#[case::the_better_named_last(
    Domain::with_hosts("odd.example", [(30, Behaviour::tls()), (20, Behaviour::tls()), (10, Behaviour::plain())]),
    "delivered none in clear by mx3.odd.example[1]"
)]
#[tokio::test(flavor = "multi_thread")]
async fn without_the_guarantee_the_order_counts(#[case] domain: Domain, #[case] expected: &str) {
    let fixture = Fixture::new([domain]).await;
    assert_eq!(send(&fixture, Opportunistic, history(60)).await, expected);
}

/// A host that could prove who it is waits for its turn.
// rfc 7672 2.2.1: MUST NOT an MX hostname with a worse (numerically
// rfc 7672 2.2.1: MUST In other words, prevention of delivery loops
#[rstest]
#[case(Behaviour::plain(), "delivered none in clear by mx1.odd.example[1]")]
#[case(Behaviour::tls(), "delivered encrypted in TLSv1.3 by mx1.odd.example[1]")]
#[case(Behaviour::down(), "delivered dane in TLSv1.3 by mx2.odd.example[1]")]
#[tokio::test(flavor = "multi_thread")]
async fn tlsa_records_preempt_no_better_preference(#[case] first: Behaviour, #[case] expected: &str) {
    let domain = hosts(first, Behaviour::tls()).signed().tlsa("mx2.odd.example", [Tlsa::host()]);
    let fixture = Fixture::new([domain]).await;
    assert_eq!(fixture.send("odd.example", Opportunistic).await, expected);
}

/// What a deferral leaves to the next attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_deferral_keeps_what_it_found() {
    let fixture = Fixture::new([hosts(Behaviour::plain(), shaky())]).await;
    let attempt = attempt("odd.example", Encrypted);
    let now = attempt.now;
    let fates = fixture.fates(attempt).await;
    let delivery::Fate::Deferred { history, .. } = &fates[0] else { panic!("{fates:?}") };
    let expected = History { attempts: 1, insecure_since: Some(now), shaky_since: Some(now), shaky_tries: 1 };
    assert_eq!(*history, expected);
}

/// RFC 5321 §5.1: equal preferences are tried in random order. Here both come first, all but certainly.
// rfc 5321 5.1: MUST If there are multiple destinations with the same preference
#[tokio::test(flavor = "multi_thread")]
async fn equal_preferences_share_the_load() {
    let both = [(10, Behaviour::tls()), (10, Behaviour::tls())];
    let fixture = Fixture::new([Domain::with_hosts("odd.example", both)]).await;
    for _ in 0..40 {
        assert!(fixture.send("odd.example", Encrypted).await.starts_with("delivered"));
    }
    let deliveries = fixture.world.deliveries();
    for host in ["mx1.odd.example", "mx2.odd.example"] {
        assert!(deliveries.iter().any(|delivery| delivery.host == host), "none at {host}");
    }
}

/// A refusal for good by the first host is not asked of the second.
// rfc 5321 4.2.1: SHOULD the SMTP client SHOULD try again
// rfc 5321 4.2.1: SHOULD NOT The SMTP client SHOULD NOT repeat the exact request
#[tokio::test(flavor = "multi_thread")]
async fn each_recipient_goes_its_own_way() {
    let first = Behaviour::tls()
        .rule(Rule::reply(Stage::Rcpt, "550 5.1.1 No such user").for_local_part("nobody"))
        .rule(Rule::reply(Stage::Rcpt, "450 4.7.1 Greylisted").for_local_part("grey"))
        .rule(Rule::reply(Stage::Rcpt, "452 4.2.2 Full").for_local_part("full"));
    let second = Behaviour::tls().rule(Rule::reply(Stage::Rcpt, "452 4.2.2 Full").for_local_part("full"));
    let fixture = Fixture::new([hosts(first, second)]).await;
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.recipients =
        ["nobody", "bob", "grey", "full"].map(|local| crate::fixture::recipient(local, "odd.example")).into();
    assert_eq!(
        fixture.attempt(attempt).await,
        [
            "bounced 5.1.1: host mx1.odd.example[1] said: 550 5.1.1 No such user (in reply to RCPT TO)",
            "delivered encrypted in TLSv1.3 by mx1.odd.example[1]",
            "delivered encrypted in TLSv1.3 by mx2.odd.example[1]",
            "deferred 4.2.2: host mx1.odd.example[1] said: 452 4.2.2 Full (in reply to RCPT TO)",
        ]
    );
    let to = |host: &str| -> Vec<Vec<String>> {
        let deliveries = fixture.world.deliveries();
        deliveries.into_iter().filter(|delivery| delivery.host == host).map(|d| d.rcpt_to).collect()
    };
    assert_eq!(to("mx1.odd.example"), [["bob@odd.example"]]);
    assert_eq!(to("mx2.odd.example"), [["grey@odd.example"]]);
    assert_eq!(fixture.count("mx2.odd.example", "RCPT TO:<nobody@"), 0);
}

/// When all recipients are refused, no message follows.
#[tokio::test(flavor = "multi_thread")]
async fn no_message_without_a_recipient() {
    let fixture =
        Fixture::odd(Behaviour::tls().rule(Rule::reply(Stage::Rcpt, "550 5.1.1 No such user"))).await;
    let mut attempt = attempt("odd.example", Encrypted);
    attempt.recipients.push(crate::fixture::recipient("carla", "odd.example"));
    let expected = "bounced 5.1.1: host mx.odd.example[1] said: 550 5.1.1 No such user (in reply to RCPT TO)";
    assert_eq!(fixture.attempt(attempt).await, [expected, expected]);
    assert_eq!(fixture.world.deliveries(), []);
}
