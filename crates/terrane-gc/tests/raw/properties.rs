//! Random programs against the shadow model, in heaps that collect in every way and at every moment.

use std::num::NonZeroU64;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, HeapConfig, Pretenuring};
use terrane_pages::HeapPages;

use crate::shadow::{Kind, Op, Shadow};

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![3 => Just(Kind::Pair), 2 => Just(Kind::Vector), 1 => Just(Kind::Bytes)]
}

/// Words of an object: short, of the length of several cards, up to the largest small object, large, with
/// chunks of its own.
fn words() -> impl Strategy<Value = usize> {
    prop_oneof![
        20 => 0_usize..8,
        10 => 8_usize..200,
        4 => 200_usize..1023,
        2 => 1023_usize..6000,
        1 => Just(300_000_usize),
    ]
}

pub fn op() -> impl Strategy<Value = Op> {
    let collections = prop_oneof![
        3 => Just(CollectionKind::Minor),
        1 => Just(CollectionKind::Evacuate),
        1 => Just(CollectionKind::Full),
    ];
    let index = 0_usize..64;
    prop_oneof![
        10 => (kind(), words(), index.clone()).prop_map(|(kind, words, from)| Op::Allocate { kind, words, from }),
        2 => (1_usize..400, index.clone()).prop_map(|(len, from)| Op::List { len, from }),
        1 => (1_usize..3000, index.clone()).prop_map(|(len, from)| Op::Reserve { len, from }),
        3 => (kind(), words(), index.clone())
            .prop_map(|(kind, words, from)| Op::AllocateDirectly { kind, words, from }),
        2 => (0_usize..1000, index.clone()).prop_map(|(words, from)| Op::AllocatePinned { words, from }),
        2 => index.clone().prop_map(|root| Op::Pin { root }),
        1 => index.clone().prop_map(|pin| Op::Unpin { pin }),
        12 => (index.clone(), any::<usize>(), index.clone())
            .prop_map(|(parent, slot, value)| Op::Store { parent, slot, value }),
        6 => (index.clone(), any::<usize>()).prop_map(|(parent, slot)| Op::Load { parent, slot }),
        1 => (1_usize..200, index.clone()).prop_map(|(pairs, from)| Op::Spread { pairs, from }),
        1 => (index.clone(), 3_usize..8).prop_map(|(parent, keep_each)| Op::Thin { parent, keep_each }),
        4 => index.clone().prop_map(|root| Op::Drop { root }),
        1 => (0_usize..10).prop_map(|keep| Op::DropMany { keep }),
        3 => Just(Op::EnterFrame),
        6 => (kind(), 0_usize..100, index.clone())
            .prop_map(|(kind, words, from)| Op::FrameAllocate { kind, words, from }),
        2 => Just(Op::LeaveFrame),
        1 => (0_u64..200).prop_map(|kib| Op::CreateArena { kib }),
        3 => index.clone().prop_map(|arena| Op::EnterArena { arena }),
        3 => Just(Op::LeaveArena),
        1 => index.prop_map(|arena| Op::DestroyArena { arena }),
        2 => collections.prop_map(|kind| Op::Collect { kind }),
        2 => Just(Op::BeginFull),
        8 => prop_oneof![1_usize..12, 1_usize..200].prop_map(|units| Op::Slice { units }),
        2 => Just(Op::Poll),
        1 => Just(Op::Idle),
        1 => prop::bool::weighted(0.8).prop_map(|on| Op::Enable { on }),
        1 => Just(Op::Verify),
        1 => Just(Op::Check),
    ]
}

fn program(len: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..len)
}

/// A heap in which everything happens early.
fn small() -> HeapConfig {
    HeapConfig::new()
        .nursery(Bytes::from_kib(16))
        .frame_region(Bytes::from_kib(64))
        .young_range(Bytes::from_mib(64))
        .limit(Bytes::from_mib(512))
        .verify(true)
}

fn run(config: HeapConfig, program: &[Op]) {
    let mut shadow = Shadow::new(config).expect("a heap");
    shadow.strict = true;
    shadow.run(program);
}

/// So many cases, or as many as the environment says.
fn cases(count: u32) -> ProptestConfig {
    let chosen = std::env::var("PROPTEST_CASES").is_ok();
    if chosen { ProptestConfig::default() } else { ProptestConfig::with_cases(count) }
}

