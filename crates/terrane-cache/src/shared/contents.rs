//! What is in one shard: entries in their order, and their lifetimes where there are any.

use std::borrow::Borrow;

use crate::index::Hash;
use crate::policy::engine::Engine;
use crate::policy::mark::Counting;
use crate::policy::rule::Rule;

use super::departure::{Departure, Departures, RemovalCause};
use super::lifetime::{Lifetime, Lifetimes};

/// So many entries are looked at, with each one that comes in, whether their time is over.
const SWEPT_PER_INSERT: usize = 2;

/// The fields keep their order: what a look-up needs comes first.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Contents<K, V> {
    /// None until an entry has a lifetime, so that others do not pay for it.
    lifetimes: Option<Box<Lifetimes>>,
    pub(super) engine: Engine<Entry<K, V>>,
    swept: usize,
    pub(super) tally: Tally,
}

/// What happened to entries of a shard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) inserted: u64,
    pub(super) evicted: u64,
    pub(super) evicted_weight: u64,
    pub(super) expired: u64,
}

impl Tally {
    fn note_eviction(&mut self, weight: u32) {
        self.evicted += 1;
        self.evicted_weight += u64::from(weight);
    }
}

#[derive(Debug)]
pub(super) struct Entry<K, V> {
    pub(super) key: K,
    pub(super) value: V,
}

impl<K, V> Entry<K, V> {
    #[inline]
    fn departing(self, weight: u32, cause: RemovalCause) -> Departure<K, V> {
        Departure { key: self.key, value: self.value, weight: u64::from(weight), cause }
    }
}

/// An entry that comes in.
pub(super) struct Arrival<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    pub(super) weight: u32,
    pub(super) lifetime: Option<Lifetime>,
}

impl<K: Eq, V> Contents<K, V> {
    pub(super) fn new(capacity: u64, rule: Rule, second_chance: bool) -> Self {
        Self {
            engine: Engine::new(capacity, rule, second_chance),
            lifetimes: None,
            swept: 0,
            tally: Tally::default(),
        }
    }

    /// The value of that entry, if its time is not over; and whether it is so. `now_ns` is asked for only if it has a lifetime.
    #[inline(always)]
    pub(super) fn read<Q: Eq + ?Sized>(
        &self,
        hash: Hash,
        key: &Q,
        counting: Counting<'_>,
        now_ns: impl FnOnce() -> u64,
    ) -> (Found<V>, bool)
    where
        K: Borrow<Q>,
        V: Clone,
    {
        let used = self.engine.find_and_use(hash, counting, |entry| entry.key.borrow() == key);
        let Some((slot, entry)) = used else { return (Found::Nothing, false) };
        if self.lifetimes.is_some() && self.is_over_or_note_use(slot, now_ns) {
            return (Found::Expired, false);
        }
        (Found::Value(entry.value.clone()), true)
    }

