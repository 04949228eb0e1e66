//! Allocation and mutation of Scheme objects.

use super::model::SchemeModel;
use super::object::{Kind, Object};
use super::value::{Immediate, Value};
use terrane_arena::FrameStack;
use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::{
    ArenaError, ArenaId, ArenaSummary, CollectionKind, CollectionRecord, Heap, HeapConfig, HeapStats,
    LARGE_OBJECT_MIN, RootSource, SMALL_OBJECT_MAX,
};

/// What the collector needs of whoever runs the program, and a place for values that only Rust holds.
pub(crate) trait Mutator: RootSource {
    /// Roots a value until the matching [`Mutator::unprotect`].
    fn protect(&mut self, value: Value);
    /// The value protected last, where it is now.
    fn unprotect(&mut self) -> Value;
    /// The stack over the heap's frame region, of which [`RootSource::frame_top`] is the top.
    fn frames(&mut self) -> &mut FrameStack;
}

/// Objects above this are born among the large objects.
pub(crate) const LARGE_BYTES_MIN: usize = LARGE_OBJECT_MIN;
/// Bytes of a pair.
pub(crate) const PAIR_BYTES: usize = 16;
/// No object is larger: sizes up to here can be rounded and summed without overflow.
const OBJECT_BYTES_MAX: usize = isize::MAX as usize / 2;
const FLONUM_BYTES: usize = 16;
const STRING_BYTES: usize = 24;
/// An arena's index in its handle; the other 32 bits of the payload are its generation.
const ARENA_INDEX_BITS: u32 = 24;

/// The heap of one engine.
#[derive(Debug)]
pub(crate) struct Memory {
    heap: Heap<SchemeModel>,
}

type Allocated = Result<Value, MemoryError>;

impl Memory {
    /// A heap, and the one stack over its frame region. The stack is used only while the heap lives.
    pub(crate) fn new(config: HeapConfig) -> Result<(Self, FrameStack), MemoryError> {
        let heap = Heap::new(config)?;
        let (base, size) = heap.frame_region();
        // SAFETY: the heap sets this region aside for its embedder's frames and keeps it in place and writable
        // while it lives; no other stack is made over it; the machine keeps both together.
        let frames = unsafe { FrameStack::over(base, size) };
        Ok((Self { heap }, frames))
    }

    /// The addresses of the heap's memory.
    pub(crate) fn address_ranges(&self) -> Vec<std::ops::Range<usize>> {
        self.heap.address_ranges()
    }

    pub(crate) fn limit(&self) -> Bytes {
        self.heap.limit()
    }

    pub(crate) fn set_observer(&mut self, observer: Box<dyn FnMut(&CollectionRecord)>) {
        self.heap.set_observer(observer);
    }

    pub(crate) fn stats(&self) -> HeapStats {
        self.heap.stats()
    }

    pub(crate) fn collect(
        &mut self,
        kind: CollectionKind,
        roots: &mut impl Mutator,
    ) -> Result<(), MemoryError> {
        self.heap.collect(kind, roots).map(drop)
    }

    /// Leaves the innermost frame: its objects are gone.
    #[inline(always)]
    pub(crate) fn leave_frame(&mut self, roots: &mut impl Mutator) {
        let top = roots.frames().leave();
        // SAFETY: the top of the stack over the frame region, which only `frame_room` pushes whole objects on.
        unsafe { self.heap.frames_left(top) };
    }

    /// Makes sure that the next `bytes` (in small objects) are there without a collection.
    pub(crate) fn room(&mut self, bytes: usize, roots: &mut impl Mutator) -> Result<(), MemoryError> {
        self.heap.reserve(bytes, roots)
    }

    /// A pair, if that needs no collection.
    #[inline(always)]
    pub(crate) fn try_pair(&mut self, car: Value, cdr: Value) -> Option<Value> {
        self.heap.bump(PAIR_BYTES).map(|at| Value::pair_at(at.as_ptr() as usize, car, cdr))
    }

    /// A pair, out of room that was asked for.
    ///
    /// # Panics
    /// Where no room was asked for.
    pub(crate) fn pair(&mut self, car: Value, cdr: Value) -> Value {
        self.try_pair(car, cdr).expect("room was asked for")
    }

