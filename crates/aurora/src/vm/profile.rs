//! How much each allocation site allocates, by zone. Kept only when a report is wanted.

use crate::ir::SiteId;
use crate::placement::Zone;
use std::collections::HashMap;

/// Counts of one site in one zone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
}

/// Counts by site and zone.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    tallies: HashMap<(SiteId, Zone), Tally>,
}

impl Profile {
    pub(crate) fn add(&mut self, site: SiteId, zone: Zone, bytes: usize) {
        let tally = self.tallies.entry((site, zone)).or_default();
        tally.allocations += 1;
        tally.bytes += bytes as u64;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SiteId, Zone, Tally)> + '_ {
        self.tallies.iter().map(|(&(site, zone), &tally)| (site, zone, tally))
    }
}
