use guarantee::{FADES_AFTER, Protection, Remembered, ResultType, Sighted, Sighting, recognise};
use rstest::rstest;
use store::MemoryEntry;
use tokio::task::JoinSet;

use super::world::{ALICE, BOB, Fresh, at, home, no_starttls, sighting, tls, with_tls, without_tls};

use Protection::{Authenticated, Dane, Encrypted};

const HOST: &str = "mx.x.example";
const DOMAIN: &str = "x.example";

impl Fresh {
    /// Alice's mail meets this at that moment.
    async fn meet(&self, outcome: Sighted, seconds: i64) {
        self.remember(Some(ALICE), &[sighting(HOST, outcome)], at(seconds)).await.unwrap();
    }

    async fn alices(&self) -> Option<Remembered> {
        self.remembered(ALICE, DOMAIN, HOST).await.unwrap()
    }

    async fn entries(&self) -> Vec<(String, String, Protection, u64)> {
        let all = self.memory(None).await.unwrap();
        all.into_iter().map(|entry| (entry.domain, entry.host, entry.best, entry.count)).collect()
    }
}

fn flawed() -> Sighted {
    let detail = "the policy does not name it".to_owned();
    Sighted::Flawed { tls: tls(), result: ResultType::ValidationFailure, detail }
}

fn elsewhere(domain: &str, host: &str) -> Sighting {
    Sighting { domain: domain.to_owned(), ..sighting(host, with_tls(Encrypted)) }
}

fn entry(domain: &str, host: &str, best: Protection, count: u64) -> (String, String, Protection, u64) {
    (domain.to_owned(), host.to_owned(), best, count)
}

#[tokio::test]
async fn what_an_account_s_mail_has_met_is_its_own() {
    let store = home().await;
    store.meet(with_tls(Dane), 5).await;
    let met = Remembered::after(None, &tls(), Dane, at(5));
    assert_eq!(store.alices().await.as_ref(), Some(&met));
    let in_another_case = store.remembered("Alice@HOME.example", "X.example", "MX.x.example").await;
    assert_eq!(in_another_case.unwrap().as_ref(), Some(&met));
    for (account, domain, host) in [
        (BOB, DOMAIN, HOST),
        ("nobody@home.example", DOMAIN, HOST),
        (ALICE, "y.example", HOST),
        (ALICE, DOMAIN, "mx2.x.example"),
    ] {
        assert_eq!(store.remembered(account, domain, host).await.unwrap(), None, "{account} {domain} {host}");
    }
}

#[tokio::test]
async fn what_is_nobody_s_is_shown_to_no_account() {
    let store = home().await;
    store.remember(None, &[sighting(HOST, with_tls(Dane))], at(5)).await.unwrap();
    for account in [ALICE, BOB, "", "nobody@home.example"] {
        assert_eq!(store.remembered(account, DOMAIN, HOST).await.unwrap(), None, "{account}");
    }
    let in_another_case =
        Sighting { domain: "X.Example".to_owned(), ..sighting("MX.x.example", with_tls(Encrypted)) };
    store.remember(None, &[in_another_case], at(6)).await.unwrap();
    assert_eq!(store.entries().await, [entry(DOMAIN, HOST, Dane, 2)], "it is one row nevertheless");
}

#[tokio::test]
async fn one_meeting_comes_to_the_other() {
    let store = home().await;
    let mut met = None;
    for (seconds, outcome, protection) in [
        (10, with_tls(Encrypted), Encrypted),
        (20, with_tls(Authenticated), Authenticated),
        (30, flawed(), Encrypted),
    ] {
        store.meet(outcome, seconds).await;
        met = Some(Remembered::after(met, &tls(), protection, at(seconds)));
        assert_eq!(store.alices().await, met, "{seconds}");
    }
    let met = met.unwrap();
    assert_eq!((met.best, met.count), (Authenticated, 3));
    assert_eq!((met.first_tls, met.last_tls, met.last_authenticated), (at(10), at(30), Some(at(20))));
}

