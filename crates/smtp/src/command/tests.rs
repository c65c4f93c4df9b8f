use rstest::rstest;

use super::{Bdat, BdatEnd, MailContext, RcptContext, Verb, bdat, client_name, mail, rcpt, split};
use crate::envelope::{BodyType, Notify, NotifyOn, Ret, ReversePath};

#[rstest]
#[case("NOOP", Verb::Noop, "")]
#[case("noop", Verb::Noop, "")]
#[case("NoOp  ", Verb::Noop, "")]
#[case("MAIL FROM:<> \t", Verb::Mail, "FROM:<>")]
#[case("STARTTLS", Verb::StartTls, "")]
#[case("STARTTLSX", Verb::Unknown, "")]
#[case("", Verb::Unknown, "")]
#[case(" NOOP", Verb::Unknown, "NOOP")]
fn lines_are_split(#[case] line: &str, #[case] verb: Verb, #[case] arguments: &str) {
    assert_eq!(split(line), (verb, arguments));
}

const CLEAR: MailContext = MailContext { requiretls: false };
const TLS: MailContext = MailContext { requiretls: true };

#[rstest]
#[case("FROM:<>", "", None)]
#[case("from:<a@tls.example>", "a@tls.example", None)]
#[case("FROM: <a@tls.example>", "a@tls.example", None)]
#[case("FROM:<@relay.example:a@tls.example>", "a@tls.example", None)]
#[case("FROM:<a@TLS.example> SIZE=1000 BODY=8bitmime", "a@tls.example", Some(1000))]
#[case("FROM:<a@tls.example>  size=18446744073709551615", "a@tls.example", Some(u64::MAX))]
fn mail_is_read(#[case] arguments: &str, #[case] sender: &str, #[case] size: Option<u64>) {
    let mail = mail(arguments, CLEAR).expect("valid");
    assert_eq!(mail.mail.reverse_path.as_str(), sender);
    assert_eq!(mail.size, size);
}

#[test]
fn mail_keeps_every_wish() {
    let said = "FROM:<ü@tls.example> SMTPUTF8 BODY=8BITMIME RET=hdrs ENVID=a+2Bb AUTH=<> requireTLS";
    let mail = mail(said, TLS).expect("valid");
    assert_eq!(mail.mail.reverse_path, ReversePath::Address("ü@tls.example".to_owned()));
    assert_eq!(mail.mail.body, BodyType::EightBitMime);
    assert!(mail.mail.smtputf8);
    assert_eq!(mail.mail.ret, Some(Ret::Hdrs));
    assert_eq!(mail.mail.envid.as_deref(), Some("a+2Bb"));
    assert!(mail.mail.requiretls);
}

#[rstest]
#[case::said("FROM:<a@tls.example> REQUIRETLS", TLS, Ok(true))]
#[case::by_a_report("FROM:<> REQUIRETLS", TLS, Ok(true))]
#[case::with_a_report_of_all("FROM:<a@tls.example> RET=FULL REQUIRETLS", TLS, Ok(true))]
#[case::unsaid("FROM:<a@tls.example>", TLS, Ok(false))]
#[case::with_a_value("FROM:<a@tls.example> REQUIRETLS=YES", TLS, Err(501))]
#[case::with_an_empty_value("FROM:<a@tls.example> REQUIRETLS=", TLS, Err(501))]
#[case::twice("FROM:<a@tls.example> REQUIRETLS requiretls", TLS, Err(501))]
#[case::in_clear("FROM:<a@tls.example> REQUIRETLS", CLEAR, Err(555))]
#[case::in_clear_with_a_value("FROM:<a@tls.example> REQUIRETLS=YES", CLEAR, Err(555))]
fn requiretls_is_read(
    #[case] arguments: &str,
    #[case] context: MailContext,
    #[case] expected: Result<bool, u16>,
) {
    let read = mail(arguments, context);
    assert_eq!(read.map(|mail| mail.mail.requiretls).map_err(|reply| reply.code), expected);
}

const ASCII: RcptContext<'_> = RcptContext { smtputf8: false, own_domain: "home.example" };
const UTF8: RcptContext<'_> = RcptContext { smtputf8: true, own_domain: "home.example" };

#[rstest]
#[case("TO:<Bob@Home.example>", "Bob@home.example", Notify::Unspecified)]
#[case("to:<postMASTER>", "postmaster@home.example", Notify::Unspecified)]
#[case("TO:<b@tls.example> NOTIFY=never", "b@tls.example", Notify::Never)]
#[case("TO:<b@tls.example> NOTIFY=SUCCESS,delay", "b@tls.example",
    Notify::On(NotifyOn { success: true, failure: false, delay: true }))]
#[case("TO:<b@tls.example> NOTIFY=FAILURE", "b@tls.example",
    Notify::On(NotifyOn { success: false, failure: true, delay: false }))]
fn rcpt_is_read(#[case] arguments: &str, #[case] address: &str, #[case] notify: Notify) {
    let rcpt = rcpt(arguments, ASCII).expect("valid");
    assert_eq!(rcpt.address, address);
    assert_eq!(rcpt.notify, notify);
}

#[rstest]
#[case("rfc822;b+2Bx@tls.example", Some("rfc822;b+2Bx@tls.example"))]
#[case("X400;/C=de", None)]
#[case("utf-8;müller@tls.example", Some("utf-8;m\\x{FC}ller@tls.example"))]
#[case("utf-8;m\\x{FC}ller@tls.example", Some("utf-8;m\\x{FC}ller@tls.example"))]
#[case("UTF-8;a+40b", None)]
#[case("rfc822;müller@tls.example", None)]
#[case(";a@b", None)]
#[case("rfc822;", None)]
fn orcpt_is_read(#[case] value: &str, #[case] kept: Option<&str>) {
    let result = rcpt(&format!("TO:<b@tls.example> ORCPT={value}"), UTF8);
    assert_eq!(result.ok().and_then(|rcpt| rcpt.orcpt).as_deref(), kept);
}

#[rstest]
#[case("0 LAST", Some(Bdat { size: 0, end: BdatEnd::Last }))]
#[case("10", Some(Bdat { size: 10, end: BdatEnd::More }))]
#[case("10 last", Some(Bdat { size: 10, end: BdatEnd::Last }))]
#[case("10 LAST 1", Some(Bdat { size: 10, end: BdatEnd::Malformed }))]
#[case("10 X", Some(Bdat { size: 10, end: BdatEnd::Malformed }))]
#[case("", None)]
#[case("x", None)]
#[case("-1", None)]
#[case("18446744073709551616", None)]
fn bdat_is_read(#[case] arguments: &str, #[case] expected: Option<Bdat>) {
    assert_eq!(bdat(arguments), expected);
}

#[rstest]
#[case("client.example", true)]
#[case("[192.0.2.1]", true)]
#[case("[IPv6:2001:db8::1]", true)]
#[case("my_pc", true)]
#[case("[IPv6:fe80::1%en0]", true)]
#[case("", false)]
#[case("a b", false)]
#[case("münchen.example", false)]
#[case("a(b)", false)]
fn client_names(#[case] name: &str, #[case] valid: bool) {
    assert_eq!(client_name(name).is_some(), valid);
}
