use rstest::rstest;

use super::{Flag, Message, Obstacle, prepare};
use crate::client::Capabilities;
use crate::content::{ContentFacts, EightBit};
use crate::envelope::{BodyType, MailFrom, Notify, RcptTo, Ret, ReversePath};
use crate::reply::Reply;

fn offering(keywords: &[&str]) -> Capabilities {
    let lines = std::iter::once(&"mx").chain(keywords).map(|line| (*line).to_owned()).collect();
    Capabilities::from_ehlo(&Reply::bare(250, lines))
}

fn mail(smtputf8: bool) -> MailFrom {
    MailFrom {
        reverse_path: ReversePath::Address("alice@home.example".to_owned()),
        body: BodyType::SevenBit,
        smtputf8,
        ret: Some(Ret::Full),
        envid: Some("id".to_owned()),
        requiretls: false,
    }
}

fn to(address: &str) -> [RcptTo; 1] {
    [RcptTo { address: address.to_owned(), notify: Notify::Never, orcpt: None }]
}

const ASCII: &str = "bob@tls.example";
const UTF8: &str = "bøb@tls.example";

// rfc 5321 4.1.1: MUST the local part of a mailbox MUST conform to receiver site conventions
// rfc 5321 4.1.1: MUST NOT In the absence of specific extensions offered by the server and accepted by the client
// rfc 5321 4.1.2: MUST NOT These characters MUST NOT be used in MAIL or RCPT commands
#[rstest]
#[case::seven_bit_anywhere(EightBit::Nowhere, false, ASCII, &[], "")]
#[case::eight_bit_is_said(EightBit::Body, false, ASCII, &["8BITMIME"], "8bit")]
#[case::eight_bit_needs_encoding(EightBit::Body, false, ASCII, &[], "5.6.3")]
#[case::eight_bit_needs_encoding_in_spite_of_smtputf8(EightBit::Body, true, ASCII, &["SMTPUTF8"], "5.6.3")]
#[case::a_wrong_header_is_eight_bit(EightBit::Header, false, ASCII, &["8BITMIME"], "8bit")]
#[case::a_utf8_header_needs_smtputf8(EightBit::Header, true, ASCII, &["8BITMIME"], "5.6.9")]
#[case::a_utf8_header_is_said(EightBit::Header, true, ASCII, &["8BITMIME", "SMTPUTF8"], "8bit utf8")]
#[case::a_utf8_address_needs_smtputf8(EightBit::Nowhere, true, UTF8, &["8BITMIME"], "5.6.7")]
#[case::a_utf8_address_is_said(EightBit::Nowhere, true, UTF8, &["8BITMIME", "SMTPUTF8"], "utf8")]
#[case::smtputf8_without_need_is_unsaid(EightBit::Nowhere, true, ASCII, &["8BITMIME", "SMTPUTF8"], "")]
#[case::smtputf8_without_need_goes_anywhere(EightBit::Nowhere, true, ASCII, &[], "")]
#[case::larger_than_the_limit(EightBit::Nowhere, false, ASCII, &["SIZE 999"], "5.3.4")]
#[case::as_large_as_the_limit(EightBit::Nowhere, false, ASCII, &["SIZE 1000"], "size")]
#[case::no_limit_said(EightBit::Nowhere, false, ASCII, &["SIZE 0"], "size")]
#[case::dsn_only_where_offered(EightBit::Nowhere, false, ASCII, &["dsn"], "dsn")]
#[case::a_line_end_in_the_address(EightBit::Nowhere, false, "bob@tls.example>\r\nRCPT TO:<x@tls.example", &[], "5.1.3")]
#[case::a_bracket_in_the_address(EightBit::Nowhere, false, "bob@tls.example> NOTIFY=NEVER", &[], "5.1.3")]
fn what_a_next_hop_takes(
    #[case] eight_bit: EightBit,
    #[case] smtputf8: bool,
    #[case] recipient: &str,
    #[case] keywords: &[&str],
    #[case] expected: &str,
) {
    let content = ContentFacts { size: 1000, longest_line: 70, eight_bit };
    let message = Message { mail: &mail(smtputf8), recipients: &to(recipient), content };
    let words = match prepare(&message, &offering(keywords)) {
        Err(obstacle) => obstacle.status().to_string(),
        Ok(said) => [
            said.size.map(|_| "size"),
            (said.body == BodyType::EightBitMime).then_some("8bit"),
            (said.smtputf8 == Flag::Said).then_some("utf8"),
            said.ret.and(said.envid).map(|_| "dsn"),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" "),
    };
    assert_eq!(words, expected);
}

#[rstest]
#[case("a b")]
#[case("a\r\nRSET")]
#[case("")]
fn parameters_stay_in_their_line(#[case] envid: &str) {
    let mail = MailFrom { envid: Some(envid.to_owned()), ..mail(false) };
    let content = ContentFacts::default();
    let message = Message { mail: &mail, recipients: &to(ASCII), content };
    assert_eq!(prepare(&message, &offering(&[])), Err(Obstacle::Malformed { what: envid.to_owned() }));
}

// rfc 8689 4.2.1: SHOULD REQUIRETLS not supported by server: 5.7.30 REQUIRETLS support required
// rfc 8689 5: MUST If both RET=FULL and REQUIRETLS are present
#[rstest]
#[case::offered(&["REQUIRETLS"], None, Ok(None))]
#[case::offered_in_any_case(&["requiretls"], None, Ok(None))]
#[case::not_offered(&["8BITMIME"], None, Err("5.7.30"))]
#[case::part_of_another(&["XREQUIRETLS", "REQUIRETLSX"], None, Err("5.7.30"))]
#[case::in_a_parameter(&["X REQUIRETLS"], None, Err("5.7.30"))]
#[case::its_lack_goes_before_others(&["SIZE 1"], None, Err("5.7.30"))]
#[case::whole_messages_do_not_come_back(&["REQUIRETLS", "DSN"], Some(Ret::Full), Ok(Some(Ret::Hdrs)))]
#[case::headers_may(&["REQUIRETLS", "DSN"], Some(Ret::Hdrs), Ok(Some(Ret::Hdrs)))]
#[case::nothing_is_added(&["REQUIRETLS", "DSN"], None, Ok(None))]
fn what_requires_tls(
    #[case] keywords: &[&str],
    #[case] ret: Option<Ret>,
    #[case] expected: Result<Option<Ret>, &str>,
    #[values(
        ReversePath::Null,
        ReversePath::Address("alice@home.example".to_owned())
    )]
    reverse_path: ReversePath,
) {
    let mail = MailFrom { requiretls: true, ret, reverse_path, ..mail(false) };
    let content = ContentFacts { size: 1000, ..ContentFacts::default() };
    let said = prepare(&Message { mail: &mail, recipients: &to(ASCII), content }, &offering(keywords));
    if let Ok(said) = &said {
        assert_eq!(said.requiretls, Flag::Said);
    }
    let said = said.map(|said| said.ret).map_err(|obstacle| obstacle.status().to_string());
    assert_eq!(said, expected.map_err(str::to_owned));
}

#[test]
fn without_the_wish_requiretls_is_not_said() {
    let content = ContentFacts::default();
    let message = Message { mail: &mail(false), recipients: &to(ASCII), content };
    let said = prepare(&message, &offering(&["REQUIRETLS", "DSN"])).expect("no obstacle");
    assert_eq!((said.requiretls, said.ret), (Flag::Unsaid, Some(Ret::Full)));
}
