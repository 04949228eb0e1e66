//! `budget/local` and `budget/local-return`: charges of one thread.
//!
//! [`CHARGES`] charges. In the first row, batches of [`BATCH`] are taken back together; in the second, each is taken back at once. A
//! fence for the compiler stands between two charges, so that the state of the account goes through memory, as it does in a program that
//! does something in between; it costs no instruction itself.

use super::accounts::{Account, Atomic, CHARGE, Local};
use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};

const CHARGES: u32 = 1_000_000;
const BATCH: usize = 1_000;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row::<false>("budget/local", "one charge of 64 bytes; after each 1000 all of them are taken back"),
        row::<true>("budget/local-return", "one charge of 64 bytes, and taking it back"),
    ]
}

fn row<const RETURN: bool>(name: &str, about: &str) -> Row {
    Row {
        name: name.to_owned(),
        about: about.to_owned(),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, measure::<Local, RETURN>),
        rivals: vec![
            Contender::new("atomic", Home::Glibc, measure::<Atomic, RETURN>),
            #[cfg(feature = "datafusion")]
            Contender::new("datafusion-greedy", Home::Glibc, measure::<super::datafusion::Greedy, RETURN>),
            #[cfg(feature = "datafusion")]
            Contender::new("datafusion-tracked", Home::Glibc, measure::<super::datafusion::Tracked, RETURN>),
        ],
    }
}

fn measure<A: Account, const RETURN: bool>(mode: Mode) -> Measurement {
    let account = A::open();
    let mut state = (account.handle(), account);
    let copies = [run::<A, RETURN, 0>, run::<A, RETURN, 1>, run::<A, RETURN, 2>, run::<A, RETURN, 3>];
    code_layout::measure(&mut state, copies, CHARGES, mode)
}

fn run<A: Account, const RETURN: bool, const COPY: usize>((handle, account): &mut (A::Handle, A)) -> u64 {
    let mut sum = 0;
    for _ in 0..CHARGES as usize / BATCH {
        assert!(turns::<A, RETURN, COPY>(handle, black_box(CHARGE)), "the limit is never met");
        let charged = account.charged(handle);
        A::discharge(handle, charged);
        sum = checksum::mix(sum, charged as u64);
    }
    sum
}

/// The measured loop; whether all was granted.
#[inline(never)]
fn turns<A: Account, const RETURN: bool, const COPY: usize>(handle: &A::Handle, size: usize) -> bool {
    shift::<COPY>();
    for _ in 0..BATCH {
        if !A::charge(handle, size) {
            return false;
        }
        compiler_fence(Ordering::SeqCst);
        if RETURN {
            A::discharge(handle, size);
            compiler_fence(Ordering::SeqCst);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_charge_the_same() {
        for row in rows() {
            let expected = row.ours.measure(Mode::Quick).checksum;
            for rival in &row.rivals {
                assert_eq!(rival.measure(Mode::Quick).checksum, expected, "{} {}", row.name, rival.id);
            }
        }
    }
}