#[rstest]
#[case::no_tls(sighting(HOST, without_tls()))]
#[case::no_policy(sighting(HOST, Sighted::NoPolicy { result: ResultType::StsPolicyFetchError, detail: String::new() }))]
#[case::no_host(Sighting { host: None, ..sighting(HOST, with_tls(Dane)) })]
#[tokio::test]
async fn what_shows_no_tls_is_not_remembered_and_spoils_nothing(#[case] shows_nothing: Sighting) {
    let store = home().await;
    store.remember(Some(ALICE), std::slice::from_ref(&shows_nothing), at(1)).await.unwrap();
    assert_eq!(store.alices().await, None);
    store.meet(with_tls(Dane), 5).await;
    let met = store.alices().await;
    store.remember(Some(ALICE), &[shows_nothing], at(6)).await.unwrap();
    assert_eq!(store.alices().await, met);
}

#[tokio::test]
async fn a_stop_is_recognised_by_what_is_remembered() {
    let store = home().await;
    store.meet(with_tls(Encrypted), 5).await;
    let now = at(60);
    let named = recognise(no_starttls(), store.alices().await.as_ref(), now);
    assert!(named.text().ends_with("; possible downgrade, TLS was last seen 2026-11-24"), "{}", named.text());
    let faded = at(5) + FADES_AFTER;
    assert_eq!(recognise(no_starttls(), store.alices().await.as_ref(), faded), no_starttls());
}

#[tokio::test]
async fn what_has_faded_begins_anew() {
    let store = home().await;
    store.meet(with_tls(Dane), 0).await;
    let later = FADES_AFTER.as_secs();
    store.meet(with_tls(Encrypted), later).await;
    assert_eq!(store.alices().await, Some(Remembered::after(None, &tls(), Encrypted, at(later))));
}

