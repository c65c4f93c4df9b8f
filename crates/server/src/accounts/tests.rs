use std::net::Ipv4Addr;
use std::sync::Arc;

use store::Sqlite;
use tempfile::TempDir;

use super::*;

const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn accounts() -> (Accounts, Arc<Sqlite>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(folder.path().join("test.db")).unwrap());
    (Accounts::new(Arc::clone(&store) as Arc<dyn Store>), store, folder)
}

#[tokio::test]
async fn the_right_password_gives_the_account_as_it_is_spelt() {
    let (accounts, _store, _folder) = accounts();
    assert_eq!(accounts.add("Alice@HOME.example", "demo").await.unwrap(), "Alice@home.example");
    for spelling in ["Alice@home.example", "alice@home.example", "ALICE@HOME.EXAMPLE"] {
        let account = accounts.log_in(spelling, "demo", HERE).await.unwrap();
        assert_eq!(account, "Alice@home.example");
    }
    for (address, password) in [
        ("alice@home.example", "Demo"),
        ("alice@home.example", ""),
        ("bob@home.example", "demo"),
        ("nonsense", "demo"),
    ] {
        let refused = accounts.log_in(address, password, HERE).await;
        assert!(matches!(refused, Err(LogInError::Wrong)), "{address} {password}: {refused:?}");
    }
}

#[tokio::test]
async fn a_changed_password_holds_at_once_also_when_another_process_changed_it() {
    let (accounts, store, _folder) = accounts();
    accounts.add("alice@home.example", "old").await.unwrap();
    accounts.log_in("alice@home.example", "old", HERE).await.unwrap();
    let elsewhere = Accounts::new(store as Arc<dyn Store>);
    elsewhere.set_password("alice@home.example", "new").await.unwrap();
    assert!(accounts.log_in("alice@home.example", "old", HERE).await.is_err());
    accounts.log_in("alice@home.example", "new", HERE).await.unwrap();
    accounts.remove("alice@home.example").await.unwrap();
    assert!(accounts.log_in("alice@home.example", "new", HERE).await.is_err());
}

#[tokio::test]
async fn too_many_failures_close_the_door_to_the_right_password_too() {
    let (accounts, _store, _folder) = accounts();
    accounts.add("alice@home.example", "demo").await.unwrap();
    accounts.log_in("alice@home.example", "demo", HERE).await.unwrap();
    for _ in 0..10 {
        let refused = accounts.log_in("alice@home.example", "wrong", HERE).await;
        assert!(matches!(refused, Err(LogInError::Wrong)), "{refused:?}");
    }
    let refused = accounts.log_in("alice@home.example", "demo", HERE).await;
    assert!(matches!(refused, Err(LogInError::TooMany { .. })), "{refused:?}");
    let elsewhere = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    accounts.log_in("alice@home.example", "demo", elsewhere).await.unwrap();
}

