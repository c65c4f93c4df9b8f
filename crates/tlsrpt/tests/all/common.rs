//! What several tests share.

use std::{
    fs,
    io::Write,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use guarantee::{AppliedPolicy, ResultType};
use jiff::{Timestamp, civil::date};
use serde_json::Value;
use tlsrpt::{Address, Draft, Failure, Outcome, Report, ReportId, Reporter, ResultRow};

/// The system's, because it is the one that has dkimpy.
const PYTHON: &str = "/usr/bin/python3";

pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

pub(crate) fn reporter() -> Reporter {
    Reporter::new("Bücher & Söhne", "tls-reports@sender.example").unwrap()
}

pub(crate) fn to() -> Address {
    Address::parse("reports@receiver.example").unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-11-24T02:30:00Z".parse().unwrap()
}

pub(crate) fn success(policy: AppliedPolicy, count: u64) -> ResultRow {
    ResultRow { policy, outcome: Outcome::Success, count }
}

pub(crate) fn failure(policy: AppliedPolicy, failure: Failure, count: u64) -> ResultRow {
    ResultRow { policy, outcome: Outcome::Failure(failure), count }
}

pub(crate) fn sts() -> AppliedPolicy {
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    AppliedPolicy::Sts {
        domain: "receiver.example".into(),
        lines: words(&[
            "version: STSv1",
            "mode: enforce",
            "mx: mx1.receiver.example",
            "mx: *.backup.example",
            "max_age: 604800",
        ]),
        mx: words(&["mx1.receiver.example", "*.backup.example"]),
    }
}

pub(crate) fn tlsa() -> AppliedPolicy {
    let hash = "1F850A337E6DB9C609C522D136A475638CC43E1ED424F8EEC8513D747D1D085D";
    AppliedPolicy::Tlsa {
        base: "mx2.receiver.example".into(),
        records: vec![format!("3 1 1 {hash}"), format!("2 0 1 {hash}")],
    }
}

/// One of everything.
pub(crate) fn rows() -> Vec<ResultRow> {
    let met = |result, reason: &str| Failure {
        sending_mta_ip: ip("192.0.2.25"),
        receiving_mx_hostname: Some("mx1.receiver.example".into()),
        receiving_ip: ip("2001:db8:0:12::1"),
        failure_reason_code: Some(reason.into()),
        ..Failure::of(result)
    };
    let mismatch = met(ResultType::ValidationFailure, "the certificate is not the one of its TLSA records");
    let old =
        Failure { receiving_mx_helo: Some("old".into()), ..Failure::of(ResultType::StarttlsNotSupported) };
    let unfetched = AppliedPolicy::Sts { domain: "receiver.example".into(), lines: vec![], mx: vec![] };
    vec![
        success(tlsa(), 12),
        success(sts(), 5326),
        failure(AppliedPolicy::None, old, 3),
        failure(sts(), met(ResultType::CertificateNotTrusted, "self-signed"), 2),
        failure(tlsa(), mismatch, 1),
        failure(unfetched, Failure::of(ResultType::StsPolicyFetchError), 4),
        success(AppliedPolicy::None, 1),
    ]
}

pub(crate) fn report(rows: &[ResultRow]) -> Report {
    compose("receiver.example", rows)
}

pub(crate) fn compose(domain: &str, rows: &[ResultRow]) -> Report {
    let id = ReportId::new(std::array::from_fn(|at| u8::try_from(at).unwrap() * 0x11));
    Draft { reporter: &reporter(), domain, day: date(2026, 11, 23), id, rows }.compose().unwrap()
}

pub(crate) fn json(report: &Report) -> Value {
    serde_json::from_slice(report.json()).unwrap()
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Compares with a golden file.
pub(crate) fn assert_golden(name: &str, actual: &str) {
    let path = here("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{} differs:\n{actual}", path.display());
}

/// Asks one of the readers in Python what it makes of `input`; `None` if there is no Python.
pub(crate) fn ask(reader: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    if !Path::new(PYTHON).exists() {
        println!("not run: no {PYTHON}");
        return None;
    }
    let mut child = Command::new(PYTHON)
        .arg(here("readers").join(reader))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8(text).unwrap().trim().to_owned())
}
