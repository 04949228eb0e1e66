//! The safe tier beside a model of it.

use std::num::NonZeroU64;

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::HeapConfig;

use crate::source::Source;

#[allow(dead_code, unused_imports, reason = "only the generator and the model are used")]
#[path = "../../crates/terrane-gc/tests/safe/shadow.rs"]
mod shadow;

/// Runs the program that the bytes make, and compares all that it can reach with the model; weak references, weak maps and
/// finalizers too.
///
/// # Panics
/// When the heap differs from the model, or finds itself corrupt.
pub fn gc_safe(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let mut config = HeapConfig::new().nursery(Bytes::from_kib(source.draw(&(16..64_u64))));
    if source.draw(&any::<bool>()) {
        config = config.stress(NonZeroU64::new(source.draw(&(0..30_u64))));
    }
    if source.draw(&any::<bool>()) {
        config = config.limit(Bytes::from_mib(16));
    }
    shadow::run(config, &source.draw_many(&shadow::step(), 400));
}
