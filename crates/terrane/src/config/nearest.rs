//! The name that was probably meant.

/// The nearest of `known`, if it is near: up to a third of its letters may be wrong, but a short word is not near every other short word.
/// For error messages about names that are not known. O(letters of the name × letters of all known names), for at most 64 letters of it.
///
/// ```
/// let known = ["max_memory", "stack_size"];
/// assert_eq!(terrane::nearest_name("max_memroy", known), Some("max_memory"));
/// assert_eq!(terrane::nearest_name("colour", known), None);
/// ```
#[must_use]
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, near) = known.into_iter().map(|known| (edits(name, known), known)).min()?;
    (edits <= near.len().div_ceil(3) && edits < name.len()).then_some(near)
}

/// The edits (a letter added, dropped or replaced) from one name to the other, row by row (Wagner and Fischer, "The
/// String-to-String Correction Problem", 1974). The part of a name beyond any option's length is not looked at.
fn edits(from: &str, to: &str) -> usize {
    const LONGEST: usize = 64;
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.chars().take(LONGEST).enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (column, &other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["max_memory", "stack_size", "pool_limit"];
        let near = |name| nearest_name(name, known);
        assert_eq!(near("max_memroy"), Some("max_memory"));
        assert_eq!(near("maxmemory"), Some("max_memory"));
        assert_eq!(near("poollimit"), Some("pool_limit"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(""), None);
        assert_eq!(near(&"x".repeat(1 << 20)), None);
    }

    #[test]
    fn edits_are_counted() {
        for (from, to, count) in
            [("", "abc", 3), ("abc", "", 3), ("same", "same", 0), ("kitten", "sitting", 3)]
        {
            assert_eq!(edits(from, to), count, "{from} {to}");
        }
    }
}
