//! A deep recursion: each call has a box.

use super::super::pauses::InUnits;
use super::super::recursion::{LIVE_BYTES, UNIT_CALLS, UNIT_DEPTH};
use crate::checksum;

/// What a call holds.
struct Call<'a> {
    value: u64,
    caller: Option<&'a Call<'a>>,
}

/// Recurses so deep and does there what is asked.
pub(in super::super) fn recurse(depth: u64, at_the_bottom: &mut dyn FnMut(&mut dyn InUnits)) {
    let first = Box::new(Call { value: 0, caller: None });
    call(&first, depth, &mut |last| at_the_bottom(&mut Bottom { last, depth, turns: 0 }));
}

/// Calls itself so often, does at the bottom what is asked, and checks its own object on the way back.
fn call(caller: &Call<'_>, depth: u64, at_the_bottom: &mut dyn FnMut(&Call<'_>)) {
    let this = Box::new(Call { value: depth, caller: Some(caller) });
    if depth == 0 {
        at_the_bottom(&this);
    } else {
        call(&this, depth - 1, at_the_bottom);
    }
    assert_eq!(this.value, depth, "the object of a call changed");
}

struct Bottom<'a> {
    last: &'a Call<'a>,
    depth: u64,
    turns: u64,
}

impl InUnits for Bottom<'_> {
    fn unit(&mut self) {
        for _ in 0..UNIT_CALLS {
            call(self.last, UNIT_DEPTH, &mut |_| self.turns += 1);
        }
    }

    fn check(&mut self) -> u64 {
        let calls = std::iter::successors(Some(self.last), |call| call.caller);
        checksum::mix(checksum::of(calls.map(|call| call.value)), self.turns)
    }

    fn live_bytes(&self) -> u64 {
        self.depth * LIVE_BYTES
    }
}
