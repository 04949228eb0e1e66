//! A moving, generational garbage collector for language runtimes.
//!
//! The crate has tiers. [`raw`] is the collector itself: unsafe, generic over an object model, made for virtual
//! machines, just-in-time compilers and the C interface. A safe tier is one object model on top of it.
//!
//! Without the feature `std` the crate needs only `alloc`; pauses are then timed by the clock that the
//! configuration brings.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod raw;
