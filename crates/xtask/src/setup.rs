//! The Debian packages that building and testing need: what is there is left alone, without asking apt.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, bail};

use crate::progress::{Progress, run};

/// What shows that a package's part is on the machine, however it came there.
enum Sign {
    /// A program in `PATH` or in a system administrator's folders.
    Program(&'static str),
    /// A file at its place.
    File(&'static str),
    /// A library that the dynamic linker finds.
    Library(&'static str),
    /// A command that succeeds.
    Succeeds(&'static [&'static str]),
}

/// A Debian package, and the sign that it need not be installed.
pub(crate) struct Package {
    name: &'static str,
    sign: Sign,
}

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, sign: Sign::Program(program) }
}

const fn file(name: &'static str, file: &'static str) -> Package {
    Package { name, sign: Sign::File(file) }
}

const fn library(name: &'static str, library: &'static str) -> Package {
    Package { name, sign: Sign::Library(library) }
}

/// For building: the server's TLS, SQLite and the small internet's OpenSSL are compiled from source, and the
/// browser module is made smaller.
pub(crate) const BUILD: &[Package] = &[
    program("gcc", "cc"),
    file("libc6-dev", "/usr/include/stdio.h"),
    program("make", "make"),
    program("npm", "npm"),
    Package {
        name: "perl",
        sign: Sign::Succeeds(&["perl", "-MIPC::Cmd", "-MFindBin", "-MPod::Usage", "-e1"]),
    },
];

