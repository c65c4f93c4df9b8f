//! What is reported of look-ups themselves.

use guarantee::*;
use rstest::rstest;

fn policy() -> StsPolicy {
    StsPolicy {
        domain: "example.org".to_owned(),
        id: "1".to_owned(),
        mode: StsMode::Enforce,
        mx: vec!["mx.example.net".to_owned()],
        max_age: 86400,
        age: Age::Cached,
    }
}

// rfc 8461 6: SHOULD As such, senders that also implement TLSRPT
#[rstest]
#[case(StsProblem::FetchError, ResultType::StsPolicyFetchError)]
#[case(StsProblem::Invalid, ResultType::StsPolicyInvalid)]
#[case(StsProblem::WebPki, ResultType::StsWebpkiInvalid)]
fn that_a_policy_can_not_be_had_is_reported(
    #[case] problem: StsProblem,
    #[case] result: ResultType,
    #[values(true, false)] kept: bool,
) {
    let detail = "what is wrong".to_owned();
    let sts = match kept {
        true => Sts::Kept { policy: policy(), problem, detail: detail.clone() },
        false => Sts::Unavailable { problem, detail: detail.clone() },
    };
    let facts = Facts { next_hop: "example.org".to_owned(), mx: MxAnswer::NullMx, sts };
    let sightings = policy_sightings(&facts);
    assert_eq!(sightings.len(), 1);
    assert_eq!((sightings[0].domain.as_str(), &sightings[0].host), ("example.org", &None));
    assert_eq!(sightings[0].outcome, Sighted::NoPolicy { result, detail });
    let AppliedPolicy::Sts { domain, mx, .. } = &sightings[0].policy else { panic!("{sightings:?}") };
    assert_eq!((domain.as_str(), mx.len()), ("example.org", usize::from(kept)));
}

#[test]
fn what_is_as_it_should_be_is_not_reported_by_itself() {
    for sts in [Sts::None, Sts::Policy(policy())] {
        let facts = Facts { next_hop: "example.org".to_owned(), mx: MxAnswer::NullMx, sts };
        assert_eq!(policy_sightings(&facts), []);
    }
}