#[tokio::test]
async fn many_at_once_with_the_right_password_all_get_in() {
    let (accounts, _store, _folder) = accounts();
    accounts.add("alice@home.example", "demo").await.unwrap();
    let log_ins = (0..200).map(|_| accounts.log_in("alice@home.example", "demo", HERE));
    for result in futures_util::future::join_all(log_ins).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused() {
    let (accounts, _store, _folder) = accounts();
    accounts.add("alice@home.example", "demo").await.unwrap();
    for (address, password) in [
        ("alice@home.example", "again"),
        ("ALICE@home.example", "again"),
        ("alice", "demo"),
        ("bob@home.example", ""),
        ("bob@home.example", "a\nb"),
    ] {
        assert!(accounts.add(address, password).await.is_err(), "{address} {password:?}");
    }
    let too_long = "a".repeat(PASSWORD_OCTETS + 1);
    assert!(accounts.add("bob@home.example", &too_long).await.is_err());
    assert!(accounts.set_password("bob@home.example", "demo").await.is_err());
    assert!(accounts.remove("bob@home.example").await.is_err());
}

#[tokio::test]
async fn no_password_opens_an_account_whose_password_others_know() {
    let (accounts, store, _folder) = accounts();
    store.ensure_account("alice@home.example", jiff::Timestamp::now()).await.unwrap();
    for password in ["", "demo", "\0"] {
        let refused = accounts.log_in("alice@home.example", password, HERE).await;
        assert!(matches!(refused, Err(LogInError::Wrong)), "{password:?}: {refused:?}");
    }
    accounts.set_password("alice@home.example", "demo").await.unwrap();
    accounts.log_in("alice@home.example", "demo", HERE).await.unwrap();
}

/// Dovecot with Alice, whose password is `demo`; the questions it is asked are counted.
async fn small_dovecot(listener: tokio::net::UnixListener, asked: Arc<std::sync::atomic::AtomicUsize>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let (stream, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = stream.into_split();
    writer.write_all(b"VERSION\t1\t2\nMECH\tPLAIN\nMECH\tXOAUTH2\nDONE\n").await.unwrap();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[0] != "AUTH" {
            continue;
        }
        asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // \0alice\0demo
        let right = line.ends_with("resp=AGFsaWNlAGRlbW8=");
        let answer = if right { "OK\tID\tuser=Alice@HOME.example\n" } else { "FAIL\tID\n" };
        writer.write_all(answer.replace("ID", fields[1]).as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn dovecots_users_have_an_account_from_their_first_log_in_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(folder.path().join("test.db")).unwrap());
    let path = folder.path().join("auth");
    let asked = Arc::<std::sync::atomic::AtomicUsize>::default();
    let dovecot =
        tokio::spawn(small_dovecot(tokio::net::UnixListener::bind(&path).unwrap(), Arc::clone(&asked)));
    let accounts = Accounts::with_dovecot(Arc::clone(&store) as Arc<dyn Store>, Place::Unix(path));
    for _ in 0..2 {
        assert_eq!(accounts.log_in("alice", "demo", HERE).await.unwrap(), "Alice@home.example");
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 2, "a changed password would hold at once");
    let password = store.account("alice@home.example").await.unwrap().unwrap().password_hash;
    assert_eq!(password, None, "its password stays with Dovecot");
    assert_eq!(accounts.mechanisms(), [Mechanism::Plain, Mechanism::Login, Mechanism::Xoauth2]);
    for _ in 0..5 {
        let refused = accounts.log_in("Alice", "wrong", HERE).await;
        assert!(matches!(refused, Err(LogInError::Wrong)), "{refused:?}");
        let token = "user=alice\x01auth=Bearer x\x01\x01";
        let refused = accounts.log_in_with_token(Mechanism::Xoauth2, token, HERE).await;
        assert!(matches!(refused, Err(LogInError::Wrong)), "{refused:?}");
    }
    let before = asked.load(std::sync::atomic::Ordering::SeqCst);
    let refused = accounts.log_in("alice", "demo", HERE).await;
    assert!(matches!(refused, Err(LogInError::TooMany { .. })), "{refused:?}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), before, "Dovecot is spared the guessing");
    dovecot.abort();
}

#[tokio::test]
async fn a_dovecot_that_is_away_is_nobodys_failure() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path().join("test.db")).unwrap());
    let accounts = Accounts::with_dovecot(store, Place::Unix(folder.path().join("auth")));
    for _ in 0..20 {
        let refused = accounts.log_in("alice@home.example", "demo", HERE).await;
        assert!(matches!(refused, Err(LogInError::Unavailable)), "{refused:?}");
    }
    assert_eq!(accounts.mechanisms(), Mechanism::PASSWORDS);
}

#[rstest::rstest]
#[case("user=alice@home.example\x01auth=Bearer x\x01\x01", "alice@home.example")]
#[case("n,a=alice@home.example,\x01host=x\x01auth=Bearer x\x01\x01", "alice@home.example")]
#[case("n,,\x01auth=Bearer a=b\x01\x01", "")]
#[case("nonsense", "")]
#[case("", "")]
fn failures_count_for_who_the_client_says_it_is(#[case] response: &str, #[case] name: &str) {
    assert_eq!(claimed(response), name);
}
