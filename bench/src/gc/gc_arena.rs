//! gc-arena: an incremental mark-and-sweep collector in safe Rust, each object an allocation of its own.
//!
//! It collects between two closures that mutate; the programs here let it pay its debt after each tree and after each
//! batch of small allocations. It is measured on mimalloc, where it is several times as fast as on glibc, and with each
//! of its two pacings; the faster one counts.

mod lists;
mod strings;
mod table;
mod trees;
mod weak;

pub(super) use gc_arena::metrics::Pacing;
pub(super) use lists::{GcArenaLists, GcArenaLiveSet};
pub(super) use strings::GcArenaStrings;
pub(super) use table::{GcArenaArray, GcArenaNodes};
pub(super) use trees::{GcArenaForest, GcArenaGrove, GcArenaReplaced};
pub(super) use weak::{GcArenaNotes, GcArenaResources};

use crate::row::Measurement;
use gc_arena::arena::Root;
use gc_arena::{Arena, Collect, Rootable};

/// Its default, and what it recommends to those who do not mind pauses.
pub(super) const PACINGS: [Pacing; 2] = [Pacing::DEFAULT, Pacing::STOP_THE_WORLD];

/// How many small allocations are made between two payments.
const BATCH: usize = 1_000;

/// Measures with each pacing; the orchestrator takes the faster.
pub(super) fn at_its_best(measure: impl Fn(Pacing) -> Measurement) -> Measurement {
    best_of(&PACINGS, measure)
}

/// The same, with some pacings; there is at least one.
pub(super) fn best_of(pacings: &[Pacing], measure: impl Fn(Pacing) -> Measurement) -> Measurement {
    let [first, others @ ..] = pacings else { panic!("at least one pacing is measured") };
    let mut all = measure(*first);
    for &pacing in others {
        let other = measure(pacing);
        assert_eq!(all.checksum, other.checksum, "two pacings compute different results");
        all.ns_by_copy.extend(other.ns_by_copy);
    }
    all
}

/// `arena`, collecting at this pace.
fn paced<R>(arena: Arena<R>, pacing: Pacing) -> Arena<R>
where
    R: for<'gc> Rootable<'gc>,
    for<'gc> Root<'gc, R>: Sized + Collect<'gc>,
{
    arena.metrics().set_pacing(pacing);
    arena
}
