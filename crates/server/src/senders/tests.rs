use std::path::{Path, PathBuf};

use rstest::rstest;
use rusqlite::Connection;
use store::Sqlite;
use tempfile::TempDir;

use super::*;

const ALICE: &str = "Alice@home.example";
const QUERY: &str = "SELECT login FROM alias WHERE address = ?1";

struct Place {
    folder: TempDir,
    store: Arc<dyn Store>,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path().join("test.db")).unwrap());
        store.ensure_account(ALICE, jiff::Timestamp::now()).await.unwrap();
        Self { folder, store }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("aliases.sqlite")
    }

    fn write(&self, path: &Path, rows: &[(&str, &str)]) {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("CREATE TABLE alias (address TEXT NOT NULL, login TEXT)").unwrap();
        for row in rows {
            connection.execute("INSERT INTO alias VALUES (?1, ?2)", *row).unwrap();
        }
    }

    fn senders(&self) -> Senders {
        let options = SendersOptions { database: self.database(), query: QUERY.to_owned() };
        Senders::new(Arc::clone(&self.store), Some(&options))
    }
}

#[rstest]
#[case::herself(&["ALICE@home.example"], MaySend::Yes)]
#[case::nobody(&[], MaySend::Yes)]
#[case::alias(&["info@home.example"], MaySend::Yes)]
#[case::alias_in_any_case(&["Info@HOME.example", "alice@home.example"], MaySend::Yes)]
#[case::of_another(&["bob@home.example"], MaySend::NotAs("bob@home.example".to_owned()))]
#[case::one_of_two(&["info@home.example", "sales@home.example"], MaySend::NotAs("sales@home.example".to_owned()))]
#[case::unknown(&["x@elsewhere.example"], MaySend::NotAs("x@elsewhere.example".to_owned()))]
#[case::no_pattern(&["%"], MaySend::NotAs("%".to_owned()))]
#[tokio::test]
async fn an_account_sends_as_itself_and_as_the_query_says(
    #[case] addresses: &[&str],
    #[case] expected: MaySend,
) {
    let place = Place::new().await;
    place.write(
        &place.database(),
        &[
            ("info@home.example", "alice@HOME.example"),
            ("info@home.example", "bob@home.example"),
            ("sales@home.example", "bob@home.example"),
        ],
    );
    let senders = place.senders();
    assert_eq!(senders.may_send(ALICE, addresses.iter().copied()).await.unwrap(), expected);
    let own = Senders::own(Arc::clone(&place.store));
    let own = own.may_send(ALICE, addresses.iter().copied()).await.unwrap();
    let only_herself = addresses.iter().all(|address| same_address(address, ALICE));
    assert_eq!(own == MaySend::Yes, only_herself);
}

#[tokio::test]
async fn the_accounts_of_an_address_are_its_own_and_those_that_the_query_names() {
    let place = Place::new().await;
    place.write(
        &place.database(),
        &[
            ("info@home.example", "alice@home.example"),
            ("info@home.example", "Never.Here@HOME.example"),
            ("info@home.example", "no address"),
            ("info@home.example", "ALICE@home.example"),
            ("alice@home.example", "boss@home.example"),
        ],
    );
    let senders = place.senders();
    let of = async |address: &str| senders.accounts_of(address).await.unwrap();
    assert_eq!(of("INFO@home.example").await, [ALICE, "Never.Here@home.example"]);
    assert_eq!(of("alice@HOME.example").await, [ALICE, "boss@home.example"]);
    assert!(of("nobody@home.example").await.is_empty());
    let own = Senders::own(Arc::clone(&place.store));
    assert_eq!(own.accounts_of("alice@home.example").await.unwrap(), [ALICE]);
    assert!(own.accounts_of("info@home.example").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_that_is_away_allows_nothing_and_is_used_again_when_it_is_back() {
    let place = Place::new().await;
    let senders = place.senders();
    let alias = ["info@home.example"];
    assert!(senders.may_send(ALICE, alias).await.is_err(), "not there yet");
    assert_eq!(senders.may_send(ALICE, [ALICE]).await.unwrap(), MaySend::Yes, "that needs no database");
    std::fs::write(place.database(), "this is no database at all, however long it may be").unwrap();
    assert!(senders.may_send(ALICE, alias).await.is_err(), "not a database");
    std::fs::remove_file(place.database()).unwrap();
    place.write(&place.database(), &[("info@home.example", "alice@home.example")]);
    assert_eq!(senders.may_send(ALICE, alias).await.unwrap(), MaySend::Yes);
    let other = place.folder.path().join("next.sqlite");
    place.write(&other, &[("info@home.example", "bob@home.example")]);
    std::fs::rename(&other, place.database()).unwrap();
    let refused = senders.may_send(ALICE, alias).await.unwrap();
    assert_eq!(refused, MaySend::NotAs(alias[0].to_owned()), "the file was replaced");
    let writing = Connection::open(place.database()).unwrap();
    writing.execute("UPDATE alias SET login = 'alice@home.example'", []).unwrap();
    assert_eq!(senders.may_send(ALICE, alias).await.unwrap(), MaySend::Yes, "the file was changed");
}

#[tokio::test]
async fn a_message_has_only_so_many_senders() {
    let place = Place::new().await;
    place.write(&place.database(), &[]);
    let many: Vec<String> = (0..=MAX_ADDRESSES).map(|n| format!("a{n}@home.example")).collect();
    let answer = place.senders().may_send(ALICE, many.iter().map(String::as_str)).await.unwrap();
    assert_eq!(answer, MaySend::TooMany(MAX_ADDRESSES));
}

#[rstest]
#[case::good(QUERY, "")]
#[case::no_parameter("SELECT login FROM alias", "one parameter")]
#[case::two("SELECT login FROM alias WHERE address = ?1 OR login = ?2", "one parameter")]
#[case::writes("DELETE FROM alias WHERE address = ?1 RETURNING login", "")]
#[case::table("SELECT login FROM aliases WHERE address = ?1", "no such table: aliases")]
#[tokio::test]
async fn the_query_is_checked_before_it_is_asked(#[case] query: &str, #[case] told: &str) {
    let place = Place::new().await;
    place.write(&place.database(), &[]);
    let options = SendersOptions { database: place.database(), query: query.to_owned() };
    match check(&options) {
        Ok(()) => assert_eq!((query, told), (QUERY, "")),
        Err(error) => assert!(error.to_string().contains(told) && query != QUERY, "{error}"),
    }
}
