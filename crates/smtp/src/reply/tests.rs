use rstest::rstest;

use super::{Class, EnhancedStatus, Reply};

#[rstest]
#[case("5.1.1", Some((5, 1, 1)))]
#[case("2.0.0", Some((2, 0, 0)))]
#[case("4.999.123", Some((4, 999, 123)))]
#[case("3.0.0", None)]
#[case("5.1", None)]
#[case("5.1.1.1", None)]
#[case("5.1.1000", None)]
#[case("5.+1.1", None)]
#[case("", None)]
fn statuses_are_read(#[case] text: &str, #[case] parts: Option<(u8, u16, u16)>) {
    assert_eq!(text.parse().ok(), parts.map(EnhancedStatus::from));
}

#[test]
fn a_reply_is_written_with_its_code_on_each_line() {
    let mut reply = Reply::new(550, (5, 1, 1), "no such user");
    reply.lines.push("ask postmaster".to_owned());
    assert_eq!(reply.to_wire(), b"550-5.1.1 no such user\r\n550 5.1.1 ask postmaster\r\n");
    assert_eq!(reply.to_string(), "550 5.1.1 no such user ask postmaster");
}

#[test]
fn a_reply_is_one_reply_whatever_its_text() {
    let reply = Reply::new(250, (2, 0, 0), "a\r\n550 b\u{7f}ü");
    assert_eq!(reply.to_wire(), b"250 2.0.0 a??550 b??\r\n");
}

#[test]
fn a_reply_line_has_512_octets_at_most() {
    let wire = Reply::new(250, (2, 0, 0), "x".repeat(2000)).to_wire();
    assert_eq!(wire.len(), 512);
    assert!(wire.ends_with(b"x\r\n"));
}

#[rstest]
#[case(250, Class::Positive)]
#[case(354, Class::Intermediate)]
#[case(421, Class::Transient)]
#[case(599, Class::Permanent)]
fn the_first_digit_decides(#[case] code: u16, #[case] class: Class) {
    assert_eq!(Reply::bare(code, Vec::new()).class(), class);
}
