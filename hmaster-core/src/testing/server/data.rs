//! What a region server does to its regions and their files, each at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::{Cell, CellOrder, EncodedName, JavaException, RegionInfo, ServerName, class};

use super::{Server, ServerRegion};
use crate::ports::{RowMutation, ScanPage, ScanSpec};
use crate::testing::root::{Root, StoreFile, Wal, parse_wal, splitting_folder};
use crate::testing::rows;
use crate::testing::state::State;

/// Why a region server can't do something.
#[derive(Debug)]
pub(in crate::testing) enum Failure {
    /// It says so.
    Refused(JavaException),
    /// Its folder of WALs was taken away: it must die.
    Fenced,
}

impl Server {
    /// All cells of a region that it has.
    pub(in crate::testing) fn cells(&self, root: &Root, region: &RegionInfo) -> Result<Vec<Cell>, String> {
        let own = self.regions.get(&region.encoded_name()).ok_or("not here")?;
        let mut cells = root.cells(region)?;
        cells.extend(own.mem.iter().cloned());
        Ok(cells)
    }
}

fn not_serving(region: &RegionInfo) -> Failure {
    Failure::Refused(JavaException::new(class::NOT_SERVING_REGION, region.name().to_string()))
}

impl State {
    pub(in crate::testing) fn server_mut(&mut self, server: &ServerName) -> &mut Server {
        self.servers.get_mut(server).expect("servers are never forgotten")
    }

    /// The folder in which a server makes its WALs; none once it is fenced.
    fn wal_folder(&mut self, server: &ServerName) -> Option<&mut BTreeMap<String, Wal>> {
        self.root.wals.get_mut(server.as_str())
    }

    /// True for a server that can't acknowledge any more edits.
    pub(in crate::testing) fn is_fenced(&self, server: &ServerName) -> bool {
        !self.root.wals.contains_key(server.as_str())
    }

    /// Makes a server's folder of WALs with a first WAL.
    pub(in crate::testing) fn make_wals(&mut self, server: &ServerName) {
        let wal = self.servers[server].wal.clone();
        if !self.root.wals.contains_key(&splitting_folder(server)) {
            self.root.wals.entry(server.to_string()).or_default().insert(wal, Wal::default());
        }
    }

    fn append(&mut self, server: &ServerName, region: &RegionInfo, cells: &[Cell]) -> Result<(), Failure> {
        let own = self.server_mut(server);
        let wal = match region.is_meta() {
            true => own.meta_wal.get_or_insert_with(|| format!("{server}.1.meta")).clone(),
            false => own.wal.clone(),
        };
        let (table, name) = (region.table().clone(), region.with_replica(0).encoded_name());
        let folder = self.wal_folder(server).ok_or(Failure::Fenced)?;
        let edits = cells.iter().map(|cell| (table.clone(), name, cell.clone()));
        folder.entry(wal).or_default().0.extend(edits);
        Ok(())
    }

    /// Opens a region: what was recovered is taken in and flushed. Returns the sequence id that it is open with.
    pub(in crate::testing) fn load_region(
        &mut self,
        server: &ServerName,
        region: &RegionInfo,
    ) -> Result<u64, Failure> {
        let refuse = |reason: String| Failure::Refused(JavaException::new(class::IO, reason));
        self.root.cells(region).map_err(refuse)?;
        if self.is_fenced(server) {
            return Err(Failure::Fenced);
        }
        self.check_open(server, region);
        let flushed = self.root.flushed_sequence_id(region);
        let recovered = match self.root.region_mut(region).filter(|_| region.is_default_replica()) {
            Some(folder) => std::mem::take(&mut folder.recovered),
            None => BTreeMap::new(),
        };
        let mut recovered: Vec<Cell> = recovered.into_values().flatten().collect();
        recovered.retain(|cell| cell.sequence_id().cast_signed() > flushed);
        recovered.sort_by_key(Cell::sequence_id);
        recovered.dedup();
        self.root.flush(region, recovered);
        let highest = self.root.flushed_sequence_id(region);
        let folder = self.root.region_mut(region).ok_or_else(|| refuse("no folder".into()))?;
        let last = highest.max(folder.sequence_id.unwrap_or(-1)).max(0);
        if region.is_default_replica() {
            folder.sequence_id = Some(last);
        }
        let open_sequence_id = last.cast_unsigned() + 1;
        let own = ServerRegion {
            info: region.clone(),
            is_online: false,
            mem: Vec::new(),
            next_sequence_id: open_sequence_id + 1,
        };
        self.server_mut(server).regions.insert(region.encoded_name(), own);
        Ok(open_sequence_id)
    }

    /// Flushes a region and takes it away.
    pub(in crate::testing) fn unload_region(
        &mut self,
        server: &ServerName,
        region: EncodedName,
    ) -> Result<(), Failure> {
        self.flush_region(server, region)?;
        if let Some(own) = self.server_mut(server).regions.remove(&region)
            && own.info.is_default_replica()
            && let Some(folder) = self.root.region_mut(&own.info)
        {
            folder.sequence_id = folder.sequence_id.max(Some(own.next_sequence_id.cast_signed()));
        }
        Ok(())
    }

