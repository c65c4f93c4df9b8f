//! How a stream to an address comes about.

use std::{io, net::SocketAddr};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// What octets go through: TCP, or in a property test a pipe in memory.
#[doc(hidden)]
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Gets streams to addresses.
#[doc(hidden)]
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// A stream to this address. The caller sets the time limit.
    ///
    /// # Errors
    /// Those of the operating system; the address is then unreachable.
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>>;
}

/// Dials by TCP.
pub(crate) struct Tcp;

#[async_trait]
impl Dial for Tcp {
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(address).await?;
        // Commands are small and wait for replies.
        let _best_effort = stream.set_nodelay(true);
        Ok(Box::new(stream))
    }
}
