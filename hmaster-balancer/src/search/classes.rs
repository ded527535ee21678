//! Regions that can stand in for one another: those of one table, one kind of replica and one set of allowed servers.
//!
//! Exchanging two regions of a class leaves the number of regions, of primaries and of each table's regions on every
//! server as they are. Once these are level, only exchanges inside a class are worth looking at.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::cluster::{Cluster, Region};
use crate::constraints::Rules;

/// The class of every region.
#[derive(Debug, Clone)]
pub(crate) struct Classes<'c> {
    pub(crate) of: Cow<'c, [u32]>,
    pub(crate) list: Vec<Class>,
}

/// What the regions of a class have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    pub(crate) table: u32,
    pub(crate) primary: bool,
    /// Index of the set of allowed servers.
    pub(crate) domain: u32,
}

impl<'c> Classes<'c> {
    pub(crate) fn new(cluster: &'c Cluster, rules: &Rules) -> Self {
        let copies = cluster.copies();
        if copies.is_none() && rules.domain_count() == 1 {
            let class = |table| Class { table, primary: true, domain: 0 };
            let list = (0..cluster.table_count() as u32).map(class).collect();
            return Self { of: Cow::Borrowed(cluster.table_indexes()), list };
        }
        let mut known: HashMap<Class, u32> = HashMap::new();
        let (mut of, mut list) = (Vec::with_capacity(cluster.region_count()), Vec::new());
        for Region(region) in cluster.regions() {
            let primary = copies.is_none_or(|copies| copies.is_primary(region));
            let table = cluster.table_indexes()[region as usize];
            let class = Class { table, primary, domain: rules.domain(region) };
            let id = *known.entry(class).or_insert_with(|| {
                list.push(class);
                list.len() as u32 - 1
            });
            of.push(id);
        }
        Self { of: Cow::Owned(of), list }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}