    /// A pair in the running procedure's frame arena, if it has room.
    #[inline(always)]
    pub(crate) fn try_frame_pair(
        &mut self,
        roots: &mut impl Mutator,
        car: Value,
        cdr: Value,
    ) -> Option<Value> {
        frame_room(roots, PAIR_BYTES).map(|at| Value::pair_at(at, car, cdr))
    }

    /// A number of its own, out of room that was asked for.
    #[inline]
    pub(crate) fn try_flonum(&mut self, number: f64) -> Option<Value> {
        let at = self.heap.bump(FLONUM_BYTES)?;
        let object = Object::begin(at.as_ptr() as usize, Kind::Flonum, 8);
        object.set_flonum(number);
        Some(object.value())
    }

    pub(crate) fn flonum(&mut self, roots: &mut impl Mutator, number: f64) -> Allocated {
        if let Some(value) = self.try_flonum(number) {
            return Ok(value);
        }
        self.room(FLONUM_BYTES, roots)?;
        Ok(self.try_flonum(number).expect("room was asked for"))
    }

    /// An object with slots, every one holding 0, if that needs no collection. For small objects.
    #[inline]
    pub(crate) fn try_slots(&mut self, kind: Kind, count: usize) -> Option<Object> {
        let at = self.heap.bump(slots_bytes(count))?;
        Some(begin_slots(at.as_ptr() as usize, kind, count))
    }

    /// An object with slots in the frame arena, every slot holding 0.
    #[inline]
    pub(crate) fn try_frame_slots(
        &mut self,
        roots: &mut impl Mutator,
        kind: Kind,
        count: usize,
    ) -> Option<Object> {
        frame_room(roots, slots_bytes(count)).map(|at| begin_slots(at, kind, count))
    }

    /// An object with slots, every one holding 0.
    pub(crate) fn slots(
        &mut self,
        roots: &mut impl Mutator,
        kind: Kind,
        count: usize,
    ) -> Result<Object, MemoryError> {
        let bytes = slots_bytes(count);
        if bytes > OBJECT_BYTES_MAX {
            return Err(too_large(bytes));
        }
        let at = self.heap.alloc(bytes, roots)?.as_ptr() as usize;
        if bytes > SMALL_OBJECT_MAX {
            // A large object comes zeroed: clearing it again would only touch all its pages.
            return Ok(Object::begin(at, kind, count));
        }
        Ok(begin_slots(at, kind, count))
    }

    /// A bytes object, every byte 0.
    pub(crate) fn bytes(&mut self, roots: &mut impl Mutator, count: usize) -> Result<Object, MemoryError> {
        let bytes = raw_bytes(count);
        if bytes > OBJECT_BYTES_MAX {
            return Err(too_large(bytes));
        }
        let at = self.heap.alloc(bytes, roots)?;
        let mut object = Object::begin(at.as_ptr() as usize, Kind::Bytes, count);
        if bytes <= SMALL_OBJECT_MAX {
            // A large object comes zeroed.
            object.bytes_mut().fill(0);
        }
        Ok(object)
    }

    /// A string object around characters that are protected on top of the stack of protected values.
    pub(crate) fn string_of_protected(
        &mut self,
        roots: &mut impl Mutator,
        characters: usize,
        wide: bool,
    ) -> Allocated {
        let room = self.room(STRING_BYTES, roots);
        let payload = roots.unprotect();
        room?;
        let object = self.try_slots(Kind::String, 2).expect("room was asked for");
        object.initialise(0, payload);
        object.initialise(1, string_shape(characters, wide));
        Ok(object.value())
    }

    /// Stores into a slot of an object; `false` beyond the last slot.
    #[inline]
    pub(crate) fn set_slot(&mut self, object: Object, index: usize, value: Value) -> bool {
        if index >= object.header().slots() {
            return false;
        }
        // SAFETY: the slot is in bounds of a live object, and `write` tells the collector.
        unsafe { self.heap.write(object.value().0, object.slot_pointer(index).cast(), value.0) };
        true
    }

    /// Stores into the first (0) or second (1) half of a pair; `false` if it is none.
    #[inline]
    pub(crate) fn set_half(&mut self, pair: Value, half: usize, value: Value) -> bool {
        if !pair.is_pair() {
            return false;
        }
        // SAFETY: a live pair has two words, and `write` tells the collector.
        unsafe { self.heap.write(pair.0, pair.pair_pointer().add(half & 1).cast(), value.0) };
        true
    }

