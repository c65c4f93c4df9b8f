use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{Attack, Scene, Witness};

/// The attacker in front of one address of a host, over TCP. Dropped, it ends with all its connections.
pub struct Proxy {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Plan {
    attacks: VecDeque<Attack>,
    witness: Witness,
}

impl Proxy {
    /// Stands in front of this address, on a port of its own of the same address.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub async fn start(scene: Arc<Scene>, host: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((host.ip(), 0)).await?;
        let address = listener.local_addr()?;
        let plan = Arc::<Mutex<Plan>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, scene, host, Arc::clone(&plan)));
        Ok(Self { address, plan, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, these attacks in turn: the first on the next connection.
    pub fn attack(&self, attacks: &[Attack], witness: &Witness) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *plan = Plan { attacks: attacks.iter().cloned().collect(), witness: witness.clone() };
    }
}

async fn accept(listener: TcpListener, scene: Arc<Scene>, host: SocketAddr, plan: Arc<Mutex<Plan>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (attack, witness) = {
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = usize::from(!plan.attacks.is_empty());
            plan.attacks.rotate_left(turn);
            (plan.attacks.back().cloned().unwrap_or_default(), plan.witness.clone())
        };
        let scene = Arc::clone(&scene);
        connections.spawn(async move {
            if let Ok(server) = TcpStream::connect(host).await {
                let _broken = scene.between(client, server, &attack, &witness).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
