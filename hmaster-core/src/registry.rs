//! Every procedure that can be continued, by its Java class.

use hmaster_procedure::Registry;

use crate::assignment::{region_remote, transit};
use crate::crash::{server_crash, split_wal, split_wal_remote};
use crate::environment::MasterEnv;
use crate::locking;
use crate::namespaces;
use crate::regions;
use crate::snapshots;
use crate::tables::{
    close_regions, create, delete, disable, enable, excess_replicas, flush, init_meta, modify, reopen,
    store_file_tracker, truncate,
};

/// What this master can continue, whether it or Java's has begun it.
pub fn registry() -> Registry<MasterEnv> {
    Registry::new()
        .with_machine(transit::CLASS, transit::decode)
        .with(region_remote::OPEN_CLASS, region_remote::decode_open)
        .with(region_remote::CLOSE_CLASS, region_remote::decode_close)
        .with_machine(server_crash::CLASS, server_crash::decode)
        .with_machine(server_crash::BY_ORDER_CLASS, server_crash::decode_by_order)
        .with_machine(split_wal::CLASS, split_wal::decode)
        .with(split_wal_remote::CLASS, split_wal_remote::decode)
        .with(locking::CLASS, locking::decode)
        .with_machine(init_meta::CLASS, init_meta::decode)
        .with_machine(create::CLASS, create::decode)
        .with_machine(delete::CLASS, delete::decode)
        .with_machine(enable::CLASS, enable::decode)
        .with_machine(disable::CLASS, disable::decode)
        .with_machine(close_regions::CLASS, close_regions::decode)
        .with_machine(modify::CLASS, modify::decode)
        .with_machine(reopen::CLASS, reopen::decode)
        .with_machine(excess_replicas::CLASS, excess_replicas::decode)
        .with_machine(truncate::CLASS, truncate::decode)
        .with_machine(flush::CLASS, flush::decode)
        .with_machine(store_file_tracker::TABLE_CLASS, store_file_tracker::decode_table)
        .with_machine(store_file_tracker::FAMILY_CLASS, store_file_tracker::decode_family)
        .with_machine(store_file_tracker::INITIALIZE_CLASS, store_file_tracker::decode_initialize)
        .with_machine(regions::split::CLASS, regions::split::decode)
        .with_machine(regions::merge::CLASS, regions::merge::decode)
        .with_machine(regions::truncate::CLASS, regions::truncate::decode)
        .with_machine(regions::gc::CLASS, regions::gc::decode)
        .with_machine(regions::gc_merged::CLASS, regions::gc_merged::decode)
        .with(regions::flush::CLASS, regions::flush::decode)
        .with_machine(snapshots::take::CLASS, snapshots::take::decode)
        .with(snapshots::region::CLASS, snapshots::region::decode)
        .with_machine(snapshots::restore::CLASS, snapshots::restore::decode)
        .with_machine(snapshots::clone::CLASS, snapshots::clone::decode)
        .with_machine(namespaces::create::CLASS, namespaces::create::decode)
        .with_machine(namespaces::modify::CLASS, namespaces::modify::decode)
        .with_machine(namespaces::delete::CLASS, namespaces::delete::decode)
}
