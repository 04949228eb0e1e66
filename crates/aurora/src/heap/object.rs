//! Objects with a header, and pairs, as they lie in memory.

use super::value::{TAG_MASK, TAG_OBJECT, TAG_PAIR, Value};
use terrane_gc::raw::Word;

/// What an object is. Kinds from [`Kind::FIRST_RAW`] on hold bytes, the others hold values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Vector = 0,
    /// The place of a variable that is assigned and shared with a closure.
    Cell = 1,
    /// Function number, then captured values.
    Closure = 2,
    /// Type, then fields.
    Record = 3,
    /// Characters (a `Bytes` object), then length and width.
    String = 4,
    /// Bytes: a bytevector, or the characters of a string.
    Bytes = 8,
    Flonum = 9,
}

impl Kind {
    const FIRST_RAW: u8 = Kind::Bytes as u8;

    fn from_bits(bits: u8) -> Kind {
        match bits {
            0 => Kind::Vector,
            1 => Kind::Cell,
            2 => Kind::Closure,
            3 => Kind::Record,
            4 => Kind::String,
            8 => Kind::Bytes,
            _ => Kind::Flonum,
        }
    }
}

const HEADER_TAG: u64 = 0b0101;
pub(super) const HEADER_MASK: u64 = 0b1111;
const KIND_SHIFT: u32 = 4;
const LENGTH_SHIFT: u32 = 8;
const WORD_BYTES: usize = 8;
/// Room for a forwarding word and alignment: nothing is smaller.
const OBJECT_BYTES_MIN: usize = 16;

/// A header word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header(u64);

impl Header {
    /// `length` counts slots, or bytes where the kind holds bytes.
    pub(super) fn new(kind: Kind, length: usize) -> Self {
        Self((length as u64) << LENGTH_SHIFT | (kind as u64) << KIND_SHIFT | HEADER_TAG)
    }

    pub(super) fn is_header(word: u64) -> bool {
        word & HEADER_MASK == HEADER_TAG
    }

    #[inline(always)]
    fn kind_bits(self) -> u8 {
        (self.0 >> KIND_SHIFT) as u8 & 0xF
    }

    #[inline(always)]
    pub(super) fn length(self) -> usize {
        (self.0 >> LENGTH_SHIFT) as usize
    }

    #[inline(always)]
    pub(super) fn slots(self) -> usize {
        if self.kind_bits() < Kind::FIRST_RAW { self.length() } else { 0 }
    }

    /// Size of the whole object.
    #[inline(always)]
    pub(super) fn object_bytes(self) -> usize {
        let payload = if self.kind_bits() < Kind::FIRST_RAW {
            self.length() * WORD_BYTES
        } else {
            self.length().next_multiple_of(WORD_BYTES)
        };
        (WORD_BYTES + payload).max(OBJECT_BYTES_MIN)
    }
}

/// The address of an object with a header. Good until the next call that may collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object(usize);

impl Object {
    #[inline(always)]
    pub(super) fn at(address: usize) -> Self {
        Self(address)
    }

    /// Writes the header of a new object.
    pub(super) fn begin(address: usize, kind: Kind, length: usize) -> Self {
        // SAFETY: the caller got `address` from the allocator with at least 16 bytes, 8-aligned and unshared.
        unsafe { (address as *mut u64).write(Header::new(kind, length).0) };
        Self(address)
    }

    #[inline(always)]
    pub(super) fn header(self) -> Header {
        // SAFETY: an `Object` is the address of a live object with a header (module rule in `heap`).
        Header(unsafe { (self.0 as *const u64).read() })
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        Kind::from_bits(self.header().kind_bits())
    }

    /// Number of slots, or of bytes.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        self.header().length()
    }

    #[inline(always)]
    pub(crate) fn value(self) -> Value {
        Value(Word(self.0 as u64 | TAG_OBJECT))
    }

    /// The value in a slot; `None` beyond the last one.
    #[inline(always)]
    pub(crate) fn slot(self, index: usize) -> Option<Value> {
        // SAFETY: the index is below the number of slots that the header of this live object states.
        (index < self.header().slots()).then(|| unsafe { self.slot_pointer(index).read() })
    }

    #[inline(always)]
    pub(super) fn slot_pointer(self, index: usize) -> *mut Value {
        (self.0 + WORD_BYTES + index * WORD_BYTES) as *mut Value
    }

    /// Fills a slot of an object that was allocated since the last call that may collect.
    ///
    /// # Panics
    /// Where there is no such slot.
    #[inline(always)]
    pub(crate) fn initialise(self, index: usize, value: Value) {
        assert!(index < self.header().slots(), "slot {index} of an object with {} slots", self.length());
        // SAFETY: in bounds by the line above; a new object needs no barrier (the collector scans it whole).
        unsafe { self.slot_pointer(index).write(value) };
    }

    /// The bytes of a raw object.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.header().kind_bits() < Kind::FIRST_RAW {
            return &[];
        }
        // SAFETY: a raw object has `length` bytes after its header; it is not moved while it is borrowed,
        // because moving needs a call that may collect, and callers end the borrow before one (module rule).
        unsafe { std::slice::from_raw_parts((self.0 + WORD_BYTES) as *const u8, self.length()) }
    }

    /// The bytes of a raw object, to be written.
    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        if self.header().kind_bits() < Kind::FIRST_RAW {
            return &mut [];
        }
        // SAFETY: as in `bytes`; the interpreter is single-threaded and makes one such borrow at a time.
        unsafe { std::slice::from_raw_parts_mut((self.0 + WORD_BYTES) as *mut u8, self.length()) }
    }

    #[inline(always)]
    pub(crate) fn flonum(self) -> f64 {
        // SAFETY: every object has a word after its header (16 bytes at least).
        f64::from_bits(unsafe { (self.0 as *const u64).add(1).read() })
    }

    pub(super) fn set_flonum(self, number: f64) {
        // SAFETY: every object has a word after its header (16 bytes at least).
        unsafe { (self.0 as *mut u64).add(1).write(number.to_bits()) };
    }
}

impl Value {
    /// The first half of a pair.
    #[inline(always)]
    pub(crate) fn car(self) -> Option<Value> {
        // SAFETY: a value with the pair tag is the address of a live pair (module rule in `heap`).
        self.is_pair().then(|| unsafe { self.pair_pointer().read() })
    }

    /// The second half of a pair.
    #[inline(always)]
    pub(crate) fn cdr(self) -> Option<Value> {
        // SAFETY: a value with the pair tag is the address of a live pair (module rule in `heap`).
        self.is_pair().then(|| unsafe { self.pair_pointer().add(1).read() })
    }

    #[inline(always)]
    pub(super) fn pair_pointer(self) -> *mut Value {
        (self.bits() & !TAG_MASK) as *mut Value
    }

    /// A new pair at an address that the allocator gave.
    #[inline(always)]
    pub(super) fn pair_at(address: usize, car: Value, cdr: Value) -> Value {
        let pointer = address as *mut Value;
        // SAFETY: the caller got 16 fresh bytes at `address`, 8-aligned and unshared.
        unsafe {
            pointer.write(car);
            pointer.add(1).write(cdr);
        }
        Value(Word(address as u64 | TAG_PAIR))
    }

    #[inline]
    pub(crate) fn as_flonum(self) -> Option<f64> {
        self.object(Kind::Flonum).map(Object::flonum)
    }
}
