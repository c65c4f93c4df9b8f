//! Commands of a client, parsed (RFC 5321 §4.1.1 and the extensions we announce).

use crate::address::{AddressError, Path};
use crate::envelope::{BodyType, MailFrom, Notify, NotifyOn, RcptTo, Ret, ReversePath};
use crate::reply::Reply;
use crate::xtext;

/// Octets of an ENVID value (RFC 3461 §4.4).
const ENVID: usize = 100;
/// Octets of an ORCPT value (RFC 3461 §4.2).
const ORCPT: usize = 500;

/// The first word of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Expn,
    Help,
    /// Known to the standards and not to us.
    NotImplemented,
    /// A web browser that was lured to our port: never a client of ours.
    Http,
    Unknown,
}

/// Verbs by name.
const VERBS: &[(&str, Verb)] = &[
    ("EHLO", Verb::Ehlo),
    ("HELO", Verb::Helo),
    ("STARTTLS", Verb::StartTls),
    ("AUTH", Verb::Auth),
    ("MAIL", Verb::Mail),
    ("RCPT", Verb::Rcpt),
    ("DATA", Verb::Data),
    ("BDAT", Verb::Bdat),
    ("RSET", Verb::Rset),
    ("NOOP", Verb::Noop),
    ("QUIT", Verb::Quit),
    ("VRFY", Verb::Vrfy),
    ("EXPN", Verb::Expn),
    ("HELP", Verb::Help),
    ("SEND", Verb::NotImplemented),
    ("SOML", Verb::NotImplemented),
    ("SAML", Verb::NotImplemented),
    ("TURN", Verb::NotImplemented),
    ("ETRN", Verb::NotImplemented),
    ("ATRN", Verb::NotImplemented),
    ("BURL", Verb::NotImplemented),
    ("GET", Verb::Http),
    ("POST", Verb::Http),
    ("PUT", Verb::Http),
    ("HEAD", Verb::Http),
    ("OPTIONS", Verb::Http),
    ("CONNECT", Verb::Http),
];

/// Splits a line into its verb and its arguments; white space at the end is no part of them
/// (RFC 5321 §4.1.1: receivers should tolerate it).
pub(crate) fn split(line: &str) -> (Verb, &str) {
    let (word, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let word = word.trim_end();
    let named = VERBS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let verb = named.map_or(Verb::Unknown, |(_, verb)| *verb);
    (verb, arguments.trim_end_matches([' ', '\t']))
}

/// The arguments of MAIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailArguments {
    pub(crate) mail: MailFrom,
    pub(crate) size: Option<u64>,
}

/// What the session brings to reading a MAIL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MailContext {
    /// Whether REQUIRETLS is offered.
    pub(crate) requiretls: bool,
}

/// Reads what follows `MAIL `.
pub(crate) fn mail(arguments: &str, context: MailContext) -> Result<MailArguments, Reply> {
    let path = after_keyword(arguments, "FROM:").ok_or_else(|| syntax("MAIL FROM:<name@example.org>"))?;
    let (path, rest) = Path::read(path).map_err(|error| address_refused(error, Side::Sender))?;
    let mut size = None;
    let mut wishes = MailFrom {
        reverse_path: ReversePath::Null,
        body: BodyType::SevenBit,
        smtputf8: false,
        ret: None,
        envid: None,
        requiretls: false,
    };
    for (key, value) in parameters(rest)? {
        match key.as_str() {
            "SIZE" => size = Some(number(value).ok_or_else(|| bad_value("SIZE"))?),
            "BODY" => wishes.body = body(value)?,
            "SMTPUTF8" if value.is_none() => wishes.smtputf8 = true,
            "SMTPUTF8" => return Err(bad_value("SMTPUTF8")),
            // RFC 8689 §2: it MUST only be specified inside TLS; before that it is as unknown as EHLO says.
            "REQUIRETLS" if context.requiretls => match value {
                None => wishes.requiretls = true,
                Some(_) => return Err(bad_value("REQUIRETLS")),
            },
            "RET" => wishes.ret = Some(ret(value)?),
            "ENVID" => wishes.envid = Some(envid(value)?),
            // RFC 4954 §5: who wrote it is not believed here, so it is as if it were AUTH=<>.
            "AUTH" if value.is_some() => {}
            "AUTH" => return Err(bad_value("AUTH")),
            _ => return Err(unknown_parameter()),
        }
    }
    wishes.reverse_path = match path {
        Path::Null => ReversePath::Null,
        Path::Postmaster => return Err(address_refused(AddressError::NoDomain, Side::Sender)),
        Path::Mailbox(mailbox) if mailbox.was_written_in_utf8() && !wishes.smtputf8 => {
            return Err(needs_smtputf8(Side::Sender));
        }
        Path::Mailbox(mailbox) => ReversePath::Address(mailbox.to_string()),
    };
    Ok(MailArguments { mail: wishes, size })
}

