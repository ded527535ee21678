//! What is wrong with a configuration beyond the values of single options: what the parts of a master say when they
//! are made. Nothing is listened at, connected to or written.

use hmaster_config::Configuration;
use hmaster_protocol::CallUser;
use hmaster_rpc::client::ClientOptions;
use hmaster_rpc::server::ServerOptions;
use hmaster_types::SystemClock;
use hmaster_zk::ZkConfig;

use crate::error::BuildError;
use crate::file_systems;
use crate::host::{Host, address_of};

/// Every reason why a master with this configuration couldn't be made, other than that a port is in use. Asks the
/// resolver, which may take a while. To be called in a tokio runtime.
pub fn problems(config: &Configuration) -> Vec<BuildError> {
    let lookup = |key: &str| config.raw().get(key).ok().flatten();
    let option = |error: String| BuildError::Option(error);
    let checks = [
        ServerOptions::from_keys(&lookup).err().map(|error| option(error.to_string())),
        ClientOptions::from_keys(CallUser::new("check"), &lookup)
            .err()
            .map(|error| option(error.to_string())),
        ZkConfig::from_lookup(lookup).err().map(|error| option(error.to_string())),
        file_systems::root_dir(config, std::sync::Arc::new(SystemClock)).err().map(BuildError::from),
        Host::find(config.options()).err().map(BuildError::from),
        bind_address(config).err(),
    ];
    checks.into_iter().flatten().collect()
}

fn bind_address(config: &Configuration) -> Result<(), BuildError> {
    let configured = config.options().rpc.bind_address.as_deref().map(str::trim).unwrap_or_default();
    if configured.is_empty() {
        return Ok(());
    }
    let address = address_of(configured);
    address
        .map(drop)
        .map_err(|error| BuildError::Option(format!("hbase.master.ipc.address: {configured}: {error}")))
}
