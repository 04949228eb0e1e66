//! Objects of derived types through collections: whatever a reference leads to is still there afterwards.

use terrane_gc::{Gc, GcCell, GcField, Heap, InHeap, Leaf, Local, Mutator, Trace};

type Number<'h, 'm> = Gc<'h, 'm, i64>;

#[derive(Trace)]
struct Named<'h, 'm> {
    plain: u8,
    first: Number<'h, 'm>,
    #[trace(skip)]
    skipped: std::time::Duration,
    field: GcField<'h, 'm, i64>,
    option: Option<Number<'h, 'm>>,
    pair: (u64, Number<'h, 'm>),
    array: [Number<'h, 'm>; 3],
    nested: Tuple<'h, 'm>,
}

#[derive(Trace, Clone, Copy)]
struct Tuple<'h, 'm>(u8, Number<'h, 'm>, Wrapper<Number<'h, 'm>>);

#[derive(Trace, Clone, Copy)]
struct Wrapper<T>(T);

#[derive(Trace, Clone, Copy)]
enum Value<'h, 'm> {
    Nothing,
    One(Number<'h, 'm>),
    Two { plain: u64, left: Number<'h, 'm>, right: Number<'h, 'm> },
    Inside(u8, Tuple<'h, 'm>, #[trace(skip)] char),
}

impl Value<'_, '_> {
    fn sum(&self) -> i64 {
        match self {
            Self::Nothing => 0,
            Self::One(number) => **number,
            Self::Two { plain, left, right } => plain.cast_signed() + **left + **right,
            Self::Inside(plain, tuple, letter) => {
                i64::from(*plain) + tuple.sum() + i64::from(u32::from(*letter))
            }
        }
    }
}

impl Tuple<'_, '_> {
    fn sum(&self) -> i64 {
        i64::from(self.0) + *self.1 + *self.2.0
    }
}

fn tuple<'h, 'm>(mu: &'m Mutator<'h, '_>, start: i64) -> Tuple<'h, 'm> {
    Tuple(3, mu.alloc(start), Wrapper(mu.alloc(start + 1)))
}

/// Fills the memory that the collection gave up, so that what was not traced is seen to be gone.
fn collect(mu: &mut Mutator<'_, '_>) {
    mu.collect_minor();
    (0..2_000_i64).for_each(|_| {
        mu.alloc(-1_i64);
    });
    mu.collect_full();
    (0..2_000_i64).for_each(|_| {
        mu.alloc(-1_i64);
    });
}

#[test]
fn fields_of_structs() {
    let mut heap = Heap::new().expect("a heap");
    heap.enter(|mu| {
        let named = mu.alloc_local(|mu| Named {
            plain: 1,
            first: mu.alloc(10),
            skipped: std::time::Duration::from_secs(5),
            field: mu.alloc(20).into(),
            option: Some(mu.alloc(30)),
            pair: (2, mu.alloc(40)),
            array: [mu.alloc(50), mu.alloc(60), mu.alloc(70)],
            nested: tuple(mu, 80),
        });
        collect(mu);
        let named = named.get(mu);
        assert_eq!((named.plain, *named.first, named.skipped.as_secs()), (1, 10, 5));
        assert_eq!((named.field.get().as_deref(), named.option.as_deref()), (Some(&20), Some(&30)));
        assert_eq!((named.pair.0, *named.pair.1), (2, 40));
        assert_eq!(named.array.map(|number| *number), [50, 60, 70]);
        assert_eq!(named.nested.sum(), 3 + 80 + 81);
    });
    heap.check().expect("a sound heap");
}

#[test]
fn fields_of_enums() {
    fn make<'h, 'm>(mu: &'m Mutator<'h, '_>, index: i64) -> Value<'h, 'm> {
        match index % 4 {
            0 => Value::Nothing,
            1 => Value::One(mu.alloc(index)),
            2 => Value::Two { plain: 7, left: mu.alloc(index), right: mu.alloc(index + 1) },
            _ => Value::Inside(9, tuple(mu, index), 'x'),
        }
    }
    fn sums<'h>(mu: &Mutator<'h, '_>, values: &[Local<'h, '_, GcCell<Value<'static, 'static>>>]) -> Vec<i64> {
        values.iter().map(|value| value.get(mu).get().sum()).collect()
    }
    let mut heap = Heap::new().expect("a heap");
    heap.enter(|mu| {
        let values: Vec<_> = (0..16).map(|index| mu.alloc_local(|mu| GcCell::new(make(mu, index)))).collect();
        let expected: Vec<i64> = values.iter().map(|value| value.get(mu).get().sum()).collect();
        collect(mu);
        assert_eq!(sums(mu, &values), expected);
        // Old cells with young values.
        for (value, index) in values.iter().zip(1..) {
            value.get(mu).set(mu, make(mu, index));
        }
        let expected = sums(mu, &values);
        collect(mu);
        assert_eq!(sums(mu, &values), expected);
    });
    heap.check().expect("a sound heap");
}

