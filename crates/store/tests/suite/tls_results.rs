use guarantee::{AppliedPolicy, Protection, ResultType, Sighted, Sighting};
use jiff::civil::{Date, date};
use rstest::rstest;
use store::{
    FailedSessions, MAX_FAILURE_DETAIL, MAX_REPORTED_FAILURES, MAX_REPORTED_POLICIES, PolicyResults,
    TlsReportDue,
};
use tokio::task::JoinSet;

use super::world::{Fresh, at, mx, sighting, tls, with_tls, without_tls};

const DOMAIN: &str = "x.example";
const HOST: &str = "mx.x.example";
const DAY: Date = date(2026, 11, 24);

impl Fresh {
    async fn count(&self, sightings: &[Sighting]) {
        self.count_tls_results(DAY, sightings).await.unwrap();
    }

    async fn results(&self) -> Vec<PolicyResults> {
        self.tls_results(DAY, DOMAIN).await.unwrap()
    }

    async fn due(&self, before: Date) -> Vec<(Date, String)> {
        let due = self.tls_reports_due(before).await.unwrap();
        due.into_iter().map(|TlsReportDue { day, domain }| (day, domain)).collect()
    }
}

fn success() -> Sighting {
    sighting(HOST, with_tls(Protection::Encrypted))
}

/// A failure with that detail.
fn failure(detail: &str) -> Sighting {
    sighting(HOST, Sighted::NoTls { result: ResultType::ValidationFailure, detail: detail.to_owned() })
}

fn under(policy: &AppliedPolicy, sighting: Sighting) -> Sighting {
    Sighting { policy: policy.clone(), ..sighting }
}

fn tlsa(base: &str) -> AppliedPolicy {
    AppliedPolicy::Tlsa { base: base.to_owned(), records: vec!["3 1 1 00ff".to_owned()] }
}

fn sts() -> AppliedPolicy {
    AppliedPolicy::Sts {
        domain: DOMAIN.to_owned(),
        lines: vec!["version: STSv1".to_owned(), "mode: enforce".to_owned()],
        mx: vec!["*.x.example".to_owned()],
    }
}

#[tokio::test]
async fn sessions_are_counted_by_policy_and_by_how_they_failed() {
    let store = crate::fresh();
    let flawed =
        Sighted::Flawed { tls: tls(), result: ResultType::CertificateExpired, detail: "in May".to_owned() };
    let unavailable = Sighted::NoPolicy { result: ResultType::DnssecInvalid, detail: "bogus".to_owned() };
    store.count(&[under(&sts(), success()), under(&sts(), sighting(HOST, flawed.clone()))]).await;
    store.count(&[under(&tlsa(HOST), success())]).await;
    let no_host = Sighting { host: None, ..sighting(HOST, unavailable) };
    store
        .count(&[
            under(&sts(), success()),
            under(&sts(), sighting(HOST, without_tls())),
            under(&sts(), sighting(HOST, flawed.clone())),
            under(&sts(), sighting("mx2.x.example", flawed)),
            under(&tlsa(HOST), no_host),
        ])
        .await;

    let failed = |result, host: Option<&str>, detail: &str, count| FailedSessions {
        result,
        host: host.map(mx),
        detail: detail.to_owned(),
        count,
    };
    let expected = [
        PolicyResults {
            policy: sts(),
            successes: 2,
            failures: vec![
                failed(ResultType::CertificateExpired, Some(HOST), "in May", 2),
                failed(ResultType::CertificateExpired, Some("mx2.x.example"), "in May", 1),
                failed(ResultType::StarttlsNotSupported, Some(HOST), "EHLO without STARTTLS", 1),
            ],
        },
        PolicyResults {
            policy: tlsa(HOST),
            successes: 1,
            failures: vec![failed(ResultType::DnssecInvalid, None, "bogus", 1)],
        },
    ];
    assert_eq!(store.results().await, expected);
    assert_eq!(store.tls_results(DAY, "X.example").await.unwrap(), expected);
}

