use proptest::prelude::*;
use rstest::rstest;

use super::*;

const TODAY: Day = Day(20_781);

fn srs() -> Srs {
    Srs::new("example.org".to_owned(), b"a secret of at least 32 characters")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn rewrite(sender: &str) -> String {
    srs().rewrite(&address(sender), TODAY).expect("rewritten")
}

fn original(text: &str, today: Day) -> Option<String> {
    srs().original(&address(text), today)
}

#[test]
fn a_sender_becomes_an_address_of_ours_and_comes_back() {
    let rewritten = rewrite("erik@tls.example");
    let (local, domain) = rewritten.split_once('@').expect("an address");
    let parts: Vec<&str> = local.split('=').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2], domain), ("SRS0", HASH, "JN", "example.org"));
    assert_eq!(parts[3..], ["tls.example", "erik"]);
    assert!(srs().claims(&address(&rewritten)));
    assert_eq!(original(&rewritten, TODAY).as_deref(), Some("erik@tls.example"));
}

#[rstest]
#[case::the_same_day(0, true)]
#[case::the_last_day(21, true)]
#[case::too_late(22, false)]
#[case::of_tomorrow(-1, false)]
#[case::after_a_cycle(1024, true)]
fn it_is_good_for_three_weeks(#[case] days: i64, #[case] good: bool) {
    let rewritten = rewrite("erik@tls.example");
    assert_eq!(original(&rewritten, Day(TODAY.0 + days)).is_some(), good);
}

/// SRS1 points to the first forwarder, whatever comes in between.
#[test]
fn a_sender_rewritten_elsewhere_goes_back_to_the_first_forwarder() {
    let other = Srs::new("first.example".to_owned(), b"another secret of 32 characters, say");
    let first = other.rewrite(&address("erik@tls.example"), TODAY).expect("rewritten");
    let second = rewrite(&first);
    assert!(second.starts_with("SRS1=") && second.contains("=first.example=="), "{second}");
    assert_eq!(original(&second, TODAY).as_deref(), Some(first.as_str()));
    let third = Srs::new("third.example".to_owned(), b"a third secret of 32 characters, say");
    let rewritten = third.rewrite(&address(&second), TODAY).expect("rewritten");
    assert!(!rewritten.contains("example.org"), "{rewritten}");
    assert_eq!(third.original(&address(&rewritten), TODAY), Some(first));
}

#[rstest]
#[case::other_separators("SRS0+hash=AB=tls.example=erik@first.example")]
#[case::small("srs0-hash=AB=tls.example=erik@first.example")]
fn other_forwarders_spelling_is_kept(#[case] sender: &str) {
    let back = original(&rewrite(sender), TODAY).expect("comes back");
    assert_eq!(back.to_ascii_lowercase(), sender.to_ascii_lowercase());
}

#[test]
fn what_only_looks_like_the_scheme_is_rewritten_as_any_sender() {
    for sender in ["SRS1=x@first.example", "SRS1-broken@first.example", "srs0@first.example", "srs@x.example"]
    {
        let rewritten = rewrite(sender);
        assert!(rewritten.starts_with("SRS0="), "{rewritten}");
        assert_eq!(original(&rewritten, TODAY).as_deref(), Some(sender));
    }
}

#[rstest]
#[case::forged("SRS0=AAAAAAAAAAAAA=JN=tls.example=erik@example.org", true)]
#[case::short_hash("SRS0=A=JN=tls.example=erik@example.org", true)]
#[case::no_hash("SRS0==JN=tls.example=erik@example.org", true)]
#[case::nothing("SRS0=x@example.org", true)]
#[case::forged_srs1("SRS1=AAAAAAAAAAAAA=first.example==x=JN=tls.example=erik@example.org", true)]
#[case::another_domain("SRS0=AAAAAAAAAAAAA=JN=tls.example=erik@other.example", false)]
#[case::a_user("alice@example.org", false)]
#[case::a_user_named_like_it("srs0@example.org", false)]
fn what_is_not_ours_leads_nowhere(#[case] text: &str, #[case] claims: bool) {
    assert_eq!(srs().claims(&address(text)), claims);
    assert_eq!(original(text, TODAY), None);
}

#[test]
fn one_form_is_no_proof_of_the_other() {
    let srs0 = rewrite("a@tls.example");
    assert_eq!(original(&srs0.replacen("SRS0", "SRS1", 1), TODAY), None);
}

#[test]
fn what_cannot_be_rewritten_is_left() {
    assert_eq!(srs().rewrite(&address("\"two words\"@tls.example"), TODAY), None);
    let long = format!("{}@{}tls.example", "l".repeat(60), "label.".repeat(30));
    assert_eq!(srs().rewrite(&address(&long), TODAY), None);
}

proptest! {
    #[test]
    fn every_sender_comes_back_whatever_the_case(
        local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,30}(\\.[a-zA-Z0-9=+-]{1,10})?",
        domain in "[a-z0-9]{1,20}(\\.[a-z0-9]{1,10})?\\.example",
        day in 0i64..100_000,
        age in 0i64..=GOOD_FOR,
    ) {
        let sender = address(&format!("{local}@{domain}"));
        let rewritten = srs().rewrite(&sender, Day(day)).expect("short enough");
        let today = Day(day + age);
        let back = original(&rewritten, today).expect("comes back");
        prop_assert!(back.eq_ignore_ascii_case(&sender.to_string()));
        for spelling in [rewritten.to_ascii_lowercase(), rewritten.to_ascii_uppercase()] {
            let back = original(&spelling, today).expect("comes back");
            prop_assert!(back.eq_ignore_ascii_case(&sender.to_string()));
        }
    }

    /// One character more, less, or other, and it leads nowhere, or where it did.
    #[test]
    fn nothing_can_be_changed(at in 0usize..100, to in "[A-Za-z0-9=.+-]{0,2}") {
        let rewritten = rewrite("erik@tls.example");
        let (local, domain) = rewritten.split_once('@').expect("an address");
        let at = at % local.len();
        let changed = format!("{}{to}{}@{domain}", &local[..at], &local[at + 1..]);
        if let Ok(changed) = Address::parse(&changed) {
            let back = srs().original(&changed, TODAY);
            prop_assert!(back.is_none_or(|back| back.eq_ignore_ascii_case("erik@tls.example")));
        }
    }

    #[test]
    fn anything_is_survived(text in ".{0,80}", day in any::<i32>()) {
        if let Ok(address) = Address::parse(&format!("{text}@example.org")) {
            let _found = srs().original(&address, Day(i64::from(day)));
            let _rewritten = srs().rewrite(&address, Day(i64::from(day)));
        }
    }
}
