use api::Problem;

/// Why the API gave no answer to work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The server can't be reached, or is not able to answer right now (502, 503, 504).
    Away,
    /// Nobody is logged in any more (401).
    LoggedOut,
    /// The server refuses, and says why.
    Problem(Problem),
    /// The answer is not what the API describes.
    Unreadable,
}

impl ClientError {
    /// What a response that is no success means.
    pub fn of(status: u16, problem: Option<Problem>) -> Self {
        match (status, problem) {
            (401, _) => Self::LoggedOut,
            (502..=504, _) => Self::Away,
            (_, Some(problem)) => Self::Problem(problem),
            (500.., None) => Self::Away,
            (_, None) => Self::Unreadable,
        }
    }
}
