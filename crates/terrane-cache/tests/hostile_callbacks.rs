//! Foreign code that does what it should not at the worst moment.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use terrane_base::{Budget, Bytes, ManualClock};
use terrane_cache::Cache;

static EQ_PANICS: AtomicBool = AtomicBool::new(false);

/// All keys have one hash, so that each is compared with others.
#[derive(Clone, Debug)]
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(7);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        assert!(!EQ_PANICS.load(SeqCst), "a comparison that panics");
        self.0 == other.0
    }
}

impl Eq for Key {}

#[test]
fn what_expired_is_seen_off_though_a_comparison_panics() {
    let root = Budget::root(Bytes::from_mib(1));
    let clock = Arc::new(ManualClock::new());
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let cache = Cache::builder()
        .capacity(100)
        .time_to_live(Duration::from_secs(1))
        .clock(clock.clone())
        .on_removal({
            let told = told.clone();
            move |key: &Key, _: &(), _| told.lock().unwrap().push(key.0)
        })
        .budget(&root)
        .build();
    for key in 0..3 {
        assert!(cache.insert(Key(key), ()));
    }
    clock.advance(Duration::from_secs(2));
    EQ_PANICS.store(true, SeqCst);
    let outcome = catch_unwind(AssertUnwindSafe(|| cache.insert(Key(9), ())));
    EQ_PANICS.store(false, SeqCst);
    assert!(outcome.is_err());
    // What was swept before the comparison has left, and is not charged any more.
    assert_eq!(told.lock().unwrap().len(), 3 - cache.len());
    cache.clear();
    assert_eq!(told.lock().unwrap().len(), 3);
}

/// A value whose `drop` panics, if it is one of those.
#[derive(Clone)]
struct Bad(bool);

impl Drop for Bad {
    fn drop(&mut self) {
        assert!(!self.0, "a drop that panics");
    }
}

#[test]
fn a_drop_that_panics_does_not_end_the_giving_up() {
    let root = Budget::root(Bytes::from_mib(1));
    let cache = Cache::builder().capacity(100).shards(1).budget(&root).build();
    assert!(cache.insert(0, Bad(true)));
    for _ in 0..3 {
        (1..50).for_each(|key| assert!(cache.insert(key, Bad(false))));
        assert!(root.reclaim(Bytes::from_mib(1)) > Bytes::ZERO);
        assert_eq!(cache.len(), 0);
    }
    assert_eq!((root.used(), root.taken_out()), (Bytes::ZERO, 0));
}
