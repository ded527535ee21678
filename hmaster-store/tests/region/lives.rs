//! Masters that die at a certain change to the file system, and those that follow: what was confirmed is found.

use std::sync::Arc;
use std::time::Duration;

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FileSystem, FsPath};
use hmaster_store::region::{MasterRegion, MasterRegionOptions};
use hmaster_types::{ServerName, SystemClock};

use crate::crashing::Crashing;
use crate::edits::{Edit, FAMILIES, Model, dump, newest};

/// Logs so short that few edits fill several.
pub(crate) const SMALL: MasterRegionOptions = MasterRegionOptions {
    wal_bytes_max: 3000,
    pending_bytes_max: 1 << 20,
    lease_wait_max: Duration::from_secs(120),
};

/// What was confirmed, and what may or may not have come through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    confirmed: Model,
    pending: Option<Model>,
}

impl Expected {
    /// What came through is final from now on.
    pub(crate) fn check(&mut self, dump: &str, who: &str) {
        let found = newest(dump);
        let is_pending = self.pending.as_ref() == Some(&found);
        assert!(found == self.confirmed || is_pending, "{who} found {found:#?}, expected {self:#?}");
        self.confirmed = found;
        self.pending = None;
    }
}

/// The name of the `n`-th master.
pub(crate) fn server(n: u64) -> ServerName {
    format!("master,16000,{n}").parse().expect("a server's name")
}

/// Opens the region as the `n`-th master.
pub(crate) async fn open(
    fs: Arc<dyn FileSystem>,
    root: &FsPath,
    n: u64,
    options: MasterRegionOptions,
) -> Result<MasterRegion, hmaster_store::region::OpenError> {
    let clock = Arc::new(SystemClock);
    let root = RootDir::new(fs, root.clone(), clock.clone());
    MasterRegion::open(&root, clock, &server(n), options).await
}

/// One life: opens, makes `batches` batches of edits, rolling by itself and on demand, closes. False when it died.
pub(crate) async fn live(
    fs: &Crashing,
    root: &FsPath,
    n: u64,
    batches: u64,
    expected: &mut Expected,
) -> bool {
    let region = match open(Arc::new(fs.clone()), root, n, SMALL).await {
        Ok(region) => region,
        Err(error) => {
            assert!(fs.is_dead(), "master {n}: {error:?}");
            return false;
        }
    };
    expected.check(&dump(&region, &FAMILIES), &format!("master {n}"));
    let mut rng = fastrand::Rng::with_seed(n);
    for batch in 0..batches {
        let edits: Vec<Edit> = (0..rng.usize(1..5)).map(|_| Edit::random(&mut rng)).collect();
        let mut next = expected.confirmed.clone();
        edits.iter().for_each(|edit| edit.apply(&mut next));
        expected.pending = Some(next.clone());
        if region.mutate(edits.iter().map(Edit::cell).collect()).await.is_err() {
            assert!(fs.is_dead(), "master {n}");
            return false;
        }
        *expected = Expected { confirmed: next, pending: None };
        if batch % 4 == 3 {
            region.roll();
        }
    }
    region.close().await.is_ok()
}
