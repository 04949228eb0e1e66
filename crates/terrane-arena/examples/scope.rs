//! Scratch memory for one piece of work: a scope. What it allocates is gone when it ends, whatever way it ends.
//!
//! `cargo run -p terrane-arena --example scope`

use terrane_arena::{Arena, Frame, format_in};

fn main() {
    let mut arena = Arena::new();
    for line in ["6 7 8", "1 2 three"] {
        // The result is an owned value; everything that was needed on the way stays behind.
        let report: Result<i64, String> = arena.scope(|scratch| product(line, scratch));
        println!("{line:?}: {report:?}");
        assert_eq!(arena.used_bytes(), 0, "the scope gave everything back");
    }
    println!("peak: {} B in {} block", arena.peak_bytes(), arena.blocks());
}

fn product(line: &str, scratch: &mut Frame<'_>) -> Result<i64, String> {
    let words = scratch.alloc_slice_from_iter(line.split(' '));
    // A scope within the scope: the words stay in use meanwhile.
    let longest = scratch.scope(|inner| {
        let lengths = inner.alloc_slice_from_iter(words.iter().map(|word| word.len()));
        lengths.iter().copied().max().unwrap_or(0)
    });
    let mut product = 1;
    for word in words.iter() {
        let number: i64 = word.parse().map_err(|_| {
            let message = format_in!(scratch, "{word:>longest$} is not a number");
            message.to_owned()
        })?;
        product *= number;
    }
    Ok(product)
}
