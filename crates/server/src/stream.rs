//! A connection to or from another program, of whichever kind its place is.

use std::io;

use tokio::net::{TcpStream, UnixStream};
use tokio_util::either::Either;

use crate::config::Place;

/// A connection, of whichever kind.
pub type Stream = Either<TcpStream, UnixStream>;

/// Connects to another program of this machine.
pub async fn connect(place: &Place) -> io::Result<Stream> {
    Ok(match place {
        Place::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            // Commands are small and wait for replies.
            let _best_effort = stream.set_nodelay(true);
            Either::Left(stream)
        }
        Place::Unix(path) => Either::Right(UnixStream::connect(path).await?),
    })
}
