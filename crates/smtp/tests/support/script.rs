//! Dialogue scripts: one file, one misbehaviour. `README.md` beside them describes the format. This file depends
//! on nothing but the standard library, so that the same scripts can be played over a socket.

use std::path::Path;

/// A whole script.
#[derive(Debug)]
pub struct Script {
    /// The file's name without `.smtp`.
    pub name: String,
    /// Which listener it talks to.
    pub role: Role,
    /// The name to say EHLO with before the steps.
    pub ehlo: Option<String>,
    /// Address and password to log in with before the steps, over TLS.
    pub auth: Option<(String, String)>,
    /// Limits that differ from the defaults; such a script can't be played against a server with its own.
    pub limits: Vec<(String, usize)>,
    /// The login's mechanisms, if not those with a password; such a script can't be played against a server that
    /// offers others.
    pub mechanisms: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// A listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Submission, in clear at first.
    Submission,
    /// Submission with TLS from the start.
    Submissions,
    /// Incoming mail.
    Mx,
    /// The mail store's trusted entry.
    Store,
}

/// One step.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The client sends these octets.
    Send(Vec<u8>),
    /// The next reply has this code, and a line whose text begins so.
    Expect { code: u16, prefix: String },
    /// The last reply has no line that begins so.
    Lacks(String),
    /// The handshake.
    Tls,
    /// The server closes the connection.
    Close,
    /// So many messages have been accepted in this session.
    Kept(usize),
}

impl Script {
    /// Reads a script file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(&name, &text).map_err(|error| format!("{name}: {error}"))
    }

    /// All scripts of a folder, by name.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, String> {
        let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "smtp"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let (mut ehlo, mut auth, mut limits, mut role) = (None, None, Vec::new(), None);
        let mut mechanisms = Vec::new();
        let mut lines = text.lines();
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            if line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once(": ").ok_or_else(|| format!("no header: {line}"))?;
            match key {
                "role" => role = Some(parse_role(value)?),
                "ehlo" => ehlo = Some(value.to_owned()),
                "auth" => {
                    let (address, password) = value.split_once(' ').ok_or("auth: address password")?;
                    auth = Some((address.to_owned(), password.to_owned()));
                }
                "mechanisms" => mechanisms = value.split(' ').map(str::to_owned).collect(),
                "limits" => limits = parse_limits(value)?,
                _ => return Err(format!("unknown header: {key}")),
            }
        }
        let mut steps = Vec::new();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (times, step) = repeated(line);
            for _ in 0..times {
                steps.push(parse_step(step)?);
            }
        }
        let role = role.ok_or("the header needs a role")?;
        Ok(Self { name: name.to_owned(), role, ehlo, auth, limits, mechanisms, steps })
    }
}

fn parse_role(text: &str) -> Result<Role, String> {
    Ok(match text {
        "submission" => Role::Submission,
        "submissions" => Role::Submissions,
        "mx" => Role::Mx,
        "store" => Role::Store,
        _ => return Err(format!("unknown role: {text}")),
    })
}

fn parse_limits(text: &str) -> Result<Vec<(String, usize)>, String> {
    let limit = |word: &str| {
        let (name, number) = word.split_once('=')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    text.split(' ').map(|word| limit(word).ok_or_else(|| format!("no limit: {word}"))).collect()
}

/// `3x STEP` is STEP three times.
fn repeated(line: &str) -> (usize, &str) {
    let counted = line.split_once("x ").and_then(|(count, step)| Some((count.parse().ok()?, step)));
    counted.unwrap_or((1, line))
}

fn parse_step(line: &str) -> Result<Step, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Ok(match word {
        "->" => {
            let mut octets = unescape(rest)?;
            octets.extend_from_slice(b"\r\n");
            Step::Send(octets)
        }
        "=>" => Step::Send(unescape(rest)?),
        "<-" => {
            let (code, prefix) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = code.parse().map_err(|_| format!("no reply code: {line}"))?;
            Step::Expect { code, prefix: prefix.to_owned() }
        }
        "lacks" => Step::Lacks(rest.to_owned()),
        "tls" => Step::Tls,
        "close" => Step::Close,
        "kept" => Step::Kept(rest.parse().map_err(|_| format!("no number: {line}"))?),
        _ => return Err(format!("unknown step: {line}")),
    })
}

/// `\r \n \t \0 \\ \xNN`, and `\{a*300}` for three hundred a.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let bad = || format!("bad escape in {text}");
    let mut octets = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match chars.next().ok_or_else(bad)? {
            'r' => octets.push(b'\r'),
            'n' => octets.push(b'\n'),
            't' => octets.push(b'\t'),
            '0' => octets.push(0),
            '\\' => octets.push(b'\\'),
            'x' => {
                let hex = chars.as_str().get(..2).ok_or_else(bad)?;
                octets.push(u8::from_str_radix(hex, 16).map_err(|_| bad())?);
                chars = chars.as_str()[2..].chars();
            }
            '{' => {
                let (inner, rest) = chars.as_str().split_once('}').ok_or_else(bad)?;
                let (what, times) = inner.split_once('*').ok_or_else(bad)?;
                octets.extend(what.repeat(times.parse().map_err(|_| bad())?).bytes());
                chars = rest.chars();
            }
            _ => return Err(bad()),
        }
    }
    Ok(octets)
}
