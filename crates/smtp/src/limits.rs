//! What one client may ask of us, each limit with the reply it leads to.

/// Limits of one server session. None is lower than RFC 5321 §4.5.3.1 allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a command line, CRLF included: `500 5.5.2`. RFC 5321 says 512; SIZE, BODY, AUTH=, SMTPUTF8 and
    /// the DSN parameters add up to about 1,500 more, REQUIRETLS to 11 (RFC 8689 §2).
    pub command_line: usize,
    /// Octets of an AUTH command or of a line in its exchange, CRLF included: `500 5.5.6` (RFC 4954 §4).
    pub auth_line: usize,
    /// Octets of a refused line that are read on in search of its end; then `421 4.7.0`.
    pub refused_line: usize,
    /// Octets of a line of the message without CRLF: `550 5.6.0` at the end. RFC 5321 demands 998; users' programs
    /// exceed that, and refusing what other systems deliver would lose mail.
    pub text_line: usize,
    /// Octets of a message: `552 5.3.4`, at MAIL if `SIZE=` says so, else at the end.
    pub message: u64,
    /// Accepted recipients in one transaction: `452 4.5.3` (RFC 5321 §4.5.3.1.10), at least 100.
    pub recipients: usize,
    /// Refused recipients in one session: `421 4.7.0`.
    pub refused_recipients: usize,
    /// Commands refused by this crate in one session: `421 4.7.0`.
    pub errors: usize,
    /// Commands other than RCPT, DATA and BDAT since the last accepted message: `421 4.7.0`.
    pub idle_commands: usize,
    /// Commands before a login where one is required: `421 4.7.0`.
    pub unauthenticated_commands: usize,
    /// Failed logins: each `535 5.7.8`, the last of them `421 4.7.0`.
    pub failed_logins: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 2048 + 11,
            auth_line: 12_288,
            refused_line: 1 << 20,
            text_line: 16_384,
            message: 50 << 20,
            recipients: 1000,
            refused_recipients: 100,
            errors: 20,
            idle_commands: 100,
            unauthenticated_commands: 30,
            failed_logins: 3,
        }
    }
}
