use std::time::{Duration, Instant};

use api::{CheckResponse, Event, Outcome, ProtectionWord};

use super::*;

/// Finds everything encrypted; `slow.example` only when told to.
#[derive(Clone, Default)]
pub(super) struct Scripted {
    slow: Arc<Notify>,
    asked: Arc<Mutex<Vec<Vec<String>>>>,
}

#[async_trait]
impl Checker for Scripted {
    async fn admit(&self, _account: &str, recipients: &[String]) -> Result<(), Duration> {
        let many = recipients.iter().any(|recipient| recipient.ends_with("@too-many.example"));
        if many { Err(Duration::from_secs(1234)) } else { Ok(()) }
    }

    async fn way(&self, _account: &str, address: &str) -> Option<Protection> {
        (!address.ends_with("@slow.example")).then_some(Protection::Encrypted)
    }

    async fn check(&self, account: &str, recipients: Vec<String>) -> Vec<Check> {
        assert_eq!(account, ALICE);
        self.asked.lock().unwrap().push(recipients.clone());
        if recipients[0].ends_with("@slow.example") {
            self.slow.notified().await;
        }
        recipients.into_iter().map(encrypted).collect()
    }
}

fn encrypted(recipient: String) -> Check {
    let reason = "It offered TLS.".to_owned();
    let (protection, outcome) = (ProtectionWord::Encrypted, Outcome::Deliver);
    Check::new(recipient, protection, outcome, reason)
}

#[tokio::test]
async fn answers_in_the_order_asked_and_looks_once_at_each_domain() {
    let checker = Scripted::default();
    let server = Server::with(checker.clone(), Scheme::Http).await;
    let token = server.log_in(ALICE).await;
    let asked = ["b@two.example", "nonsense", "a@one.example", "c@TWO.example", "b@two.example", ""];
    let ask = server.ask("POST", "/checks").by(&token).json(&json!({ "recipients": asked }));
    let results = ask.send().await.ok::<CheckResponse>().results;
    let recipients: Vec<&str> = results.iter().map(|check| check.recipient.as_str()).collect();
    assert_eq!(recipients, asked, "as they were asked for");
    for (index, check) in results.iter().enumerate() {
        let expected = if [1, 5].contains(&index) {
            (ProtectionWord::Invalid, Outcome::Unknown)
        } else {
            (ProtectionWord::Encrypted, Outcome::Deliver)
        };
        assert_eq!((check.protection, check.outcome), expected, "{check:?}");
    }
    let mut looks = checker.asked.lock().unwrap().clone();
    looks.sort();
    assert_eq!(looks, [vec!["a@one.example"], vec!["b@two.example", "c@two.example"]]);
}

#[tokio::test]
async fn what_takes_longer_is_unknown_and_follows_as_an_event() {
    let checker = Scripted::default();
    let server = Server::with(checker.clone(), Scheme::Http).await;
    let token = server.log_in(ALICE).await;
    let mut events = server.events.subscribe();
    let body = json!({ "recipients": ["Carla@slow.example", "bob@quick.example"] });
    let begun = Instant::now();
    let answer = server.ask("POST", "/checks").by(&token).json(&body).send().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let results = answer.ok::<CheckResponse>().results;
    assert_eq!(results[0].protection, ProtectionWord::Unknown);
    assert_eq!(results[0].outcome, Outcome::Unknown);
    assert_eq!(results[1].protection, ProtectionWord::Encrypted);
    checker.slow.notify_one();
    let told = events.recv().await.unwrap();
    assert_eq!(told.account, ALICE);
    assert_eq!(told.event, Event::Check(encrypted("Carla@slow.example".to_owned())));
    assert!(events.try_recv().is_err(), "the quick one was told already");
}

#[tokio::test]
async fn one_to_a_hundred_recipients() {
    let server = Server::start().await;
    let token = server.log_in(ALICE).await;
    for recipients in [vec![], vec!["a@b.example".to_owned(); 101]] {
        let ask = server.ask("POST", "/checks").by(&token).json(&json!({ "recipients": recipients }));
        assert_eq!(ask.send().await.wrong_field(), "/recipients");
    }
    let ask = server.ask("POST", "/checks").by(&token).json(&json!({ "recipients": ["a@b.example", 7] }));
    assert_eq!(ask.send().await.wrong_field(), "/recipients/1");
}

#[tokio::test]
async fn who_has_looked_at_too_much_is_told_for_how_long_to_wait() {
    let server = Server::with(Scripted::default(), Scheme::Http).await;
    let token = server.log_in(ALICE).await;
    let body = json!({ "recipients": ["bob@quick.example", "bob@too-many.example"] });
    let answer = server.ask("POST", "/checks").by(&token).json(&body).send().await;
    assert_eq!(answer.header("retry-after"), "1234");
    let problem = answer.problem(429);
    assert!(problem.detail.unwrap().contains("about 21 minutes"));
}
