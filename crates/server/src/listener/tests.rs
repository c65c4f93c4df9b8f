use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn place(folder: &tempfile::TempDir) -> Place {
    Place::Unix(folder.path().join("socket"))
}

fn path(place: &Place) -> &Path {
    match place {
        Place::Unix(path) => path,
        Place::Tcp(_) => panic!("a socket's path"),
    }
}

#[tokio::test]
async fn a_socket_is_for_owner_and_group_and_goes_with_its_listener() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = place(&folder);
    let listener = Listener::bind("store", &place).await.expect("binds");
    let mode = fs::metadata(path(&place)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    drop(listener);
    assert!(!path(&place).exists());
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_one_in_use_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = place(&folder);
    drop(std::os::unix::net::UnixListener::bind(path(&place)).expect("binds"));
    assert!(path(&place).exists(), "left behind");
    let first = Listener::bind("store", &place).await.expect("replaces it");
    let error = format!("{:#}", Listener::bind("store", &place).await.err().expect("in use"));
    assert!(error.starts_with("listen.store = ") && error.contains("another program listens"), "{error}");
    assert!(UnixStream::connect(path(&place)).await.is_ok(), "the first goes on");
    // What took its place is not ours to remove.
    fs::remove_file(path(&place)).expect("removed");
    fs::write(path(&place), "x").expect("written");
    drop(first);
    let error = format!("{:#}", Listener::bind("store", &place).await.err().expect("a file"));
    assert!(error.contains("something else than a socket"), "{error}");
}

#[tokio::test]
async fn no_folder_is_told() {
    let place = Place::Unix("/nowhere/socket".into());
    let error = format!("{:#}", Listener::bind("relay", &place).await.err().expect("no folder"));
    assert!(error.starts_with("listen.relay = /nowhere/socket: is there such a folder"), "{error}");
}

/// The kernel names the peer's user, for both kinds.
#[tokio::test]
async fn both_kinds_tell_who_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    for place in [place(&folder), Place::Tcp("127.0.0.1:0".parse().expect("an address"))] {
        let listener = Listener::bind("store", &place).await.expect("binds");
        let at = listener.place().expect("bound");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(listener.serve(stop.clone(), |mut stream, peer| async move {
            let guests = Guests::new("store.users", &[]).expect("no names");
            let admitted = guests.admit(&peer).expect("known");
            stream.write_all(format!("{} {admitted}", peer.ip()).as_bytes()).await.expect("written");
        }));
        let mut client = crate::stream::connect(&at).await.expect("connects");
        let mut said = String::new();
        client.read_to_string(&mut said).await.expect("read");
        assert_eq!(said, "127.0.0.1 true");
        stop.cancel();
        serving.await.expect("ends");
    }
}

#[rstest]
#[case("192.0.2.1:25", "[192.0.2.1]")]
#[case("[2001:db8::1]:25", "[IPv6:2001:db8::1]")]
#[case::of_ipv4_at_a_socket_for_both("[::ffff:192.0.2.1]:25", "[192.0.2.1]")]
fn a_trace_names_the_address_as_an_address_literal(#[case] peer: SocketAddr, #[case] literal: &str) {
    let peer = Peer::At { peer, local: peer };
    assert_eq!(peer.literal(), literal);
}
