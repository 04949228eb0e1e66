//! Keys of weak maps of every size and age: what the map holds of them is as it was put there, whatever collection comes
//! between.
//!
//! The values of a key lie beside it. Large keys are logged slot by slot, small ones as a whole, so a store beside a key
//! takes other ways to the collector according to its size.

use terrane_base::Bytes;
use terrane_gc::{Gc, GcField, Heap, HeapConfig, Local, Mutator, Trace, WeakMap};

/// A word that might be taken for an address.
const PAYLOAD: u64 = 0x4141_4141_4141;

#[derive(Trace)]
struct Note<'h, 'm> {
    number: u64,
    next: GcField<'h, 'm, Note<'h, 'm>>,
}

type NoteStatic = Note<'static, 'static>;

fn note<'h, 'm>(mu: &'m Mutator<'h, '_>, number: u64) -> Gc<'h, 'm, Note<'h, 'm>> {
    mu.alloc(Note { number, next: GcField::null() })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Insert,
    Replace,
    Remove,
}

/// One way to come to an entry of a map.
#[derive(Clone, Copy, Debug)]
struct Case {
    old_key: bool,
    old_value: bool,
    /// Units of marking that are done before the change, if a marking is under way.
    marked: Option<usize>,
    change: Change,
}

fn cases() -> impl Iterator<Item = Case> {
    let ages = [(false, false), (false, true), (true, false), (true, true)];
    let marked = [None, Some(0), Some(1), Some(4), Some(40)];
    ages.into_iter().flat_map(move |(old_key, old_value)| {
        marked.into_iter().flat_map(move |marked| {
            let changes = [Change::Insert, Change::Replace, Change::Remove];
            changes.into_iter().map(move |change| Case { old_key, old_value, marked, change })
        })
    })
}

/// Runs all cases on keys of one kind.
fn keys_hold_their_values<K>(make: impl for<'h, 'm> Fn(&'m Mutator<'h, '_>) -> Gc<'h, 'm, K>)
where
    K: for<'h, 'm> Trace<At<'h, 'm> = K> + 'static,
{
    for case in cases() {
        let config = HeapConfig::new().nursery(Bytes::from_kib(64)).young_range(Bytes::from_mib(16));
        let mut heap = Heap::with_config(config.verify(true)).unwrap();
        heap.enter(|mu| run(mu, case, &make));
        heap.check().unwrap_or_else(|corruption| panic!("{case:?}: {corruption}"));
    }
}

fn run<'h, K>(
    mu: &mut Mutator<'h, '_>,
    case: Case,
    make: &impl for<'a, 'm> Fn(&'m Mutator<'a, '_>) -> Gc<'a, 'm, K>,
) where
    K: for<'a, 'm> Trace<At<'a, 'm> = K> + 'static,
{
    let map = WeakMap::<K, NoteStatic>::new(mu);
    let key = mu.root(make(mu));
    let taken_out = mu.root(note(mu, 0));
    mu.scope(|mu| {
        let value = mu.root(note(mu, 7));
        mu.collect_minor();
        if let Some(units) = case.marked {
            mu.begin_full();
            mu.step_units(units);
        }
        if !case.old_key {
            key.set(mu, make(mu));
        }
        if !case.old_value {
            value.set(mu, note(mu, 7));
        }
        if case.change != Change::Insert {
            map.insert(mu, key.get(mu), note(mu, 1));
            mu.step_units(1);
        }
        let before = match case.change {
            Change::Remove => map.remove(mu, key.get(mu)),
            _ => map.insert(mu, key.get(mu), value.get(mu)),
        };
        assert_eq!(before.is_some(), case.change != Change::Insert, "{case:?}");
        taken_out.set(mu, before.unwrap_or_else(|| note(mu, 1)));
    });
    let check = |mu: &Mutator<'h, '_>| check(mu, case, &map, key, taken_out);
    check(mu);
    mu.collect_minor();
    overwrite_free_memory(mu);
    check(mu);
    while mu.step_units(50) {}
    overwrite_free_memory(mu);
    check(mu);
    mu.collect_full();
    overwrite_free_memory(mu);
    check(mu);
}

fn check<'h, K>(
    mu: &Mutator<'h, '_>,
    case: Case,
    map: &WeakMap<K, NoteStatic>,
    key: Local<'h, '_, K>,
    taken_out: Local<'h, '_, NoteStatic>,
) where
    K: for<'a, 'm> Trace<At<'a, 'm> = K> + 'static,
{
    let held = map.get(mu, key.get(mu)).map(|note| note.number);
    assert_eq!(held, (case.change != Change::Remove).then_some(7), "{case:?}");
    assert_eq!(taken_out.get(mu).number, 1, "{case:?}");
}

/// What is dead and still referred to does not stay what it was.
fn overwrite_free_memory(mu: &Mutator<'_, '_>) {
    (0..1500).for_each(|_| _ = note(mu, 0xDEAD));
}

#[test]
fn keys_of_two_words() {
    keys_hold_their_values(|mu| mu.alloc([PAYLOAD; 2]));
}

/// More than the barrier logs as a whole.
#[test]
fn keys_of_64_words() {
    keys_hold_their_values(|mu| mu.alloc([PAYLOAD; 64]));
}

/// A large object.
#[test]
fn keys_of_2000_words() {
    keys_hold_their_values(|mu| mu.alloc([PAYLOAD; 2000]));
}

#[test]
fn keys_that_are_arrays() {
    for len in [1, 64, 2000] {
        keys_hold_their_values(|mu| mu.alloc_array(len, PAYLOAD));
    }
}

#[test]
fn keys_that_are_strings() {
    for len in [3, 600, 20_000] {
        let text = "A".repeat(len);
        keys_hold_their_values(|mu| mu.alloc_str(&text));
    }
}
