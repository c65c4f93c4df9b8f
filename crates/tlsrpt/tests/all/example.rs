//! The example of RFC 8460 Appendix B, made of rows.

use guarantee::{AppliedPolicy, ResultType};
use jiff::civil::date;
use serde_json::{Value, json};
use tlsrpt::{Draft, Failure, ReportId, Reporter, ResultRow};

use crate::common::{failure, ip, json, success};

/// As it is printed, but for: `mx-host`, an array by §4.4; addresses written as RFC 5952 has them, by §4.4; the URI,
/// in which the print has spaces and a line end that a URI can't have.
fn printed() -> Value {
    json!({
        "organization-name": "Company-X",
        "date-range": { "start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z" },
        "contact-info": "sts-reporting@company-x.example",
        "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
        "policies": [{
            "policy": {
                "policy-type": "sts",
                "policy-string":
                    ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
                "policy-domain": "company-y.example",
                "mx-host": ["*.mail.company-y.example"]
            },
            "summary": { "total-successful-session-count": 5326, "total-failure-session-count": 303 },
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "2001:db8:abcd:12::1",
                    "receiving-mx-hostname": "mx1.mail.company-y.example",
                    "failed-session-count": 100
                },
                {
                    "result-type": "starttls-not-supported",
                    "sending-mta-ip": "2001:db8:abcd:13::1",
                    "receiving-mx-hostname": "mx2.mail.company-y.example",
                    "receiving-ip": "203.0.113.56",
                    "failed-session-count": 200,
                    "additional-information":
                        "https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported"
                },
                {
                    "result-type": "validation-failure",
                    "sending-mta-ip": "198.51.100.62",
                    "receiving-ip": "203.0.113.58",
                    "receiving-mx-hostname": "mx-backup.mail.company-y.example",
                    "failed-session-count": 3,
                    "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
                }
            ]
        }]
    })
}

fn rows() -> Vec<ResultRow> {
    let lines = ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"];
    let policy = AppliedPolicy::Sts {
        domain: "company-y.example".into(),
        lines: lines.map(str::to_owned).into(),
        mx: vec!["*.mail.company-y.example".into()],
    };
    let expired = Failure {
        sending_mta_ip: ip("2001:db8:abcd:0012::1"),
        receiving_mx_hostname: Some("mx1.mail.company-y.example".into()),
        ..Failure::of(ResultType::CertificateExpired)
    };
    let not_supported = Failure {
        sending_mta_ip: ip("2001:db8:abcd:0013::1"),
        receiving_mx_hostname: Some("mx2.mail.company-y.example".into()),
        receiving_ip: ip("203.0.113.56"),
        additional_information: Some(
            "https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported".into(),
        ),
        ..Failure::of(ResultType::StarttlsNotSupported)
    };
    let too_long = Failure {
        sending_mta_ip: ip("198.51.100.62"),
        receiving_mx_hostname: Some("mx-backup.mail.company-y.example".into()),
        receiving_ip: ip("203.0.113.58"),
        failure_reason_code: Some("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED".into()),
        ..Failure::of(ResultType::ValidationFailure)
    };
    vec![
        success(policy.clone(), 5326),
        failure(policy.clone(), expired, 100),
        failure(policy.clone(), not_supported, 200),
        failure(policy, too_long, 3),
    ]
}

// rfc 8460 4.3.1: SHOULD "validation-failure": This indicates a general failure for
// rfc 8460 4.3.3: SHOULD When this category is used, the reporter
#[test]
fn the_example_of_rfc_8460_comes_out_field_by_field() {
    let reporter = Reporter::new("Company-X", "sts-reporting@company-x.example").unwrap();
    let id = ReportId::new(0x5065_427c_23d3_47ca_b6e0_946e_a0e8_c4be_u128.to_be_bytes());
    let rows = rows();
    let draft =
        Draft { reporter: &reporter, domain: "company-y.example", day: date(2016, 4, 1), id, rows: &rows };
    let report = draft.compose().unwrap();
    let (mut ours, mut printed) = (json(&report), printed());
    for report in [&mut ours, &mut printed] {
        let details = report["policies"][0]["failure-details"].as_array_mut().unwrap();
        details.sort_by_key(|entry| entry["result-type"].to_string());
    }
    assert_eq!(ours, printed);
}
