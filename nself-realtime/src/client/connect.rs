//! Opening what bytes go over.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address::Address;

/// Bytes in both directions, encrypted or not.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens connections. A cheap clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Connector {
    #[cfg(feature = "client-tls")]
    pub(super) tls: Option<std::sync::Arc<super::tls::Tls>>,
}

impl Connector {
    /// Opens a connection.
    pub(super) async fn open(&self, address: &Address) -> io::Result<Box<dyn Io>> {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        // Requests are small and waited for.
        stream.set_nodelay(true)?;
        #[cfg(feature = "client-tls")]
        if address.tls {
            let tls = self.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
            return Ok(Box::new(tls.wrap(&address.host, stream).await?));
        }
        Ok(Box::new(stream))
    }
}
