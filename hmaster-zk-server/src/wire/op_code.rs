//! Operation codes of requests. Counterpart of `ZooDefs.OpCode`.

/// Create a node; answers its path.
pub(crate) const CREATE: i32 = 1;
/// Delete a node.
pub(crate) const DELETE: i32 = 2;
/// Stat of a node, or NoNode.
pub(crate) const EXISTS: i32 = 3;
/// Data and stat of a node.
pub(crate) const GET_DATA: i32 = 4;
/// Replace the data of a node.
pub(crate) const SET_DATA: i32 = 5;
/// ACL and stat of a node.
pub(crate) const GET_ACL: i32 = 6;
/// Replace the ACL of a node.
pub(crate) const SET_ACL: i32 = 7;
/// Names of the children.
pub(crate) const GET_CHILDREN: i32 = 8;
/// Wait for everything before; answers the path.
pub(crate) const SYNC: i32 = 9;
/// Heartbeat.
pub(crate) const PING: i32 = 11;
/// Names of the children, and stat.
pub(crate) const GET_CHILDREN2: i32 = 12;
/// Check a version (of use inside multi).
pub(crate) const CHECK: i32 = 13;
/// Several writes, all or none.
pub(crate) const MULTI: i32 = 14;
/// Create a node; answers path and stat.
pub(crate) const CREATE2: i32 = 15;
/// Change the ensemble: refused, as by any server without `reconfigEnabled`.
pub(crate) const RECONFIG: i32 = 16;
/// Is there a watch of mine?
pub(crate) const CHECK_WATCHES: i32 = 17;
/// Remove watches of mine.
pub(crate) const REMOVE_WATCHES: i32 = 18;
/// Create a node that goes when its last child went.
pub(crate) const CREATE_CONTAINER: i32 = 19;
/// The server's own removal of a container; refused when a client sends it.
pub(crate) const DELETE_CONTAINER: i32 = 20;
/// Create a node with a time to live: unimplemented, as without `extendedTypesEnabled`.
pub(crate) const CREATE_TTL: i32 = 21;
/// Several reads.
pub(crate) const MULTI_READ: i32 = 22;
/// Credentials of some scheme.
pub(crate) const AUTH: i32 = 100;
/// Watches from before a reconnect.
pub(crate) const SET_WATCHES: i32 = 101;
/// A SASL token.
pub(crate) const SASL: i32 = 102;
/// Ephemeral nodes of this session.
pub(crate) const GET_EPHEMERALS: i32 = 103;
/// How many nodes are below a path.
pub(crate) const GET_ALL_CHILDREN_NUMBER: i32 = 104;
/// Watches from before a reconnect, with the persistent ones.
pub(crate) const SET_WATCHES2: i32 = 105;
/// Add a persistent watch.
pub(crate) const ADD_WATCH: i32 = 106;
/// The identities of this connection.
pub(crate) const WHO_AM_I: i32 = 107;
/// End of the session.
pub(crate) const CLOSE_SESSION: i32 = -11;
/// Marks a failed operation in the results of a multi.
pub(crate) const ERROR: i32 = -1;
