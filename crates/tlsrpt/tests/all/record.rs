//! The record at `_smtp._tls.<domain>`.

use proptest::prelude::*;
use rstest::rstest;
use tlsrpt::{Address, MAX_DESTINATIONS, Rua, destinations};

fn read(records: &[&str]) -> Vec<String> {
    destinations(records).iter().map(ToString::to_string).collect()
}

// rfc 8460 3: MUST Parsers MUST accept TXT records that are
// rfc 8460 3: SHALL in which case unknown fields SHALL be
#[rstest]
#[case::mail("v=TLSRPTv1;rua=mailto:reports@example.com", &["mailto:reports@example.com"])]
#[case::https("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", &["https://reporting.example.com/v1/tlsrpt"])]
#[case::white_space("v=TLSRPTv1;\t rua=mailto:a@example.com \t, https://example.com/x ;  ", &["mailto:a@example.com", "https://example.com/x"])]
#[case::extensions("v=TLSRPTv1; x-1.y_z=some:thing; rua=mailto:a@example.com; rub=mailto:b@example.com;", &["mailto:a@example.com"])]
#[case::twice("v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com", &["mailto:a@example.com", "mailto:b@example.com"])]
#[case::the_same_twice("v=TLSRPTv1; rua=mailto:a@example.com,MAILTO:a@EXAMPLE.com", &["mailto:a@example.com"])]
#[case::unknown_scheme("v=TLSRPTv1; rua=http://example.com/,ftp:x,mailto:a@example.com,x", &["mailto:a@example.com"])]
#[case::capitals("v=TLSRPTv1; rua=HTTPS://Example.COM/A", &["https://example.com/A"])]
#[case::encoded_mail("v=TLSRPTv1; rua=mailto:tls%2Brpt%21x@ex%61mple.com", &["mailto:tls+rpt!x@example.com"])]
#[case::encoded_url("v=TLSRPTv1; rua=https://example.com/a%2Cb%21c%3Bd?e=f", &["https://example.com/a%2Cb%21c%3Bd?e=f"])]
#[case::header_fields("v=TLSRPTv1; rua=mailto:a@example.com?subject=x&bcc=b@example.com", &["mailto:a@example.com"])]
#[case::fragment("v=TLSRPTv1; rua=https://example.com/#x", &["https://example.com/"])]
#[case::international("v=TLSRPTv1; rua=mailto:a@b%C3%BCcher.example", &["mailto:a@xn--bcher-kva.example"])]
#[case::port("v=TLSRPTv1; rua=https://example.com:8443/", &["https://example.com:8443/"])]
fn reads_destinations(#[case] record: &str, #[case] expected: &[&str]) {
    assert_eq!(read(&[record]), expected);
}

// rfc 8460 3: MUST "v": This document defines version 1 of
#[rstest]
#[case::another_version("v=TLSRPTv2; rua=mailto:a@example.com")]
#[case::a_longer_version("v=TLSRPTv10; rua=mailto:a@example.com")]
#[case::small_letters("v=tlsrptv1; rua=mailto:a@example.com")]
#[case::version_not_first("rua=mailto:a@example.com; v=TLSRPTv1;")]
#[case::space_first(" v=TLSRPTv1; rua=mailto:a@example.com")]
#[case::no_rua("v=TLSRPTv1;")]
#[case::nothing_in_it("v=TLSRPTv1; rua=")]
#[case::dmarc_size("v=TLSRPTv1; rua=mailto:a@example.com!10m")]
#[case::bare_exclamation("v=TLSRPTv1; rua=mailto:a!b@example.com,https://example.com/x!10m")]
#[case::user("v=TLSRPTv1; rua=https://user@example.com/")]
#[case::password_only("v=TLSRPTv1; rua=https://:secret@example.com/")]
#[case::password("v=TLSRPTv1; rua=https://user:secret@example.com/")]
#[case::no_host("v=TLSRPTv1; rua=https:example.com,https://,https:///x,https://\\\\x/")]
#[case::broken_encoding(
    "v=TLSRPTv1; rua=mailto:a%4@example.com,mailto:%zz@example.com,mailto:%ff@example.com"
)]
#[case::injected("v=TLSRPTv1; rua=mailto:a%0D%0ABcc:%20b@example.com,mailto:a%3E@example.com")]
#[case::two_in_one("v=TLSRPTv1; rua=mailto:a@example.com%2Cb@example.com")]
#[case::capital_rua("v=TLSRPTv1; RUA=mailto:a@example.com")]
fn finds_none(#[case] record: &str) {
    assert_eq!(read(&[record]), Vec::<String>::new());
}

const MAIL: &str = "v=TLSRPTv1;rua=mailto:a@example.com";

// rfc 8460 3: MUST If the number of resulting records is
#[rstest]
#[case::none(&[], 0)]
#[case::one(&[MAIL], 1)]
#[case::others_are_discarded(&["v=spf1 -all", MAIL, "v=TLSRPTv2; rua=mailto:b@example.com", "v=TLSRPTv1"], 1)]
#[case::two(&[MAIL, "v=TLSRPTv1;rua=mailto:b@example.com"], 0)]
#[case::the_same_twice(&[MAIL, MAIL], 0)]
#[case::a_bad_one_counts(&[MAIL, "v=TLSRPTv1;nonsense"], 0)]
fn exactly_one_record_counts(#[case] records: &[&str], #[case] expected: usize) {
    assert_eq!(read(records).len(), expected);
}

#[test]
fn there_is_an_end_to_the_destinations() {
    let list = (0..100).map(|n| format!("mailto:a{n}@example.com")).collect::<Vec<_>>().join(",");
    assert_eq!(read(&[&format!("v=TLSRPTv1;rua={list}")]).len(), MAX_DESTINATIONS);
}

fn rua() -> impl Strategy<Value = String> {
    prop_oneof![
        "mailto:[a-z][a-z0-9+.]{0,9}[a-z]@[a-z]{1,9}\\.example",
        "https://[a-z]{1,9}\\.example/[a-zA-Z0-9/%?=]{0,9}"
    ]
    .prop_filter("dots apart", |uri| !uri.contains(".."))
}

proptest! {
    #[test]
    fn nothing_hostile_gets_through(record in "(v=TLSRPTv1;)?[ -~\\t\\r\\nä]{0,40}(rua=(mailto:|https://)[ -~\\r\\n]{0,60},?){0,4}") {
        for rua in destinations(&[record]) {
            match &rua {
                Rua::Mailto(address) => {
                    prop_assert_eq!(Address::parse(&address.to_string()), Some(address.clone()));
                    prop_assert!(address.to_string().bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>'));
                }
                Rua::Https(url) => {
                    prop_assert_eq!(url.scheme(), "https");
                    prop_assert!(url.host_str().is_some_and(|host| !host.is_empty()));
                }
            }
            prop_assert!(rua.to_string().bytes().all(|b| b.is_ascii_graphic()));
        }
    }

    #[test]
    fn what_is_well_formed_is_found(
        uris in prop::collection::vec(rua(), 1..MAX_DESTINATIONS),
        space in "[ \\t]{0,2}",
        extension in "[a-z0-9][a-zA-Z0-9_.-]{0,9}=[!-:<>-~]{1,9}",
    ) {
        prop_assume!(!extension.starts_with("rua="));
        let list = uris.join(&format!("{space},{space}"));
        let record = format!("v=TLSRPTv1;{space}{extension}{space};{space}rua={list}{space};");
        let found = read(&[&record]);
        let mut expected = uris.clone();
        expected.sort();
        expected.dedup();
        prop_assert_eq!(found.len(), expected.len(), "{}", record);
    }
}
