//! The name that was probably meant.

use std::collections::BTreeSet;

/// The nearest of `known`, if it is near. Names are sets of words, divided by `_` or `-`: one with the same words comes first, then one that has
/// all words asked for, or all of whose words were asked for. Otherwise letters count: up to a third of them may be wrong, but a short word is
/// not near every other short word. Whether letters are small or capital does not matter.
///
/// For error messages about names that are not known. O(letters of the name × letters of all known names), for at most 64 letters of it.
///
/// ```
/// let known = ["max_memory", "stack_size"];
/// assert_eq!(terrane::nearest_name("max_memroy", known), Some("max_memory"));
/// assert_eq!(terrane::nearest_name("MAX_MEMORY_BYTES", known), Some("max_memory"));
/// assert_eq!(terrane::nearest_name("colour", known), None);
/// ```
#[must_use]
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let asked: String = name.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let known: Vec<&str> = known.into_iter().collect();
    related_name(&asked, &known).or_else(|| similar_name(&asked, &known))
}

/// The part of a name beyond any option's length is not looked at.
const LONGEST: usize = 64;

/// The name that has all words of `asked`, or all of whose words are in `asked`; of several the one that differs in the fewest words. A
/// single word tells only where one name alone has it.
fn related_name<'a>(asked: &str, known: &[&'a str]) -> Option<&'a str> {
    let asked_words = words(asked);
    let distance = |known: &&'a str| {
        let lower = known.to_lowercase();
        let known_words = words(&lower);
        let (common, all) =
            (asked_words.intersection(&known_words).count(), asked_words.union(&known_words).count());
        let is_related = common > 0 && common == asked_words.len().min(known_words.len());
        is_related.then(|| (all - common, edits(asked, &lower), *known))
    };
    let mut related: Vec<_> = known.iter().filter_map(distance).collect();
    related.sort_unstable();
    let (_, _, nearest) = related.first()?;
    (asked_words.len() > 1 || related.len() == 1).then_some(nearest)
}

/// Words stand between `_` or `-`.
fn words(name: &str) -> BTreeSet<&str> {
    name.split(['_', '-']).filter(|word| !word.is_empty()).collect()
}

/// The name that differs in the fewest letters, if these are few.
fn similar_name<'a>(asked: &str, known: &[&'a str]) -> Option<&'a str> {
    let (edits, near) = known.iter().map(|known| (edits(asked, &known.to_lowercase()), *known)).min()?;
    (edits <= near.len().div_ceil(3) && edits < asked.len()).then_some(near)
}

/// The edits (a letter added, dropped or replaced) from one name to the other, row by row (Wagner and Fischer, "The
/// String-to-String Correction Problem", 1974).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.chars().enumerate() {
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
    fn words_count_before_letters() {
        let known =
            ["stack_size", "default_heap_size", "max_memory", "pool_limit", "arena_limit", "enable_it"];
        let near = |name| nearest_name(name, known);
        assert_eq!(near("heap_size"), Some("default_heap_size"), "in letters, stack_size is nearer");
        assert_eq!(near("memory_max"), Some("max_memory"));
        assert_eq!(near("MAX-MEMORY_BYTES"), Some("max_memory"));
        assert_eq!(near("memory"), Some("max_memory"));
        assert_eq!(near("limit"), None, "which of two?");
        assert_eq!(near("heap_of_stack"), None);
        assert_eq!(near("__"), None);
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
