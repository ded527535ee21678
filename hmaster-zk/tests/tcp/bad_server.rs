//! A peer that speaks ZooKeeper's protocol for a while, and then doesn't.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// Answers each request with what a test says.
#[derive(Debug)]
pub(crate) struct BadServer {
    addr: String,
    _accept: AbortOnDropHandle<()>,
}

/// What the peer does.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// The whole answer to a request for a session, none for a good one.
    pub(crate) greeting: Option<Vec<u8>>,
    /// What follows the transaction id in the answer to any other request.
    pub(crate) reply: Vec<u8>,
    /// Whether answers begin with the length they have, or another.
    pub(crate) length: Option<i32>,
}

impl BadServer {
    /// Listens.
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manners.clone()));
            }
        };
        Self { addr, _accept: AbortOnDropHandle::new(tokio::spawn(accept)) }
    }

    /// Where clients connect to.
    pub(crate) fn connect_string(&self) -> String {
        self.addr.clone()
    }
}

async fn serve(mut stream: TcpStream, manners: Manners) -> Option<()> {
    read_frame(&mut stream).await?;
    let greeting = manners.greeting.unwrap_or_else(good_greeting);
    stream.write_all(&greeting).await.ok()?;
    loop {
        let request = read_frame(&mut stream).await?;
        let xid = request.get(..4)?;
        let is_ping = xid == (-2i32).to_be_bytes();
        let body = if is_ping { vec![0; 12] } else { manners.reply.clone() };
        let length = manners.length.filter(|_| !is_ping).unwrap_or(4 + body.len() as i32);
        stream.write_all(&[&length.to_be_bytes()[..], xid, &body].concat()).await.ok()?;
    }
}

async fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = stream.read_i32().await.ok()?;
    let mut frame = vec![0; usize::try_from(length).ok()?];
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

/// A session of one second.
pub(crate) fn good_greeting() -> Vec<u8> {
    let body = [
        &0i32.to_be_bytes()[..],
        &1000i32.to_be_bytes(),
        &7i64.to_be_bytes(),
        &16i32.to_be_bytes(),
        &[1; 16],
        &[0],
    ];
    let body = body.concat();
    [&(body.len() as i32).to_be_bytes()[..], &body].concat()
}

/// What stands in a reply after the transaction id: newest transaction, error, and the result.
pub(crate) fn reply(error: i32, result: &[u8]) -> Vec<u8> {
    [&1i64.to_be_bytes()[..], &error.to_be_bytes(), result].concat()
}
