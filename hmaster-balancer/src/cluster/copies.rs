//! Replicas of one region, by group. Counterpart of `regionIndexToPrimaryIndex` and of the counters of colocated
//! replicas.
//!
//! As in Java, all replicas whose primary isn't in the cluster count as copies of one another.

/// Which regions are copies of which.
#[derive(Debug, Clone)]
pub struct Copies {
    group: Vec<u32>,
    primary: Vec<bool>,
    members: Vec<u32>,
    starts: Vec<u32>,
    /// The group of replicas without a primary, if there are any.
    orphans: Option<u32>,
    replicas_max: usize,
}

impl Copies {
    /// From the index of each region's primary (None when it isn't there) and the greatest number of replicas.
    pub(super) fn new(primary_of: &[Option<u32>], replicas_max: usize) -> Self {
        let mut group = vec![u32::MAX; primary_of.len()];
        let mut groups = 0_u32;
        for (region, primary) in primary_of.iter().enumerate() {
            if *primary == Some(region as u32) {
                group[region] = groups;
                groups += 1;
            }
        }
        let orphans = primary_of.iter().any(Option::is_none).then_some(groups);
        let count = groups as usize + usize::from(orphans.is_some());
        for (region, primary) in primary_of.iter().enumerate() {
            group[region] = primary.map_or(groups, |primary| group[primary as usize]);
        }
        let mut starts = vec![0_u32; count + 1];
        group.iter().for_each(|&g| starts[g as usize + 1] += 1);
        for g in 0..count {
            starts[g + 1] += starts[g];
        }
        let mut fill = starts.clone();
        let mut members = vec![0; group.len()];
        for (region, &g) in group.iter().enumerate() {
            members[fill[g as usize] as usize] = region as u32;
            fill[g as usize] += 1;
        }
        let primary = primary_of.iter().enumerate().map(|(r, p)| *p == Some(r as u32)).collect();
        Self { group, primary, members, starts, orphans, replicas_max }
    }

    /// Number of groups.
    pub fn group_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The group of a region.
    #[inline]
    pub fn group(&self, region: u32) -> u32 {
        self.group[region as usize]
    }

    /// The regions of a group.
    #[inline]
    pub fn members(&self, group: u32) -> &[u32] {
        &self.members[self.starts[group as usize] as usize..self.starts[group as usize + 1] as usize]
    }

    /// True for replica 0.
    #[inline]
    pub fn is_primary(&self, region: u32) -> bool {
        self.primary[region as usize]
    }

    /// The group of replicas without a primary.
    pub fn orphans(&self) -> Option<u32> {
        self.orphans
    }

    /// One more than the largest replica id.
    pub fn replicas_max(&self) -> usize {
        self.replicas_max
    }

    /// Primaries in all.
    pub fn primary_count(&self) -> usize {
        self.primary.iter().filter(|&&primary| primary).count()
    }
}
