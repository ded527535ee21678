//! Who may touch which znode. Counterpart of `ZKWatcher.createACL` and `ZKAuthentication`.
//!
//! All znodes are open. Znodes of a ZooKeeper that is secured by SASL aren't built yet, and where security is configured
//! that is an error: open znodes among secured ones would be a hole. Paths know already which of them everybody may
//! read ([`crate::ZnodePaths::is_client_readable`]).

use crate::error::{Operation, ZkError, ZkErrorKind};
use crate::paths::ZnodePaths;
use crate::znode::Acl;

/// Which ACL a znode gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclPolicy {
    /// Everybody may do everything.
    Open,
}

impl AclPolicy {
    /// The policy for the configuration that `lookup` reads.
    ///
    /// # Errors
    /// When it asks for SASL or TLS towards ZooKeeper.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ZkError> {
        let asks_for_security = [
            ("hbase.security.authentication", "kerberos", "ZooKeeper with SASL"),
            ("hbase.zookeeper.property.client.secure", "true", "ZooKeeper over TLS"),
        ];
        for (key, value, what) in asks_for_security {
            if lookup(key).is_some_and(|found| found.trim().eq_ignore_ascii_case(value)) {
                let reason = ZkErrorKind::Unsupported(format!("{what}, which {key}={value} asks for"));
                return Err(ZkError::new(Operation::Connect, "/", reason));
            }
        }
        Ok(Self::Open)
    }

    /// The ACL for a new znode at `path`.
    pub fn acl_for(self, _path: &str, _paths: &ZnodePaths) -> Vec<Acl> {
        match self {
            Self::Open => Acl::open(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_that_is_not_built_is_refused() {
        for (key, value, refused) in [
            ("hbase.security.authentication", "simple", false),
            ("hbase.security.authentication", "kerberos", true),
            ("hbase.security.authentication", "KERBEROS ", true),
            ("hbase.zookeeper.property.client.secure", "true", true),
            ("hbase.zookeeper.property.client.secure", "false", false),
        ] {
            let lookup = |asked: &str| (asked == key).then(|| value.to_owned());
            let policy = AclPolicy::from_lookup(lookup);
            assert_eq!(policy.is_err(), refused, "{key}={value}");
            if let Err(error) = policy {
                assert!(error.to_string().contains(key), "{error}");
            }
        }
    }
}
