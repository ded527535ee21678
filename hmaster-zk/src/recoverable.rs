//! A session whose operations are repeated when the connection is lost. Counterpart of `RecoverableZooKeeper`.
//!
//! Repeating what may have been done already needs care, since the second try may meet the first one's effect:
//!
//! - A create that finds the znode there, with exactly the data it wrote, salt included, has succeeded. An ephemeral
//!   one must be this session's, too.
//! - A delete that finds nothing has succeeded.
//! - A write that finds another version than expected, and its own data, has succeeded.
//!
//! Differs from Java in that the first repetition is immediate: an operation waits for the connection anyway.

mod attempts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use hmaster_types::Chance;

use crate::envelope;
use crate::error::{ZkError, ZkErrorKind};
use crate::session::{MultiOp, NodeWatch, ZkSession};
use crate::znode::{self, Acl, CreateMode, Stat};

use attempts::Attempts;
pub use attempts::RetryPolicy;

/// A session with repetition. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RecoverableZooKeeper {
    session: Arc<dyn ZkSession>,
    writer: Arc<Writer>,
    retry: RetryPolicy,
}

/// Who writes, as the envelope says it.
#[derive(Debug)]
struct Writer {
    identifier: String,
    chance: Chance,
}

impl RecoverableZooKeeper {
    /// `session` for the process `identifier`, such as `master:16000`.
    pub fn new(
        session: Arc<dyn ZkSession>,
        identifier: impl Into<String>,
        chance: Chance,
        retry: RetryPolicy,
    ) -> Self {
        Self { session, writer: Arc::new(Writer { identifier: identifier.into(), chance }), retry }
    }

    /// The session.
    pub fn session(&self) -> &Arc<dyn ZkSession> {
        &self.session
    }

    /// Makes a znode; gives its path, which the server completes for a sequential one, and its stat.
    ///
    /// # Errors
    /// Like [`ZkSession::create`]. A sequential znode without data can't be recognised: then the error after a lost
    /// connection is [`ZkErrorKind::OutcomeUnknown`].
    pub async fn create(
        &self,
        path: &str,
        payload: &[u8],
        mode: CreateMode,
        acl: &[Acl],
    ) -> Result<(String, Stat), ZkError> {
        let data = self.wrap(payload);
        let mut attempts = self.attempts();
        loop {
            let error = match self.session.create(path, data.clone(), mode, acl).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let found = if mode.is_sequential() {
                self.find_sequential(path, &data, mode, error, &mut attempts).await?
            } else {
                self.find(path, &data, mode, error, &mut attempts).await?
            };
            if let Some(created) = found {
                return Ok(created);
            }
        }
    }

