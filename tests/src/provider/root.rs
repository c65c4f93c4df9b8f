//! A folder that stands for the machine's `/`: Debian's files as they are, the guide's laid over them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::guide::{Block, Task};
use crate::{PASSWORD, binary, run};

/// The Unix user that stands for `vmail`: one that every Debian has.
pub(super) const VMAIL: &str = "mail";

/// The Unix user that stands for `tls-guarantee`, likewise.
pub(super) const SERVER: &str = "irc";

/// Where one text stands for another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of a path.
    Path,
    /// As a whole word.
    Word,
}

/// One text of the guide, and what stands for it here.
struct Rule {
    place: Place,
    of_guide: &'static str,
    here: String,
}

/// Folders of a machine that nothing here may name as they are.
const FOREIGN: [&str; 8] = ["/etc/", "/run/", "/var/", "/srv/", "/opt/", "/home/", "/root/", "/usr/local/"];

/// The folder, and how the guide's names are written in it.
pub(super) struct Root {
    folder: TempDir,
    rules: Vec<Rule>,
    used: RefCell<BTreeSet<usize>>,
}

impl Root {
    /// An empty one, for programs that listen at this address of their own.
    pub(super) fn new(address: Ipv4Addr) -> Self {
        // Short: the path of a Unix socket has 107 characters.
        let folder = TempDir::with_prefix("world-").expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let root = folder.path().display().to_string();
        let (vmail, vmail_id) = (VMAIL.to_owned(), owner(VMAIL).0.to_string());
        let path = |of_guide| Rule { place: Place::Path, of_guide, here: format!("{root}{of_guide}") };
        let word = |of_guide, here: &str| Rule { place: Place::Word, of_guide, here: here.to_owned() };
        let rules = vec![
            path("/etc/"),
            path("/run/"),
            path("/var/"),
            path("/usr/bin/tls-guarantee"),
            // Each world has an address of its own, and on it the guide's ports.
            word("127.0.0.1", &address.to_string()),
            word("//127.0.0.1", &format!("//{address}")),
            word("0.0.0.0", &address.to_string()),
            word("listen 80", &format!("listen {address}:80")),
            word("listen 443", &format!("listen {address}:443")),
            word("smtp/inet", &format!("{address}:smtp/inet")),
            word("submission inet", &format!("{address}:submission inet")),
            word("submissions inet", &format!("{address}:submissions inet")),
            word("vmail", &vmail),
            word("5000", &vmail_id),
            word("user = tls-guarantee", &format!("user = {SERVER}")),
            word("extra_groups = tls-guarantee", &format!("extra_groups = {SERVER}")),
            word("-o tls-guarantee", &format!("-o {SERVER}")),
            word("-g tls-guarantee", &format!("-g {SERVER}")),
            word("chown tls-guarantee", &format!("chown {SERVER}")),
            // Nobody is there to type it.
            word("doveadm pw", &format!("doveadm pw -p {PASSWORD}")),
        ];
        Self { folder, rules, used: RefCell::default() }
    }

