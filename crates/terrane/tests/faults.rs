//! What the system below refuses is an error, and nothing is lost by it.

use std::sync::Arc;

use terrane::{
    Arena, Budget, BuildError, Bytes, Cache, Heap, LruCache, MemoryConfig, MemoryError, MemorySystem,
    ObjectPool, Route,
    pages::{FaultyPages, HeapPages},
};

#[test]
fn every_page_request_may_fail_in_turn() {
    let pages = Arc::new(FaultyPages::new(HeapPages::new()));
    let budget = Budget::root(Bytes::from_mib(256));
    let system =
        MemorySystem::builder().with_budget(budget.clone()).with_pages(pages.clone()).build().unwrap();
    let work = || -> Result<(), MemoryError> {
        let large = [system.allocate(1 << 20)?, system.allocate(3 << 20)?];
        let lease = system.heaps().lease("scripts");
        let mut heap = Heap::with_config(lease.config())?;
        heap.enter(|mu| (0..300).try_for_each(|_| mu.try_alloc_array(1000, 1_u64).map(|_| ())))?;
        drop(large);
        Ok(())
    };
    work().unwrap();
    let (used, requests) = (budget.used(), pages.requests());
    assert!(requests > 6);
    let mut failed = 0;
    for n in 1..=requests {
        pages.fail_nth(n);
        failed += usize::from(work().is_err());
        assert_eq!(budget.used(), used, "request {n}");
        assert_eq!(system.stats().totals.live, 0, "request {n}");
    }
    assert!(failed > 4, "{failed} of {requests}");
    pages.fail_none();
    work().unwrap();
}

#[test]
fn a_level_that_is_full_is_no_reason_to_refuse() {
    let config = MemoryConfig {
        pool_limit: 64 << 10,
        arena_limit: 256 << 10,
        default_arena_size: 64 << 10,
        large_threshold: 32 << 10,
        max_memory: 8 << 20,
        ..MemoryConfig::DEFAULT
    };
    let system = MemorySystem::builder().with_config(config).build().unwrap();
    let small: Vec<_> = (0..100).map(|_| system.allocate(2000).unwrap()).collect();
    let medium: Vec<_> = (0..50).map(|_| system.allocate(20_000).unwrap()).collect();
    let stats = system.stats();
    assert!(stats.level(Route::Pools).live > 10 && stats.level(Route::Arenas).live > 4, "{stats}");
    assert!(stats.level(Route::System).live > 50, "{stats}");
    for route in [Route::Pools, Route::Arenas] {
        let budget = system.hierarchy().budget(route);
        assert!(budget.used() <= budget.limit());
    }
    drop((small, medium));
    assert_eq!(system.hierarchy().budget(Route::System).used(), Bytes::ZERO);
}

#[test]
fn a_level_that_is_full_is_no_reason_to_refuse_while_a_cache_has_the_rest() {
    for size in [4000, 20_000] {
        let config = MemoryConfig {
            pool_limit: 64 << 10,
            arena_limit: 256 << 10,
            default_arena_size: 64 << 10,
            max_memory: 4 << 20,
            ..MemoryConfig::DEFAULT
        };
        let system = MemorySystem::builder().with_config(config).build().unwrap();
        let pages = Cache::<u32, Arc<Vec<u8>>>::builder().weigher(100 << 20, |_, page| page.len() as u64);
        let cache = system.caches().add("pages", pages).unwrap();
        for number in 0..100 {
            cache.insert(number, Arc::new(vec![0; 64 << 10]));
        }
        assert!(system.budget().remaining() < Bytes::from_kib(128), "the cache has filled the budget");
        let held: Vec<_> = (0..100).map(|_| system.allocate(size).unwrap()).collect();
        assert!(held.iter().filter(|memory| memory.route() == Some(Route::System)).count() > 50);
        assert_eq!(system.stats().totals.failures, 0);
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_the_builder() {
    let message = |error: BuildError| error.to_string();
    let wrong = MemoryConfig { small_threshold: 1 << 20, max_memory: 1, ..MemoryConfig::DEFAULT };
    let error = MemorySystem::builder().with_config(wrong).build().unwrap_err();
    assert_eq!(message(error), "code: `max_memory` cannot be `1B`: it is at least 64KiB");
    let error = MemorySystem::builder().with_budget(Budget::root(Bytes::ZERO)).build().unwrap_err();
    assert!(message(error).starts_with("budget `root`: 0 B is an invalid limit"));

    for (builder, kind) in [
        (MemorySystem::builder().with_arena(Arena::new()).with_arena(Arena::new()), "arena"),
        (
            MemorySystem::builder()
                .with_pool(ObjectPool::<String>::new(1))
                .with_pool(ObjectPool::<String>::new(1)),
            "pool",
        ),
        (
            MemorySystem::builder()
                .with_cache(LruCache::<u8, u8>::new(1))
                .with_cache(LruCache::<u8, u8>::new(1)),
            "cache",
        ),
    ] {
        let error = message(builder.build().unwrap_err());
        assert!(error.contains(&format!("two {kind}s of the name `default`")), "{error}");
    }

    let filled = Arena::new();
    filled.alloc([0_u8; 100_000]);
    let tight = Budget::root(Bytes::from_kib(64));
    assert!(matches!(
        MemorySystem::builder().with_budget(tight).with_arena(filled).build(),
        Err(BuildError::Memory(MemoryError::BudgetExceeded { .. }))
    ));
}

#[test]
fn requests_of_no_and_of_impossible_size_are_defined() {
    let system = MemorySystem::builder().build().unwrap();
    assert!(system.allocate(0).unwrap().is_empty());
    for size in [usize::MAX, isize::MAX as usize, usize::MAX / 2 + 2] {
        assert!(system.allocate(size).is_err(), "{size}");
        for route in Route::ALL {
            assert!(
                terrane::MemoryComponent::allocate(&system.level(route), size).is_err(),
                "{size} {route}"
            );
        }
    }
    assert_eq!(system.stats().totals.live, 0);
}

#[test]
fn a_profile_names_the_places_that_allocate() {
    let config = MemoryConfig { enable_profiling: true, ..MemoryConfig::DEFAULT };
    let system = MemorySystem::builder().with_config(config).build().unwrap();
    let held: Vec<_> = (0..3).map(|_| system.allocate(1000).unwrap()).collect();
    drop(system.allocate(5000).unwrap());
    let sites = system.stats().sites;
    assert_eq!(sites.len(), 2);
    assert_eq!((sites[0].live, sites[0].bytes_live, sites[0].allocations), (3, Bytes::new(3000), 3));
    assert_eq!((sites[1].live, sites[1].bytes_total), (0, Bytes::new(5000)));
    assert!(sites.iter().all(|site| site.site.file().ends_with("faults.rs")));
    assert!(held.iter().all(|memory| memory.site() == Some(sites[0].site)));
}
