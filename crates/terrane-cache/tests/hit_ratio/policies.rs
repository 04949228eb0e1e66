//! The policies that are compared: those of this crate, plain models of others, and rivals.

use std::collections::{HashMap, HashSet, VecDeque};

use terrane_cache::{Cache, EvictionPolicy, FifoCache, LfuCache, LruCache};

/// Hits of a policy on these keys.
pub(crate) type Policy = fn(usize, &[u64]) -> usize;

pub(crate) const OURS: &str = "terrane";

pub(crate) const ALL: [(&str, Policy); 10] = [
    (OURS, |capacity, keys| shared(EvictionPolicy::Adaptive, capacity, keys)),
    ("clock", |capacity, keys| shared(EvictionPolicy::Lru, capacity, keys)),
    ("w-tinylfu 1 %", |capacity, keys| shared(EvictionPolicy::Lfu, capacity, keys)),
    ("lru", |capacity, keys| {
        let mut cache = LruCache::new(capacity);
        hits(keys, |key| cache.get(&key).is_some() || cache.insert(key, ()).is_some())
    }),
    ("fifo", |capacity, keys| {
        let mut cache = FifoCache::new(capacity);
        hits(keys, |key| cache.get(&key).is_some() || cache.insert(key, ()).is_some())
    }),
    ("lfu", |capacity, keys| {
        let mut cache = LfuCache::new(capacity);
        hits(keys, |key| cache.get(&key).is_some() || cache.insert(key, ()).is_some())
    }),
    ("s3-fifo", s3_fifo),
    ("sieve", sieve),
    ("arc", arc),
    ("quick_cache", |capacity, keys| {
        let mut cache = quick_cache::unsync::Cache::new(capacity);
        hits(keys, |key| {
            let hit = cache.get(&key).is_some();
            if !hit {
                cache.insert(key, ());
            }
            hit
        })
    }),
];

fn hits(keys: &[u64], mut is_hit: impl FnMut(u64) -> bool) -> usize {
    keys.iter().filter(|&&key| is_hit(key)).count()
}

fn shared(policy: EvictionPolicy, capacity: usize, keys: &[u64]) -> usize {
    // The same in each run.
    let hasher = foldhash::fast::FixedState::with_seed(7);
    let cache = Cache::builder().capacity(capacity).policy(policy).hasher(hasher).build();
    hits(keys, |key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        hit
    })
}

/// Yang et al., *FIFO Queues are All You Need for Cache Eviction*, SOSP 2023.
fn s3_fifo(capacity: usize, keys: &[u64]) -> usize {
    let small_max = (capacity / 10).max(1);
    let (mut small, mut main, mut ghost) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
    let mut uses: HashMap<u64, u8> = HashMap::new();
    let mut ghosts: HashSet<u64> = HashSet::new();
    hits(keys, |key| {
        if let Some(uses) = uses.get_mut(&key) {
            *uses = (*uses + 1).min(3);
            return true;
        }
        while uses.len() >= capacity {
            if small.len() >= small_max || main.is_empty() {
                let Some(victim) = small.pop_front() else { break };
                if uses[&victim] > 1 {
                    uses.insert(victim, 0);
                    main.push_back(victim);
                } else {
                    uses.remove(&victim);
                    ghosts.insert(victim);
                    ghost.push_back(victim);
                    if ghost.len() > capacity - small_max {
                        ghost.pop_front().map(|old| ghosts.remove(&old));
                    }
                }
            } else if let Some(victim) = main.pop_front() {
                let count = uses.get_mut(&victim).expect("what is in a queue is counted");
                if *count > 0 {
                    *count -= 1;
                    main.push_back(victim);
                } else {
                    uses.remove(&victim);
                }
            }
        }
        uses.insert(key, 0);
        if ghosts.contains(&key) {
            main.push_back(key)
        } else {
            small.push_back(key)
        }
        false
    })
}

/// Zhang et al., *SIEVE is Simpler than LRU*, NSDI 2024.
fn sieve(capacity: usize, keys: &[u64]) -> usize {
    // Oldest first; the hand goes from there to the newest. A key that is gone leaves a gap, which is closed now and then.
    let mut queue: Vec<Option<u64>> = Vec::new();
    let mut visited: HashMap<u64, bool> = HashMap::new();
    let mut hand = 0;
    hits(keys, |key| {
        if let Some(visited) = visited.get_mut(&key) {
            *visited = true;
            return true;
        }
        while visited.len() >= capacity {
            if hand >= queue.len() {
                hand = 0;
            }
            if let Some(at) = queue[hand] {
                if visited[&at] {
                    visited.insert(at, false);
                } else {
                    visited.remove(&at);
                    queue[hand] = None;
                }
            }
            hand += 1;
        }
        queue.push(Some(key));
        visited.insert(key, false);
        if queue.len() > 4 * capacity {
            let before = queue[..hand.min(queue.len())].iter().flatten().count();
            queue.retain(Option::is_some);
            hand = before;
        }
        false
    })
}

/// Megiddo and Modha, *ARC: A Self-Tuning, Low Overhead Replacement Cache*, FAST 2003.
fn arc(capacity: usize, keys: &[u64]) -> usize {
    let unbounded = usize::MAX;
    let (mut recent, mut often) = (LruCache::<u64, ()>::new(unbounded), LruCache::<u64, ()>::new(unbounded));
    let (mut recent_ghosts, mut often_ghosts) =
        (LruCache::<u64, ()>::new(unbounded), LruCache::<u64, ()>::new(unbounded));
    let mut target = 0;
    hits(keys, |key| {
        if recent.remove(&key).is_some() || often.contains(&key) {
            often.remove(&key);
            often.insert(key, ());
            return true;
        }
        let in_recent = recent_ghosts.contains(&key);
        let in_often = often_ghosts.contains(&key);
        if in_recent {
            target = (target + (often_ghosts.len() / recent_ghosts.len()).max(1)).min(capacity);
        } else if in_often {
            target = target.saturating_sub((recent_ghosts.len() / often_ghosts.len()).max(1));
        } else if recent.len() + recent_ghosts.len() >= capacity {
            if recent.len() < capacity {
                recent_ghosts.pop();
            } else {
                recent.pop();
            }
        } else if recent.len() + often.len() + recent_ghosts.len() + often_ghosts.len() >= 2 * capacity {
            often_ghosts.pop();
        }
        if recent.len() + often.len() >= capacity {
            let from_recent = !recent.is_empty()
                && (recent.len() > target || in_often && recent.len() == target || often.is_empty());
            let (from, ghosts) =
                if from_recent { (&mut recent, &mut recent_ghosts) } else { (&mut often, &mut often_ghosts) };
            if let Some((victim, ())) = from.pop() {
                ghosts.insert(victim, ());
            }
        }
        if in_recent || in_often {
            recent_ghosts.remove(&key);
            often_ghosts.remove(&key);
            often.insert(key, ());
        } else {
            recent.insert(key, ());
        }
        false
    })
}
