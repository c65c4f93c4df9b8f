//! Which TLSA records a sender has use for.

use guarantee::*;
use proptest::prelude::*;
use rstest::rstest;

fn record(usage: u8, selector: u8, matching: u8, length: usize) -> TlsaRecord {
    TlsaRecord { usage, selector, matching, data: vec![0xab; length] }
}

#[rstest]
#[case(3, 1, 1, 32, true)]
#[case(3, 0, 2, 64, true)]
#[case(2, 0, 1, 32, true)]
#[case(2, 1, 0, 91, true)]
#[case::pkix_ta(0, 0, 1, 32, false)]
#[case::pkix_ee(1, 1, 1, 32, false)]
#[case::unknown_usage(4, 1, 1, 32, false)]
#[case::private_usage(255, 1, 1, 32, false)]
#[case::unknown_selector(3, 2, 1, 32, false)]
#[case::unknown_matching(3, 1, 3, 32, false)]
#[case::short_digest(3, 1, 1, 31, false)]
#[case::long_digest(3, 1, 1, 33, false)]
#[case::wrong_digest(3, 1, 2, 32, false)]
#[case::nothing(3, 1, 0, 0, false)]
fn records_are_usable(
    #[case] usage: u8,
    #[case] selector: u8,
    #[case] matching: u8,
    #[case] length: usize,
    #[case] usable: bool,
) {
    assert_eq!(record(usage, selector, matching, length).usable().is_some(), usable);
}

fn shown(records: &[TlsaRecord]) -> Vec<String> {
    usable_tlsa(records).iter().map(|record| record.to_string()[..5].to_owned()).collect()
}

// The example of RFC 7671 §9: of two digests the stronger, and always the whole.
// rfc 7672 5: SHOULD When stronger algorithms are an option
// rfc 7672 5: MUST SMTP clients and servers that implement this
#[rstest]
#[case(&[(3, 1, 1), (3, 1, 2), (3, 1, 0)], &["3 1 2", "3 1 0"])]
#[case(&[(3, 1, 1), (3, 1, 0)], &["3 1 1", "3 1 0"])]
#[case::for_each_usage(&[(2, 1, 1), (3, 1, 2)], &["2 1 1", "3 1 2"])]
#[case::for_each_selector(&[(3, 0, 2), (3, 1, 1)], &["3 0 2", "3 1 1"])]
#[case::unusable_ones_first(&[(1, 1, 2), (3, 1, 1)], &["3 1 1"])]
fn the_strongest_digest_counts(#[case] published: &[(u8, u8, u8)], #[case] expected: &[&str]) {
    let length = |matching| if matching == 1 { 32 } else { 64 };
    let records: Vec<TlsaRecord> = published
        .iter()
        .map(|(usage, selector, matching)| record(*usage, *selector, *matching, length(*matching)))
        .collect();
    assert_eq!(shown(&records), expected);
}

#[test]
fn a_digest_of_the_wrong_length_is_not_the_strongest() {
    let records = [record(3, 1, 1, 32), record(3, 1, 2, 63)];
    assert_eq!(shown(&records), ["3 1 1"]);
}

proptest! {
    #[test]
    fn records_are_written_and_read(usage: u8, selector: u8, matching: u8, data: Vec<u8>) {
        let record = TlsaRecord { usage, selector, matching, data };
        let json = serde_json::to_string(&record).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<TlsaRecord>(&json).expect("reads back"), record);
    }
}
