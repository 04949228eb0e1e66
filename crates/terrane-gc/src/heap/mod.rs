//! The heap of the safe tier: what the mutator sees, and what the collector is told.

mod access;
mod allocate;
mod barrier;
mod cell_log;
mod collect;
mod deaths;
mod entry;
mod finalizer_access;
mod finalizers;
mod handles;
mod mutator;
mod persistent;
mod pinning;
mod scope;
pub(crate) mod side;
mod state;
mod weak_access;

pub use entry::{HandleStats, Heap};
pub use mutator::Mutator;

pub(crate) use mutator::out_of_memory;
pub(crate) use weak_access::MapHandle;
