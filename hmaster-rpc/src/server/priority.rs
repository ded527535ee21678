//! Which calls must not wait behind which. Counterpart of `MasterAnnotationReadingPriorityFunction`,
//! `AnnotationReadingPriorityFunction` and the choice of an executor in `SimpleRpcScheduler.dispatch`.
//!
//! Reports about hbase:meta have handlers of their own: while meta is away, reports about other regions may block
//! until it is back, and it comes back by such a report. Differences from Java: no client can ask for the queue of
//! meta reports; other reports of transitions don't share handlers with heartbeats; nor does the registry, by which
//! clients find the cluster, with anything else.

use bytes::Bytes;
use hmaster_protocol::services::{admin_service, client_meta_service, region_server_status_service};
use hmaster_protocol::{CallUser, decode, pb};

/// Decides how urgent a call is.
pub trait PriorityFunction: Send + Sync {
    /// Where the call is to wait.
    fn lane(&self, call: &CallHead<'_>) -> Lane;
}

/// What is known of a call before it runs.
#[derive(Debug, Clone, Copy)]
pub struct CallHead<'a> {
    /// The service's name on the wire.
    pub service: &'static str,
    /// The method's name on the wire.
    pub method: &'static str,
    /// The parameter message, not yet decoded.
    pub param: &'a Bytes,
    /// What the client asked for in the request header.
    pub asked: Option<u32>,
    /// Who calls.
    pub user: Option<&'a CallUser>,
}

/// A class of calls and the priority by HBase's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Whose handlers run the call.
    pub class: QueueClass,
    /// One of HBase's levels: 0 for most, 100 for administration, 200 for reports, 300 for those about hbase:meta.
    pub level: i32,
}

/// Calls that share handlers and a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueClass {
    /// Reports of region servers about hbase:meta.
    MetaTransition,
    /// Reports of region servers about other regions.
    RegionTransition,
    /// Other calls of region servers, and what else is urgent.
    Priority,
    /// Replication between region servers.
    Replication,
    /// Clients that look for the cluster.
    Registry,
    /// All the rest.
    General,
}

/// The levels of `HConstants` that are told apart here.
mod level {
    pub(super) const NORMAL: i32 = 0;
    pub(super) const REPLICATION: i32 = 5;
    pub(super) const REPLAY: i32 = 6;
    /// `QOS_THRESHOLD`: above it a call is urgent.
    pub(super) const THRESHOLD: i32 = 10;
    pub(super) const ADMIN: i32 = 100;
    pub(super) const HIGH: i32 = 200;
    pub(super) const META: i32 = 300;
}

/// What a master goes by, unless told otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct MasterPriority;

impl QueueClass {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::MetaTransition,
        Self::RegionTransition,
        Self::Priority,
        Self::Replication,
        Self::Registry,
        Self::General,
    ];

    /// A name for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::MetaTransition => "meta transition",
            Self::RegionTransition => "region transition",
            Self::Priority => "priority",
            Self::Replication => "replication",
            Self::Registry => "registry",
            Self::General => "general",
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The class of calls that aren't of a class by what they are, but by their level.
    pub fn of_level(level: i32) -> Self {
        match level {
            level::REPLICATION => Self::Replication,
            level if level > level::THRESHOLD => Self::Priority,
            _ => Self::General,
        }
    }
}

impl Lane {
    fn of_level(level: i32) -> Self {
        Self { class: QueueClass::of_level(level), level }
    }
}

impl PriorityFunction for MasterPriority {
    fn lane(&self, call: &CallHead<'_>) -> Lane {
        match call.service {
            region_server_status_service::NAME => report_lane(call),
            client_meta_service::NAME => Lane { class: QueueClass::Registry, level: level::NORMAL },
            admin_service::NAME => annotated(call.method).map_or_else(|| asked_lane(call), Lane::of_level),
            _ => asked_lane(call),
        }
    }
}

fn report_lane(call: &CallHead<'_>) -> Lane {
    if call.method != region_server_status_service::REPORT_REGION_STATE_TRANSITION.name() {
        return Lane { class: QueueClass::Priority, level: level::HIGH };
    }
    if is_about_meta(call.param) {
        Lane { class: QueueClass::MetaTransition, level: level::META }
    } else {
        Lane { class: QueueClass::RegionTransition, level: level::HIGH }
    }
}

/// A report that doesn't decode is about nothing; its handler will say so.
fn is_about_meta(param: &Bytes) -> bool {
    let Ok(request) = decode::<pb::ReportRegionStateTransitionRequest>(param.clone()) else { return false };
    let mut regions = request.transition.iter().flat_map(|transition| &transition.region_info);
    regions
        .any(|region| *region.table_name.namespace == *b"hbase" && *region.table_name.qualifier == *b"meta")
}

