use api::Problem;

/// Why the API gave no answer to work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The server can't be reached, or is not able to answer right now (502, 503, 504).
    Away,
    /// Nobody is logged in any more (401).
    LoggedOut,
    /// The token was made just now, and the server finds it expired or not valid yet (401): their clocks differ.
    Clock,
    /// The server refuses, and says why.
    Problem(Problem),
    /// The answer is not what the API describes.
    Unreadable,
}

/// How the server calls a token that its clock speaks against. An old one has been renewed before this is said.
const CLOCK: [&str; 2] = ["urn:tls-guarantee:problem:clock", "urn:tls-guarantee:problem:token-expired"];

impl ClientError {
    /// What a response that is no success means.
    pub fn of(status: u16, problem: Option<Problem>) -> Self {
        match (status, problem) {
            (401, Some(problem)) if CLOCK.contains(&problem.kind.as_str()) => Self::Clock,
            (401, _) => Self::LoggedOut,
            (502..=504, _) => Self::Away,
            (_, Some(problem)) => Self::Problem(problem),
            (500.., None) => Self::Away,
            (_, None) => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn problem(status: u16) -> Problem {
        Problem { kind: String::new(), title: "No".to_owned(), status, detail: None, field: None }
    }

    fn of_kind(kind: &str) -> Problem {
        Problem { kind: kind.to_owned(), ..problem(401) }
    }

    #[rstest]
    #[case::logged_out(401, Some(problem(401)), ClientError::LoggedOut)]
    #[case::clock(401, Some(of_kind("urn:tls-guarantee:problem:clock")), ClientError::Clock)]
    #[case::expired(401, Some(of_kind("urn:tls-guarantee:problem:token-expired")), ClientError::Clock)]
    #[case::refused(422, Some(problem(422)), ClientError::Problem(problem(422)))]
    #[case::overloaded(503, Some(problem(503)), ClientError::Away)]
    #[case::gateway(502, None, ClientError::Away)]
    #[case::own_fault(500, Some(problem(500)), ClientError::Problem(problem(500)))]
    #[case::bare_fault(500, None, ClientError::Away)]
    #[case::something_else_answers(404, None, ClientError::Unreadable)]
    fn responses(#[case] status: u16, #[case] said: Option<Problem>, #[case] expected: ClientError) {
        assert_eq!(ClientError::of(status, said), expected);
    }
}
