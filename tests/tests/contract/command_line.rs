//! The operator's commands, against a running demo's data.

use std::path::Path;
use std::process::{Command, Output};

use black_box::{Demo, Mail, User, binary, run};
use rstest::rstest;
use serde_json::Value;

fn tls_guarantee(arguments: &[&str], input: &str) -> Output {
    run(Command::new(binary()).args(arguments), input.as_bytes())
}

fn on(demo: &Demo, arguments: &[&str], input: &str) -> Output {
    let data = demo.data().display().to_string();
    tls_guarantee(&[arguments, &["--data", &data]].concat(), input)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[rstest]
#[case::delivers(&["tls.example"], 0)]
#[case::stops(&["carla@plain.example"], 1)]
#[case::defers(&["down.example"], 2)]
#[case::dane(&["a@dane.example", "verified.example", "sts.example"], 0)]
#[case::mismatch(&["dane-mismatch.example"], 1)]
#[case::policy_mismatch(&["dane.example", "sts-mismatch.example"], 1)]
#[case::bogus(&["bogus.example"], 2)]
#[case::could_not_check(&["no such thing"], 3)]
#[case::a_stop_outweighs_a_delivery(&["tls.example", "plain.example"], 1)]
#[case::a_deferral_outweighs_a_delivery(&["down.example", "tls.example"], 2)]
#[case::a_stop_outweighs_a_deferral(&["down.example", "plain.example"], 1)]
#[case::not_knowing_outweighs_all(&["plain.example", "no such thing"], 3)]
fn check_says_by_its_exit_code_what_would_happen(#[case] recipients: &[&str], #[case] code: i32) {
    let demo = Demo::start();
    for json in [&["--json"][..], &[]] {
        let output = on(&demo, &[&["check"], recipients, json].concat(), "");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
    assert!(demo.deliveries().is_empty(), "nothing is sent to find out");
}

#[test]
fn check_tells_host_by_host_and_why() {
    let demo = Demo::start();
    let output = on(&demo, &["check", "bob@mixed.example", "plain.example", "--json"], "");
    let results = json(&output);
    let results = results.as_array().expect("a list");
    let expected = [("bob@mixed.example", "encrypted", "deliver", 2), ("plain.example", "none", "stop", 1)];
    assert_eq!(results.len(), expected.len());
    for (result, (recipient, protection, outcome, hosts)) in results.iter().zip(expected) {
        assert_eq!(result["recipient"], recipient);
        assert_eq!(
            (&result["protection"], &result["outcome"]),
            (&protection.into(), &outcome.into()),
            "{result}"
        );
        assert_eq!(result["promised"], false);
        assert!(result["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{result}");
        assert_eq!(result["hosts"].as_array().map(Vec::len), Some(hosts), "{result}");
    }
}

#[test]
fn bounce_says_what_a_message_reports() {
    let demo = Demo::start();
    let alice = demo.alice();
    alice.switch("on");
    let mail = Mail::to(&["carla@plain.example", "dora@legacy.example"]);
    alice.post(&mail);
    let bounce = alice.wait_for_bounce(&mail.message_id);
    let (report, other) = (demo.data().join("report.eml"), demo.data().join("other.eml"));
    std::fs::write(&report, &bounce.raw).expect("a file");
    std::fs::write(&other, mail.to_string()).expect("a file");
    let paths = [&report, &other].map(|path| path.display().to_string());
    let output = tls_guarantee(&["bounce", &paths[0], &paths[1], "--json"], "");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("one line a file")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["file"], &lines[1]["file"]),
        (&paths[0].as_str().into(), &paths[1].as_str().into())
    );
    assert_eq!((&lines[0]["is_bounce"], &lines[0]["tls_stop"]), (&true.into(), &true.into()));
    assert_eq!((&lines[1]["is_bounce"], &lines[1]["tls_stop"]), (&false.into(), &false.into()));
    let recipients = lines[0]["recipients"].as_array().expect("a list");
    for (read, reported) in recipients.iter().zip(&bounce.recipients) {
        assert_eq!(read["address"], reported.address());
        assert_eq!((&read["action"], &read["status"]), (&"failed".into(), &reported.field("status").into()));
        assert!(
            read["diagnostic"].as_str().is_some_and(|cause| cause.contains(reported.diagnostic())),
            "{read}"
        );
    }
    assert_eq!(recipients.len(), 2);
    let missing = tls_guarantee(&["bounce", "/nowhere/at/all.eml"], "");
    assert!(!missing.status.success());
}

#[test]
fn queue_shows_retries_and_removes_what_waits() {
    let demo = Demo::start();
    let alice = demo.alice();
    let id = alice.post(&Mail::to(&["emil@down.example", "bob@tls.example"]));
    alice.settled(&id);
    let listed = json(&on(&demo, &["queue", "list", "--json"], ""));
    let listed: Vec<&str> =
        listed.as_array().expect("a list").iter().filter_map(|m| m["id"].as_str()).collect();
    assert_eq!(listed, [id.as_str()]);
    let shown = json(&on(&demo, &["queue", "show", &id, "--json"], ""));
    assert!(shown.to_string().contains("emil@down.example"), "{shown}");
    assert!(on(&demo, &["queue", "retry", &id], "").status.success());
    assert!(on(&demo, &["queue", "remove", &id], "").status.success());
    assert_eq!(json(&on(&demo, &["queue", "list", "--json"], "")), Value::Array(Vec::new()));
    for command in ["show", "retry", "remove"] {
        let output = on(&demo, &["queue", command, "no-such-id"], "");
        assert!(!output.status.success(), "{command}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-id"), "{output:?}");
    }
}