/// `QosPriority` of the methods of `RSRpcServices`, which a master inherits.
fn annotated(method: &str) -> Option<i32> {
    Some(match method {
        "CloseRegion"
        | "CompactRegion"
        | "FlushRegion"
        | "GetOnlineRegion"
        | "GetRegionInfo"
        | "GetRegionLoad"
        | "ClearCompactionQueues"
        | "GetServerInfo"
        | "GetStoreFile"
        | "OpenRegion"
        | "StopServer"
        | "ExecuteProcedures"
        | "GetSlowLogResponses"
        | "GetLargeLogResponses"
        | "ClearSlowLogsResponses" => level::ADMIN,
        "ReplicateWALEntry" => level::REPLICATION,
        "Replay" => level::REPLAY,
        _ => return None,
    })
}

/// Clients are trusted with their wishes, as in Java, but not with the queue of meta reports.
fn asked_lane(call: &CallHead<'_>) -> Lane {
    let asked = call.asked.and_then(|asked| i32::try_from(asked).ok()).unwrap_or(level::NORMAL);
    Lane::of_level(asked.min(level::META - 1))
}

#[cfg(test)]
mod tests {
    use hmaster_protocol::services::{client_service, master_service};
    use prost::Message as _;

    use super::*;

    fn report(tables: &[(&'static str, &'static str)]) -> Bytes {
        let region = |(namespace, qualifier): &(&'static str, &'static str)| pb::RegionInfo {
            table_name: pb::TableName {
                namespace: Bytes::from_static(namespace.as_bytes()),
                qualifier: Bytes::from_static(qualifier.as_bytes()),
            },
            ..pb::RegionInfo::default()
        };
        let transition = pb::RegionStateTransition {
            region_info: tables.iter().map(region).collect(),
            ..Default::default()
        };
        let server = pb::ServerName { host_name: "rs".into(), ..Default::default() };
        pb::ReportRegionStateTransitionRequest { server, transition: vec![transition] }.encode_to_vec().into()
    }

    fn lane(
        service: &'static str,
        method: &'static str,
        param: &Bytes,
        asked: Option<u32>,
    ) -> (QueueClass, i32) {
        let lane = MasterPriority.lane(&CallHead { service, method, param, asked, user: None });
        (lane.class, lane.level)
    }

    #[test]
    fn reports_about_meta_are_alone() {
        let transition = |param: &Bytes| {
            lane(region_server_status_service::NAME, "ReportRegionStateTransition", param, Some(0))
        };
        assert_eq!(
            transition(&report(&[("default", "t"), ("hbase", "meta")])),
            (QueueClass::MetaTransition, 300)
        );
        assert_eq!(transition(&report(&[("hbase", "namespace")])), (QueueClass::RegionTransition, 200));
        assert_eq!(transition(&report(&[("default", "meta")])), (QueueClass::RegionTransition, 200));
        assert_eq!(transition(&Bytes::from_static(b"\xff")), (QueueClass::RegionTransition, 200));
    }

    #[test]
    fn lanes_of_other_calls() {
        use QueueClass::{General, Priority, Registry, Replication};
        let status = region_server_status_service::NAME;
        let table = [
            (status, "RegionServerReport", None, (Priority, 200)),
            (client_meta_service::NAME, "GetMetaRegionLocations", Some(200), (Registry, 0)),
            (admin_service::NAME, "GetRegionInfo", None, (Priority, 100)),
            (admin_service::NAME, "UpdateConfiguration", None, (General, 0)),
            (admin_service::NAME, "ReplicateWALEntry", None, (Replication, 5)),
            (admin_service::NAME, "Replay", None, (General, 6)),
            (master_service::NAME, "CreateTable", None, (General, 0)),
            (master_service::NAME, "CreateTable", Some(200), (Priority, 200)),
            (master_service::NAME, "CreateTable", Some(300), (Priority, 299)),
            (master_service::NAME, "CreateTable", Some(u32::MAX), (General, 0)),
            (client_service::NAME, "Scan", Some(10), (General, 10)),
            (client_service::NAME, "Scan", Some(11), (Priority, 11)),
        ];
        for (service, method, asked, expected) in table {
            assert_eq!(lane(service, method, &Bytes::new(), asked), expected, "{service} {method} {asked:?}");
        }
    }

    #[test]
    fn annotated_methods_exist() {
        let methods = admin_service::METHODS.iter().filter(|method| annotated(method).is_some()).count();
        assert_eq!(methods, 17);
    }
}
