//! Options that only hmaster has. Their keys begin with `hmaster.`; Java HBase ignores them, so one hbase-site.xml
//! serves both masters.

use crate::kind::{Flag, Text};
use crate::option::options;

options! {
    /// What only hmaster has; every key begins with `hmaster.`.
    OwnOptions in "own" {
        /// Whether a master that waits ends the session of the active one when nobody listens at that one's port any
        /// more, instead of waiting until the session runs out; and whether an active master leaves what that takes.
        end_dead_master_session: Flag = "hmaster.failover.on.refused.connection" => "true";
        /// Whether the recovery of a region server begins when nobody listens at its port any more, instead of when its
        /// session has run out.
        recover_refusing_servers: Flag = "hmaster.recovery.on.refused.connection" => "true";
        /// Whether procedures that can't be continued end without having done the rest, and their locks go; otherwise a
        /// master that finds any says so and doesn't start.
        bypass_unknown_procedures: Flag = "hmaster.takeover.bypass.unknown.procedures" => "false";
        /// File with the balancer's constraints: server groups, pinned regions, favoured and forbidden servers, bounds on
        /// moves. Read again for each run.
        balancer_constraints: Text = "hmaster.balancer.constraints.file";
    }
}
