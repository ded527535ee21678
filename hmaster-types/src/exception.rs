//! Errors as they cross the wire: a Java class name and a message. Counterpart of `RemoteException` and kin.
//!
//! Clients and region servers act on the class: they wait and ask again, look for another master, give up, or stop
//! themselves. Which class means what is in [`class`].

use std::borrow::Cow;
use std::fmt;

/// An error under the name of the Java class that the other side will build from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaException {
    /// Fully qualified class name.
    pub class: Cow<'static, str>,
    /// What is wrong.
    pub message: String,
    /// Whether asking again is pointless: the class is, or extends, `DoNotRetryIOException`.
    pub do_not_retry: bool,
}

impl JavaException {
    /// An error of one of the classes of [`class`].
    pub fn new(class: class::Class, message: impl Into<String>) -> Self {
        Self { class: class.name.into(), message: message.into(), do_not_retry: class.do_not_retry }
    }

    /// An error of any class, such as one that came from elsewhere and is passed on.
    pub fn named(
        class: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        do_not_retry: bool,
    ) -> Self {
        Self { class: class.into(), message: message.into(), do_not_retry }
    }

    /// True for an error of this class.
    pub fn is(&self, class: class::Class) -> bool {
        self.class == class.name
    }

    /// The class without its package.
    pub fn simple_class(&self) -> &str {
        self.class.rsplit(['.', '$']).next().unwrap_or(&self.class)
    }

    /// `class: message`, the first line of a Java stack trace, which is all that clients show.
    pub fn stack_trace(&self) -> String {
        format!("{}: {}", self.class, self.message)
    }
}

impl fmt::Display for JavaException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.simple_class(), self.message)
    }
}

impl std::error::Error for JavaException {}

