//! The classic command line of sendmail, as far as programs that hand mail in use it.

use smtp::{address::Mailbox as Address, envelope::ReversePath};

use super::{Exit, Failure};

/// What ends the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The end of standard input (`-i`).
    Input,
    /// That, or a line of one dot.
    Dot,
}

/// For whom a message is, and from whom.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) reverse_path: ReversePath,
    pub(super) recipients: Vec<String>,
    pub(super) ending: Ending,
}

impl Arguments {
    /// Understands `[-i] [-oi] [-f SENDER] [--] RECIPIENT…`; options that change nothing here are passed over, any
    /// other fails: it might mean that something else is to happen.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let (mut sender, mut ending) = (None, Ending::Dot);
        let mut rest = arguments.iter();
        let mut recipients: Vec<&String> = Vec::new();
        while let Some(argument) = rest.next() {
            match argument.split_at_checked(2).unwrap_or((argument.as_str(), "")) {
                ("--", "") => {
                    recipients.extend(rest);
                    break;
                }
                ("-i", "") => ending = Ending::Input,
                ("-o", "i") => ending = Ending::Input,
                ("-f" | "-r", given) => sender = Some(value(argument, given, &mut rest)?),
                // A name for a From field, the kind of body: what is there shows itself.
                ("-F" | "-B", given) => drop(value(argument, given, &mut rest)?),
                // How errors are told, and "deliver": the exit code tells, and we do.
                ("-o", "m" | "em" | "ee" | "ep" | "eq") | ("-b", "m") => {}
                (option, _) if option.starts_with('-') => {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("{argument}: this option of sendmail is not supported"),
                    ));
                }
                _ => recipients.push(argument),
            }
        }
        let Some(sender) = sender else {
            return Err(Failure::new(
                Exit::Usage,
                "say from whom the message is: -f SENDER, -f '<>' for nobody",
            ));
        };
        if recipients.is_empty() {
            return Err(Failure::new(Exit::Usage, "say for whom the message is"));
        }
        let recipients =
            recipients.into_iter().map(|text| address(text, Exit::NoUser)).collect::<Result<_, _>>()?;
        Ok(Self { reverse_path: reverse_path(&sender)?, recipients, ending })
    }
}

/// An option's value: in the same argument, or the next one.
fn value<'a>(
    option: &str,
    given: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<String, Failure> {
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    rest.next().cloned().ok_or_else(|| Failure::new(Exit::Usage, format!("{option}: its value is missing")))
}

fn reverse_path(sender: &str) -> Result<ReversePath, Failure> {
    match bare(sender) {
        "" => Ok(ReversePath::Null),
        _ => Ok(ReversePath::Address(address(sender, Exit::Usage)?)),
    }
}

/// Only what is an address goes into a command.
fn address(text: &str, exit: Exit) -> Result<String, Failure> {
    let address = bare(text);
    match Address::parse(address) {
        Ok(_) => Ok(address.to_owned()),
        Err(error) => Err(Failure::new(exit, format!("{text:?}: {error}"))),
    }
}

fn bare(text: &str) -> &str {
    text.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, Failure> {
        Arguments::parse(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[rstest]
    #[case::dovecot(&["-i", "-f", "<>", "--", "a@b.example"], "", Ending::Input)]
    #[case::empty(&["-i", "-f", "", "a@b.example"], "", Ending::Input)]
    #[case::together(&["-oi", "-fc@d.example", "a@b.example"], "c@d.example", Ending::Input)]
    #[case::in_brackets(&["-f", "<c@d.example>", "<a@b.example>"], "c@d.example", Ending::Dot)]
    #[case::old(&["-oem", "-om", "-bm", "-B8BITMIME", "-F", "Some One", "-r", "c@d.example", "a@b.example"], "c@d.example", Ending::Dot)]
    #[case::after(&["a@b.example", "-i", "-f", "c@d.example"], "c@d.example", Ending::Input)]
    fn understood(#[case] arguments: &[&str], #[case] sender: &str, #[case] ending: Ending) {
        let parsed = parse(arguments).expect("understood");
        assert_eq!((parsed.reverse_path.as_str(), parsed.ending), (sender, ending));
        assert_eq!(parsed.recipients, ["a@b.example"]);
    }

    #[rstest]
    #[case::nobody(&["-f", "<>"], Exit::Usage)]
    #[case::from_nobody(&["a@b.example"], Exit::Usage)]
    #[case::no_value(&["a@b.example", "-f"], Exit::Usage)]
    #[case::recipients_of_the_header(&["-f", "<>", "-t"], Exit::Usage)]
    #[case::a_server(&["-bs"], Exit::Usage)]
    #[case::no_sender(&["-f", "c d", "a@b.example"], Exit::Usage)]
    #[case::no_recipient(&["-f", "<>", "--", "-i"], Exit::NoUser)]
    #[case::a_command(&["-f", "<>", "a@b.example>\r\nRCPT TO:<c@d.example"], Exit::NoUser)]
    fn not_understood(#[case] arguments: &[&str], #[case] exit: Exit) {
        assert_eq!(parse(arguments).expect_err("refused").exit, exit);
    }
}
