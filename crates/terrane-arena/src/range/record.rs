//! What a range arena needs only when it commits memory or gives it back.

use crate::bumping;
use crate::refusal::Refusal;
use crate::shadow;
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;
use terrane_base::{Bytes, MemoryError, Reservation};
use terrane_pages::{AddressRange, HugePages, PageError};

/// The least that is committed at once.
pub(super) const MIN_STEP: usize = 64 << 10;

/// The most that is committed at once, unless a value needs more.
const MAX_GROWTH: usize = 32 << 20;

pub(super) struct Record {
    pub(super) range: AddressRange,
    /// Carries the provenance of the range.
    pub(super) end: *mut u8,
    pub(super) committed_bytes: Cell<usize>,
    pub(super) keep: usize,
    /// What is committed is a multiple of this.
    pub(super) step: usize,
    pub(super) huge: Option<HugePages>,
    pub(super) reservation: Cell<Option<Reservation>>,
    /// Pages are being asked for; who supplies them may call back.
    pub(super) asks: Cell<bool>,
}

/// Commits enough for a value that does not fit, and returns the new floor.
///
/// # Safety
///
/// The record is alive and not borrowed mutably.
#[cold]
#[inline(never)]
pub(super) unsafe fn commit_for(
    record: NonNull<Record>,
    cursor: *mut u8,
    layout: Layout,
) -> Result<usize, MemoryError> {
    // SAFETY: the caller vouches for it.
    let record = unsafe { record.as_ref() };
    let base = record.range.base().addr().get().max(bumping::LOWEST);
    let fits = bumping::bump(cursor.addr(), base, layout.size(), layout.align());
    let refused = Refusal::OutOfMemory {
        // With the padding that its alignment may take.
        requested_bytes: layout.size().saturating_add(layout.align().saturating_sub(bumping::GRANULE)),
        available_bytes: cursor.addr().saturating_sub(base),
    };
    let need = record.end.addr() - fits.ok_or(refused)?;
    if record.asks.replace(true) {
        return Err(refused.into());
    }
    let committed = record.commit(need);
    record.asks.set(false);
    committed?;
    Ok(record.floor())
}

impl Record {
    pub(super) fn floor(&self) -> usize {
        (self.end.addr() - self.committed_bytes.get()).max(bumping::LOWEST)
    }

    /// Sees to it that the uppermost `need` bytes are committed, and more if that is to be had.
    fn commit(&self, need: usize) -> Result<(), MemoryError> {
        let committed = self.committed_bytes.get();
        let growth = committed.clamp(self.step, MAX_GROWTH);
        let ample = need.max(committed + growth).min(self.range.size());
        // The size of the range is a multiple of the step.
        let sizes = [ample, need].map(|bytes| bytes.next_multiple_of(self.step));
        self.try_commit(sizes[0]).or_else(|_| self.try_commit(sizes[1]))
    }

    fn try_commit(&self, total: usize) -> Result<(), MemoryError> {
        let committed = self.committed_bytes.get();
        let more = total.saturating_sub(committed);
        self.with_reservation(|reservation| reservation.try_grow(Bytes::from_usize(more)))?;
        if let Err(error) = self.range.commit(self.range.size() - total, more) {
            self.discharge(more)?;
            return Err(system_error(error));
        }
        self.committed_bytes.set(committed + more);
        shadow::hide(self.end.with_addr(self.end.addr() - (committed + more)), more);
        Ok(())
    }

    /// Gives back what is committed beyond the uppermost `keep` bytes. If the system refuses, it stays committed.
    ///
    /// # Safety
    ///
    /// Nobody uses that part.
    pub(super) unsafe fn give_back(&self, keep: usize) {
        let committed = self.committed_bytes.get();
        let less = committed.saturating_sub(keep);
        let offset = self.range.size() - committed;
        // The source may overwrite what it takes back.
        shadow::reveal(self.end.with_addr(self.end.addr() - committed), less);
        // SAFETY: the caller vouches for it.
        if unsafe { self.range.decommit(offset, less) }.is_ok() {
            self.committed_bytes.set(committed - less);
            // To shrink a reservation cannot fail.
            let _ = self.discharge(less);
        }
    }

    fn discharge(&self, bytes: usize) -> Result<(), MemoryError> {
        self.with_reservation(|reservation| {
            reservation.shrink(Bytes::from_usize(bytes));
            Ok(())
        })
    }

    /// Takes the reservation out meanwhile, if there is one: no reference to it lasts while a budget does its work.
    fn with_reservation(
        &self,
        work: impl FnOnce(&mut Reservation) -> Result<(), MemoryError>,
    ) -> Result<(), MemoryError> {
        let mut reservation = self.reservation.take();
        let result = reservation.as_mut().map_or(Ok(()), work);
        self.reservation.set(reservation);
        result
    }
}

pub(super) fn system_error(error: PageError) -> MemoryError {
    MemoryError::SystemError { operation: error.operation.name(), code: error.os_code }
}
