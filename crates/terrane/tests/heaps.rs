//! Collected heaps under the budget of a system.

use terrane::{Bytes, Heap, MemoryConfig, MemoryError, MemorySystem, PressureLevel};

fn system(max_memory: u64) -> MemorySystem {
    let config = MemoryConfig { max_memory, ..MemoryConfig::DEFAULT };
    MemorySystem::builder().with_config(config).build().unwrap()
}

#[test]
fn what_a_heap_commits_is_charged_and_comes_back() {
    let system = system(256 << 20);
    let before = system.budget().used();
    let lease = system.heaps().lease("scripts");
    let mut heap = Heap::with_config(lease.config()).unwrap();
    heap.enter(|mu| {
        let kept = mu.alloc_local(|_| [0_u64; 100]);
        for _ in 0..1000 {
            mu.alloc_local(|_| [1_u64; 100]);
        }
        assert_eq!(kept.get(mu)[0], 0);
    });
    assert!(lease.committed() >= Bytes::new(heap.stats().charged_bytes));
    assert!(system.budget().used() >= lease.committed());
    assert_eq!(system.stats().heaps[0].committed, lease.committed());
    drop(heap);
    drop(lease);
    assert!(system.stats().heaps.is_empty());
    assert_eq!(system.budget().used(), before);
}

#[test]
fn a_heap_is_asked_to_collect_when_the_system_is_short() {
    let system = system(64 << 20);
    let lease = system.heaps().lease_with_limit("scripts", Bytes::from_mib(32));
    let mut heap = Heap::with_config(lease.config()).unwrap();
    assert_eq!(lease.serve(&mut heap), None);
    heap.enter(|mu| {
        for _ in 0..2000 {
            mu.alloc_local(|_| [1_u64; 500]);
            mu.safepoint();
        }
    });
    system.notify(PressureLevel::Critical);
    assert!(lease.is_due());
    assert!(lease.serve(&mut heap).is_some());
    assert!(!lease.is_due());
    let stats = &system.stats().heaps[0];
    assert_eq!((stats.name.as_str(), stats.collections_requested), ("scripts", 1));
    system.notify(PressureLevel::Normal);
    system.notify(PressureLevel::Critical);
    assert!(heap.enter(|mu| lease.serve_in(mu)).is_some());
    assert_eq!(system.stats().heaps[0].collections_requested, 2);
}

#[test]
fn a_collection_gives_memory_back_to_the_system() {
    let system = system(128 << 20);
    let lease = system.heaps().lease("scripts");
    let mut heap = Heap::with_config(lease.config()).unwrap();
    heap.enter(|mu| {
        let kept: Vec<_> =
            (0..30).map(|_| mu.try_alloc_array(100_000, 1_u64).map(|array| mu.root(array))).collect();
        assert!(kept.iter().all(Result::is_ok));
    });
    lease.report(heap.stats());
    let (committed, used) = (lease.committed(), system.budget().used());
    assert!(committed > Bytes::from_mib(20), "{committed}");
    assert!(system.stats().heaps[0].heap.charged_bytes > 20 << 20);
    assert!(system.set_limit(Bytes::from_mib(16)).unwrap() > Bytes::ZERO);
    assert!(lease.serve(&mut heap).unwrap() > Bytes::from_mib(20));
    assert!(lease.committed() < Bytes::from_mib(12), "{}", lease.committed());
    assert!(system.budget().used() < used && system.budget().used() < Bytes::from_mib(16));
    assert_eq!(lease.serve(&mut heap), None);
}

#[test]
fn a_budget_that_is_full_is_an_error_of_the_heap_and_no_abort() {
    let system = system(8 << 20);
    let held = system.allocate((8 << 20) - 4096).unwrap();
    let lease = system.heaps().lease("scripts");
    assert!(Heap::with_config(lease.config()).is_err(), "no room for a heap");
    drop(held);
    let mut heap = Heap::with_config(lease.config()).unwrap();
    let error = heap.enter(|mu| {
        let list = mu.alloc_local(|_| 0_u64);
        for _ in 0..100_000 {
            if let Err(error) = mu.try_alloc_array(1000, 1_u64) {
                assert_eq!(*list.get(mu), 0, "the heap is as before");
                return Some(error);
            }
        }
        None
    });
    assert!(
        matches!(error, Some(MemoryError::OutOfMemory { .. } | MemoryError::SystemError { .. })),
        "{error:?}"
    );
    // What was garbage can be used again.
    heap.collect_full();
    assert!(heap.enter(|mu| mu.try_alloc_array(1000, 1_u64).is_ok()));
}

#[test]
fn a_heap_that_has_too_little_room_says_what_may_be_too_small() {
    let system = system(64 << 20);
    for limit in [Bytes::ZERO, Bytes::new(1), Bytes::from_kib(64), Bytes::from_kib(512)] {
        let lease = system.heaps().lease_with_limit("scripts", limit);
        let error = Heap::with_config(lease.config()).unwrap_err().to_string();
        assert!(error.contains("a budget or limit may be too small"), "{limit}: {error}");
        assert_eq!(lease.committed(), Bytes::ZERO);
    }
    let lease = system.heaps().lease_with_limit("scripts", Bytes::from_mib(6));
    assert!(Heap::with_config(lease.config()).is_ok(), "as much as is said to suffice");
}

#[test]
fn leases_of_one_name_are_told_apart() {
    let system = system(64 << 20);
    let leases = [(); 3].map(|()| system.heaps().lease("vm"));
    let names: Vec<String> = system.stats().heaps.into_iter().map(|heap| heap.name).collect();
    assert_eq!(names, ["vm", "vm 2", "vm 3"]);
    drop(leases);
    assert!(system.stats().heaps.is_empty());
}
