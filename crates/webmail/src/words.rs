//! The page's words: namespace `webmail` of the catalogue in `crates/plugin/locales`.

/// A text of the catalogue: `w!(inbox)`, `w!(not_an_address, text = typed)`.
macro_rules! w {
    ($key:ident $(, $($name:ident = $value:expr),+)?) => {
        plugin::i18n::td_string!(plugin::words::locale(), webmail.$key $(, $($name = $value),+)?)
    };
}
pub(crate) use w;

/// A number of bytes as people read it: `240 kB`.
pub(crate) fn size(bytes: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1_000_000, "MB"), (1_000, "kB")];
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let tenths = bytes / (unit / 10);
    let point = w!(decimal_point);
    if tenths < 100 && !tenths.is_multiple_of(10) {
        format!("{}{point}{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use plugin::i18n::Locale;

    use super::*;

    #[rstest]
    #[case(0, "0 B")]
    #[case(999, "999 B")]
    #[case(1_000, "1 kB")]
    #[case(1_550, "1.5 kB")]
    #[case(240_400, "240 kB")]
    #[case(3_200_000, "3.2 MB")]
    #[case(12_345_678, "12 MB")]
    fn sizes(#[case] bytes: usize, #[case] expected: &str) {
        plugin::words::speak(Locale::en);
        assert_eq!(size(bytes), expected);
    }
}
