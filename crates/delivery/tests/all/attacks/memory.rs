//! Attacks over streams in memory, in a time that passes only when nothing else happens.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use delivery::{Courier, Dial, Fate, Patience, Stream};
use guarantee::Requirement;
use proptest::{
    prop_assert,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use rstest::rstest;
use small_internet::{Attack, Cut, Direction, End, Scene, Seen, Versions, Witness};
use tokio::{runtime::Runtime, task::JoinSet, time::timeout};

use super::{
    IN_MEMORY,
    case::{self, Case, HOST},
    tally::Tally,
};

/// The versions that the true hosts speak, one thread each.
const HOSTS: [Versions; 4] = [Versions::Both, Versions::Tls12, Versions::Tls13, Versions::Both];

/// Longer than any attempt may take, in the time of the attempt.
const FOR_EVER: Duration = Duration::from_hours(4);

#[test]
fn nothing_leaves_in_clear_or_to_a_host_that_is_excluded() {
    let threads: Vec<_> = (0_u8..)
        .zip(HOSTS)
        .map(|(seed, versions)| thread::spawn(move || attack(seed, versions, IN_MEMORY / 4)))
        .collect();
    let mut tally = Tally::default();
    for thread in threads {
        tally.add(&thread.join().unwrap());
    }
    println!("{tally}");
    assert_eq!(tally.attacks, u64::from(IN_MEMORY));
    tally.assert_that_much_was_tried();
}

/// The dialogue is cut at each of its octets, in each direction, whenever it is tried.
#[rstest]
#[case::tls_1_2(Versions::Tls12)]
#[case::tls_1_3(Versions::Tls13)]
fn a_cut_at_any_octet_lets_nothing_out(#[case] versions: Versions) {
    let ground = Ground::new(versions);
    let (_, calm) = ground.run(&Case::guaranteed(Attack::default())).unwrap();
    let mut tally = Tally::default();
    for (direction, octets) in [(Direction::ToClient, calm.answered), (Direction::ToHost, calm.wire.len())] {
        for after in 0..=octets {
            let cut = Some(Cut { direction, after, end: End::Close });
            let case = Case::guaranteed(Attack { cut, ..Attack::default() });
            tally.add(&ground.try_case(&case).unwrap_or_else(|why| panic!("{why}\n{case:#?}")));
        }
    }
    println!("cut at each octet: {tally}");
    assert_eq!(tally.attacks as usize, calm.answered + calm.wire.len() + 2);
    // Only what comes behind the 250 to the message is not missed.
    assert!((2..200).contains(&tally.delivered), "{tally}");
}

/// So many attacks on one host, always the same for one seed.
fn attack(seed: u8, versions: Versions, cases: u32) -> Tally {
    let ground = Ground::new(versions);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::XorShift, &[seed + 1; 16]));
    let tally = Mutex::new(Tally::default());
    let outcome = runner.run(&case::case(), |case| {
        let tried = ground.try_case(&case)?;
        tally.lock().unwrap().add(&tried);
        Ok(())
    });
    match outcome {
        Ok(()) => tally.into_inner().unwrap(),
        Err(TestError::Fail(why, case)) => panic!("{why}\n{case:#?}"),
        Err(abort) => panic!("{abort}"),
    }
}

/// A host with an attacker in front of it, and a courier that sends there.
struct Ground {
    runtime: Runtime,
    dial: Arc<ThroughTheAttacker>,
    courier: Courier,
    certificate: Vec<u8>,
    offers_requiretls: bool,
    _data: tempfile::TempDir,
}

impl Ground {
    fn new(versions: Versions) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut scene = Scene::new(data.path(), HOST, versions).unwrap();
        let offers_requiretls = versions == Versions::Both;
        if !offers_requiretls {
            scene = scene.without_requiretls();
        }
        let certificate = scene.certificate().unwrap();
        let ca = scene.ca().to_vec();
        let dial = Arc::new(ThroughTheAttacker { scene: Arc::new(scene), state: Mutex::default() });
        let courier =
            Courier::dialing(case::settings(ca), Patience::default(), Arc::clone(&dial) as Arc<dyn Dial>)
                .unwrap();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let ground = Self { runtime, dial, courier, certificate, offers_requiretls, _data: data };
        // An old handshake to replay; and without an attack everything goes as it should.
        let calm = ground.try_case(&Case::guaranteed(Attack::default())).unwrap();
        assert_eq!((calm.delivered, calm.handshakes), (1, 1));
        ground
    }

    fn try_case(&self, case: &Case) -> Result<Tally, TestCaseError> {
        let (fates, seen) = self.run(case)?;
        for (requirement, fate) in case.mails.iter().zip(&fates) {
            // RFC 8689 §4.2.1: what was said before the handshake, or behind its 220, does not count.
            let promised =
                self.offers_requiretls || seen.deceived > 0 || *requirement != Requirement::RequireTls;
            prop_assert!(
                promised || !matches!(fate, Fate::Delivered { .. }),
                "a promise that the host did not make"
            );
        }
        case.check(&fates, &seen, &self.certificate)
    }

    fn run(&self, case: &Case) -> Result<(Vec<Fate>, Seen), TestCaseError> {
        self.runtime.block_on(async {
            let witness = self.dial.begin(&case.attacks);
            let mut fates = Vec::new();
            for (number, requirement) in case.mails.iter().enumerate() {
                let told = |age| (case.facts(age, (&self.dial.scene, &self.certificate)), 25);
                let attempt =
                    self.courier.attempt_by(case::mail(number, case::DOMAIN, *requirement), Some(&told));
                let attempted = timeout(FOR_EVER, attempt).await;
                let attempted = attempted.map_err(|_| TestCaseError::fail("the attempt does not end"))?;
                fates.extend(attempted.fates);
            }
            self.courier.close_idle().await;
            let ended = timeout(FOR_EVER, self.dial.end()).await;
            ended.map_err(|_| TestCaseError::fail("a connection does not end"))?;
            Ok((fates, witness.seen()))
        })
    }
}

/// Dials the attacker, whatever the address.
struct ThroughTheAttacker {
    scene: Arc<Scene>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    attacks: Vec<Attack>,
    dialled: usize,
    witness: Witness,
    connections: JoinSet<()>,
}

impl ThroughTheAttacker {
    /// From now on these attacks, the first on the next connection.
    fn begin(&self, attacks: &[Attack]) -> Witness {
        let witness = Witness::default();
        *self.state.lock().unwrap() =
            State { attacks: attacks.to_vec(), witness: witness.clone(), ..State::default() };
        witness
    }

    /// Waits until every connection has ended.
    async fn end(&self) {
        let connections = std::mem::take(&mut self.state.lock().unwrap().connections);
        connections.join_all().await;
    }
}

#[async_trait]
impl Dial for ThroughTheAttacker {
    async fn dial(&self, _address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let mut state = self.state.lock().unwrap();
        let attack = state.attacks[state.dialled % state.attacks.len()].clone();
        state.dialled += 1;
        let (scene, witness) = (Arc::clone(&self.scene), state.witness.clone());
        state.connections.spawn(async move { scene.serve(far, &attack, &witness).await });
        Ok(Box::new(near))
    }
}

/// The addresses of the host.
pub(super) const ADDRESSES: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2))];
