//! Memory that is charged to a budget: the global allocator of this very program, and collections.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use terrane_base::{Budget, Bytes, MemoryError, ReclaimCost, Reclaimer};
use terrane_pages::BudgetedGlobal;

#[global_allocator]
static MEMORY: BudgetedGlobal = BudgetedGlobal::new();

/// Gives up large buffers, and allocates on the way.
struct Cache {
    buffers: Mutex<Vec<Vec<u8>>>,
    notes: Mutex<Vec<String>>,
}

impl Reclaimer for Cache {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        self.notes.lock().unwrap().push(format!("{wanted} wanted; {}", "x".repeat(2000)));
        let mut freed = Bytes::ZERO;
        while freed < wanted
            && let Some(buffer) = self.buffers.lock().unwrap().pop()
        {
            freed = freed.saturating_add(Bytes::from_usize(buffer.capacity()));
        }
        freed
    }
}

fn buffer(size: usize) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(size).ok().map(|()| buffer)
}

/// One test, because there is one global allocator.
#[test]
fn the_program_lives_within_its_budget() {
    let early = vec![0u8; 3 << 20];
    assert!(MEMORY.uncharged() >= Bytes::from_mib(3));
    let tight = Budget::root(Bytes::from_mib(2));
    assert!(matches!(MEMORY.attach(&tight), Err(MemoryError::BudgetExceeded { .. })));
    let root = Budget::root(Bytes::from_mib(64));
    root.set_aside(Bytes::from_mib(1)).unwrap();
    let heap = root.child("heap");
    MEMORY.attach(&heap).unwrap();
    assert!(matches!(MEMORY.attach(&root), Err(MemoryError::InvalidObject { .. })));
    assert!(heap.used() >= Bytes::from_mib(3) && MEMORY.uncharged() == Bytes::ZERO);
    let before = heap.used();
    drop(early);
    assert!(
        before.saturating_sub(heap.used()) >= Bytes::from_mib(2),
        "what was there before is taken back too"
    );

    assert!(buffer(100 << 20).is_none() && buffer(isize::MAX as usize).is_none());
    let mut grown = buffer(20 << 20).unwrap();
    assert!(grown.try_reserve_exact(70 << 20).is_err() && grown.capacity() == 20 << 20);
    grown.shrink_to(1 << 20);
    assert!(heap.used() < Bytes::from_mib(8), "{}", heap.used());

    let cache = Arc::new(Cache { buffers: Mutex::default(), notes: Mutex::default() });
    root.serve_deferred();
    heap.add_reclaimer("cache", ReclaimCost::CacheEviction, &cache);
    cache.buffers.lock().unwrap().extend((0..5).map(|_| buffer(10 << 20).unwrap()));
    assert!(
        buffer(30 << 20).is_none() && cache.buffers.lock().unwrap().len() == 5,
        "an allocation asks nobody"
    );
    root.serve_deferred();
    let large = buffer(30 << 20).expect("buffers were given up for it");
    assert!([2, 3].contains(&cache.buffers.lock().unwrap().len()));
    drop(large);

    let threads = [1, 2].map(|seed| {
        thread::spawn(move || {
            let mut held: Vec<Vec<u8>> = Vec::new();
            for turn in 0..2000 {
                held.extend(buffer((turn * seed * 7919) % 300_000));
                held.iter_mut().for_each(|buffer| buffer.shrink_to_fit());
                if held.len() > 20 {
                    held.drain(..10);
                }
            }
        })
    });
    let [_, _] = threads.map(|thread| thread.join().unwrap());
    assert!(root.peak() <= root.limit());
    drop((cache, grown));
    assert!(heap.used() < Bytes::from_mib(6), "{}", heap.used());
}
