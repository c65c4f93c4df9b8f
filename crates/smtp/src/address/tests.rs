use rstest::rstest;

use super::{AddressError, Domain, Mailbox, Path};

// rfc 5321 2.4: MUST Therefore, SMTP implementations MUST take care to preserve the case of mailbox local-parts
// rfc 5321 4.1.2: MUST all quoted forms MUST be treated as equivalent
// rfc 5321 4.1.2: SHOULD the sending system SHOULD transmit the form that uses the minimum quoting possible
#[rstest]
#[case("alice@home.example", "alice@home.example")]
#[case("Alice@HOME.Example", "Alice@home.example")]
#[case("a@localhost", "a@localhost")]
#[case("!#$%&'*+-/=?^_`{|}~.x@tls.example", "!#$%&'*+-/=?^_`{|}~.x@tls.example")]
#[case(r#""alice"@tls.example"#, "alice@tls.example")]
#[case(r#""al\ice"@tls.example"#, "alice@tls.example")]
#[case(r#""al.ice"@tls.example"#, "al.ice@tls.example")]
#[case(r#""two words"@tls.example"#, r#""two words"@tls.example"#)]
#[case(r#""a..b"@tls.example"#, r#""a..b"@tls.example"#)]
#[case(r#""a@b"@tls.example"#, r#""a@b"@tls.example"#)]
#[case(r#""a\"b"@tls.example"#, r#""a\"b"@tls.example"#)]
#[case(r#""a\\b"@tls.example"#, r#""a\\b"@tls.example"#)]
#[case(r#"""@tls.example"#, r#"""@tls.example"#)]
#[case("müller@tls.example", "müller@tls.example")]
#[case("a@bücher.example", "a@xn--bcher-kva.example")]
#[case("a@BÜCHER.example", "a@xn--bcher-kva.example")]
#[case("a@xn--bcher-kva.example", "a@xn--bcher-kva.example")]
fn is_read_and_written_in_one_form(#[case] text: &str, #[case] written: &str) {
    let mailbox = Mailbox::parse(text).expect("valid");
    assert_eq!(mailbox.to_string(), written);
    assert_eq!(mailbox.was_written_in_utf8(), !text.is_ascii());
    assert_eq!(Mailbox::parse(written).expect("its own form is valid").to_string(), written);
}

// rfc 5321 4.1.2: MUST NOT characters outside the set of alphabetic characters
#[rstest]
#[case("", AddressError::LocalPart)]
#[case("alice", AddressError::NoDomain)]
#[case("alice@", AddressError::Domain)]
#[case("@tls.example", AddressError::LocalPart)]
#[case("a b@tls.example", AddressError::LocalPart)]
#[case("a\"b\"@tls.example", AddressError::LocalPart)]
#[case("a@tls.example>", AddressError::Domain)]
#[case("a@my_host.example", AddressError::Domain)]
#[case("a@-host.example", AddressError::Domain)]
#[case("a@tls!example.org", AddressError::Domain)]
#[case("a@tls.example x", AddressError::Domain)]
#[case("a\r\n@tls.example", AddressError::LocalPart)]
#[case("\"a\r\nb\"@tls.example", AddressError::LocalPart)]
#[case("a@tls.example\r\nRCPT", AddressError::Domain)]
#[case("a\u{85}b@tls.example", AddressError::LocalPart)]
#[case("a@1.2.3.4", AddressError::Domain)]
#[case("a@[1.2.3.4]", AddressError::LiteralRefused)]
#[case("a@[IPv6:2001:db8::1]", AddressError::LiteralRefused)]
#[case("a@[ipv6:2001:db8::1]", AddressError::LiteralRefused)]
#[case("a@[2001:db8::1]", AddressError::Literal)]
#[case("a@[1.2.3.4", AddressError::Literal)]
#[case("a@[]", AddressError::Literal)]
fn is_refused(#[case] text: &str, #[case] error: AddressError) {
    assert_eq!(Mailbox::parse(text), Err(error));
}

#[rstest]
#[case(64, true)]
#[case(250, true)]
#[case(251, false)]
fn local_parts_have_250_octets(#[case] length: usize, #[case] valid: bool) {
    let address = format!("{}@tls.example", "a".repeat(length));
    assert_eq!(Mailbox::parse(&address).is_ok(), valid);
}

#[test]
fn lengths_are_octets_not_characters() {
    let address = format!("{}@tls.example", "ü".repeat(126));
    assert_eq!(Mailbox::parse(&address), Err(AddressError::LocalPartTooLong));
}

#[rstest]
#[case(253, true)]
#[case(254, false)]
fn domains_have_253_octets(#[case] length: usize, #[case] valid: bool) {
    let mut domain = "a.".repeat(length / 2 - 1);
    domain.push_str(if length.is_multiple_of(2) { "ab" } else { "abc" });
    assert_eq!(domain.len(), length);
    assert_eq!(Domain::parse(&domain).is_ok(), valid);
}

#[rstest]
#[case("<>", Path::Null, "")]
#[case("<> SIZE=1", Path::Null, " SIZE=1")]
#[case("<Postmaster>", Path::Postmaster, "")]
#[case("<POSTMASTER> X", Path::Postmaster, " X")]
fn paths_without_a_mailbox(#[case] text: &str, #[case] path: Path, #[case] rest: &str) {
    assert_eq!(Path::read(text), Ok((path, rest)));
}

#[rstest]
#[case("<a@tls.example>", "a@tls.example", "")]
#[case("<a@tls.example> FOO=<x>", "a@tls.example", " FOO=<x>")]
#[case("<@one.example,@two.example:a@tls.example>", "a@tls.example", "")]
#[case(r#"<"a> B=C"@tls.example> SIZE=1"#, r#""a> B=C"@tls.example"#, " SIZE=1")]
#[case("<postmaster@tls.example>", "postmaster@tls.example", "")]
fn paths_with_a_mailbox(#[case] text: &str, #[case] address: &str, #[case] rest: &str) {
    let (path, remaining) = Path::read(text).expect("valid");
    assert_eq!(path, Path::Mailbox(Mailbox::parse(address).expect("valid")));
    assert_eq!(remaining, rest);
}
