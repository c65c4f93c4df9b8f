//! Connections that carry more than one mail.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use guarantee::Requirement;
use rstest::rstest;
use small_internet::{Action, Behaviour, Channel, Domain, Handshake, Rule, Stage};
use smtp::envelope::ReversePath;

use crate::fixture::{Encrypted, Fixture, Opportunistic, attempt};

const MX: &str = "mx.odd.example";
const ENCRYPTED: &str = "delivered encrypted in TLSv1.3 by mx.odd.example[1]";
const IN_CLEAR: &str = "delivered none in clear by mx.odd.example[1]";

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_mail_after_mail() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    for requirement in [Encrypted, Opportunistic, Encrypted] {
        assert_eq!(fixture.send("odd.example", requirement).await, ENCRYPTED);
    }
    assert_eq!((fixture.connections(MX), fixture.world.deliveries().len()), (1, 3));
    fixture.courier.close_idle().await;
    assert_eq!(fixture.count(MX, "QUIT"), 1);
}

/// Another name at the same address is another host.
#[tokio::test(flavor = "multi_thread")]
async fn domains_share_a_connection_to_their_host_and_only_to_it() {
    let fixture = Fixture::new([Domain::alias("other.example", "tls.example")]).await;
    for domain in ["tls.example", "other.example", "alias.example"] {
        assert!(fixture.send(domain, Encrypted).await.starts_with("delivered"));
    }
    assert_eq!(fixture.connections("mx.tls.example"), 1);
}

/// P1: TLS is tried before every mail, so that what was true of one connection holds up nothing.
#[rstest]
#[case::not_offered(Behaviour::plain())]
#[case::refused(Behaviour::refusing_tls("454 4.7.0 Later"))]
#[case::failed(Behaviour::broken())]
#[case::interrupted(Behaviour::offering(Handshake::Close))]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_in_clear_carries_one_mail(#[case] behaviour: Behaviour) {
    let fixture = Fixture::odd(behaviour).await;
    assert_eq!(fixture.send("odd.example", Opportunistic).await, IN_CLEAR);
    let address = fixture.world.addresses(MX)[0];
    fixture.world.set_behaviour(address, Behaviour::tls()).await.unwrap();
    assert_eq!(fixture.send("odd.example", Opportunistic).await, ENCRYPTED);
    assert_eq!(fixture.send("odd.example", Encrypted).await, ENCRYPTED);
    fixture.wait_for(MX, "QUIT").await;
}

/// Whatever a kept connection turns out to be good for, a fresh one decides. The rule holds for one command.
#[rstest]
#[case::closed(Stage::Mail, Action::Close)]
#[case::closed_at_rcpt(Stage::Rcpt, Action::Close)]
#[case::leaves(Stage::Mail, Action::Reply("421 4.4.2 Idle for too long".to_owned()))]
#[case::had_enough(Stage::Mail, Action::Reply("451 4.7.0 Too many mails in this session".to_owned()))]
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_connection_is_replaced(#[case] stage: Stage, #[case] action: Action) {
    let rule = Rule::at(stage, action).for_local_part("carla").times(1);
    let fixture = Fixture::odd(Behaviour::tls().rule(rule)).await;
    let from_and_to = |local: &str| {
        let mut attempt = attempt("odd.example", Encrypted);
        attempt.reverse_path = ReversePath::Address(format!("{local}@home.example"));
        attempt.recipients = vec![crate::fixture::recipient(local, "odd.example")];
        attempt
    };
    assert_eq!(fixture.attempt(from_and_to("bob")).await, [ENCRYPTED]);
    assert_eq!(fixture.attempt(from_and_to("carla")).await, [ENCRYPTED]);
    assert_eq!(fixture.connections(MX), 2);
    assert_eq!(fixture.world.deliveries().len(), 2);
}

/// On a fresh connection the same is the host's answer, not an accident.
#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_connection_is_not_replaced() {
    let fixture = Fixture::odd(Behaviour::tls().rule(Rule::at(Stage::Mail, Action::Close).times(1))).await;
    let fate = fixture.send("odd.example", Encrypted).await;
    assert!(fate.starts_with("deferred 4.4.2: lost connection"), "{fate}");
    assert_eq!(fixture.connections(MX), 1);
}

/// A message that may have been taken is not sent again at once, also when the connection was a kept one.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_lost_after_the_message_is_not_stale() {
    let rule = Rule::at(Stage::EndOfData, Action::KeepAndClose).for_local_part("carla");
    let fixture = Fixture::odd(Behaviour::tls().rule(rule)).await;
    assert_eq!(fixture.send("odd.example", Encrypted).await, ENCRYPTED);
    let mut second = attempt("odd.example", Encrypted);
    second.recipients = vec![crate::fixture::recipient("carla", "odd.example")];
    let fates = fixture.attempt(second).await;
    assert!(fates[0].starts_with("deferred 4.4.2: lost connection"), "{fates:?}");
    assert_eq!((fixture.connections(MX), fixture.world.deliveries().len()), (1, 2));
}

