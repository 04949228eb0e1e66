//! `gc/pause/recursion-…`: a deep recursion that allocates.
//!
//! A procedure calls itself thousands of times, and each call holds an object that refers to its caller's. At the bottom,
//! the program goes a little deeper and comes back, again and again. A collector that looks at the whole stack each
//! time pays for its depth in every collection; ours leaves out handles that it has seen.
//!
//! gc-arena cannot collect inside a call, so it takes no part; Boehm must run on the first thread, whose stack is too
//! short.
//!
//! *Live* are an object of each call and its handle: 24 and 8 bytes.

use super::boxed;
use super::configuration::DEFAULT;
use super::pauses::{self, InUnits};
use super::safe;
use crate::row::{Contender, Details, Home, Measurement, OURS, Rounds, Row, Tier, Unit, When};
use std::time::Duration;

/// How often a unit goes deeper and comes back, and how far.
pub(super) const UNIT_CALLS: u64 = 512;
pub(super) const UNIT_DEPTH: u64 = 16;

/// Bytes that live for each call.
pub(super) const LIVE_BYTES: u64 = 32;

/// Enough for a million calls.
const STACK_BYTES: usize = 1 << 30;

/// Recurses so deep and does there what is asked.
type Recurse = fn(u64, &mut dyn FnMut(&mut dyn InUnits));

pub(super) fn rows() -> Vec<Row> {
    let quick = row("recursion-10k", 10_000, Duration::from_secs(1), When::Quick);
    vec![quick, row("recursion-100k", 100_000, Duration::from_secs(5), When::Full)]
}

fn row(name: &str, depth: u64, time: Duration, when: When) -> Row {
    let contender = move |id, run: Recurse| {
        Contender::with_details(id, Home::Mimalloc, move |_| measure(run, depth, time))
    };
    Row {
        name: format!("gc/pause/{name}"),
        about: format!("one unit of {UNIT_CALLS} calls {UNIT_DEPTH} deep, below {depth} calls that wait"),
        tier: Some(Tier::Safe),
        unit: Unit::Operation,
        when,
        threads: 1,
        rounds: Rounds { full: 1, quick: 1 },
        ours: contender(OURS, |depth, at_the_bottom| safe::recurse(DEFAULT, depth, at_the_bottom)),
        rivals: vec![contender("mimalloc", boxed::recurse)],
    }
}

/// Recurses so deep on a thread of its own, with a stack for it, and runs units there.
fn measure(recurse: Recurse, depth: u64, time: Duration) -> (Measurement, Details) {
    let program = move || {
        let mut measured = None;
        recurse(depth, &mut |bottom| measured = Some(pauses::measure(bottom, time)));
        measured.expect("a recursion comes to its bottom")
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(program);
    let measured = thread.expect("a thread can be started").join();
    measured.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_contenders_come_to_the_same() {
        let time = Duration::from_millis(20);
        let expected = measure(boxed::recurse, 10_000, time).0.checksum;
        let ours = measure(|depth, bottom| safe::recurse(DEFAULT, depth, bottom), 10_000, time);
        assert_eq!(ours.0.checksum, expected);
        assert!(ours.1.iter().any(|(name, figure)| name == "pauses" && *figure > 0.0), "{:?}", ours.1);
    }
}
