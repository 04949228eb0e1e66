//! Vectors, maps, strings and arrays against those of the standard library.

use std::collections::HashMap;
use std::num::NonZeroU64;

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::{Gc, GcDyn, GcMap, GcString, GcVec, Heap, HeapConfig, Trace};

#[derive(Clone, Debug)]
enum Step {
    Push(u16),
    Pop,
    Set(usize, u16),
    Truncate(usize),
    Insert(u16, u16),
    Remove(u16),
    Minor,
    Full,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u16>().prop_map(Step::Push),
        2 => Just(Step::Pop),
        3 => (0..64_usize, any::<u16>()).prop_map(|(index, value)| Step::Set(index, value)),
        1 => (0..64_usize).prop_map(Step::Truncate),
        6 => (0..200_u16, any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
        4 => (0..200_u16).prop_map(Step::Remove),
        1 => Just(Step::Minor),
        1 => Just(Step::Full),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn vectors_and_maps_do_what_the_standard_ones_do(
        steps in prop::collection::vec(step(), 0..400),
        stress in 0..5_u64,
    ) {
        let config = HeapConfig::new().nursery(Bytes::from_kib(16)).verify(true).stress(NonZeroU64::new(stress));
        let (mut model_vec, mut model_map): (Vec<u16>, HashMap<String, u16>) = Default::default();
        Heap::with_config(config).unwrap().enter(|mu| {
            let vec = mu.alloc_local(|_| GcVec::<Gc<u16>>::new());
            let map = mu.alloc_local(|_| GcMap::<GcString, Gc<u16>>::new());
            for step in &steps {
                match step {
                    Step::Push(value) => {
                        vec.get(mu).push(mu, mu.alloc(*value));
                        model_vec.push(*value);
                    }
                    Step::Pop => assert_eq!(vec.get(mu).pop(mu).map(|value| *value), model_vec.pop()),
                    Step::Set(index, value) => {
                        if let Some(place) = model_vec.get_mut(*index) {
                            *place = *value;
                            vec.get(mu).set(mu, *index, mu.alloc(*value));
                        }
                    }
                    Step::Truncate(len) => {
                        vec.get(mu).truncate(mu, *len);
                        model_vec.truncate(*len);
                    }
                    Step::Insert(key, value) => {
                        let key = format!("key {key}");
                        let before = map.get(mu).insert(mu, mu.alloc_str(&key), mu.alloc(*value));
                        assert_eq!(before.map(|value| *value), model_map.insert(key, *value));
                    }
                    Step::Remove(key) => {
                        let key = format!("key {key}");
                        let before = map.get(mu).remove(mu, &mu.alloc_str(&key));
                        assert_eq!(before.map(|value| *value), model_map.remove(&key));
                    }
                    Step::Minor => _ = mu.collect_minor(),
                    Step::Full => _ = mu.collect_full(),
                }
                mu.safepoint();
                assert!(vec.get(mu).iter().map(|value| *value).eq(model_vec.iter().copied()));
                assert_eq!(map.get(mu).len(), model_map.len());
            }
            let found: HashMap<String, u16> =
                map.get(mu).iter().map(|(key, value)| (key.to_string(), *value)).collect();
            assert_eq!(found, model_map);
        });
    }
}

trait Named {
    fn name(&self) -> String;
}

#[derive(Trace)]
struct Dog(u32);
#[derive(Trace)]
struct Cat(String);

impl Named for Dog {
    fn name(&self) -> String {
        format!("dog {}", self.0)
    }
}

impl Named for Cat {
    fn name(&self) -> String {
        self.0.clone()
    }
}

#[test]
fn objects_behind_a_trait_move_like_all_others() {
    Heap::new().unwrap().enter(|mu| {
        let zoo = mu.alloc_local(|_| GcVec::<GcDyn<dyn Named>>::new());
        for i in 0..100 {
            let animal: GcDyn<dyn Named> = if i % 2 == 0 {
                GcDyn::new(mu.alloc(Dog(i)), |dog| dog)
            } else {
                GcDyn::new(mu.alloc(Cat(format!("cat {i}"))), |cat| cat)
            };
            zoo.get(mu).push(mu, animal);
            if i % 7 == 0 {
                mu.collect_minor();
            }
        }
        mu.collect_full();
        let names: Vec<String> = zoo.get(mu).iter().map(|animal| animal.name()).collect();
        assert_eq!((names.len(), &*names[4], &*names[5]), (100, "dog 4", "cat 5"));
    });
}

#[test]
fn a_large_array_of_young_objects_keeps_them() {
    Heap::new().unwrap().enter(|mu| {
        let array = mu.try_alloc_array_local(100_000, |_| None::<Gc<u32>>).unwrap();
        for i in 0..100_000_usize {
            let number = mu.alloc(i as u32);
            array.get(mu)[i * 7919 % 100_000].set(mu, Some(number));
            mu.safepoint();
        }
        for i in 0..100_000_usize {
            assert_eq!(array.get(mu)[i * 7919 % 100_000].get().map(|number| *number), Some(i as u32));
        }
    });
}

#[test]
fn strings_of_every_length_are_themselves() {
    Heap::new().unwrap().enter(|mu| {
        let strings: Vec<_> = (0..300)
            .map(|len| mu.root(mu.alloc_str(&"häß".chars().cycle().take(len).collect::<String>())))
            .collect();
        mu.collect_full();
        for (len, string) in strings.iter().enumerate() {
            assert_eq!(string.get(mu).chars().count(), len);
        }
        let long = "x".repeat(1 << 20);
        assert_eq!(&**mu.alloc_str(&long), long);
    });
}