/// Operations after which small objects lie far apart: many die among others, and new ones come.
pub fn scattering_op() -> impl Strategy<Value = Op> {
    let index = 0_usize..64;
    prop_oneof![
        2 => (1100_usize..3000, index.clone()).prop_map(|(pairs, from)| Op::Spread { pairs, from }),
        3 => (index.clone(), 3_usize..8).prop_map(|(parent, keep_each)| Op::Thin { parent, keep_each }),
        3 => (1_usize..400, index.clone()).prop_map(|(len, from)| Op::List { len, from }),
        2 => (Just(Kind::Vector), 0_usize..20, index)
            .prop_map(|(kind, words, from)| Op::Allocate { kind, words, from }),
        2 => Just(Op::Collect { kind: CollectionKind::Full }),
        6 => op(),
    ]
}

#[test]
fn scattering_programs_come_to_where_gaps_are_filled() {
    let mut runner = TestRunner::deterministic();
    let programs = prop::collection::vec(scattering_op(), 150);
    let filled = (0..16).map(|_| {
        let mut shadow = Shadow::new(small()).expect("a heap");
        shadow.run(&programs.new_tree(&mut runner).expect("no strategy here refuses").current());
        shadow.gaps_filled()
    });
    let filled: Vec<usize> = filled.collect();
    assert!(filled.iter().filter(|&&filled| filled > 0).count() >= 4, "{filled:?}");
}

/// Under stress every full collection in slices moves old objects, whatever the program does between two slices.
#[test]
fn programs_under_stress_come_to_where_old_objects_are_moved() {
    let mut runner = TestRunner::deterministic();
    let programs = program(200);
    let moved = (0..16).map(|_| {
        let mut shadow = Shadow::new(small().stress(NonZeroU64::new(5))).expect("a heap");
        shadow.run(&programs.new_tree(&mut runner).expect("no strategy here refuses").current());
        shadow.heap().stats().bytes_defragmented
    });
    let moved: Vec<u64> = moved.collect();
    assert!(moved.iter().filter(|&&moved| moved > 0).count() >= 8, "{moved:?}");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn programs_in_a_small_nursery(program in program(300)) {
        run(small(), &program);
    }

    #[test]
    fn programs_under_stress(program in program(120), every in 1_u64..8) {
        run(small().stress(NonZeroU64::new(every)), &program);
    }

    /// Without generations the same programs have the same results: no remembered set and no watermark is needed.
    #[test]
    fn programs_without_generations(program in program(200), every in prop::option::of(1_u64..20)) {
        run(small().generational(false).stress(every.and_then(NonZeroU64::new)), &program);
    }

    /// Objects are born in the old space, until the first arena.
    #[test]
    fn programs_that_are_pretenured(
        mut program in program(250),
        every in prop::option::of(1_u64..20),
        with_arenas in any::<bool>(),
    ) {
        if !with_arenas {
            program.retain(|op| !matches!(op, Op::CreateArena { .. }));
        }
        let config = small().pretenuring(Pretenuring::Always).growth_min(Bytes::from_kib(64));
        run(config.stress(every.and_then(NonZeroU64::new)), &program);
    }

    /// What survives lies far apart, and promotion fills the gaps.
    #[test]
    fn programs_that_scatter_what_survives(
        program in prop::collection::vec(scattering_op(), 1..100),
        kib in prop::option::of(2000_u64..5000),
    ) {
        let config = small();
        let limit = kib.map_or(config.limit, Bytes::from_kib);
        if let Ok(mut shadow) = Shadow::new(config.limit(limit)) {
            shadow.run(&program);
        }
    }

    /// The mark stack and the remembered set overflow all the time.
    #[test]
    fn programs_with_tiny_tables(program in program(200), every in 3_u64..30) {
        let config = small().mark_stack(Bytes::new(1)).remembered_set(Bytes::new(1));
        run(config.stress(NonZeroU64::new(every)), &program);
    }

    /// Memory from the global allocator, where a sanitizer watches it. There are few blocks for arenas.
    #[test]
    fn programs_on_the_global_allocator(program in program(150), every in 1_u64..20) {
        let pages = Arc::new(HeapPages::new());
        let config = small().limit(Bytes::from_mib(64)).stress(NonZeroU64::new(every)).pages(pages);
        Shadow::new(config).expect("a heap").run(&program);
    }

    /// Allocation may be refused; what was allocated before is untouched.
    #[test]
    fn programs_at_the_limit(program in program(400), kib in 1500_u64..4000) {
        let config = small().limit(Bytes::from_kib(kib));
        if let Ok(mut shadow) = Shadow::new(config) {
            shadow.run(&program);
            let stats = shadow.heap().stats();
            prop_assert!(stats.charged_bytes <= stats.limit_bytes, "{stats:?}");
        }
    }
}
