use delivery::Courier;
use guarantee::{
    AppliedPolicy, HostAddress, Protection, Requirement, Sighted, Sighting, TlsDetails, TlsVersion,
};
use jiff::SignedDuration;
use small_internet::{Behaviour, Domain, Policy, World, WorldConfig};
use store::{Job, NextHop, Sqlite};

use super::*;
use crate::demo;

/// A world with `asks.example`, which wants its reports there, and results of yesterday about it.
struct Place {
    world: World,
    store: Arc<dyn Store>,
    reports: TlsReports,
    now: Timestamp,
    _data: tempfile::TempDir,
}

fn signer() -> Arc<Signer> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    Arc::new(Signer::new("home.example", "reports", &key.serialize_pem()).expect("a signer"))
}

impl Place {
    async fn with(records: impl FnOnce(&World) -> Vec<String>) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let asks = Domain::new("asks.example", Behaviour::tls()).policy(Policy::text("thank you"));
        let asks = asks.txt("_smtp._tls.asks.example", "to be replaced");
        let world = World::start(WorldConfig { extra: vec![asks], ..WorldConfig::new(data.path()) });
        let world = world.await.expect("a world");
        let records = records(&world);
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        world.set_txt("asks.example", "_smtp._tls.asks.example", &records).expect("records");
        let store = Sqlite::open(data.path().join("tls-guarantee.db")).expect("a store");
        let store: Arc<dyn Store> = Arc::new(store);
        let courier = Courier::new(demo::settings("home.example", world.coordinates()).expect("settings"))
            .expect("a courier");
        let reports = TlsReports {
            store: Arc::clone(&store),
            courier,
            reporter: Reporter::new("Home", "postmaster@home.example").expect("a contact"),
            signer: signer(),
            local: Arc::new(demo::local()),
            wake: Arc::default(),
            delay: SignedDuration::ZERO,
        };
        let now = Timestamp::now();
        let place = Self { world, store, reports, now, _data: data };
        place.met(now - SignedDuration::from_hours(24)).await;
        place
    }

    /// A session with TLS at that time.
    async fn met(&self, at: Timestamp) {
        let tls = TlsDetails {
            version: TlsVersion::Tls13,
            cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
            key_exchange: "X25519MLKEM768".to_owned(),
            certificate_sha256: "00".repeat(32),
        };
        let host = HostAddress { name: "mx.asks.example".to_owned(), address: [192, 0, 2, 1].into() };
        let sighting = Sighting {
            domain: "asks.example".to_owned(),
            host: Some(host),
            policy: AppliedPolicy::None,
            outcome: Sighted::Tls { tls, protection: Protection::Encrypted },
        };
        let day = at.to_zoned_datetime(TimeZone::UTC).date();
        self.store.count_tls_results(day, &[sighting]).await.expect("counted");
    }

    async fn jobs(&self) -> Vec<Job> {
        self.store.claim_due(self.now, 10, &[]).await.expect("claimed")
    }
}

// rfc 8460 3: MUST When sending failure reports via SMTP, Sending
// rfc 8460 3: MUST Reports sent via SMTP MUST contain a
// rfc 5321 4.5.5: SHOULD All other types of messages
// rfc 8460 5.3.1: MUST NOT Note that, when sending failure reports via
#[tokio::test(flavor = "multi_thread")]
async fn a_report_leaves_once_by_mail_whatever_the_transport() {
    let place = Place::with(|_| vec!["v=TLSRPTv1; rua=mailto:reports@tls.example".to_owned()]).await;
    place.met(place.now).await;
    place.reports.send_due(place.now).await.expect("sent");
    let jobs = place.jobs().await;
    assert_eq!(jobs.len(), 1, "today is not over: {jobs:?}");
    assert_eq!(jobs[0].next_hop, NextHop::Domain("tls.example".to_owned()));
    assert_eq!(jobs[0].requirement, Requirement::Regardless);
    assert_eq!(jobs[0].facts.reverse_path.as_str(), "postmaster@home.example");
    let mail = place.store.content(&jobs[0].facts.queue_id).await.expect("content");
    let mail = String::from_utf8_lossy(&mail);
    assert!(mail.contains("TLS-Report-Domain: asks.example\r\n"), "{mail}");
    assert!(mail.contains("report-type=\"tlsrpt\"") || mail.contains("report-type=tlsrpt"), "{mail}");
    assert!(mail.starts_with("DKIM-Signature: "), "{mail}");
    place.reports.send_due(place.now).await.expect("nothing to send");
    assert!(place.jobs().await.is_empty(), "never twice");
}

/// A string of a TXT record has 255 octets at most: this address lies across two.
// rfc 8460 3: MUST If the resulting TXT record contains multiple
#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_several_strings_is_read_as_one() {
    let extension = "x".repeat(255 - "v=TLSRPTv1; x=; rua=mailto:rep".len());
    let record = format!("v=TLSRPTv1; x={extension}; rua=mailto:reports@tls.example");
    let place = Place::with(|_| vec![record]).await;
    place.reports.send_due(place.now).await.expect("sent");
    let to: Vec<String> =
        place.jobs().await.iter().flat_map(|job| &job.recipients).map(|one| one.address.clone()).collect();
    assert_eq!(to, ["reports@tls.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_leaves_once_over_https() {
    let place = Place::with(|world| {
        vec![format!("v=TLSRPTv1; rua=https://mta-sts.asks.example:{}/reports", world.https_port())]
    })
    .await;
    for _ in 0..2 {
        place.reports.send_due(place.now).await.expect("sent");
    }
    let lines: Vec<String> =
        place.world.commands("mta-sts.asks.example").into_iter().map(|command| command.line).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("POST /reports "), "{lines:?}");
    assert!(place.jobs().await.is_empty());
}

// rfc 8460 3: SHOULD NOT A receiver MAY opt to only attempt
// rfc 8460 5.5: SHOULD In the event of a delivery failure
/// Nobody takes it: it is tried again for a day, and then no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_nobody_takes_is_tried_for_a_day() {
    let place = Place::with(|_| vec!["v=TLSRPTv1; rua=https://nowhere.example/reports".to_owned()]).await;
    let due = async |at: Timestamp| {
        place.reports.send_due(at).await.expect("tried");
        let tomorrow = (at + SignedDuration::from_hours(24)).to_zoned_datetime(TimeZone::UTC).date();
        place.store.tls_reports_due(tomorrow).await.expect("read").len()
    };
    assert_eq!(due(place.now).await, 1);
    assert_eq!(due(place.now + SignedDuration::from_hours(48)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_asks_for_none_gets_none() {
    let place = Place::with(|_| vec!["v=spf1 -all".to_owned()]).await;
    place.reports.send_due(place.now).await.expect("nothing to send");
    assert!(place.jobs().await.is_empty());
    let today = place.now.to_zoned_datetime(TimeZone::UTC).date();
    assert!(place.store.tls_reports_due(today).await.expect("read").is_empty(), "and is not asked again");
}

/// Not all servers report at midnight.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_counts_as_over_after_the_delay() {
    let records = |_: &World| vec!["v=TLSRPTv1; rua=mailto:reports@tls.example".to_owned()];
    let mut place = Place::with(records).await;
    // Yesterday's end lies as far back as this day is old.
    place.reports.delay = SignedDuration::from_hours(24);
    place.reports.send_due(place.now).await.expect("nothing to send");
    assert!(place.jobs().await.is_empty());
    place.reports.delay = SignedDuration::ZERO;
    place.reports.send_due(place.now).await.expect("sent");
    assert_eq!(place.jobs().await.len(), 1);
}
