//! The check of a permanent forwarding's target.

use api::{Check, Forwarding, ProtectionWord};

use super::protection::{self, Under, Word};
use crate::client::ClientError;

/// Why a target can't be checked, or watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not an address.
    Address,
    /// It is as it was to be: watched already, or by another page no longer.
    Already,
    /// As many are watched as may be.
    TooMany,
    /// Nothing of what was typed.
    Else(ClientError),
}

impl Wrong {
    /// What the server's refusal means.
    pub fn of(error: ClientError) -> Self {
        let ClientError::Problem(problem) = &error else { return Self::Else(error) };
        match (problem.status, problem.field.as_deref()) {
            (404 | 409, _) => Self::Already,
            _ if problem.kind.ends_with("too_many_forwardings") => Self::TooMany,
            (_, Some(field)) if field == "/address" || field.starts_with("/recipients") => Self::Address,
            _ => Self::Else(error),
        }
    }
}

/// How the way to a target is called. Forwarded mail is exempt from the guarantee.
pub fn word(check: &Check) -> Word {
    protection::word(Some(check), Under::Nothing)
}

/// Whether there is a protection that may be lost, and that nobody watches yet.
pub fn can_be_watched(check: &Check, watched: &[Forwarding]) -> bool {
    let has = check.unguarded.unwrap_or(check.protection);
    let is_protected = !matches!(has, ProtectionWord::None | ProtectionWord::Invalid);
    is_protected && !watched.iter().any(|one| one.address.eq_ignore_ascii_case(&check.recipient))
}

/// Whether a late answer is about this target.
pub fn is_about(check: &Check, target: &str) -> bool {
    check.recipient.eq_ignore_ascii_case(target)
}

#[cfg(test)]
mod tests {
    use api::{Outcome, Problem};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::not_an_address(422, Some("/address"), Some(Wrong::Address))]
    #[case::nor_to_check(422, Some("/recipients/0"), Some(Wrong::Address))]
    #[case::twice(409, Some("/address"), Some(Wrong::Already))]
    #[case::forgotten_by_another_page(404, None, Some(Wrong::Already))]
    #[case::too_many_questions(429, None, None)]
    fn refusals(#[case] status: u16, #[case] field: Option<&str>, #[case] expected: Option<Wrong>) {
        let field = field.map(str::to_owned);
        let problem = Problem { kind: String::new(), title: String::new(), status, detail: None, field };
        let error = ClientError::Problem(problem);
        assert_eq!(Wrong::of(error.clone()), expected.unwrap_or(Wrong::Else(error)));
        assert_eq!(Wrong::of(ClientError::Away), Wrong::Else(ClientError::Away));
        let kind = "about:blank#too_many_forwardings".to_owned();
        let too_many = Problem { kind, title: String::new(), status: 422, detail: None, field: None };
        assert_eq!(Wrong::of(ClientError::Problem(too_many)), Wrong::TooMany);
    }

    fn check(protection: ProtectionWord, outcome: Outcome) -> Check {
        let mut check = Check::new("a@target.example", protection, outcome, "");
        check.host = Some("mx.target.example".to_owned());
        check
    }

    #[test]
    fn an_exception_does_not_hide_what_is_there() {
        let excepted = Check { exception: true, ..check(ProtectionWord::None, Outcome::Deliver) };
        assert_eq!(word(&excepted), Word::None);
        let excepted = Check { exception: true, ..check(ProtectionWord::Encrypted, Outcome::Deliver) };
        assert_eq!(word(&excepted), Word::Encrypted(None));
    }

    #[rstest]
    #[case(ProtectionWord::Encrypted, true)]
    #[case(ProtectionWord::Authenticated, true)]
    #[case(ProtectionWord::Dane, true)]
    #[case(ProtectionWord::Unknown, true)]
    #[case(ProtectionWord::None, false)]
    #[case(ProtectionWord::Invalid, false)]
    fn watching(#[case] protection: ProtectionWord, #[case] expected: bool) {
        let check = check(protection, Outcome::Unknown);
        assert_eq!(can_be_watched(&check, &[]), expected);
        let watched = Forwarding {
            id: 1,
            address: "A@Target.example".to_owned(),
            protection,
            checked_at: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert!(!can_be_watched(&check, &[watched]), "it is watched already");
        let in_clear = Check { unguarded: Some(ProtectionWord::None), ..check };
        assert!(!can_be_watched(&in_clear, &[]), "without the guarantee there is nothing to lose");
    }

    #[rstest]
    #[case("A@Target.Example", true)]
    #[case("b@target.example", false)]
    fn late_answers(#[case] target: &str, #[case] expected: bool) {
        assert_eq!(is_about(&check(ProtectionWord::None, Outcome::Stop), target), expected);
    }
}
