//! Pools, arenas and caches by name.

use std::sync::Arc;

use terrane::{
    Allocation, Arena, Budget, BufferPool, BuildError, Bytes, Cache, CacheState, CacheStrategy, LockFreePool,
    LruCache, MemoryConfig, MemorySerializable, MemorySystem, ObjectPool, Owned, PoolStrategy, ShardedCache,
    SystemState, ThreadSafePool, WorkStealingPool,
};

fn system(max_memory: u64) -> MemorySystem {
    let config = MemoryConfig { max_memory, ..MemoryConfig::DEFAULT };
    MemorySystem::builder().with_config(config).build().unwrap()
}

/// What the budget's part of that name uses.
fn used(system: &MemorySystem, name: &str) -> Bytes {
    let stats = system.stats();
    stats
        .budget
        .entries()
        .iter()
        .find(|part| part.name.as_str() == name)
        .map_or(Bytes::ZERO, |part| part.used)
}

#[test]
fn an_arena_that_was_put_in_the_place_of_a_lent_one_is_charged_to_the_system() {
    let system = system(1 << 20);
    *system.arenas().lend("request").unwrap() = Arena::new();
    let lease = system.arenas().lend("request").unwrap();
    assert!(lease.try_alloc_slice_fill_with(4 << 20, |_| 0_u8).is_err(), "beyond the budget");
    lease.try_alloc_slice_fill_with(100 << 10, |_| 0_u8).unwrap();
    assert!(used(&system, "request") >= Bytes::from_kib(100));
    drop(lease);

    // One that is too large for the budget, and so is not kept.
    let mut lease = system.arenas().lend("request").unwrap();
    *lease = Arena::new();
    lease.alloc_slice_fill_with(4 << 20, |_| 0_u8);
    drop(lease);
    assert!(used(&system, "request") < Bytes::from_mib(1));
    let lease = system.arenas().lend("request").unwrap();
    assert!(lease.try_alloc_slice_fill_with(4 << 20, |_| 0_u8).is_err(), "beyond the budget");
}

#[test]
fn a_lease_beyond_a_lowered_limit_is_refused_with_what_is_in_use() {
    let system = system(64 << 20);
    let _held = system.allocate(4 << 20).unwrap();
    system.set_limit(Bytes::from_mib(2)).unwrap();
    let error = system.arenas().lend("request").unwrap_err().to_string();
    assert!(error.starts_with("budget `root` exceeded: 4 MiB in use, more than it may"), "{error}");
}

#[test]
fn the_report_names_each_part_once_and_no_size_class_that_was_never_used() {
    let system = system(64 << 20);
    let pool = ThreadSafePool::<Vec<u8>>::builder().constructor(|| Vec::with_capacity(1 << 10));
    let pool = system.pools().add("buffers", pool).unwrap();
    let _held = (pool.acquire().unwrap(), system.allocate(100).unwrap());
    let report = system.stats().to_string();
    let parts = |name: &str| report.lines().filter(|line| line.contains(&format!("─ {name}: "))).count();
    assert_eq!((parts("buffers"), parts("small requests")), (1, 1), "{report}");
    assert_eq!((parts("of 128 B"), parts("of 256 B"), parts("heaps")), (1, 0, 1), "{report}");
}

#[test]
fn a_cache_of_memory_of_its_own_system_holds_that_until_it_is_removed() {
    for is_removed in [true, false] {
        let outer = Budget::root(Bytes::from_mib(64));
        let system = MemorySystem::builder().with_budget(outer.clone()).build().unwrap();
        let pages = Cache::<u32, Arc<Allocation>>::builder().weigher(1 << 20, |_, page| page.len() as u64);
        let cache = system.caches().add("pages", pages).unwrap();
        assert!(cache.insert(1, Arc::new(system.allocate(100_000).unwrap())));
        if is_removed {
            assert!(system.caches().remove("pages"));
        } else {
            assert!(cache.remove(&1).is_some());
        }
        drop((cache, system));
        assert_eq!(outer.used(), Bytes::ZERO, "{}", outer.snapshot());
    }
}

#[test]
fn arenas_that_change_places_are_charged_to_where_they_wait() {
    let system = system(8 << 20);
    let (mut small, mut large) = (system.arenas().lend("a").unwrap(), system.arenas().lend("b").unwrap());
    large.alloc_slice_fill_with(2 << 20, |_| 0_u8);
    core::mem::swap(&mut *small, &mut *large);
    drop((small, large));
    assert!(used(&system, "a") >= Bytes::from_mib(2), "{}", system.stats());
    assert_eq!(used(&system, "b"), Bytes::ZERO, "{}", system.stats());
}

