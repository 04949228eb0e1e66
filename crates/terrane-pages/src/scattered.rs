//! Runs of chunks outside of the one large range: a map sorted by address.
//!
//! A sorted vector rather than a tree: runs are few (each is at least 4 MiB), looking one up is a binary search,
//! and its growth can fail without an abort.

use alloc::{sync::Arc, vec::Vec};
use core::{ops::Range, ptr::NonNull};

use crate::{AddressRange, CHUNK_SIZE, Owner, PageError, PageOperation, PageSource};

/// Runs by ascending address.
#[derive(Debug, Default)]
pub(crate) struct ScatteredRuns {
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    range: AddressRange,
    owner: Owner,
}

impl Run {
    fn base(&self) -> usize {
        self.range.base().addr().get()
    }
}

impl ScatteredRuns {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Reserves and commits a run of `size` bytes, a multiple of the chunk size.
    pub(crate) fn try_allocate(
        &mut self,
        source: &Arc<dyn PageSource>,
        size: usize,
        owner: Owner,
    ) -> Result<NonNull<u8>, PageError> {
        let no_room = PageError::new(PageOperation::Reserve, size, None);
        self.runs.try_reserve(1).map_err(|_| no_room)?;
        let range = AddressRange::reserve(Arc::clone(source), size, CHUNK_SIZE)?;
        range.commit(0, size)?;
        let run = Run { range, owner };
        let base = run.range.base();
        let index = self.runs.partition_point(|other| other.base() < run.base());
        self.runs.insert(index, run);
        Ok(base)
    }

    /// The addresses of each run.
    pub(crate) fn address_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.runs.iter().map(|run| run.range.addresses())
    }

    /// Releases the run that has this base and size; `false` when there is none.
    pub(crate) fn free(&mut self, base: usize, size: usize) -> bool {
        let found = self.runs.binary_search_by_key(&base, Run::base).ok();
        let Some(index) = found.filter(|index| self.runs[*index].range.size() == size) else { return false };
        self.runs.remove(index);
        true
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn owner(&self, addr: usize) -> Option<Owner> {
        let after = self.runs.partition_point(|run| run.base() <= addr);
        let run = self.runs.get(after.checked_sub(1)?)?;
        run.range.contains(addr).then_some(run.owner)
    }
}
