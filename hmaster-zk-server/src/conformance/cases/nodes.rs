//! Creating, reading, changing and deleting nodes; and the errors these end in.

use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::jute::{JuteReader, JuteWrite};
use crate::wire::op_code as op;
use crate::wire::types::read_stat;

pub(super) fn list() -> Vec<Case> {
    cases!["nodes":
        create_answers_with_its_path,
        create2_answers_with_path_and_stat,
        create_errors,
        bad_paths_are_refused,
        delete_errors,
        version_conflicts,
        null_and_empty_data_are_told_apart,
        children_are_listed,
        descendants_are_counted,
        ephemerals_are_listed,
        sync_answers_with_its_path,
        builtin_nodes_are_there,
        containers_look_persistent,
        time_to_live_is_unimplemented,
        reconfiguration_is_disabled,
        container_deletion_is_not_for_clients,
        a_failed_write_takes_a_transaction,
        a_read_takes_none,
    ]
}

async fn create_answers_with_its_path(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    let frame = client.create(&path).await?;
    expect_eq!(frame.string()?, path);
    expect_eq!(frame.body.len(), 4 + path.len());
    Ok(())
}

async fn create2_answers_with_path_and_stat(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    let frame = client.call(op::CREATE2, &requests::create(&path, Some(b"data"), 0)).await?;
    let mut reader = JuteReader::new(&frame.body);
    expect_eq!(reader.string("path")?, path);
    let stat = read_stat(&mut reader)?;
    expect_eq!((stat.czxid, stat.data_length), (frame.zxid, 4));
    expect_eq!(client.stat(&path).await?, Some(stat));
    Ok(())
}

async fn create_errors(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let ephemeral = context.path("e");
    client.create_mode(&ephemeral, 1).await?;
    let cases = [
        (context.root.clone(), 0, -110),
        (ephemeral.clone(), 0, -110),
        (context.path("none/x"), 0, -101),
        (format!("{ephemeral}/x"), 0, -108),
        (format!("{ephemeral}/x"), 3, -108),
        ("/".to_owned(), 0, -110),
        (context.path("x"), 7, -8),
        (context.path("x"), -1, -8),
    ];
    for (path, flags, error) in cases {
        let body = requests::create(&path, None, flags);
        expect_eq!(client.error(op::CREATE, &body).await?, error, "{path} {flags}");
        expect_eq!(client.error(op::CREATE2, &body).await?, error, "{path} {flags}");
    }
    Ok(())
}

async fn bad_paths_are_refused(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let root = &context.root;
    for end in ["/.", "/..", "/a\u{1}", "/a\u{7f}", "/\u{fffd}", "/\u{e000}"] {
        let path = format!("{root}{end}");
        expect_eq!(client.error(op::CREATE, &requests::create(&path, None, 0)).await?, -8, "{path:?}");
        expect_eq!(client.error(op::SET_DATA, &requests::set_data(&path, None, -1)).await?, -8, "{path:?}");
        expect_eq!(client.error(op::CHECK, &requests::path_int(&path, 0)).await?, -8, "{path:?}");
    }
    for path in ["", "a", "//a", "/a\0"] {
        expect_eq!(client.error(op::CREATE, &requests::create(path, None, 0)).await?, -8, "{path:?}");
    }
    for path in ["", "a", "/a\0"] {
        expect_eq!(client.error(op::DELETE, &requests::path_int(path, -1)).await?, -8, "{path:?}");
    }
    expect_eq!(client.error(op::CREATE, &requests::create(&format!("{root}/"), None, 0)).await?, -8);
    let path = format!("{root}/");
    let numbered = client.call(op::CREATE, &requests::create(&path, None, 2)).await?;
    expect_eq!(numbered.string()?, format!("{root}/0000000000"), "the number makes it a name");
    expect_eq!(client.error(op::EXISTS, &requests::path_watch("/a\0", false)).await?, -8);
    expect_eq!(client.error(op::GET_DATA, &requests::path_watch("a", false)).await?, -101);
    Ok(())
}

