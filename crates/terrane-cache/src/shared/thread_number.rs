//! A small number for each thread, so that it can have a place of its own in what threads share.
//!
//! Numbers of threads that have ended are given out again, lowest first.

use std::cell::Cell;
use std::collections::BTreeSet;

use parking_lot::Mutex;

struct Numbers {
    next: usize,
    returned: BTreeSet<usize>,
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { next: 0, returned: BTreeSet::new() });

/// No number yet, or no more: the thread is ending.
const UNKNOWN: usize = usize::MAX;
const ENDED: usize = usize::MAX - 1;

thread_local! {
    // Apart from what is dropped at the end of the thread, so that reading it is one load.
    static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    static GIVEN_BACK: GivenBack = const { GivenBack };
}

struct GivenBack;

impl Drop for GivenBack {
    fn drop(&mut self) {
        let number = NUMBER.replace(ENDED);
        if number < ENDED {
            NUMBERS.lock().returned.insert(number);
        }
    }
}

/// The number of the calling thread; larger than any number, where it has none.
#[inline]
pub(super) fn known_thread_number() -> usize {
    NUMBER.get()
}

/// The number of the calling thread; `None` while it ends.
#[inline]
pub(super) fn thread_number() -> Option<usize> {
    match NUMBER.get() {
        UNKNOWN => take_number(),
        ENDED => None,
        number => Some(number),
    }
}

/// The number of the calling thread; larger than any number, and the same for all such threads, while it ends.
#[inline]
pub(super) fn thread_number_or_large() -> usize {
    match NUMBER.get() {
        UNKNOWN => take_number().unwrap_or(ENDED),
        number => number,
    }
}

#[cold]
#[inline(never)]
fn take_number() -> Option<usize> {
    // Where it cannot be given back at the end, none is taken.
    GIVEN_BACK.try_with(|_| ()).ok()?;
    let mut numbers = NUMBERS.lock();
    let number = numbers.returned.pop_first().unwrap_or_else(|| {
        numbers.next += 1;
        numbers.next - 1
    });
    drop(numbers);
    NUMBER.set(number);
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_one_number_and_no_two_share_it() {
        let mine = thread_number();
        assert!(mine.is_some());
        assert_eq!(thread_number(), mine);
        std::thread::scope(|scope| {
            scope.spawn(|| assert_ne!(thread_number(), mine));
        });
    }

    #[test]
    fn a_thread_that_asks_has_a_number() {
        std::thread::spawn(|| {
            assert_eq!(known_thread_number(), UNKNOWN);
            let number = thread_number_or_large();
            assert!(number < ENDED);
            assert_eq!((known_thread_number(), thread_number()), (number, Some(number)));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn numbers_are_given_out_again() {
        let highest = (0..200).map(|_| std::thread::spawn(|| thread_number().unwrap()).join().unwrap()).max();
        assert!(highest.unwrap() < 150, "{highest:?}");
    }
}