#[test]
fn every_kind_of_pool_has_its_place() {
    let system = system(64 << 20);
    let kib = || Vec::<u8>::with_capacity(1 << 10);
    let safe = system.pools().add("safe", ThreadSafePool::<Vec<u8>>::builder().constructor(kib)).unwrap();
    let free = system
        .pools()
        .add(
            "free",
            LockFreePool::<Vec<u8>>::builder().strategy(PoolStrategy::new().max_total(100)).constructor(kib),
        )
        .unwrap();
    let stealing =
        system.pools().add("stealing", WorkStealingPool::<Vec<u8>>::builder().constructor(kib)).unwrap();
    let owned = system.pools().add("owned", ObjectPool::<Vec<u8>>::builder().constructor(kib)).unwrap();
    let held = (safe.acquire().unwrap(), free.acquire().unwrap(), stealing.acquire().unwrap());
    drop(owned.lock().acquire().unwrap());
    let buffers = system.pools().add("bodies", BufferPool::builder()).unwrap();
    let buffer = buffers.acquire(1000).unwrap();
    for name in ["safe", "free", "stealing", "owned", "bodies"] {
        assert!(used(&system, name) >= Bytes::from_kib(1), "{name}: {}", system.budget().snapshot());
    }
    drop((held, buffer));
    let stats = system.stats();
    assert_eq!(
        stats.pools.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["bodies", "free", "owned", "safe", "stealing"]
    );
    assert!(stats.pools.iter().all(|(_, pool)| pool.acquired == 1 && pool.in_use == 0), "{stats}");
    assert_eq!(stats.pool_hit_rate(), Some(0.0));

    assert!(system.pools().find::<ThreadSafePool<Vec<u8>>>("safe").is_some());
    assert!(system.pools().find::<ThreadSafePool<String>>("safe").is_none(), "of another type");
    assert!(system.pools().find::<ThreadSafePool<Vec<u8>>>("none").is_none());
    assert!(matches!(
        system.pools().add("safe", ThreadSafePool::<String>::new(1)),
        Err(BuildError::DuplicateName { kind: "pool", .. })
    ));
    let wrong = ThreadSafePool::<String>::builder().strategy(PoolStrategy::new().min_idle(9).max_total(1));
    assert!(matches!(system.pools().add("wrong", wrong), Err(BuildError::Pool(_))));
    assert!(system.pools().remove("safe") && !system.pools().remove("safe"));
    assert!(system.pools().add("safe", ThreadSafePool::<String>::new(1)).is_ok());
}

/// Its destructor panics.
#[derive(Default)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor");
    }
}

impl terrane::Poolable for Bomb {
    fn create() -> Self {
        Self
    }

    fn reset(&mut self) {}
}

#[test]
fn a_pool_whose_objects_panic_when_they_go_is_asked_again() {
    let system = system(64 << 20);
    let bombs = system.pools().add("bombs", ThreadSafePool::<Bomb>::new(10)).unwrap();
    for round in 0..2 {
        drop(bombs.acquire().unwrap());
        assert_eq!(bombs.stats().idle, 1, "round {round}");
        let _held = system.budget().try_reserve(Bytes::from_mib(1)).unwrap();
        system.reclaim(Bytes::from_mib(64));
        assert_eq!(bombs.stats().idle, 0, "round {round}");
    }
}

#[test]
fn finished_pools_are_trimmed_though_another_budget_charges_them() {
    let system = system(64 << 20);
    let finished = system.pools().add("finished", ThreadSafePool::<Vec<u8>>::new(10)).unwrap();
    let owned = system.pools().add("owned", ObjectPool::<Vec<u8>>::new(10)).unwrap();
    drop(finished.acquire().unwrap());
    drop(owned.lock().acquire().unwrap());
    assert_eq!((finished.stats().idle, owned.figures().idle), (1, 1));
    let _held = system.budget().try_reserve(Bytes::from_mib(1)).unwrap();
    system.reclaim(Bytes::from_mib(64));
    assert_eq!((finished.stats().idle, owned.lock().stats().idle), (0, 0));
    // Figures and reclaiming wait for nobody, not even for this very thread.
    let mine = owned.lock();
    assert_eq!(system.stats().pools.len(), 2);
    system.reclaim(Bytes::from_mib(64));
    drop(mine);
}

#[test]
fn every_kind_of_cache_has_its_place() {
    let system = system(64 << 20);
    let shared = system.caches().add("shared", Cache::<u32, u64>::builder().capacity(1000)).unwrap();
    let sharded = system.caches().add("sharded", ShardedCache::<u32, u64>::new(4, 1000)).unwrap();
    let squares = system.caches().add("squares", CacheStrategy::new(1000, |key: &u64| key * key)).unwrap();
    let exact = system.caches().add("exact", LruCache::<u32, u64>::new(1000)).unwrap();
    for key in 0..500 {
        shared.insert(key, 1);
        sharded.insert(key, 1);
        assert_eq!(squares.get(u64::from(key)), Ok(u64::from(key * key)));
        exact.lock().insert(key, 1);
    }
    for name in ["shared", "squares", "exact"] {
        assert!(used(&system, name) >= Bytes::from_kib(8), "{name}: {}", system.budget().snapshot());
    }
    assert_eq!(squares.get(7), Ok(49));
    let rate = system.stats().cache_hit_rate().unwrap();
    assert!(rate > 0.0 && rate < 0.1, "{rate}");

    let before = system.budget().used();
    system.reclaim(Bytes::from_mib(64));
    assert!(system.budget().used() < before);
    assert!(shared.len() < 500 && sharded.len() < 500 && squares.cache().len() < 500);
    assert!(exact.lock().len() < 500);
    assert!(matches!(
        system.caches().add("exact", ShardedCache::<u8, u8>::new(1, 1)),
        Err(BuildError::DuplicateName { kind: "cache", .. })
    ));
}

