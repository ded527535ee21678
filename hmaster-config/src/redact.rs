//! Which values are never shown. Counterpart of `ConfigRedactor` with the default patterns of
//! `hadoop.security.sensitive-config-keys`; hides a little more (any key with `password` or `secret` in it), and
//! doesn't read patterns from the configuration.

/// Stands for a secret value.
pub const REDACTED: &str = "<redacted>";

/// Anywhere in a key, these mark a secret.
const MARKS: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "account.key", "access.key", "encryption.key", "oauth"];

/// At the end of a key, these do.
const ENDS: [&str; 5] = [".pass", "credential", "token", "session.key", "keyprovider.parameters"];

/// True when the value of `key` must not be shown.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    MARKS.iter().any(|mark| key.contains(mark)) || ENDS.iter().any(|end| key.ends_with(end))
}

/// `value`, or [`REDACTED`] when `key` is secret.
pub(crate) fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    if is_secret(key) { REDACTED } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognized_by_their_keys() {
        let secret = [
            "hbase.rpc.tls.keystore.password",
            "ssl.server.keystore.keypassword",
            "fs.s3a.secret.key",
            "fs.azure.account.key.example.net",
            "hadoop.security.group.mapping.ldap.bind.password",
            "ssl.keystore.pass",
            "my.Credential",
            "fs.s3a.session.token",
            "hbase.crypto.keyprovider.parameters",
        ];
        let open = [
            "hbase.rootdir",
            "hadoop.security.credential.provider.path",
            "hbase.auth.token.max.lifetime",
            "hbase.crypto.master.key.name",
            "hbase.client.keyvalue.maxsize",
            "dfs.block.access.token.enable",
        ];
        assert_eq!(secret.iter().filter(|key| !is_secret(key)).count(), 0, "{secret:?}");
        assert_eq!(open.iter().filter(|key| is_secret(key)).count(), 0, "{open:?}");
    }
}
