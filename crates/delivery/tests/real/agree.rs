//! Our look-ups and Debian's unbound over the same tree.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use delivery::{Dns, DnsServers, Dnssec};

use crate::{
    namespace::{self, Place},
    oracle::{Told, ours, theirs},
    refusing,
    refusing::Refuses,
    servers,
    servers::Work,
    tree::Tree,
    zones::{MORE, QUESTIONS, Zone, at, domains, tops},
};

/// A question about which we differ from unbound, with reason.
struct Difference {
    /// Names below this one, and itself.
    below: &'static str,
    ours: &'static str,
    theirs: &'static [&'static str],
    why: &'static str,
}

/// Where the standards leave a choice, or unbound departs from them.
const DIFFERENCES: &[Difference] = &[
    Difference {
        below: "just-expired.example",
        ours: "bogus",
        theirs: &["secure", "insecure"],
        why: "unbound believes signatures for an hour and more after their end; RFC 4035 §5.3.1 does not",
    },
    Difference {
        below: "almost-valid.example",
        ours: "bogus",
        theirs: &["secure", "insecure"],
        why: "unbound believes signatures an hour and more before their begin; RFC 4035 §5.3.1 does not",
    },
    Difference {
        below: "no-key.example",
        ours: "failed",
        theirs: &["bogus"],
        why: "keys that can't be had prove nothing, neither way: indeterminate (RFC 4035 §4.3), which counts as \
              bogus does (RFC 7672 §2.1.1)",
    },
    Difference {
        below: "ed448.example",
        ours: "insecure",
        theirs: &["secure", "insecure"],
        why: "a zone whose only algorithm the validator does not know is unsigned to it (RFC 4035 §5.2)",
    },
];

/// As unbound classifies, so do we, whether we check signatures ourselves (behind a resolver that does, and one that does
/// not), or trust its word.
// rfc 7672 2.1.1: MUST As noted in Section 4.3 of [RFC4035]
// rfc 7672 2.1.1: MUST All "insecure" RRsets MUST be handled identically
// rfc 7672 2.1.1: MUST If a resolver does signal an [RFC4035]
// rfc 7672 2.1.3: MUST Whether a chain of CNAME records was
// rfc 7672 2.1.3: MUST If at any stage of CNAME expansion
#[test]
fn unbound_agrees_on_every_name() {
    if let Place::Outside = namespace::enter("agree::unbound_agrees_on_every_name") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let domains = domains();
    let tree = Tree::make(folder.path(), &tops(), &domains);
    let elsewhere = |name: &str| domains.iter().any(|zone| zone.name == name && zone.server != "ns");
    servers::serve(folder.path(), &tree, at::SERVER, |name| !elsewhere(name));
    servers::serve(folder.path(), &tree, at::HIDDEN, elsewhere);
    refusing::start(at::NO_KEY, Refuses::Keys { else_of: at::HIDDEN });
    refusing::start(at::LAME, Refuses::All);
    let validating = servers::resolve(folder.path(), &tree, "127.53.1.1", Work::Validates);
    let iterating = servers::resolve(folder.path(), &tree, "127.53.1.2", Work::Iterates);
    let client =
        |server, dnssec| Dns::new(&DnsServers::At(vec![server]), &dnssec, Duration::from_secs(10)).unwrap();
    let own = client(iterating, Dnssec::Validate { anchor: tree.anchor.clone() });
    let behind = client(validating, Dnssec::Validate { anchor: tree.anchor.clone() });
    let trusting = client(validating, Dnssec::TrustAd);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut table = Table::default();
    for (name, kind) in questions(&domains) {
        let unbound = theirs(validating, kind, &name);
        for (way, dns) in [("validating", &own), ("validating behind it", &behind), ("trusting", &trusting)] {
            let told = runtime.block_on(ours(dns, kind, &name));
            table.add(way, kind, &name, &told, &unbound);
        }
    }
    print!("{}", table.figures(domains.len()));
    assert!(table.unexplained.is_empty(), "unexplained:\n{}", table.unexplained.join("\n"));
}

/// Names with the types asked, each once.
fn questions(domains: &[Zone]) -> Vec<(String, &'static str)> {
    let of_domains = domains.iter().flat_map(|zone| {
        QUESTIONS.iter().map(|(label, kinds)| match *label {
            "" => (zone.name.to_owned(), *kinds),
            label => (format!("{label}.{}", zone.name), *kinds),
        })
    });
    let more = MORE.iter().map(|(name, kinds)| ((*name).to_owned(), *kinds));
    let every = of_domains.chain(more);
    every.flat_map(|(name, kinds)| kinds.split(' ').map(move |kind| (name.clone(), kind))).collect()
}

/// What came of all comparisons.
#[derive(Default)]
struct Table {
    questions: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    agreements: BTreeMap<&'static str, usize>,
    explained: BTreeMap<(&'static str, &'static str), usize>,
    unexplained: Vec<String>,
}

impl Table {
    fn add(&mut self, way: &'static str, kind: &'static str, name: &str, ours: &Told, theirs: &Told) {
        if way == "validating" {
            *self.questions.entry(kind).or_default().entry(theirs.class()).or_default() += 1;
        }
        if ours == theirs {
            *self.agreements.entry(way).or_default() += 1;
            return;
        }
        let below = |top: &str| name == top || name.ends_with(&format!(".{top}"));
        let known = DIFFERENCES.iter().find(|known| {
            below(known.below) && ours.class() == known.ours && known.theirs.contains(&theirs.class())
        });
        match known {
            Some(known) => *self.explained.entry((known.why, way)).or_default() += 1,
            None => {
                self.unexplained.push(format!("{way}: {kind} of {name}: ours {ours:?}, theirs {theirs:?}"));
            }
        }
    }

    fn figures(&self, domains: usize) -> String {
        let mut text = format!("{domains} domains; unbound says of so many names:\n");
        for (kind, classes) in &self.questions {
            let _ = writeln!(text, "  {kind:5}{classes:?}");
        }
        for (way, agreements) in &self.agreements {
            let _ = writeln!(text, "{way}: {agreements} agreements");
        }
        for ((why, way), number) in &self.explained {
            let _ = writeln!(text, "{way}: {number} differences: {why}");
        }
        text
    }
}
