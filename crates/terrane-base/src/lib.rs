//! Budgets, errors, units and allocation sites: the ground every Terrane crate stands on.
//!
//! | Module concept | Types |
//! |---|---|
//! | how much | [`Bytes`], [`ParseBytesError`] |
//! | how much may be used, by whom | [`Budget`], [`Reservation`], [`BudgetName`], [`TopConsumers`], `BudgetSnapshot` |
//! | the same for many small charges | [`LocalLeaf`], [`SharedLeaf`] |
//! | how scarce it is, and who is asked for some | [`PressureLevel`], `PressureListener`, `Reclaimer`, `ReclaimRequests` |
//! | what went wrong | [`MemoryError`] |
//! | time | [`Clock`], [`ManualClock`], `SystemClock` |
//! | state that is written down | [`MemorySerializable`], [`StateWriter`], [`StateReader`], [`StateError`] |
//! | where an allocation comes from | [`Site`], [`SiteId`], [`SiteTable`] |
//!
//! The crate is `no_std` (with `alloc`), has no dependency and no `unsafe`. What takes locks, waits or knows threads needs the
//! feature `std`, on by default: reclaimers, waiting, snapshots.
//!
//! ```
//! use terrane_base::{Budget, Bytes};
//!
//! let system = Budget::root(Bytes::from_mib(64));
//! let cache = system.child("cache").max("16MiB".parse()?);
//! let page = cache.try_reserve(Bytes::from_kib(4))?;
//! assert_eq!(system.used(), page.size());
//! drop(page);
//! assert_eq!(system.used(), Bytes::ZERO);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod budget;
mod bytes;
mod clock;
mod error;
mod name;
mod parse;
mod site;
mod state;
mod sync;

pub use budget::{
    Budget, Consumer, LimitProblem, LocalLeaf, PressureLevel, PressureOrigin, PressureThresholds,
    Reservation, SharedLeaf, TopConsumers,
};
#[cfg(feature = "std")]
pub use budget::{BudgetSnapshot, PressureListener, ReclaimCost, ReclaimRequests, Reclaimer, SnapshotEntry};
pub use bytes::Bytes;
#[cfg(feature = "std")]
pub use clock::SystemClock;
pub use clock::{Clock, ManualClock};
pub use error::MemoryError;
pub use name::BudgetName;
pub use parse::{ParseBytesError, ParseBytesErrorKind};
pub use site::{Site, SiteId, SiteTable};
pub use state::{MemorySerializable, StateError, StateProblem, StateReader, StateWriter};
