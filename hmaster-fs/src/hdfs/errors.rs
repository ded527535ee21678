//! What the NameNode and DataNodes answer, as the ways to fail that callers tell apart. hdfs-native passes
//! most on as Java's class name and message; where one class stands for several things, the message decides.

use std::io;

use hdfs_native::HdfsError;

use crate::{FsError, FsErrorKind, FsPath, Operation};

pub(super) fn failed(operation: Operation, path: &FsPath, error: HdfsError) -> FsError {
    let kind = match &error {
        HdfsError::RPCError(class, message) | HdfsError::FatalRPCError(class, message) => {
            of_exception(operation, class, message)
        }
        HdfsError::AlreadyExists(message) => already_exists(operation, message),
        HdfsError::FileNotFound(_) => FsErrorKind::NotFound,
        HdfsError::IsADirectoryError(_) => FsErrorKind::IsADirectory,
        HdfsError::ChecksumError => FsErrorKind::Corrupt("checksums of the blocks don't match".into()),
        HdfsError::InvalidPath(reason) | HdfsError::InvalidArgument(reason) => {
            FsErrorKind::Invalid(reason.clone())
        }
        HdfsError::UnsupportedFeature(reason) => FsErrorKind::Unsupported(reason.clone()),
        HdfsError::UnsupportedErasureCodingPolicy(policy) => FsErrorKind::Unsupported(policy.clone()),
        HdfsError::SASLError(_) | HdfsError::GSSAPIError(..) | HdfsError::NoSASLMechanism => {
            FsErrorKind::Permission
        }
        HdfsError::IOError(error) if was_not_sent(error) => FsErrorKind::Unavailable,
        _ if operation.changes() => FsErrorKind::Unknown,
        _ => FsErrorKind::Unavailable,
    };
    FsError::caused_by(operation, path, kind, error)
}

/// A rename is about two paths, so there is more to tell apart.
pub(super) fn rename_failed(from: &FsPath, to: &FsPath, overwrite: bool, error: HdfsError) -> FsError {
    let to_is_in_the_way = || {
        let kind = if overwrite { FsErrorKind::IsADirectory } else { FsErrorKind::AlreadyExists };
        (to.clone(), kind)
    };
    let (path, kind) = match &error {
        HdfsError::AlreadyExists(_) => to_is_in_the_way(),
        HdfsError::RPCError(_, message) if message.contains("must both be directories") => to_is_in_the_way(),
        HdfsError::RPCError(_, message) if message.contains("destination parent") => {
            let kind = if message.contains("not found") {
                FsErrorKind::NotFound
            } else {
                FsErrorKind::NotADirectory
            };
            (to.parent().unwrap_or_else(|| to.clone()), kind)
        }
        HdfsError::RPCError(_, message) if message.contains("is a directory or file under source") => {
            (from.clone(), FsErrorKind::Invalid("a folder can't be moved into itself".into()))
        }
        _ => return failed(Operation::Rename, from, error),
    };
    FsError::caused_by(Operation::Rename, &path, kind, error)
}

fn already_exists(operation: Operation, message: &str) -> FsErrorKind {
    match operation {
        // "Path is not a directory", the exception says.
        Operation::Mkdirs => FsErrorKind::NotADirectory,
        Operation::Create if message.contains("as a directory") => FsErrorKind::IsADirectory,
        _ => FsErrorKind::AlreadyExists,
    }
}

fn of_exception(operation: Operation, class: &str, message: &str) -> FsErrorKind {
    use Operation::{Close, Sync, Write};
    let writing = matches!(operation, Write | Sync | Close);
    let simple_name = class.rsplit(['.', '$']).next().unwrap_or(class);
    match simple_name {
        "FileNotFoundException" | "LeaseExpiredException" if writing => FsErrorKind::Fenced,
        // "Unexpected BlockUCState: … is COMPLETE but not UNDER_CONSTRUCTION": somebody closed the file.
        "IOException" if writing && message.contains("UNDER_CONSTRUCTION") => FsErrorKind::Fenced,
        "FileNotFoundException" if message.contains("Path is not a file") => FsErrorKind::IsADirectory,
        "FileNotFoundException" => FsErrorKind::NotFound,
        "PathIsNotEmptyDirectoryException" => FsErrorKind::NotEmpty,
        // What is below a file doesn't exist; only for changes it matters why.
        "ParentNotDirectoryException" | "AccessControlException" if is_below_a_file(simple_name, message) => {
            if operation.changes() {
                FsErrorKind::NotADirectory
            } else {
                FsErrorKind::NotFound
            }
        }
        "AccessControlException" | "AuthorizationException" | "SaslException" | "InvalidToken" => {
            FsErrorKind::Permission
        }
        "SafeModeException" => FsErrorKind::SafeMode,
        // During start-up an HA NameNode wraps it, so that Java clients retry.
        "RetriableException" if message.contains("SafeModeException") => FsErrorKind::SafeMode,
        "NSQuotaExceededException" | "DSQuotaExceededException" | "QuotaByStorageTypeExceededException" => {
            FsErrorKind::NoSpace
        }
        "InvalidPathException"
        | "IllegalArgumentException"
        | "FSLimitException"
        | "PathComponentTooLongException" => {
            FsErrorKind::Invalid(message.lines().next().unwrap_or("").into())
        }
        "UnsupportedOperationException" => {
            FsErrorKind::Unsupported(message.lines().next().unwrap_or("").into())
        }
        // An answer came, so nothing is left open: RetriableException, StandbyException,
        // ServerTooBusyException ….
        _ => FsErrorKind::Unavailable,
    }
}

fn is_below_a_file(class: &str, message: &str) -> bool {
    class == "ParentNotDirectoryException" || message.contains("is not a directory")
}

fn was_not_sent(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    matches!(
        error.kind(),
        Io::ConnectionRefused
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::AddrNotAvailable
            | Io::NotFound
    )
}
