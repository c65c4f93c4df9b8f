//! Against Debian's Dovecot, an instance of the test's own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

const PROGRAM: &str = "/usr/sbin/dovecot";
const SECRET: &str = "a secret of at least 32 characters";
const ALICE: &str = "alice@home.example";

/// Longer than Dovecot takes to start.
const START: Duration = Duration::from_secs(30);

/// A Dovecot without mail: users in a file, and tokens that it validates by itself.
struct Instance {
    folder: TempDir,
    master: Option<Child>,
}

impl Instance {
    /// Nothing, with a word why, where there is no Dovecot to be had.
    fn new() -> Option<Self> {
        let root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        if !root || !Path::new(PROGRAM).exists() {
            eprintln!("skipped: it takes root, and {PROGRAM}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Dovecot's own users read it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let keys = folder.path().join("keys/default/HS256");
        fs::create_dir_all(&keys).unwrap();
        fs::write(keys.join("default"), STANDARD.encode(SECRET)).unwrap();
        let this = Self { folder, master: None };
        this.set_passwords(&[(ALICE, "demo"), ("carol", "demo")]);
        let base = this.folder.path().display();
        fs::write(
            this.folder.path().join("oauth2.conf"),
            format!(
                "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={base}/keys/\n\
                 username_attribute = email\n"
            ),
        )
        .unwrap();
        fs::write(this.configuration(), configuration(this.folder.path())).unwrap();
        Some(this)
    }

    fn set_passwords(&self, users: &[(&str, &str)]) {
        let lines: String =
            users.iter().map(|(name, password)| format!("{name}:{{PLAIN}}{password}::::::\n")).collect();
        // In one step, as Dovecot may be reading.
        let next = self.folder.path().join("users.next");
        fs::write(&next, lines).unwrap();
        fs::rename(next, self.folder.path().join("users")).unwrap();
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    fn place(&self) -> Place {
        Place::Unix(self.folder.path().join("run/tls-guarantee"))
    }

    fn start(&mut self) {
        let mut command = Command::new(PROGRAM);
        command.arg("-F").arg("-c").arg(self.configuration()).process_group(0);
        self.master =
            Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    /// Ends it with all its processes, as `systemctl stop` does: authentication alone would go on for 30 s.
    fn stop(&mut self) {
        if let Some(mut master) = self.master.take() {
            let group = format!("-{}", master.id());
            let _ended_already = Command::new("kill").args(["-TERM", "--", &group]).status();
            let _ended = master.wait();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop();
    }
}

fn configuration(base: &Path) -> String {
    let base = base.display();
    format!(
        "protocols =
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
auth_mechanisms = plain login xoauth2 oauthbearer
auth_username_format = %Lu
auth_failure_delay = 0
ssl = no
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {base}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {base}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home=/nonexistent
}}
service auth {{
  unix_listener tls-guarantee {{
    mode = 0600
  }}
}}
"
    )
}

fn token(secret: &str) -> String {
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({ "sub": ALICE, "email": ALICE, "iat": now, "exp": now + 300 });
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// What a mail program sends.
fn response(mechanism: Mechanism, token: &str) -> String {
    let name = match mechanism {
        Mechanism::OauthBearer => format!("n,a={ALICE},"),
        _ => format!("user={ALICE}"),
    };
    format!("{name}\x01auth=Bearer {token}\x01\x01")
}

/// Until it has been met, once more.
async fn there(dovecot: &mut Dovecot) {
    timeout(START, dovecot.offered.changed()).await.expect("Dovecot starts").expect("it is looked for");
}

#[tokio::test]
async fn debians_dovecot_says_who_logs_in() {
    let Some(mut instance) = Instance::new() else { return };
    instance.start();
    let patience = Patience { retry: Duration::from_millis(100), ..Patience::default() };
    let mut dovecot = Dovecot::with(instance.place(), patience);
    there(&mut dovecot).await;
    assert_eq!(dovecot.token_mechanisms(), [Mechanism::Xoauth2, Mechanism::OauthBearer]);

    for name in [ALICE, "Alice@HOME.example"] {
        assert_eq!(dovecot.password(name, "demo", None).await.unwrap(), ALICE);
    }
    for (name, password) in
        [(ALICE, "wrong"), ("nobody@home.example", "demo"), (ALICE, ""), ("a\tb\u{1}c", "x\ny")]
    {
        let refused = dovecot.password(name, password, None).await;
        assert!(matches!(refused, Err(LogInError::Wrong)), "{name} {password}: {refused:?}");
    }
    let nowhere = dovecot.password("carol", "demo", None).await;
    assert!(matches!(nowhere, Err(LogInError::Unavailable)), "a name without domain: {nowhere:?}");

    for mechanism in [Mechanism::Xoauth2, Mechanism::OauthBearer] {
        let good = dovecot.token(mechanism, &response(mechanism, &token(SECRET)), None).await;
        assert_eq!(good.unwrap(), ALICE, "{mechanism:?}");
        for bad in [token("another"), "x".repeat(9000)] {
            let refused = dovecot.token(mechanism, &response(mechanism, &bad), None).await;
            let Err(LogInError::TokenRefused { text }) = refused else {
                panic!("{mechanism:?}: {refused:?}")
            };
            assert!(text.starts_with("{\"status\":"), "{text}");
        }
        let nonsense = dovecot.token(mechanism, "nonsense", None).await;
        assert!(matches!(nonsense, Err(LogInError::Wrong)), "{mechanism:?}: {nonsense:?}");
    }

    instance.set_passwords(&[(ALICE, "changed")]);
    let old = dovecot.password(ALICE, "demo", None).await;
    assert!(matches!(old, Err(LogInError::Wrong)), "{old:?}");
    assert_eq!(dovecot.password(ALICE, "changed", None).await.unwrap(), ALICE);

    instance.stop();
    // Its connection outlives it for a moment.
    let away = async {
        while dovecot.password(ALICE, "changed", None).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        dovecot.password(ALICE, "changed", None).await
    };
    let away = timeout(START, away).await.expect("it ends");
    assert!(matches!(away, Err(LogInError::Unavailable)), "{away:?}");
    instance.start();
    there(&mut dovecot).await;
    assert_eq!(dovecot.password(ALICE, "changed", None).await.unwrap(), ALICE);
}
