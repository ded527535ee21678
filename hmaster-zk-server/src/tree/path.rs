//! Paths of nodes. Counterpart of `PathUtils.validatePath`.

use crate::wire::error_code::ErrorCode;

/// The path of the parent; the root's is the root.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(slash) => &path[..slash],
    }
}

/// The last element of a path.
pub(crate) fn name(path: &str) -> &str {
    path.rfind('/').map_or(path, |slash| &path[slash + 1..])
}

/// The parent in a request to create or delete: checked less strictly than the node's path, because
/// the path of a sequential node isn't complete yet.
pub(crate) fn requested_parent(path: &str) -> Result<&str, ErrorCode> {
    if !path.contains('/') || path.contains('\0') {
        return Err(ErrorCode::BadArguments);
    }
    Ok(parent(path))
}

/// Paths that can't be deleted.
pub(crate) fn is_special(path: &str) -> bool {
    matches!(path, "/" | "/zookeeper" | "/zookeeper/quota" | "/zookeeper/config")
}

/// Checks that a path is absolute and normal, and has no character that Java refuses.
pub(crate) fn validate(path: &str) -> Result<(), ErrorCode> {
    if path == "/" {
        return Ok(());
    }
    let elements = path.strip_prefix('/').ok_or(ErrorCode::BadArguments)?;
    let bad_element = |element: &str| element.is_empty() || element == "." || element == "..";
    if elements.split('/').any(bad_element) || elements.chars().any(is_forbidden) {
        return Err(ErrorCode::BadArguments);
    }
    Ok(())
}

/// Java looks at UTF-16 units: whatever needs two of them has surrogates, which it refuses.
fn is_forbidden(c: char) -> bool {
    matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..=0xffff | 0x1_0000..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_java_refuses_is_refused() {
        for good in ["/", "/a", "/a/b", "/a.b", "/...", "/a/.b", "/a b", "/ä/日本"] {
            assert_eq!(validate(good), Ok(()), "{good:?}");
        }
        let bad = [
            "",
            "a",
            "a/b",
            "//",
            "/a/",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/a/.",
            "/a/../b",
            "/a\0",
            "/\u{1f}",
            "/\u{7f}",
            "/\u{9f}",
            "/\u{e000}",
            "/\u{fffd}",
            "/\u{1f600}",
        ];
        for bad in bad {
            assert_eq!(validate(bad), Err(ErrorCode::BadArguments), "{bad:?}");
        }
    }

    #[test]
    fn parents_and_names() {
        assert_eq!((parent("/a/b"), name("/a/b")), ("/a", "b"));
        assert_eq!((parent("/a"), name("/a")), ("/", "a"));
        assert_eq!(parent("/"), "/");
        assert_eq!(requested_parent("a"), Err(ErrorCode::BadArguments));
        assert_eq!(requested_parent("/a/"), Ok("/a"));
    }
}