#[tokio::test]
async fn each_domain_and_each_day_has_results_of_its_own() {
    let store = crate::fresh();
    let elsewhere = Sighting { domain: "Y.example".to_owned(), ..success() };
    store.count(&[success(), elsewhere]).await;
    store.count_tls_results(date(2026, 11, 25), &[success(), success()]).await.unwrap();
    let successes = async |day, domain: &str| -> Vec<u64> {
        store.tls_results(day, domain).await.unwrap().iter().map(|one| one.successes).collect()
    };
    assert_eq!(successes(DAY, DOMAIN).await, [1]);
    assert_eq!(successes(DAY, "y.example").await, [1]);
    assert_eq!(successes(date(2026, 11, 25), DOMAIN).await, [2]);
    assert!(successes(date(2026, 11, 25), "y.example").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_is_lost_when_many_come_at_once() {
    let store = crate::fresh();
    let mut counting = JoinSet::new();
    for n in 0..100 {
        let store = store.store.clone();
        counting.spawn(async move {
            store.count_tls_results(DAY, &[success(), failure(&format!("{}", n % 3))]).await.unwrap();
        });
    }
    counting.join_all().await;
    let [results] = &store.results().await[..] else { panic!("one policy") };
    let failures: Vec<_> = results.failures.iter().map(|one| one.count).collect();
    assert_eq!((results.successes, failures), (100, vec![34, 33, 33]));
}

#[tokio::test]
async fn a_host_that_makes_its_texts_up_fills_no_disk() {
    let store = crate::fresh();
    store.count(&[under(&sts(), failure("first"))]).await;
    let many: Vec<_> = (0..MAX_REPORTED_FAILURES + 49).map(|n| failure(&format!("text {n}"))).collect();
    store.count(&many).await;
    store.count(&[failure("text 0"), under(&sts(), failure("first")), sighting("a", without_tls())]).await;

    let [under_sts, others] = &store.results().await[..] else { panic!("two policies") };
    assert_eq!(under_sts.failures[0].count, 2, "what is known is counted on");
    let detailed: u64 = others.failures.iter().filter(|one| one.host.is_some()).map(|one| one.count).sum();
    assert_eq!(detailed, MAX_REPORTED_FAILURES as u64);
    let rest: Vec<_> = others.failures.iter().filter(|one| one.host.is_none()).collect();
    let [texts, types] = &rest[..] else { panic!("one for each type: {rest:?}") };
    assert_eq!((texts.result, texts.detail.as_str(), texts.count), (ResultType::ValidationFailure, "", 50));
    assert_eq!((types.result, types.count), (ResultType::StarttlsNotSupported, 1));

    let elsewhere = Sighting { domain: "y.example".to_owned(), ..failure("its own") };
    store.count(&[elsewhere]).await;
    assert_eq!(store.tls_results(DAY, "y.example").await.unwrap()[0].failures[0].detail, "its own");
}

#[tokio::test]
async fn a_long_text_is_cut() {
    let store = crate::fresh();
    store.count(&[failure(&"ü".repeat(5000)), failure(&"ü".repeat(6000))]).await;
    let [results] = &store.results().await[..] else { panic!("one policy") };
    assert_eq!((results.failures.len(), results.failures[0].count), (1, 2));
    assert_eq!(results.failures[0].detail, "ü".repeat(MAX_FAILURE_DETAIL));
}

#[tokio::test]
async fn a_domain_that_makes_its_policies_up_fills_no_disk() {
    let store = crate::fresh();
    let many: Vec<_> = (0..MAX_REPORTED_POLICIES + 20)
        .map(|n| under(&tlsa(&format!("mx{n}.x.example")), success()))
        .collect();
    store.count(&many).await;
    store.count(&many).await;
    let results = store.results().await;
    assert_eq!(results.len(), MAX_REPORTED_POLICIES);
    assert!(results.iter().all(|one| one.successes == 2));
}

#[tokio::test]
async fn a_report_is_due_from_the_next_day_on_until_it_is_made() {
    let store = crate::fresh();
    let (next, after) = (date(2026, 11, 25), date(2026, 11, 26));
    let elsewhere = Sighting { domain: "a.example".to_owned(), ..success() };
    store.count_tls_results(next, &[success()]).await.unwrap();
    store.count(&[success(), elsewhere]).await;
    let due = |day: Date, domain: &str| (day, domain.to_owned());
    assert_eq!(store.due(DAY).await, []);
    assert_eq!(store.due(next).await, [due(DAY, "a.example"), due(DAY, DOMAIN)]);
    assert!(store.mark_tls_reported(DAY, "A.example", at(1)).await.unwrap());
    assert_eq!(store.due(after).await, [due(DAY, DOMAIN), due(next, DOMAIN)]);
    // a session that is counted late makes no second report
    store.count(&[Sighting { domain: "a.example".to_owned(), ..failure("late") }]).await;
    assert!(!store.mark_tls_reported(DAY, "a.example", at(2)).await.unwrap());
    assert!(!store.mark_tls_reported(DAY, "never.example", at(2)).await.unwrap());
    assert_eq!(store.due(after).await, [due(DAY, DOMAIN), due(next, DOMAIN)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_would_send_a_report_one_does() {
    let store = crate::fresh();
    store.count(&[success()]).await;
    let mut marking = JoinSet::new();
    for _ in 0..20 {
        let store = store.store.clone();
        marking.spawn(async move { store.mark_tls_reported(DAY, DOMAIN, at(1)).await.unwrap() });
    }
    assert_eq!(marking.join_all().await.into_iter().filter(|&marked| marked).count(), 1);
}

#[rstest]
#[case::a_week_later(8, true)]
#[case::later(9, false)]
#[tokio::test]
async fn results_are_forgotten_after_a_week(#[case] days: i64, #[case] there: bool) {
    let store = crate::fresh();
    let many: Vec<_> =
        (0..500).map(|n| Sighting { domain: format!("d{n}.example"), ..failure("broken") }).collect();
    store.count(&many).await;
    store.purge(at(days * 24 * 60 * 60), at(0)).await.unwrap();
    let due = store.due(date(2027, 1, 1)).await;
    assert_eq!(due.len(), if there { 500 } else { 0 });
    assert_eq!(store.tls_results(DAY, "d499.example").await.unwrap().len(), usize::from(there));
}
