//! As whom a login may send: as itself, and as the guide's table of aliases says at this moment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use black_box::{Mail, Provider, Smtp, run};

const TABLE: &str = "/etc/tls-guarantee/aliases.sqlite";
const SALES: &str = "sales@example.org";

fn sql(file: &Path, statement: &str) {
    let done = run(Command::new("sqlite3").arg(file).arg(statement), b"");
    assert!(done.status.success(), "{done:?}");
}

/// The code for MAIL FROM alone, and for a mail with this in From and Sender, both to nowhere.
fn codes(smtp: &mut Smtp, login: &str, sender: &str) -> [u16; 3] {
    let envelope = smtp.command(&format!("MAIL FROM:<{sender}>")).code;
    smtp.command("RSET").expect(250);
    let to = "x@tls.example";
    let author = smtp.transact(login, &[to], &Mail::new(sender, &[to]).to_string()).code;
    let mail = Mail::new(login, &[to]).with(&format!("Sender: <{sender}>"));
    [envelope, author, smtp.transact(login, &[to], &mail.to_string()).code]
}

#[test]
fn only_the_login_that_the_table_names_may_use_an_alias() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    alice.switch("on");
    let mut as_alice = provider.submit_as(&alice.address);
    let mut as_bob = provider.submit_as(&bob.address);
    assert_eq!(codes(&mut as_alice, &alice.address, SALES), [553, 550, 550], "not yet");
    // While the server runs.
    let table = provider.path(TABLE);
    sql(&table, "INSERT INTO alias VALUES ('sales@example.org', 'alice@example.org')");
    for spelling in [SALES, "Sales@Example.org"] {
        assert_eq!(codes(&mut as_alice, &alice.address, spelling), [250, 250, 250], "{spelling}");
    }
    for foreign in [SALES, alice.address.as_str(), "x@out.example"] {
        assert_eq!(codes(&mut as_bob, &bob.address, foreign), [553, 550, 550], "{foreign}");
    }
    // The guarantee is the login's, and so is the bounce: no mailbox has the alias's name.
    let mail = Mail::new(SALES, &["y@plain.example"]);
    let queue_id = as_alice.submit(&mail);
    assert_eq!(alice.wait_for_bounce(&mail.message_id).addresses(), ["y@plain.example"]);
    assert!(alice.stop_of(&queue_id).is_some());
}

#[test]
fn the_table_may_be_replaced_and_never_allows_by_being_missing() {
    let Some(provider) = Provider::start() else { return };
    let (alice, bob) = (provider.alice(), provider.bob());
    let mut as_alice = provider.submit_as(&alice.address);
    let mut as_bob = provider.submit_as(&bob.address);
    let table = provider.path(TABLE);
    sql(&table, "INSERT INTO alias VALUES ('sales@example.org', 'alice@example.org')");
    assert_eq!(codes(&mut as_alice, &alice.address, SALES), [250, 250, 250]);

    // Another file in its place: now it is bob's.
    let next = provider.path("/etc/tls-guarantee/next.sqlite");
    sql(
        &next,
        "CREATE TABLE alias (address TEXT, login TEXT); INSERT INTO alias VALUES ('sales@example.org', 'bob@example.org')",
    );
    fs::set_permissions(&next, fs::Permissions::from_mode(0o644)).expect("permissions");
    fs::rename(&next, &table).expect("in its place");
    assert_eq!(codes(&mut as_alice, &alice.address, SALES), [553, 550, 550]);
    assert_eq!(codes(&mut as_bob, &bob.address, SALES), [250, 250, 250]);

    // Missing, unreadable or no database: nobody may, and everybody is to try again.
    let away = provider.path("/etc/tls-guarantee/away.sqlite");
    fs::rename(&table, &away).expect("out of the way");
    let damage: [(&str, &dyn Fn()); 3] = [
        ("missing", &|| ()),
        ("not a database", &|| fs::write(&table, "nonsense, but long enough for a header").expect("written")),
        ("without the table", &|| {
            fs::remove_file(&table).expect("removed");
            sql(&table, "CREATE TABLE other (address TEXT)");
        }),
    ];
    for (what, damage) in damage {
        damage();
        for (smtp, user) in [(&mut as_alice, &alice), (&mut as_bob, &bob)] {
            assert_eq!(codes(smtp, &user.address, SALES), [451, 451, 451], "{what}, {}", user.address);
            assert_eq!(codes(smtp, &user.address, &user.address), [250, 250, 250], "{what}: as oneself");
        }
    }
    fs::rename(&away, &table).expect("back again");
    assert_eq!(codes(&mut as_bob, &bob.address, SALES), [250, 250, 250]);
}
