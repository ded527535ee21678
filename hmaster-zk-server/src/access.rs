//! Who may do what: authentication by scheme and access control lists. Counterparts:
//! `ProviderRegistry`, `DigestAuthenticationProvider`, `IPAuthenticationProvider`,
//! `PrepRequestProcessor.fixupACL` and `ZooKeeperServer.checkACL`.
//!
//! Schemes are those of a ZooKeeper without further configuration: `world`, `auth`, `ip`, `digest`,
//! and `super` for whoever knows the super user's password, if there is one.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::wire::error_code::ErrorCode;
use crate::wire::types::{AclEntry, AuthId};

/// Longest credentials that are accepted. With [`IDENTITIES_MAX`] it bounds what an ACL entry `auth`
/// can grow to.
const CREDENTIALS_BYTES_MAX: usize = 512;

/// How many identities a connection may have.
pub(crate) const IDENTITIES_MAX: usize = 8;

/// The identity every connection has from the start.
pub(crate) fn ip_identity(ip: IpAddr) -> AuthId {
    AuthId::new("ip", &ip.to_canonical().to_string())
}

/// The identity that credentials `user:password` of the digest scheme give: user, colon and the
/// base64 of the SHA-1 of the credentials.
pub(crate) fn digest_identity(credentials: &[u8]) -> AuthId {
    let credentials = String::from_utf8_lossy(credentials);
    let user = credentials.split(':').next().unwrap_or_default();
    let hash = STANDARD.encode(Sha1::digest(credentials.as_bytes()));
    AuthId::new("digest", &format!("{user}:{hash}"))
}

/// The identities that credentials give, or AuthFailed. `super_digest` is the digest identity of the
/// super user.
pub(crate) fn authenticate(
    scheme: &str,
    credentials: &[u8],
    ip: IpAddr,
    super_digest: Option<&str>,
) -> Result<Vec<AuthId>, ErrorCode> {
    match scheme {
        _ if credentials.len() > CREDENTIALS_BYTES_MAX => Err(ErrorCode::AuthFailed),
        "ip" => Ok(vec![ip_identity(ip)]),
        "digest" => {
            let identity = digest_identity(credentials);
            let is_super = super_digest == Some(identity.id.as_str());
            let super_user = is_super.then(|| AuthId::new("super", ""));
            Ok(super_user.into_iter().chain([identity]).collect())
        }
        _ => Err(ErrorCode::AuthFailed),
    }
}

/// The user's name in an identity, as whoAmI tells it.
pub(crate) fn user_name(identity: &AuthId) -> &str {
    match identity.scheme.as_str() {
        "digest" => identity.id.split(':').next().unwrap_or_default(),
        "ip" => &identity.id,
        _ => "",
    }
}

/// Checks an ACL a client wants to set, and replaces `auth` by the identities of the connection.
pub(crate) fn resolve_acl(acl: &[AclEntry], identities: &[AuthId]) -> Result<Vec<AclEntry>, ErrorCode> {
    let mut resolved: Vec<AclEntry> = Vec::new();
    let mut seen: Vec<&AclEntry> = Vec::new();
    for entry in acl {
        if seen.contains(&entry) {
            continue;
        }
        seen.push(entry);
        match entry.id.scheme.as_str() {
            "world" if entry.id.is_anyone() => resolved.push(entry.clone()),
            "auth" => {
                let mine = identities.iter().filter(|identity| identity.scheme == "digest");
                let before = resolved.len();
                resolved.extend(mine.map(|id| AclEntry { perms: entry.perms, id: id.clone() }));
                if resolved.len() == before {
                    return Err(ErrorCode::InvalidAcl);
                }
            }
            "digest" if is_digest(&entry.id.id) => resolved.push(entry.clone()),
            "ip" if parse_network(&entry.id.id).is_some() => resolved.push(entry.clone()),
            _ => return Err(ErrorCode::InvalidAcl),
        }
    }
    if resolved.is_empty() { Err(ErrorCode::InvalidAcl) } else { Ok(resolved) }
}

/// Whether a connection with these identities may do something that needs one of the permissions.
pub(crate) fn check(acl: &[AclEntry], perms: i32, identities: &[AuthId]) -> Result<(), ErrorCode> {
    if acl.is_empty() || identities.iter().any(|identity| identity.scheme == "super") {
        return Ok(());
    }
    let grants = |entry: &AclEntry| {
        entry.perms & perms != 0
            && (entry.id.is_anyone() || identities.iter().any(|id| is_granted(&entry.id, id)))
    };
    if acl.iter().any(grants) { Ok(()) } else { Err(ErrorCode::NoAuth) }
}

fn is_granted(granted: &AuthId, identity: &AuthId) -> bool {
    match (granted.scheme.as_str(), identity.scheme.as_str()) {
        ("digest", "digest") => granted.id == identity.id,
        ("ip", "ip") => is_in_network(&granted.id, &identity.id),
        _ => false,
    }
}

