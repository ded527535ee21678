//! Between this crate's nouns and those of `zookeeper-client`.

use zookeeper_client as client;

use super::{MultiOp, SessionState, WatchEvent};
use crate::error::ZkErrorKind;
use crate::znode::{Acl, CreateMode, SessionId, Stat, Zxid};

/// What an error of the crate means. An answer is only what a server can have said; all else leaves it open whether
/// the operation was carried out, also the unexpected.
pub(super) fn error_kind(error: client::Error) -> ZkErrorKind {
    use client::Error;
    match error {
        Error::NoNode => ZkErrorKind::NoNode,
        Error::NodeExists => ZkErrorKind::NodeExists,
        Error::BadVersion => ZkErrorKind::BadVersion,
        Error::NotEmpty => ZkErrorKind::NotEmpty,
        Error::NoChildrenForEphemerals => ZkErrorKind::NoChildrenForEphemerals,
        Error::NoAuth => ZkErrorKind::NoAuth,
        Error::InvalidAcl => ZkErrorKind::InvalidAcl,
        Error::Throttled => ZkErrorKind::Throttled,
        Error::SessionExpired => ZkErrorKind::SessionExpired,
        Error::AuthFailed => ZkErrorKind::AuthFailed,
        Error::ClientClosed => ZkErrorKind::Closed,
        Error::BadArguments(reason) => ZkErrorKind::BadArguments((*reason).to_owned()),
        Error::NotReadOnly | Error::QuotaExceeded | Error::MarshallingError | Error::Unimplemented => {
            ZkErrorKind::Refused(error.to_string())
        }
        other => ZkErrorKind::OutcomeUnknown(other.to_string()),
    }
}

pub(super) fn state(state: client::SessionState) -> SessionState {
    match state {
        // Read-only sessions aren't asked for.
        client::SessionState::SyncConnected | client::SessionState::ConnectedReadOnly => {
            SessionState::Connected
        }
        client::SessionState::Disconnected => SessionState::Disconnected,
        client::SessionState::Expired => SessionState::Expired,
        client::SessionState::AuthFailed => SessionState::AuthFailed,
        client::SessionState::Closed => SessionState::Closed,
    }
}

pub(super) fn event(event: &client::WatchedEvent) -> WatchEvent {
    match event.event_type {
        client::EventType::NodeCreated => WatchEvent::Created,
        client::EventType::NodeDeleted => WatchEvent::Deleted,
        client::EventType::NodeDataChanged => WatchEvent::DataChanged,
        client::EventType::NodeChildrenChanged => WatchEvent::ChildrenChanged,
        client::EventType::Session => WatchEvent::SessionOver,
    }
}

pub(super) fn stat(stat: &client::Stat) -> Stat {
    Stat {
        czxid: Zxid(stat.czxid),
        mzxid: Zxid(stat.mzxid),
        pzxid: Zxid(stat.pzxid),
        ctime_ms: stat.ctime,
        mtime_ms: stat.mtime,
        version: stat.version,
        cversion: stat.cversion,
        ephemeral_owner: Some(SessionId(stat.ephemeral_owner)).filter(|owner| owner.0 != 0),
        data_length: stat.data_length,
        num_children: stat.num_children,
    }
}

pub(super) fn create_mode(mode: CreateMode) -> client::CreateMode {
    match mode {
        CreateMode::Persistent => client::CreateMode::Persistent,
        CreateMode::PersistentSequential => client::CreateMode::PersistentSequential,
        CreateMode::Ephemeral => client::CreateMode::Ephemeral,
        CreateMode::EphemeralSequential => client::CreateMode::EphemeralSequential,
    }
}

pub(super) fn acls(acls: &[Acl]) -> Vec<client::Acl> {
    let convert =
        |acl: &Acl| client::Acl::new(permissions(acl.permissions), client::AuthId::new(&acl.scheme, &acl.id));
    acls.iter().map(convert).collect()
}

fn permissions(bits: i32) -> client::Permission {
    use client::Permission;
    let known =
        [Permission::READ, Permission::WRITE, Permission::CREATE, Permission::DELETE, Permission::ADMIN];
    let set = known.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
    set.fold(Permission::NONE, |all, (_, one)| all | one)
}

pub(super) fn add(writer: &mut client::MultiWriter<'_>, op: &MultiOp) -> Result<(), client::Error> {
    match op {
        MultiOp::Check { path, version } => writer.add_check_version(path, version.unwrap_or(-1)),
        MultiOp::Create { path, data, mode, acl } => {
            let acl = acls(acl);
            writer.add_create(path, data, &create_mode(*mode).with_acls(client::Acls::new(&acl)))
        }
        MultiOp::Set { path, data, version } => writer.add_set_data(path, data, *version),
        MultiOp::Delete { path, version } => writer.add_delete(path, *version),
    }
}

/// Headers, lengths, flags and version of one operation take less than this.
const FIXED_BYTES: usize = 64;

pub(super) fn create_bytes(path: &str, data: &[u8], acl: &[Acl]) -> usize {
    let acl: usize = acl.iter().map(|acl| 12 + acl.scheme.len() + acl.id.len()).sum();
    FIXED_BYTES + path.len() + data.len() + acl
}

pub(super) fn set_bytes(path: &str, data: &[u8]) -> usize {
    FIXED_BYTES + path.len() + data.len()
}

pub(super) fn multi_bytes(ops: &[MultiOp]) -> usize {
    let one = |op: &MultiOp| match op {
        MultiOp::Create { path, data, acl, .. } => create_bytes(path, data, acl),
        MultiOp::Set { path, data, .. } => set_bytes(path, data),
        MultiOp::Check { path, .. } | MultiOp::Delete { path, .. } => set_bytes(path, &[]),
    };
    FIXED_BYTES + ops.iter().map(one).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_said_is_an_answer() {
        use client::Error;
        let unknown = [
            Error::ConnectionLoss,
            Error::Timeout,
            Error::NoHosts,
            Error::SessionMoved,
            Error::UnexpectedError("garbage".into()),
            Error::UnexpectedErrorCode(-999),
            Error::UnmarshalError { entity: "stat", reason: &"insufficient buf" },
            Error::RuntimeInconsistent,
        ];
        for error in unknown {
            let kind = error_kind(error.clone());
            assert!(kind.is_outcome_unknown() && !kind.is_reply() && !kind.is_session_over(), "{error}");
        }
        for error in [Error::NoNode, Error::NodeExists, Error::BadVersion, Error::NotEmpty, Error::NoAuth] {
            assert!(error_kind(error.clone()).is_reply(), "{error}");
        }
        for error in [Error::SessionExpired, Error::AuthFailed, Error::ClientClosed] {
            let kind = error_kind(error.clone());
            assert!(kind.is_session_over() && !kind.is_reply(), "{error}");
        }
    }

    #[test]
    fn permissions_are_added_up() {
        assert_eq!(permissions(Acl::ALL), client::Permission::ALL);
        assert_eq!(permissions(Acl::READ), client::Permission::READ);
        assert_eq!(permissions(0), client::Permission::NONE);
    }
}
