//! Character references of HTML: the numeric ones, and of the named ones those that mails are written with.
//!
//! HTML knows two thousand names. Here are the letters and signs of European languages, and everything that is
//! invisible or a sign in ASCII: the names by which a sentence could be taken apart unseen.

/// Names of U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml \
    Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml \
    times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave \
    eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute \
    ucirc uuml yacute thorn yuml";

/// What Windows-1252 has where the numbers 128 to 159 would be control characters (HTML's own rule).
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The others: names, and what each of them stands for.
const OTHERS: &[(&str, char)] = &[
    ("amp AMP", '&'),
    ("lt LT", '<'),
    ("gt GT", '>'),
    ("quot QUOT", '"'),
    ("apos", '\''),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lbrack lsqb", '['),
    ("bsol", '\\'),
    ("rbrack rsqb", ']'),
    ("Hat", '^'),
    ("lowbar UnderBar", '_'),
    ("grave DiacriticalGrave", '`'),
    ("lbrace lcub", '{'),
    ("verbar vert VerticalLine", '|'),
    ("rbrace rcub", '}'),
    ("NonBreakingSpace", '\u{a0}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("emsp13", '\u{2004}'),
    ("emsp14", '\u{2005}'),
    ("numsp", '\u{2007}'),
    ("puncsp", '\u{2008}'),
    ("thinsp ThinSpace", '\u{2009}'),
    ("hairsp VeryThinSpace", '\u{200a}'),
    (
        "ZeroWidthSpace NegativeVeryThinSpace NegativeThinSpace NegativeMediumSpace NegativeThickSpace",
        '\u{200b}',
    ),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("MediumSpace", '\u{205f}'),
    ("NoBreak", '\u{2060}'),
    ("af ApplyFunction", '\u{2061}'),
    ("it InvisibleTimes", '\u{2062}'),
    ("ic InvisibleComma", '\u{2063}'),
    ("hyphen dash", '‐'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo OpenCurlyQuote", '‘'),
    ("rsquo rsquor CloseCurlyQuote", '’'),
    ("sbquo lsquor", '‚'),
    ("ldquo OpenCurlyDoubleQuote", '“'),
    ("rdquo rdquor CloseCurlyDoubleQuote", '”'),
    ("bdquo ldquor", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("bull bullet", '•'),
    ("hellip mldr", '…'),
    ("permil", '‰'),
    ("dagger", '†'),
    ("Dagger ddagger", '‡'),
    ("euro", '€'),
    ("trade TRADE", '™'),
    ("minus", '−'),
    ("larr", '←'),
    ("uarr", '↑'),
    ("rarr", '→'),
    ("darr", '↓'),
    ("le leq", '≤'),
    ("ge geq", '≥'),
    ("ne", '≠'),
    ("check checkmark", '✓'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Zcaron", 'Ž'),
    ("zcaron", 'ž'),
    ("Ccaron", 'Č'),
    ("ccaron", 'č'),
    ("Rcaron", 'Ř'),
    ("rcaron", 'ř'),
    ("Ecaron", 'Ě'),
    ("ecaron", 'ě'),
    ("Lstrok", 'Ł'),
    ("lstrok", 'ł'),
    ("Yuml", 'Ÿ'),
    ("circ", 'ˆ'),
    ("tilde", '˜'),
];

/// The character that a reference stands for, given what lies between `&` and `;`.
pub(crate) fn character(reference: &str) -> Option<char> {
    if let Some(number) = reference.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return match code.ok()? {
            0 => Some(char::REPLACEMENT_CHARACTER),
            code @ 128..=159 => WINDOWS.chars().nth(code as usize - 128),
            code => char::from_u32(code),
        };
    }
    let latin = LATIN.split_ascii_whitespace().zip('\u{a0}'..).find(|(name, _)| *name == reference);
    latin.map(|(_, character)| character).or_else(|| {
        let others = OTHERS.iter().find(|(names, _)| names.split(' ').any(|name| name == reference));
        others.map(|(_, character)| *character)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("amp", Some('&'))]
    #[case("nbsp", Some('\u{a0}'))]
    #[case("szlig", Some('ß'))]
    #[case("yuml", Some('ÿ'))]
    #[case("Uuml", Some('Ü'))]
    #[case("uuml", Some('ü'))]
    #[case("NoBreak", Some('\u{2060}'))]
    #[case("euro", Some('€'))]
    #[case("#97", Some('a'))]
    #[case("#x2014", Some('—'))]
    #[case("#X41", Some('A'))]
    #[case("#146", Some('’'))]
    #[case("#0", Some('\u{fffd}'))]
    #[case("#xd800", None)]
    #[case("#99999999999", None)]
    #[case("#", None)]
    #[case("bogus", None)]
    #[case("", None)]
    #[case("lt LT", None)]
    fn references(#[case] reference: &str, #[case] expected: Option<char>) {
        assert_eq!(character(reference), expected);
    }

    /// Every name is the one that the mail parser's whole table has it for.
    #[test]
    fn the_names_are_those_of_the_whole_table() {
        let others = OTHERS.iter().flat_map(|(names, _)| names.split(' '));
        for name in LATIN.split_ascii_whitespace().chain(others) {
            let mut theirs = String::new();
            mail_parser::decoders::html::add_html_token(&mut theirs, format!("&{name};").as_bytes(), false);
            assert_eq!(character(name).map(String::from), Some(theirs), "{name}");
        }
    }
}
