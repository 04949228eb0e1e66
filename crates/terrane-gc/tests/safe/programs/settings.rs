//! Heaps in which much happens soon.

use std::cell::Cell;
use std::num::NonZeroU64;

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::HeapConfig;
use terrane_gc::raw::Pretenuring;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    nursery_kib: u64,
    growth_kib: u64,
    limit_kib: Option<u64>,
    stress: Option<NonZeroU64>,
    pretenuring: Pretenuring,
    generational: bool,
    incremental: bool,
    tiny_tables: bool,
    verify: bool,
}

pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let pretenuring =
        prop::sample::select(vec![Pretenuring::Adaptive, Pretenuring::Off, Pretenuring::Always]);
    let sizes = (16..48_u64, 32..432_u64, prop::option::of(1800..3600_u64));
    let mostly = |probability: f64| prop::bool::weighted(probability);
    let kinds = (pretenuring, mostly(0.85), mostly(0.8), mostly(0.25), mostly(0.7));
    let stress = prop::option::weighted(0.3, 1..30_u64);
    (sizes, stress, kinds).prop_map(|((nursery_kib, growth_kib, limit_kib), stress, kinds)| {
        let (pretenuring, generational, incremental, tiny_tables, verify) = kinds;
        let stress = stress.and_then(NonZeroU64::new);
        Settings {
            nursery_kib,
            growth_kib,
            limit_kib,
            stress,
            pretenuring,
            generational,
            incremental,
            tiny_tables,
            verify,
        }
    })
}

/// Time that goes on with each look at it, so that a program does the same whenever it is run.
fn clock() -> u64 {
    thread_local!(static NOW_NS: Cell<u64> = const { Cell::new(0) });
    NOW_NS.with(|now_ns| now_ns.replace(now_ns.get() + 2_000))
}

impl Settings {
    pub(crate) fn config(self) -> HeapConfig {
        let mut config = HeapConfig::new()
            .nursery(Bytes::from_kib(self.nursery_kib))
            .growth_min(Bytes::from_kib(self.growth_kib))
            .young_range(Bytes::from_mib(16))
            .stress(self.stress)
            .pretenuring(self.pretenuring)
            .generational(self.generational)
            .incremental(self.incremental)
            .verify(self.verify)
            .clock(clock);
        if let Some(kib) = self.limit_kib {
            config = config.limit(Bytes::from_kib(kib));
        }
        if self.tiny_tables {
            config = config.mark_stack(Bytes::new(1)).remembered_set(Bytes::new(1));
        }
        config
    }
}