    /// Moves a region's edits from memory to a store file.
    pub(in crate::testing) fn flush_region(
        &mut self,
        server: &ServerName,
        region: EncodedName,
    ) -> Result<(), Failure> {
        if self.is_fenced(server) {
            return Err(Failure::Fenced);
        }
        let Some(own) = self.server_mut(server).regions.get_mut(&region) else { return Ok(()) };
        let (info, mem) = (own.info.clone(), std::mem::take(&mut own.mem));
        self.root.flush(&info, mem);
        Ok(())
    }

    /// Writes a region's store files into one of each family. What its files held goes to the archive; the files that
    /// they referred to are other regions'.
    pub(in crate::testing) fn compact_region(
        &mut self,
        server: &ServerName,
        region: EncodedName,
    ) -> Result<(), Failure> {
        if self.is_fenced(server) {
            return Err(Failure::Fenced);
        }
        let Some(own) = self.server_mut(server).regions.get(&region) else { return Ok(()) };
        let info = own.info.clone();
        if !info.is_default_replica() || info.is_meta() {
            return Ok(());
        }
        let refuse = |reason: String| Failure::Refused(JavaException::new(class::IO, reason));
        let cells = self.root.cells(&info).map_err(refuse)?;
        self.root.archive_files(&info);
        self.root.flush(&info, cells);
        self.check_references();
        Ok(())
    }

    /// Reads rows.
    pub(in crate::testing) fn scan(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        spec: &ScanSpec,
    ) -> Result<ScanPage, Failure> {
        let own = &self.servers[server];
        if !own.regions.get(&region.encoded_name()).is_some_and(|region| region.is_online) {
            return Err(not_serving(region));
        }
        let cells = own.cells(&self.root, region);
        let cells = cells.map_err(|error| Failure::Refused(JavaException::new(class::IO, error)))?;
        Ok(rows::page(cells, CellOrder::of_table(region.table()), spec))
    }

    /// What a server says of a region that it serves.
    pub(in crate::testing) fn describe_region(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        best_split_row: bool,
    ) -> Result<pb::GetRegionInfoResponse, Failure> {
        let own = &self.servers[server];
        if !own.regions.get(&region.encoded_name()).is_some_and(|region| region.is_online) {
            return Err(match own.is_opening(region.encoded_name()) {
                true => {
                    Failure::Refused(JavaException::new(class::REGION_OPENING, region.name().to_string()))
                }
                false => not_serving(region),
            });
        }
        let cells = own.cells(&self.root, region);
        let mut cells = cells.map_err(|error| Failure::Refused(JavaException::new(class::IO, error)))?;
        cells.sort_by(|a, b| a.row().cmp(b.row()));
        let has_references = self.root.region(region).is_some_and(|folder| {
            folder.files.values().any(|file| matches!(file, StoreFile::Reference { .. }))
        });
        let middle = cells.get(cells.len() / 2).map(|cell| Bytes::copy_from_slice(cell.row()));
        Ok(pb::GetRegionInfoResponse {
            region_info: region.into(),
            splittable: Some(!has_references && !region.is_meta()),
            mergeable: Some(!has_references && !region.is_meta()),
            best_split_row: middle.filter(|_| best_split_row),
            ..Default::default()
        })
    }

    /// Changes rows; what it acknowledges is in its WAL.
    pub(in crate::testing) fn mutate(
        &mut self,
        server: &ServerName,
        region: &RegionInfo,
        mutations: &[RowMutation],
    ) -> Result<(), Failure> {
        let own = self.server_mut(server).regions.get_mut(&region.encoded_name());
        let Some(own) = own.filter(|region| region.is_online) else { return Err(not_serving(region)) };
        let mut cells = Vec::new();
        for mutation in mutations {
            cells.extend(rows::edits(mutation, own.next_sequence_id));
            own.next_sequence_id += 1;
        }
        self.append(server, region, &cells)?;
        let own = self.server_mut(server).regions.get_mut(&region.encoded_name());
        own.expect("seen above").mem.extend(cells);
        Ok(())
    }

    /// The regions with edits in a WAL; none when the WAL isn't there.
    pub(in crate::testing) fn regions_in_wal(&self, uri: &str) -> Option<Vec<EncodedName>> {
        let path = parse_wal(uri)?;
        let wal = self.root.wals.get(path.folder)?.get(path.file)?;
        let mut regions: Vec<_> = wal.0.iter().map(|(_, region, _)| *region).collect();
        regions.sort_unstable();
        regions.dedup();
        Some(regions)
    }

    /// Gives each region its edits from a WAL, but for those that were flushed. Those of regions without folder go.
    pub(in crate::testing) fn split(&mut self, uri: &str, flushed: &BTreeMap<EncodedName, i64>) {
        let Some(path) = parse_wal(uri) else { return };
        let Some(wal) = self.root.wals.get(path.folder).and_then(|folder| folder.get(path.file)) else {
            return;
        };
        let file = path.file.to_owned();
        let mut recovered: BTreeMap<_, Vec<Cell>> = BTreeMap::new();
        for (table, region, cell) in &wal.0 {
            let skip = flushed.get(region).copied().unwrap_or(-1);
            if cell.sequence_id().cast_signed() > skip {
                recovered.entry((table.clone(), *region)).or_default().push(cell.clone());
            }
        }
        for ((table, region), cells) in recovered {
            let table = self.root.tables.get_mut(&table);
            if let Some(folder) = table.and_then(|table| table.regions.get_mut(&region)) {
                folder.recovered.insert(file.clone(), cells);
            }
        }
    }
}
