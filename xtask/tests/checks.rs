//! The workspace passes its own checks, and each check can fail.

use std::collections::BTreeSet;

use xtask::{layering, tidy, workspace_root};

#[test]
fn crates_depend_as_they_may() {
    let dependencies = layering::dependencies(&workspace_root()).expect("cargo metadata");
    assert_eq!(layering::findings(&dependencies), Vec::<String>::new());
}

#[test]
fn files_are_tidy() {
    assert_eq!(tidy::findings(&workspace_root()).expect("readable files"), Vec::<String>::new());
}

#[test]
fn a_forbidden_dependency_is_found() {
    let mut dependencies = layering::dependencies(&workspace_root()).expect("cargo metadata");
    dependencies.insert("hmaster-core".into(), BTreeSet::from(["hmaster-zk".into(), "socket2".into()]));
    let findings = layering::findings(&dependencies);
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn an_untidy_file_is_found() {
    let untidy = format!("fn main() {{}}\n{}", "\n".repeat(1000));
    assert_eq!(tidy::check("a/src/lib.rs", &untidy).len(), 2);
    assert_eq!(tidy::check("a/src/lib.rs", "//! Job.\nfn f() { unimplemented\u{21}() }").len(), 1);
    assert_eq!(tidy::check("a/src/b/mod.rs", "//! Job.\n").len(), 1);
}
