//! The raw tier beside a model of it, in every kind of heap.

use std::num::NonZeroU64;
use std::sync::Arc;

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::raw::{HeapConfig, Pretenuring};
use terrane_pages::HeapPages;

use crate::properties;
use crate::shadow::Shadow;
use crate::source::Source;

/// Runs the program that the bytes make, in the heap that they choose, and compares every word with the model.
///
/// # Panics
/// When the heap differs from the model, or finds itself corrupt.
pub fn gc_raw(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let config = configuration(&mut source);
    let (config, program) = if source.draw(&prop::bool::weighted(0.9)) {
        (config, source.draw_many(&properties::op(), 400))
    } else {
        // There are thousands of objects: to collect at every few allocations would take too long.
        (config.stress(None), source.draw_many(&properties::scattering_op(), 100))
    };
    if let Ok(mut shadow) = Shadow::new(config) {
        shadow.run(&program);
    }
}

fn configuration(source: &mut Source) -> HeapConfig {
    let mut config = HeapConfig::new()
        .nursery(Bytes::from_kib(source.draw(&(16..128_u64))))
        .frame_region(Bytes::from_kib(64))
        .young_range(Bytes::from_mib(64))
        .limit(Bytes::from_kib(source.draw(&prop_oneof![1500..4000_u64, Just(128 << 10)])))
        .generational(source.draw(&any::<bool>()))
        .stress(NonZeroU64::new(source.draw(&(0..30_u64))))
        .verify(true);
    if source.draw(&any::<bool>()) {
        config = config.pretenuring(Pretenuring::Always).growth_min(Bytes::from_kib(64));
    }
    if source.draw(&any::<bool>()) {
        config = config.mark_stack(Bytes::new(1)).remembered_set(Bytes::new(1));
    }
    if source.draw(&any::<bool>()) {
        config = config.pages(Arc::new(HeapPages::new()));
    }
    config
}