#[tokio::test]
async fn many_sightings_are_remembered_at_once() {
    let store = home().await;
    let mut many: Vec<_> = (0..50).map(|n| elsewhere(&format!("d{n}.example"), HOST)).collect();
    many.push(elsewhere("d7.example", HOST));
    many.push(sighting(HOST, without_tls()));
    store.remember(Some(ALICE), &many, at(5)).await.unwrap();
    assert_eq!(store.memory(None).await.unwrap().len(), 50);
    assert_eq!(store.remembered(ALICE, "d7.example", HOST).await.unwrap().unwrap().count, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_meeting_is_lost_when_many_come_at_once() {
    let store = home().await;
    let mut meeting = JoinSet::new();
    for n in 0..100 {
        let store = store.store.clone();
        let protection = if n == 37 { Dane } else { Encrypted };
        let account = if n % 2 == 0 { ALICE } else { BOB };
        meeting.spawn(async move {
            store.remember(Some(account), &[sighting(HOST, with_tls(protection))], at(n)).await.unwrap();
        });
    }
    meeting.join_all().await;
    assert_eq!(store.alices().await.unwrap().count, 50);
    assert_eq!(store.remembered(BOB, DOMAIN, HOST).await.unwrap().unwrap().best, Dane);
    assert_eq!(store.entries().await, [entry(DOMAIN, HOST, Dane, 100)]);
}

#[rstest]
#[case::after_the_last(31, DOMAIN, false)]
#[case::just_then(30, DOMAIN, true)]
#[case::before(9, "X.EXAMPLE", true)]
#[case::another_domain(9, "example", false)]
#[tokio::test]
async fn the_line_watch_asks_for_anybody_s_tls(#[case] since: i64, #[case] domain: &str, #[case] had: bool) {
    let store = home().await;
    store.meet(with_tls(Encrypted), 10).await;
    store.remember(Some(BOB), &[sighting("mx2.x.example", with_tls(Encrypted))], at(30)).await.unwrap();
    store.remember(None, &[sighting(HOST, without_tls())], at(90)).await.unwrap();
    assert_eq!(store.had_tls(domain, at(since)).await.unwrap(), had);
}

#[tokio::test]
async fn the_operator_sees_what_all_have_met_by_the_day() {
    let store = home().await;
    let day = 24 * 60 * 60;
    store.meet(with_tls(Encrypted), 0).await;
    store.remember(Some(BOB), &[sighting(HOST, with_tls(Authenticated))], at(day)).await.unwrap();
    store.remember(None, &[sighting(HOST, with_tls(Encrypted))], at(2 * day)).await.unwrap();
    store.remember(None, &[elsewhere("a.example", "mx.a.example")], at(0)).await.unwrap();
    let x = MemoryEntry {
        domain: DOMAIN.to_owned(),
        host: HOST.to_owned(),
        best: Authenticated,
        first_tls: jiff::civil::date(2026, 11, 24),
        last_tls: jiff::civil::date(2026, 11, 26),
        count: 3,
    };
    assert_eq!(store.memory(Some("X.example")).await.unwrap(), std::slice::from_ref(&x));
    let all = store.memory(None).await.unwrap();
    assert_eq!((all.len(), all[0].domain.as_str(), &all[1]), (2, "a.example", &x));
    assert!(store.memory(Some("example")).await.unwrap().is_empty());
}

#[rstest]
#[case::one_host(DOMAIN, Some("MX.x.example"), 1, &[("mx2.x.example", DOMAIN), ("mx.y.example", "y.example")])]
#[case::all_hosts("X.example", None, 2, &[("mx.y.example", "y.example")])]
#[case::what_is_not_there(DOMAIN, Some("mx.y.example"), 0, &[(HOST, DOMAIN), ("mx2.x.example", DOMAIN), ("mx.y.example", "y.example")])]
#[tokio::test]
async fn the_operator_makes_all_forget(
    #[case] domain: &str,
    #[case] host: Option<&str>,
    #[case] hosts: usize,
    #[case] left: &[(&str, &str)],
) {
    let store = home().await;
    for account in [Some(ALICE), Some(BOB), None] {
        let met = [
            elsewhere(DOMAIN, HOST),
            elsewhere(DOMAIN, "mx2.x.example"),
            elsewhere("y.example", "mx.y.example"),
        ];
        store.remember(account, &met, at(5)).await.unwrap();
    }
    assert_eq!(store.forget(domain, host).await.unwrap(), hosts);
    let expected: Vec<_> = left.iter().map(|(host, domain)| entry(domain, host, Encrypted, 3)).collect();
    assert_eq!(store.entries().await, expected);
}

#[rstest]
#[case::met_before(11, true)]
#[case::met_just_then(10, false)]
#[case::met_after(9, false)]
#[tokio::test]
async fn what_nobody_has_met_for_long_is_forgotten(#[case] keep_since: i64, #[case] forgotten: bool) {
    let store = home().await;
    store.meet(with_tls(Dane), 0).await;
    store.meet(with_tls(Encrypted), 10).await;
    store.remember(Some(BOB), &[elsewhere("y.example", HOST)], at(90)).await.unwrap();
    store.purge(at(200), at(keep_since)).await.unwrap();
    assert_eq!(store.alices().await.is_none(), forgotten);
    assert!(store.remembered(BOB, "y.example", HOST).await.unwrap().is_some());
}

#[tokio::test]
async fn much_is_forgotten_in_one_purge() {
    let store = home().await;
    let many: Vec<_> = (0..1000).map(|n| elsewhere(&format!("d{n}.example"), HOST)).collect();
    store.remember(Some(ALICE), &many, at(5)).await.unwrap();
    store.purge(at(200), at(6)).await.unwrap();
    assert!(store.memory(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removed_account_leaves_no_memory() {
    let store = home().await;
    store.meet(with_tls(Dane), 0).await;
    store.remove_account(ALICE).await.unwrap();
    assert!(!store.had_tls(DOMAIN, at(0)).await.unwrap());
    // its mail may still be on the way
    store.meet(with_tls(Dane), 1).await;
    store.add_account(ALICE, "hash", at(2)).await.unwrap();
    assert_eq!(store.alices().await, None, "whoever has the address next has met nothing");
    assert_eq!(store.entries().await, [entry(DOMAIN, HOST, Dane, 1)]);
}
