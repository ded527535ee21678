//! Measures a ZooKeeper: `zk_load ADDRESS [COUNT]`.
//!
//! Creates `COUNT` nodes (default 10 000) through one pipelined client, reads them, deletes them; then
//! creates some one after the other, and some from 16 clients at once. Prints what each took.

#![allow(clippy::print_stdout, reason = "a program's output")]

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use zookeeper_client as zk;

const OPEN: zk::CreateOptions<'static> = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all());

/// Requests that wait for each other, of one client.
const ONE_BY_ONE: usize = 500;

/// Clients that write at the same time.
const CLIENTS: usize = 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().ok_or("which address?")?;
    let count: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let client = zk::Client::connect(&addr).await?;
    client.create("/load", b"", &OPEN).await?;
    let paths: Vec<String> = (0..count).map(|number| format!("/load/{number:06}")).collect();

    // Requests are sent in the order in which their futures are made.
    let start = Instant::now();
    let creates: Vec<_> = paths.iter().map(|path| client.create(path, &[7; 100], &OPEN)).collect();
    for create in creates {
        create.await?;
    }
    report("pipelined creates", count, start.elapsed());

    let start = Instant::now();
    let reads: Vec<_> = paths.iter().map(|path| client.get_data(path)).collect();
    for read in reads {
        read.await?;
    }
    report("pipelined reads", count, start.elapsed());

    let start = Instant::now();
    let deletes: Vec<_> = paths.iter().map(|path| client.delete(path, None)).collect();
    for delete in deletes {
        delete.await?;
    }
    report("pipelined deletes", count, start.elapsed());

    let mut latencies = Vec::new();
    for number in 0..ONE_BY_ONE {
        let start = Instant::now();
        client.create(&format!("/load/one-{number}"), &[7; 100], &OPEN).await?;
        latencies.push(start.elapsed());
    }
    latencies.sort();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].as_micros();
    println!("creates one by one: median {} us, p99 {} us", at(0.5), at(0.99));

    let mut clients = JoinSet::new();
    let start = Instant::now();
    for number in 0..CLIENTS {
        let client = zk::Client::connect(&addr).await?;
        clients.spawn(async move {
            for round in 0..ONE_BY_ONE {
                client.create(&format!("/load/{number}-{round}"), &[7; 100], &OPEN).await?;
            }
            Ok::<_, zk::Error>(())
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    report("creates one by one of 16 clients", CLIENTS * ONE_BY_ONE, start.elapsed());

    let (children, _) = client.get_children("/load").await?;
    for child in children {
        client.delete(&format!("/load/{child}"), None).await?;
    }
    client.delete("/load", None).await?;
    Ok(())
}

fn report(what: &str, count: usize, took: Duration) {
    let per_second = count as f64 / took.as_secs_f64();
    println!("{count} {what}: {:.3} s, {per_second:.0}/s", took.as_secs_f64());
}
