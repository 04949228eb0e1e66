//! A moving, generational garbage collector for language runtimes, with a safe interface.
//!
//! # Two tiers
//!
//! The *safe tier* is what is named here: a program that uses it needs no `unsafe`, and the borrow checker refuses
//! every reference that a collection could have made stale. [`raw`] is the collector itself: unsafe, generic over an
//! object model, made for virtual machines, just-in-time compilers and the C interface. The safe tier is one
//! object model on top of it.
//!
//! # Ten lines
//!
//! ```
//! use terrane_gc::{GcField, Heap, Trace};
//!
//! #[derive(Trace)]
//! struct Node<'h, 'm> {
//!     value: i64,
//!     next: GcField<'h, 'm, Node<'h, 'm>>,
//! }
//!
//! let mut heap = Heap::new()?;
//! heap.enter(|mu| {
//!     let list = mu.alloc_local(|_| Node { value: 0, next: GcField::null() });
//!     for value in 1..=1000 {
//!         let node = mu.alloc(Node { value, next: list.get(mu).into() });
//!         list.set(mu, node);
//!         mu.safepoint(); // the only place where objects move; `node` ends here, `list` does not
//!     }
//!     assert_eq!(list.get(mu).value, 1000);
//! });
//! # Ok::<(), terrane_base::MemoryError>(())
//! ```
//!
//! # Who holds an object
//!
//! | handle | lives | costs |
//! |---|---|---|
//! | [`Gc`] | until the next collection: it borrows the [`Mutator`] | nothing: a pointer |
//! | [`Local`] | until its scope ends | an entry in the handle stack |
//! | [`Root`] | as long as you like; `'static` | a table entry and a reference count |
//! | [`Weak`] | as long as you like, without keeping the object alive | a side block of the object |
//! | [`GcField`], [`GcCell`] | as long as the object that it is in | the write barrier when set |
//!
//! *One rule* follows: a function that may collect takes and returns `Local`s; one that cannot takes and returns `Gc`s.
//!
//! The safe tier needs 64-bit addresses. Without the feature `std` the crate needs only `alloc`; pauses are then timed
//! by the clock that the configuration brings.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod raw;

#[cfg(target_pointer_width = "64")]
mod data;
#[cfg(target_pointer_width = "64")]
mod handle;
#[cfg(target_pointer_width = "64")]
mod heap;
#[cfg(target_pointer_width = "64")]
mod object;

#[cfg(target_pointer_width = "64")]
pub use {
    data::{Array, FinalizerQueue, GcArray, GcMap, GcString, GcVec, InternTable, Str, WeakMap},
    handle::{Gc, GcCell, GcDyn, GcField, Local, Pinned, Root, RootError, Weak},
    heap::{HandleStats, Heap, Mutator},
    object::{At, InHeap, Leaf, Shape, Static, Trace, Tracer},
};

pub use terrane_base::{Bytes, MemoryError};

pub use raw::{CollectionKind, CollectionRecord, Corruption, HeapConfig, HeapStats};

/// Derives [`Trace`](trait@Trace).
#[cfg(all(feature = "derive", target_pointer_width = "64"))]
pub use terrane_derive::Trace;

/// The guides are compiled and run as tests.
#[cfg(all(doctest, feature = "derive"))]
mod guides {
    #[doc = include_str!("../../../docs/first-runtime.md")]
    mod first_runtime {}
    #[doc = include_str!("../../../docs/porting-from-gc-arena.md")]
    mod porting_from_gc_arena {}
}
