//! Collections whose memory is charged to a budget.
#![cfg(feature = "allocator-api2")]

use std::{alloc::Layout, cell::Cell, ptr::NonNull};

use allocator_api2::{
    alloc::{AllocError, Allocator, Global},
    boxed::Box,
    vec::Vec,
};
use proptest::prelude::*;
use terrane_base::{Budget, Bytes};
use terrane_pages::BudgetedAllocator;

/// Gives more than was asked for, and refuses when it is told to.
#[derive(Debug, Default)]
struct Odd {
    refuses: Cell<bool>,
}

// SAFETY: blocks are the global allocator's, longer by 8 bytes than asked for; layouts are lengthened alike on the way back.
unsafe impl Allocator for Odd {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if self.refuses.get() { Err(AllocError) } else { Global.allocate(longer(layout)) }
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: it was allocated with the layout made longer; longer ones are never named, as blocks are announced exactly.
        unsafe { Global.deallocate(block, longer(layout)) }
    }
}

fn longer(layout: Layout) -> Layout {
    Layout::from_size_align(layout.size() + 8, layout.align()).unwrap()
}

#[test]
fn a_failure_below_is_taken_back() {
    let budget = Budget::root(Bytes::MAX);
    let memory = BudgetedAllocator::over(Odd::default(), &budget);
    let block = memory.allocate(Layout::new::<u64>()).unwrap();
    assert_eq!((block.len(), memory.charged()), (8, Bytes::new(8)), "though the inner allocator gave 16");
    // SAFETY: allocated the moment before with this layout, the only one that fits.
    unsafe { memory.deallocate(block.cast(), Layout::new::<u64>()) };
    let mut held: Vec<u8, _> = Vec::new_in(&memory);
    held.try_reserve_exact(100).unwrap();
    assert_eq!(memory.charged(), Bytes::new(100), "as much as was asked for");
    let odd = BudgetedAllocator::over(Odd { refuses: Cell::new(true) }, &budget);
    assert!(
        odd.allocate(Layout::new::<u64>()).is_err() && odd.allocate_zeroed(Layout::new::<u64>()).is_err()
    );
    assert!(Box::try_new_in(7, &odd).is_err());
    assert_eq!(odd.charged(), Bytes::ZERO);
    drop(held);
    memory.give_back();
    odd.give_back();
    assert_eq!(budget.used(), Bytes::ZERO);
}

proptest! {
    /// Vectors grow, shrink and go, within a limit or refused by it; what is charged is what they have.
    #[test]
    fn what_is_charged_is_what_collections_have(
        ops in prop::collection::vec((0..4_usize, 0..5_000_usize), 1..60),
        limit in 4_000..12_000_u64,
    ) {
        let budget = Budget::root(Bytes::new(limit));
        let memory = BudgetedAllocator::new(&budget);
        let mut vectors: [Vec<u8, BudgetedAllocator>; 4] = std::array::from_fn(|_| Vec::new_in(memory.clone()));
        for (which, size) in ops {
            let vector = &mut vectors[which];
            if size % 3 == 0 {
                vector.truncate(size / 3);
                vector.shrink_to_fit();
            } else if vector.try_reserve_exact(size).is_ok() {
                vector.resize(size, 1);
            }
            let held: usize = vectors.iter().map(Vec::capacity).sum();
            prop_assert_eq!(memory.charged(), Bytes::from_usize(held));
            prop_assert!(budget.used() <= budget.limit());
        }
        drop(vectors);
        memory.give_back();
        prop_assert_eq!(budget.used(), Bytes::ZERO);
    }
}
