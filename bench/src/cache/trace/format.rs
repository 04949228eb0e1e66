//! Reading traces.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

/// What a file of requests looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One key in each line.
    Lines,
    /// A first block and a number of blocks in each line.
    Arc,
    /// One block in each line; what is no number is left out.
    Lirs,
    /// Big-endian numbers of 64 bits.
    Longs,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "lines" => Some(Self::Lines),
            "arc" => Some(Self::Arc),
            "lirs" | "trc" => Some(Self::Lirs),
            "longs" => Some(Self::Longs),
            _ => None,
        }
    }

    fn of(file: &Path) -> Self {
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        ending.and_then(|ending| Self::named(&ending)).unwrap_or(Self::Lines)
    }

    /// The first `length` keys.
    fn keys(self, bytes: &[u8], length: usize) -> Result<Vec<u64>, String> {
        let mut keys = Vec::new();
        match self {
            Self::Longs => {
                let (numbers, rest) = bytes.as_chunks();
                if !rest.is_empty() {
                    return Err(format!("{} bytes are no whole number of 8-byte keys", bytes.len()));
                }
                keys.extend(numbers.iter().take(length).map(|&number| u64::from_be_bytes(number)));
            }
            Self::Lines | Self::Lirs | Self::Arc => {
                for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
                    if keys.len() >= length {
                        break;
                    }
                    let line = String::from_utf8_lossy(line);
                    let line = line.trim();
                    if !line.is_empty() {
                        self.line(line, length - keys.len(), &mut keys)
                            .map_err(|problem| format!("line {}: {problem}", number + 1))?;
                    }
                }
            }
        }
        Ok(keys)
    }

    /// Adds the keys of a line, at most `room` of them.
    fn line(self, line: &str, room: usize, keys: &mut Vec<u64>) -> Result<(), String> {
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
        match self {
            Self::Arc => {
                let mut words = line.split_whitespace();
                let (Some(first), Some(count)) = (number(words.next()), number(words.next())) else {
                    return Err(format!("`{line}` does not begin with a block and a number of blocks"));
                };
                keys.extend((0..count).take(room).map(|block| first.wrapping_add(block)));
            }
            Self::Lirs => keys.extend(number(Some(line))),
            Self::Lines | Self::Longs => keys.push(number(Some(line)).unwrap_or_else(|| hash(line))),
        }
        Ok(())
    }
}

/// A number for a key that is none.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The first `length` keys of a file.
pub(super) fn read(file: &Path, format: Option<Format>, length: usize) -> Result<Vec<u64>, String> {
    let problem = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let bytes = std::fs::read(file).map_err(|error| problem(&error))?;
    format.unwrap_or_else(|| Format::of(file)).keys(&bytes, length).map_err(|error| problem(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_read() {
        let all = usize::MAX;
        assert_eq!(Format::Lines.keys(b"7\n\n 8 \nnine\n", all).unwrap(), [7, 8, hash("nine")]);
        assert_eq!(Format::Arc.keys(b"10 3 0 1\n5 1 0 2\n", all).unwrap(), [10, 11, 12, 5]);
        assert_eq!(Format::Arc.keys(b"10 99999999999 0 1\n", 2).unwrap(), [10, 11]);
        assert_eq!(Format::Lirs.keys(b"1\n*\n2\n", all).unwrap(), [1, 2]);
        assert_eq!(Format::Longs.keys(&[0, 0, 0, 0, 0, 0, 1, 2], all).unwrap(), [258]);
        assert_eq!(Format::Lines.keys(b"1\n2\n3", 2).unwrap(), [1, 2]);
    }

    #[test]
    fn what_is_no_trace_is_an_error_with_its_place() {
        assert!(Format::Longs.keys(&[0; 9], 5).unwrap_err().contains("9 bytes"));
        assert!(Format::Arc.keys(b"1 1\nx y\n", 5).unwrap_err().starts_with("line 2: "));
        assert!(read(Path::new("/nothing/here"), None, 1).unwrap_err().starts_with("/nothing/here: "));
    }

    #[test]
    fn the_format_follows_from_the_name() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!((of("P1.arc"), of("loop.trc"), of("x.longs")), (Format::Arc, Format::Lirs, Format::Longs));
        assert_eq!((of("keys.txt"), of("keys")), (Format::Lines, Format::Lines));
    }
}
