//! The same program gives the same output wherever its objects are and whenever they move.
//!
//! Random programs run with placement on and off, with a collection at every n-th allocation (the
//! heap verified after each), and with the smallest nursery. This is the test that must notice a
//! placement that is wrong, a root that is missed and a barrier that is left out; it was seen to fail for
//! each of them:
//!
//! - an `escape` edge left out of `placement/flow.rs` (for a stored value, or for a closure's argument),
//! - an operand left out of the live registers of an allocation (`bytecode/safepoints.rs`),
//! - a plain store in `Memory::set_slot` or `Memory::set_half` (`heap/memory.rs`).

mod generator;

use aurora::{Engine, Options, Source};
use proptest::prelude::*;
use std::num::NonZeroU64;

/// Cases by default; more with `PROPTEST_CASES`.
const CASES: u32 = 150;

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
    let bytes = |kib| Some(kib);
    vec![
        ("placement".into(), Options::default()),
        (format!("placement, stress {stress}"), stressed(stress)),
        ("placement, stress 1".into(), stressed(1)),
        (format!("no placement, stress {stress}"), stressed(stress).with_placement(false)),
        (
            "placement, small heap".into(),
            small_heap(Options::default().with_profile(true), bytes(16), bytes(32 * 1024)),
        ),
    ]
}

fn small_heap(options: Options, nursery_kib: Option<u64>, limit_kib: Option<u64>) -> Options {
    let parse = |kib: u64| format!("{kib} KiB").parse().expect("a size");
    options.with_nursery(nursery_kib.map(parse)).with_heap_limit(limit_kib.map(parse))
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
    #![proptest_config(ProptestConfig { max_shrink_iters: std::env::var("SHRINK").map_or(300, |n| n.parse().unwrap_or(300)), ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn programs_do_not_notice_where_their_objects_are(
        choices in prop::collection::vec(any::<u32>(), 20..600),
        stress in 2u64..8,
    ) {
        check(&generator::program(&choices), stress)?;
    }
}
