//! Hosts that refuse, close or fall silent, stage by stage, with a good host behind them.

use guarantee::Requirement;
use rstest::rstest;
use small_internet::{Action, Behaviour, Domain, Rule, Stage};

use crate::fixture::{Encrypted, Fixture, Opportunistic};

const NEXT: &str = "delivered encrypted in TLSv1.3 by mx2.odd.example[1]";

fn reply(stage: Stage, reply: &str) -> Rule {
    Rule::reply(stage, reply)
}

fn at(stage: Stage, action: Action) -> Rule {
    Rule::at(stage, action)
}

/// `odd.example`, whose first host has this rule and whose second is good.
fn two_hosts(rule: Rule) -> Domain {
    Domain::with_hosts("odd.example", [(10, Behaviour::tls().rule(rule)), (20, Behaviour::tls())])
}

/// What is not taken, for certain, goes to the next host; what is refused for good goes nowhere; and what may have been
/// taken waits for the same host.
// rfc 5321 3.8: SHOULD SMTP clients that experience a connection close
// rfc 5321 4.2.5: SHOULD not again attempt delivery to the same server
// rfc 5321 4.5.3.2: MUST An SMTP client MUST provide a timeout mechanism
// rfc 5321 4.5.4: MUST Any queuing strategy MUST include timeouts
#[rstest]
#[case::greeting_421(reply(Stage::Greeting, "421 4.3.2 Not now"), NEXT)]
#[case::greeting_554(reply(Stage::Greeting, "554 5.3.2 No mail here"), NEXT)]
#[case::greeting_no_smtp(reply(Stage::Greeting, "SSH-2.0-OpenSSH_9.2"), NEXT)]
#[case::greeting_close(at(Stage::Greeting, Action::Close), NEXT)]
#[case::greeting_silence(at(Stage::Greeting, Action::Silence), NEXT)]
#[case::ehlo_421(reply(Stage::Ehlo, "421 4.3.2 Not now"), NEXT)]
#[case::ehlo_451(reply(Stage::Ehlo, "451 4.3.2 Not now"), NEXT)]
#[case::ehlo_close(at(Stage::Ehlo, Action::Close), NEXT)]
#[case::ehlo_silence(at(Stage::Ehlo, Action::Silence), NEXT)]
#[case::mail_421(reply(Stage::Mail, "421 4.3.2 Not now"), NEXT)]
#[case::mail_451(reply(Stage::Mail, "451 4.7.1 Later"), NEXT)]
#[case::mail_550(
    reply(Stage::Mail, "550 5.7.1 Not you"),
    "bounced 5.7.1: host mx1.odd.example[1] said: 550 5.7.1 Not you (in reply to MAIL FROM)"
)]
#[case::mail_without_enhanced_code(
    reply(Stage::Mail, "553 Not you"),
    "bounced 5.0.0: host mx1.odd.example[1] said: 553 Not you (in reply to MAIL FROM)"
)]
#[case::mail_close(at(Stage::Mail, Action::Close), NEXT)]
#[case::mail_silence(at(Stage::Mail, Action::Silence), NEXT)]
#[case::rcpt_421(reply(Stage::Rcpt, "421 4.3.2 Not now"), NEXT)]
#[case::rcpt_450(reply(Stage::Rcpt, "450 4.7.1 Greylisted"), NEXT)]
#[case::rcpt_550(
    reply(Stage::Rcpt, "550 5.1.1 No such user"),
    "bounced 5.1.1: host mx1.odd.example[1] said: 550 5.1.1 No such user (in reply to RCPT TO)"
)]
#[case::rcpt_close(at(Stage::Rcpt, Action::Close), NEXT)]
#[case::rcpt_silence(at(Stage::Rcpt, Action::Silence), NEXT)]
#[case::data_421(reply(Stage::Data, "421 4.3.2 Not now"), NEXT)]
#[case::data_451(reply(Stage::Data, "451 4.3.0 Disk full"), NEXT)]
#[case::data_554(
    reply(Stage::Data, "554 5.7.1 No"),
    "bounced 5.7.1: host mx1.odd.example[1] said: 554 5.7.1 No (in reply to DATA)"
)]
#[case::data_close(at(Stage::Data, Action::Close), NEXT)]
#[case::data_silence(at(Stage::Data, Action::Silence), NEXT)]
#[case::end_of_data_451(reply(Stage::EndOfData, "451 4.3.0 Disk full"), NEXT)]
#[case::end_of_data_421(reply(Stage::EndOfData, "421 4.3.2 Not now"), NEXT)]
#[case::end_of_data_554(
    reply(Stage::EndOfData, "554 5.7.1 Spam"),
    "bounced 5.7.1: host mx1.odd.example[1] said: 554 5.7.1 Spam (in reply to end of DATA)"
)]
#[case::end_of_data_close(
    at(Stage::EndOfData, Action::Close),
    "deferred 4.4.2: lost connection with mx1.odd.example[1] while waiting for the reply to end of DATA: the server closed the connection"
)]
#[case::end_of_data_taken_and_closed(
    at(Stage::EndOfData, Action::KeepAndClose),
    "deferred 4.4.2: lost connection with mx1.odd.example[1] while waiting for the reply to end of DATA: the server closed the connection"
)]
#[case::end_of_data_silence(
    at(Stage::EndOfData, Action::Silence),
    "deferred 4.4.2: lost connection with mx1.odd.example[1] while waiting for the reply to end of DATA: the server did not answer in time"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_host(#[case] rule: Rule, #[case] expected: &str) {
    let with = async |requirement| {
        let fixture = Fixture::hurried([two_hosts(rule.clone())]).await;
        assert_eq!(fixture.send("odd.example", requirement).await, expected);
        let to_the_next = usize::from(expected == NEXT);
        assert_eq!(fixture.count("mx2.odd.example", "EHLO"), 2 * to_the_next, "EHLO at mx2");
    };
    futures_util::future::join(with(Encrypted), with(Opportunistic)).await;
}

