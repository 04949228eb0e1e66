//! What everything that hands out memory has in common.

use crate::{Allocation, MemoryStats, MemorySystem, Result, Route};

/// Something that hands out memory: a system, one level of it, or one of your own.
///
/// ```
/// use terrane::{Allocation, MemoryComponent, MemoryStats, Result};
///
/// /// Plain boxes.
/// struct Boxes;
///
/// impl MemoryComponent for Boxes {
///     fn allocate(&self, size: usize) -> Result<Allocation> {
///         Ok(vec![0; size].into_boxed_slice().into())
///     }
///     fn deallocate(&self, memory: Allocation) {
///         drop(memory);
///     }
///     fn stats(&self) -> MemoryStats {
///         MemoryStats::default()
///     }
/// }
///
/// let components: [&dyn MemoryComponent; 2] = [&Boxes, &terrane::MemorySystem::builder().build()?];
/// for component in components {
///     let memory = component.allocate(100)?;
///     assert_eq!(memory.len(), 100);
///     component.deallocate(memory);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait MemoryComponent: Send + Sync {
    /// Hands out `size` bytes, all zero.
    ///
    /// # Errors
    /// When there is no memory, or a budget refuses.
    #[track_caller]
    fn allocate(&self, size: usize) -> Result<Allocation>;

    /// Takes memory back. It knows where it belongs: what another component handed out goes back there.
    fn deallocate(&self, memory: Allocation);

    /// What was handed out and taken back.
    fn stats(&self) -> MemoryStats;
}

impl MemoryComponent for MemorySystem {
    #[track_caller]
    fn allocate(&self, size: usize) -> Result<Allocation> {
        Self::allocate(self, size)
    }

    fn deallocate(&self, memory: Allocation) {
        Self::deallocate(self, memory);
    }

    fn stats(&self) -> MemoryStats {
        Self::stats(self).totals
    }
}

/// One level of a system, whatever the size of a request: from [`MemorySystem::level`].
#[derive(Clone, Debug)]
pub struct MemoryLevel {
    pub(crate) system: MemorySystem,
    pub(crate) route: Route,
}

impl MemoryLevel {
    /// Which level.
    #[must_use]
    pub fn route(&self) -> Route {
        self.route
    }
}

impl MemoryComponent for MemoryLevel {
    #[track_caller]
    fn allocate(&self, size: usize) -> Result<Allocation> {
        self.system.allocate_from(self.route, size)
    }

    fn deallocate(&self, memory: Allocation) {
        drop(memory);
    }

    fn stats(&self) -> MemoryStats {
        self.system.stats().level(self.route)
    }
}
