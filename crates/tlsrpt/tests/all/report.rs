//! The report in JSON.

use std::io::Read;

use flate2::read::GzDecoder;
use guarantee::{AppliedPolicy, ResultType};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tlsrpt::{Draft, Error, Failure, ReportId, Reporter, ResultRow};

use crate::common::{
    ask, assert_golden, compose, failure, ip, json, now, report, reporter, rows, sts, success, tlsa, to,
};

// rfc 8460 4: MUST Because of this, even in the case
// rfc 8460 4.1: SHOULD The report SHOULD cover a full day
// rfc 8460 4.3.1: SHOULD "certificate-not-trusted": This is a label that covers
#[test]
fn golden() {
    assert_golden("report.json", std::str::from_utf8(report(&rows()).json()).unwrap());
}

// rfc 8460 4: MUST Because of this, even in the case
#[test]
fn a_single_policy_is_an_array_too() {
    assert_eq!(
        json(&report(&[success(AppliedPolicy::None, 1)]))["policies"],
        json!([{
            "policy": { "policy-type": "no-policy-found", "policy-string": [], "policy-domain": "receiver.example" },
            "summary": { "total-successful-session-count": 1, "total-failure-session-count": 0 },
            "failure-details": []
        }])
    );
}

// rfc 8460 5.2: SHOULD The report SHOULD be subjected to gzip
#[test]
fn compressed_it_is_the_same() {
    let report = report(&rows());
    let mut json = Vec::new();
    GzDecoder::new(report.gzip()).read_to_end(&mut json).unwrap();
    assert_eq!(json, report.json());
    assert!(report.gzip().len() < json.len() / 2);
}

// rfc 8460 5.1: RECOMMENDED The filename is RECOMMENDED to be constructed
// rfc 8460 5.1: MUST sender = domain ; from [RFC5321] --
// rfc 8460 5.1: MUST policy-domain = domain ; In the case
// rfc 8460 5.1: MUST The extension MUST be "json" for a
#[test]
fn file_names_are_in_a_labels() {
    let reporter = Reporter::new("x", "reports@Söhne.example").unwrap();
    let id = ReportId::new([0xff; 16]);
    let draft =
        Draft { reporter: &reporter, domain: "Bücher.example.", day: date(1970, 1, 2), id, rows: &[] };
    let expected =
        "xn--shne-5qa.example!xn--bcher-kva.example!86400!172799!ffffffffffff4fffbfffffffffffffff.json.gz";
    assert_eq!(draft.compose().unwrap().file_name(), expected);
}

// rfc 8460 4.4: MUST "domain": The Policy Domain against which the
// rfc 8460 4.4: MUST "mx-host-pattern": In the case where "policy-type" is
#[test]
fn names_are_in_a_labels() {
    let policy = AppliedPolicy::Sts {
        domain: "Bücher.example".into(),
        lines: vec!["mx: *.bücher.example".into()],
        mx: vec!["*.bücher.example".into()],
    };
    let json = json(&compose("Bücher.example", &[success(policy, 1), success(AppliedPolicy::None, 1)]));
    assert_eq!(
        json["policies"][0]["policy"],
        json!({
            "policy-type": "sts",
            "policy-string": ["mx: *.bücher.example"],
            "policy-domain": "xn--bcher-kva.example",
            "mx-host": ["*.xn--bcher-kva.example"],
        })
    );
    assert_eq!(json["policies"][1]["policy"]["policy-domain"], "xn--bcher-kva.example");
}

#[test]
fn rows_are_added_up_in_any_order() {
    let AppliedPolicy::Tlsa { base, mut records } = tlsa() else { unreachable!() };
    records.reverse();
    let turned = AppliedPolicy::Tlsa { base: base.to_uppercase(), records };
    let expired =
        Failure { receiving_ip: ip("::ffff:192.0.2.1"), ..Failure::of(ResultType::CertificateExpired) };
    let rows = [
        success(tlsa(), 1),
        failure(tlsa(), expired.clone(), 2),
        success(turned.clone(), 3),
        failure(turned, Failure { receiving_ip: ip("192.0.2.1"), ..expired }, 4),
    ];
    let json = json(&report(&rows));
    assert_eq!(json["policies"].as_array().unwrap().len(), 1);
    let summary = json!({ "total-successful-session-count": 4, "total-failure-session-count": 6 });
    assert_eq!(json["policies"][0]["summary"], summary);
    let details = json!([{
        "result-type": "certificate-expired", "receiving-ip": "192.0.2.1", "failed-session-count": 6
    }]);
    assert_eq!(json["policies"][0]["failure-details"], details);
}

#[test]
fn numbers_stay_those_of_i_json() {
    let rows = [success(sts(), u64::MAX), success(sts(), u64::MAX)];
    let count = &json(&report(&rows))["policies"][0]["summary"]["total-successful-session-count"];
    assert_eq!(count.as_u64(), Some(9_007_199_254_740_991));
}

#[test]
fn ids_differ_by_chance_only() {
    let id = |last: u8| ReportId::new(std::array::from_fn(|at| if at == 15 { last } else { 0 })).to_string();
    assert_eq!(id(0), "00000000-0000-4000-8000-000000000000");
    assert_eq!(id(0), id(0));
    assert_ne!(id(0), id(1));
}

