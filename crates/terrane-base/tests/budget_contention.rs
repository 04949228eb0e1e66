//! Threads that want the last bytes of a budget at the same moment.

use std::{sync::Barrier, thread};

use terrane_base::{Budget, Bytes};

const LIMIT: u64 = 1000;
const ROUNDS: usize = 1_000_000;

/// There is room for one of the charges at a time. While another thread charges and gives back without end, many a charge
/// sees room that is gone when it takes it.
#[test]
fn room_that_was_seen_and_is_gone_is_not_taken() {
    let root = Budget::root(Bytes::new(LIMIT));
    let start = Barrier::new(2);
    let granted = thread::scope(|scope| {
        let charger = |part: Budget| {
            let start = &start;
            move || {
                start.wait();
                (0..ROUNDS).filter(|_| part.try_reserve(Bytes::new(LIMIT * 3 / 4)).is_ok()).count()
            }
        };
        let threads = ["one", "other"].map(|name| scope.spawn(charger(root.child(name))));
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(granted.iter().all(|granted| *granted > 0), "{granted:?}");
    assert!(root.peak() <= root.limit(), "{root:?}");
    assert_eq!(root.used(), Bytes::ZERO);
}
