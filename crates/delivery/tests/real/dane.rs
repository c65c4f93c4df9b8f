//! DANE as Debian's posttls-finger judges it: the same hosts, the same DNS.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use delivery::{Courier, DnsServers, Dnssec, Extent, MemoryPolicies, Ownership, Settings};
use guarantee::{Authentication, Conclusion, Protection, Requirement};

use crate::{
    front,
    namespace::{self, Place},
    refusing,
    refusing::Refuses,
    servers,
    servers::Work,
    setups::{Setup, setups, tree},
    tree::Tree,
    zones::{at, tops},
};

const RESOLVER: &str = "127.53.1.1";

/// A row on which posttls-finger departs from the RFC.
struct Difference {
    row: &'static str,
    ours: &'static str,
    theirs: &'static str,
    why: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        row: "not | domain+root | 2 0 1 root | mx unsigned in u",
        ours: "not",
        theirs: "unproven",
        why: "behind an insecure MX the MX host's name is the only reference identifier (RFC 7672 §3.2.2); \
              Postfix 3.7 takes the domain's name, too",
    },
    Difference {
        row: "dane | domain+root | 2 0 1 root | implicit alias",
        ours: "dane",
        theirs: "not",
        why: "without an MX the domain's name is a reference identifier beside what its CNAME leads to (RFC 7672 \
              §3.2.2); posttls-finger 3.7 takes the latter alone",
    },
];

impl Difference {
    fn is_of(&self, setup: &Setup, ours: &str, theirs: &str) -> bool {
        setup.name == self.row && ours == self.ours && theirs == self.theirs
    }
}

/// What posttls-finger comes to at level `dane`, so do we; and both to what the RFC says.
// rfc 7672 2.2.2: MUST To avoid problems delivering mail to domains
// rfc 7672 2.2.3: MUST As noted previously (in Section 2.2.2), when
// rfc 7672 3.1.1: MUST The server MUST be considered authenticated even
// rfc 7672 3.1.1: MUST The expiration date of the server certificate
// rfc 7672 3.2.1: MUST NOT The SMTP client MUST NOT perform certificate
// rfc 7672 3.2.2: MUST To match a server via a TLSA
// rfc 7672 3.2.2: MUST In all DANE-TA(2) cases, the SMTP client
// rfc 7672 3.2.2: MUST TLSA records for MX hostnames: If the
// rfc 7672 3.2.2: MUST The CNAME-expanded original next-hop domain MUST be
// rfc 7672 3.2.2: MUST TLSA records for non-MX hostnames: If MX
// rfc 7672 3.2.3: MUST SMTP clients MUST support wildcards that match
#[test]
fn posttls_finger_agrees() {
    if let Place::Outside = namespace::enter("dane::posttls_finger_agrees") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let setups = setups();
    let mut zones = tops();
    zones.extend(tree(&setups));
    let courier = courier(folder.path(), &zones);
    let finger = Finger::new(folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for setup in &setups {
        runtime.block_on(front::start((setup.address, 25).into(), setup.presented.as_ref()));
    }
    let (mut agreements, mut wrong) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let (mut silent, mut explained) = (0, 0);
    for setup in &setups {
        let (ours, why) = runtime.block_on(ours(&courier, setup));
        let (theirs, said) = finger.point(&setup.domain);
        match theirs {
            // RFC 7672 §2.2: then TLS is a must all the same.
            "silent" if setup.presented.is_none() => silent += 1,
            _ if DIFFERENCES.iter().any(|known| known.is_of(setup, ours, theirs)) => explained += 1,
            _ if theirs == ours => *agreements.entry(ours).or_default() += 1,
            _ => wrong.push(format!("{}: ours {ours}, posttls-finger's {theirs}\n{why}\n{said}", setup.name)),
        }
        if ours != setup.expected {
            wrong.push(format!("{}: ours {ours}\n{why}", setup.name));
        }
    }
    println!(
        "{} set-ups: posttls-finger agrees on {} {agreements:?}, is silent on {silent} without STARTTLS, \
         differs on {explained} with reason",
        setups.len(),
        agreements.values().sum::<usize>(),
    );
    for known in DIFFERENCES {
        println!("  {}: {}", known.row, known.why);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Serves the zones, with a resolver for them as the machine's, and gives a courier for them.
pub(crate) fn courier(folder: &Path, zones: &[crate::zones::Zone]) -> Courier {
    let tree = Tree::make(folder, zones, &[]);
    servers::serve(folder, &tree, at::SERVER, |_| true);
    refusing::start(at::LAME, Refuses::All);
    let unbound = servers::resolve(folder, &tree, RESOLVER, Work::Validates);
    let settings = Settings {
        hello_name: "home.example".to_owned(),
        own: Ownership { loopback_is_the_world: true, ..Ownership::default() },
        dns: DnsServers::At(vec![unbound]),
        dnssec: Dnssec::Validate { anchor: tree.anchor.clone() },
        port: 25,
        https_port: 443,
        roots: Vec::new(),
        policies: Arc::new(MemoryPolicies::default()),
        routes: HashMap::new(),
    };
    Courier::new(settings).unwrap()
}

async fn ours(courier: &Courier, setup: &Setup) -> (&'static str, String) {
    let probe = courier.probe(&setup.domain, Requirement::Opportunistic, Extent::All).await;
    let why = format!("{:?} {:?}", probe.conclusion, probe.hosts);
    let verdict = match probe.conclusion {
        Ok(Protection::Dane) => "dane",
        Ok(Protection::Authenticated) => "authenticated",
        Ok(Protection::Encrypted) => match probe.hosts[0].authentication {
            Authentication::UnprovenHost { .. } => "unproven",
            _ => "encrypted",
        },
        Ok(Protection::None) => "none",
        Err(Conclusion::Stop(_) | Conclusion::Defer(_)) => "not",
    };
    (verdict, why)
}

/// posttls-finger with a configuration of its own.
struct Finger {
    configuration: PathBuf,
}

impl Finger {
    fn new(folder: &Path) -> Self {
        let resolv = folder.join("resolv.conf");
        // Without `trust-ad` the C library takes the AD bit out.
        fs::write(&resolv, format!("nameserver {RESOLVER}\noptions edns0 trust-ad\n")).unwrap();
        namespace::command("mount", &["--bind", resolv.to_str().unwrap(), "/etc/resolv.conf"]);
        let configuration = folder.join("finger");
        fs::create_dir(&configuration).unwrap();
        fs::write(configuration.join("main.cf"), "compatibility_level = 3.6\nmyhostname = home.example\n")
            .unwrap();
        Self { configuration }
    }

    fn point(&self, domain: &str) -> (&'static str, String) {
        let mut finger = Command::new("/usr/sbin/posttls-finger");
        finger
            .env("MAIL_CONFIG", &self.configuration)
            .args(["-c", "-l", "dane", "-t", "10", "-T", "10", domain]);
        let output = finger.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let says = |words: &str| said.contains(words);
        // Where no TLSA record binds, it tells of a certificate no more than that no authority vouches for it.
        let bound = !says(": self-signed certificate") && !says(": untrusted issuer");
        let verdict = if says(" Verified TLS connection established") {
            "dane"
        } else if says(" Trusted TLS connection established") {
            "unproven"
        } else if says("verification failed") && bound || says("lookup failed") || says("lookup error") {
            "not"
        } else if says("TLS connection established") {
            "encrypted"
        } else {
            "silent"
        };
        (verdict, format!("{} {said}", output.status))
    }
}