/// After a transaction that did not end with its message, the next begins with RSET.
// rfc 5321 4.1.4: MUST NOT MAIL (or SEND, SOML, or SAML) MUST NOT be sent
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_when_recipients_were_refused() {
    let rule = Rule::reply(Stage::Rcpt, "550 5.1.1 No such user").for_local_part("bob");
    let fixture = Fixture::odd(Behaviour::tls().rule(rule)).await;
    assert!(fixture.send("odd.example", Encrypted).await.starts_with("bounced 5.1.1"));
    let mut second = attempt("odd.example", Encrypted);
    second.recipients = vec![crate::fixture::recipient("carla", "odd.example")];
    assert_eq!(fixture.attempt(second).await, [ENCRYPTED]);
    assert_eq!((fixture.connections(MX), fixture.count(MX, "RSET")), (1, 1));
}

/// RFC 5321 §4.1.1.10: also a host that got nothing is taken leave of.
// rfc 5321 4.1.1.10: MUST NOT The sender MUST NOT intentionally close
// rfc 5321 4.1.4: SHOULD The QUIT command SHOULD be used by the client SMTP
#[rstest]
#[case(Behaviour::plain())]
#[case(Behaviour::refusing_tls("454 4.7.0 Later"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_got_nothing_is_taken_leave_of(#[case] behaviour: Behaviour) {
    let fixture = Fixture::odd(behaviour).await;
    assert!(!fixture.send("odd.example", Encrypted).await.starts_with("delivered"));
    fixture.wait_for(MX, "QUIT").await;
}

/// Who does not prove who it is hears nothing more in TLS than the farewell.
// rfc 3207 4.1: SHOULD If the SMTP client decides that the level of authentication
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_proves_too_little_is_taken_leave_of_in_tls() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    assert!(fixture.send("odd.example", Requirement::Authenticated).await.starts_with("stopped 5.7.5"));
    fixture.wait_for(MX, "QUIT").await;
    let commands = fixture.world.commands(MX);
    let in_tls: Vec<&str> = commands
        .iter()
        .filter(|command| command.channel != Channel::Clear)
        .map(|command| command.line.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(in_tls, ["EHLO", "QUIT"]);
}

/// A stop is to be told at once, and a delivery recorded; nobody waits for a farewell.
#[rstest]
#[case(Behaviour::plain(), Encrypted, "stopped")]
#[case(Behaviour::plain(), Opportunistic, "delivered")]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_farewell(
    #[case] behaviour: Behaviour,
    #[case] requirement: guarantee::Requirement,
    #[case] expected: &str,
) {
    let fixture = Fixture::odd(behaviour.rule(Rule::at(Stage::Quit, Action::Silence))).await;
    let begun = Instant::now();
    assert!(fixture.send("odd.example", requirement).await.starts_with(expected));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    fixture.wait_for(MX, "QUIT").await;
}

/// Hosts count connections: one that has waited long enough is closed.
// rfc 5321 4.1.4: MUST The last command in a session MUST be the QUIT
// rfc 5321 4.1.1.10: MUST NOT The sender MUST NOT intentionally close
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_is_closed_in_time() {
    let fixture = Fixture::hurried([Domain::new("odd.example", Behaviour::tls())]).await;
    assert_eq!(fixture.send("odd.example", Encrypted).await, ENCRYPTED);
    fixture.wait_for(MX, "QUIT").await;
    assert_eq!(fixture.send("odd.example", Encrypted).await, ENCRYPTED);
    assert_eq!(fixture.connections(MX), 2);
}

/// As many connections as there are jobs for one next hop, and they are kept for the next ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_host_keeps_its_connections() {
    let fixture = Fixture::odd(Behaviour::tls()).await;
    for _ in 0..3 {
        let fates = join_all((0..20).map(|_| fixture.send("odd.example", Encrypted))).await;
        assert!(fates.iter().all(|fate| fate == ENCRYPTED), "{fates:?}");
    }
    let connections = fixture.connections(MX);
    assert!(connections <= 20, "{connections} connections for 20 mails at a time");
    assert_eq!(fixture.world.deliveries().len(), 60);
}

/// A job that is given up, as at a shutdown, delivers nothing and spoils nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_may_be_dropped() {
    let rule = Rule::at(Stage::Data, Action::Wait(Duration::from_secs(3600))).times(1);
    let fixture = Fixture::odd(Behaviour::tls().rule(rule)).await;
    {
        let sending = std::pin::pin!(fixture.send("odd.example", Encrypted));
        let data = std::pin::pin!(fixture.wait_for(MX, "DATA"));
        futures_util::future::select(sending, data).await;
    }
    assert_eq!(fixture.world.deliveries(), []);
    assert_eq!(fixture.send("odd.example", Encrypted).await, ENCRYPTED);
    assert_eq!(fixture.world.deliveries().len(), 1);
}
