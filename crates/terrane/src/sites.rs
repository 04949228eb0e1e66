//! Which places in the program allocate how much; counted where profiling is enabled.

use core::{fmt, panic::Location, time::Duration};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use terrane_base::Bytes;

/// What one place in the program allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallSite {
    /// The place.
    pub site: &'static Location<'static>,
    /// How many allocations it made.
    pub allocations: u64,
    /// How many of them are held.
    pub live: u64,
    /// The bytes of all.
    pub bytes_total: Bytes,
    /// The bytes of those that are held.
    pub bytes_live: Bytes,
    /// How long they took, together.
    pub time: Duration,
}

/// How many places a report has.
const REPORTED: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct CallSites(Mutex<HashMap<&'static Location<'static>, Sum>>);

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    allocations: u64,
    deallocations: u64,
    bytes_allocated: u64,
    bytes_deallocated: u64,
    time: Duration,
}

impl CallSites {
    pub(crate) fn allocated(&self, site: &'static Location<'static>, size: usize, time: Duration) {
        let mut sums = self.lock();
        let sum = sums.entry(site).or_default();
        sum.allocations += 1;
        sum.bytes_allocated += size as u64;
        sum.time = sum.time.saturating_add(time);
    }

    pub(crate) fn deallocated(&self, site: &'static Location<'static>, size: usize) {
        let mut sums = self.lock();
        let sum = sums.entry(site).or_default();
        sum.deallocations += 1;
        sum.bytes_deallocated += size as u64;
    }

    /// The places that hold most, then those that allocated most.
    pub(crate) fn biggest(&self) -> Vec<CallSite> {
        let mut sites: Vec<CallSite> = self.lock().iter().map(|(site, sum)| sum.report(site)).collect();
        sites.sort_by_key(|site| core::cmp::Reverse((site.bytes_live, site.bytes_total, site.site)));
        sites.truncate(REPORTED);
        sites
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static Location<'static>, Sum>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sum {
    fn report(&self, site: &'static Location<'static>) -> CallSite {
        CallSite {
            site,
            allocations: self.allocations,
            live: self.allocations - self.deallocations,
            bytes_total: Bytes::new(self.bytes_allocated),
            bytes_live: Bytes::new(self.bytes_allocated - self.bytes_deallocated),
            time: self.time,
        }
    }
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} live in {}", self.site, self.bytes_live, self.live)?;
        write!(f, ", {} in {} ever", self.bytes_total, self.allocations)
    }
}
