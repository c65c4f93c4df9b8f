//! Worlds begin, live side by side, end, and go on.

use std::net::{TcpListener, UdpSocket};

use small_internet::{Behaviour, Coordinates, Domain, World, WorldConfig};
use tokio::task::block_in_place;

use crate::{
    Fixture,
    client::{Client, Demand},
};

fn bring(world: &World, domain: &str, message_id: &str) {
    let address = (world.addresses(&format!("mx.{domain}"))[0], world.smtp_port()).into();
    block_in_place(|| {
        let mut client = Client::connect(address).unwrap();
        client.expect("HELO c", "250");
        let content = format!("Message-ID: <{message_id}>\r\n\r\nx");
        assert!(client.bring(&format!("bob@{domain}"), content.as_bytes()).unwrap().starts_with("250"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let config = WorldConfig {
        extra: vec![Domain::new("zz.example", Behaviour::tls())],
        ..WorldConfig::new(data.path())
    };
    let first = World::start(config).await.unwrap();
    bring(&first, "plain.example", "1@home.example");
    let (coordinates, ca, deliveries) =
        (first.coordinates().clone(), first.ca_pem().to_owned(), first.deliveries());
    assert_eq!(Coordinates::load(data.path()).unwrap(), coordinates);
    let certificate =
        std::fs::read(data.path().join("small-internet/certificates/mx.tls.example.self-signed.pem"))
            .unwrap();
    first.shutdown().await;
    drop(first);

    // One domain is gone, another has come, whose name sorts before all others.
    let config = WorldConfig {
        extra: vec![Domain::new("aa.example", Behaviour::tls())],
        ..WorldConfig::new(data.path())
    };
    let second = World::start(config).await.unwrap();
    assert_eq!(second.ca_pem(), ca);
    assert_eq!(second.deliveries(), deliveries);
    let again = second.coordinates();
    assert_eq!((again.dns, again.smtp_port), (coordinates.dns, coordinates.smtp_port));
    assert_eq!((again.https_port, &again.trust_anchor), (coordinates.https_port, &coordinates.trust_anchor));
    for (host, addresses) in &coordinates.hosts {
        let expected: &[_] = if host.ends_with("zz.example") { &[] } else { addresses };
        assert_eq!(second.addresses(host), expected, "{host}");
    }
    let again = std::fs::read(data.path().join("small-internet/certificates/mx.tls.example.self-signed.pem"))
        .unwrap();
    assert_eq!(again, certificate);
    let verify = Some((&*ca, "mx.verified.example"));
    let address = (second.addresses("mx.verified.example")[0], second.smtp_port()).into();
    block_in_place(|| {
        let client = Client::connect(address).unwrap();
        assert!(client.starttls(&Demand { verify, ..Demand::modern() }).is_ok());
    });
    bring(&second, "plain.example", "2@home.example");
    let ids: Vec<_> = second.deliveries().into_iter().map(|delivery| delivery.message_id).collect();
    assert_eq!(ids, ["1@home.example", "2@home.example"]);
    assert!(second.raw(1).unwrap().starts_with(b"Message-ID: <2@"));
}

/// The world of a version that knew neither DNSSEC nor policy hosts.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_world_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let first = World::start(WorldConfig::new(data.path())).await.unwrap();
    let before = first.coordinates().clone();
    first.shutdown().await;
    drop(first);
    let path = data.path().join("small-internet.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let fields = json.as_object_mut().unwrap();
    assert!(fields.remove("https_port").is_some() && fields.remove("trust_anchor").is_some());
    std::fs::write(&path, json.to_string()).unwrap();

    let second = World::start(WorldConfig::new(data.path())).await.unwrap();
    let after = second.coordinates();
    assert_eq!((&after.hosts, after.smtp_port), (&before.hosts, before.smtp_port));
    assert!(![0, after.smtp_port].contains(&after.https_port));
    assert_eq!(std::fs::read_to_string(&after.trust_anchor).unwrap(), second.trust_anchor());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_moves_when_its_place_is_taken() {
    let data = tempfile::tempdir().unwrap();
    let first = World::start(WorldConfig::new(data.path())).await.unwrap();
    let before = first.coordinates().clone();
    first.shutdown().await;
    drop(first);
    let _taken = TcpListener::bind((before.hosts["mx.tls.example"][0], before.smtp_port)).unwrap();
    let second = World::start(WorldConfig::new(data.path())).await.unwrap();
    assert_ne!(second.addresses("mx.tls.example"), before.hosts["mx.tls.example"]);
    bring(&second, "plain.example", "1@home.example");
    assert_eq!(&Coordinates::load(data.path()).unwrap(), second.coordinates());
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_live_side_by_side() {
    let (one, two) = (Fixture::new().await, Fixture::new().await);
    assert_ne!(one.world.dns_addr(), two.world.dns_addr());
    assert_ne!(one.world.ca_pem(), two.world.ca_pem());
    bring(&one.world, "plain.example", "1@home.example");
    bring(&two.world, "tls.example", "2@home.example");
    assert_eq!((one.world.deliveries().len(), two.world.deliveries().len()), (1, 1));
    assert_eq!(two.world.deliveries()[0].domain, "tls.example");
    assert_eq!(one.world.commands("mx.tls.example"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_do_not_share_a_directory() {
    let fixture = Fixture::new().await;
    let error = World::start(WorldConfig::new(fixture.data.path())).await.err().unwrap();
    assert!(error.to_string().contains("another small internet runs with"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_shutdown_nothing_runs_or_listens() {
    let fixture = Fixture::new().await;
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(before > 10, "{before} tasks are too few to be all hosts");
    // Connections in every state, which would last for minutes.
    let _greeted = block_in_place(|| fixture.connect("mx.tls.example"));
    let _hello = block_in_place(|| {
        let mut client = fixture.connect("mx.tls.example");
        client.expect("STARTTLS", "220");
        client
    });
    let _encrypted =
        block_in_place(|| fixture.connect("mx.tls.example").starttls(&Demand::modern())).unwrap();
    fixture
        .world
        .set_behaviour(fixture.world.addresses("mx.plain.example")[0], Behaviour::black_hole())
        .await
        .unwrap();
    let _dns = std::net::TcpStream::connect(fixture.world.dns_addr()).unwrap();
    fixture.world.shutdown().await;
    // The runtime counts a task until shortly after its end.
    let gone = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.expect("no task is left");
    for address in fixture.world.coordinates().hosts.values().flatten() {
        TcpListener::bind((*address, fixture.world.smtp_port())).unwrap();
    }
    UdpSocket::bind(fixture.world.dns_addr()).unwrap();
    TcpListener::bind(fixture.world.dns_addr()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_world_stops_too() {
    let Fixture { world, data } = Fixture::new().await;
    let address: std::net::SocketAddr = (world.addresses("mx.tls.example")[0], world.smtp_port()).into();
    let mut client = Client::connect(address).unwrap();
    drop(world);
    assert!(block_in_place(|| client.rest()).unwrap().is_empty());
    drop(data);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_waited_for_as_events() {
    let fixture = Fixture::new().await;
    let second =
        fixture.world.wait_for(|all| all.iter().find(|one| one.message_id == "2@home.example").cloned());
    let bring = async {
        bring(&fixture.world, "plain.example", "1@home.example");
        bring(&fixture.world, "plain.example", "2@home.example");
    };
    let (found, ()) = tokio::join!(second, bring);
    assert_eq!(found, fixture.world.deliveries()[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_kept() {
    let fixture = Fixture::new().await;
    let address = fixture.host("mx.plain.example");
    let clients = (0..20).map(|n| {
        tokio::task::spawn_blocking(move || {
            let mut client = Client::connect(address).unwrap();
            client.expect("HELO c", "250");
            for m in 0..5 {
                let id = format!("{n}.{m}");
                let content = format!("Message-ID: <{id}>\r\n\r\n{id}");
                assert!(client.bring("bob@plain.example", content.as_bytes()).unwrap().starts_with("250"));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let deliveries = fixture.world.deliveries();
    assert_eq!(deliveries.len(), 100);
    for (number, delivery) in deliveries.iter().enumerate() {
        let raw = String::from_utf8(fixture.world.raw(number).unwrap()).unwrap();
        assert_eq!(raw, format!("Message-ID: <{0}>\r\n\r\n{0}\r\n", delivery.message_id));
    }
    let text = std::fs::read_to_string(fixture.data.path().join("deliveries.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 100);
}

#[test]
fn without_a_world_coordinates_say_so() {
    let error = Coordinates::load(std::path::Path::new("/nonexistent")).unwrap_err();
    assert!(error.to_string().contains("no small internet in /nonexistent"), "{error:#}");
}