#[rstest]
#[case::domain("no domain", date(2026, 11, 23), "`no domain` is no domain name")]
#[case::injected("a.example\r\nBcc: x", date(2026, 11, 23), "is no domain name")]
#[case::end_of_time("a.example", Date::MAX, "out of range")]
fn refuses(#[case] domain: &str, #[case] day: Date, #[case] expected: &str) {
    let draft = Draft { reporter: &reporter(), domain, day, id: ReportId::new([0; 16]), rows: &[] };
    let error = draft.compose().unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn refuses_a_contact_that_nobody_can_write_to() {
    let error = Reporter::new("x", "postmaster").unwrap_err();
    assert!(matches!(&error, Error::Contact(text) if text == "postmaster"));
    assert!(error.to_string().contains("give the reports a contact"));
}

fn any_row() -> impl Strategy<Value = ResultRow> {
    let text = || "(\\PC|[\\r\\n\\x00-\\x1f]){0,20}";
    let policy = prop_oneof![
        Just(AppliedPolicy::None),
        (text(), text(), text()).prop_map(|(domain, line, mx)| AppliedPolicy::Sts {
            domain,
            lines: vec![line],
            mx: vec![mx]
        }),
        (text(), text()).prop_map(|(base, record)| AppliedPolicy::Tlsa { base, records: vec![record] }),
    ];
    let failed = (text(), text(), text(), text()).prop_map(|(mx, helo, uri, reason)| Failure {
        receiving_mx_hostname: Some(mx),
        receiving_mx_helo: Some(helo),
        additional_information: Some(uri),
        failure_reason_code: Some(reason),
        ..Failure::of(ResultType::ValidationFailure)
    });
    (policy, prop::option::of(failed), 0..10_u64).prop_map(|(policy, failed, count)| match failed {
        Some(failed) => failure(policy, failed, count),
        None => success(policy, count),
    })
}

/// All texts within `value`.
fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(members) => members.values().for_each(|value| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_rows_does_not_show(rows in prop::collection::vec(any_row(), 0..8).prop_shuffle()) {
        let mut turned = rows.clone();
        turned.reverse();
        prop_assert_eq!(json(&report(&rows)), json(&report(&turned)));
    }

    #[test]
    fn foreign_text_does_no_harm(rows in prop::collection::vec(any_row(), 0..4)) {
        let report = report(&rows);
        let json = json(&report);
        let mut texts = Vec::new();
        collect(&json, &mut texts);
        prop_assert!(texts.iter().all(|text| !text.chars().any(char::is_control)), "{:?}", texts);
        let counted: u64 = rows.iter().map(|row| row.count).sum();
        let shown: u64 = json["policies"].as_array().unwrap().iter().map(|policy| {
            let summary = &policy["summary"];
            summary["total-successful-session-count"].as_u64().unwrap() + summary["total-failure-session-count"].as_u64().unwrap()
        }).sum();
        prop_assert_eq!(counted, shown);
    }
}

/// Somebody else's reading of RFC 8460: Python's own mail and JSON.
#[rstest]
#[case::everything(rows())]
#[case::nothing(vec![])]
#[case::hostile(hostile())]
fn a_strict_reader_takes_it(#[case] rows: Vec<ResultRow>) {
    let mail = report(&rows).mail(&to(), now());
    if let Some(answer) = ask("strict.py", &[], &mail) {
        assert_eq!(answer, "ok");
    }
}

fn hostile() -> Vec<ResultRow> {
    let text = "\u{202e}\"\\ \r\n.\r\nQUIT\r\n\u{ffff}\u{0}<b>".to_owned();
    let long = "x".repeat(10_000);
    let mx = vec![text.clone()];
    let refused = Failure {
        receiving_mx_hostname: Some(text.clone()),
        receiving_mx_helo: Some(long.clone()),
        additional_information: Some(text.clone()),
        failure_reason_code: Some(long),
        ..Failure::of(ResultType::StsWebpkiInvalid)
    };
    vec![failure(AppliedPolicy::Sts { domain: text.clone(), lines: vec![text.clone()], mx }, refused, 1)]
}

#[test]
fn the_strict_reader_is_strict() {
    let mail = String::from_utf8(report(&rows()).mail(&to(), now())).unwrap();
    for (what, by) in [
        ("report-type=\"tlsrpt\"", "report-type=\"tlsrpy\""),
        ("TLS-Report-Domain: receiver.example", "TLS-Report-Domain: other.example"),
        ("TLS-Report-Submitter: sender.example", "TLS-Report-Submitter: other.example"),
        ("Report-ID: <", "Report-ID: "),
        ("application/tlsrpt+gzip", "application/gzip"),
        (".json.gz", ".json"),
    ] {
        let changed = mail.replace(what, by);
        assert_ne!(changed, mail);
        if let Some(answer) = ask("strict.py", &[], changed.as_bytes()) {
            assert!(answer.contains("Error"), "{what}: {answer}");
        }
    }
}
