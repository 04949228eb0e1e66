//! Many durations, and what is said of them: how long the longest takes of all but one in a hundred, in a thousand.

use crate::row::Details;

/// Durations in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    ns: Vec<f64>,
}

impl Histogram {
    pub(super) fn add(&mut self, ns: f64) {
        self.ns.push(ns);
    }

    pub(super) fn len(&self) -> usize {
        self.ns.len()
    }

    /// Adds `NAME_p50_ns`, `NAME_p99_ns`, `NAME_p999_ns` and `NAME_max_ns`; nothing when there are no durations.
    pub(super) fn describe(mut self, name: &str, details: &mut Details) {
        self.ns.sort_unstable_by(f64::total_cmp);
        let Some(&longest) = self.ns.last() else { return };
        for (part, thousandths) in [("p50", 500), ("p99", 990), ("p999", 999)] {
            // The nearest rank: the least duration that so many of all do not exceed.
            let rank = (self.ns.len() * thousandths).div_ceil(1000).max(1);
            details.push((format!("{name}_{part}_ns"), self.ns[rank - 1]));
        }
        details.push((format!("{name}_max_ns"), longest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let mut histogram = Histogram::default();
        (1..=2000).rev().for_each(|ns| histogram.add(f64::from(ns)));
        let mut details = Details::new();
        histogram.describe("unit", &mut details);
        let expected = [("unit_p50_ns", 1000.0), ("unit_p99_ns", 1980.0), ("unit_p999_ns", 1998.0)];
        let expected = expected.into_iter().chain([("unit_max_ns", 2000.0)]);
        assert_eq!(details, expected.map(|(name, ns)| (name.to_owned(), ns)).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let mut details = Details::new();
        Histogram::default().describe("unit", &mut details);
        assert!(details.is_empty());
    }
}
