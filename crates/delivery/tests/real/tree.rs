//! Makes and signs the tree, with Debian's `ldns`.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    namespace::run,
    zones::{Delegation, Denial, Signed, Signing, Spoilt, USUAL, Zone},
};

/// A tree of zones on disk.
pub(crate) struct Tree {
    folder: PathBuf,
    /// The root's keys, as a trust anchor.
    pub(crate) anchor: String,
    /// Names of the zones, and the files to serve.
    pub(crate) files: Vec<(String, PathBuf)>,
}

/// A key of a zone: the base of its files' names.
struct Key {
    base: String,
}

impl Tree {
    /// Makes and signs all zones: `tops`, with what they delegate, and `domains`, each with the usual records.
    pub(crate) fn make(folder: &Path, tops: &[Zone], domains: &[Zone]) -> Self {
        let mut tree = Self { folder: folder.to_owned(), anchor: String::new(), files: Vec::new() };
        let mut zones: Vec<(Zone, String)> =
            tops.iter().map(|zone| (zone.clone(), records(zone, ""))).collect();
        zones.extend(domains.iter().map(|zone| (zone.clone(), records(zone, USUAL))));
        // Children first: their parents sign digests of their keys.
        zones.sort_by_key(|(zone, _)| std::cmp::Reverse(labels(zone.name)));
        while !zones.is_empty() {
            let (zone, text) = zones.remove(0);
            let digests = tree.add(&zone, &text);
            let delegation = format!("{}. NS {}.example.\n{digests}", zone.name, zone.server);
            let parents = zones.iter_mut().filter(|(parent, _)| is_below(zone.name, parent.name));
            match parents.max_by_key(|(parent, _)| labels(parent.name)) {
                Some((parent, text))
                    if !parent.extra.contains(&format!("{} NS ", first_label(zone.name))) =>
                {
                    text.push_str(&delegation);
                }
                Some((_, text)) => text.push_str(&digests),
                None => tree.anchor = digests,
            }
        }
        tree
    }

    /// Writes and signs a zone. Gives the DS records for its parent.
    fn add(&mut self, zone: &Zone, text: &str) -> String {
        let file =
            self.folder.join(format!("{}.zone", if zone.name.is_empty() { "root" } else { zone.name }));
        fs::write(&file, text).unwrap();
        let served = file.with_extension("served");
        let digests = match &zone.signing {
            Signing::Unsigned => {
                fs::copy(&file, &served).unwrap();
                String::new()
            }
            Signing::Signed(signed) => {
                let keys = self.keys(zone.name, signed);
                let signed_text = self.sign(&file, &keys, signed);
                fs::write(&served, self.spoil(zone, signed, &file, &signed_text)).unwrap();
                self.digests(zone, &keys)
            }
        };
        self.files.push((zone.name.to_owned(), served));
        digests
    }

    /// Keys that sign the zone, and those that sign the keys, first of each algorithm.
    fn keys(&self, name: &str, signed: &Signed) -> (Vec<Key>, Vec<Key>) {
        let ksk = |algorithm: &&str| self.key(name, algorithm, &["-k"]);
        let mut above: Vec<Key> = signed.algorithms.iter().map(ksk).collect();
        above.extend((0..signed.spare_keys).map(|_| ksk(&signed.algorithms[0])));
        (above, signed.algorithms.iter().map(|algorithm| self.key(name, algorithm, &[])).collect())
    }

    fn key(&self, name: &str, algorithm: &str, options: &[&str]) -> Key {
        let mut keygen = Command::new("ldns-keygen");
        keygen.current_dir(&self.folder).args(["-a", algorithm, "-b", "2048"]).args(options);
        Key { base: run(keygen.arg(format!("{name}."))).trim().to_owned() }
    }

    fn sign(&self, file: &Path, (above, below): &(Vec<Key>, Vec<Key>), signed: &Signed) -> String {
        let output = file.with_extension("signed");
        let (begin, end) = signed.validity;
        let mut signzone = Command::new("ldns-signzone");
        signzone.current_dir(&self.folder).args(["-i", &date(begin), "-e", &date(end), "-U"]);
        if let Denial::Nsec3 { iterations, salt, opt_out } = signed.denial {
            signzone.args(["-n", "-t", &iterations.to_string()]);
            if salt != "-" {
                signzone.args(["-s", salt]);
            }
            signzone.args(opt_out.then_some("-p"));
        }
        signzone.arg("-f").arg(&output).arg(file);
        run(signzone.args(above.iter().chain(below).map(|key| &key.base)));
        fs::read_to_string(output).unwrap()
    }

