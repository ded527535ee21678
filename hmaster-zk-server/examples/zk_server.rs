//! A ZooKeeper server on the command line: `zk_server [--data-dir DIR] [--port PORT] [--tick-ms MS]`.
//!
//! Prints its address, and runs until it is interrupted. Without a data folder everything is in
//! memory.

#![allow(clippy::print_stdout, reason = "a program's output")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hmaster_zk_server::ZkServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut builder = ZkServer::builder();
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
        builder = match option.as_str() {
            "--data-dir" => builder.data_dir(value),
            "--port" => builder.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, value.parse()?))),
            "--tick-ms" => builder.tick_time(Duration::from_millis(value.parse()?)),
            other => return Err(format!("unknown option {other}").into()),
        };
    }
    let mut server = builder.start().await?;
    println!("{}", server.local_addr());
    tokio::select! {
        result = server.stopped() => result?,
        _ = tokio::signal::ctrl_c() => server.shutdown().await?,
    }
    Ok(())
}