#[test]
fn a_cache_of_one_owner_gives_way_where_the_budget_has_no_room() {
    let system = system(64 << 10);
    let cache = system.caches().add("cache", LruCache::<u32, [u64; 16]>::new(100_000)).unwrap();
    let mut owner = cache.lock();
    for key in 0..5000 {
        owner.insert(key, [0; 16]);
    }
    assert_eq!(owner.len(), 5000);
    drop(owner);
    let len = cache.lock().len();
    assert!(len > 10 && len < 1000, "{len}");
    assert!(system.budget().used() <= Bytes::from_kib(64));
    assert!(cache.lock().peek(&4999).is_some(), "the newest stay");
}

#[test]
fn a_cache_is_warm_after_a_restart() {
    let before = system(64 << 20);
    let cache = before.caches().add("pages", Cache::<String, u64>::builder().capacity(100)).unwrap();
    cache.insert("a".to_owned(), 1);
    cache.insert("b".to_owned(), 2);
    let file = before.state().with_part("pages", cache.state().serialize_state()).serialize_state();
    drop((before, cache));

    let state = SystemState::deserialize_state(&file).unwrap();
    let after = MemorySystem::builder().with_config(state.config().clone()).build().unwrap();
    let cache = after.caches().add("pages", Cache::<String, u64>::builder().capacity(100)).unwrap();
    let pages = CacheState::<String, u64>::deserialize_state(state.part("pages").unwrap()).unwrap();
    assert_eq!(cache.restore(pages), 2);
    assert_eq!((cache.get("a"), cache.get("b")), (Some(1), Some(2)));
    assert!(CacheState::<String, u64>::deserialize_state(&file).is_err(), "a state of another kind");
}

#[test]
fn arenas_are_lent_used_again_and_given_up() {
    let config = MemoryConfig { default_pool_size: 2, default_arena_size: 4 << 10, ..MemoryConfig::DEFAULT };
    let given = Arena::new().with_first_block(Bytes::from_kib(16));
    let system =
        MemorySystem::builder().with_config(config).with_named_arena("given", given).build().unwrap();
    let lease = system.arenas().lend("given").unwrap();
    lease.alloc(1);
    assert_eq!(lease.committed_bytes(), 16 << 10);
    assert!(used(&system, "given") == Bytes::from_kib(16));
    drop(lease);
    let lease = system.arenas().lend("given").unwrap();
    assert_eq!((lease.used_bytes(), lease.committed_bytes()), (0, 16 << 10), "empty, with its memory");

    // Leases can be sent to other threads, and outlive the handle of the system.
    let handle = system.clone();
    std::thread::spawn(move || {
        drop(handle);
        assert_eq!(*lease.alloc(7), 7);
    })
    .join()
    .unwrap();

    let leases: Vec<_> = (0..5).map(|_| system.arenas().lend("new").unwrap()).collect();
    for lease in &leases {
        lease.alloc([0_u8; 5000]);
    }
    drop(leases);
    let stats = system.stats().arenas;
    let new = stats.iter().find(|arenas| arenas.name == "new").unwrap();
    assert_eq!((new.made, new.lent, new.idle), (5, 0, 2));
    assert!(new.used >= Bytes::from_kib(8));
    system.arenas().trim();
    assert_eq!((used(&system, "new"), used(&system, "given")), (Bytes::ZERO, Bytes::ZERO));
    let again = system.arenas().lend("new").unwrap();
    assert_eq!(again.used_bytes(), 0);
}

#[test]
fn what_is_owned_can_be_shared_and_a_panic_of_an_owner_loses_nothing() {
    let system = system(1 << 20);
    let cache: Arc<Owned<LruCache<u32, u32>>> = system.caches().add("cache", LruCache::new(10)).unwrap();
    let panicked = std::thread::spawn({
        let cache = Arc::clone(&cache);
        move || {
            let mut owner = cache.lock();
            owner.insert(1, 1);
            panic!("an owner's own affair");
        }
    })
    .join();
    assert!(panicked.is_err());
    assert_eq!(cache.lock().get(&1), Some(&1));
    assert!(cache.try_lock().is_some());
}