/// What the transaction and the server bring to reading a RCPT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RcptContext<'a> {
    /// Whether MAIL said SMTPUTF8.
    pub(crate) smtputf8: bool,
    /// The domain of a bare `Postmaster`.
    pub(crate) own_domain: &'a str,
}

/// Reads what follows `RCPT `.
pub(crate) fn rcpt(arguments: &str, context: RcptContext<'_>) -> Result<RcptTo, Reply> {
    let path = after_keyword(arguments, "TO:").ok_or_else(|| syntax("RCPT TO:<name@example.org>"))?;
    let (path, rest) = Path::read(path).map_err(|error| address_refused(error, Side::Recipient))?;
    let mut notify = Notify::Unspecified;
    let mut orcpt = None;
    for (key, value) in parameters(rest)? {
        match key.as_str() {
            "NOTIFY" => notify = self::notify(value)?,
            "ORCPT" => orcpt = Some(self::orcpt(value, context.smtputf8)?),
            _ => return Err(unknown_parameter()),
        }
    }
    let address = match path {
        Path::Null => return Err(Reply::new(501, (5, 1, 3), "The null address <> receives no mail")),
        Path::Postmaster => format!("postmaster@{}", context.own_domain),
        Path::Mailbox(mailbox) if mailbox.was_written_in_utf8() && !context.smtputf8 => {
            return Err(needs_smtputf8(Side::Recipient));
        }
        Path::Mailbox(mailbox) => mailbox.to_string(),
    };
    Ok(RcptTo { address, notify, orcpt })
}

/// A BDAT command (RFC 3030 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bdat {
    pub(crate) size: u64,
    pub(crate) end: BdatEnd,
}

/// The second argument of BDAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BdatEnd {
    More,
    Last,
    Malformed,
}

/// Reads what follows `BDAT `; nothing when the size is unreadable, and with it where the chunk ends.
pub(crate) fn bdat(arguments: &str) -> Option<Bdat> {
    let mut words = arguments.split_ascii_whitespace();
    let size = number(words.next())?;
    let end = match (words.next(), words.next()) {
        (None, _) => BdatEnd::More,
        (Some(word), None) if word.eq_ignore_ascii_case("LAST") => BdatEnd::Last,
        _ => BdatEnd::Malformed,
    };
    Some(Bdat { size, end })
}

/// The name that EHLO or HELO gave: a host name or an address literal, as far as it can do no harm in a header.
pub(crate) fn client_name(arguments: &str) -> Option<&str> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]%".contains(&b);
    let fits = (1..=255).contains(&arguments.len()) && arguments.bytes().all(harmless);
    fits.then_some(arguments)
}

/// What follows `keyword`, in any case. A space after the colon is against RFC 5321 §3.3, and common.
fn after_keyword<'a>(arguments: &'a str, keyword: &str) -> Option<&'a str> {
    let found = arguments.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword));
    found.map(|_| arguments[keyword.len()..].trim_start_matches(' '))
}

/// ESMTP parameters (RFC 5321 §4.1.2), keys in upper case, each at most once.
fn parameters(text: &str) -> Result<Vec<(String, Option<&str>)>, Reply> {
    let mut parameters: Vec<(String, Option<&str>)> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (key, value) = word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)));
        let ldh = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if key.is_empty() || key.starts_with('-') || !key.bytes().all(ldh) {
            return Err(Reply::new(501, (5, 5, 4), "A parameter is malformed; write KEY or KEY=value"));
        }
        let valid = |c: char| c != '=' && !c.is_control();
        if value.is_some_and(|value| value.is_empty() || !value.chars().all(valid)) {
            return Err(Reply::new(501, (5, 5, 4), "A parameter's value is malformed"));
        }
        let key = key.to_ascii_uppercase();
        if parameters.iter().any(|(seen, _)| *seen == key) {
            return Err(Reply::new(501, (5, 5, 4), "A parameter was given twice"));
        }
        parameters.push((key, value));
    }
    Ok(parameters)
}

