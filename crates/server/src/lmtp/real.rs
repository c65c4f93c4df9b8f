//! Against Debian's Dovecot, an instance of the test's own.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use guarantee::Cause;
use smtp::envelope::{BodyType, MailFrom, Notify, RcptTo, ReversePath};
use tempfile::TempDir;

use super::{Answer, Lmtp, Verdict};
use crate::config::Place;

/// A Dovecot with the mailboxes of alice, bob and postmaster.
pub(crate) struct Dovecot {
    folder: TempDir,
}

impl Dovecot {
    /// Nothing, with a word why, where there is no Dovecot to be had.
    pub(crate) fn start() -> Option<Self> {
        let root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        if !root || !Path::new("/usr/lib/dovecot/lmtp").exists() {
            println!("not run: it takes root, and Debian's dovecot-lmtpd");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        // Dovecot's own users and the mail's read it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let base = folder.path().display();
        let users =
            ["alice", "bob", "postmaster"].map(|user| format!("{user}@home.example:{{PLAIN}}demo::::::\n"));
        fs::write(folder.path().join("users"), users.concat()).expect("written");
        let mails = folder.path().join("mails");
        fs::create_dir(&mails).expect("made");
        fs::set_permissions(mails, fs::Permissions::from_mode(0o777)).expect("ours");
        let configuration = format!(
            "protocols = lmtp
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
ssl = no
auth_username_format = %Lu
mail_location = maildir:~/Maildir
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
recipient_delimiter = +
passdb {{
  driver = passwd-file
  args = username_format=%u {base}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {base}/users
  default_fields = uid=mail gid=mail home={base}/mails/%n
}}
"
        );
        fs::write(folder.path().join("dovecot.conf"), configuration).expect("written");
        let this = Self { folder };
        this.come();
        Some(this)
    }

    /// Is there when this returns.
    pub(crate) fn come(&self) {
        self.run("dovecot", &[]);
    }

    /// Is gone when this returns.
    pub(crate) fn go(&self) {
        self.run("doveadm", &["stop"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.arg("-c").arg(self.folder.path().join("dovecot.conf")).args(arguments);
        // Its daemons would keep ours open.
        let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(ended.is_ok_and(|status| status.success()), "{program}: {}", log());
    }

    pub(crate) fn client(&self) -> Lmtp {
        let socket = self.folder.path().join("run/lmtp");
        Lmtp::new(Place::Unix(socket), "mail.home.example".to_owned())
    }

    /// New mails of a user, oldest first.
    pub(crate) fn mails(&self, user: &str) -> Vec<String> {
        let new = self.folder.path().join(format!("mails/{user}/Maildir/new"));
        let entries = fs::read_dir(new).into_iter().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
        files.sort_by_key(|file| fs::metadata(file).and_then(|facts| facts.modified()).expect("its time"));
        files.iter().map(|file| fs::read_to_string(file).expect("UTF-8")).collect()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let mut stop = Command::new("doveadm");
        stop.arg("-c").arg(self.folder.path().join("dovecot.conf")).arg("stop");
        let _gone_already = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn mail(reverse_path: ReversePath) -> MailFrom {
    MailFrom {
        reverse_path,
        body: BodyType::EightBitMime,
        smtputf8: false,
        requiretls: false,
        ret: None,
        envid: None,
    }
}

fn to(address: &str) -> RcptTo {
    RcptTo { address: address.to_owned(), notify: Notify::Unspecified, orcpt: None }
}

#[tokio::test]
async fn debians_dovecot_takes_mail_and_says_who_lives_here() {
    let Some(dovecot) = Dovecot::start() else { return };
    let client = dovecot.client();

    let content = "Subject: hello\r\n\r\n.\r\n\u{e9}\r\n";
    let recipients = ["alice@home.example", "nobody@home.example", "Bob+tag@home.example"].map(to);
    let erik = mail(ReversePath::Address("erik@tls.example".to_owned()));
    let verdicts = client.deliver(&erik, &recipients, content.as_bytes()).await;
    let unknown = Cause::UnknownUser { address: "nobody@home.example".to_owned() };
    assert_eq!(verdicts, [Verdict::Filed, Verdict::Refused(unknown), Verdict::Filed]);
    for user in ["alice", "bob"] {
        let mails = dovecot.mails(user);
        let [filed] = &mails[..] else { panic!("one: {mails:?}") };
        // RFC 5321 §4.4: it is Dovecot that writes this, at the front.
        assert!(filed.starts_with("Return-Path: <erik@tls.example>\n"), "{filed}");
        assert_eq!(filed.matches("Return-Path:").count(), 1, "{filed}");
        assert!(filed.ends_with("Subject: hello\n\n.\n\u{e9}\n"), "{filed}");
    }
    let report = client.deliver(&mail(ReversePath::Null), &[to("alice@home.example")], b"\r\n").await;
    assert_eq!(report, [Verdict::Filed]);
    assert!(dovecot.mails("alice").iter().any(|filed| filed.starts_with("Return-Path: <>\n")));

    for (address, expected) in [
        ("alice@home.example", Answer::Takes),
        ("ALICE@HOME.example", Answer::Takes),
        ("alice+tag@home.example", Answer::Takes),
        ("nobody@home.example", Answer::Unknown),
        ("alice@elsewhere.example", Answer::Unknown),
    ] {
        assert_eq!(client.ask(address).await, expected, "{address}");
    }
    assert_eq!((dovecot.mails("alice").len(), dovecot.mails("bob").len()), (2, 1), "questions file nothing");

    dovecot.go();
    assert!(matches!(client.ask("alice@home.example").await, Answer::Away(_)));
    dovecot.come();
    assert_eq!(client.ask("alice@home.example").await, Answer::Takes);
}
