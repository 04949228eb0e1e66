//! One thread: an object is taken and given back, again and again.

use super::{
    hand_written::{Checked, HasVector, Taken},
    object::{Costly, Object, Page, Small},
    ours::Bounded,
    pools::{Measure, Pool},
    rivals::{self, Boxed, Inline, OpoolLocal},
};
use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use std::hint::black_box;
use terrane_pool::{LocalPool, LockFreePool, ObjectPool, ThreadSafePool, WorkStealingPool};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for_each_object::<Small>(&mut rows);
    for_each_object::<Page>(&mut rows);
    for_each_object::<Costly>(&mut rows);
    rows.push(shared_row::<Small>(
        "lock-free",
        "LockFreePool; here on one thread",
        Contender::new(OURS, Home::Glibc, measure::<LockFreePool<Small>>),
    ));
    rows.push(shared_row::<Small>(
        "work-stealing",
        "WorkStealingPool; here on one thread",
        Contender::new(OURS, Home::Glibc, measure::<WorkStealingPool<Small>>),
    ));
    rows
}

fn for_each_object<O: HasVector + Sync>(rows: &mut Vec<Row>) {
    rows.push(row::<O>(
        "local",
        "LocalPool",
        Contender::new(OURS, Home::Glibc, measure::<LocalPool<O>>),
        local_rivals::<O>(),
    ));
    rows.push(row::<O>(
        "object",
        "ObjectPool",
        Contender::new(OURS, Home::Glibc, measure::<ObjectPool<O>>),
        local_rivals::<O>(),
    ));
    rows.push(shared_row::<O>(
        "thread-safe",
        "ThreadSafePool, without and with a max_total; here on one thread",
        Contender::new(OURS, Home::Glibc, each_of([measure::<ThreadSafePool<O>>, measure::<Bounded<O>>])),
    ));
}

fn shared_row<O: Object + Sync>(kind: &str, what: &str, ours: Contender) -> Row {
    Row {
        name: format!("pool/{kind}/{}/1", O::NAME),
        ..row::<O>(kind, what, ours, rivals::shared::<O, Single>())
    }
}

fn row<O: Object>(kind: &str, what: &str, ours: Contender, rivals: Vec<Contender>) -> Row {
    let object = match O::NAME {
        "costly" => "an object with a table of 512 words to compute".to_owned(),
        size => format!("an object of {size} bytes"),
    };
    Row {
        name: format!("pool/{kind}/{}", O::NAME),
        about: format!("taking {object}, writing a word, and giving it back; ours is {what}"),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours,
        rivals,
    }
}

fn local_rivals<O: HasVector + Sync>() -> Vec<Contender> {
    let mut all = vec![
        Contender::new(
            "thread-local-vec",
            Home::Glibc,
            each_of([measure::<Checked<O>>, measure::<Taken<O>>]),
        ),
        Contender::new(
            "opool",
            Home::Glibc,
            each_of([measure::<OpoolLocal<Inline<O>>>, measure::<OpoolLocal<Boxed<O>>>]),
        ),
    ];
    all.extend(rivals::heaps::<O, Single>());
    all
}

/// One thread.
struct Single;

impl Measure for Single {
    fn of<P: Pool + Sync>(mode: Mode) -> Measurement {
        measure::<P>(mode)
    }
}

fn measure<P: Pool>(mode: Mode) -> Measurement {
    let copies = [run::<P, 0>, run::<P, 1>, run::<P, 2>, run::<P, 3>];
    code_layout::measure(&mut P::open(), copies, P::Object::CYCLES, mode)
}

fn run<P: Pool, const COPY: usize>(pool: &mut P) -> u64 {
    checksum::mix(0, turns::<P, COPY>(pool, black_box(u64::from(P::Object::CYCLES))))
}

/// The measured loop; the sum of what was read.
#[inline(never)]
fn turns<P: Pool, const COPY: usize>(pool: &P, cycles: u64) -> u64 {
    shift::<COPY>();
    let mut sum = 0_u64;
    for value in 0..cycles {
        sum = sum.wrapping_add(pool.cycle(value));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::{
        heap::Boxes,
        rivals::{Linear, ShardedSlab},
    };
    use super::*;

    #[test]
    fn all_contenders_compute_the_same() {
        let small = measure::<Boxes<Small>>(Mode::Quick).checksum;
        assert_eq!(measure::<ThreadSafePool<Small>>(Mode::Quick).checksum, small);
        assert_eq!(measure::<Checked<Small>>(Mode::Quick).checksum, small);
        assert_eq!(measure::<ShardedSlab<Inline<Small>>>(Mode::Quick).checksum, small);
        // Pages go through fewer cycles.
        let page = measure::<Boxes<Page>>(Mode::Quick).checksum;
        assert_eq!(measure::<LocalPool<Page>>(Mode::Quick).checksum, page);
        assert_eq!(measure::<Taken<Page>>(Mode::Quick).checksum, page);
        assert_eq!(measure::<Linear<Boxed<Page>>>(Mode::Quick).checksum, page);
    }
}
