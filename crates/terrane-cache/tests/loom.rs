//! All orders in which readers and a writer can come to a value that is lent.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p terrane-cache --test loom --release`
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use terrane_cache::loom_only::{Lending, Reads};

/// Two numbers that are always equal, except in the middle of a write.
fn check(pair: &(u32, u32)) -> u32 {
    assert_eq!(pair.0, pair.1, "a reader sees a write that is not complete");
    pair.0
}

fn increment(pair: &mut (u32, u32), _: Reads) {
    pair.0 += 1;
    thread::yield_now();
    pair.1 += 1;
}

#[test]
fn a_writer_waits_for_readers_and_they_see_what_it_wrote() {
    loom::model(|| {
        let lending = Arc::new(Lending::new((0, 0), 2));
        // It is lent to the first reader, and the second one is near it.
        [0, 1, 0].into_iter().for_each(|reader| lending.note_read(reader));
        let reader = {
            let lending = Arc::clone(&lending);
            thread::spawn(move || {
                let first = check(&lending.read(|| 0));
                lending.note_read(1);
                (first, check(&lending.read(|| 1)))
            })
        };
        lending.write(increment);
        let (first, second) = reader.join().expect("the reader");
        assert!(first <= second && second <= 1);
        assert_eq!(check(&lending.read(|| 1)), 1);
    });
}

#[test]
fn two_writers_lose_nothing() {
    loom::model(|| {
        let lending = Arc::new(Lending::new((0, 0), 1));
        [0, 1, 0].into_iter().for_each(|reader| lending.note_read(reader));
        let other = {
            let lending = Arc::clone(&lending);
            thread::spawn(move || {
                check(&lending.read(|| 0));
                lending.try_write(|pair| increment(pair, Reads::default())).is_some()
            })
        };
        lending.write(increment);
        let also = other.join().expect("the other writer");
        assert_eq!(check(&lending.read(|| 1)), 1 + u32::from(also));
    });
}

#[test]
fn readers_that_do_not_wait_see_what_was_written_and_each_hit_is_counted() {
    loom::model(|| {
        let lending = Arc::new(Lending::new((0, 0), 2));
        // Lent to both.
        [0, 1, 0, 1].into_iter().for_each(|reader| lending.note_read(reader));
        let reader = {
            let lending = Arc::clone(&lending);
            thread::spawn(move || {
                let found = [(); 2].map(|()| lending.use_simply(0, check));
                assert!(found.iter().flatten().all(|&number| number == 0), "it is not lent any more");
                found.iter().flatten().count() as u64
            })
        };
        let mine = u64::from(lending.use_simply(1, check).is_some());
        assert_eq!(mine, 1);
        lending.write(increment);
        let others = reader.join().expect("the reader");
        assert_eq!(lending.reads(), Reads { hits: mine + others, misses: 0 });
        assert_eq!(lending.use_simply(0, check), None);
    });
}