/// A host may hang up while a message is on its way; what it said before counts.
#[rstest]
#[case::permanent(
    Action::Reply("552 5.3.4 Too much".to_owned()),
    "bounced 5.3.4: host mx1.odd.example[1] said: 552 5.3.4 Too much (in reply to message)"
)]
#[case::transient(Action::Reply("452 4.3.1 Disk full".to_owned()), NEXT)]
#[case::close(Action::Close, NEXT)]
#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_a_large_message(#[case] action: Action, #[case] expected: &str) {
    for (requirement, behaviour) in [
        (Encrypted, Behaviour::tls()),
        (Opportunistic, Behaviour::tls()),
        (Opportunistic, Behaviour::plain()),
    ] {
        let first = behaviour.rule(at(Stage::Content, action.clone()));
        let domain = Domain::with_hosts("odd.example", [(10, first), (20, Behaviour::tls())]);
        let fixture = Fixture::new([domain]).await;
        let mut attempt = crate::fixture::attempt("odd.example", requirement);
        let line = format!("{}\r\n", "x".repeat(78));
        attempt.content = format!("{}{}", crate::fixture::CONTENT, line.repeat(100_000)).into();
        assert_eq!(fixture.attempt(attempt).await, [expected]);
    }
}

/// The only host there is says "later".
// rfc 5321 3.8: SHOULD SMTP clients that experience a connection close
// rfc 5321 4.2.1: SHOULD the SMTP client SHOULD try again
#[rstest]
#[case(
    reply(Stage::Rcpt, "450 4.7.1 Greylisted"),
    "deferred 4.7.1: host mx.odd.example[1] said: 450 4.7.1 Greylisted (in reply to RCPT TO)"
)]
#[case(
    reply(Stage::Rcpt, "450 Greylisted"),
    "deferred 4.0.0: host mx.odd.example[1] said: 450 Greylisted (in reply to RCPT TO)"
)]
#[case(
    reply(Stage::Greeting, "554 5.3.2 No"),
    "deferred 4.4.2: host mx.odd.example[1] refused to talk to us: 554 5.3.2 No"
)]
#[case(
    reply(Stage::Greeting, "421 4.3.2 No"),
    "deferred 4.4.2: host mx.odd.example[1] refused to talk to us: 421 4.3.2 No"
)]
#[case(
    at(Stage::Greeting, Action::Close),
    "deferred 4.4.2: lost connection with mx.odd.example[1] while waiting for the greeting: the server closed the connection"
)]
#[case(
    at(Stage::Data, Action::Close),
    "deferred 4.4.2: lost connection with mx.odd.example[1] while waiting for the reply to DATA: the server closed the connection"
)]
#[tokio::test(flavor = "multi_thread")]
async fn the_only_host(#[case] rule: Rule, #[case] expected: &str) {
    let fixture = Fixture::odd(Behaviour::tls().rule(rule)).await;
    for requirement in [Encrypted, Opportunistic] {
        assert_eq!(fixture.send("odd.example", requirement).await, expected);
    }
}

