//! A master dies at every change that it makes to the file system, before and after it, and with what it was writing
//! torn in every way that chance makes; the next masters find what was confirmed.

use hmaster_fs::memory::{CrashAtChange, NoFaults};

use super::*;

/// What was confirmed, and what may or may not have come through, in order.
#[derive(Debug, Default)]
struct Expected {
    confirmed: Vec<(u64, String)>,
    pending: Option<Vec<(u64, String)>>,
}

/// One life: opens, changes rows until it dies or is done. False when it died.
async fn live(f: &Fixture, n: u64, crash: &Arc<CrashAtChange>, expected: &mut Expected) -> bool {
    f.disk.set_fault_plan(Arc::clone(crash));
    let master = match f.open(n).await {
        Ok(master) => master,
        Err(error) => {
            assert!(crash.reached(), "{n}: {error:?}");
            return false;
        }
    };
    expected.check(&master.region, n);
    for step in 0..30u64 {
        f.clock.advance(step % 2);
        let cells = match step % 5 {
            0 => vec![put(step, "new"), put(step + 1000, "with it")],
            1 => vec![put(7, &format!("{n} {step} {}", "long ".repeat(40)))],
            2 => vec![delete(step - 2), put(8, &format!("{n} {step}"))],
            3 => vec![delete(7), delete(step + 997)],
            _ => vec![put(step - 4, "again"), delete(8), put(8, "after all")],
        };
        let next = after(&expected.confirmed, &cells);
        expected.pending = Some(next.clone());
        if master.region.mutate(cells).await.is_err() {
            return false;
        }
        expected.confirmed = next;
        expected.pending = None;
    }
    master.region.close().await.is_ok()
}

fn after(rows: &[(u64, String)], cells: &[Cell]) -> Vec<(u64, String)> {
    let mut rows: std::collections::BTreeMap<u64, String> = rows.iter().cloned().collect();
    for cell in cells {
        let row = u64::from_be_bytes(cell.row().try_into().unwrap());
        match cell.cell_type() {
            CellType::Put => rows.insert(row, String::from_utf8_lossy(cell.value()).into_owned()),
            _ => rows.remove(&row),
        };
    }
    rows.into_iter().collect()
}

impl Expected {
    /// What came through is final from now on.
    fn check(&mut self, region: &MasterRegion, n: u64) {
        let found = content(region);
        let is_pending = self.pending.as_ref() == Some(&found);
        assert!(found == self.confirmed || is_pending, "master {n} found {found:?}, expected {self:?}");
        self.confirmed = found;
        self.pending = None;
    }
}

/// Masters die at the n-th change, each of them, until one gets through.
async fn enumerate(crash_at: fn(u64) -> CrashAtChange, seed: u64, step: usize) -> u64 {
    let mut nth = seed % step as u64;
    loop {
        let f = Fixture::new(seed * 10_000 + nth);
        let mut expected = Expected::default();
        let crash = Arc::new(crash_at(nth));
        let lived = live(&f, 1, &crash, &mut expected).await;
        assert_eq!(lived, !crash.reached(), "change {nth}");
        if lived {
            return nth;
        }
        // The second dies at the same place, if it comes to it; the third gets through.
        let again = Arc::new(crash_at(nth / 2));
        if !live(&f, 2, &again, &mut expected).await {
            assert!(again.reached());
        }
        f.disk.set_fault_plan(NoFaults);
        assert!(live(&f, 3, &Arc::new(crash_at(u64::MAX)), &mut expected).await);
        let last = f.open(4).await.unwrap();
        expected.check(&last.region, 4);
        nth += step as u64;
    }
}

#[tokio::test]
async fn crashes_before_every_change() {
    for seed in 0..2 {
        let changes = enumerate(CrashAtChange::before, seed, 1).await;
        assert!(changes > 100, "{changes}");
    }
}

#[tokio::test]
async fn crashes_after_every_change() {
    for seed in 0..2 {
        assert!(enumerate(CrashAtChange::after, seed, 1).await > 100);
    }
}

/// Every truncation of the log that a master left, as if that had been all that reached the disk: some prefix of its
/// edits is found, and none that was confirmed before the cut is missing.
#[tokio::test]
async fn every_truncation_of_the_log() {
    let f = Fixture::new(1);
    let one = f.open_with(1, MasterRegionOptions::default()).await.unwrap();
    let mut states = vec![Vec::new()];
    for n in 0..12u64 {
        one.region.mutate(vec![put(n % 4, &format!("value {n}")), put(n + 10, "x")]).await.unwrap();
        states.push(content(&one.region));
    }
    drop(one);
    let fs = f.disk.client("admin");
    let folder: FsPath = "/hbase/MasterData/WALs/master,16000,1".parse().unwrap();
    let log = folder.join(&fs.list(&folder).await.unwrap()[0].name);
    fs.recover_lease(&log, Duration::from_secs(1)).await.unwrap();
    let whole = fs.read_whole(&log, 1 << 20).await.unwrap();
    let (mut found, mut zeroed) = (0, 0);
    for cut in 0..=whole.len() {
        for zeros in [0, 7, whole.len()] {
            let f = Fixture::new(1);
            f.open(1).await.unwrap().region.close().await.unwrap();
            let fs = f.disk.client("admin");
            let log = folder.join(&fs.list(&folder).await.unwrap()[0].name);
            let mut torn = whole[..cut].to_vec();
            torn.resize(cut + zeros, 0);
            fs.write_whole(&log, torn.into(), hmaster_fs::CreateOptions::overwrite()).await.unwrap();
            let next = f.open(2).await.unwrap_or_else(|error| panic!("cut {cut}, {zeros} zeros: {error:?}"));
            let at = states.iter().position(|state| *state == content(&next.region));
            let at = at.unwrap_or_else(|| panic!("cut {cut}, {zeros} zeros: {:?}", content(&next.region)));
            if zeros == 0 {
                assert!(at >= found, "cut {cut}: a longer log has fewer edits");
                found = at;
            } else {
                zeroed = zeroed.max(at);
            }
        }
    }
    assert_eq!((found, zeroed), (12, 12));
}