    /// A new arena; the value is a handle that goes stale when the arena is destroyed.
    pub(crate) fn arena_create(&mut self, first_block: Bytes) -> Allocated {
        let id = self.heap.arena_create(first_block)?;
        debug_assert!(
            id.to_bits() as u32 >> ARENA_INDEX_BITS == 0,
            "the young range has fewer blocks than this"
        );
        Ok(arena_value(id))
    }

    pub(crate) fn arena_enter(&mut self, arena: Value) -> Option<Result<(), ArenaError>> {
        arena_id(arena).map(|id| self.heap.arena_enter(id))
    }

    pub(crate) fn arena_leave(&mut self) {
        self.heap.arena_leave();
    }

    pub(crate) fn arena_destroy(
        &mut self,
        arena: Value,
        roots: &mut impl Mutator,
    ) -> Option<Result<ArenaSummary, ArenaError>> {
        arena_id(arena).map(|id| self.heap.arena_destroy(id, roots))
    }
}

/// Bytes of an object with so many slots; more than [`OBJECT_BYTES_MAX`] for what no memory can hold.
#[inline]
pub(crate) fn slots_bytes(count: usize) -> usize {
    count.saturating_mul(8).saturating_add(8).max(16)
}

/// Bytes of an object with so many bytes; more than [`OBJECT_BYTES_MAX`] for what no memory can hold.
#[inline]
pub(crate) fn raw_bytes(count: usize) -> usize {
    count.saturating_add(15).max(16) & !7
}

/// Room for an object in the frame arena of the running procedure.
#[inline]
fn frame_room(roots: &mut impl Mutator, bytes: usize) -> Option<usize> {
    if bytes > SMALL_OBJECT_MAX {
        return None;
    }
    roots.frames().alloc(bytes).map(|at| at.as_ptr() as usize)
}

#[inline]
fn begin_slots(at: usize, kind: Kind, count: usize) -> Object {
    let object = Object::begin(at, kind, count);
    for index in 0..count.max(1) {
        // SAFETY: the allocation has at least 16 bytes and room for `count` slots; a lone padding word is cleared too.
        unsafe { object.slot_pointer(index).write(Value::ZERO) };
    }
    object
}

fn too_large(requested: usize) -> MemoryError {
    MemoryError::AllocationTooLarge {
        requested: Bytes::new(requested as u64),
        max: Bytes::new(OBJECT_BYTES_MAX as u64),
    }
}

fn string_shape(characters: usize, wide: bool) -> Value {
    Value::fixnum((characters as i64) << 1 | i64::from(wide))
}

fn arena_value(id: ArenaId) -> Value {
    let (index, generation) = (id.to_bits() as u32, id.to_bits() >> 32);
    Value::immediate(Immediate::Arena, generation << ARENA_INDEX_BITS | u64::from(index))
}

fn arena_id(value: Value) -> Option<ArenaId> {
    let bits = value.payload(Immediate::Arena)?;
    Some(ArenaId::from_bits(bits >> ARENA_INDEX_BITS << 32 | bits & ((1 << ARENA_INDEX_BITS) - 1)))
}

/// The parts of a string object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StringParts {
    pub(crate) object: Object,
    pub(crate) characters: Object,
    pub(crate) length: usize,
    /// Four bytes a character instead of one.
    pub(crate) wide: bool,
}

impl Value {
    /// The parts of a string.
    pub(crate) fn string_parts(self) -> Option<StringParts> {
        let object = self.object(Kind::String)?;
        let characters = object.slot(0)?.object(Kind::Bytes)?;
        let shape = object.slot(1)?.as_fixnum()?;
        Some(StringParts { object, characters, length: (shape >> 1) as usize, wide: shape & 1 == 1 })
    }
}

impl Memory {
    /// Gives a string other characters, of another width perhaps.
    pub(crate) fn replace_characters(
        &mut self,
        string: Object,
        characters: Value,
        length: usize,
        wide: bool,
    ) {
        self.set_slot(string, 0, characters);
        self.set_slot(string, 1, string_shape(length, wide));
    }
}
