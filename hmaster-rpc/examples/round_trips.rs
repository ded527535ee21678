//! Measures round trips of `AdminService.GetServerInfo`, against our server or any region server.
//!
//! ```text
//! round_trips serve PORT
//! round_trips call HOST:PORT CALLERS SECONDS
//! ```

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_protocol::services::admin_service::{self, AdminService};
use hmaster_protocol::{CallContext, CallUser, pb};
use hmaster_rpc::Histogram;
use hmaster_rpc::client::{CallOptions, ClientOptions, RpcClient};
use hmaster_rpc::server::RpcServer;
use hmaster_types::{Address, JavaException};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

struct Info;

#[async_trait]
impl AdminService<CallContext> for Info {
    async fn get_server_info(
        &self,
        _call: &CallContext,
        _request: pb::GetServerInfoRequest,
    ) -> Result<pb::GetServerInfoResponse, JavaException> {
        let server_name =
            pb::ServerName { host_name: "localhost".into(), port: Some(16020), start_code: Some(1) };
        Ok(pb::GetServerInfoResponse { server_info: pb::ServerInfo { server_name, webui_port: Some(16030) } })
    }
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", port] => serve(port.parse()?).await,
        ["call", address, callers, seconds] => {
            call(address.parse()?, callers.parse()?, Duration::from_secs(seconds.parse()?)).await
        }
        _ => Err("serve PORT | call HOST:PORT CALLERS SECONDS".into()),
    }
}

async fn serve(port: u16) -> Fallible<()> {
    let server = RpcServer::builder()
        .service(admin_service::Server(Arc::new(Info)))
        .bind((Ipv4Addr::LOCALHOST, port).into())?;
    let metrics = server.metrics();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(server.serve(shutdown.clone()));
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    serving.await?;
    let (queued, handled) = (metrics.queue_us.snapshot(), metrics.process_us.snapshot());
    report(&format!(
        "{} calls; queued {} us, handled {} us in the mean",
        queued.count,
        queued.mean(),
        handled.mean()
    ));
    Ok(())
}

async fn call(address: Address, callers: usize, time: Duration) -> Fallible<()> {
    let client = RpcClient::new(ClientOptions::new(CallUser::new("bench")));
    for warm_up in [true, false] {
        let time = if warm_up { time / 4 } else { time };
        let micros = Arc::new(Histogram::default());
        let mut tasks = JoinSet::new();
        let until = Instant::now() + time;
        for _ in 0..callers {
            let (client, address, micros) = (client.clone(), address.clone(), micros.clone());
            tasks.spawn(async move {
                let request = pb::GetServerInfoRequest::default();
                while Instant::now() < until {
                    let start = Instant::now();
                    let answer = client
                        .call(&address, admin_service::GET_SERVER_INFO, &request, CallOptions::default())
                        .await;
                    answer.expect("the server answers");
                    micros.record(start.elapsed().as_micros() as u64);
                }
            });
        }
        tasks.join_all().await;
        if !warm_up {
            let of = micros.snapshot();
            let (p50, p99, max) = (of.quantile(0.5), of.quantile(0.99), of.max);
            let rate = of.count as f64 / time.as_secs_f64();
            report(&format!("{callers} callers: {rate:.0}/s, median {p50} us, 99 % {p99} us, max {max} us"));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn report(line: &str) {
    println!("{line}");
}
