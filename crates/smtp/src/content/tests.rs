use rstest::rstest;

use super::{ContentFacts, EightBit, check};
use crate::limits::Limits;

#[rstest]
#[case(b"", 0, EightBit::Nowhere)]
#[case(b"a: b\r\n\r\nhi\r\n", 4, EightBit::Nowhere)]
#[case(b"a: b\r\n\r\nlonger", 6, EightBit::Nowhere)]
#[case(b"a: b\r\n\r\nh\xc3\xa9\r\n", 4, EightBit::Body)]
#[case(b"a: \xc3\xa9\r\n\r\nhi\r\n", 5, EightBit::Header)]
#[case(b"a: \xc3\xa9\r\n\r\nh\xc3\xa9\r\n", 5, EightBit::Header)]
#[case(b"\r\n\xff", 1, EightBit::Body)]
fn facts_are_seen(#[case] message: &[u8], #[case] longest_line: usize, #[case] eight_bit: EightBit) {
    let size = message.len() as u64;
    assert_eq!(check(message, &Limits::default()), Ok(ContentFacts { size, longest_line, eight_bit }));
    assert_eq!(ContentFacts::of(message), ContentFacts { size, longest_line: 0, eight_bit });
}

#[rstest]
#[case(b"a\nb", "550 5.5.2")]
#[case(b"a\rb", "550 5.5.2")]
#[case(b"a\r", "550 5.5.2")]
#[case(b"a\r\r\n", "550 5.5.2")]
#[case(b"a\0b", "550 5.6.0")]
#[case(b"1234567890\r\n", "550 5.6.0")]
#[case(b"123456789\r\n123456789\r\n", "552 5.3.4")]
fn what_no_message_may_contain(#[case] message: &[u8], #[case] reply: &str) {
    let limits = Limits { message: 20, text_line: 9, ..Limits::default() };
    let refused = check(message, &limits).expect_err("refused");
    assert!(refused.to_string().starts_with(reply), "{refused}");
}

#[test]
fn limits_are_inclusive() {
    let limits = Limits { message: 11, text_line: 9, ..Limits::default() };
    assert!(check(b"123456789\r\n", &limits).is_ok());
}
