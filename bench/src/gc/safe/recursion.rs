//! A deep recursion: each call has a handle.

use super::super::configuration::Configuration;
use super::super::pauses::InUnits;
use super::super::recursion::{LIVE_BYTES, UNIT_CALLS, UNIT_DEPTH};
use super::timed;
use crate::checksum;
use terrane_gc::raw::PauseHistogram;
use terrane_gc::{Gc, Local, Mutator, Trace};

/// What a call holds.
#[derive(Trace)]
struct Call<'h, 'm> {
    value: u64,
    caller: Option<Gc<'h, 'm, Call<'h, 'm>>>,
}

type CallLocal<'h, 's> = Local<'h, 's, Call<'static, 'static>>;

/// Recurses so deep and does there what is asked.
pub(in super::super) fn recurse(
    configuration: Configuration,
    depth: u64,
    at_the_bottom: &mut dyn FnMut(&mut dyn InUnits),
) {
    let mut heap = timed(configuration);
    heap.get_mut().enter(|mu| {
        let first = mu.alloc_local(|_| Call { value: 0, caller: None });
        call(mu, first, depth, &mut |mu, last| {
            at_the_bottom(&mut Bottom { mu, last, depth, turns: 0 });
        });
    });
}

/// Calls itself so often, does at the bottom what is asked, and checks its own object on the way back.
fn call<'h>(
    mu: &mut Mutator<'h, '_>,
    caller: CallLocal<'h, '_>,
    depth: u64,
    at_the_bottom: &mut dyn for<'s> FnMut(&mut Mutator<'h, 's>, CallLocal<'h, 's>),
) {
    mu.scope(|mu| {
        let this = mu.alloc_local(|mu| Call { value: depth, caller: Some(caller.get(mu)) });
        if depth == 0 {
            at_the_bottom(mu, this);
        } else {
            call(mu, this, depth - 1, at_the_bottom);
        }
        assert_eq!(this.get(mu).value, depth, "the object of a call changed");
    });
}

struct Bottom<'a, 'h, 's> {
    mu: &'a mut Mutator<'h, 's>,
    last: CallLocal<'h, 's>,
    depth: u64,
    turns: u64,
}

impl InUnits for Bottom<'_, '_, '_> {
    fn unit(&mut self) {
        for _ in 0..UNIT_CALLS {
            call(self.mu, self.last, UNIT_DEPTH, &mut |_, _| self.turns += 1);
        }
    }

    fn check(&mut self) -> u64 {
        let calls = std::iter::successors(Some(self.last.get(self.mu)), |call| call.caller);
        let values = calls.map(|call| call.value);
        checksum::mix(checksum::of(values), self.turns)
    }

    fn live_bytes(&self) -> u64 {
        self.depth * LIVE_BYTES
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(self.mu.stats().committed_bytes)
    }

    fn pauses(&self) -> Option<PauseHistogram> {
        Some(self.mu.stats().pauses)
    }
}
