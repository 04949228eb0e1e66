//! [`ChunkSpace`] against a model: with one large range, with a small one and scattered runs beside it, with
//! scattered runs only, and each with page requests that fail at random.

mod support;

use std::{ptr::NonNull, sync::Arc};

use proptest::prelude::*;
use support::Audited;
use terrane_pages::{CHUNK_SIZE, ChunkSpace, FaultyPages, HeapPages, Owner, PageSource, system_pages};

/// Enough for a range of the minimal size (16 chunks) and scattered runs beside it.
const MAX_CHUNKS: usize = 24;

#[derive(Clone, Debug)]
enum Op {
    Allocate {
        count: usize,
        owner: u16,
        failing: Option<usize>,
    },
    Free {
        which: prop::sample::Index,
        failing: bool,
    },
    /// A free of what is no run: nothing may change.
    Misuse {
        which: prop::sample::Index,
        shift: usize,
        count: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let failing = || prop_oneof![3 => Just(None), 1 => (1..4_usize).prop_map(Some)];
    prop_oneof![
        5 => (0..7_usize, 1..=u16::MAX, failing())
            .prop_map(|(count, owner, failing)| Op::Allocate { count, owner, failing }),
        4 => (any::<prop::sample::Index>(), prop::bool::weighted(0.3))
            .prop_map(|(which, failing)| Op::Free { which, failing }),
        1 => (any::<prop::sample::Index>(), 0..3_usize, 0..8_usize)
            .prop_map(|(which, shift, count)| Op::Misuse { which, shift, count }),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Run {
    base: NonNull<u8>,
    count: usize,
    owner: Owner,
}

impl Run {
    fn start(&self) -> usize {
        self.base.addr().get()
    }

    fn end(&self) -> usize {
        self.start() + self.count * CHUNK_SIZE
    }

    /// One word in each chunk's first, a middle and last page. All of it is read as zero or as written.
    fn words(&self) -> impl Iterator<Item = NonNull<u64>> {
        let spots = [0, CHUNK_SIZE / 2 + 8, CHUNK_SIZE - 8];
        let base = self.base;
        // SAFETY: within the run.
        let word = move |chunk, spot| unsafe { base.add(chunk * CHUNK_SIZE + spot).cast() };
        (0..self.count).flat_map(move |chunk| spots.into_iter().map(move |spot| word(chunk, spot)))
    }
}

struct Harness {
    space: ChunkSpace,
    source: Arc<FaultyPages<Audited<Arc<dyn PageSource>>>>,
    runs: Vec<Run>,
    /// Whether a decommit was refused, so that more may be committed than is handed out.
    kept_memory: bool,
}

impl Harness {
    fn new(source: Arc<dyn PageSource>, largest: usize) -> Self {
        let source = Arc::new(FaultyPages::new(Audited::with_largest(source, largest)));
        let space = ChunkSpace::reserve(source.clone(), MAX_CHUNKS * CHUNK_SIZE).unwrap();
        Self { space, source, runs: Vec::new(), kept_memory: false }
    }

    fn allocated(&self) -> usize {
        self.runs.iter().map(|run| run.count).sum()
    }

    fn allocate(&mut self, count: usize, owner: u16, failing: Option<usize>) {
        let owner = Owner::new(owner).unwrap();
        let failures = self.source.failures();
        self.source.fail_nth(failing.unwrap_or(0));
        let result = self.space.try_allocate(count, owner);
        self.source.fail_none();
        let possible = count > 0 && self.allocated() + count <= MAX_CHUNKS;
        let refused = self.source.failures() > failures;
        assert_eq!(result.is_ok(), possible && !refused, "{count} chunks: {result:?}");
        let Ok(base) = result else { return };
        let run = Run { base, count, owner };
        assert_eq!(run.start() % CHUNK_SIZE, 0);
        assert!(self.runs.iter().all(|other| run.end() <= other.start() || other.end() <= run.start()));
        for word in run.words() {
            // SAFETY: within a run that is committed and ours.
            unsafe {
                assert_eq!(word.read(), 0, "handed out as zero");
                word.write(u64::MAX);
            }
        }
        self.runs.push(run);
    }

    fn free(&mut self, which: prop::sample::Index, failing: bool) {
        if self.runs.is_empty() {
            return;
        }
        let run = self.runs.swap_remove(which.index(self.runs.len()));
        let failures = self.source.failures();
        self.source.fail_nth(usize::from(failing));
        // SAFETY: the run is forgotten with this.
        unsafe { self.space.free(run.base, run.count) }.unwrap();
        self.source.fail_none();
        self.kept_memory |= self.source.failures() > failures;
    }

    fn misuse(&mut self, which: prop::sample::Index, shift: usize, count: usize) {
        let Some(run) = self.runs.get(which.index(self.runs.len().max(1))).copied() else { return };
        let base = run.base.as_ptr().wrapping_add([0, CHUNK_SIZE, 8][shift]);
        let start = base.addr();
        if self.runs.iter().any(|other| other.start() == start && other.count == count) {
            return;
        }
        // SAFETY: no such run exists, so nothing is freed; that is what this checks.
        let result = unsafe { self.space.free(NonNull::new(base).unwrap(), count) };
        assert!(result.is_err(), "{count} chunks at {start:#x} are no run");
    }

    fn check(&self) {
        for run in &self.runs {
            for addr in [run.start(), run.start() + CHUNK_SIZE / 3, run.end() - 1] {
                assert_eq!(self.space.owner(addr), Some(run.owner));
            }
            for addr in [run.start() - 1, run.end()] {
                let neighbour = self.runs.iter().find(|other| (other.start()..other.end()).contains(&addr));
                assert_eq!(self.space.owner(addr), neighbour.map(|run| run.owner));
            }
            for word in run.words() {
                // SAFETY: within a run that is committed and ours.
                assert_eq!(unsafe { word.read() }, u64::MAX, "nobody else writes here");
            }
        }
        assert_eq!(self.space.owner(0), None);
        assert_eq!(self.space.owner(usize::MAX), None);
        assert_eq!(self.space.allocated_bytes(), self.allocated() * CHUNK_SIZE);
        if self.kept_memory {
            assert!(self.space.committed_bytes() >= self.space.allocated_bytes());
        } else {
            assert_eq!(self.space.committed_bytes(), self.space.allocated_bytes());
        }
    }
}

fn run_against_model(mut harness: Harness, ops: &[Op]) {
    for op in ops {
        match *op {
            Op::Allocate { count, owner, failing } => harness.allocate(count, owner, failing),
            Op::Free { which, failing } => harness.free(which, failing),
            Op::Misuse { which, shift, count } => harness.misuse(which, shift, count),
        }
        harness.check();
    }
    let source = harness.source.clone();
    drop(harness.space);
    assert_eq!(source.inner().live(), 0, "all is released with the space");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn one_large_range(ops in prop::collection::vec(op(), 1..40)) {
        let harness = Harness::new(system_pages(), usize::MAX);
        if cfg!(all(feature = "os", unix)) {
            prop_assert_eq!(harness.space.range_bytes(), MAX_CHUNKS * CHUNK_SIZE);
        }
        run_against_model(harness, &ops);
    }

    #[test]
    fn a_small_range_and_scattered_runs(ops in prop::collection::vec(op(), 1..40)) {
        let harness = Harness::new(system_pages(), 16 * CHUNK_SIZE);
        if cfg!(all(feature = "os", unix)) {
            prop_assert_eq!(harness.space.range_bytes(), 16 * CHUNK_SIZE);
        }
        run_against_model(harness, &ops);
    }

    #[test]
    fn scattered_runs_only(ops in prop::collection::vec(op(), 1..40)) {
        let harness = Harness::new(system_pages(), 8 * CHUNK_SIZE);
        prop_assert_eq!(harness.space.range_bytes(), 0);
        run_against_model(harness, &ops);
    }

    #[test]
    fn scattered_runs_of_the_heap(ops in prop::collection::vec(op(), 1..40)) {
        let harness = Harness::new(Arc::new(HeapPages::new()), usize::MAX);
        prop_assert_eq!(harness.space.range_bytes(), 0, "nobody reserves far ahead on a heap");
        run_against_model(harness, &ops);
    }
}
