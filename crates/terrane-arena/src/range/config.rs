//! How large the range of a [`RangeArena`](crate::RangeArena) is, where its pages come from, and how many it keeps.

use alloc::sync::Arc;
use terrane_base::{Budget, Bytes};
use terrane_pages::PageSource;

/// How large the range of a [`RangeArena`](crate::RangeArena) is and what becomes of its memory.
///
/// ```
/// use terrane_arena::{Bytes, HugeRequest, RangeArena, RangeConfig};
///
/// let config = RangeConfig::new(Bytes::from_mib(64))
///     .keep(Bytes::from_mib(1))
///     .huge_pages(HugeRequest::Prefer);
/// let arena = RangeArena::try_with_config(config)?;
/// arena.alloc([0u8; 100]);
/// # Ok::<(), terrane_arena::MemoryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RangeConfig {
    pub(super) size: usize,
    pub(super) keep: usize,
    pub(super) huge: HugeRequest,
    pub(super) poison: bool,
    pub(super) pages: Option<Arc<dyn PageSource>>,
    pub(super) budget: Option<Budget>,
}

/// Whether a [`RangeArena`](crate::RangeArena) is to lie on huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HugeRequest {
    /// The system does as it likes; the default.
    #[default]
    No,
    /// The system is advised to use them where it has some.
    Prefer,
    /// As `Prefer`, but where the system has none at all to give, no arena is made.
    Demand,
}

impl RangeConfig {
    /// A range of that size, rounded up to whole pages. All memory is kept on reset.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena, RangeConfig};
    ///
    /// let arena = RangeArena::try_with_config(RangeConfig::new(Bytes::new(1)))?;
    /// assert!(arena.reserved_bytes() >= 4096);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn new(size: Bytes) -> Self {
        let keep = usize::MAX;
        let size = size.as_usize();
        Self { size, keep, huge: HugeRequest::No, poison: false, pages: None, budget: None }
    }

    /// Sets the high-water mark: what a reset keeps of the memory at most, rounded up to what is committed at once.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena, RangeConfig};
    ///
    /// let config = RangeConfig::new(Bytes::from_mib(1)).keep(Bytes::ZERO);
    /// let mut arena = RangeArena::try_with_config(config)?;
    /// arena.alloc(1);
    /// arena.reset();
    /// assert_eq!(arena.stats().committed_bytes, 0);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn keep(mut self, keep: Bytes) -> Self {
        self.keep = keep.as_usize();
        self
    }

    /// Asks for huge pages. What became of it is told by [`RangeArena::huge_pages`](crate::RangeArena::huge_pages).
    ///
    /// ```
    /// use terrane_arena::{Bytes, HugeRequest, RangeArena, RangeConfig};
    ///
    /// let config = RangeConfig::new(Bytes::from_mib(8)).huge_pages(HugeRequest::Prefer);
    /// assert!(RangeArena::try_with_config(config)?.huge_pages().is_some());
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn huge_pages(mut self, request: HugeRequest) -> Self {
        self.huge = request;
        self
    }

    /// Overwrites memory that is taken back, to find code that keeps raw pointers for too long.
    ///
    /// ```
    /// use terrane_arena::{Bytes, RangeArena, RangeConfig};
    ///
    /// let mut arena = RangeArena::try_with_config(RangeConfig::new(Bytes::from_mib(1)).poison(true))?;
    /// arena.alloc(7u64);
    /// arena.reset(); // that value's bytes are 0xDB now
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn poison(mut self, poison: bool) -> Self {
        self.poison = poison;
        self
    }

    /// Sets where the pages come from; by default the operating system, or without one the global allocator.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use terrane_arena::{Bytes, RangeArena, RangeConfig};
    /// use terrane_pages::HeapPages;
    ///
    /// let config = RangeConfig::new(Bytes::from_mib(1)).pages(Arc::new(HeapPages::new()));
    /// assert_eq!(*RangeArena::try_with_config(config)?.alloc(1), 1);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn pages(mut self, pages: Arc<dyn PageSource>) -> Self {
        self.pages = Some(pages);
        self
    }

    /// Has committed memory charged to a budget.
    ///
    /// ```
    /// use terrane_arena::{Budget, Bytes, RangeArena, RangeConfig};
    ///
    /// let budget = Budget::root(Bytes::from_mib(1));
    /// let arena = RangeArena::try_with_config(RangeConfig::new(Bytes::from_gib(1)).budget(&budget))?;
    /// assert!(arena.try_alloc_slice_fill_with(2 << 20, |_| 0u8).is_err());
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    #[must_use]
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }
}