    /// The same, as far as that is simple: where no entry has a lifetime, and the first place to look at is enough.
    #[inline(always)]
    pub(super) fn read_simply<Q: Eq + ?Sized>(
        &self,
        hash: Hash,
        key: &Q,
        counting: Counting<'_>,
    ) -> Option<(Option<V>, bool)>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        if self.lifetimes.is_some() {
            return None;
        }
        let found =
            self.engine.find_at_home_and_use(hash, counting, |entry| entry.key.borrow() == key).ok()?;
        let value = found.map(|entry| entry.value.clone());
        let is_hit = value.is_some();
        Some((value, is_hit))
    }

    #[cold]
    #[inline(never)]
    fn is_over_or_note_use(&self, slot: u32, now_ns: impl FnOnce() -> u64) -> bool {
        let Some(lifetime) = self.lifetime(slot) else { return false };
        let now_ns = now_ns();
        let is_over = lifetime.is_over(now_ns);
        if !is_over {
            lifetime.note_use(now_ns);
        }
        is_over
    }

    pub(super) fn lifetime(&self, slot: u32) -> Option<&Lifetime> {
        self.lifetimes.as_ref()?.get(slot)
    }

    /// Puts an entry in, in the place of the one with the same key if there is one; whether it is there then, and is new.
    #[inline]
    pub(super) fn put(&mut self, hash: Hash, arrival: Arrival<K, V>, gone: &mut Departures<K, V>) -> Put {
        if let Some(slot) = self.engine.find(hash, |entry| entry.key == arrival.key) {
            return self.replace(slot, arrival, gone);
        }
        let Arrival { key, value, weight, lifetime } = arrival;
        self.tally.inserted += 1;
        self.put_with_others(hash, Entry { key, value }, weight, lifetime, gone)
    }

    /// Puts an entry of weight 1 in, as long as none has a lifetime. Mostly it takes the place of another one; what goes besides is in
    /// `gone`, which is then some.
    #[inline(always)]
    pub(super) fn put_plain(
        &mut self,
        hash: Hash,
        entry: Entry<K, V>,
        gone: &mut Option<Departures<K, V>>,
    ) -> PutPlain<K, V> {
        if self.lifetimes.is_some() {
            return PutPlain::Not(entry);
        }
        if let Some(slot) = self.engine.find(hash, |other| other.key == entry.key) {
            let Entry { key, value } = entry;
            return PutPlain::Put(self.replace(
                slot,
                Arrival { key, value, weight: 1, lifetime: None },
                gone.get_or_insert_with(Departures::new),
            ));
        }
        self.tally.inserted += 1;
        match self.engine.replace(hash, entry) {
            Ok((old, weight)) => {
                self.tally.note_eviction(weight);
                PutPlain::ForAnother(old)
            }
            Err(entry) => {
                let gone = gone.get_or_insert_with(Departures::new);
                PutPlain::Put(self.put_with_others(hash, entry, 1, None, gone))
            }
        }
    }

    /// Puts an entry in that is not there, where any number may have to go.
    #[inline(never)]
    fn put_with_others(
        &mut self,
        hash: Hash,
        entry: Entry<K, V>,
        weight: u32,
        lifetime: Option<Lifetime>,
        gone: &mut Departures<K, V>,
    ) -> Put {
        let slot = self.engine.insert(hash, weight, entry);
        self.set_lifetime(slot, lifetime);
        self.settle(Some(slot), gone, RemovalCause::Capacity);
        self.put_if_here(slot, Put::New)
    }

    fn put_if_here(&self, slot: u32, put: Put) -> Put {
        if self.engine.item(slot).is_some() { put } else { Put::Refused }
    }

    #[inline(never)]
    fn replace(&mut self, slot: u32, arrival: Arrival<K, V>, gone: &mut Departures<K, V>) -> Put {
        let old_weight = u64::from(self.engine.weight_of(slot));
        if let Some(entry) = self.engine.item_mut(slot) {
            // The key stays, which is the one that is equal.
            let value = std::mem::replace(&mut entry.value, arrival.value);
            let cause = RemovalCause::Replaced;
            gone.push(Departure { key: arrival.key, value, weight: old_weight, cause });
        }
        self.engine.reweigh(slot, arrival.weight);
        self.set_lifetime(slot, arrival.lifetime);
        self.settle(Some(slot), gone, RemovalCause::Capacity);
        self.put_if_here(slot, Put::Replaced)
    }

    #[inline]
    pub(super) fn set_lifetime(&mut self, slot: u32, lifetime: Option<Lifetime>) {
        if lifetime.is_some() || self.lifetimes.is_some() {
            self.lifetimes.get_or_insert_default().set(slot, lifetime);
        }
    }

    /// Takes an entry out of its slot.
    pub(super) fn take(&mut self, slot: u32, cause: RemovalCause) -> Option<Departure<K, V>> {
        let weight = u64::from(self.engine.weight_of(slot));
        let Entry { key, value } = self.engine.remove(slot)?;
        self.set_lifetime(slot, None);
        self.tally.expired += u64::from(cause == RemovalCause::Expired);
        Some(Departure { key, value, weight, cause })
    }

    /// Evicts what is beyond the capacity, `newest` last.
    #[inline]
    pub(super) fn settle(&mut self, newest: Option<u32>, gone: &mut Departures<K, V>, cause: RemovalCause) {
        let tally = &mut self.tally;
        self.engine.settle(newest, &mut |weight, entry| {
            tally.note_eviction(weight);
            gone.push(entry.departing(weight, cause));
        });
    }

    /// Evicts until so much weight is left.
    pub(super) fn evict_to(&mut self, weight: u64, gone: &mut Departures<K, V>, cause: RemovalCause) {
        let capacity = self.engine.capacity();
        self.engine.set_capacity(weight.min(capacity));
        self.settle(None, gone, cause);
        self.engine.set_capacity(capacity);
    }

    /// Looks at some entries whether their time is over, other ones each time.
    #[inline]
    pub(super) fn sweep_some(&mut self, now_ns: impl FnOnce() -> u64, gone: &mut Departures<K, V>) {
        if self.lifetimes.is_some() {
            self.sweep(SWEPT_PER_INSERT, now_ns(), gone);
        }
    }

    /// Looks at all entries whether their time is over.
    pub(super) fn sweep_all(&mut self, now_ns: u64, gone: &mut Departures<K, V>) {
        self.sweep(self.slots_with_lifetimes(), now_ns, gone);
    }

    fn slots_with_lifetimes(&self) -> usize {
        self.lifetimes.as_ref().map_or(0, |lifetimes| lifetimes.slots())
    }

    #[cold]
    #[inline(never)]
    fn sweep(&mut self, count: usize, now_ns: u64, gone: &mut Departures<K, V>) {
        for _ in 0..count {
            self.swept = if self.swept + 1 < self.slots_with_lifetimes() { self.swept + 1 } else { 0 };
            let slot = self.swept as u32;
            if self.lifetime(slot).is_some_and(|lifetime| lifetime.is_over(now_ns))
                && let Some(departure) = self.take(slot, RemovalCause::Expired)
            {
                gone.push(departure);
            }
        }
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self, gone: &mut Departures<K, V>) {
        self.lifetimes = None;
        for (weight, entry) in self.engine.drain() {
            gone.push(entry.departing(weight, RemovalCause::Removed));
        }
    }

    /// Gives up memory that is not needed.
    pub(super) fn shrink(&mut self) {
        let mut old = self.lifetimes.take();
        let mut new = old.as_ref().map(|_| Box::new(Lifetimes::for_slots(self.engine.len())));
        self.engine.shrink(|from, to| {
            if let (Some(new), Some(old)) = (&mut new, &mut old) {
                new.set(to, old.take(from));
            }
        });
        self.lifetimes = new;
    }

    pub(super) fn bytes(&self) -> usize {
        self.engine.bytes() + self.lifetimes.as_ref().map_or(0, |lifetimes| lifetimes.bytes())
    }
}

/// The result of a look-up.
pub(super) enum Found<V> {
    Value(V),
    Expired,
    Nothing,
}

/// What became of an entry of weight 1 that came in.
pub(super) enum PutPlain<K, V> {
    /// It is in the place of this one.
    ForAnother(Entry<K, V>),
    Put(Put),
    /// It has not come in: there are entries with lifetimes.
    Not(Entry<K, V>),
}

/// What became of an entry that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    New,
    Replaced,
    Refused,
}
