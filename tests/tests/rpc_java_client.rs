//! HBase's own RPC clients call a server of hmaster-rpc: every exception class, cells, large and concurrent calls,
//! what is refused; and its registries find the cluster.

#[path = "rpc_java/service.rs"]
mod service;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use hmaster_rpc::server::ServerOptions;
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, require_peers};
use hmaster_types::class::{self, Class};
use hmaster_types::{ServerName, StartCode};
use service::{Registry, Rows};
use tokio_util::sync::{CancellationToken, DropGuard};

const HEAP_MB: u32 = 1024;
const DEADLINE: Duration = Duration::from_secs(300);

/// A server that stops with this.
struct Running {
    port: u16,
    registry: Arc<Registry>,
    _shutdown: DropGuard,
}

fn serve() -> Result<Running> {
    let shutdown = CancellationToken::new();
    let registry = Arc::<Registry>::default();
    let options = ServerOptions { request_bytes_max: 32 << 20, ..ServerOptions::default() };
    let server =
        service::server(Arc::new(Rows), registry.clone(), options).bind(([127, 0, 0, 1], 0).into())?;
    let port = server.local_addr()?.port();
    let _ = registry.server.set(ServerName::new("127.0.0.1", port, StartCode(1))?);
    tokio::spawn(server.serve(shutdown.clone()));
    Ok(Running { port, registry, _shutdown: shutdown.drop_guard() })
}

async fn run(
    version: HBaseVersion,
    main: &str,
    source: (&str, &str),
    args: &[&str],
    input: &str,
) -> Result<String> {
    let classes = javac::classes(&[source], version).await?;
    let jvm = Jvm::new(HEAP_MB).folder(classes).jars(version.server_jars().await?);
    let output = jvm.command(main)?.args(args).output(input, DEADLINE).await?;
    Ok(output.success()?.to_owned())
}

/// Java's clients end the connection on the others, whichever call they answer.
fn exceptions_of_calls() -> impl Iterator<Item = &'static Class> {
    let fatal = [
        class::FATAL_CONNECTION,
        class::WRONG_VERSION,
        class::BAD_AUTH,
        class::EMPTY_SERVICE_NAME,
        class::UNSUPPORTED_CRYPTO,
        class::UNKNOWN_SERVICE,
        class::UNSUPPORTED_CELL_CODEC,
        class::UNSUPPORTED_COMPRESSION_CODEC,
    ];
    class::ALL.iter().filter(move |class| !fatal.contains(class))
}

/// The checks that went well.
async fn check(version: HBaseVersion, client: &str, codec: &str) -> Result<usize> {
    let running = serve()?;
    let mut exceptions = String::new();
    for class in exceptions_of_calls() {
        writeln!(exceptions, "{} {}", class.name, class.do_not_retry)?;
    }
    let client = format!("org.apache.hadoop.hbase.ipc.{client}");
    let args = [client.as_str(), &running.port.to_string(), codec];
    let source = ("RpcCheck.java", include_str!("../java/rpc/RpcCheck.java"));
    let output = run(version, "RpcCheck", source, &args, &exceptions).await?;
    let failed: Vec<_> = output.lines().filter(|line| line.starts_with("FAIL")).collect();
    ensure!(failed.is_empty() && output.ends_with("done\n"), "{client} {codec}:\n{}", failed.join("\n"));
    Ok(output.lines().filter(|line| line.starts_with("ok ")).count())
}

const CHECKS: usize = 17;
const KEY_VALUE: &str = "org.apache.hadoop.hbase.codec.KeyValueCodec";
const WITH_TAGS: &str = "org.apache.hadoop.hbase.codec.KeyValueCodecWithTags";

#[tokio::test(flavor = "multi_thread")]
async fn netty_client() -> Result<()> {
    require_peers!();
    for codec in [KEY_VALUE, WITH_TAGS, "none"] {
        let checks = check(HBaseVersion::V2_6, "NettyRpcClient", codec).await?;
        ensure!(checks == CHECKS + exceptions_of_calls().count(), "{checks} checks");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_client() -> Result<()> {
    require_peers!();
    for codec in [KEY_VALUE, "none"] {
        let checks = check(HBaseVersion::V2_6, "BlockingRpcClient", codec).await?;
        ensure!(checks == CHECKS + exceptions_of_calls().count(), "{checks} checks");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_of_2_6_ask_by_the_preamble_first() -> Result<()> {
    require_peers!();
    let running = serve()?;
    let source = ("RegistryCheck.java", include_str!("../java/rpc/RegistryCheck.java"));
    let port = running.port.to_string();
    let main = "org.apache.hadoop.hbase.client.RegistryCheck";
    let output = run(HBaseVersion::V2_6, main, source, &[&port], "").await?;
    let server = format!("127.0.0.1,{port},1");
    for registry in ["RpcConnectionRegistry", "MasterRegistry"] {
        for line in [
            "cluster the-cluster",
            &format!("master {server}"),
            &format!("meta hbase:meta,,1.1588230740 {server}"),
        ] {
            ensure!(
                output.contains(&format!("{registry} {line}\n")),
                "{registry} {line} is not in\n{output}"
            );
        }
    }
    ensure!(running.registry.asked_for_cluster_id.load(Ordering::SeqCst) > 0, "by GetClusterId only");
    Ok(())
}
