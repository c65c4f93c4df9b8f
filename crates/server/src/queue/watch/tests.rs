use guarantee::{AppliedPolicy, HostAddress, Protection, Requirement, ResultType, TlsDetails, TlsVersion};
use smtp::envelope::ReversePath;
use store::{MessageFacts, NextHop, Sqlite};

use super::*;

const ALICE: &str = "alice@home.example";
const BOB: &str = "bob@home.example";

struct Place {
    watch: Watch,
    now: Timestamp,
    store: Arc<dyn Store>,
    _data: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let store = Sqlite::open(data.path().join("tls-guarantee.db")).expect("a store");
        let store: Arc<dyn Store> = Arc::new(store);
        let now = Timestamp::now();
        for account in [ALICE, BOB] {
            store.add_account(account, "hash", now).await.expect("added");
        }
        Self { watch: Watch::new(Arc::clone(&store), Reporting::On), now, store, _data: data }
    }

    async fn note(&self, account: &str, sighting: Sighting, at: Timestamp) {
        self.watch.look(&job(account), std::slice::from_ref(&sighting), at).await;
        self.watch.remember(&job(account), &[sighting], at).await;
    }

    async fn ruled(&self, account: &str, n: u8, at: Timestamp) -> &'static str {
        let cause = Cause::NoStarttls { host: host(n) };
        match self.watch.rule(Some(account), &domain(n), cause, at).await {
            Ruling::Stop(cause) => cause.kind(),
            Ruling::Hold(cause) => cause.kind(),
        }
    }
}

fn job(account: &str) -> Job {
    Job {
        facts: MessageFacts {
            queue_id: "q".to_owned(),
            origin: Origin::Submission,
            account: Some(account.to_owned()),
            reverse_path: ReversePath::Address(account.to_owned()),
            ret: None,
            envid: None,
            smtputf8: false,
            eight_bit: false,
            wish: Wish::None,
            accepted_at: Timestamp::UNIX_EPOCH,
        },
        size: 0,
        next_hop: NextHop::Local,
        requirement: Requirement::Encrypted,
        recipients: Vec::new(),
    }
}

fn domain(n: u8) -> String {
    format!("d{n}.example")
}

/// Each in a network of its own.
fn host(n: u8) -> HostAddress {
    HostAddress { name: format!("mx.{}", domain(n)), address: [192, 0, n, 1].into() }
}

fn sighting(n: u8, outcome: Sighted) -> Sighting {
    Sighting { domain: domain(n), host: Some(host(n)), policy: AppliedPolicy::None, outcome }
}

fn tls(n: u8) -> Sighting {
    let tls = TlsDetails {
        version: TlsVersion::Tls13,
        cipher: String::new(),
        key_exchange: String::new(),
        certificate_sha256: String::new(),
    };
    sighting(n, Sighted::Tls { tls, protection: Protection::Encrypted })
}

fn no_tls(n: u8) -> Sighting {
    sighting(n, Sighted::NoTls { result: ResultType::StarttlsNotSupported, detail: String::new() })
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn only_ones_own_mail_names_a_downgrade() {
    let place = Place::new().await;
    assert_eq!(place.ruled(ALICE, 1, place.now).await, "no_starttls");
    place.note(ALICE, tls(1), place.now).await;
    assert_eq!(place.ruled(ALICE, 1, place.now).await, "downgrade");
    assert_eq!(
        place.ruled(BOB, 1, place.now).await,
        "no_starttls",
        "nobody learns from it that alice wrote there"
    );
    assert_eq!(place.ruled(ALICE, 2, place.now).await, "no_starttls", "another domain");
    assert_eq!(
        place.ruled(ALICE, 1, place.now + SignedDuration::from_hours(31 * 24)).await,
        "no_starttls",
        "faded"
    );
}

#[tokio::test]
async fn when_many_lose_tls_at_once_nothing_is_stopped_for_want_of_it() {
    let place = Place::new().await;
    for n in 1..=5 {
        place.note(if n % 2 == 0 { ALICE } else { BOB }, tls(n), place.now).await;
    }
    // A day later, one after the other.
    let day = place.now + SignedDuration::from_hours(24);
    for n in 1..=4 {
        place.note(ALICE, no_tls(n), day + minutes(i64::from(n))).await;
        assert_ne!(
            place.ruled(ALICE, n, day + minutes(i64::from(n))).await,
            "own_line",
            "{n} are not enough"
        );
    }
    place.note(ALICE, no_tls(5), day + minutes(5)).await;
    assert_eq!(place.ruled(ALICE, 5, day + minutes(5)).await, "own_line");
    assert_eq!(
        place.ruled(BOB, 9, day + minutes(6)).await,
        "own_line",
        "nothing that the line shows is certain now"
    );
    // Another ground is another matter.
    let cause = Cause::NotAuthenticated { host: host(1), detail: String::new() };
    let ruling = place.watch.rule(Some(ALICE), &domain(1), cause, day + minutes(6)).await;
    assert!(matches!(ruling, Ruling::Stop(_)), "{ruling:?}");
    // Two are back: three are no longer enough.
    for n in 1..=2 {
        place.note(ALICE, tls(n), day + minutes(7)).await;
    }
    assert_ne!(place.ruled(BOB, 5, day + minutes(7)).await, "own_line");
}

/// Where mail of no account goes, anybody may choose: it neither makes the line suspect nor hides that it is.
#[tokio::test]
async fn only_the_mail_of_accounts_counts_for_the_line() {
    let place = Place::new().await;
    let nobody = Job { facts: MessageFacts { account: None, ..job(ALICE).facts }, ..job(ALICE) };
    for n in 1..=5 {
        place.watch.remember(&nobody, &[tls(n)], place.now).await;
        place.watch.look(&nobody, &[no_tls(n)], place.now).await;
        place.note(ALICE, no_tls(n), place.now).await;
    }
    assert_eq!(place.ruled(ALICE, 1, place.now).await, "no_starttls");
}

#[tokio::test]
async fn destinations_that_never_had_tls_are_no_loss() {
    let place = Place::new().await;
    for n in 1..=9 {
        place.note(ALICE, no_tls(n), place.now).await;
    }
    assert_eq!(place.ruled(ALICE, 1, place.now).await, "no_starttls");
}

// rfc 8460 3: SHOULD NOT include this SMTP session in
#[tokio::test]
async fn the_delivery_of_a_report_is_not_itself_reported() {
    let place = Place::new().await;
    let report = Job {
        facts: MessageFacts { origin: Origin::Report, wish: Wish::TlsOptional, ..job(ALICE).facts },
        ..job(ALICE)
    };
    place.watch.remember(&report, &[no_tls(1)], place.now).await;
    place.watch.remember(&job(ALICE), &[no_tls(2)], place.now).await;
    let tomorrow = (place.now + SignedDuration::from_hours(24)).to_zoned_datetime(TimeZone::UTC).date();
    let due = place.store.tls_reports_due(tomorrow).await.expect("read");
    assert_eq!(due.iter().map(|due| due.domain.clone()).collect::<Vec<_>>(), [domain(2)]);
}