#[test]
fn user_adds_changes_lists_and_removes_accounts() {
    let demo = Demo::start();
    let carol = "carol@home.example";
    let list = || String::from_utf8(on(&demo, &["user", "list"], "").stdout).expect("UTF-8");
    let log_in = |password: &str| {
        let credentials = serde_json::json!({"address": carol, "password": password});
        demo.anonymous().post("/api/v1/session", &credentials).status
    };
    assert!(on(&demo, &["user", "add", carol], "correct horse battery\n").status.success());
    assert_eq!(list().lines().collect::<Vec<_>>(), ["alice@home.example", "bob@home.example", carol]);
    assert_eq!((log_in("correct horse battery"), log_in("wrong")), (200, 401));
    assert!(!on(&demo, &["user", "add", carol], "again\n").status.success(), "twice");
    let session = User::log_in(&demo.anonymous(), carol, "correct horse battery");
    assert!(on(&demo, &["user", "passwd", carol], "another password\n").status.success());
    assert_eq!((log_in("correct horse battery"), log_in("another password")), (401, 200));
    session.http.get("/api/v1/guarantee").problem(401);
    assert!(on(&demo, &["user", "remove", carol], "").status.success());
    assert_eq!((list().lines().count(), log_in("another password")), (2, 401));
    assert!(!on(&demo, &["user", "remove", carol], "").status.success());
}

#[rstest]
#[case::valid("name = \"mail.example.org\"\ndata = \"DATA\"\n[listen]\nsubmission = \"127.0.0.1:0\"\n", "")]
#[case::unknown_key(
    "name = \"mail.example.org\"\ndata = \"DATA\"\ncolour = 1\n[listen]\nmx = \"127.0.0.1:0\"\n",
    "colour"
)]
#[case::no_toml("name = \n", "name")]
#[case::bad_address("name = \"mail.example.org\"\ndata = \"DATA\"\n[listen]\nmx = \"here\"\n", "mx")]
fn serve_checks_its_configuration(#[case] config: &str, #[case] named: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("c.toml"), folder.path().join("data"));
    std::fs::write(&file, config.replace("DATA", &data.display().to_string())).expect("a file");
    let check =
        |path: &Path| tls_guarantee(&["serve", "--check", "--config", &path.display().to_string()], "");
    let output = check(&file);
    assert_eq!(output.status.success(), named.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(named), "{output:?}");
    assert!(!data.exists(), "a check leaves nothing behind");
    assert!(!check(&folder.path().join("absent.toml")).status.success());
}
