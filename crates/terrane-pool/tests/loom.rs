//! All orders in which threads can take and put, with the parts of the pools that have no lock around them.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p terrane-pool --test loom --release`
#![cfg(loom)]

use loom::{
    sync::{Arc, Mutex},
    thread,
};
use terrane_pool::for_loom::{Numbers, Places};

/// Every number is somewhere, once.
fn check(mut all: Vec<u32>, expected: &[u32]) {
    all.sort_unstable();
    assert_eq!(all, expected);
}

#[test]
fn an_owner_takes_while_another_reaches_in() {
    loom::model(|| {
        let (magazine, lock) = (Numbers::new(4), Arc::new(Mutex::new(())));
        (1..=3).for_each(|number| assert!(magazine.put(number, || ())));
        let other = {
            let (magazine, lock) = (magazine.clone(), Arc::clone(&lock));
            thread::spawn(move || {
                let _locked = lock.lock().unwrap();
                magazine.take_all()
            })
        };
        let mut all: Vec<u32> = (0..2).filter_map(|_| magazine.take(|| lock.lock().unwrap())).collect();
        all.extend(other.join().unwrap());
        all.extend((0..3).map_while(|_| magazine.take(|| lock.lock().unwrap())));
        check(all, &[1, 2, 3]);
    });
}

#[test]
fn an_owner_puts_and_takes_while_another_reaches_in_twice() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (magazine, lock) = (Numbers::new(3), Arc::new(Mutex::new(())));
        assert!(magazine.put(1, || ()));
        let other = {
            let (magazine, lock) = (magazine.clone(), Arc::clone(&lock));
            thread::spawn(move || {
                let mut all = Vec::new();
                for _ in 0..2 {
                    let _locked = lock.lock().unwrap();
                    all.extend(magazine.take_all());
                }
                all
            })
        };
        assert!(magazine.put(2, || lock.lock().unwrap()));
        let mut all: Vec<u32> = magazine.take(|| lock.lock().unwrap()).into_iter().collect();
        assert!(magazine.put(3, || lock.lock().unwrap()));
        all.extend(other.join().unwrap());
        all.extend((0..3).map_while(|_| magazine.take(|| lock.lock().unwrap())));
        check(all, &[1, 2, 3]);
    });
}

/// Two threads take and put back; whether two ever had the same place.
fn exchange_places<const TAG_BITS: u32>() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let places = Arc::new(Places::<TAG_BITS>::new(2));
        let other = {
            let places = Arc::clone(&places);
            thread::spawn(move || {
                // Takes two, and puts one of them back: what ABA is made of.
                let (one, two) = (places.pop(), places.pop());
                one.into_iter().for_each(|place| places.push(place));
                two
            })
        };
        let mine = places.pop();
        let others = other.join().unwrap();
        let rest: Vec<u32> = std::iter::from_fn(|| places.pop()).take(4).collect();
        check(mine.into_iter().chain(others).chain(rest).collect(), &[0, 1]);
    });
}

#[test]
fn no_two_threads_have_one_place() {
    exchange_places::<32>();
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn without_tags_two_threads_have_one_place() {
    exchange_places::<0>();
}
