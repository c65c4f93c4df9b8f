//! `kill -9` in the middle of a thousand accepted messages: each arrives, each stop is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use black_box::{Demo, Mail, Report, Smtp};

const MESSAGES: usize = 1000;
const SESSIONS: usize = 8;
/// The server is killed when so many have been accepted.
const KILLED_AFTER: usize = 500;

/// So many transactions with one next hop may be under way at one moment.
const IN_FLIGHT: usize = 20;

fn mails(count: usize) -> Vec<Mail> {
    (0..count).map(|_| Mail::to(&["bob@tls.example", "carla@plain.example"])).collect()
}

/// Submits until all are accepted or the server is gone; gives what was accepted, and what was under way without an
/// answer: that may have been accepted or not.
fn submit(mut smtp: Smtp, mails: &[Mail], accepted: &AtomicUsize) -> (Vec<Mail>, Option<Mail>) {
    let mut done = Vec::new();
    for mail in mails {
        let message = mail.to_string();
        let script = "MAIL FROM:<alice@home.example>\r\nRCPT TO:<bob@tls.example>\r\nRCPT TO:<carla@plain.example>\r\nDATA\r\n";
        let answered = smtp.try_send(script.as_bytes()).is_ok()
            && (0..4).all(|_| smtp.try_reply().is_ok())
            && smtp.try_send(format!("{message}.\r\n").as_bytes()).is_ok()
            && smtp.try_reply().is_ok_and(|reply| reply.code == 250);
        if !answered {
            return (done, Some(mail.clone()));
        }
        done.push(mail.clone());
        accepted.fetch_add(1, Ordering::Relaxed);
    }
    (done, None)
}

/// Sends `mails` over some sessions at once; `killer` runs beside them.
fn submit_all(demo: &Demo, mails: &[Mail], killer: impl FnOnce(&AtomicUsize)) -> (Vec<Mail>, Vec<Mail>) {
    let accepted = AtomicUsize::new(0);
    let sessions: Vec<Smtp> = (0..SESSIONS).map(|_| demo.submit_as("alice@home.example")).collect();
    thread::scope(|scope| {
        let chunks = mails.chunks(mails.len().div_ceil(SESSIONS));
        let senders: Vec<_> = sessions
            .into_iter()
            .zip(chunks)
            .map(|(s, chunk)| scope.spawn(|| submit(s, chunk, &accepted)))
            .collect();
        killer(&accepted);
        let results = senders.into_iter().map(|sender| sender.join().expect("a sender"));
        let (accepted, unanswered): (Vec<_>, Vec<_>) = results.unzip();
        (accepted.concat(), unanswered.into_iter().flatten().collect())
    })
}

// rfc 3464 3: SHOULD Each sender-specified recipient address
// rfc 5321 6.1: MUST NOT It MUST NOT lose the message for frivolous reasons
#[test]
fn nothing_accepted_is_lost_and_next_to_nothing_sent_twice() {
    let mut demo = Demo::start();
    demo.alice().switch("on");
    let first = mails(MESSAGES);

    let (mut accepted, unanswered) = submit_all(&demo, &first, |accepted| {
        while accepted.load(Ordering::Relaxed) < KILLED_AFTER {
            thread::yield_now();
        }
        demo.signal("KILL");
    });
    assert!(accepted.len() >= KILLED_AFTER && accepted.len() < MESSAGES, "{} were accepted", accepted.len());
    demo.kill9();
    demo.start_again();

    // As many more as make a thousand accepted ones.
    let rest = mails(MESSAGES - accepted.len());
    let (more, failed) = submit_all(&demo, &rest, |_| {});
    assert!(failed.is_empty());
    accepted.extend(more);

    each_arrived(&demo, &accepted, &unanswered);
    each_stop_is_reported(&demo, &accepted);
    demo.assert_alive();
}

fn each_arrived(demo: &Demo, accepted: &[Mail], unanswered: &[Mail]) {
    let copies = black_box::wait_for("a thousand deliveries", || {
        let mut copies = BTreeMap::<String, usize>::new();
        for delivery in demo.deliveries() {
            assert_eq!(delivery.domain, "tls.example");
            *copies.entry(delivery.message_id.unwrap_or_default()).or_default() += 1;
        }
        accepted.iter().all(|mail| copies.contains_key(&mail.message_id)).then_some(copies)
    });
    let submitted: BTreeSet<_> = accepted.iter().chain(unanswered).map(|mail| &mail.message_id).collect();
    assert!(copies.keys().all(|id| submitted.contains(id)), "something arrived that was never submitted");
    // A mail twice only where the host had taken it and the server died before it could write that down: of those
    // that were on the wire at one moment.
    let twice = copies.values().filter(|&&count| count > 1).count();
    assert!(copies.values().all(|&count| count <= 2), "nothing comes three times");
    assert!(twice <= IN_FLIGHT, "{twice} messages came twice");
    println!("{twice} of {} came twice", copies.len());
}

fn each_stop_is_reported(demo: &Demo, accepted: &[Mail]) {
    let alice = demo.alice();
    let recorded: BTreeSet<String> = black_box::wait_for("a thousand stops", || {
        let stops: BTreeSet<String> = alice.stops().into_iter().map(|stop| stop.message_id).collect();
        accepted.iter().all(|mail| stops.contains(&mail.message_id)).then_some(stops)
    });
    let bounces = black_box::wait_for("as many bounces", || {
        let bounces = alice.list("INBOX");
        (bounces.len() >= recorded.len()).then_some(bounces)
    });
    let reported: Vec<String> = bounces
        .iter()
        .map(|listed| Report::read(&alice.raw("INBOX", &listed.id())))
        .map(|report| report.original_message_id())
        .collect();
    let distinct: BTreeSet<&String> = reported.iter().collect();
    assert_eq!(
        distinct.len(),
        reported.len(),
        "no stop is reported twice: stop and report are one transaction"
    );
    assert_eq!(distinct, recorded.iter().collect(), "each stop has its report, and each report its stop");
}
