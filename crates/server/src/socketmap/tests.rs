use guarantee::Switch;
use store::Sqlite;
use tokio::net::UnixStream;

use super::*;
use crate::config::Place;

const TRANSPORT: &str = "tls-guarantee:[127.0.0.1]:10025";

struct Table {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    stop: CancellationToken,
}

impl Table {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path().join("test.db")).expect("opens"));
        store.ensure_account("alice@home.example", Timestamp::now()).await.expect("made");
        Self { folder, store, stop: CancellationToken::new() }
    }

    async fn serve(&self, senders: Senders) -> UnixStream {
        let path = self.folder.path().join("socketmap");
        let listener = Listener::bind("socketmap", &Place::Unix(path.clone())).await.expect("binds");
        let guests = Guests::new("relay.users", &[]).expect("no names");
        let (store, stop) = (Arc::clone(&self.store), self.stop.clone());
        tokio::spawn(Socketmap::new(store, senders, guests, TRANSPORT.to_owned(), stop).serve(listener));
        UnixStream::connect(path).await.expect("connects")
    }
}

async fn ask(stream: &mut UnixStream, request: &str) -> String {
    stream.write_all(&wire::netstring(request)).await.expect("written");
    let mut input = BytesMut::new();
    loop {
        if let Some(reply) = wire::take(&mut input).expect("a netstring") {
            return String::from_utf8(reply.to_vec()).expect("text");
        }
        assert_ne!(stream.read_buf(&mut input).await.expect("read"), 0, "closed");
    }
}

#[tokio::test]
async fn answers_follow_the_switch_at_once() {
    let table = Table::new().await;
    let mut postfix = table.serve(Senders::own(Arc::clone(&table.store))).await;
    assert_eq!(ask(&mut postfix, "sdt alice@home.example").await, "NOTFOUND ");
    table.store.set_guarantee("alice@home.example", Switch::On, None).await.expect("set");
    for key in ["alice@home.example", "Alice+shop@home.example"] {
        assert_eq!(ask(&mut postfix, &format!("sdt {key}")).await, format!("OK {TRANSPORT}"));
        assert_eq!(ask(&mut postfix, &format!("filter {key}")).await, format!("OK FILTER {TRANSPORT}"));
    }
    // what check_sender_access asks besides the address
    for key in ["home.example", "example", "alice@", "bob@home.example"] {
        assert_eq!(ask(&mut postfix, &format!("filter {key}")).await, "NOTFOUND ", "{key}");
    }
    for key in ["bob@home.example", "@home.example", "<>", "\"<>\"", "erik@tls.example"] {
        assert_eq!(ask(&mut postfix, &format!("any {key}")).await, "NOTFOUND ", "{key}");
    }
    assert!(ask(&mut postfix, "sdt").await.starts_with("PERM "));
    table.store.set_guarantee("alice@home.example", Switch::Off, None).await.expect("set");
    assert_eq!(ask(&mut postfix, "sdt alice@home.example").await, "NOTFOUND ");
    table.stop.cancel();
    assert_eq!(postfix.read(&mut [0; 8]).await.expect("read"), 0, "the shutdown ends it");
}

#[tokio::test]
async fn a_demand_for_some_message_takes_the_way_through_us_too() {
    let table = Table::new().await;
    let mut postfix = table.serve(Senders::own(Arc::clone(&table.store))).await;
    let demand = store::DemandRow {
        account: "alice@home.example".to_owned(),
        message_id: "m1@home.example".to_owned(),
        expires_at: Timestamp::now() + jiff::SignedDuration::from_hours(1),
    };
    let recorded = table.store.record_demand(&demand).await.expect("answered");
    assert_eq!(recorded, store::RecordedDemand::Recorded);
    assert_eq!(ask(&mut postfix, "filter alice@home.example").await, format!("OK FILTER {TRANSPORT}"));
    assert_eq!(ask(&mut postfix, "filter bob@home.example").await, "NOTFOUND ");
}

#[tokio::test]
async fn a_failing_look_up_defers() {
    let table = Table::new().await;
    let database = table.folder.path().join("missing.sqlite");
    let options = crate::config::SendersOptions { database, query: "SELECT 1".to_owned() };
    let mut postfix = table.serve(Senders::new(Arc::clone(&table.store), Some(&options))).await;
    assert!(ask(&mut postfix, "sdt x@home.example").await.starts_with("TEMP "));
}

#[tokio::test]
async fn what_is_no_netstring_ends_the_connection() {
    let table = Table::new().await;
    let mut client = table.serve(Senders::own(Arc::clone(&table.store))).await;
    client.write_all(b"EHLO x\r\n").await.expect("written");
    assert_eq!(client.read(&mut [0; 8]).await.expect("read"), 0);
}
