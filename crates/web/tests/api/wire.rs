//! A wire to a server, which can be cut and mended.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What comes in at its address goes to the server, and back.
pub struct Wire {
    address: SocketAddr,
    server: String,
    carrying: JoinHandle<()>,
}

impl Wire {
    /// A wire to the server at that address.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self {
            address,
            server: server.to_owned(),
            carrying: tokio::spawn(carry(listener, server.to_owned())),
        }
    }

    /// Where it begins.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Carries nothing from now on.
    pub async fn cut(&mut self) {
        self.carrying.abort();
        let ended = (&mut self.carrying).await;
        assert!(ended.unwrap_err().is_cancelled());
    }

    /// Carries again.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.carrying = tokio::spawn(carry(listener, self.server.clone()));
    }
}

/// The connections end with this.
async fn carry(listener: TcpListener, server: String) {
    let mut connections = JoinSet::new();
    while let Ok((mut here, _)) = listener.accept().await {
        let server = server.clone();
        connections.spawn(async move {
            let mut there = TcpStream::connect(&server).await?;
            copy_bidirectional(&mut here, &mut there).await
        });
    }
}
