// The pseudo-language `xx`: English, accented, about 40 % longer, and in brackets. What stands on the page without them comes
// from no catalogue; what the page has no room for, another language would not find either. It is made for tests and never
// shipped: `build.rs` makes it with the feature `pseudo-locale`, `src/catalogue.rs` holds it against the rules of all others.

/// Stands before and after each text.
const BRACKETS: [char; 2] = ['⟦', '⟧'];

/// The text in the pseudo-language. What says how the language writes (`language`, `decimal_point`) stays, as do what is
/// put in (`{{ name }}`) and the names of plural forms.
fn pseudo(key: &str, text: &str) -> String {
    if key == "language" || key == "decimal_point" {
        return text.to_owned();
    }
    let form = |form: &str| match form.split_once(": ") {
        Some((name, words)) if ["zero", "one", "two", "few", "many", "other"].contains(&name) => {
            format!("{name}: {}", bracketed(words))
        }
        _ => bracketed(form),
    };
    text.split(" | ").map(form).collect::<Vec<_>>().join(" | ")
}

fn bracketed(text: &str) -> String {
    let mut out = String::from(BRACKETS[0]);
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let end = rest[at..].find("}}").map_or(rest.len(), |end| at + end + 2);
        out.extend(rest[..at].chars().flat_map(longer));
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.extend(rest.chars().flat_map(longer));
    out.push(BRACKETS[1]);
    out
}

/// Vowels twice, and an accent on them.
fn longer(letter: char) -> Vec<char> {
    let accented = match letter {
        'a' => 'á',
        'e' => 'ë',
        'i' => 'ï',
        'o' => 'ø',
        'u' => 'ü',
        'A' => 'Å',
        'E' => 'É',
        'I' => 'Î',
        'O' => 'Ø',
        'U' => 'Û',
        other => return vec![other],
    };
    vec![accented, accented]
}
