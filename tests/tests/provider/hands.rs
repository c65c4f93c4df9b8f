//! What an admin does by hand on a running machine, and what its other programs do.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{Command, Output};

use black_box::{Mail, Provider, Smtp, run};

/// Our server's configuration.
pub(crate) const CONFIGURATION: &str = "/etc/tls-guarantee/config.toml";

/// Changes a part of a file.
pub(crate) fn edit(provider: &Provider, file: &str, old: &str, new: &str) {
    let file = provider.path(file);
    let text = fs::read_to_string(&file).expect("the file");
    assert!(text.contains(old), "{}: {old:?}", file.display());
    fs::write(&file, text.replacen(old, new, 1)).expect("written");
}

/// Adds lines to the end of a file.
pub(crate) fn add(provider: &Provider, file: &str, lines: &str) {
    let file = OpenOptions::new().append(true).open(provider.path(file));
    file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("written");
}

/// Restarts our server with a part of its configuration changed.
pub(crate) fn reconfigure(provider: &mut Provider, old: &str, new: &str) {
    edit(provider, CONFIGURATION, old, new);
    provider.stop_server();
    provider.start_server();
}

/// Restarts our server with the sender rewriting scheme.
pub(crate) fn with_srs(provider: &mut Provider) {
    let secret = provider.path("/etc/tls-guarantee/srs.key");
    fs::write(&secret, "a secret of more than thirty-two characters\n").expect("a secret");
    let srs = format!("srs = {{ domain = \"example.org\", secret = \"{}\" }}", secret.display());
    reconfigure(provider, "users = [\"mail\"]", &format!("users = [\"mail\"]\n{srs}"));
}

/// Mail from outside.
pub(crate) fn receive(provider: &Provider, mail_from: &str, mail: &Mail) {
    let recipients: Vec<&str> = mail.recipients().collect();
    let mut smtp = Smtp::connect(provider.mx());
    smtp.command("EHLO out.example").expect(250);
    smtp.transact(mail_from, &recipients, &mail.to_string()).expect(250);
}

/// Mail that another server on the machine files in Dovecot by itself, as Postfix does: swaks's exit code and words.
pub(crate) fn file_over_lmtp(provider: &Provider, mail_from: &str, mail: &Mail) -> Output {
    let recipients: Vec<&str> = mail.recipients().collect();
    let mut swaks = Command::new("swaks");
    swaks.args(["--protocol", "LMTP", "--socket"]).arg(provider.path("/run/dovecot/lmtp"));
    swaks.args(["--from", mail_from, "--to", &recipients.join(","), "--data", "-"]);
    run(&mut swaks, mail.to_string().as_bytes())
}

/// A command that becomes another Unix user of the machine, with these groups or its own, and then a program.
pub(crate) fn as_user(user: &str, groups: &str, program: impl AsRef<OsStr>) -> Command {
    let group = run(Command::new("id").args(["-g", user]), b"");
    let group = String::from_utf8_lossy(&group.stdout).trim().to_owned();
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}")]);
    command.arg(if groups.is_empty() { "--init-groups".to_owned() } else { format!("--groups={groups}") });
    command.arg(program);
    command
}