async fn delete_errors(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    client.create(&context.path("a")).await?;
    client.create(&context.path("a/b")).await?;
    client.set(&context.path("a/b"), b"1").await?;
    let cases = [
        (context.path("a"), -1, -111),
        (context.path("a"), 9, -103),
        (context.path("none"), -1, -101),
        (context.path("none/x"), -1, -101),
        (context.path("a/b"), 0, -103),
        (context.path("a/b"), 1, 0),
        (context.path("a"), 0, 0),
        (context.path("a"), 0, -101),
        ("/".to_owned(), -1, -8),
        ("/zookeeper".to_owned(), -1, -8),
        ("/zookeeper/config".to_owned(), -1, -8),
        ("/zookeeper/quota".to_owned(), -1, -8),
    ];
    for (path, version, error) in cases {
        expect_eq!(client.error(op::DELETE, &requests::path_int(&path, version)).await?, error, "{path}");
    }
    Ok(())
}

async fn version_conflicts(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    client.create(&path).await?;
    for (version, error) in [(0, 0), (0, -103), (2, -103), (1, 0), (-1, 0), (3, 0), (-2, -103)] {
        let frame = client.call(op::SET_DATA, &requests::set_data(&path, Some(b"x"), version)).await?;
        expect_eq!(frame.error, error, "version {version}");
        expect_eq!(frame.body.len(), if error == 0 { 68 } else { 0 });
    }
    expect_eq!(client.error(op::SET_DATA, &requests::set_data(&context.path("n"), None, -1)).await?, -101);
    let stat = client.stat(&path).await?;
    expect_eq!(stat.map(|stat| stat.version), Some(4));
    Ok(())
}

async fn null_and_empty_data_are_told_apart(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("a");
    for data in [None, Some(&b""[..]), Some(b"x"), None] {
        client.call(op::CREATE, &requests::create(&path, Some(b"first"), 0)).await?;
        client.call(op::SET_DATA, &requests::set_data(&path, data, -1)).await?;
        let frame = client.call(op::GET_DATA, &requests::path_watch(&path, false)).await?;
        expect_eq!(JuteReader::new(&frame.body).buffer("data")?, data);
        expect_eq!(frame.stat()?.data_length as usize, data.map_or(0, <[u8]>::len));
    }
    Ok(())
}

async fn children_are_listed(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    for name in ["b", "a", "c"] {
        client.create(&context.path(name)).await?;
    }
    client.create(&context.path("a/below")).await?;
    let body = requests::path_watch(&context.root, false);
    expect_eq!(client.call(op::GET_CHILDREN, &body).await?.strings()?, ["a", "b", "c"]);
    let frame = client.call(op::GET_CHILDREN2, &body).await?;
    expect_eq!(frame.strings()?, ["a", "b", "c"]);
    expect_eq!(Some(frame.stat()?), client.stat(&context.root).await?);
    let leaf = requests::path_watch(&context.path("b"), false);
    expect_eq!(client.call(op::GET_CHILDREN, &leaf).await?.strings()?, Vec::<String>::new());
    let none = requests::path_watch(&context.path("none"), false);
    expect_eq!(client.error(op::GET_CHILDREN, &none).await?, -101);
    expect_eq!(client.error(op::GET_CHILDREN2, &none).await?, -101);
    Ok(())
}

async fn descendants_are_counted(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    for name in ["a", "a/b", "a/b/c", "a-b", "ab"] {
        client.create(&context.path(name)).await?;
    }
    for (path, count) in [(context.path("a"), 2), (context.root.clone(), 5), (context.path("ab"), 0)] {
        let frame = client.call(op::GET_ALL_CHILDREN_NUMBER, &requests::path(&path)).await?;
        expect_eq!(JuteReader::new(&frame.body).int("count")?, count, "{path}");
    }
    let none = requests::path(&context.path("none"));
    expect_eq!(client.error(op::GET_ALL_CHILDREN_NUMBER, &none).await?, -101);
    Ok(())
}

