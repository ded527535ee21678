//! A master within a program of one's own: `cargo run --example embed -- /etc/hbase/conf`.

use hmaster::{Configuration, Master};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let conf_dir = std::env::args_os().nth(1);
    let config = Configuration::load(conf_dir.as_ref().map(AsRef::as_ref), &[])?;
    let master = Master::builder(config).build()?; // it listens now
    let handle = master.handle();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(master.run(shutdown.clone()));
    let active = handle.initialized().await; // elected, loaded, serving
    tracing::info!("{} leads {} region servers", handle.server(), active.servers.online_count());
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    Ok(running.await??)
}
