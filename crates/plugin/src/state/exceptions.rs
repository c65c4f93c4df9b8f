//! What may be wrong with a change of the user's exceptions.

use crate::client::ClientError;

/// Why a change of the exceptions came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The pattern is neither an address nor a domain.
    Pattern,
    /// There are as many as there may be.
    TooMany,
    /// The note is too long.
    Note,
    /// It is gone already: another page has revoked it.
    Gone,
    /// Nothing of what was typed.
    Else(ClientError),
}

impl Wrong {
    /// What the server's refusal means.
    pub fn of(error: ClientError) -> Self {
        let ClientError::Problem(problem) = &error else { return Self::Else(error) };
        match (problem.status, problem.field.as_deref()) {
            (409, _) => Self::TooMany,
            (404, _) => Self::Gone,
            (_, Some("/pattern")) => Self::Pattern,
            (_, Some("/note")) => Self::Note,
            _ => Self::Else(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use api::Problem;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::pattern(422, Some("/pattern"), Some(Wrong::Pattern))]
    #[case::note(422, Some("/note"), Some(Wrong::Note))]
    #[case::too_many(409, None, Some(Wrong::TooMany))]
    #[case::revoked_by_another_page(404, None, Some(Wrong::Gone))]
    #[case::another_field(422, Some("/else"), None)]
    #[case::no_field(429, None, None)]
    fn refusals(#[case] status: u16, #[case] field: Option<&str>, #[case] expected: Option<Wrong>) {
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status,
            detail: None,
            field: field.map(str::to_owned),
        };
        let error = ClientError::Problem(problem);
        assert_eq!(Wrong::of(error.clone()), expected.unwrap_or(Wrong::Else(error)));
        assert_eq!(Wrong::of(ClientError::Away), Wrong::Else(ClientError::Away));
    }
}