/// RFC 5321 §4.2.1: a 5yz to RSET says nothing of the mail.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_refuses_rset_still_gets_the_next_mail() {
    let host = Behaviour::tls()
        .rule(Rule::reply(Stage::Rcpt, "450 4.7.1 Greylisted").times(1))
        .rule(Rule::reply(Stage::Rset, "502 5.5.1 What?"));
    let fixture = Fixture::odd(host).await;
    assert!(fixture.send("odd.example", Encrypted).await.starts_with("deferred 4.7.1"));
    let second = fixture.send("odd.example", Encrypted).await;
    assert_eq!(second, "delivered encrypted in TLSv1.3 by mx.odd.example[1]");
    assert_eq!((fixture.count("mx.odd.example", "RSET"), fixture.connections("mx.odd.example")), (1, 2));
}

/// A refusal is of this mail, not of the host.
// rfc 5321 4.5.4.1: MUST NOT More significantly, 5yz responses to the MAIL
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_refused_a_sender_gets_the_next_mail() {
    let host = Behaviour::tls().rule(Rule::reply(Stage::Mail, "550 5.7.1 Not from you").times(1));
    let fixture = Fixture::odd(host).await;
    assert!(fixture.send("odd.example", Encrypted).await.starts_with("bounced 5.7.1"));
    let second = fixture.send("odd.example", Encrypted).await;
    assert_eq!(second, "delivered encrypted in TLSv1.3 by mx.odd.example[1]");
}

/// RFC 3207 §4: a host that insists on TLS, with which TLS has just failed by accident, is asked again later.
// rfc 8689 4.2.2: MUST A non-delivery notification MUST be returned to
#[rstest]
#[case::without_the_guarantee(Opportunistic)]
#[case::tls_required_no(Requirement::Regardless)]
#[tokio::test(flavor = "multi_thread")]
async fn in_clear_a_host_may_insist_on_the_tls_that_failed(#[case] requirement: Requirement) {
    let insisting = Rule::reply(Stage::Mail, "530 5.7.0 Must issue a STARTTLS command first");
    let broken = Fixture::odd(Behaviour::broken().rule(insisting.clone())).await;
    let said =
        "host mx.odd.example[1] said: 530 5.7.0 Must issue a STARTTLS command first (in reply to MAIL FROM)";
    assert_eq!(broken.send("odd.example", requirement).await, format!("deferred 4.7.0: {said}"));
    // Where TLS did not fail it is the host's own affair.
    let plain = Fixture::odd(Behaviour::plain().rule(insisting)).await;
    assert_eq!(plain.send("odd.example", requirement).await, format!("bounced 5.7.0: {said}"));
}
