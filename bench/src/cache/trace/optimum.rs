//! The best that any cache of that size could do: whose next use is farthest away goes (Belady, *A study of replacement algorithms for a
//! virtual-storage computer*, IBM Systems Journal 1966). An entry need not be kept at all.

use std::collections::{BTreeMap, HashMap};

/// How many requests hit at best.
pub(super) fn hits(capacity: usize, keys: &[u64]) -> usize {
    let mut next_use = vec![usize::MAX; keys.len()];
    let mut seen = HashMap::new();
    for (at, key) in keys.iter().enumerate().rev() {
        next_use[at] = seen.insert(key, at).unwrap_or(usize::MAX);
    }
    // What is in the cache, by its next use.
    let mut cached: BTreeMap<usize, u64> = BTreeMap::new();
    let mut hits = 0;
    for (at, &key) in keys.iter().enumerate() {
        hits += usize::from(cached.remove(&at).is_some());
        if next_use[at] != usize::MAX {
            cached.insert(next_use[at], key);
            if cached.len() > capacity {
                cached.pop_last();
            }
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries all that can be kept at each request.
    fn exhaustive(capacity: usize, keys: &[u64], cached: &[u64]) -> usize {
        let Some((&key, rest)) = keys.split_first() else { return 0 };
        if cached.contains(&key) {
            return 1 + exhaustive(capacity, rest, cached);
        }
        let mut best = exhaustive(capacity, rest, cached);
        let mut with = cached.to_vec();
        with.push(key);
        if with.len() <= capacity {
            return best.max(exhaustive(capacity, rest, &with));
        }
        for out in 0..cached.len() {
            let mut others = with.clone();
            others.remove(out);
            best = best.max(exhaustive(capacity, rest, &others));
        }
        best
    }

    #[test]
    fn nothing_is_better() {
        let mut random = crate::cache::work::Random(1);
        for capacity in 0..4 {
            for _ in 0..20 {
                let keys: Vec<u64> = (0..10).map(|_| random.next() % 5).collect();
                assert_eq!(hits(capacity, &keys), exhaustive(capacity, &keys, &[]), "{capacity} {keys:?}");
            }
        }
    }
}