    /// What is served in the end.
    fn spoil(&self, zone: &Zone, signed: &Signed, file: &Path, text: &str) -> String {
        let of = |line: &str, kind: &str| word(line, 3) == kind;
        let signature = |line: &str, kind: &str| of(line, "RRSIG") && word(line, 4) == kind;
        let keep = |keep: &dyn Fn(&str) -> bool| -> String {
            text.lines().filter(|line| keep(line)).fold(String::new(), |all, line| all + line + "\n")
        };
        match signed.spoilt {
            Spoilt::Nothing => text.to_owned(),
            Spoilt::NoSignatures(kind) => keep(&|line| !signature(line, kind)),
            Spoilt::NoRecords(kind) => keep(&|line| !signature(line, kind) && !of(line, kind)),
            Spoilt::Unsigned => fs::read_to_string(file).unwrap(),
            Spoilt::OtherKeys => {
                let (above, _) = self.keys(zone.name, signed);
                // The keys that are digested stay.
                let below = vec![self.key(zone.name, signed.algorithms[0], &[])];
                let others = self.sign(file, &(above, below), signed);
                let own = keep(&|line| !signature(line, "DNSKEY") && !of(line, "DNSKEY"));
                let others = others.lines().filter(|line| signature(line, "DNSKEY") || of(line, "DNSKEY"));
                others.fold(own, |all, line| all + line + "\n")
            }
            Spoilt::Forged(kind) => text.lines().fold(String::new(), |all, line| {
                let forged = match kind {
                    "A" => line.replace("\t127.25.0.", "\t127.26.0."),
                    "MX" => line.replace("\t10 mx.", "\t10 mx3."),
                    // The last digit of its data.
                    _ => line[..line.len() - 1].to_owned() + if line.ends_with('0') { "1" } else { "0" },
                };
                all + if of(line, kind) { &forged } else { line } + "\n"
            }),
        }
    }

    fn digests(&self, zone: &Zone, (above, _): &(Vec<Key>, Vec<Key>)) -> String {
        let key = |base: &str| self.folder.join(format!("{base}.key"));
        let digest = |base: &str, kind: u8| {
            run(Command::new("ldns-key2ds").args(["-n", &format!("-{kind}")]).arg(key(base)))
        };
        let changed = |place: usize, value: &str| {
            let digest = digest(&above[0].base, 2);
            let mut words: Vec<&str> = digest.split_whitespace().collect();
            words[place] = value;
            words.join(" ") + "\n"
        };
        match zone.delegation {
            Delegation::Unsigned => String::new(),
            Delegation::Digests { kind, keys } => {
                let kind = if kind == 4 { 4 } else { kind };
                above.iter().take(keys).fold(String::new(), |all, one| all + &digest(&one.base, kind))
            }
            Delegation::WrongKey => {
                let Signing::Signed(signed) = &zone.signing else { return String::new() };
                digest(&self.key(zone.name, signed.algorithms[0], &["-k"]).base, 2)
            }
            Delegation::UnknownAlgorithm => changed(5, "200"),
            Delegation::UnknownDigest => changed(6, "200"),
        }
    }
}

fn records(zone: &Zone, usual: &str) -> String {
    let mut text = format!("$ORIGIN {}.\n$TTL 3600\n", zone.name);
    let _ = writeln!(text, "@ SOA ns.example. host.example. 1 3600 900 86400 300");
    let _ = writeln!(text, "@ NS {}.example.", zone.server);
    text + usual + &zone.extra
}

fn date(from_now: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(from_now)).strftime("%Y%m%d%H%M%S").to_string()
}

fn word(line: &str, place: usize) -> &str {
    line.split_whitespace().nth(place).unwrap_or_default()
}

fn labels(name: &str) -> usize {
    if name.is_empty() { 0 } else { name.split('.').count() }
}

fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

fn is_below(name: &str, parent: &str) -> bool {
    parent.is_empty() || name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}
