//! Soundness against an oracle: random programs run in an interpreter that frees every frame when the analysis says it may.

mod describe;
mod generate;
mod interpreter;
mod language;

use interpreter::{Counters, Interpreter};
use language::Program;
use proptest::prelude::*;

/// Runs the program a few times, with different choices.
fn check(program: &Program) -> Result<Vec<Counters>, String> {
    let in_frame = describe::placements(program);
    let run = |seed| {
        let mut interpreter = Interpreter::new(program, &in_frame, seed);
        interpreter.run()?;
        Ok(interpreter.counters)
    };
    (1..=6).map(run).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_in_a_frame_is_reachable_after_its_scope(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let program = generate::program(&bytes);
        if let Err(violation) = check(&program) {
            prop_assert!(false, "{violation}\n{program:#?}");
        }
    }
}

/// The programs have to exercise what can go wrong, and the analysis has to put enough into frames for that to be a test.
#[test]
fn the_random_programs_use_frames() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut total = Counters::default();
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..400)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 40) as u8
            })
            .collect();
        for counters in check(&generate::program(&bytes)).unwrap() {
            total.frame_objects += counters.frame_objects;
            total.heap_objects += counters.heap_objects;
            total.frame_objects_freed_in_loops += counters.frame_objects_freed_in_loops;
            total.frame_arguments += counters.frame_arguments;
            total.closure_calls += counters.closure_calls;
            total.frame_closure_calls += counters.frame_closure_calls;
            total.tail_calls += counters.tail_calls;
            total.nested_tail_calls += counters.nested_tail_calls;
            total.throws += counters.throws;
        }
    }
    println!("{total:?}");
    assert!(total.frame_objects > 20_000 && total.heap_objects > 20_000, "{total:?}");
    assert!(total.frame_objects_freed_in_loops > 1_000 && total.frame_arguments > 1_000, "{total:?}");
    assert!(total.closure_calls > 500 && total.frame_closure_calls > 50, "{total:?}");
    assert!(total.tail_calls > 1_000 && total.nested_tail_calls > 300 && total.throws > 100, "{total:?}");
}
