//! All orders in which threads can take and put, with the parts of the pools that have no lock around them.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p terrane-pool --test loom --release`
#![cfg(loom)]

use loom::{
    sync::{Arc, Mutex},
    thread,
};
use terrane_pool::for_loom::{Held, Member, Numbers, Part, Places, Units, Watched};

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

/// Two threads that take one of two objects at a time, and give it back, twice; one of them ends. Neither is refused, and no two have the
/// same object (`loom` would notice). They have so many objects at hand at most, and at first all idle with one of them or with a
/// third one.
fn as_many_objects_as_threads(capacities: [usize; 2], holder: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let pool = Watched::new(2);
        let [mine, others] = capacities.map(|capacity| pool.part(capacity));
        let third = pool.part(2);
        let holder = [&mine, &others, &third][holder];
        let all = [(); 2].map(|()| holder.take().expect("two are idle"));
        all.into_iter().for_each(|taken| holder.put(taken));
        let work = |part: &Part| {
            for _ in 0..2 {
                part.put(part.take().expect("there are as many as threads"));
            }
        };
        let other = thread::spawn(move || {
            work(&others);
            others.leave();
        });
        work(&mine);
        other.join().unwrap();
        assert_eq!(pool.idle(), 2);
    });
}

#[test]
fn threads_with_caches_are_not_refused() {
    as_many_objects_as_threads([1, 1], 0);
}

#[test]
fn threads_that_find_all_with_one_of_them_are_not_refused() {
    as_many_objects_as_threads([2, 1], 0);
}

#[test]
fn a_thread_without_a_cache_beside_one_with_it_is_not_refused() {
    as_many_objects_as_threads([0, 1], 1);
}

#[test]
fn threads_that_find_all_with_a_third_one_are_not_refused() {
    as_many_objects_as_threads([0, 1], 2);
}

/// A thread waits for the only object while another one gives it back: it is always woken. (Who sleeps for good is a deadlock for `loom`.)
fn wake(give_back: fn(&Member, Held)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let pool = Units::new(1);
        let (mine, others) = (pool.member(), pool.member());
        let held = mine.take();
        let other = thread::spawn(move || others.put(others.take()));
        give_back(&mine, held);
        other.join().unwrap();
    });
}

#[test]
fn who_waits_gets_what_is_put_at_hand() {
    wake(Member::put);
}

#[test]
fn who_waits_gets_what_is_handed_on() {
    wake(Member::put_and_flush);
}

#[test]
fn who_waits_gets_the_room_of_what_is_taken_out() {
    wake(Member::detach);
}

/// Whoever is woken for the room may find that it is taken by an object that is still being made; it sleeps again.
#[test]
fn who_waits_gets_what_is_made_ahead_of_need() {
    wake(Member::detach_and_warm_up);
}

#[test]
fn two_that_wait_get_one_after_the_other() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let pool = Units::new(1);
        let (mine, others) = (pool.member(), [pool.member(), pool.member()]);
        let held = mine.take();
        let others = others.map(|other| thread::spawn(move || other.put(other.take())));
        mine.put(held);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}
