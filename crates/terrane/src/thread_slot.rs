//! A small number for each thread that no other living thread has.
//!
//! What a thread alone writes to needs no atomic exchange. The numbers are few, so that a system can have a place for each of them; a
//! thread that finds all of them taken has none, and shares. Numbers say nothing about any system, so they are the same for all.

use core::{
    cell::Cell,
    sync::atomic::{
        AtomicU64,
        Ordering::{AcqRel, Relaxed},
    },
};

/// How many threads have a number at the same time.
pub(crate) const SLOTS: usize = u64::BITS as usize;

/// In place of a number: there is none, or the thread has not asked yet.
const NONE: usize = SLOTS;
const UNKNOWN: usize = SLOTS + 1;

/// One bit for each number that is taken. Whoever takes one sees what the thread did that had it before.
static TAKEN: AtomicU64 = AtomicU64::new(0);

std::thread_local! {
    static SLOT: Cell<usize> = const { Cell::new(UNKNOWN) };
    static LOAN: Loan = const { Loan(Cell::new(NONE)) };
}

/// A number until the thread ends.
struct Loan(Cell<usize>);

/// The number of the calling thread.
#[inline(always)]
pub(crate) fn own() -> Option<usize> {
    let slot = SLOT.get();
    if slot < SLOTS { Some(slot) } else { take(slot) }
}

#[cold]
#[inline(never)]
fn take(slot: usize) -> Option<usize> {
    if slot == NONE {
        return None;
    }
    SLOT.set(NONE);
    // Within the loan, so that no number is taken where the thread is about to end.
    let taken = LOAN.try_with(|loan| {
        let slot = take_free()?;
        loan.0.set(slot);
        Some(slot)
    });
    let slot = taken.ok().flatten()?;
    SLOT.set(slot);
    Some(slot)
}

fn take_free() -> Option<usize> {
    let lowest = |taken: u64| !taken & taken.wrapping_add(1);
    let before =
        TAKEN.fetch_update(AcqRel, Relaxed, |taken| (taken != u64::MAX).then(|| taken | lowest(taken)));
    before.ok().map(|taken| lowest(taken).trailing_zeros() as usize)
}

impl Drop for Loan {
    fn drop(&mut self) {
        // First: destructors that run after this one share.
        SLOT.set(NONE);
        if self.0.get() < SLOTS {
            TAKEN.fetch_and(!(1 << self.0.get()), AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, sync::Barrier, thread};

    #[test]
    fn living_threads_have_different_numbers_and_too_many_have_none() {
        const THREADS: usize = SLOTS + 6;
        let barrier = Barrier::new(THREADS);
        let numbers: Vec<Option<usize>> = thread::scope(|scope| {
            let ask = || {
                let number = own();
                // Nobody ends before all have asked.
                barrier.wait();
                assert_eq!(own(), number, "the same as long as the thread lives");
                number
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let some: Vec<usize> = numbers.iter().copied().flatten().collect();
        assert!(some.len() <= SLOTS && some.iter().all(|number| *number < SLOTS));
        assert_eq!(some.iter().collect::<HashSet<_>>().len(), some.len());
        // Numbers come back: far more threads than there are numbers, one after the other.
        let found = (0..3 * SLOTS).filter(|_| thread::spawn(own).join().unwrap().is_some()).count();
        assert!(found > 2 * SLOTS, "{found}");
    }
}
