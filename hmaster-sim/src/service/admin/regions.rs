//! What is done to single regions when somebody asks for it.

use std::sync::Arc;

use hmaster_types::JavaException;

use crate::region::Region;
use crate::server::{Server, chain};
use crate::service::mutate::java;

/// What lies in memory only has no middle that could be found.
pub(super) async fn best_split_row(region: &Region) -> Result<Option<bytes::Bytes>, JavaException> {
    if let Some(row) = region.best_split_row().await.map_err(java)? {
        return Ok(Some(row));
    }
    region.flush().await.map_err(java)?;
    region.best_split_row().await.map_err(java)
}

pub(super) fn compact(server: &Server, region: Arc<Region>, major: bool) {
    if !server.ready().is_ok_and(|(_, storage)| storage.log.compacts()) {
        tracing::info!(region = %region.info().name(), major, "compactions are switched off");
        return;
    }
    // Who asks now is told that a compaction is on its way.
    let counted = region.count_compaction(major);
    server.spawn(async move {
        let _counted = counted;
        let name = region.info().name();
        match region.compact(major).await {
            Ok(done) => tracing::info!(region = %name, major, done, "compaction"),
            Err(error) => tracing::warn!(region = %name, major, error = chain(&error), "compaction failed"),
        }
    });
}
