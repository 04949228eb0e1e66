//! Memory that a budget granted, as a value.

use core::{cmp::Ordering, fmt};

use super::{Budget, node::addressable};
use crate::{Bytes, MemoryError};

/// Memory that a [`Budget`] granted; dropping it gives the memory back to the budget.
///
/// It keeps its budget alive. A reservation that is forgotten (`mem::forget`) stays charged for good.
#[must_use = "a reservation that is dropped is given back at once"]
pub struct Reservation {
    budget: Budget,
    size: usize,
}

impl Reservation {
    /// What was charged to `budget` becomes a value.
    pub(super) fn of(budget: Budget, size: usize) -> Self {
        Self { budget, size }
    }

    /// How much is reserved.
    #[must_use]
    pub fn size(&self) -> Bytes {
        Bytes::from_usize(self.size)
    }

    /// The budget that granted it.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Adds `more` to the reservation.
    ///
    /// # Errors
    /// As [`Budget::try_reserve`]; the reservation is then as before.
    pub fn try_grow(&mut self, more: Bytes) -> Result<(), MemoryError> {
        let more = addressable(more)?;
        self.budget.charge(more)?;
        // What is charged is part of the budget's counter, which did not overflow.
        self.size += more;
        Ok(())
    }

    /// Gives `less` of the reservation back, at most all of it, and returns how much that was.
    pub fn shrink(&mut self, less: Bytes) -> Bytes {
        let less = less.as_usize().min(self.size);
        self.size -= less;
        self.budget.discharge(less);
        Bytes::from_usize(less)
    }

    /// Grows or shrinks to `size`.
    ///
    /// ```
    /// # use terrane_base::{Budget, Bytes};
    /// let budget = Budget::root(Bytes::new(10));
    /// let mut held = budget.try_reserve(Bytes::new(4))?;
    /// held.resize(Bytes::new(9))?;
    /// assert!(held.resize(Bytes::new(11)).is_err());
    /// held.resize(Bytes::new(1))?;
    /// assert_eq!((held.size(), budget.used()), (Bytes::new(1), Bytes::new(1)));
    /// # Ok::<(), terrane_base::MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// As [`try_grow`](Reservation::try_grow); the reservation is then as before.
    pub fn resize(&mut self, size: Bytes) -> Result<(), MemoryError> {
        let target = addressable(size)?;
        match target.cmp(&self.size) {
            Ordering::Greater => self.try_grow(Bytes::from_usize(target - self.size)),
            Ordering::Less => {
                self.shrink(Bytes::from_usize(self.size - target));
                Ok(())
            }
            Ordering::Equal => Ok(()),
        }
    }

    /// Moves `size` of it into a reservation of its own; `None`, and nothing moved, when it holds less than that.
    pub fn split(&mut self, size: Bytes) -> Option<Reservation> {
        let size = usize::try_from(size.as_u64()).ok()?;
        self.size = self.size.checked_sub(size)?;
        Some(Reservation { budget: self.budget.clone(), size })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.discharge(self.size);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("size", &self.size()).field("budget", &self.budget).finish()
    }
}
