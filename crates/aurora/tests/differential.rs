//! The same program gives the same output wherever its objects are and whenever they move.
//!
//! Random programs run with placement on and off, with a collection at every n-th allocation (the
//! heap verified after each), and with the smallest nursery. This is the test that must notice a
//! placement that is wrong, a root that is missed and a barrier that is left out. It was seen to fail with each
//! of these taken out:
//!
//! - in `placement/flow.rs`, the escape of what is stored into a record, into a shared variable, or by a
//!   primitive that stores,
//! - in `bytecode/safepoints.rs`, the operands of an allocation, or any one live register,
//! - in `heap/memory.rs`, the barrier of `Memory::set_slot`, or of `Memory::set_half`.

mod generator;

use aurora::{Engine, Options, Source};
use proptest::prelude::*;
use std::num::NonZeroU64;

/// Cases by default; more with `PROPTEST_CASES`.
const CASES: u32 = 100;

fn run(text: &str, options: Options) -> String {
    let mut engine = Engine::new(options).expect("an engine can be made");
    let (output, result) = engine.run_captured(&Source::new("random.scm", text));
    match result {
        Ok(()) => output,
        Err(failure) => format!("{output}FAILED {failure}"),
    }
}

fn stressed(every: u64) -> Options {
    Options::default().with_gc_stress(NonZeroU64::new(every)).with_gc_verify(true)
}

/// Every way to run a program that must make no difference.
fn variants(stress: u64) -> Vec<(String, Options)> {
    vec![
        ("placement".into(), Options::default()),
        (format!("placement, stress {stress}"), stressed(stress)),
        ("placement, stress 1".into(), stressed(1)),
        (format!("no placement, stress {stress}"), stressed(stress).with_placement(false)),
        // So many data blocks as 160 arenas within each other need, with their share of the copy reserve.
        ("placement, small heap".into(), small_heap(Options::default().with_profile(true), 16, 34 * 1024)),
    ]
}

fn small_heap(options: Options, nursery_kib: u64, limit_kib: u64) -> Options {
    let size = |kib: u64| Some(format!("{kib} KiB").parse().expect("a size"));
    options.with_nursery(size(nursery_kib)).with_heap_limit(size(limit_kib))
}

fn check(text: &str, stress: u64) -> Result<(), TestCaseError> {
    let expected = run(text, Options::default().with_placement(false));
    for (name, options) in variants(stress) {
        let got = run(text, options);
        prop_assert_eq!(&expected, &got, "{} differs for\n{}", name, text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn programs_do_not_notice_where_their_objects_are(
        choices in prop::collection::vec(any::<u32>(), 20..600),
        stress in 2u64..8,
    ) {
        check(&generator::program(&choices), stress)?;
    }
}
