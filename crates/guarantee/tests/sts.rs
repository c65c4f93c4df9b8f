//! MTA-STS records and policy files (RFC 8461 §3.1, §3.2), and which hosts a policy names (§4.1).

use guarantee::{Age, MAX_POLICY, StsFile, StsMode, StsPolicy, sts_id};
use proptest::prelude::*;
use rstest::rstest;

// rfc 8461 3.1: MUST The TXT record MUST begin with the
// rfc 8461 3.2: MUST Parsers MUST accept TXT records and policy
// rfc 8461 3.2: SHALL in which case unknown fields SHALL be
// rfc 8461 3.2: SHALL If any non-repeated field -- i.e., all
#[rstest]
#[case::example("v=STSv1; id=20160831085700Z;", Some("20160831085700Z"))]
#[case::without_end("v=STSv1;id=1", Some("1"))]
#[case::space_around_delimiters("v=STSv1 \t;\t id=1 ; ", Some("1"))]
#[case::unknown_fields("v=STSv1; x-y.z_1=a:b/<>; id=1; other=2", Some("1"))]
#[case::id_twice("v=STSv1; id=1; id=2", Some("1"))]
#[case::second_id_of_another_form("v=STSv1; id=1; id=x-y", Some("1"))]
#[case::longest_id("v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345", Some("abcdefghijklmnopqrstuvwxyz012345"))]
#[case::longer_id("v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456", None)]
#[case::empty_id("v=STSv1; id=;", None)]
#[case::id_of_other_characters("v=STSv1; id=2016-08", None)]
#[case::id_with_a_space("v=STSv1; id=2016 08", None)]
#[case::id_in_other_case("v=STSv1; ID=1", None)]
#[case::space_within_a_field("v=STSv1; id =1", None)]
#[case::space_at_the_end("v=STSv1; id=1 ", None)]
#[case::no_id("v=STSv1;", None)]
#[case::only_unknown("v=STSv1; a=b", None)]
#[case::version_later("id=1; v=STSv1;", None)]
#[case::space_before(" v=STSv1; id=1", None)]
#[case::other_version("v=STSv2; id=1", None)]
#[case::other_case("V=STSv1; id=1", None)]
#[case::version_runs_on("v=STSv10; id=1", None)]
#[case::empty_field("v=STSv1;; id=1", None)]
#[case::empty_field_at_the_end("v=STSv1; id=1;;", None)]
#[case::no_field("v=STSv1; id=1; what", None)]
#[case::unknown_without_value("v=STSv1; id=1; a=", None)]
#[case::unknown_without_name("v=STSv1; id=1; =a", None)]
#[case::unknown_with_equals_signs("v=STSv1; id=1; a=b=c", None)]
#[case::unknown_with_a_long_name("v=STSv1; id=1; a23456789012345678901234567890123=b", None)]
#[case::not_ascii("v=STSv1; id=1; a=ü", None)]
#[case::nul("v=STSv1; id=1\0", None)]
#[case::line_end("v=STSv1;\r\n id=1", None)]
#[case::empty("", None)]
fn a_record_announces_a_policy_or_none(#[case] record: &str, #[case] expected: Option<&str>) {
    assert_eq!(sts_id(&[record]), expected);
}

// rfc 8461 3.1: MUST If the number of resulting records is
#[rstest]
#[case::none(&[], None)]
#[case::others_are_discarded(&["v=spf1 -all", "v=STSv1; id=1", "v=STSv1x; id=2"], Some("1"))]
#[case::others_only(&["v=spf1 -all", "x"], None)]
#[case::two(&["v=STSv1; id=1", "v=STSv1; id=2"], None)]
#[case::the_same_twice(&["v=STSv1; id=1", "v=STSv1; id=1"], None)]
#[case::one_of_two_is_invalid(&["v=STSv1; id=1", "v=STSv1; id=-"], None)]
#[case::discarded_among_several(&["v=STSv1; id=1", "v=STSv1 ; id=2"], Some("1"))]
fn exactly_one_record_announces_a_policy(#[case] records: &[&str], #[case] expected: Option<&str>) {
    assert_eq!(sts_id(records), expected);
}

fn told(file: &[u8]) -> String {
    match StsFile::parse(file) {
        Ok(StsFile { mode, mx, max_age }) => format!("{} {} {max_age}", mode.as_str(), mx.join(",")),
        Err(error) => error.to_string(),
    }
}

const EXAMPLE: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

