//! What the collector knows of a type at run time.

use core::any::type_name;
use core::mem::{align_of, needs_drop, size_of};

use super::{Shape, Trace, Tracer};

/// Bytes from an object's start to its value.
pub(crate) const PAYLOAD_OFFSET: usize = 8;
/// No object is shorter.
const OBJECT_MIN: usize = 16;

/// Description of a type, one static for each.
#[repr(align(8))]
pub(crate) struct TypeInfo {
    /// Bytes of an object all of whose slots are in `fixed_slots`; 0: there is more to it.
    pub(crate) fixed_size: usize,
    /// Bit `i` is set where word `i` of the object, its header included, is a slot.
    pub(crate) fixed_slots: u64,
    /// Bytes of the object, header included; of an array without its elements.
    pub(crate) size: usize,
    /// Bytes of an element; 0: not an array.
    pub(crate) stride: usize,
    /// Of the value; of an array, of one element.
    pub(crate) shape: Shape,
    /// Traces the value, or one element.
    pub(crate) trace: unsafe fn(*mut u8, &mut Tracer<'_>),
    /// Drops the value.
    pub(crate) drop: Option<unsafe fn(*mut u8)>,
    pub(crate) name: fn() -> &'static str,
}

impl core::fmt::Debug for TypeInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TypeInfo")
            .field("name", &(self.name)())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Carries the descriptions as constants of a type.
struct Described<T>(core::marker::PhantomData<T>);

impl<T: Trace> Described<T> {
    const VALUE: TypeInfo = {
        assert!(align_of::<T>() <= 8, "a collected type is aligned to at most 8 bytes: box what needs more");
        let size = PAYLOAD_OFFSET + size_of::<T>().next_multiple_of(8);
        let size = if size < OBJECT_MIN { OBJECT_MIN } else { size };
        let fixed_slots = match T::SHAPE.at(PAYLOAD_OFFSET) {
            Shape::Words(words) => Some(words),
            Shape::Dynamic => None,
        };
        TypeInfo {
            fixed_size: if fixed_slots.is_some() { size } else { 0 },
            fixed_slots: match fixed_slots {
                Some(words) => words,
                None => 0,
            },
            size,
            stride: 0,
            shape: T::SHAPE,
            trace: trace_erased::<T>,
            drop: if needs_drop::<T>() { Some(drop_erased::<T>) } else { None },
            name: type_name::<T>,
        }
    };

    const ARRAY: TypeInfo = {
        assert!(align_of::<T>() <= 8, "a collected type is aligned to at most 8 bytes: box what needs more");
        assert!(!needs_drop::<T>(), "elements of a collected array have no destructor");
        TypeInfo {
            fixed_size: 0,
            fixed_slots: 0,
            size: OBJECT_MIN,
            stride: size_of::<T>(),
            shape: T::SHAPE,
            trace: trace_erased::<T>,
            drop: None,
            name: type_name::<T>,
        }
    };
}

impl TypeInfo {
    /// The description of `T`.
    #[inline(always)]
    pub(crate) fn of<T: Trace>() -> &'static Self {
        &Described::<T>::VALUE
    }

    /// The description of an array of `T`: header, length, elements.
    #[inline(always)]
    pub(crate) fn of_array<T: Trace>() -> &'static Self {
        &Described::<T>::ARRAY
    }

    /// Bytes of an array of `len` elements; `None` when no address space holds it.
    pub(crate) fn array_bytes(&self, len: usize) -> Option<usize> {
        let bytes = self.stride.checked_mul(len)?.checked_add(self.size)?;
        (bytes <= isize::MAX as usize - 8).then(|| bytes.next_multiple_of(8))
    }
}

/// # Safety
///
/// `value` points to a `T` as [`Trace::trace`] demands.
unsafe fn trace_erased<T: Trace>(value: *mut u8, tracer: &mut Tracer<'_>) {
    // SAFETY: the caller's promise.
    unsafe { T::trace(value.cast(), tracer) }
}

/// # Safety
///
/// `value` points to a `T` that is dropped once and not used afterwards.
unsafe fn drop_erased<T>(value: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { core::ptr::drop_in_place(value.cast::<T>()) }
}