    /// Makes a znode that isn't sequential and carries out `others`, whose data get no envelope: all or nothing.
    ///
    /// # Errors
    /// Like [`ZkSession::multi`].
    pub async fn create_with(
        &self,
        path: &str,
        payload: &[u8],
        mode: CreateMode,
        acl: &[Acl],
        others: Vec<MultiOp>,
    ) -> Result<(), ZkError> {
        let data = self.wrap(payload);
        let create = MultiOp::Create { path: path.to_owned(), data: data.clone(), mode, acl: acl.to_vec() };
        let ops: Vec<_> = std::iter::once(create).chain(others).collect();
        let mut attempts = self.attempts();
        loop {
            let error = match self.session.multi(&ops).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if self.find(path, &data, mode, error, &mut attempts).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Removes a znode that has `version`, or any.
    ///
    /// # Errors
    /// Like [`ZkSession::delete`].
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.delete(path, version).await {
                Err(error) if error.is_no_node() && attempts.in_doubt() => return Ok(()),
                Err(error) => attempts.again(error).await?,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Replaces the data of a znode that has `version`, or any.
    ///
    /// # Errors
    /// Like [`ZkSession::set`].
    pub async fn set(&self, path: &str, payload: &[u8], version: Option<i32>) -> Result<Stat, ZkError> {
        let data = self.wrap(payload);
        let mut attempts = self.attempts();
        loop {
            match self.session.set(path, data.clone(), version).await {
                Err(error) if error.kind == ZkErrorKind::BadVersion && attempts.in_doubt() => {
                    let (found, stat) = self.read(path).await?;
                    return if found == data { Ok(stat) } else { Err(error) };
                }
                Err(error) => attempts.again(error).await?,
                Ok(stat) => return Ok(stat),
            }
        }
    }

    /// Reads a znode's stat.
    ///
    /// # Errors
    /// Like [`ZkSession::exists`].
    pub async fn exists(&self, path: &str) -> Result<Option<Stat>, ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.exists(path).await {
                Err(error) => attempts.again(error).await?,
                found => return found,
            }
        }
    }

    /// Reads a znode's stat and watches.
    ///
    /// # Errors
    /// Like [`ZkSession::exists_watch`].
    pub async fn exists_watch(&self, path: &str) -> Result<(Option<Stat>, NodeWatch), ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.exists_watch(path).await {
                Err(error) => attempts.again(error).await?,
                found => return found,
            }
        }
    }

    /// Reads a znode's data, envelope included.
    ///
    /// # Errors
    /// Like [`ZkSession::get`].
    pub async fn read(&self, path: &str) -> Result<(Bytes, Stat), ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.get(path).await {
                Err(error) => attempts.again(error).await?,
                found => return found,
            }
        }
    }

    /// Reads a znode's data, envelope included, and watches.
    ///
    /// # Errors
    /// Like [`ZkSession::get_watch`].
    pub async fn read_watch(&self, path: &str) -> Result<(Bytes, Stat, NodeWatch), ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.get_watch(path).await {
                Err(error) => attempts.again(error).await?,
                found => return found,
            }
        }
    }

    /// Lists the names of a znode's children.
    ///
    /// # Errors
    /// Like [`ZkSession::children`].
    pub async fn children(&self, path: &str) -> Result<Vec<String>, ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.children(path).await {
                Err(error) => attempts.again(error).await?,
                found => return found,
            }
        }
    }

    /// Lists the names of a znode's children and watches.
    ///
    /// # Errors
    /// Like [`ZkSession::children_watch`].
    pub async fn children_watch(&self, path: &str) -> Result<(Vec<String>, NodeWatch), ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.children_watch(path).await {
                Err(error) => attempts.again(error).await?,
                found => return found,
            }
        }
    }

    /// Carries out all of `ops` or none; their data get envelopes. After a lost connection the repetition may meet what
    /// the first try did: the error is then that of an ordinary failure, as in Java.
    ///
    /// # Errors
    /// Like [`ZkSession::multi`].
    pub async fn multi(&self, mut ops: Vec<MultiOp>) -> Result<(), ZkError> {
        for op in &mut ops {
            if let MultiOp::Create { data, .. } | MultiOp::Set { data, .. } = op {
                *data = self.wrap(data);
            }
        }
        let mut attempts = self.attempts();
        loop {
            match self.session.multi(&ops).await {
                Err(error) => attempts.again(error).await?,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Waits until the server has caught up with its leader.
    ///
    /// # Errors
    /// Like [`ZkSession::sync`].
    pub async fn sync(&self, path: &str) -> Result<(), ZkError> {
        let mut attempts = self.attempts();
        loop {
            match self.session.sync(path).await {
                Err(error) => attempts.again(error).await?,
                Ok(()) => return Ok(()),
            }
        }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.retry)
    }

    fn wrap(&self, payload: &[u8]) -> Bytes {
        envelope::wrap(self.writer.identifier.as_bytes(), &self.writer.chance, payload)
    }

    fn owns(&self, mode: CreateMode, stat: &Stat) -> bool {
        !mode.is_ephemeral() || stat.ephemeral_owner == Some(self.session.id())
    }

    /// After a failed create: the znode if it was made after all, none if it may be tried again.
    async fn find(
        &self,
        path: &str,
        data: &Bytes,
        mode: CreateMode,
        error: ZkError,
        attempts: &mut Attempts,
    ) -> Result<Option<(String, Stat)>, ZkError> {
        if !(error.is_node_exists() && attempts.in_doubt()) {
            attempts.again(error).await?;
            return Ok(None);
        }
        match self.read(path).await {
            Ok((found, stat)) if found == *data && self.owns(mode, &stat) => {
                Ok(Some((path.to_owned(), stat)))
            }
            Ok(_) => Err(error),
            Err(gone) if gone.is_no_node() => Ok(None), // made and removed meanwhile: it may be made again
            Err(unread) => Err(unread),
        }
    }

    /// The same after a failed sequential create.
    async fn find_sequential(
        &self,
        path: &str,
        data: &Bytes,
        mode: CreateMode,
        error: ZkError,
        attempts: &mut Attempts,
    ) -> Result<Option<(String, Stat)>, ZkError> {
        attempts.again(error.clone()).await?;
        if !attempts.in_doubt() {
            return Ok(None);
        }
        let above = znode::parent(path).filter(|_| !data.is_empty()).ok_or(error)?;
        let names = self.children(above).await?;
        for name in names.iter().filter(|name| name.starts_with(znode::name(path))) {
            let sibling = znode::join(above, name);
            match self.read(&sibling).await {
                Ok((found, stat)) if found == *data && self.owns(mode, &stat) => {
                    return Ok(Some((sibling, stat)));
                }
                Err(error) if !error.is_no_node() => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }
}
