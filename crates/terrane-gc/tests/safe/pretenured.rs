//! Objects that are born in the old space: while a cycle is under way, between two, and at the limit.

use terrane_base::Bytes;
use terrane_gc::raw::Pretenuring;
use terrane_gc::{GcArray, GcVec, Heap, HeapConfig, Local, Mutator};

use crate::random::Random;

/// Births between two cycles are known to the next one, though it is `step` that begins it.
#[test]
fn what_is_born_between_cycles_is_marked_by_a_step() {
    let config = HeapConfig::new().pretenuring(Pretenuring::Always).verify(true);
    let mut heap = Heap::with_config(config.growth_min(Bytes::from_mib(32))).unwrap();
    heap.enter(|mu| {
        let mut numbers = Vec::new();
        for i in 0..100_000_u64 {
            numbers.push(mu.root(mu.alloc(i)));
            mu.safepoint();
        }
        mu.begin_full();
        // Opens a hole whose births are noted one by one.
        numbers.push(mu.root(mu.alloc(100_000_u64)));
        while mu.step_units(1000) {}
        let slices = mu.stats().slices;
        // Born in it, while no cycle is under way.
        numbers.extend((100_001..101_000_u64).map(|i| mu.root(mu.alloc(i))));
        while mu.step(1_000_000) {}
        assert!(mu.stats().slices > slices, "a step began a cycle");
        assert!(numbers.iter().map(|number| *number.get(mu)).eq(0..101_000));
    });
    heap.check().unwrap();
}

/// Arrays all of whose elements are one number, which tells their length too.
type Arrays<'h, 's> = Local<'h, 's, GcVec<'static, 'static, GcArray<'static, 'static, u64>>>;

/// What was refused and granted.
#[derive(Default)]
struct Allocations {
    tag: u64,
    granted: u64,
    refused: u64,
}

impl Allocations {
    fn array<'h, 'm>(&mut self, mu: &'m Mutator<'h, '_>, len: usize) -> Option<GcArray<'h, 'm, u64>> {
        self.tag += 1;
        let array = mu.try_alloc_array(len, self.tag << 16 | len as u64);
        *if array.is_ok() { &mut self.granted } else { &mut self.refused } += 1;
        array.ok()
    }
}

/// In a full heap some arrays make way for others, while a cycle goes on in slices: what is refused must leave nothing
/// behind that another birth could lie over.
fn arrays_come_and_go_at_the_limit(seed: u64) {
    let mut random = Random::new(seed);
    let config = HeapConfig::new()
        .limit(Bytes::from_kib(2500 + random.below(2000)))
        .nursery(Bytes::from_kib(16))
        .growth_min(Bytes::from_mib(64))
        .pretenuring(Pretenuring::Always)
        .young_range(Bytes::from_mib(16));
    let mut heap = Heap::with_config(config).unwrap();
    let mut allocations = Allocations::default();
    heap.enter(|mu| {
        let arrays = mu.alloc_local(|_| GcVec::<GcArray<u64>>::new());
        mu.collect_minor();
        fill(mu, arrays, &mut random, &mut allocations);
        for round in 0..60 {
            drop_some(mu, arrays, &mut random);
            mu.begin_full();
            for part in 0..3 {
                replace_until_refused(mu, arrays, &mut random, &mut allocations);
                check(mu, arrays, seed, round);
                match part {
                    0 => (0..random.below(40)).for_each(|_| _ = mu.step_units(60)),
                    1 => while mu.step_units(2000) {},
                    _ => _ = mu.collect_full(),
                }
            }
            check(mu, arrays, seed, round);
        }
    });
    assert!(allocations.refused > 100 && allocations.granted > 1000, "seed {seed}");
    heap.check().unwrap_or_else(|corruption| panic!("seed {seed}: {corruption}"));
}

fn fill<'h>(
    mu: &Mutator<'h, '_>,
    arrays: Arrays<'h, '_>,
    random: &mut Random,
    allocations: &mut Allocations,
) {
    loop {
        let len = match random.below(8) {
            0..5 => 1 + random.below(8),
            5..7 => 20 + random.below(40),
            _ => 150 + random.below(200),
        };
        let Some(array) = allocations.array(mu, len as usize) else { break };
        if arrays.get(mu).try_push(mu, array).is_err() {
            break;
        }
    }
}

/// Runs of neighbours die.
fn drop_some<'h>(mu: &Mutator<'h, '_>, arrays: Arrays<'h, '_>, random: &mut Random) {
    let arrays = arrays.get(mu);
    let len = arrays.len();
    let first = arrays.get(0).unwrap();
    for _ in 0..1 + random.below(12) {
        let from = random.below(len as u64) as usize;
        let run = random.below(1 + len as u64 / 24) as usize;
        (from..(from + run).min(len)).for_each(|index| arrays.set(mu, index, first));
    }
}

/// There is no safepoint: what is refused is refused.
fn replace_until_refused<'h>(
    mu: &Mutator<'h, '_>,
    arrays: Arrays<'h, '_>,
    random: &mut Random,
    allocations: &mut Allocations,
) {
    let last = allocations.refused + 6;
    while allocations.refused < last {
        let len = match random.below(8) {
            0..3 => 1 + random.below(8),
            3..5 => 20 + random.below(40),
            _ => 150 + random.below(600),
        };
        let array = allocations.array(mu, len as usize);
        let arrays = arrays.get(mu);
        if let Some(array) = array
            && random.below(3) == 0
        {
            arrays.set(mu, random.below(arrays.len() as u64) as usize, array);
        }
        // By chance, sooner.
        if random.below(4000) == 0 {
            break;
        }
    }
}

fn check<'h>(mu: &Mutator<'h, '_>, arrays: Arrays<'h, '_>, seed: u64, round: usize) {
    for (index, array) in arrays.get(mu).iter().enumerate() {
        let tag = array[0].get();
        let whole = tag & 0xFFFF == array.len() as u64 && array.iter().all(|element| element.get() == tag);
        assert!(whole, "seed {seed}, round {round}: array {index} was overwritten");
    }
}

#[test]
fn arrays_are_not_overwritten_at_the_limit() {
    // Seed 23 once overwrote an array, in round 41.
    (20..30).for_each(arrays_come_and_go_at_the_limit);
}