async fn ephemerals_are_listed(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let mut other = context.client().await?;
    let (mine, theirs) = (context.path("mine"), context.path("theirs"));
    client.create(&context.path("persistent")).await?;
    client.create_mode(&mine, 1).await?;
    other.create_mode(&theirs, 1).await?;
    let listed = |frame: super::super::raw::Frame| frame.strings();
    for prefix in ["", "/", &context.root, &mine] {
        let frame = client.call(op::GET_EPHEMERALS, &requests::path(prefix)).await?;
        expect_eq!(listed(frame)?, [mine.as_str()], "{prefix}");
    }
    let frame = client.call(op::GET_EPHEMERALS, &requests::path(&theirs)).await?;
    expect_eq!(listed(frame)?, Vec::<String>::new());
    Ok(())
}

async fn sync_answers_with_its_path(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("none");
    expect_eq!(client.call(op::SYNC, &requests::path(&path)).await?.string()?, path);
    Ok(())
}

async fn builtin_nodes_are_there(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let frame = client.call(op::GET_CHILDREN, &requests::path_watch("/zookeeper", false)).await?;
    expect_eq!(frame.strings()?, ["config", "quota"]);
    let set = requests::set_data("/zookeeper/config", Some(b"x"), -1);
    expect_eq!(client.error(op::SET_DATA, &set).await?, -102, "its ACL lets everybody read only");
    let config = client.stat("/zookeeper/config").await?;
    expect_eq!(config.map(|stat| stat.aversion), Some(-1));
    Ok(())
}

async fn containers_look_persistent(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("c");
    let frame = client.call(op::CREATE_CONTAINER, &requests::create(&path, None, 4)).await?;
    expect_eq!(frame.string()?, path);
    expect_eq!(frame.stat()?.ephemeral_owner, 0);
    client.create(&context.path("c/x")).await?;
    Ok(())
}

async fn time_to_live_is_unimplemented(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    for (flags, ttl, error) in [(5, 1000, -6), (6, 1000, -6), (0, 1000, -8)] {
        let mut body = requests::create(&context.path("t"), None, flags);
        body.put_long(ttl);
        expect_eq!(client.error(op::CREATE_TTL, &body).await?, error, "{flags}");
    }
    let with_flag = requests::create(&context.path("t"), None, 5);
    expect_eq!(client.error(op::CREATE, &with_flag).await?, -6);
    client.ping().await?;
    Ok(())
}

async fn reconfiguration_is_disabled(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let mut body = Vec::new();
    for _ in 0..3 {
        body.put_buffer(None);
    }
    body.put_long(-1);
    expect_eq!(client.error(op::RECONFIG, &body).await?, -123);
    Ok(())
}

async fn container_deletion_is_not_for_clients(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("c");
    client.call(op::CREATE_CONTAINER, &requests::create(&path, None, 4)).await?;
    expect_eq!(client.error(op::DELETE_CONTAINER, path.as_bytes()).await?, -8);
    Ok(())
}

async fn a_failed_write_takes_a_transaction(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let before = client.ping().await?;
    let frame = client.call(op::DELETE, &requests::path_int(&context.path("none"), -1)).await?;
    expect!(frame.zxid > before, "{} follows {before}", frame.zxid);
    expect!(client.ping().await? >= frame.zxid);
    Ok(())
}

async fn a_read_takes_none(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    // Other clients may write meanwhile: some attempt must see two replies of one transaction.
    for _ in 0..100 {
        let before = client.ping().await?;
        if client.call(op::EXISTS, &requests::path_watch("/", false)).await?.zxid == before {
            return Ok(());
        }
    }
    Err(CaseFailure::new("the transaction number grows with every read"))
}
