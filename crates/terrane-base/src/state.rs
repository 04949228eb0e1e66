//! State that is written down and read again: configurations, statistics, the contents of a cache for a warm restart.
//!
//! ```text
//! "TRNS"  format: u8 = 1  length of kind: u8  kind  version: u32  length of payload: u64  payload  checksum: u64
//! ```
//!
//! Numbers are little-endian. The checksum is FNV-1a with 64 bits (Fowler, Noll and Vo) over all that comes before it: it finds
//! accidents, not forgery. So reading trusts no length, allocates nothing on the word of one, and whatever the bytes, the answer is
//! a value or an error.

use alloc::vec::Vec;
use core::fmt;

const MAGIC: [u8; 4] = *b"TRNS";
const FORMAT: u8 = 1;
const CHECKSUM_BYTES: usize = 8;

/// A value whose state can be written down and read again, also by a later version of the program.
///
/// ```
/// use terrane_base::{MemorySerializable, StateError, StateReader, StateWriter};
///
/// #[derive(Debug, PartialEq)]
/// struct HitRate { hits: u64, misses: u64 }
///
/// impl MemorySerializable for HitRate {
///     const KIND: &'static str = "hit-rate";
///     const VERSION: u32 = 2;
///
///     fn write_payload(&self, out: &mut StateWriter) {
///         out.u64(self.hits);
///         out.u64(self.misses);
///     }
///
///     fn read_payload(version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
///         // Version 1 had no misses.
///         Ok(Self { hits: from.u64()?, misses: if version < 2 { 0 } else { from.u64()? } })
///     }
/// }
///
/// let state = HitRate { hits: 90, misses: 10 }.serialize_state();
/// assert_eq!(HitRate::deserialize_state(&state)?, HitRate { hits: 90, misses: 10 });
/// let error = HitRate::deserialize_state(&state[..20]).unwrap_err();
/// assert_eq!(error.to_string(), "state ends at byte 20, in the middle of the length of the payload");
/// # Ok::<(), StateError>(())
/// ```
pub trait MemorySerializable: Sized {
    /// What kind of state this is: at most 255 bytes, and never changed.
    const KIND: &'static str;

    /// The version of the payload that is written now. Versions up to it can be read.
    const VERSION: u32;

    /// Writes the payload.
    fn write_payload(&self, out: &mut StateWriter);