/// A list of any value; generic code over derived types.
#[derive(Trace)]
struct List<'h, 'm, T: Trace + Copy + PartialEq> {
    value: T,
    rest: GcField<'h, 'm, List<'h, 'm, T>>,
}

#[derive(Trace, Clone, Copy)]
struct ByValue<'h, 'm>(Number<'h, 'm>);

impl PartialEq for ByValue<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

fn contains<'h, 'm, T: InHeap<'h, 'm> + Copy + PartialEq>(
    list: Gc<'h, 'm, List<'h, 'm, T>>,
    value: T,
) -> bool {
    let mut next = Some(list);
    while let Some(list) = next {
        if list.value == value {
            return true;
        }
        next = list.rest.get();
    }
    false
}

#[test]
fn generic_types_with_bounds() {
    let mut heap = Heap::new().expect("a heap");
    heap.enter(|mu| {
        let list = mu.alloc_local(|mu| List { value: ByValue(mu.alloc(0)), rest: GcField::null() });
        for index in 1..100 {
            let longer = mu.alloc(List { value: ByValue(mu.alloc(index)), rest: list.get(mu).into() });
            list.set(mu, longer);
        }
        collect(mu);
        let list = list.get(mu);
        assert!((0..100).all(|index| contains(list, ByValue(mu.alloc(index)))));
        assert!(!contains(list, ByValue(mu.alloc(-1))));
    });
    heap.check().expect("a sound heap");
}

/// Types without references drop what they own, by themselves or by their fields.
#[derive(Trace)]
#[trace(leaf)]
struct Noisy(std::rc::Rc<std::cell::Cell<u32>>);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[derive(Trace)]
struct Owner<'h, 'm> {
    noisy: Noisy,
    foreign: Leaf<std::rc::Rc<()>>,
    number: Number<'h, 'm>,
}

#[test]
fn leaves_are_dropped_once() {
    let drops = std::rc::Rc::new(std::cell::Cell::new(0));
    let shared = std::rc::Rc::new(());
    let mut heap = Heap::new().expect("a heap");
    heap.enter(|mu| {
        let kept = mu.alloc_local(|mu| Owner {
            noisy: Noisy(drops.clone()),
            foreign: Leaf(shared.clone()),
            number: mu.alloc(5),
        });
        mu.alloc(Owner { noisy: Noisy(drops.clone()), foreign: Leaf(shared.clone()), number: mu.alloc(6) });
        collect(mu);
        assert_eq!((drops.get(), std::rc::Rc::strong_count(&shared)), (1, 2));
        let kept = kept.get(mu);
        assert_eq!((*kept.number, kept.noisy.0.get(), std::rc::Rc::strong_count(&kept.foreign)), (5, 1, 2));
    });
    drop(heap);
    assert_eq!((drops.get(), std::rc::Rc::strong_count(&shared)), (2, 1));
}
