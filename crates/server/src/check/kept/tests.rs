use std::sync::atomic::AtomicUsize;

use api::{Check, ProtectionWord};
use rstest::rstest;

use super::*;

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";

/// Answers, with a clock to set and looks that are counted.
struct Place {
    kept: Kept,
    time: Arc<Mutex<Timestamp>>,
    looks: AtomicUsize,
}

impl Place {
    fn new() -> Self {
        let time = Arc::new(Mutex::new("2026-11-24T12:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = Arc::clone(&time);
        let kept = Kept::new(Clock::new(move || *hands.lock().unwrap()));
        Self { kept, time, looks: AtomicUsize::new(0) }
    }

    fn pass(&self, span: SignedDuration) {
        *self.time.lock().unwrap() += span;
    }

    async fn ask(&self, account: &str, key: &Key, outcome: Outcome) -> Check {
        let look = async || {
            self.looks.fetch_add(1, Ordering::SeqCst);
            found(outcome)
        };
        self.kept.answer(account, key, look).await.guarded
    }

    fn looked(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }
}

fn found(outcome: Outcome) -> Found {
    let check = Check::new("", ProtectionWord::Encrypted, outcome, "");
    Found { guarded: check.clone(), unguarded: check }
}

fn key(domain: &str) -> Key {
    Key { domain: domain.to_owned(), requirement: Requirement::Encrypted }
}

fn keys(from: usize, to: usize) -> Vec<Key> {
    (from..to).map(|n| key(&format!("d{n}.example"))).collect()
}

#[rstest]
#[case::deliver(Outcome::Deliver, 600)]
#[case::stop(Outcome::Stop, 600)]
#[case::defer(Outcome::Defer, 60)]
#[case::unknown(Outcome::Unknown, 60)]
#[tokio::test]
async fn an_answer_stands_for_its_time(#[case] outcome: Outcome, #[case] seconds: i64) {
    let place = Place::new();
    let first = place.ask(ALICE, &key("tls.example"), outcome).await;
    place.pass(SignedDuration::from_secs(seconds - 1));
    let again = place.ask(ALICE, &key("tls.example"), outcome).await;
    assert_eq!((again.observed_at, place.looked()), (first.observed_at, 1));
    place.pass(SignedDuration::from_secs(1));
    let later = place.ask(ALICE, &key("tls.example"), outcome).await;
    assert_eq!(place.looked(), 2);
    assert!(later.observed_at > first.observed_at);
}

/// The clock was set back: nobody knows how old the answer is.
#[tokio::test]
async fn an_answer_of_a_time_to_come_does_not_stand() {
    let place = Place::new();
    place.ask(ALICE, &key("tls.example"), Outcome::Deliver).await;
    place.pass(SignedDuration::from_secs(-1));
    place.ask(ALICE, &key("tls.example"), Outcome::Deliver).await;
    assert_eq!(place.looked(), 2);
}

#[tokio::test]
async fn what_is_kept_is_one_account_s_domain_s_and_requirement_s() {
    let place = Place::new();
    let strict = Key { requirement: Requirement::Authenticated, ..key("tls.example") };
    for (account, key) in [
        (ALICE, key("tls.example")),
        (BOB, key("tls.example")),
        (ALICE, key("dane.example")),
        (ALICE, strict),
    ] {
        let before = place.looked();
        place.ask(account, &key, Outcome::Deliver).await;
        assert_eq!(place.looked(), before + 1, "{account} {key:?}");
    }
}

#[tokio::test]
async fn what_is_void_is_looked_at_anew() {
    let place = Place::new();
    for (account, domain) in [(ALICE, "tls.example"), (ALICE, "dane.example"), (BOB, "tls.example")] {
        place.ask(account, &key(domain), Outcome::Deliver).await;
    }
    place.kept.void(ALICE, "tls.example");
    place.ask(ALICE, &key("dane.example"), Outcome::Deliver).await;
    place.ask(BOB, &key("tls.example"), Outcome::Deliver).await;
    assert_eq!(place.looked(), 3, "others stand");
    place.ask(ALICE, &key("tls.example"), Outcome::Deliver).await;
    assert_eq!(place.looked(), 4);
}

/// All that ask meanwhile wait for the same look; what was overtaken by the account's own mail is looked at once more.
#[rstest]
#[case::undisturbed(false, 1)]
#[case::void_meanwhile(true, 2)]
#[tokio::test]
async fn one_look_at_a_time(#[case] void: bool, #[case] looks: usize) {
    let place = Place::new();
    let (begun, go_on) = (Semaphore::new(0), Semaphore::new(0));
    let slowly = async || {
        place.looks.fetch_add(1, Ordering::SeqCst);
        begun.add_permits(1);
        let _permit = go_on.acquire().await.unwrap();
        found(Outcome::Deliver)
    };
    let key = key("slow.example");
    let first = place.kept.answer(ALICE, &key, slowly);
    let second = place.kept.answer(ALICE, &key, slowly);
    let meanwhile = async {
        begun.acquire().await.unwrap().forget();
        assert!(place.kept.admit(ALICE, std::slice::from_ref(&key)).is_ok());
        if void {
            place.kept.void(ALICE, "slow.example");
        }
        go_on.add_permits(10);
    };
    let (first, second, ()) = tokio::join!(first, second, meanwhile);
    assert_eq!(first, second);
    assert_eq!(place.looked(), looks);
}

#[tokio::test]
async fn an_account_s_looks_of_an_hour_are_counted_and_what_is_kept_is_free() {
    let place = Place::new();
    place.kept.admit(ALICE, &keys(0, 200)).unwrap();
    for key in keys(0, 200) {
        place.ask(ALICE, &key, Outcome::Deliver).await;
    }
    place.pass(SignedDuration::from_mins(5));
    place.kept.admit(ALICE, &keys(200, 300)).unwrap();
    place.kept.admit(ALICE, &keys(0, 200)).expect("all are kept");
    let wait = place.kept.admit(ALICE, &keys(300, 301)).expect_err("the 301st");
    assert_eq!(wait, Duration::from_secs(55 * 60));
    let wait = place.kept.admit(ALICE, &keys(300, 601)).expect_err("more than ever");
    assert_eq!(wait, Duration::from_secs(60 * 60));
    place.kept.admit(BOB, &keys(0, 100)).expect("bob's are others");
    place.pass(SignedDuration::from_mins(55));
    place.kept.admit(ALICE, &keys(300, 500)).expect("the first 200 are an hour ago");
    place.kept.admit(ALICE, &keys(500, 501)).expect_err("the hundred are not");
}

#[tokio::test]
async fn no_account_is_kept_too_much_for_and_what_is_over_is_forgotten() {
    let place = Place::new();
    for key in keys(0, MOST_OF_ACCOUNT + 1) {
        place.ask(ALICE, &key, Outcome::Deliver).await;
    }
    let kept = |account| place.kept.state().accounts.get(account).map_or(0, |ledger| ledger.answers.len());
    assert_eq!(kept(ALICE), MOST_OF_ACCOUNT);
    place.pass(CERTAIN_FOR);
    place.ask(BOB, &key("tls.example"), Outcome::Deliver).await;
    assert_eq!((kept(ALICE), kept(BOB)), (0, 1));
    assert_eq!(place.kept.state().accounts.len(), 1);
}