    /// Reads a payload of `version`, which is at most [`VERSION`](MemorySerializable::VERSION). What is left over is an error.
    ///
    /// # Errors
    /// When the payload is none of that version.
    fn read_payload(version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError>;

    /// The state as bytes.
    #[must_use]
    fn serialize_state(&self) -> Vec<u8> {
        const { assert!(Self::KIND.len() <= u8::MAX as usize, "a kind has at most 255 bytes") };
        let mut out = StateWriter { bytes: Vec::new() };
        out.bytes.extend_from_slice(&MAGIC);
        out.u8(FORMAT);
        out.u8(Self::KIND.len() as u8);
        out.bytes.extend_from_slice(Self::KIND.as_bytes());
        out.u32(Self::VERSION);
        let length_at = out.bytes.len();
        out.u64(0);
        self.write_payload(&mut out);
        let length = (out.bytes.len() - length_at - 8) as u64;
        out.bytes[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
        let checksum = fnv1a(&out.bytes);
        out.u64(checksum);
        out.bytes
    }

    /// Reads what [`serialize_state`](MemorySerializable::serialize_state) wrote.
    ///
    /// # Errors
    /// When `state` is damaged, of another kind, or of a later version.
    fn deserialize_state(state: &[u8]) -> Result<Self, StateError> {
        let mut reader = StateReader { bytes: state, at: 0 };
        if reader.take(MAGIC.len(), "the signature")? != MAGIC {
            return Err(reader.error(0, StateProblem::NoState));
        }
        let format = reader.take(1, "the number of the format")?[0];
        if format != FORMAT {
            return Err(reader.error(4, StateProblem::Format(format)));
        }
        let kind_length = usize::from(reader.take(1, "the length of the kind")?[0]);
        if reader.take(kind_length, "the kind")? != Self::KIND.as_bytes() {
            return Err(reader.error(6, StateProblem::Kind(Self::KIND)));
        }
        let version = u32::from_le_bytes(reader.array("the version")?);
        let length = u64::from_le_bytes(reader.array("the length of the payload")?);
        let payload_at = reader.at;
        let end = payload_at.checked_add(usize::try_from(length).unwrap_or(usize::MAX));
        let expected = end.and_then(|end| end.checked_add(CHECKSUM_BYTES));
        if expected != Some(state.len()) {
            return Err(reader.error(payload_at - 8, StateProblem::Length { stated: length }));
        }
        let end = state.len() - CHECKSUM_BYTES;
        reader.at = end;
        if u64::from_le_bytes(reader.array("the checksum")?) != fnv1a(&state[..end]) {
            return Err(reader.error(end, StateProblem::Checksum));
        }
        // Only now, so that damage is not taken for a version.
        if version > Self::VERSION {
            return Err(
                reader.error(payload_at - 12, StateProblem::Version { found: version, known: Self::VERSION })
            );
        }
        let mut payload = StateReader { bytes: &state[..end], at: payload_at };
        let value = Self::read_payload(version, &mut payload)?;
        match payload.left() {
            0 => Ok(value),
            left => Err(payload.error(payload.at, StateProblem::LeftOver(left))),
        }
    }
}

/// Takes the parts of a payload.
#[derive(Debug)]
pub struct StateWriter {
    bytes: Vec<u8>,
}

impl StateWriter {
    /// Writes a number.
    pub fn u8(&mut self, number: u8) {
        self.bytes.push(number);
    }

    /// Writes a number.
    pub fn u32(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes a number.
    pub fn u64(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes bytes after their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes text after its length.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

/// Hands out the parts of a payload, in the order in which they were written.
#[derive(Debug)]
pub struct StateReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> StateReader<'a> {
    /// How many bytes are left. A count that was read is sensible only up to this.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When the payload ends before; so for all others.
    pub fn u8(&mut self) -> Result<u8, StateError> {
        self.take(1, "a number").map(|bytes| bytes[0])
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When the payload ends before.
    pub fn u32(&mut self) -> Result<u32, StateError> {
        self.array("a number").map(u32::from_le_bytes)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When the payload ends before.
    pub fn u64(&mut self) -> Result<u64, StateError> {
        self.array("a number").map(u64::from_le_bytes)
    }

    /// Reads bytes after their number.
    ///
    /// # Errors
    /// When the payload ends before.
    pub fn bytes(&mut self) -> Result<&'a [u8], StateError> {
        let length = u64::from_le_bytes(self.array("a length")?);
        self.take(usize::try_from(length).unwrap_or(usize::MAX), "bytes")
    }

    /// Reads text after its length.
    ///
    /// # Errors
    /// When the payload ends before, or has something else than UTF-8 there.
    pub fn text(&mut self) -> Result<&'a str, StateError> {
        let bytes = self.bytes()?;
        let start = self.at - bytes.len();
        core::str::from_utf8(bytes)
            .map_err(|error| self.error(start + error.valid_up_to(), StateProblem::Malformed("no UTF-8")))
    }

    /// An error at what was read last, for values that can be read and make no sense.
    #[must_use]
    pub fn malformed(&self, why: &'static str) -> StateError {
        self.error(self.at, StateProblem::Malformed(why))
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], StateError> {
        let rest = &self.bytes[self.at..];
        match rest.get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.error(self.bytes.len(), StateProblem::Ends(what))),
        }
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], StateError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    fn error(&self, at: usize, problem: StateProblem) -> StateError {
        StateError { at, problem }
    }
}

/// Why bytes are no state of a value. `Debug` writes the same text as `Display`, for a `main` that returns it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateError {
    /// At which byte.
    pub at: usize,
    /// What is wrong.
    pub problem: StateProblem,
}

/// What is wrong with bytes that should be a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateProblem {
    /// They do not begin as a state does.
    NoState,
    /// The layout around the payload is one that this program does not know.
    Format(u8),
    /// It is the state of something else than the kind that was asked for.
    Kind(&'static str),
    /// A later version of the program wrote it.
    Version {
        /// The version of the payload.
        found: u32,
        /// The last version that this program knows.
        known: u32,
    },
    /// The length that is stated does not fit the length of the whole.
    Length {
        /// The length of the payload, as stated.
        stated: u64,
    },
    /// They were changed since they were written.
    Checksum,
    /// They end in the middle of that.
    Ends(&'static str),
    /// The payload has bytes that nobody reads.
    LeftOver(usize),
    /// The payload says something that makes no sense.
    Malformed(&'static str),
}

impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match self.problem {
            StateProblem::NoState => f.write_str("these bytes are no saved state"),
            StateProblem::Format(number) => {
                write!(f, "state of format {number}; this program knows {FORMAT}")
            }
            StateProblem::Kind(expected) => write!(f, "state of something else than `{expected}`"),
            StateProblem::Version { found, known } => {
                write!(f, "state of version {found}; this program knows versions up to {known}")
            }
            StateProblem::Length { stated } => {
                write!(
                    f,
                    "state is damaged: {stated} bytes of payload are announced, which its size contradicts"
                )
            }
            StateProblem::Checksum => f.write_str("state is damaged: its checksum is wrong"),
            StateProblem::Ends(what) => write!(f, "state ends at byte {at}, in the middle of {what}"),
            StateProblem::LeftOver(count) => write!(f, "state has {count} bytes too many from byte {at} on"),
            StateProblem::Malformed(why) => write!(f, "state makes no sense at byte {at}: {why}"),
        }
    }
}

impl core::error::Error for StateError {}

fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x100_0000_01b3;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published test vectors of the hash.
    #[test]
    fn the_checksum_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
