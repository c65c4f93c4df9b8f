//! A host at its address: accepts connections, or not.

use std::{
    io, mem,
    net::SocketAddr,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Mutex, watch},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    block::bind_tcp,
    conduct::Conduct,
    host::Presence,
    https,
    policy::PolicyAnswer,
    smtp::{self, Place, Records},
};

const BACKLOG: u32 = 256;

/// What every task of a world needs.
#[derive(Clone)]
pub(crate) struct Tasks {
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) records: Arc<Records>,
}

/// What stands at an address, ready.
#[derive(Clone)]
pub(crate) enum Service {
    Mail { place: Arc<Place>, conduct: Arc<Conduct> },
    Policy { place: Arc<Place>, site: Arc<https::Site> },
    Home(watch::Receiver<Option<SocketAddr>>),
}

pub(crate) struct Listener {
    address: SocketAddr,
    place: Arc<Place>,
    tasks: Tasks,
    running: Mutex<Running>,
    /// What it presents in TLS, DER.
    certificate: std::sync::Mutex<Option<Vec<u8>>>,
}

enum Running {
    /// Bound, not listening.
    Held {
        _socket: TcpSocket,
    },
    /// Listening, with a full queue that nobody empties, so that further connection requests are dropped.
    Full {
        _listener: TcpListener,
        _first: TcpStream,
    },
    Accepting {
        stop: CancellationToken,
        task: JoinHandle<()>,
    },
    Stopped,
}

impl Listener {
    pub(crate) async fn start(
        (address, socket): (SocketAddr, TcpSocket),
        place: Arc<Place>,
        service: Service,
        tasks: Tasks,
    ) -> io::Result<Self> {
        let certificate = std::sync::Mutex::new(service.certificate());
        let running = Mutex::new(run(socket, address, service, &tasks).await?);
        Ok(Self { address, place, tasks, running, certificate })
    }

    /// The certificate presented from the next connection on, DER.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn host(&self) -> &str {
        &self.place.host
    }

    pub(crate) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives the address up. Connections that exist are not touched.
    pub(crate) async fn stop(&self) {
        self.running.lock().await.stop().await;
    }

    /// From the next connection on, this stands here. Connections that exist are not touched.
    pub(crate) async fn change(&self, service: Service) -> io::Result<()> {
        let mut running = self.running.lock().await;
        running.stop().await;
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = service.certificate();
        *running = run(bind_tcp(self.address)?, self.address, service, &self.tasks).await?;
        Ok(())
    }
}

impl Service {
    fn certificate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Mail { conduct, .. } => conduct.tls.as_ref()?.certificate(),
            Self::Policy { .. } | Self::Home(_) => None,
        }
    }
}

impl Running {
    async fn stop(&mut self) {
        if let Self::Accepting { stop, task } = mem::replace(self, Self::Stopped) {
            stop.cancel();
            if let Err(error) = task.await {
                tracing::error!(%error, "a host of the small internet did not stop in order");
            }
        }
    }
}

async fn run(socket: TcpSocket, address: SocketAddr, service: Service, tasks: &Tasks) -> io::Result<Running> {
    let presence = match &service {
        Service::Mail { conduct, .. } => conduct.behaviour.presence,
        Service::Policy { site, .. } if matches!(site.answer, PolicyAnswer::Absent) => Presence::Absent,
        Service::Policy { .. } | Service::Home(_) => Presence::Listening,
    };
    match presence {
        Presence::Absent => Ok(Running::Held { _socket: socket }),
        Presence::BlackHole => {
            let listener = socket.listen(0)?;
            Ok(Running::Full { _first: TcpStream::connect(address).await?, _listener: listener })
        }
        Presence::Listening => {
            let listener = socket.listen(BACKLOG)?;
            let stop = tasks.stop.child_token();
            let task = tasks.tracker.spawn(accept(listener, service, stop.clone(), tasks.clone()));
            Ok(Running::Accepting { stop, task })
        }
    }
}

async fn accept(listener: TcpListener, service: Service, stop: CancellationToken, tasks: Tasks) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let (service, tasks) = (service.clone(), tasks.clone());
                tasks.tracker.clone().spawn(async move {
                    if let Some(Err(error)) =
                        tasks.stop.run_until_cancelled(serve(stream, service, &tasks.records)).await
                    {
                        tracing::debug!(%error, "a connection in the small internet ended");
                    }
                });
            }
            // Out of file descriptors, most likely: let some connections end first.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, service: Service, records: &Records) -> io::Result<()> {
    match service {
        Service::Mail { place, conduct } => smtp::serve(stream, &place, &conduct, records).await,
        Service::Policy { place, site } => https::serve(stream, &place, &site, records).await,
        Service::Home(home) => {
            let home = *home.borrow();
            pass_on(stream, home).await
        }
    }
}

/// Passes a connection on to the server under test.
async fn pass_on(mut stream: TcpStream, home: Option<SocketAddr>) -> io::Result<()> {
    let Some(home) = home else {
        return stream.write_all(b"421 4.3.2 The server of home.example is not there yet\r\n").await;
    };
    let mut inside = TcpStream::connect(home).await?;
    copy_bidirectional(&mut stream, &mut inside).await.map(|_| ())
}
