//! Commands as messages.

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::{ActiveTime, ProcId, RegionInfo, ServerName};

/// A command for a region server. Its procedure's id goes with it, and comes back in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteOperation {
    /// Open a region.
    Open {
        /// Which.
        region: RegionInfo,
    },
    /// Close a region.
    Close {
        /// Which.
        region: RegionInfo,
        /// Where it will go, a hint for clients.
        destination: Option<ServerName>,
        /// Whether its blocks leave the cache.
        evict_cache: bool,
    },
    /// Run a callable of the region server's.
    Procedure {
        /// Fully qualified Java class.
        class: &'static str,
        /// Its parameter message.
        data: Bytes,
    },
}

impl RemoteOperation {
    /// Whether the server reports by `ReportProcedureDone`, and forgets the command if it dies.
    pub fn is_callable(&self) -> bool {
        matches!(self, Self::Procedure { .. })
    }
}

/// One request for all `operations`.
pub fn build_request<'a>(
    server: &ServerName,
    active_time: ActiveTime,
    now_ms: u64,
    operations: impl IntoIterator<Item = (ProcId, &'a RemoteOperation)>,
) -> pb::ExecuteProceduresRequest {
    let mut request = pb::ExecuteProceduresRequest::default();
    let active_time = Some(active_time.0.cast_signed());
    let mut open_info = Vec::new();
    for (id, operation) in operations {
        match operation {
            RemoteOperation::Open { region } => open_info.push(pb::open_region_request::RegionOpenInfo {
                region: region.into(),
                version_of_offline_node: None,
                favored_nodes: Vec::new(),
                open_proc_id: Some(id.0.cast_signed()),
            }),
            RemoteOperation::Close { region, destination, evict_cache } => {
                request.close_region.push(pb::CloseRegionRequest {
                    region: (&region.name()).into(),
                    version_of_closing_node: None,
                    transition_in_zk: None,
                    destination_server: destination.as_ref().map(Into::into),
                    server_start_code: Some(server.start_code().0),
                    close_proc_id: Some(id.0.cast_signed()),
                    evict_cache: Some(*evict_cache),
                    initiating_master_active_time: active_time,
                });
            }
            RemoteOperation::Procedure { class, data } => request.proc.push(pb::RemoteProcedureRequest {
                proc_id: id.0,
                proc_class: (*class).to_owned(),
                proc_data: Some(data.clone()),
                initiating_master_active_time: active_time,
            }),
        }
    }
    if !open_info.is_empty() {
        request.open_region.push(pb::OpenRegionRequest {
            open_info,
            server_start_code: Some(server.start_code().0),
            initiating_master_active_time: active_time,
            master_system_time: Some(now_ms),
        });
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_carries_all_commands() {
        let server: ServerName = "host,16020,99".parse().unwrap();
        let region = RegionInfo::builder("t".parse().unwrap()).region_id(7).build();
        let open = RemoteOperation::Open { region: region.clone() };
        let close = RemoteOperation::Close { region, destination: None, evict_cache: true };
        let split = RemoteOperation::Procedure { class: "C", data: Bytes::from_static(b"d") };
        let operations = [(ProcId(1), &open), (ProcId(2), &close), (ProcId(3), &split), (ProcId(4), &open)];
        let request = build_request(&server, ActiveTime(5), 6, operations);
        let open = &request.open_region[0];
        assert_eq!(
            (open.open_info.len(), open.server_start_code, open.master_system_time),
            (2, Some(99), Some(6))
        );
        assert_eq!(open.open_info[1].open_proc_id, Some(4));
        assert_eq!((request.close_region[0].close_proc_id, request.proc[0].proc_id), (Some(2), 3));
        assert_eq!(request.close_region[0].initiating_master_active_time, Some(5));
        assert!(split.is_callable());
    }
}
