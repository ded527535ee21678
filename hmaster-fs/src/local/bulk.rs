//! Many small files at once, such as the `.regioninfo` of each region of a new table.
//!
//! A sync per file and folder costs about a journal commit each. Beyond a few files it is cheaper to write
//! them all and have the whole file system synced once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::create::create_file;
use super::{blocking, checksum, names, os};
use crate::{CreateMode, FsError, FsErrorKind, FsPath, NewFile, Operation};

/// Files per hop to a blocking thread.
const BATCH_FILES: usize = 128;
/// Batches under way at once.
const BATCHES_MAX: usize = 4;

/// One open folder per device, to sync that.
type Devices = BTreeMap<u64, (FsPath, File)>;

pub(super) async fn write_many(files: Vec<NewFile>) -> Result<(), FsError> {
    let Some(first) = files.first().map(|file| file.path.clone()) else { return Ok(()) };
    let mut batches = Vec::with_capacity(files.len().div_ceil(BATCH_FILES));
    let mut files = files.into_iter().peekable();
    while files.peek().is_some() {
        batches.push(files.by_ref().take(BATCH_FILES).collect::<Vec<_>>());
    }
    let written = stream::iter(batches).map(write_batch).buffer_unordered(BATCHES_MAX);
    let devices: Devices = written
        .try_fold(Devices::new(), |mut all, some| async move {
            all.extend(some);
            Ok(all)
        })
        .await?;
    blocking(Operation::Sync, &first, move |_| devices.into_values().try_for_each(sync_device)).await
}

async fn write_batch(files: Vec<NewFile>) -> Result<Devices, FsError> {
    let first = files.first().map_or_else(FsPath::root, |file| file.path.clone());
    blocking(Operation::Create, &first, move |_| {
        let mut devices = Devices::new();
        for file in &files {
            write(file, &mut devices)?;
        }
        Ok(devices)
    })
    .await
}

fn write(new: &NewFile, devices: &mut Devices) -> Result<(), FsError> {
    let path = &new.path;
    if let Some(folder) = path.parent() {
        names::mkdirs(&folder, None, names::Sync::Later)?;
    }
    let created = create_file(path, CreateMode::Overwrite).and_then(|mut file| {
        checksum::remove(os(path))?;
        file.write_all(&new.content)?;
        Ok((file.metadata()?.dev(), file))
    });
    let (device, file) = created.map_err(|error| FsError::from_io(Operation::Create, path, error))?;
    devices.entry(device).or_insert((path.clone(), file));
    Ok(())
}

/// Syncs the file system that holds `file`. It reports what failed since the file was opened, thus before
/// anything else was written.
fn sync_device((path, file): (FsPath, File)) -> Result<(), FsError> {
    let synced = rustix::fs::syncfs(file);
    synced.map_err(|errno| {
        FsError::caused_by(Operation::Sync, &path, FsErrorKind::Unknown, std::io::Error::from(errno))
    })
}
