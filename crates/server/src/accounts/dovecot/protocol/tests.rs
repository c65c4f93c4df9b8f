use rstest::rstest;

use super::*;

#[rstest]
#[case("VERSION\t1\t2", Ok(Greeting::Other))]
#[case("VERSION\t1\t99\tmore", Ok(Greeting::Other))]
#[case("VERSION\t2\t0", Err(()))]
#[case("MECH\tPLAIN\tplaintext", Ok(Greeting::Mechanism("PLAIN".to_owned())))]
#[case("MECH", Ok(Greeting::Other))]
#[case("SPID\t17", Ok(Greeting::Other))]
#[case("COOKIE\tab12", Ok(Greeting::Other))]
#[case("DONE", Ok(Greeting::Done))]
#[case("220 mail.example.org ESMTP", Err(()))]
#[case("* OK [CAPABILITY IMAP4rev1] Dovecot ready.", Err(()))]
#[case("", Err(()))]
fn a_greeting_is_dovecots_or_refused(#[case] line: &str, #[case] expected: Result<Greeting, ()>) {
    assert_eq!(greeting(line).map_err(|_| ()), expected);
}

fn right(user: &str) -> Says {
    Says::Right { user: user.to_owned() }
}

#[rstest]
#[case("OK\t7\tuser=alice@home.example", right("alice@home.example"))]
#[case("OK\t7\tuid=5000\tuser=alice@home.example\toriginal_user=Alice", right("alice@home.example"))]
#[case("OK\t7\tuser=a\x01tb\x011c\x01", right("a\tb\x01c"))]
#[case("OK\t7\tuser=alice@home.example\tnologin", Says::Wrong)]
#[case("OK\t7\tuser=alice@home.example\tnologin=y\tproxy=y", right("alice@home.example"))]
#[case("FAIL\t7", Says::Wrong)]
#[case("FAIL\t7\tuser=alice@home.example\treason=temp", Says::Wrong)]
#[case("FAIL\t7\tuser=alice@home.example\tuser_disabled", Says::Wrong)]
#[case("FAIL\t7\tuser=alice@home.example\ttemp", Says::Unknown)]
#[case("FAIL\t7\tcode=temp_fail", Says::Unknown)]
#[case("CONT\t7\teyJhIjoxfQ==", Says::Challenge { text: "{\"a\":1}".to_owned() })]
#[case("CONT\t7\t", Says::Challenge { text: String::new() })]
#[case("CONT\t7", Says::Challenge { text: String::new() })]
fn an_answer_says_what_it_says(#[case] line: &str, #[case] says: Says) {
    assert_eq!(answer(line).unwrap(), Some(Answer { id: 7, says }));
}

#[rstest]
#[case("OK\t7")]
#[case("OK\t7\tuid=1")]
#[case("OK\t-7\tuser=alice@home.example")]
#[case("OK\t99999999999\tuser=alice@home.example")]
#[case("FAIL")]
#[case("FAIL\talice")]
#[case("CONT\t7\t%%%")]
#[case("CONT\t7\t//8=")]
#[case("<html>")]
fn what_is_no_answer_is_taken_for_none(#[case] line: &str) {
    assert!(answer(line).is_err(), "{:?}", answer(line));
}

#[test]
fn no_secret_of_a_line_is_told() {
    let error = answer("OK\tx\tuser=alice@home.example\ttoken=secret").unwrap_err().to_string();
    assert!(error.contains("\"OK\"") && !error.contains("secret") && !error.contains("alice"), "{error}");
}

#[test]
fn later_words_are_passed_over() {
    assert_eq!(answer("MECH\tPLAIN").unwrap(), None);
    assert_eq!(answer("NEWS\t1\tx").unwrap(), None);
}

#[test]
fn a_question_has_its_response_at_the_end() {
    let client = Some("::ffff:192.0.2.1".parse().unwrap());
    let asked = question(3, Mechanism::Plain, client, "AGEAYg==");
    assert_eq!(asked, "AUTH\t3\tPLAIN\tservice=smtp\tsecured\trip=192.0.2.1\tresp=AGEAYg==\n");
    let proxy = Some("127.0.0.1".parse().unwrap());
    let asked = question(4, Mechanism::Xoauth2, proxy, "");
    assert_eq!(asked, "AUTH\t4\tXOAUTH2\tservice=smtp\tsecured\tno-penalty\tresp=\n");
    assert!(question(u32::MAX, Mechanism::OauthBearer, client, &"A".repeat(RESPONSE_OCTETS)).len() < 16_000);
}
