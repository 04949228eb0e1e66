//! Whether an arena counts its allocations.

use core::cell::Cell;
use core::fmt::Debug;

/// How an arena counts: [`Uncounted`] or [`Counted`]. No other type can implement it.
///
/// ```
/// use terrane_arena::{Arena, Counting};
///
/// fn allocations<C: Counting>(arena: &Arena<C>) -> Option<u64> {
///     arena.stats().allocations
/// }
/// assert_eq!(allocations(&Arena::new()), None);
/// ```
pub trait Counting: sealed::Sealed + Debug + Default {
    #[doc(hidden)]
    fn note(&self);

    #[doc(hidden)]
    fn count(&self) -> Option<u64>;
}

/// Allocations are not counted; the default, as counting costs an addition in memory for each.
///
/// ```
/// use terrane_arena::{Arena, Uncounted};
///
/// let arena: Arena<Uncounted> = Arena::new();
/// assert_eq!(arena.stats().allocations, None);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Uncounted;

/// Every allocation is counted, those of its frames included, and those of zero size too.
///
/// ```
/// use terrane_arena::{Arena, Counted};
///
/// let mut arena: Arena<Counted> = Arena::counted();
/// arena.alloc(1);
/// arena.scope(|frame| { frame.alloc_str("two"); });
/// assert_eq!(arena.stats().allocations, Some(2));
/// ```
#[derive(Debug, Default)]
pub struct Counted(Cell<u64>);

impl Counting for Uncounted {
    #[inline(always)]
    fn note(&self) {}

    #[inline(always)]
    fn count(&self) -> Option<u64> {
        None
    }
}

impl Counting for Counted {
    #[inline(always)]
    fn note(&self) {
        self.0.set(self.0.get() + 1);
    }

    #[inline(always)]
    fn count(&self) -> Option<u64> {
        Some(self.0.get())
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Uncounted {}
    impl Sealed for super::Counted {}
}