fn number(text: Option<&str>) -> Option<u64> {
    // RFC 1870 §3: at most 20 digits.
    let text = text.filter(|t| (1..=20).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok()
}

fn body(value: Option<&str>) -> Result<BodyType, Reply> {
    match value.map(str::to_ascii_uppercase).as_deref() {
        Some("7BIT") => Ok(BodyType::SevenBit),
        Some("8BITMIME") => Ok(BodyType::EightBitMime),
        Some("BINARYMIME") => {
            Err(Reply::new(555, (5, 5, 4), "BINARYMIME is not offered; encode the message"))
        }
        _ => Err(bad_value("BODY")),
    }
}

fn ret(value: Option<&str>) -> Result<Ret, Reply> {
    match value.map(str::to_ascii_uppercase).as_deref() {
        Some("FULL") => Ok(Ret::Full),
        Some("HDRS") => Ok(Ret::Hdrs),
        _ => Err(bad_value("RET")),
    }
}

fn envid(value: Option<&str>) -> Result<String, Reply> {
    let valid = value.filter(|value| value.len() <= ENVID && xtext::is_printable(value));
    valid.map(str::to_owned).ok_or_else(|| bad_value("ENVID"))
}

fn notify(value: Option<&str>) -> Result<Notify, Reply> {
    let value = value.ok_or_else(|| bad_value("NOTIFY"))?;
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(Notify::Never);
    }
    let mut on = NotifyOn::default();
    for event in value.split(',') {
        // RFC 3461 §4.1: NEVER stands alone.
        match event.to_ascii_uppercase().as_str() {
            "SUCCESS" => on.success = true,
            "FAILURE" => on.failure = true,
            "DELAY" => on.delay = true,
            _ => return Err(bad_value("NOTIFY")),
        }
    }
    Ok(Notify::On(on))
}

/// `addr-type;xtext`, or for `utf-8` its own encoding (RFC 6533 §3), which comes out in its 7-bit form, so that
/// it never hinders the way to a next hop without SMTPUTF8.
fn orcpt(value: Option<&str>, smtputf8: bool) -> Result<String, Reply> {
    let bad = || bad_value("ORCPT");
    let value = value.filter(|value| value.len() <= ORCPT).ok_or_else(bad)?;
    let (kind, address) = value.split_once(';').ok_or_else(bad)?;
    if kind.is_empty() || !kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || address.is_empty()
    {
        return Err(bad());
    }
    if kind.eq_ignore_ascii_case("utf-8") {
        if address.contains('+') || (!smtputf8 && !address.is_ascii()) {
            return Err(bad());
        }
        return Ok(format!("{kind};{}", xtext::unitext_in_ascii(address)));
    }
    if xtext::is_printable(address) { Ok(value.to_owned()) } else { Err(bad()) }
}

/// Whose address it is: the codes differ.
#[derive(Clone, Copy, Debug)]
enum Side {
    Sender,
    Recipient,
}

fn address_refused(error: AddressError, side: Side) -> Reply {
    let detail = match side {
        Side::Sender => 7,
        Side::Recipient => 3,
    };
    // RFC 5321 §4.2.2: 553 is for a name that is well-formed and not allowed.
    let code = if error == AddressError::LiteralRefused { 553 } else { 501 };
    let text = error.to_string();
    let (first, rest) = text.split_at(1);
    Reply::new(code, (5, 1, detail), format!("{}{rest}", first.to_ascii_uppercase()))
}

fn needs_smtputf8(side: Side) -> Reply {
    // RFC 6531 §3.5.
    let code = match side {
        Side::Sender => 550,
        Side::Recipient => 553,
    };
    Reply::new(code, (5, 6, 7), "An address outside ASCII needs the parameter SMTPUTF8 at MAIL")
}

fn syntax(usage: &str) -> Reply {
    Reply::new(501, (5, 5, 4), format!("Syntax: {usage}"))
}

fn bad_value(parameter: &str) -> Reply {
    Reply::new(501, (5, 5, 4), format!("The value of {parameter} is malformed"))
}

fn unknown_parameter() -> Reply {
    Reply::new(555, (5, 5, 4), "A parameter is unknown here; EHLO lists what is offered")
}

#[cfg(test)]
mod tests;
