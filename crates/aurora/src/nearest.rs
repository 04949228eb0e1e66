//! "Did you mean …?": the known name that is fewest edits away.

/// The candidate nearest to `name`, if one is near enough to be a slip of the fingers.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match name.chars().count() {
        0..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let scored = candidates.filter(|c| !c.is_empty()).map(|c| (distance(name, c), c));
    scored.filter(|&(d, c)| d > 0 && d <= allowed && d < c.chars().count()).min().map(|(_, c)| c)
}

/// Levenshtein distance, by rows (Wagner and Fischer 1974).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_slip_and_nothing_far() {
        let names = ["display", "vector-ref", "string-append"];
        assert_eq!(nearest("dispaly", names.into_iter()), Some("display"));
        assert_eq!(nearest("vector-rfe", names.into_iter()), Some("vector-ref"));
        assert_eq!(nearest("frobnicate", names.into_iter()), None);
    }
}