/// For the tests: the browser, and the real mail programs and name servers that ours has to get on with.
pub(crate) const TEST: &[Package] = &[
    program("chromium", "chromium"),
    program("chromium-driver", "chromedriver"),
    file("fonts-dejavu-core", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    program("postfix", "postfix"),
    file("postfix-sqlite", "/usr/lib/postfix/postfix-sqlite.so"),
    // Named first: else Roundcube brings Apache along.
    program("php8.2-fpm", "php-fpm8.2"),
    file("php8.2-cli", "/usr/bin/php8.2"),
    file("roundcube-core", "/usr/share/roundcube/index.php"),
    file("roundcube-sqlite3", "/usr/share/doc/roundcube-sqlite3"),
    file("roundcube-plugins", "/usr/share/roundcube/plugins/managesieve/managesieve.php"),
    // For Roundcube's plugin Enigma.
    file("php-crypt-gpg", "/usr/share/php/Crypt/GPG.php"),
    program("gnupg", "gpg"),
    program("sqlite3", "sqlite3"),
    program("nginx-light", "nginx"),
    file("dovecot-imapd", "/usr/lib/dovecot/imap"),
    file("dovecot-lmtpd", "/usr/lib/dovecot/lmtp"),
    file("dovecot-sieve", "/usr/lib/dovecot/modules/lib90_sieve_plugin.so"),
    file("dovecot-managesieved", "/usr/lib/dovecot/managesieve"),
    file("dovecot-submissiond", "/usr/lib/dovecot/submission"),
    program("swaks", "swaks"),
    program("msmtp", "msmtp"),
    program("mutt", "mutt"),
    // Without it, mutt knows no way to log in.
    file("libsasl2-modules", "/usr/share/doc/libsasl2-modules"),
    Package { name: "libnet-ssleay-perl", sign: Sign::Succeeds(&["perl", "-MNet::SSLeay", "-e1"]) },
    program("curl", "curl"),
    program("openssl", "openssl"),
    file("python3", "/usr/bin/python3"),
    program("nsd", "nsd"),
    program("unbound", "unbound"),
    program("ldnsutils", "ldns-signzone"),
    program("iproute2", "ip"),
    library("libdb5.3", "libdb-5.3.so"),
    library("libgnutls-dane0", "libgnutls-dane.so.0"),
    library("libidn12", "libidn.so.12"),
    library("libnsl2", "libnsl.so.2"),
    library("libpcre2-8-0", "libpcre2-8.so.0"),
];

/// What packages ask when they are installed, and the answer: the tests bring configurations of their own.
const ANSWERS: &[(&str, &str)] = &[
    // Left unconfigured, so that it does not start with the machine.
    ("postfix", "postfix/main_mailer_type select No configuration"),
    // Without a database.
    ("roundcube-core", "roundcube/dbconfig-install boolean false"),
];

/// Exim, and where it goes: Debian allows one mail server on a machine, and Postfix is there.
const EXIM: (&str, &str) = ("exim4-daemon-light", "target/peers/exim");

/// The judge of pages' accessibility, from npm, and where it goes.
const AXE: (&str, &str) = ("axe-core@4.14.1", "target/tools/axe");

/// Debian's compiler for the browser, for machines where rustup cannot fetch its own.
pub(crate) const WEB_COMPILER: &[Package] = &[
    file("rustc-web", "/usr/bin/rustc"),
    file("rust-web-src", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"),
];

impl Package {
    /// Whether the machine has it.
    pub(crate) fn is_there(&self) -> bool {
        match self.sign {
            Sign::Program(name) => find_program(name).is_some(),
            Sign::File(path) => Path::new(path).exists(),
            Sign::Library(name) => Command::new("/sbin/ldconfig").arg("-p").output().is_ok_and(|libraries| {
                String::from_utf8_lossy(&libraries.stdout).contains(&format!("\t{name} "))
            }),
            Sign::Succeeds(command) => Command::new(command[0])
                .args(&command[1..])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
        }
    }
}

/// Where the program `name` is. The folders of system programs (Postfix) are not in every user's `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(Into::into))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Installs those of `packages` that are missing.
///
/// # Errors
/// Without root's rights or without apt nothing is installed, and the error says what to install, and how.
pub(crate) fn packages(progress: &Progress, packages: &[Package]) -> anyhow::Result<()> {
    let missing: Vec<&str> = packages.iter().filter(|package| !package.is_there()).map(|p| p.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if find_program("apt-get").is_none() {
        bail!(
            "these are missing, by the names of Debian's packages: {list}\nPlease install them and call again."
        );
    }
    if !is_root()? {
        bail!(
            "Debian packages are missing, and only root may install them. Please run this and call again:\n    \
             sudo apt-get update && sudo apt-get install --no-install-recommends {list}"
        );
    }
    progress.say(&format!("installing Debian packages: {list}"));
    install(&missing).with_context(|| format!("Debian packages could not be installed: {list}"))
}

/// Unpacks Exim to a place of its own, unless it is there.
///
/// # Errors
/// When it can't be fetched.
pub(crate) fn exim(progress: &Progress) -> anyhow::Result<()> {
    let (package, place) = EXIM;
    if Path::new(place).exists() {
        return Ok(());
    }
    progress.say(&format!("unpacking Debian's {package} to {place}"));
    let unpacking = format!("{place}.new");
    if Path::new(&unpacking).exists() {
        fs::remove_dir_all(&unpacking)?;
    }
    fs::create_dir_all(&unpacking)?;
    let download = |apt: &mut Command| run(apt.current_dir(&unpacking).args(["download", package]));
    if download(&mut apt()).is_err() {
        // What it knows of may be out of date.
        run(apt().arg("update"))?;
        download(&mut apt())?;
    }
    run(Command::new("sh").current_dir(&unpacking).args(["-c", "dpkg -x *.deb . && rm *.deb"]))?;
    fs::rename(&unpacking, place).context("Exim could not be put in its place")
}

/// Fetches the judge of pages' accessibility, unless it is there.
///
/// # Errors
/// When it can't be fetched.
pub(crate) fn axe(progress: &Progress) -> anyhow::Result<()> {
    let (package, place) = AXE;
    if Path::new(place).join("node_modules/axe-core/axe.min.js").exists() {
        return Ok(());
    }
    progress.say(&format!("fetching {package} to {place}"));
    npm(place, package).with_context(|| format!("{package} could not be fetched"))
}

/// Installs a package of npm's below `place`, which is for it alone: npm takes away what it was not asked for last.
///
/// # Errors
/// When npm fails.
pub(crate) fn npm(place: &str, package: &str) -> anyhow::Result<()> {
    let quietly = ["install", "--silent", "--no-save", "--no-audit", "--no-fund"];
    run(Command::new("npm").args(quietly).args(["--prefix", place, package]))
}

fn is_root() -> anyhow::Result<bool> {
    let output = Command::new("id").arg("-u").output().context("`id -u` could not be started")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

/// Installs without a question and without starting any service.
fn install(missing: &[&str]) -> anyhow::Result<()> {
    let _no_services = NoServices::begin()?;
    run(apt().arg("update"))?;
    if find_program("debconf-set-selections").is_some() {
        for (package, answer) in ANSWERS.iter().filter(|(package, _)| missing.contains(package)) {
            let command = format!("echo {package} {answer} | debconf-set-selections");
            run(Command::new("sh").args(["-c", &command]))?;
        }
    }
    // `--no-remove`: another mail server of this machine is not ours to replace.
    let options = ["-y", "--no-remove", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"];
    run(apt().arg("install").args(options).args(missing))
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive").env("NEEDRESTART_SUSPEND", "1");
    apt
}

/// While this lives, Debian's packages start no service when they are installed.
struct NoServices {
    ours: bool,
}

/// Debian's hook that says which services a package may start; 101 is "none".
const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn begin() -> anyhow::Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_file(POLICY)
        {
            eprintln!("xtask: please remove {POLICY}: {error}");
        }
    }
}
