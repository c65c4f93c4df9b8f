//! What an account is shown of its past.

use api::{PastOverride, ProtectionWord, Week};
use guarantee::{Authentication, Cause, Origin, Protection};
use jiff::{SignedDuration, Timestamp};
use store::{DsnDuty, Evidence, LocalDelivery, Outcome, OverrideRow};

use super::world::{
    ALICE, BOB, Fresh, With as _, at, bounced, decision, deferred, delivered, evidence, home, letter,
    message, mx, sighting, stopped, with_tls,
};

const WEEK: i64 = 7 * 24 * 3600;

fn past(message: &str, recipients: &[&str], recorded: i64, used_by: Option<&str>) -> PastOverride {
    PastOverride {
        message_id: format!("{message}@home.example"),
        recipients: recipients.iter().map(|&to| to.to_owned()).collect(),
        recorded_at: at(recorded),
        used_by: used_by.map(str::to_owned),
    }
}

fn recorded(queue_id: &str, recipients: &[&str], seconds: i64) -> OverrideRow {
    OverrideRow { recorded_at: at(seconds), expires_at: at(seconds + 600), ..decision(queue_id, recipients) }
}

#[tokio::test]
async fn past_overrides_are_shown_with_what_used_them() {
    let store = home().await;
    store.record_override(&recorded("m1", &["c@plain.example", "d@plain.example"], 0)).await.unwrap();
    store.record_override(&recorded("m2", &["c@plain.example"], 10)).await.unwrap();
    let of_bob = OverrideRow { account: BOB.to_owned(), ..recorded("m3", &["c@plain.example"], 20) };
    store.record_override(&of_bob).await.unwrap();
    let to_both = message("m1", &["c@plain.example", "d@plain.example"]);
    store.accept(to_both.with(|new| new.facts.queue_id = "q1".to_owned())).await.unwrap();
    let expected = [
        past("m2", &["c@plain.example"], 10, None),
        past("m1", &["c@plain.example", "d@plain.example"], 0, Some("q1")),
    ];
    assert_eq!(store.overrides(ALICE, at(0)).await.unwrap(), expected);
    assert_eq!(store.overrides(ALICE, at(1)).await.unwrap(), expected[..1]);
    // When they have ended they are still shown, until they are forgotten.
    store.purge(at(5000), at(10)).await.unwrap();
    assert_eq!(store.overrides(ALICE, at(0)).await.unwrap(), expected[..1]);
    store.purge(at(5000), at(11)).await.unwrap();
    assert!(store.overrides(ALICE, at(0)).await.unwrap().is_empty());
}

