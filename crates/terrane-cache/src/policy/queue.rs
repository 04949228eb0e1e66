//! Entries in the order in which the clock hand comes to them.
//!
//! A ring of slot numbers, and not a linked list: the hand goes on from one number to the next in memory and touches only the entry
//! itself, where a list would touch its neighbours too. An entry that is taken from the middle leaves its number behind. So an entry
//! knows its *seat*, the running number of its place: a number in the ring whose entry sits elsewhere is stale and passed over.

use std::collections::VecDeque;

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    slots: VecDeque<u32>,
    /// The running number of the first place.
    first: u32,
    /// What the entries weigh, and how many there are, without what is stale.
    weight: u64,
    len: usize,
}

impl Queue {
    /// Appends an entry; its seat.
    #[inline]
    pub(crate) fn push(&mut self, slot: u32, weight: u32) -> u32 {
        self.slots.push_back(slot);
        self.note_arrival(weight);
        self.first.wrapping_add(self.slots.len() as u32 - 1)
    }

    /// Puts an entry back to where it was taken from; its seat.
    pub(crate) fn put_back(&mut self, slot: u32, weight: u32) -> u32 {
        self.slots.push_front(slot);
        self.note_arrival(weight);
        self.first = self.first.wrapping_sub(1);
        self.first
    }

    /// Takes the first number, with its seat. Whether the entry there still sits in it is for the caller to see, and to
    /// [note](Queue::note_departure).
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(u32, u32)> {
        let slot = self.slots.pop_front()?;
        let seat = self.first;
        self.first = self.first.wrapping_add(1);
        Some((slot, seat))
    }

    fn note_arrival(&mut self, weight: u32) {
        self.weight += u64::from(weight);
        self.len += 1;
    }

    /// An entry has left.
    #[inline]
    pub(crate) fn note_departure(&mut self, weight: u32) {
        self.weight -= u64::from(weight);
        self.len -= 1;
    }

    /// An entry weighs something else now.
    pub(crate) fn reweigh(&mut self, before: u32, after: u32) {
        self.weight = self.weight - u64::from(before) + u64::from(after);
    }

    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many places there are, stale ones included.
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    /// Whether so much is stale that it should be thrown out.
    pub(crate) fn is_mostly_stale(&self) -> bool {
        self.slots.len() > 2 * self.len + 64
    }

    /// All numbers in their order, with their seats. The queue is empty then, and gives none of these seats again.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let first = self.first;
        let slots = std::mem::take(&mut self.slots);
        *self = Self { first: first.wrapping_add(slots.len() as u32), ..Self::default() };
        (0_u32..).zip(slots).map(move |(place, slot)| (slot, first.wrapping_add(place)))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }
}