// rfc 8461 3.2: MUST Parsers MUST accept TXT records and policy
// rfc 8461 3.2: SHALL in which case unknown fields SHALL be
// rfc 8461 3.2: SHALL If any non-repeated field -- i.e., all
#[rstest]
#[case::example(EXAMPLE, "enforce mail.example.com,*.example.net,backupmx.example.com 604800")]
#[case::bare_line_feeds("version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1\n", "testing a.example 1")]
#[case::no_last_line_end("mx:a.example\nmode:enforce\nmax_age:0\nversion:STSv1", "enforce a.example 0")]
#[case::space("version: \t STSv1 \r\nmode:  none\t\r\nmax_age: 86400  ", "none  86400")]
#[case::none_with_mx("version: STSv1\nmode: none\nmax_age: 1\nmx: a.example", "none a.example 1")]
#[case::unknown(
    "x-1_2.3: \u{fc}: any thing\nversion: STSv1\nMode: x\nmode: none\nmax_age: 1\nMX: -",
    "none  1"
)]
#[case::repeated(
    "version: STSv1\nversion: STSv2\nmode: none\nmode: what\nmax_age: 1\nmax_age: 99999999999",
    "none  1"
)]
#[case::longest("version: STSv1\nmode: none\nmax_age: 31557600", "none  31557600")]
#[case::leading_zeros("version: STSv1\nmode: none\nmax_age: 0000000007", "none  7")]
#[case::empty_lines("\r\nversion: STSv1\n\nmode: none\nmax_age: 1\n \n\n", "none  1")]
#[case::mx_in_other_case(
    "version: STSv1\nmode: enforce\nmx: *.MX.Example\nmax_age: 1",
    "enforce *.mx.example 1"
)]
fn a_file_is_a_policy(#[case] file: &str, #[case] expected: &str) {
    assert_eq!(told(file.as_bytes()), expected);
}

#[rstest]
#[case::empty("", "no line `version: …`")]
#[case::no_version("mode: none\nmax_age: 1", "no line `version: …`")]
#[case::no_mode("version: STSv1\nmax_age: 1", "no line `mode: …`")]
#[case::no_age("version: STSv1\nmode: none", "no line `max_age: …`")]
#[case::no_mx("version: STSv1\nmode: testing\nmax_age: 1", "no line `mx: …`")]
#[case::other_version("version: STSv2", "line 1 of the policy: `version` must be STSv1; it is \"STSv2\"")]
#[case::version_in_other_case("version: stsv1", "must be STSv1")]
#[case::other_mode(
    "version: STSv1\nmode: Enforce",
    "line 2 of the policy: `mode` must be enforce, testing or none"
)]
#[case::html("<!DOCTYPE html>\n<html>", "line 1 of the policy must have the form `name: value`")]
#[case::name_with_space("version : STSv1", "must have the form")]
#[case::space_before(" version: STSv1", "must have the form")]
#[case::no_name(": STSv1", "must have the form")]
#[case::long_name("a23456789012345678901234567890123: x", "must have the form")]
#[case::byte_order_mark("\u{feff}version: STSv1", "must have the form")]
#[case::nul("version: STSv1\0", "must have the form")]
#[case::nul_in_an_unknown_field("x: a\0b", "must have the form")]
#[case::lone_carriage_return("version: STSv1\rmode: none", "must have the form")]
fn a_file_is_no_policy(#[case] file: &str, #[case] expected: &str) {
    let told = told(file.as_bytes());
    assert!(told.contains(expected), "{told}");
}

#[test]
fn an_error_repeats_little_of_a_file_and_no_control_character() {
    let told = told(&[b"\x1b[31m" as &[u8], &[b'x'; 1000]].concat());
    assert!(told.len() < 250 && told.contains("xxx") && !told.contains('\x1b'), "{told}");
}

#[rstest]
#[case("31557601")]
#[case("4294967296")]
#[case("99999999999999999999")]
#[case("00000000001")]
#[case("-1")]
#[case("+1")]
#[case("1s")]
#[case("")]
fn a_lifetime_is_a_number_within_the_limit(#[case] age: &str) {
    let told = told(format!("version: STSv1\nmode: none\nmax_age: {age}").as_bytes());
    assert!(told.contains("line 3 of the policy: `max_age` must be a number"), "{told}");
}

// An internationalized name must come as an A-label (§3.2): a U-label is refused, not guessed at.
#[rstest]
#[case("a.example", true)]
#[case("xn--mller-kva.example", true)]
#[case("*.com", true)]
#[case("1.example", true)]
#[case("müller.example", false)]
#[case("*", false)]
#[case("*.", false)]
#[case("*.*.example", false)]
#[case("*a.example", false)]
#[case("a.*.example", false)]
#[case(".a.example", false)]
#[case("a..example", false)]
#[case("a.example.", false)]
#[case("-a.example", false)]
#[case("a-.example", false)]
#[case("a_b.example", false)]
#[case("a.example, b.example", false)]
#[case("[192.0.2.1]", false)]
#[case("a23456789012345678901234567890123456789012345678901234567890123.example", true)]
#[case("a234567890123456789012345678901234567890123456789012345678901234.example", false)]
#[case("", false)]
fn a_pattern_is_a_domain_or_a_wildcard_before_one(#[case] pattern: &str, #[case] valid: bool) {
    let told = told(format!("version: STSv1\nmode: enforce\nmx: {pattern}\nmax_age: 1").as_bytes());
    assert_eq!(told.contains("line 3 of the policy: `mx` must be a host name"), !valid, "{told}");
}