    /// The folder's own path, without a `/` at its end.
    pub(super) fn name(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// The place here of a path of the machine.
    pub(super) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.folder.path().join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A text of the guide, with all names as they are here.
    ///
    /// # Panics
    /// When it names a place of the machine for which there is none here.
    pub(super) fn translate(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len() * 2);
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let before = text[..text.len() - rest.len()].chars().next_back();
            if let Some((index, rule)) = self.rules.iter().enumerate().find(|(_, r)| r.fits(before, rest)) {
                self.used.borrow_mut().insert(index);
                done.push_str(&rule.here);
                rest = &rest[rule.of_guide.len()..];
                continue;
            }
            let foreign = FOREIGN.iter().find(|path| rest.starts_with(**path) && Place::Path.begins(before));
            assert!(foreign.is_none(), "no place in the test's world for {:?}", rest.lines().next());
            done.push(next);
            rest = &rest[next.len_utf8()..];
        }
        done
    }

    /// Does what a block of the guide says.
    ///
    /// # Panics
    /// When that fails.
    pub(super) fn apply(&self, block: &Block) {
        let text = self.translate(&block.text);
        match &block.task {
            Task::File(path) => self.write(path, &text),
            Task::Lines(path) => self.add(path, &text),
            Task::Commands => {
                let mut shell = Command::new("sh");
                let done = run(shell.args(["-e", "-u", "-c", &text]).current_dir(self.folder.path()), b"");
                assert!(done.status.success(), "docs/roundcube.md:{}: {text}\n{done:?}", block.line);
            }
        }
    }

    /// Writes a file, and its folder.
    pub(super) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Adds to the end of a file that is there.
    pub(super) fn add(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        let old = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::write(&path, old + text).expect("written");
    }

    /// Makes a folder that belongs to this Unix user, as Debian's packages and systemd do.
    pub(super) fn folder_of(&self, user: &str, path: &str) {
        let path = self.at(path);
        fs::create_dir_all(&path).expect("a folder");
        let (uid, gid) = owner(user);
        chown(path, Some(uid), Some(gid)).expect("an owner");
    }

    /// Brings a file or folder of Debian's packages here.
    ///
    /// # Panics
    /// When it is not on the machine.
    pub(super) fn adopt(&self, path: impl AsRef<Path>) {
        let (path, here) = (path.as_ref(), self.at(&path));
        let found = fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        fs::create_dir_all(here.parent().expect("a folder")).expect("a folder");
        if found.is_symlink() {
            let target = fs::read_link(path).expect("a link");
            symlink(self.translate(&target.to_string_lossy()), here).expect("a link");
            return;
        }
        if found.is_dir() {
            fs::create_dir_all(&here).expect("a folder");
            for entry in fs::read_dir(path).expect("a folder") {
                self.adopt(entry.expect("an entry").path());
            }
        } else {
            let octets = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let octets = String::from_utf8(octets)
                .map_or_else(std::string::FromUtf8Error::into_bytes, |text| {
                    self.translate_debian(&text).into_bytes()
                });
            fs::write(&here, octets).expect("written");
        }
        fs::set_permissions(&here, found.permissions()).expect("permissions");
        chown(&here, Some(found.uid()), Some(found.gid())).expect("an owner");
    }

    /// The machine's places in a file of Debian's. What it says of other places nobody uses here.
    fn translate_debian(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for path in ["/etc/", "/run/", "/var/"] {
            text = text.replace(path, &format!("{}{path}", self.folder.path().display()));
        }
        text
    }

    /// Puts the server's binary where the package has it, readable for all.
    pub(super) fn install_server(&self) {
        let (binary, here) = (binary(), self.at("/usr/bin/tls-guarantee"));
        fs::create_dir_all(here.parent().expect("a folder")).expect("a folder");
        if fs::hard_link(&binary, &here).is_err() {
            fs::copy(&binary, &here).unwrap_or_else(|error| {
                panic!("{}: {error}; build it with `cargo build --bin tls-guarantee`", binary.display())
            });
        }
    }

    /// Looks that each name of the guide's is still there.
    ///
    /// # Panics
    /// When one is not: then this list is out of date.
    pub(super) fn assert_all_used(&self, guide: &[Block]) {
        guide.iter().for_each(|block| drop(self.translate(&block.text)));
        let used = self.used.borrow();
        let unused = self.rules.iter().enumerate().filter(|(index, _)| !used.contains(index));
        let unused: Vec<_> = unused.map(|(_, rule)| rule.of_guide).collect();
        assert!(unused.is_empty(), "the guide no longer has {unused:?}");
    }
}

impl Place {
    /// Whether a name can begin after this character.
    fn begins(self, before: Option<char>) -> bool {
        let inside = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        !before.is_some_and(|c| inside(c) || (self == Self::Word && c == '/'))
    }
}

impl Rule {
    fn fits(&self, before: Option<char>, rest: &str) -> bool {
        let Some(after) = rest.strip_prefix(self.of_guide) else { return false };
        let after = after.chars().next();
        let goes_on = self.place == Place::Word && after.is_some_and(|c| c.is_alphanumeric() || c == '_');
        self.place.begins(before) && !goes_on
    }
}

/// A Unix user's number, and its group's.
pub(super) fn owner(user: &str) -> (u32, u32) {
    let number = |option: &str| {
        let output = run(Command::new("id").args([option, user]), b"");
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.parse().unwrap_or_else(|_| panic!("no Unix user {user}: {output:?}"))
    };
    (number("-u"), number("-g"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::path("key = \"/etc/x\";", "key = \"ROOT/etc/x\";")]
    #[case::path_in_a_url("'sqlite:////var/x?mode=0640'", "'sqlite:///ROOT/var/x?mode=0640'")]
    #[case::path_within_a_path("/usr/share/etc/x", "/usr/share/etc/x")]
    #[case::address("listen = \"0.0.0.0:25\" 10.127.0.0.1", "listen = \"127.0.1.2:25\" 10.127.0.0.1")]
    #[case::port("listen 443 ssl;", "listen 127.0.1.2:443 ssl;")]
    #[case::user("gid=vmail home=/var/vmail/x vmail2", "gid=mail home=ROOT/var/vmail/x vmail2")]
    #[case::socket_of_that_name(
        "unix_listener tls-guarantee { user = tls-guarantee }",
        "unix_listener tls-guarantee { user = irc }"
    )]
    fn names_are_translated_where_they_stand_for_themselves(#[case] of_guide: &str, #[case] here: &str) {
        let root = Root::new(Ipv4Addr::new(127, 0, 1, 2));
        assert_eq!(root.translate(of_guide), here.replace("ROOT", &root.name()));
    }

    #[test]
    #[should_panic(expected = "no place in the test's world for Some(\"/srv/x\")")]
    fn a_place_that_nobody_translates_is_told() {
        Root::new(Ipv4Addr::LOCALHOST).translate("root /srv/x");
    }

    #[test]
    #[should_panic(expected = "the guide no longer has")]
    fn a_name_that_is_gone_from_the_guide_is_told() {
        Root::new(Ipv4Addr::LOCALHOST).assert_all_used(&[]);
    }
}