/// However often somebody records some: those that can still be used are all kept.
#[tokio::test]
async fn past_overrides_are_bounded() {
    let store = home().await;
    let many: Vec<String> = (0..100).map(|n| format!("c{n}@plain.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for n in 0..15 {
        store.record_override(&recorded(&format!("m{n}"), &many, n * 1000)).await.unwrap();
    }
    let rows = |shown: Vec<PastOverride>| shown.iter().map(|one| one.recipients.len()).sum::<usize>();
    assert_eq!(rows(store.overrides(ALICE, at(0)).await.unwrap()), 1100);
}

#[tokio::test]
async fn own_memory_is_shown_with_own_downgrades() {
    let store = home().await;
    for (account, host, protection, seconds) in [
        (ALICE, "mx1.x.example", Protection::Dane, 1),
        (ALICE, "MX2.x.example", Protection::Encrypted, 2),
        (BOB, "mx3.x.example", Protection::Encrypted, 3),
    ] {
        store.remember(Some(account), &[sighting(host, with_tls(protection))], at(seconds)).await.unwrap();
    }
    let downgrade =
        Cause::Downgrade { now: Box::new(Cause::NoStarttls { host: mx("mx2.x.example") }), seen: at(2) };
    for (queue_id, seconds) in [("m1", 10), ("m2", 20)] {
        store.accept(message(queue_id, &["c@x.example"])).await.unwrap();
        store.record_for(queue_id, "c@x.example", Outcome::Stopped(downgrade.clone()), seconds).await;
    }
    // Bob's stop there is his.
    let of_bob = message("m3", &["c@x.example"]).with(|new| new.facts.account = Some(BOB.to_owned()));
    store.accept(of_bob).await.unwrap();
    store.record_for("m3", "c@x.example", Outcome::Stopped(downgrade), 30).await;
    // And what is no downgrade is none.
    store.accept(message("m4", &["c@x.example"])).await.unwrap();
    let plain = Outcome::Stopped(Cause::NoStarttls { host: mx("mx2.x.example") });
    store.record_for("m4", "c@x.example", plain, 40).await;
    let shown: Vec<_> = store.own_memory(ALICE).await.unwrap();
    let shown: Vec<_> = shown
        .iter()
        .map(|one| (one.domain.as_str(), one.host.as_str(), one.best, one.last_tls, one.downgraded_at))
        .collect();
    assert_eq!(
        shown,
        [
            ("x.example", "mx2.x.example", ProtectionWord::Encrypted, at(2), Some(at(20))),
            ("x.example", "mx1.x.example", ProtectionWord::Dane, at(1), None),
        ]
    );
}

fn in_clear() -> Outcome {
    let evidence = Evidence {
        protection: Protection::None,
        tls: None,
        authentication: Authentication::Nothing,
        ..evidence()
    };
    Outcome::Delivered { evidence, dsn: DsnDuty::Ours }
}

impl Fresh {
    async fn counted(&self, now: Timestamp) -> Vec<(String, [u32; 3])> {
        let weeks = self.weeks(ALICE, now).await.unwrap();
        assert_eq!(weeks.len(), 12);
        let row = |week: Week| (week.monday, [week.protected, week.unprotected, week.stopped]);
        weeks.into_iter().map(row).collect()
    }
}

#[tokio::test]
async fn each_recipient_counts_once_when_it_is_final() {
    let store = home().await;
    let to = ["a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example"];
    store.accept(message("m1", &to)).await.unwrap();
    store.record_for("m1", to[0], delivered(), 1).await;
    store.record_for("m1", to[1], in_clear(), 1).await;
    store.record_for("m1", to[2], stopped(), 1).await;
    store.record_for("m1", to[3], bounced(), 1).await;
    store.record_for("m1", to[4], deferred(10), 1).await;
    assert_eq!(
        store.counted(at(1)).await[0],
        ("2026-11-23".to_owned(), [1, 1, 1]),
        "what waits does not count yet"
    );
    // In the week in which it happens.
    store.record_for("m1", to[4], Outcome::Filed, WEEK).await;
    let counted = store.counted(at(WEEK)).await;
    assert_eq!(counted[0], ("2026-11-30".to_owned(), [1, 0, 0]));
    assert_eq!(counted[1], ("2026-11-23".to_owned(), [1, 1, 1]));
    assert!(counted[2..].iter().all(|(_, count)| *count == [0; 3]));
    assert_eq!(counted[11].0, "2026-09-14");
}

/// The mailbox of this server; and other doors' mail, reports among it, is nobody's.
#[tokio::test]
async fn local_mail_counts_as_protected_and_other_doors_do_not_count() {
    let store = home().await;
    store.accept(message("m1", &[BOB])).await.unwrap();
    for (queue_id, origin) in [("m2", Origin::MailStore), ("m3", Origin::Report), ("m4", Origin::Incoming)] {
        let other = message(queue_id, &[ALICE, "c@x.example"]).with(|new| {
            new.facts.origin = origin;
            new.facts.account = None;
        });
        store.accept(other).await.unwrap();
    }
    for job in store.claim(1).await {
        for recipient in &job.recipients {
            let queue_id = job.facts.queue_id.clone();
            if recipient.address == "c@x.example" {
                let outcome = store::RecipientOutcome { recipient: recipient.id, outcome: in_clear() };
                store.record(&queue_id, vec![outcome], at(1)).await.unwrap();
            } else {
                let delivery = LocalDelivery {
                    queue_id,
                    recipient: recipient.id,
                    account: recipient.address.clone(),
                    message: letter("hello"),
                    now: at(1),
                };
                // Twice: what is final already counts no more.
                store.deliver_local(delivery.clone()).await.unwrap();
                store.deliver_local(delivery).await.unwrap();
            }
        }
    }
    assert_eq!(store.counted(at(1)).await[0].1, [1, 0, 0]);
    assert!(store.weeks(BOB, at(1)).await.unwrap().iter().all(|week| week.protected == 0));
}

#[tokio::test]
async fn weeks_of_long_ago_are_forgotten() {
    let store = home().await;
    store.accept(message("m1", &["a@x.example"])).await.unwrap();
    store.record_for("m1", "a@x.example", stopped(), 1).await;
    let eleven = at(11 * WEEK);
    store.purge(eleven, at(0)).await.unwrap();
    assert_eq!(store.counted(eleven).await[11], ("2026-11-23".to_owned(), [0, 0, 1]));
    store.purge(eleven + SignedDuration::from_secs(WEEK), at(0)).await.unwrap();
    assert_eq!(store.counted(eleven).await[11].1, [0; 3], "it is gone, and not only out of sight");
}