#[test]
fn a_name_has_253_octets_at_most() {
    let name = |octets: usize| ["a", &".b".repeat((octets - 1) / 2)].concat();
    for (octets, valid) in [(253, true), (255, false)] {
        let file = format!("version: STSv1\nmode: enforce\nmx: *.{}\nmax_age: 1", name(octets));
        assert_eq!(StsFile::parse(file.as_bytes()).is_ok(), valid, "{octets}");
    }
}

#[test]
fn a_file_has_64_kib_at_most() {
    let file = |octets: usize| format!("{EXAMPLE}x: {}", "x".repeat(octets - EXAMPLE.len() - 3));
    assert!(StsFile::parse(file(MAX_POLICY).as_bytes()).is_ok());
    assert_eq!(told(file(MAX_POLICY + 1).as_bytes()), "the policy is larger than 65536 octets");
}

#[test]
fn a_file_is_utf_8() {
    assert!(told(b"version: STSv1\nx: \xff").starts_with("the policy is not UTF-8 text"));
}

#[rstest]
#[case("mail.example.com", "mail.example.com", true)]
#[case("mail.example.com", "MAIL.example.COM.", true)]
#[case("mail.example.com", "a.mail.example.com", false)]
#[case("mail.example.com", "mail.example.org", false)]
#[case("*.example.com", "mail.example.com", true)]
#[case("*.example.com", "Mail.Example.Com", true)]
#[case("*.example.com", "example.com", false)]
#[case("*.example.com", "foo.bar.example.com", false)]
#[case("*.example.com", ".example.com", false)]
#[case("*.example.com", "mail.badexample.com", false)]
fn a_wildcard_stands_for_the_first_label(#[case] pattern: &str, #[case] host: &str, #[case] named: bool) {
    assert_eq!(policy(&[pattern]).names(host), named);
    assert_eq!(policy(&["other.example", pattern]).names(host), named);
}

fn policy(mx: &[&str]) -> StsPolicy {
    StsPolicy {
        domain: "example.com".to_owned(),
        id: "1".to_owned(),
        mode: StsMode::Enforce,
        mx: mx.iter().map(|pattern| (*pattern).to_owned()).collect(),
        max_age: 1,
        age: Age::Cached,
    }
}

fn files() -> impl Strategy<Value = StsFile> {
    let mode = prop_oneof![Just(StsMode::Enforce), Just(StsMode::Testing), Just(StsMode::None)];
    let mx =
        proptest::collection::vec("(\\*\\.)?[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?(\\.[a-z]{1,9}){0,3}", 1..5);
    (mode, mx, 0..=31_557_600_u32).prop_map(|(mode, mx, max_age)| StsFile { mode, mx, max_age })
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic(file in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = StsFile::parse(&file);
        let _ = sts_id(&[String::from_utf8_lossy(&file)]);
    }

    #[test]
    fn what_resembles_a_file_is_read_without_panic(
        file in "((version|mode|mx|max_age|x):?[ \t]?(STSv1|enforce|\\*\\.|[a-z.-]{0,9}|[0-9]{0,12}|\\PC{0,3})[\r\n]{0,2}){0,9}",
        record in "(v=STSv1)?([ \t]?;[ \t]?(id|a)?=?\\PC{0,3}){0,5}",
    ) {
        if let Ok(policy) = StsFile::parse(file.as_bytes()) {
            prop_assert!(policy.max_age <= 31_557_600 && (policy.mode == StsMode::None || !policy.mx.is_empty()));
        }
        let records = [record];
        if let Some(id) = sts_id(&records) {
            prop_assert!((1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn what_is_written_is_read(file in files(), end in "\r?\n", gap in "[ \t]{0,3}", other in "[a-z]{3}: \\PC{1,9}") {
        let mut lines = vec![
            format!("max_age:{gap}{}", file.max_age), other, format!("mode:{gap}{}{gap}", file.mode.as_str()),
            format!("version:{gap}STSv1"),
        ];
        lines.extend(file.mx.iter().map(|pattern| format!("mx:{gap}{pattern}{gap}")));
        prop_assert_eq!(StsFile::parse(lines.join(&end).as_bytes()), Ok(file));
    }

    #[test]
    fn an_announced_id_is_read(id in "[A-Za-z0-9]{1,32}", gap in "[ \t]{0,2}", end in "[ \t]{0,2};[ \t]{0,2}") {
        let records = [format!("v=STSv1{gap};{gap}id={id}{end}")];
        prop_assert_eq!(sts_id(&records), Some(&*id));
    }
}
