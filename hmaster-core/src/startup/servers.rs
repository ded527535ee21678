//! Which region servers are alive, and which died while nobody looked. Counterpart of `RegionServerTracker.upgrade`.

use std::collections::BTreeSet;

use hmaster_types::ServerName;

use crate::crash::ServerCrash;
use crate::environment::Reign;
use crate::error::StepError;
use crate::message::Event;
use crate::ports::files::WalFolder;

/// What was found out about servers from four sides.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Those with a znode.
    pub(crate) live: BTreeSet<ServerName>,
    /// Those whose recovery is under way.
    pub(crate) recovering: BTreeSet<ServerName>,
    /// Those that the store has as started.
    pub(crate) started: BTreeSet<ServerName>,
    /// Those that hbase:meta's regions may be open on.
    pub(crate) carriers: BTreeSet<ServerName>,
    /// Those with a folder of WALs.
    pub(crate) folders: Vec<WalFolder>,
}

impl Findings {
    /// The servers whose WALs may not be split and whose recovery hasn't begun.
    ///
    /// Java looks at folders without `-splitting` only: a folder that was fenced by a master that died before its
    /// recovery was stored would be forgotten with all its edits (danger 16). A server that lives but is fenced was
    /// given up by an earlier master and can't write any more.
    pub(crate) fn to_recover(&self) -> BTreeSet<ServerName> {
        let dead = |server: &ServerName| !self.live.contains(server);
        let fenced = self.folders.iter().filter(|folder| folder.is_splitting).map(|folder| &folder.server);
        let left = self.folders.iter().filter(|folder| !folder.is_splitting).map(|folder| &folder.server);
        let mut servers: BTreeSet<_> = self
            .started
            .iter()
            .chain(&self.carriers)
            .chain(left)
            .filter(|server| dead(server))
            .cloned()
            .collect();
        servers.extend(fenced.cloned());
        servers.retain(|server| !self.recovering.contains(server));
        servers
    }
}

/// Registers the servers that live, and submits the recovery of those that don't.
pub(super) async fn find_servers(reign: &Reign) -> Result<(), StepError> {
    let env = &reign.env;
    let nodes = env.zookeeper.region_servers().await?;
    let findings = Findings {
        live: nodes.iter().map(|node| node.server.clone()).collect(),
        recovering: recoveries(reign),
        started: env.store.servers().await?.into_iter().collect(),
        // Nothing else is known of regions by now.
        carriers: env.regions.servers().into_iter().collect(),
        folders: env.files.wal_folders().await?,
    };
    for server in &findings.recovering {
        env.servers.recovering(server);
        // Its process may still answer, with what is no longer true.
        if env.regions.is_carrying_meta(server) {
            env.catalog.set_place(None);
            env.set_condition(Event::MetaAssigned, false);
        }
    }
    for node in nodes.iter().filter(|node| !findings.recovering.contains(&node.server)) {
        env.servers.found(&node.server, node.version.clone());
    }
    for server in env.zookeeper.draining().await? {
        env.servers.drain(&server);
    }
    let to_recover = findings.to_recover();
    tracing::info!(
        live = nodes.len(),
        recovering = findings.recovering.len(),
        dead = to_recover.len(),
        "region servers"
    );
    for server in to_recover {
        env.expire_server(&server).await;
    }
    Ok(())
}

/// The servers whose recoveries were loaded.
fn recoveries(reign: &Reign) -> BTreeSet<ServerName> {
    let mut servers = BTreeSet::new();
    reign.executor().visit(|_, procedure| {
        let any: &dyn std::any::Any = procedure;
        let recovery = any.downcast_ref::<hmaster_procedure::StateMachineProcedure<ServerCrash>>();
        servers.extend(recovery.map(|recovery| recovery.machine().server().clone()));
    });
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str) -> ServerName {
        name.parse().unwrap()
    }

    #[test]
    fn whoever_may_have_edits_and_is_gone_is_recovered() {
        let folder = |name: &str, is_splitting| WalFolder { server: server(name), is_splitting };
        let findings = Findings {
            live: ["live,1,1", "fenced,1,1"].map(server).into(),
            recovering: ["known,1,1"].map(server).into(),
            carriers: ["live,1,1", "carrier,1,1", "known,1,1"].map(server).into(),
            started: ["live,1,1", "started,1,1", "known,1,1"].map(server).into(),
            folders: vec![
                folder("live,1,1", false),
                folder("left,1,1", false),
                folder("known,1,1", true),
                folder("forgotten,1,1", true),
                folder("fenced,1,1", true),
            ],
        };
        let expected =
            ["started,1,1", "carrier,1,1", "left,1,1", "forgotten,1,1", "fenced,1,1"].map(server).into();
        assert_eq!(findings.to_recover(), expected);
    }
}
