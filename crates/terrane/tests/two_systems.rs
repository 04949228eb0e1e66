//! Two systems in one process know nothing of each other.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use terrane::{
    AllocationEvent, Arena, Bytes, LruCache, MemoryConfig, MemoryPlugin, MemorySystem, Owned, PressureLevel,
};

#[derive(Clone, Default)]
struct Count {
    allocations: Arc<AtomicUsize>,
    pressure: Arc<AtomicUsize>,
}

impl MemoryPlugin for Count {
    fn name(&self) -> &str {
        "count"
    }
    fn on_allocation(&self, _event: &AllocationEvent) {
        self.allocations.fetch_add(1, Relaxed);
    }
    fn on_pressure(&self, _level: PressureLevel) {
        self.pressure.fetch_add(1, Relaxed);
    }
}

fn system(max_memory: u64) -> (MemorySystem, Count) {
    let count = Count::default();
    let system = MemorySystem::builder()
        .with_config(MemoryConfig { max_memory, ..MemoryConfig::DEFAULT })
        .with_cache(LruCache::<u32, u32>::new(10))
        .with_arena(Arena::new())
        .with_plugin(count.clone())
        .build()
        .unwrap();
    (system, count)
}

#[test]
fn neither_budget_nor_plugins_nor_names_meet() {
    let ((one, count_one), (other, count_other)) = (system(4 << 20), system(8 << 20));
    assert_ne!(one.id(), other.id());
    let before = other.budget().used();

    let held = one.allocate(3 << 20).unwrap();
    assert!(one.allocate(2 << 20).is_err());
    assert_eq!(other.budget().used(), before);
    assert!(other.allocate(5 << 20).is_ok());
    assert_eq!((count_one.allocations.load(Relaxed), count_other.allocations.load(Relaxed)), (1, 1));
    assert_eq!((one.stats().totals.failures, other.stats().totals.failures), (1, 0));

    let pressure_before = count_one.pressure.load(Relaxed);
    other.notify(PressureLevel::Critical);
    assert_eq!(count_one.pressure.load(Relaxed), pressure_before);
    assert_eq!(count_other.pressure.load(Relaxed), 1);
    assert_eq!(other.pressure(), PressureLevel::Critical);

    let cache = |system: &MemorySystem| system.caches().find::<Owned<LruCache<u32, u32>>>("default").unwrap();
    cache(&one).lock().insert(1, 1);
    assert_eq!(cache(&other).lock().get(&1), None);

    // What one system granted goes back to it, whoever is asked to take it.
    other.deallocate(held);
    assert_eq!(one.stats().totals.live, 0);
    assert_eq!(other.stats().totals.deallocations, 1);

    assert_eq!(other.set_limit(Bytes::from_mib(1)).unwrap(), Bytes::ZERO);
    assert_eq!(one.budget().limit(), Bytes::from_mib(4));
}

#[test]
fn the_stacks_of_a_thread_are_apart_and_nest() {
    let ((one, _), (other, _)) = (system(1 << 20), system(2 << 20));
    let sum = one.stack(|mine| {
        let held = mine.push(1_u64);
        let inner = other.stack(|theirs| {
            let two = theirs.push(2_u64);
            assert_eq!(theirs.used_bytes(), 8);
            one.stack(|same| *same.push(4_u64)).unwrap() + *two
        });
        assert_eq!(mine.used_bytes(), 8);
        *held + inner.unwrap()
    });
    assert_eq!(sum.unwrap(), 7);
    // A box that is forgotten does not stay.
    for _ in 0..1000 {
        one.stack(|stack| std::mem::forget(stack.push([0_u64; 20]))).unwrap();
    }
    let one_kib = Bytes::from_kib(1);
    assert!(one.budget().used() >= one_kib && other.budget().used() >= one_kib);
}

#[test]
fn the_stack_of_a_thread_that_has_ended_is_given_back() {
    let config = MemoryConfig { max_memory: 256 << 10, stack_size: 64 << 10, ..MemoryConfig::DEFAULT };
    let system = MemorySystem::builder().with_config(config).build().unwrap();
    for _ in 0..50 {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(system.stack(|stack| *stack.push(7)).unwrap(), 7));
            }
        });
    }
    // A stack that there is no room for is an error.
    let _rest = system.budget().try_reserve(system.budget().remaining()).unwrap();
    system.budget().reclaim(Bytes::MAX);
    let _rest = system.budget().try_reserve(system.budget().remaining()).unwrap();
    assert!(system.stack(|stack| *stack.push(7)).is_err());
}

#[test]
fn a_part_of_one_system_can_be_the_budget_of_another() {
    let (host, _) = system(8 << 20);
    let part = host.budget().child("guest").max(Bytes::from_mib(2));
    let guest = MemorySystem::builder().with_budget(part).build().unwrap();
    assert!(guest.allocate(3 << 20).is_err());
    let held = guest.allocate(1 << 20).unwrap();
    assert!(host.budget().used() >= Bytes::from_mib(1));
    drop(held);
    drop(guest);
    assert!(host.budget().used() < Bytes::from_mib(1));
}