/// Two parts around a colon, as Java's `split` counts them: trailing empty parts don't.
fn is_digest(id: &str) -> bool {
    let parts = id.trim_end_matches(':').split(':').count();
    parts == 2
}

/// An IPv4 address with an optional number of bits, which is all that Java's provider knows.
fn parse_network(expression: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, bits) = match expression.split_once('/') {
        None => (expression, 32),
        Some((address, bits)) => (address, bits.parse().ok().filter(|bits| *bits <= 32)?),
    };
    Some((address.parse().ok()?, bits))
}

fn is_in_network(expression: &str, ip: &str) -> bool {
    let (Some((network, bits)), Ok(ip)) = (parse_network(expression), ip.parse::<Ipv4Addr>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    u32::from(network) & mask == u32::from(ip) & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::types::{PERM_ALL, PERM_READ, PERM_WRITE};

    fn entry(perms: i32, scheme: &str, id: &str) -> AclEntry {
        AclEntry { perms, id: AuthId::new(scheme, id) }
    }

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// The digest is the one in ZooKeeper's administrator's guide.
    #[test]
    fn digest_identities_are_those_of_java() {
        assert_eq!(digest_identity(b"super:test").id, "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
        assert_eq!(user_name(&digest_identity(b"u:p")), "u");
    }

    #[test]
    fn the_super_user_is_whoever_has_the_super_digest() {
        let digest = digest_identity(b"super:test").id;
        let identities = authenticate("digest", b"super:test", LOCALHOST, Some(&digest)).unwrap();
        assert_eq!(check(&[entry(PERM_READ, "digest", "a:b")], PERM_WRITE, &identities), Ok(()));
        let identities = authenticate("digest", b"super:other", LOCALHOST, Some(&digest)).unwrap();
        let refused = check(&[entry(PERM_READ, "digest", "a:b")], PERM_WRITE, &identities);
        assert_eq!(refused, Err(ErrorCode::NoAuth));
    }

    #[test]
    fn unknown_schemes_authenticate_nobody() {
        for scheme in ["", "world", "sasl", "x509", "super"] {
            assert_eq!(authenticate(scheme, b"a:b", LOCALHOST, None), Err(ErrorCode::AuthFailed), "{scheme}");
        }
    }

    #[test]
    fn credentials_are_bounded() {
        let credentials = vec![b'x'; CREDENTIALS_BYTES_MAX + 1];
        assert!(authenticate("digest", &credentials[1..], LOCALHOST, None).is_ok());
        assert_eq!(authenticate("digest", &credentials, LOCALHOST, None), Err(ErrorCode::AuthFailed));
    }

    #[test]
    fn an_acl_is_checked_before_it_is_set() {
        let bad = [
            ("world", "x"),
            ("auth", ""),
            ("sasl", "x"),
            ("digest", "x"),
            ("digest", "x:"),
            ("digest", "a:b:c"),
            ("ip", "1.2.3"),
            ("ip", "1.2.3.4/33"),
            ("ip", "1.2.3.4/x"),
            ("super", ""),
            ("", ""),
        ];
        for (scheme, id) in bad {
            let refused = resolve_acl(&[entry(PERM_ALL, scheme, id)], &[ip_identity(LOCALHOST)]);
            assert_eq!(refused, Err(ErrorCode::InvalidAcl), "{scheme}:{id}");
        }
        assert_eq!(resolve_acl(&[], &[]), Err(ErrorCode::InvalidAcl));
        let good =
            [entry(PERM_ALL, "world", "anyone"), entry(1, "digest", "a:b"), entry(1, "ip", "10.0.0.0/8")];
        assert_eq!(resolve_acl(&good, &[]), Ok(good.to_vec()));
    }

    #[test]
    fn auth_stands_for_the_digests_of_the_connection_and_duplicates_go() {
        let identities = [ip_identity(LOCALHOST), digest_identity(b"u:p")];
        let auth = entry(PERM_ALL, "auth", "");
        let resolved = resolve_acl(&[auth.clone(), auth], &identities).unwrap();
        assert_eq!(resolved, [AclEntry { perms: PERM_ALL, id: digest_identity(b"u:p") }]);
    }

    #[test]
    fn networks_match_by_their_bits() {
        let acl = |id| [entry(PERM_READ, "ip", id)];
        let identities = [AuthId::new("ip", "10.1.2.3")];
        for id in ["10.1.2.3", "10.0.0.0/8", "10.1.2.2/31", "0.0.0.0/0"] {
            assert_eq!(check(&acl(id), PERM_READ, &identities), Ok(()), "{id}");
        }
        for id in ["10.1.2.4", "11.0.0.0/8", "10.1.2.4/31"] {
            assert_eq!(check(&acl(id), PERM_READ, &identities), Err(ErrorCode::NoAuth), "{id}");
        }
        assert_eq!(check(&acl("10.1.2.3"), PERM_WRITE, &identities), Err(ErrorCode::NoAuth));
    }
}
