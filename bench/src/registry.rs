//! All rows. An area adds its rows in its own module; this one only lists the areas.

use crate::row::Row;

/// Every row, in the order of the output.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(crate::arena::rows());
    rows.extend(crate::gc::rows());
    rows.extend(crate::budget::rows());
    rows.extend(crate::cache::rows());
    rows.extend(crate::pool::rows());
    rows.extend(crate::system::rows());
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{OURS, Rounds};
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_paths() {
        let mut seen = HashSet::new();
        for row in rows() {
            assert!(seen.insert(row.name.clone()), "{} is registered twice", row.name);
            let parts: Vec<&str> = row.name.split('/').collect();
            assert!((2..=4).contains(&parts.len()), "{}", row.name);
            assert!(parts.iter().all(|part| !part.is_empty()), "{}", row.name);
        }
    }

    #[test]
    fn every_row_has_ours_and_distinct_rivals() {
        for row in rows() {
            assert_eq!(row.ours.id, OURS, "{}", row.name);
            let ids: HashSet<&str> = row.contenders().map(|contender| contender.id).collect();
            assert_eq!(ids.len(), row.rivals.len() + 1, "{}: two contenders share an identifier", row.name);
            assert!(ids.len() > 1, "{} has no rival", row.name);
        }
    }

    #[test]
    fn only_the_collectors_rows_have_a_tier() {
        for row in rows() {
            assert_eq!(row.tier.is_some(), row.name.starts_with("gc/"), "{}", row.name);
        }
    }

    #[test]
    fn every_contender_is_asked_at_least_once() {
        for Rounds { full, quick } in rows().iter().map(|row| row.rounds) {
            assert!(full >= quick && quick >= 1);
        }
    }
}
