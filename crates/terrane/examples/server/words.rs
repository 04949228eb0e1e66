//! The most frequent words of a text, counted in an arena.

use std::fmt::Write;

use terrane::{Arena, MemoryError};

/// How many words an answer has.
const TOP: usize = 20;

/// The words of the text with their numbers, most frequent first, as a JSON array. Everything that is needed on the way is in the
/// arena.
///
/// # Errors
/// When the arena may not grow as far.
pub(crate) fn most_frequent(text: &str, arena: &Arena) -> Result<String, MemoryError> {
    let words = || text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let count = words().count();
    let mut rest = words();
    let sorted = arena.try_alloc_slice_fill_with(count, |_| rest.next().unwrap_or(""))?;
    sorted.sort_unstable();
    let runs = || sorted.chunk_by(|one, other| one == other);
    let different = runs().count();
    let mut rest = runs();
    let counted = arena.try_alloc_slice_fill_with(different, |_| {
        let run = rest.next().unwrap_or(&[]);
        (run.len(), run.first().copied().unwrap_or(""))
    })?;
    counted.sort_unstable_by_key(|&(count, word)| (std::cmp::Reverse(count), word));
    Ok(json(counted.iter().take(TOP)))
}

fn json<'a>(words: impl Iterator<Item = &'a (usize, &'a str)>) -> String {
    let mut json = String::from("[");
    for (index, (count, word)) in words.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Words are letters and digits: nothing in them needs to be escaped. Writing to a string does not fail.
        let _ = write!(json, "{comma}{{\"word\":\"{word}\",\"count\":{count}}}");
    }
    json.push_str("]\n");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_and_ties_are_in_order() {
        let arena = Arena::new();
        let json = most_frequent("b a, b! c\n\"a\" b", &arena).unwrap();
        let expected =
            "[{\"word\":\"b\",\"count\":3},{\"word\":\"a\",\"count\":2},{\"word\":\"c\",\"count\":1}]\n";
        assert_eq!(json, expected);
        assert_eq!(most_frequent("", &arena).unwrap(), "[]\n");
    }
}
