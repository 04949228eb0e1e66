//! What was written last is what is found, in whichever tier the value before it was on its way.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use terrane_cache::{ColdTier, Compressible, TieredCache};

type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// Bytes that run a hook once, when they are made of decompressed ones.
#[derive(Clone)]
struct Page {
    bytes: Arc<[u8]>,
}

static THAWED: Mutex<Option<Hook>> = Mutex::new(None);

impl Compressible for Page {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let hook = THAWED.lock().unwrap().clone();
        let run = hook.and_then(|hook| hook.lock().unwrap().take());
        if let Some(run) = run {
            run();
        }
        Some(Self { bytes: bytes.into() })
    }
}

fn page(byte: u8) -> Page {
    Page { bytes: vec![byte; 4000].into() }
}

/// A cache in which 0 is compressed, and others have taken its place.
fn cold_zero() -> TieredCache<u32, Page> {
    let cache = TieredCache::new(64 << 10, ColdTier::default(), None);
    assert!(cache.insert(0, page(1)));
    for key in 1..200 {
        cache.insert(key, page(9));
    }
    cache
}

/// Runs while the value of 0 is on its way from the cold tier to the hot one.
fn while_it_thaws(
    cache: &TieredCache<u32, Page>,
    what: impl FnOnce(&TieredCache<u32, Page>) + Send + 'static,
) {
    let hook: Hook = Arc::default();
    let other = cache.clone();
    *hook.lock().unwrap() = Some(Box::new(move || {
        // Another thread, as it would be.
        std::thread::scope(|scope| _ = scope.spawn(|| what(&other)).join());
    }));
    *THAWED.lock().unwrap() = Some(Arc::clone(&hook));
    cache.get(&0);
    *THAWED.lock().unwrap() = None;
    assert!(hook.lock().unwrap().is_none(), "0 was compressed");
}

#[test]
fn a_value_that_thaws_does_not_come_in_place_of_a_newer_one() {
    let cache = cold_zero();
    while_it_thaws(&cache, |cache| assert!(cache.insert(0, page(2))));
    assert_eq!(cache.get(&0).map(|page| page.bytes[0]), Some(2));
    let cache = cold_zero();
    while_it_thaws(&cache, |cache| _ = cache.remove(&0));
    assert!(cache.get(&0).is_none(), "it was removed");
}

/// Bytes that are many more when they come back.
#[derive(Clone)]
struct Growing(Vec<u8>);

impl Compressible for Growing {
    fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        Some(Self(bytes.repeat(100)))
    }
}

#[test]
fn what_there_is_no_room_for_stays_compressed() {
    let cache = TieredCache::new(64 << 10, ColdTier::default(), None);
    for key in 0..200 {
        assert!(cache.insert(key, Growing(vec![9; 4000])));
    }
    for hits in 1..=3 {
        assert_eq!(cache.get(&0).map(|value| value.0.len()), Some(400_000));
        assert_eq!(cache.cold_hits(), hits);
    }
    assert!(cache.remove(&0) && cache.get(&0).is_none());
}

/// A value with its number, which can be compressed if that is even. Whoever moves it lets others go first.
#[derive(Clone)]
struct Numbered(Arc<[u8]>);

impl Numbered {
    fn new(number: u32) -> Self {
        let mut random = u64::from(number) | 1;
        let noise = std::iter::repeat_with(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if number.is_multiple_of(2) { 0 } else { (random >> 56) as u8 }
        });
        Self(number.to_le_bytes().into_iter().chain(noise.take(1000)).collect())
    }

    fn number(&self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }
}

impl Compressible for Numbered {
    fn as_bytes(&self) -> &[u8] {
        (0..20).for_each(|_| std::thread::yield_now());
        &self.0
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (0..20).for_each(|_| std::thread::yield_now());
        Some(Self(bytes.into()))
    }
}

#[test]
fn no_thread_finds_an_older_value_than_the_last_that_was_written() {
    // Room for three.
    let cache: TieredCache<u32, Numbered> = TieredCache::new(3500, ColdTier::default(), None);
    let (written, done) = (AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for thread in 1..4 {
            let (cache, written, done) = (&cache, &written, &done);
            scope.spawn(move || {
                for key in (0..).take_while(|_| !done.load(SeqCst)) {
                    cache.insert(thread * 1000 + key % 20, Numbered::new(key * 2));
                    let least = written.load(SeqCst);
                    if let Some(value) = cache.get(&0) {
                        assert!(value.number() >= least, "{} after {least}", value.number());
                    }
                }
            });
        }
        for number in 1..5000 {
            if number % 7 == 0 {
                cache.remove(&0);
            } else {
                cache.insert(0, Numbered::new(number));
            }
            written.store(number, SeqCst);
        }
        done.store(true, SeqCst);
    });
}
