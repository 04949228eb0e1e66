//! A stack of numbers that needs no lock.
//!
//! Treiber's stack (*Systems Programming: Coping with Parallelism*, IBM RJ 5118, 1986) over the places of a table instead of over
//! memory: each place says which one lies below it, the head says which one is on top. Who takes the top one reads what lies
//! below it and then exchanges the head, if that is still what it was. It may be the same and yet not mean the same (*ABA*): others
//! have taken the top one and the one below and have put the top one back. So the head also has a tag that each exchange changes; the
//! exchange fails when the tag is another one. With tags of 32 bits it would take 2³² exchanges, to the number, while one thread stands
//! still between two instructions, to go wrong. A link is a number and not a pointer, so nothing that is read here was ever freed.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::sync::{AtomicU32, AtomicU64};

/// No place: the end of a stack. Tables have fewer places.
pub(crate) const NONE: u32 = u32::MAX;

/// A head: the top place and the tag, of which `TAG_BITS` are used (tests have few, to provoke what tags are there for).
pub(crate) struct Stack<const TAG_BITS: u32 = 32> {
    head: AtomicU64,
}

/// What lies below each place. One table serves several stacks, as a place is in one of them at most.
pub(crate) trait Links {
    /// The link of a place.
    fn below(&self, place: u32) -> &AtomicU32;
}

fn place_of(head: u64) -> u32 {
    head as u32
}

impl<const TAG_BITS: u32> Stack<TAG_BITS> {
    const TAGS: u64 = (1 << TAG_BITS) - 1;

    pub(crate) fn new() -> Self {
        Self { head: AtomicU64::new(u64::from(NONE)) }
    }

    /// The head that `before` becomes when `place` is on top.
    fn succeed(before: u64, place: u32) -> u64 {
        let tag = ((before >> 32) + 1) & Self::TAGS;
        tag << 32 | u64::from(place)
    }

    /// Puts a place on top. What was written by this thread before is visible to the one who takes it.
    #[inline]
    pub(crate) fn push(&self, place: u32, links: &impl Links) {
        let mut head = self.head.load(Relaxed);
        loop {
            links.below(place).store(place_of(head), Relaxed);
            match self.head.compare_exchange_weak(head, Self::succeed(head, place), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes the top place.
    #[inline]
    pub(crate) fn pop(&self, links: &impl Links) -> Option<u32> {
        let mut attempt = self.look(links)?;
        loop {
            match self.take(attempt) {
                Ok(place) => return Some(place),
                Err(_) => attempt = self.look(links)?,
            }
        }
    }

    /// The first half of taking: what is on top, and what lies below it.
    #[inline]
    pub(crate) fn look(&self, links: &impl Links) -> Option<Attempt> {
        let head = self.head.load(Acquire);
        let place = place_of(head);
        (place != NONE).then(|| Attempt { head, below: links.below(place).load(Relaxed) })
    }

    /// The second half: the top place, if nothing has changed since.
    #[inline]
    pub(crate) fn take(&self, attempt: Attempt) -> Result<u32, Attempt> {
        let Attempt { head, below } = attempt;
        // Released: who finds the stack empty sees that this thread has begun to acquire.
        match self.head.compare_exchange_weak(head, Self::succeed(head, below), AcqRel, Relaxed) {
            Ok(_) => Ok(place_of(head)),
            Err(_) => Err(attempt),
        }
    }
}

/// Half of a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    head: u64,
    below: u32,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    struct Table(Vec<AtomicU32>);

    impl Links for Table {
        fn below(&self, place: u32) -> &AtomicU32 {
            &self.0[place as usize]
        }
    }

    fn table(places: u32) -> Table {
        Table((0..places).map(|_| AtomicU32::new(NONE)).collect())
    }

    #[test]
    fn last_in_first_out() {
        let (stack, links) = (Stack::<32>::new(), table(3));
        assert_eq!(stack.pop(&links), None);
        (0..3).for_each(|place| stack.push(place, &links));
        assert_eq!([(); 4].map(|()| stack.pop(&links)), [Some(2), Some(1), Some(0), None]);
    }

    /// One thread looks at the top place 0, above 1 and others. Meanwhile all are taken, and 0 comes back alone: as many exchanges
    /// as there were places, and one. (An exchange can fail without a reason, so the answer of one that should succeed is asked for
    /// again.) What the thread takes, and what is on the stack then.
    fn provoke<const TAG_BITS: u32>(places: u32) -> (Option<u32>, Option<u32>) {
        let (stack, links) = (Stack::<TAG_BITS>::new(), table(places));
        (0..places).rev().for_each(|place| stack.push(place, &links));
        let attempt = stack.look(&links).unwrap();
        assert!((0..places).all(|place| stack.pop(&links) == Some(place)));
        stack.push(0, &links);
        let taken = (0..100).find_map(|_| stack.take(attempt).ok());
        (taken, stack.pop(&links))
    }

    #[test]
    fn a_head_that_looks_the_same_is_told_by_its_tag() {
        let told = (None, Some(0));
        assert_eq!(provoke::<2>(2), told, "the attempt fails, and 0 is there for the next one");
        assert!((2..300).all(|places| provoke::<32>(places) == told));
    }

    #[test]
    fn without_tags_or_with_too_few_it_is_taken_for_the_same() {
        // Place 1 is in use by somebody, and now it is also on the stack.
        let mistaken = (Some(0), Some(1));
        assert_eq!(provoke::<0>(2), mistaken);
        assert_eq!(provoke::<2>(3), mistaken, "after four exchanges, tags of two bits are what they were");
    }
}
