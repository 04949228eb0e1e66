//! The exact caches against models that are slow and plain.

use proptest::prelude::*;
use terrane_cache::{ExactCache, FifoCache, LfuCache, LruCache, Order};

#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Insert(u8, u64),
    Remove(u8),
    Resize(u64),
    ShrinkTo(u64),
    Pop,
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..12_u8;
    let step = prop_oneof![
        6 => key.clone().prop_map(Step::Get),
        8 => (key.clone(), 0..5_u64).prop_map(|(key, weight)| Step::Insert(key, weight)),
        2 => key.prop_map(Step::Remove),
        1 => (0..20_u64).prop_map(Step::Resize),
        1 => (0..20_u64).prop_map(Step::ShrinkTo),
        1 => Just(Step::Pop),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..200)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lru,
    Fifo,
    Lfu,
}

/// Entries with all that any order needs; who goes first is looked for each time.
struct Model {
    kind: Kind,
    entries: Vec<ModelEntry>,
    capacity: u64,
    time: u64,
}

struct ModelEntry {
    key: u8,
    weight: u64,
    born: u64,
    used: u64,
    uses: u64,
}

impl Model {
    fn weight(&self) -> u64 {
        self.entries.iter().map(|entry| entry.weight).sum()
    }

    fn order(&self) -> Vec<u8> {
        let mut order: Vec<&ModelEntry> = self.entries.iter().collect();
        order.sort_by_key(|entry| match self.kind {
            Kind::Lru => (0, entry.used),
            Kind::Fifo => (0, entry.born),
            Kind::Lfu => (entry.uses, entry.used),
        });
        order.into_iter().map(|entry| entry.key).collect()
    }

    fn used(&mut self, key: u8) -> bool {
        self.time += 1;
        let time = self.time;
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) else { return false };
        entry.used = time;
        entry.uses += 1;
        true
    }

    fn remove(&mut self, key: u8) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.key != key);
        self.entries.len() < before
    }

    fn insert(&mut self, key: u8, weight: u64) {
        let weight = weight.max(1);
        if weight > self.capacity {
            self.remove(key);
            return;
        }
        if self.used(key) {
            self.entries.iter_mut().filter(|entry| entry.key == key).for_each(|entry| entry.weight = weight);
        } else {
            self.evict_to(self.capacity - weight);
            let time = self.time;
            self.entries.push(ModelEntry { key, weight, born: time, used: time, uses: 1 });
        }
        self.evict_to(self.capacity);
    }

    fn evict_to(&mut self, weight: u64) {
        while self.weight() > weight {
            let first = self.order()[0];
            self.remove(first);
        }
    }
}

fn check<O: Order>(kind: Kind, capacity: u64, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut cache: ExactCache<u8, u64, O> = ExactCache::with_weigher(capacity, |_, &weight| weight);
    let mut model = Model { kind, entries: Vec::new(), capacity, time: 0 };
    for step in steps {
        match step {
            Step::Get(key) => prop_assert_eq!(cache.get(&key).is_some(), model.used(key)),
            Step::Insert(key, weight) => {
                cache.insert(key, weight);
                model.insert(key, weight);
            }
            Step::Remove(key) => prop_assert_eq!(cache.remove(&key).is_some(), model.remove(key)),
            Step::Resize(capacity) => {
                cache.resize(capacity);
                model.capacity = capacity;
                model.evict_to(capacity);
            }
            Step::ShrinkTo(weight) => {
                let before = model.weight();
                model.evict_to(weight);
                prop_assert_eq!(cache.shrink_to(weight), before - model.weight());
            }
            Step::Pop => {
                let first = model.order().first().copied();
                first.map(|key| model.remove(key));
                prop_assert_eq!(cache.pop().map(|(key, _)| key), first);
            }
            Step::Clear => {
                cache.clear();
                model.entries.clear();
            }
        }
        prop_assert_eq!(cache.iter().map(|(&key, _)| key).collect::<Vec<_>>(), model.order());
        prop_assert_eq!(cache.weight(), model.weight());
        prop_assert_eq!(cache.len(), model.entries.len());
    }
    Ok(())
}

proptest! {
    #[test]
    fn lru_is_exact(capacity in 0..20_u64, steps in steps()) {
        check::<terrane_cache::Lru>(Kind::Lru, capacity, steps)?;
    }

    #[test]
    fn fifo_is_exact(capacity in 0..20_u64, steps in steps()) {
        check::<terrane_cache::Fifo>(Kind::Fifo, capacity, steps)?;
    }

    #[test]
    fn lfu_is_exact(capacity in 0..20_u64, steps in steps()) {
        check::<terrane_cache::Lfu>(Kind::Lfu, capacity, steps)?;
    }
}

#[test]
fn capacities_of_nothing_and_of_one() {
    let mut none = LruCache::new(0);
    assert_eq!(none.insert(1, 1), None);
    assert_eq!(none.get(&1), None);
    assert_eq!(none.len(), 0);
    assert_eq!(none.get_or_insert_with(2, || 2), None);
    let mut one = FifoCache::new(1);
    for key in 0..3 {
        one.insert(key, key);
    }
    assert_eq!(one.iter().collect::<Vec<_>>(), [(&2, &2)]);
}

#[test]
fn what_is_evicted_is_handed_out_and_counted() {
    let mut cache = LfuCache::with_weigher(5, |_, &weight: &u64| weight);
    cache.insert('a', 2);
    cache.insert('b', 3);
    cache.get(&'a');
    let mut evicted = Vec::new();
    assert_eq!(cache.insert_with('c', 3, |key, _| evicted.push(key)), None);
    assert_eq!(cache.insert_with('a', 9, |key, _| evicted.push(key)), Some(2));
    assert_eq!(evicted, ['b', 'a']);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.evicted, stats.evicted_weight), (1, 1, 3));
}
