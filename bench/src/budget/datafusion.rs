//! The memory pools of DataFusion behind the common trait. A thread's handle is a reservation of a consumer of its own.

use super::accounts::{Account, LIMIT};
use datafusion_execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryPool, MemoryReservation, TrackConsumersPool,
};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The pool that only counts.
pub(super) struct Greedy(Arc<dyn MemoryPool>);

/// The pool that also knows who holds how much.
pub(super) struct Tracked(Arc<dyn MemoryPool>);

macro_rules! account {
    ($pool:ty, $new:expr) => {
        impl Account for $pool {
            type Handle = MemoryReservation;

            fn open() -> Self {
                Self($new)
            }

            fn handle(&self) -> MemoryReservation {
                MemoryConsumer::new("part").register(&self.0)
            }

            #[inline(always)]
            fn charge(reservation: &MemoryReservation, size: usize) -> bool {
                reservation.try_grow(size).is_ok()
            }

            #[inline(always)]
            fn discharge(reservation: &MemoryReservation, size: usize) {
                reservation.shrink(size);
            }

            fn charged(&self, _reservation: &MemoryReservation) -> usize {
                self.0.reserved()
            }
        }
    };
}

account!(Greedy, Arc::new(GreedyMemoryPool::new(LIMIT)));
account!(
    Tracked,
    Arc::new(TrackConsumersPool::new(
        GreedyMemoryPool::new(LIMIT),
        NonZeroUsize::new(3).expect("three is not zero")
    ))
);
