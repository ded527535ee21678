//! What can be tested without an HDFS.

use hdfs_native::HdfsError;

use super::errors::{failed, rename_failed};
use super::*;
use crate::FsErrorKind as Kind;

fn path(text: &str) -> FsPath {
    text.parse().unwrap()
}

#[test]
fn what_exceptions_stand_for() {
    let (reading, writing) = (Operation::Open, Operation::Sync);
    let create = Operation::Create;
    for (operation, class, message, kind) in [
        (reading, "java.io.FileNotFoundException", "File does not exist: /a", Kind::NotFound),
        (reading, "java.io.FileNotFoundException", "Path is not a file: /a", Kind::IsADirectory),
        (writing, "java.io.FileNotFoundException", "File does not exist: /a (inode 5)", Kind::Fenced),
        (
            writing,
            "org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException",
            "No lease on /a",
            Kind::Fenced,
        ),
        (
            writing,
            "java.io.IOException",
            "Unexpected BlockUCState: a:blk_1_2 is COMPLETE but not UNDER_CONSTRUCTION",
            Kind::Fenced,
        ),
        (
            create,
            "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
            "Cannot create file/a",
            Kind::SafeMode,
        ),
        (
            create,
            "org.apache.hadoop.ipc.RetriableException",
            "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Cannot create",
            Kind::SafeMode,
        ),
        (create, "org.apache.hadoop.ipc.RetriableException", "NameNode still not started", Kind::Unavailable),
        (
            create,
            "org.apache.hadoop.security.AccessControlException",
            "Permission denied: user=x",
            Kind::Permission,
        ),
        (
            create,
            "org.apache.hadoop.fs.ParentNotDirectoryException",
            "/a is not a directory",
            Kind::NotADirectory,
        ),
        (
            reading,
            "org.apache.hadoop.security.AccessControlException",
            "/a (is not a directory)",
            Kind::NotFound,
        ),
        (
            create,
            "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException",
            "The DiskSpace quota",
            Kind::NoSpace,
        ),
        (
            create,
            "org.apache.hadoop.fs.InvalidPathException",
            "Invalid path\n\tat x",
            Kind::Invalid("Invalid path".into()),
        ),
        (create, "java.lang.Exception", "?", Kind::Unavailable),
    ] {
        let error = HdfsError::RPCError(class.into(), message.into());
        assert_eq!(failed(operation, &path("/a"), error).kind, kind, "{class} {message}");
    }
}

#[test]
fn what_other_errors_stand_for() {
    let io = |kind: std::io::ErrorKind| HdfsError::IOError(kind.into());
    for (operation, error, kind) in [
        (Operation::Create, io(std::io::ErrorKind::ConnectionRefused), Kind::Unavailable),
        (Operation::Create, io(std::io::ErrorKind::ConnectionAborted), Kind::Unknown),
        (Operation::Status, io(std::io::ErrorKind::ConnectionAborted), Kind::Unavailable),
        (
            Operation::Create,
            HdfsError::AlreadyExists("/a already exists as a directory".into()),
            Kind::IsADirectory,
        ),
        (
            Operation::Create,
            HdfsError::AlreadyExists("/a for client 1 already exists".into()),
            Kind::AlreadyExists,
        ),
        (
            Operation::Mkdirs,
            HdfsError::AlreadyExists("Path is not a directory: /a".into()),
            Kind::NotADirectory,
        ),
        (
            Operation::Close,
            HdfsError::OperationFailed("Failed to complete file in time".into()),
            Kind::Unknown,
        ),
    ] {
        assert_eq!(failed(operation, &path("/a"), error).kind, kind);
    }
}

#[test]
fn renames_name_the_path_at_fault() {
    let (from, to) = (path("/a"), path("/b/c"));
    let rpc = |class: &str, message: &str| HdfsError::RPCError(class.into(), message.into());
    let not_found = "java.io.FileNotFoundException";
    for (error, overwrite, at, kind) in [
        (rpc(not_found, "rename source /a is not found."), false, "/a", Kind::NotFound),
        (rpc(not_found, "rename destination parent /b not found."), false, "/b", Kind::NotFound),
        (
            HdfsError::AlreadyExists("rename destination /b/c already exists".into()),
            false,
            "/b/c",
            Kind::AlreadyExists,
        ),
        (
            rpc("java.io.IOException", "Source /a and destination /b/c must both be directories"),
            false,
            "/b/c",
            Kind::AlreadyExists,
        ),
        (
            rpc("java.io.IOException", "Source /a and destination /b/c must both be directories"),
            true,
            "/b/c",
            Kind::IsADirectory,
        ),
    ] {
        let error = rename_failed(&from, &to, overwrite, error);
        assert_eq!((error.path, error.kind), (path(at), kind));
    }
}

#[tokio::test]
async fn a_configuration_without_name_nodes() {
    let uri: FsUri = "hdfs://cluster/hbase".parse().unwrap();
    let error = HdfsFileSystem::new(&uri, HdfsOptions::default()).unwrap_err();
    assert!(error.to_string().contains("hdfs://cluster/"), "{error}");
    let keys = [
        ("dfs.ha.namenodes.cluster", "a,b"),
        ("dfs.namenode.rpc-address.cluster.a", "localhost:1"),
        ("dfs.namenode.rpc-address.cluster.b", "localhost:2"),
    ];
    let configuration = keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let fs = HdfsFileSystem::new(&uri, HdfsOptions { configuration, ..HdfsOptions::default() }).unwrap();
    assert_eq!(fs.uri(&path("/hbase")).to_string(), "hdfs://cluster/hbase");
}

/// A NameNode that takes the connection and never answers.
#[tokio::test]
async fn an_unanswered_call_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri: FsUri = format!("hdfs://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let options = HdfsOptions { call_timeout: Duration::from_millis(100), ..HdfsOptions::default() };
    let fs = HdfsFileSystem::new(&uri, options).unwrap();
    assert_eq!(fs.status(&path("/a")).await.unwrap_err().kind, Kind::Unavailable);
    assert_eq!(fs.mkdirs(&path("/a"), None).await.unwrap_err().kind, Kind::Unknown);
    assert_eq!(fs.rename(&path("/a"), &path("/b")).await.unwrap_err().kind, Kind::Unknown);
}