/// The exception classes that a master throws or understands.
pub mod class {
    /// A Java class and whether it extends `DoNotRetryIOException`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Class {
        /// Fully qualified name.
        pub name: &'static str,
        /// Whether a caller gives up at once.
        pub do_not_retry: bool,
    }

    macro_rules! classes {
        ($($(#[$doc:meta])* $ident:ident = $name:literal, $dnr:literal;)*) => {
            $($(#[$doc])* pub const $ident: Class = Class { name: $name, do_not_retry: $dnr };)*

            /// All of them.
            pub const ALL: &[Class] = &[$($ident),*];

            /// The class of this name, if it is one of these.
            pub fn by_name(name: &str) -> Option<Class> {
                [$($ident),*].into_iter().find(|class| class.name == name)
            }
        };
    }

    classes! {
        /// A failure of I/O without a closer name; callers retry.
        IO = "java.io.IOException", false;
        /// A file or folder that isn't there.
        FILE_NOT_FOUND = "java.io.FileNotFoundException", false;
        /// An argument that makes no sense.
        ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException", false;
        /// A bad argument, as an error of I/O.
        ILLEGAL_ARGUMENT_IO = "org.apache.hadoop.hbase.exceptions.IllegalArgumentIOException", false;
        /// Asked at the wrong moment.
        ILLEGAL_STATE = "java.lang.IllegalStateException", false;
        /// Not there in this version.
        UNSUPPORTED_OPERATION = "java.lang.UnsupportedOperationException", false;
        /// The plain form of an error that a retry may mend.
        HBASE_IO = "org.apache.hadoop.hbase.HBaseIOException", false;
        /// The plain form of an error that a retry won't mend.
        DO_NOT_RETRY_IO = "org.apache.hadoop.hbase.DoNotRetryIOException", true;
        /// Wait and ask again: the master is starting.
        PLEASE_HOLD = "org.apache.hadoop.hbase.PleaseHoldException", false;
        /// Look for the active master elsewhere.
        MASTER_NOT_RUNNING = "org.apache.hadoop.hbase.MasterNotRunningException", false;
        /// The master is going down.
        MASTER_STOPPED = "org.apache.hadoop.hbase.exceptions.MasterStoppedException", true;
        /// Wait and ask again: the server's services aren't up.
        SERVER_NOT_RUNNING_YET = "org.apache.hadoop.hbase.ipc.ServerNotRunningYetException", false;
        /// The region is elsewhere.
        NOT_SERVING_REGION = "org.apache.hadoop.hbase.NotServingRegionException", false;
        /// The region moved; host and port say where to.
        REGION_MOVED = "org.apache.hadoop.hbase.exceptions.RegionMovedException", false;
        /// The region is being opened.
        REGION_OPENING = "org.apache.hadoop.hbase.exceptions.RegionOpeningException", false;
        /// The region takes no writes for a moment.
        REGION_TOO_BUSY = "org.apache.hadoop.hbase.RegionTooBusyException", false;
        /// The row isn't in the region.
        WRONG_REGION = "org.apache.hadoop.hbase.regionserver.WrongRegionException", false;
        /// The region server is going down.
        REGION_SERVER_STOPPED = "org.apache.hadoop.hbase.regionserver.RegionServerStoppedException", false;
        /// The region server is aborting.
        REGION_SERVER_ABORTED = "org.apache.hadoop.hbase.regionserver.RegionServerAbortedException", false;
        /// Makes a region server abort: its regions are being given to others.
        YOU_ARE_DEAD = "org.apache.hadoop.hbase.YouAreDeadException", false;
        /// Makes a region server abort: its clock is too far off.
        CLOCK_OUT_OF_SYNC = "org.apache.hadoop.hbase.ClockOutOfSyncException", false;
        /// Makes a region server abort: its host was decommissioned.
        DECOMMISSIONED_HOST_REJECTED = "org.apache.hadoop.hbase.ipc.DecommissionedHostRejectedException", false;
        /// The server has too many calls waiting.
        CALL_QUEUE_TOO_BIG = "org.apache.hadoop.hbase.CallQueueTooBigException", false;
        /// The server gave up a call that was waiting, to keep up with others.
        CALL_DROPPED = "org.apache.hadoop.hbase.CallDroppedException", false;
        /// The caller has stopped waiting.
        CALL_TIMEOUT = "org.apache.hadoop.hbase.ipc.CallTimeoutException", false;
        /// A frame beyond the bound.
        REQUEST_TOO_BIG = "org.apache.hadoop.hbase.exceptions.RequestTooBigException", true;
        /// No such coprocessor service.
        UNKNOWN_PROTOCOL = "org.apache.hadoop.hbase.exceptions.UnknownProtocolException", true;
        /// No such RPC service.
        UNKNOWN_SERVICE = "org.apache.hadoop.hbase.ipc.UnknownServiceException", true;
        /// The connection can't go on.
        FATAL_CONNECTION = "org.apache.hadoop.hbase.ipc.FatalConnectionException", true;
        /// The preamble's version isn't ours.
        WRONG_VERSION = "org.apache.hadoop.hbase.ipc.WrongVersionException", true;
        /// The preamble's way of authentication isn't known.
        BAD_AUTH = "org.apache.hadoop.hbase.ipc.BadAuthException", true;
        /// Asked for a security that is off.
        SECURITY_NOT_ENABLED = "org.apache.hadoop.hbase.ipc.SecurityNotEnabledException", false;
        /// The connection header names a cell codec that isn't known.
        UNSUPPORTED_CELL_CODEC = "org.apache.hadoop.hbase.ipc.UnsupportedCellCodecException", true;
        /// The connection header names a compressor that isn't known.
        UNSUPPORTED_COMPRESSION_CODEC = "org.apache.hadoop.hbase.ipc.UnsupportedCompressionCodecException", true;
        /// Not allowed.
        ACCESS_DENIED = "org.apache.hadoop.hbase.security.AccessDeniedException", true;
        /// The region's state forbids it.
        UNEXPECTED_STATE = "org.apache.hadoop.hbase.exceptions.UnexpectedStateException", false;
        /// The regions can't be merged.
        MERGE_REGION = "org.apache.hadoop.hbase.exceptions.MergeRegionException", true;
        /// The region can't be used that way.
        DO_NOT_RETRY_REGION = "org.apache.hadoop.hbase.client.DoNotRetryRegionException", true;
        /// No such region.
        UNKNOWN_REGION = "org.apache.hadoop.hbase.UnknownRegionException", true;
        /// The table is there already.
        TABLE_EXISTS = "org.apache.hadoop.hbase.TableExistsException", true;
        /// No such table.
        TABLE_NOT_FOUND = "org.apache.hadoop.hbase.TableNotFoundException", true;
        /// The table must be disabled first.
        TABLE_NOT_DISABLED = "org.apache.hadoop.hbase.TableNotDisabledException", true;
        /// The table must be enabled first.
        TABLE_NOT_ENABLED = "org.apache.hadoop.hbase.TableNotEnabledException", true;
        /// No such column family, or it is there already.
        INVALID_FAMILY_OPERATION = "org.apache.hadoop.hbase.InvalidFamilyOperationException", true;
        /// No such column family.
        NO_SUCH_COLUMN_FAMILY = "org.apache.hadoop.hbase.regionserver.NoSuchColumnFamilyException", true;
        /// The namespace is there already.
        NAMESPACE_EXIST = "org.apache.hadoop.hbase.NamespaceExistException", true;
        /// No such namespace.
        NAMESPACE_NOT_FOUND = "org.apache.hadoop.hbase.NamespaceNotFoundException", true;
        /// A rule of the schema is broken.
        CONSTRAINT = "org.apache.hadoop.hbase.constraint.ConstraintException", true;
        /// No such snapshot.
        SNAPSHOT_DOES_NOT_EXIST = "org.apache.hadoop.hbase.snapshot.SnapshotDoesNotExistException", true;
        /// The snapshot is there already.
        SNAPSHOT_EXISTS = "org.apache.hadoop.hbase.snapshot.SnapshotExistsException", true;
        /// The snapshot can't be taken.
        SNAPSHOT_CREATION = "org.apache.hadoop.hbase.snapshot.SnapshotCreationException", true;
        /// The snapshot can't be restored.
        RESTORE_SNAPSHOT = "org.apache.hadoop.hbase.snapshot.RestoreSnapshotException", true;
        /// The snapshot's files aren't whole.
        CORRUPTED_SNAPSHOT = "org.apache.hadoop.hbase.snapshot.CorruptedSnapshotException", true;
        /// Nobody takes such a snapshot, and there is none.
        UNKNOWN_SNAPSHOT = "org.apache.hadoop.hbase.snapshot.UnknownSnapshotException", true;
        /// The snapshot's time is over.
        SNAPSHOT_TTL_EXPIRED = "org.apache.hadoop.hbase.snapshot.SnapshotTTLExpiredException", true;
        /// Any other trouble with a snapshot.
        HBASE_SNAPSHOT = "org.apache.hadoop.hbase.snapshot.HBaseSnapshotException", true;
        /// No such replication peer.
        REPLICATION_PEER_NOT_FOUND = "org.apache.hadoop.hbase.ReplicationPeerNotFoundException", true;
        /// Trouble with replication.
        REPLICATION = "org.apache.hadoop.hbase.replication.ReplicationException", false;
        /// The procedure was aborted.
        PROCEDURE_ABORTED = "org.apache.hadoop.hbase.procedure2.ProcedureAbortedException", false;
        /// The procedure took longer than it may.
        PROCEDURE_TIMEOUT = "org.apache.hadoop.hbase.exceptions.TimeoutIOException", false;
        /// A failure that a region server reported.
        REMOTE_PROCEDURE = "org.apache.hadoop.hbase.procedure2.RemoteProcedureException", false;
        /// Tried as often as is allowed.
        RETRIES_EXHAUSTED = "org.apache.hadoop.hbase.client.RetriesExhaustedException", false;
        /// The schema isn't any more what the client's change was made from.
        CONCURRENT_TABLE_MODIFICATION = "org.apache.hadoop.hbase.ConcurrentTableModificationException", true;
        /// The connection's encryption can't be had.
        UNSUPPORTED_CRYPTO = "org.apache.hadoop.hbase.ipc.UnsupportedCryptoException", true;
        /// The connection header names no service.
        EMPTY_SERVICE_NAME = "org.apache.hadoop.hbase.ipc.EmptyServiceNameException", true;
        /// An answer has cells, and the connection no codec for them.
        CELL_SCANNER_BUT_NO_CODEC = "org.apache.hadoop.hbase.ipc.CellScannerButNoCodecException", false;
        /// No such scanner, or its lease has ended.
        UNKNOWN_SCANNER = "org.apache.hadoop.hbase.UnknownScannerException", true;
        /// A call of a scanner that isn't the one after the last.
        OUT_OF_ORDER_SCANNER_NEXT = "org.apache.hadoop.hbase.exceptions.OutOfOrderScannerNextException", true;
        /// The scanner failed; the client opens another one where it was.
        SCANNER_RESET = "org.apache.hadoop.hbase.exceptions.ScannerResetException", true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_class_and_message() {
        let error = JavaException::new(class::TABLE_EXISTS, "t");
        assert_eq!(error.stack_trace(), "org.apache.hadoop.hbase.TableExistsException: t");
        assert_eq!((error.to_string(), error.do_not_retry), ("TableExistsException: t".into(), true));
        assert!(error.is(class::TABLE_EXISTS) && !error.is(class::TABLE_NOT_FOUND));
    }

    #[test]
    fn classes_are_found_by_name() {
        assert_eq!(class::by_name(class::PLEASE_HOLD.name), Some(class::PLEASE_HOLD));
        assert_eq!(class::by_name("org.example.Unheard"), None);
    }
}
