//! Replication peers: whether there are any. Counterpart of `ReplicationPeerManager`, whose other half is missing.

use hmaster_config::options::PeerStorage;
use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};

use super::absent::absent;
use super::pattern::Text;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::role::RoleCell;

/// The ids of all peers.
async fn peers(env: &MasterEnv) -> Result<Vec<String>, JavaException> {
    match env.options.replication.peer_storage {
        PeerStorage::ZooKeeper => {
            env.zookeeper.replication_peers().await.map_err(|error| StepError::from(error).into())
        }
        // In files, or somewhere that is yet to be invented.
        _ => Err(absent("this master reads no replication peers from files yet")),
    }
}

/// Lists no peers, if there are none.
pub(super) async fn list(
    role: &RoleCell,
    request: &pb::ListReplicationPeersRequest,
) -> Result<pb::ListReplicationPeersResponse, JavaException> {
    let env = role.initialized()?;
    let pattern = request.regex.as_deref().map(Text::new).transpose()?;
    let mut listed = Vec::new();
    for peer in peers(&env).await? {
        if pattern.as_ref().map_or(Ok(true), |pattern| pattern.matches(&peer))? {
            listed.push(peer);
        }
    }
    match listed.is_empty() {
        true => Ok(pb::ListReplicationPeersResponse::default()),
        false => Err(absent(&format!("this master can't read replication peers yet: {}", listed.join(", ")))),
    }
}

/// Something about one peer: of a peer that isn't there, it is that.
pub(super) async fn about<T>(role: &RoleCell, peer: &str) -> Result<T, JavaException> {
    let env = role.initialized()?;
    if peers(&env).await?.iter().any(|other| other == peer) {
        return Err(absent(&format!("this master can't read or change replication peers yet: {peer}")));
    }
    Err(JavaException::new(class::REPLICATION_PEER_NOT_FOUND, peer))
}

/// A new peer.
pub(super) fn add<T>(role: &RoleCell, peer: &str) -> Result<T, JavaException> {
    role.initialized()?;
    Err(absent(&format!("this master adds no replication peers yet: {peer}")))
}

/// Changes of peers under way: there can be none.
pub(super) fn modifications(
    role: &RoleCell,
) -> Result<pb::GetReplicationPeerModificationProceduresResponse, JavaException> {
    role.initialized()?;
    Ok(pb::GetReplicationPeerModificationProceduresResponse::default())
}
