//! Names of hosts by address. Counterpart of `InetAddress.getHostName`.

use std::net::IpAddr;

use async_trait::async_trait;
use hmaster_core::services::HostNames;

/// What the system's resolver says.
pub(crate) struct SystemHostNames;

#[async_trait]
impl HostNames for SystemHostNames {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        // The resolver blocks, for as long as it is configured to.
        let looked_up = tokio::task::spawn_blocking(move || dns_lookup::lookup_addr(&address)).await.ok()?;
        let name = looked_up.ok()?;
        // Without a name the resolver gives the address back as text.
        let is_address = name.parse::<IpAddr>().is_ok();
        (!is_address && !name.is_empty()).then_some(name)
    }
}
