//! No file is deleted or moved away that a reference needs. Region servers look for it where it was, not in the archive.

use crate::testing::root::{Root, StoreFile};

pub(super) fn check(root: &Root) -> Vec<String> {
    let mut found = Vec::new();
    for (table, folder) in &root.tables {
        for region in folder.regions.values() {
            for (name, file) in &region.files {
                if !root.is_there(file) {
                    found.push(format!("{} of {} links to what is gone", name.name, region.info));
                }
                let StoreFile::Reference { region: other, file, .. } = file else { continue };
                if root.referred(table, *other, file).is_none_or(|file| !root.is_there(&file)) {
                    let (info, name, file) = (&region.info, &name.name, &file.name);
                    found.push(format!(
                        "{name} of {info} refers to {file} of {other} of {table}, which is gone"
                    ));
                }
            }
        }
    }
    found
}
