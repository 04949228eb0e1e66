//! Where a thread finds its own part of a pool.
//!
//! Each pool has a number of its own, never used again. A thread has a small table in thread-local storage, looked up by the lower
//! bits of that number; a place that holds another pool's number is a miss. Behind it stands the list of all pools that the thread
//! takes part in, for misses and for the end of the thread: then each of these pools that still lives is told, and takes back what was
//! the thread's.
//!
//! The table is constant and has no destructor, so that a look-up is an address relative to the thread's register, a comparison and a
//! load. It holds caches only: what a pool *is* stands in the pool, and two pools never meet.

use alloc::{sync::Weak, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread_local,
};

use crate::held::discard;

const PLACES: usize = 16;

/// The number of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolId(u64);

impl PoolId {
    /// A number that no pool has or had.
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Relaxed) + 1)
    }
}

/// A pool that threads take part in.
pub(crate) trait Departure: Send + Sync {
    /// The calling thread ends; its part was `part`, which nobody will look up any more.
    fn depart(&self, part: NonNull<()>);
}

struct Place {
    /// 0 for none.
    pool: Cell<u64>,
    part: Cell<NonNull<()>>,
}

thread_local! {
    static TABLE: [Place; PLACES] =
        const { [const { Place { pool: Cell::new(0), part: Cell::new(NonNull::dangling()) } }; PLACES] };
    static MEMBERSHIPS: Memberships = const { Memberships(RefCell::new(Vec::new())) };
}

struct Memberships(RefCell<Vec<Membership>>);

struct Membership {
    id: PoolId,
    part: NonNull<()>,
    pool: Weak<dyn Departure>,
}

/// The calling thread's part of the pool, if it is in the table.
#[inline(always)]
pub(crate) fn look_up(id: PoolId) -> Option<NonNull<()>> {
    TABLE.with(|table| {
        let place = &table[id.0 as usize % PLACES];
        (place.pool.get() == id.0).then(|| place.part.get())
    })
}

/// The same, if the thread takes part at all; it is in the table afterwards.
pub(crate) fn find(id: PoolId) -> Option<NonNull<()>> {
    let find = |list: &Memberships| {
        // The list is in use when memory for it is being had, which may ask a pool for some.
        let list = list.0.try_borrow().ok()?;
        list.iter().find(|membership| membership.id == id).map(|membership| membership.part)
    };
    let part = MEMBERSHIPS.try_with(find).ok().flatten()?;
    enter(id, part);
    Some(part)
}

/// The calling thread takes part from now on. `false`, and nothing was noted, when it is about to end or in the middle of this.
pub(crate) fn join(id: PoolId, part: NonNull<()>, pool: Weak<dyn Departure>) -> bool {
    let add = |list: &Memberships| {
        let Ok(mut list) = list.0.try_borrow_mut() else { return false };
        list.retain(|membership| membership.pool.strong_count() > 0);
        list.push(Membership { id, part, pool });
        true
    };
    let joined = MEMBERSHIPS.try_with(add).unwrap_or(false);
    if joined {
        enter(id, part);
    }
    joined
}

fn enter(id: PoolId, part: NonNull<()>) {
    TABLE.with(|table| {
        let place = &table[id.0 as usize % PLACES];
        place.part.set(part);
        place.pool.set(id.0);
    });
}

fn clear(id: PoolId) {
    TABLE.with(|table| {
        let place = &table[id.0 as usize % PLACES];
        if place.pool.get() == id.0 {
            place.pool.set(0);
        }
    });
}

impl Drop for Memberships {
    fn drop(&mut self) {
        for membership in self.0.take() {
            // First, so that whoever uses the pool from now on, destructors of its objects included, does so without a part.
            clear(membership.id);
            if let Some(pool) = membership.pool.upgrade() {
                // Destructors of objects may panic; out of here that would end the program.
                let done = catch_unwind(AssertUnwindSafe(move || {
                    pool.depart(membership.part);
                    // This may have been the last share of the pool.
                    drop(pool);
                }));
                if let Err(payload) = done {
                    discard(payload);
                }
            }
        }
    }
}
