//! A buffer is empty, is nobody else's and has the capacity that was asked for, whatever was done to the buffers that came back.
#![cfg(all(feature = "std", not(loom)))]

use proptest::prelude::*;
use terrane_pool::{Buffer, BufferPool, LocalBufferPool, MemoryError};

#[test]
fn buffers_that_were_exchanged_serve_their_class() {
    let buffers = LocalBufferPool::new();
    let (mut small, mut large) = (buffers.acquire(64).unwrap(), buffers.acquire(1 << 20).unwrap());
    std::mem::swap::<Buffer>(&mut small, &mut large);
    drop((small, large));
    assert!(buffers.acquire(1 << 20).unwrap().capacity() >= 1 << 20);
    assert!(buffers.acquire(64).unwrap().capacity() >= 64);
}

#[test]
fn a_buffer_in_whose_place_another_was_put_serves_its_class() {
    let buffers = LocalBufferPool::new();
    *buffers.acquire(4096).unwrap() = Buffer::default();
    assert!(buffers.acquire(4096).unwrap().capacity() >= 4096);
    drop(buffers.acquire(4096).unwrap());
    assert_eq!(buffers.stats().created, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Acquire(usize),
    /// Writes so many bytes into one of those in use; it may grow.
    Write(usize, usize),
    Release(usize),
    Trim,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Around the sizes of classes, and beyond the largest.
    let capacity = prop_oneof![
        0..5000_usize,
        (0..22_u32, 0..3_usize).prop_map(|(log2, more)| (1 << log2) + more - 1),
        usize::MAX - 2..=usize::MAX
    ];
    let step = prop_oneof![
        5 => capacity.prop_map(Step::Acquire),
        3 => (any::<usize>(), 0..9000_usize).prop_map(|(which, bytes)| Step::Write(which, bytes)),
        4 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Trim),
    ];
    prop::collection::vec(step, 0..80)
}

macro_rules! models {
    ($($name:ident: $pool:ident),*) => {$(
        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

            #[test]
            fn $name(steps in steps()) {
                let buffers = $pool::new();
                let max = buffers.max_capacity();
                // With what was written to each: a length, and a byte of its own.
                let mut held: Vec<(_, usize, u8)> = Vec::new();
                for (number, step) in (0_u8..=u8::MAX).cycle().zip(steps) {
                    match step {
                        Step::Acquire(capacity) => match buffers.acquire(capacity) {
                            Ok(buffer) => {
                                prop_assert!(buffer.is_empty() && buffer.capacity() >= capacity);
                                prop_assert!(max.as_usize() >= capacity);
                                held.push((buffer, 0, number));
                            }
                            Err(error) => {
                                prop_assert!(matches!(error, MemoryError::AllocationTooLarge { .. }), "{error}");
                                prop_assert!(max.as_usize() < capacity);
                            }
                        },
                        Step::Write(which, bytes) if !held.is_empty() => {
                            let which = which % held.len();
                            let (buffer, len, byte) = &mut held[which];
                            *len += bytes;
                            buffer.resize(*len, *byte);
                        }
                        Step::Release(which) if !held.is_empty() => _ = held.swap_remove(which % held.len()),
                        Step::Trim => {
                            let idle = buffers.stats().idle;
                            prop_assert_eq!((buffers.trim(), buffers.stats().idle), (idle, 0));
                        }
                        Step::Write(..) | Step::Release(_) => {}
                    }
                    for (buffer, len, byte) in &held {
                        prop_assert!(buffer.len() == *len && buffer.iter().all(|other| other == byte));
                    }
                    let stats = buffers.stats();
                    prop_assert_eq!(stats.in_use, held.len());
                    prop_assert_eq!(stats.created, stats.dropped + (stats.idle + stats.in_use) as u64);
                }
            }
        }
    )*};
}

models!(local_buffers: LocalBufferPool, shared_buffers: BufferPool);
