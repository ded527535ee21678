//! A stretch of network between a client and a server that a test can let packets vanish on.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Forwards connections to a server.
#[derive(Debug)]
pub(crate) struct Proxy {
    addr: SocketAddr,
    open: watch::Sender<bool>,
    _accept: AbortOnDropHandle<()>,
}

impl Proxy {
    /// A way to `server`, open.
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (open, _) = watch::channel(true);
        let accept = tokio::spawn(accept(listener, server, open.clone()));
        Self { addr, open, _accept: AbortOnDropHandle::new(accept) }
    }

    /// Where clients connect to.
    pub(crate) fn connect_string(&self) -> String {
        self.addr.to_string()
    }

    /// From now on packets vanish; connections stay.
    pub(crate) fn swallow(&self) {
        self.open.send_replace(false);
    }

    /// New connections get through again.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, open: watch::Sender<bool>) {
    while let Ok((client, _)) = listener.accept().await {
        let mut open = open.subscribe();
        tokio::spawn(async move {
            // A connection that is made while packets vanish is never answered.
            if open.wait_for(|open| *open).await.is_err() {
                return;
            }
            let Ok(server) = TcpStream::connect(server).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let there = copy(from_client, to_server, open.clone());
            let back = copy(from_server, to_client, open);
            tokio::select! {
                () = there => {}
                () = back => {}
            }
        });
    }
}

/// Copies as long as packets get through; then keeps the connection and copies nothing more.
async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    open: watch::Receiver<bool>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !*open.borrow() {
            return std::future::pending().await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
