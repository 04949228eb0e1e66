//! A [`ChunkSpace`] survives the failure of every page request, one at a time and from one on.

mod support;

use std::sync::Arc;

use support::Audited;
use terrane_pages::{
    CHUNK_SIZE, ChunkSpace, FaultyPages, HeapPages, Owner, PageError, PageSource, system_pages,
};

type Source = Arc<FaultyPages<Audited<Arc<dyn PageSource>>>>;

const OWNER: Owner = Owner::new(7).unwrap();
const MAX_CHUNKS: usize = 64;

/// Where requests come from: one large range, a small one, or no range at all.
fn sources() -> Vec<Source> {
    let restricted = |source, largest| Arc::new(FaultyPages::new(Audited::with_largest(source, largest)));
    vec![
        restricted(system_pages(), usize::MAX),
        restricted(system_pages(), 16 * CHUNK_SIZE),
        restricted(system_pages(), 8 * CHUNK_SIZE),
        restricted(Arc::new(HeapPages::new()), usize::MAX),
    ]
}

/// Allocates, frees and reuses; every outcome is checked against what is then handed out.
fn scenario(source: &Source) -> Result<(), PageError> {
    let mut space = ChunkSpace::reserve(source.clone(), MAX_CHUNKS * CHUNK_SIZE)?;
    let mut outcome = Ok(());
    let mut runs = Vec::new();
    for round in 0..4 {
        for count in [1, 8, 3] {
            match space.try_allocate(count, OWNER) {
                Ok(base) => {
                    // SAFETY: the first word of a run that is committed and ours.
                    unsafe {
                        assert_eq!(base.cast::<u64>().read(), 0);
                        base.cast::<u64>().write(round);
                    }
                    runs.push((base, count, round));
                }
                Err(error) => outcome = Err(error),
            }
        }
        for (base, _, written) in &runs {
            // SAFETY: as above.
            assert_eq!(unsafe { base.cast::<u64>().read() }, *written);
            assert_eq!(space.owner(base.addr().get()), Some(OWNER));
        }
        if let Some((base, count, _)) = (!runs.is_empty()).then(|| runs.remove(runs.len() / 2)) {
            // SAFETY: the run is forgotten with this.
            unsafe { space.free(base, count)? };
            assert_eq!(space.owner(base.addr().get()), None);
        }
    }
    let allocated: usize = runs.iter().map(|(_, count, _)| count * CHUNK_SIZE).sum();
    assert_eq!(space.allocated_bytes(), allocated);
    outcome
}

#[test]
fn every_request_may_fail() {
    for source in sources() {
        scenario(&source).expect("works without faults");
        let requests = source.requests();
        assert!(requests >= 16, "the scenario asks for pages: {requests}");
        for n in 1..=requests {
            for plan in [FaultyPages::fail_nth, FaultyPages::fail_from] {
                let failures = source.failures();
                plan(&source, n);
                let outcome = scenario(&source);
                assert!(source.failures() > failures, "request {n} was refused");
                if let Err(error) = outcome {
                    assert_eq!(error.os_code, None, "the injected failure, not another: {error}");
                }
                assert_eq!(source.inner().live(), 0, "nothing is left behind");
                source.fail_none();
                scenario(&source).expect("works again afterwards");
            }
        }
    }
}

/// Without the operating system's pages there is no range whose chunks could be kept.
#[cfg(all(feature = "os", unix))]
#[test]
fn a_refused_decommit_keeps_the_memory_and_zeroes_it_later() {
    let source = Arc::new(FaultyPages::new(support::audited_system()));
    let mut space = ChunkSpace::reserve(source.clone(), MAX_CHUNKS * CHUNK_SIZE).unwrap();
    let base = space.try_allocate(2, OWNER).unwrap();
    // SAFETY: the run is ours and committed.
    unsafe { base.write_bytes(0xA5, 2 * CHUNK_SIZE) };
    source.fail_nth(1);
    // SAFETY: nobody uses the run from here on.
    unsafe { space.free(base, 2).unwrap() };
    assert_eq!((space.committed_bytes(), space.allocated_bytes()), (2 * CHUNK_SIZE, 0));

    source.fail_nth(1);
    assert!(space.try_allocate(3, OWNER).is_err(), "a refused commit leaves it as it is");
    assert_eq!((space.committed_bytes(), space.allocated_bytes()), (2 * CHUNK_SIZE, 0));

    let again = space.try_allocate(3, OWNER).unwrap();
    assert_eq!(again, base, "first fit");
    assert_eq!(space.committed_bytes(), 3 * CHUNK_SIZE);
    // SAFETY: the run is ours and committed.
    let contents = unsafe { std::slice::from_raw_parts(again.as_ptr(), 3 * CHUNK_SIZE) };
    assert!(contents.iter().all(|byte| *byte == 0));
}

#[test]
fn limits_are_kept() {
    let mut space = ChunkSpace::reserve(system_pages(), CHUNK_SIZE + 1).unwrap();
    assert_eq!(space.max_bytes(), 2 * CHUNK_SIZE, "rounded up");
    assert!(space.try_allocate(3, OWNER).is_err());
    assert!(space.try_allocate(usize::MAX, OWNER).is_err());
    let run = space.try_allocate(2, OWNER).unwrap();
    assert!(space.try_allocate(1, OWNER).is_err());
    // SAFETY: nobody uses the run from here on.
    unsafe { space.free(run, 2).unwrap() };
    assert!(space.try_allocate(1, OWNER).is_ok());

    assert!(ChunkSpace::reserve(system_pages(), 0).is_err());
    assert!(ChunkSpace::reserve(system_pages(), usize::MAX).is_err());
    let coarse = HeapPages::with_page_size(2 * CHUNK_SIZE).unwrap();
    assert!(ChunkSpace::reserve(Arc::new(coarse), CHUNK_SIZE).is_err(), "a page larger than a chunk");
}

#[test]
fn a_space_can_be_handed_to_another_thread() {
    let mut space = ChunkSpace::reserve(system_pages(), 1 << 40).unwrap();
    let base = space.try_allocate(1, OWNER).unwrap().addr().get();
    let owner = std::thread::spawn(move || space.owner(base)).join().unwrap();
    assert_eq!(owner, Some(OWNER));
}
