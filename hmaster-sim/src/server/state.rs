//! What all parts of a region server with rows share.

use std::ops::Deref;
use std::sync::Arc;

use hmaster_types::{JavaException, ServerName, class};
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use super::member::Member;
use super::options::Settings;
use super::scanners::Scanners;
use super::storage::Storage;
use crate::region::Region;
use crate::service::ClientScanner;

/// A region server with rows.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) member: Member<Region>,
    pub(crate) settings: Settings,
    pub(crate) scanners: Scanners<ClientScanner>,
    pub(crate) bounds: Bounds,
    /// Gone once the server has ended.
    pub(crate) storage: RwLock<Option<Arc<Storage>>>,
}

/// How much is done at the same time.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) opening: Semaphore,
    pub(crate) closing: Semaphore,
    pub(crate) splitting: Semaphore,
}

impl Deref for Server {
    type Target = Member<Region>;

    fn deref(&self) -> &Self::Target {
        &self.member
    }
}

impl Server {
    /// Its name and files, when it is online.
    ///
    /// # Errors
    /// When it isn't yet.
    pub(crate) fn ready(&self) -> Result<(&ServerName, Arc<Storage>), JavaException> {
        match (self.member.name(), self.storage.read().clone()) {
            (Some(name), Some(storage)) => Ok((name, storage)),
            _ => Err(JavaException::new(
                class::SERVER_NOT_RUNNING_YET,
                format!("Server {} is not running yet", self.label()),
            )),
        }
    }
}
