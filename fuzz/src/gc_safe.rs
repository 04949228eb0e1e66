//! The safe tier: programs beside a model of them, and programs whose objects know what they must hold.

use std::num::NonZeroU64;

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::HeapConfig;

use crate::source::Source;

#[allow(dead_code, unused_imports, reason = "only the generator and the run are used")]
#[path = "../../crates/terrane-gc/tests/safe/programs/mod.rs"]
mod programs;
#[allow(dead_code, unused_imports, reason = "only the generator and the model are used")]
#[path = "../../crates/terrane-gc/tests/safe/shadow.rs"]
mod shadow;

/// Runs the program that the bytes make, in the heap that they choose, and checks all that it can reach.
///
/// Most programs have objects of many sizes, births between slices and at the limit, pins, roots, destructors, weak maps and
/// finalizers. The others are compared with a model, which knows what must have died too.
///
/// # Panics
/// When something differs from what it must be, or the heap finds itself corrupt.
pub fn gc_safe(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    if source.draw(&prop::bool::weighted(0.7)) {
        let settings = source.draw(&programs::settings());
        _ = programs::run(settings, &source.draw_many(&programs::step(), 2000));
    } else {
        beside_a_model(&mut source);
    }
}

fn beside_a_model(source: &mut Source<'_>) {
    let mut config = HeapConfig::new().nursery(Bytes::from_kib(source.draw(&(16..64_u64))));
    if source.draw(&any::<bool>()) {
        config = config.stress(NonZeroU64::new(source.draw(&(0..30_u64))));
    }
    if source.draw(&any::<bool>()) {
        config = config.limit(Bytes::from_mib(16));
    }
    _ = shadow::run(config, &source.draw_many(&shadow::step(), 400));
}
