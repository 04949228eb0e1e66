//! The header word of an object of the safe tier.
//!
//! ```text
//! …000  address of the type's description
//! …010  address of the object's side block, which knows the type as well
//! …001  address the object was moved to (only while a collection runs)
//! ```
//!
//! A *side block* hangs on those few objects that have a weak reference, a finalizer, an identity hash, a value with
//! a destructor or an entry in a weak map (the sync block of the Common Language Runtime). So all the others pay
//! nothing for it.

use crate::heap::side::SideBlock;

use crate::raw::Word;

use super::{PAYLOAD_OFFSET, TypeInfo};

const SIDE_TAG: usize = 0b010;
const MOVED_TAG: usize = 0b001;
const TAGS: usize = 0b111;

/// The first word of an object.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header(usize);

/// Where the header of an object is.
#[inline(always)]
pub(crate) fn header_of(object: Word) -> *mut Header {
    core::ptr::with_exposed_provenance_mut(object.0 as usize - PAYLOAD_OFFSET)
}

impl Header {
    pub(crate) fn of(info: &'static TypeInfo) -> Self {
        Self(core::ptr::from_ref(info).expose_provenance())
    }

    pub(crate) fn with_side(block: *mut SideBlock) -> Self {
        Self(block.expose_provenance() | SIDE_TAG)
    }

    pub(crate) fn moved_to(address: usize) -> Self {
        Self(address | MOVED_TAG)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits as usize)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0 as u64
    }

    #[inline(always)]
    pub(crate) fn moved(self) -> Option<usize> {
        (self.0 & MOVED_TAG != 0).then_some(self.0 & !TAGS)
    }

    #[inline(always)]
    pub(crate) fn side(self) -> Option<*mut SideBlock> {
        (self.0 & TAGS == SIDE_TAG).then(|| core::ptr::with_exposed_provenance_mut(self.0 & !TAGS))
    }

    /// What kind of object it is, if it has no side block.
    ///
    /// # Safety
    ///
    /// As for [`info`](Self::info).
    #[inline(always)]
    pub(crate) unsafe fn plain_info(self) -> Option<&'static TypeInfo> {
        // SAFETY: without a tag it is the address of a description, which is static.
        (self.0 & TAGS == 0).then(|| unsafe { &*core::ptr::with_exposed_provenance(self.0) })
    }

    /// What kind of object it is.
    ///
    /// # Safety
    ///
    /// The header is that of an initialised object that was not moved.
    #[inline(always)]
    pub(crate) unsafe fn info(self) -> &'static TypeInfo {
        // SAFETY: by the caller's promise the word is one of the first two kinds; type descriptions are static, and a
        // side block lives at least as long as its object.
        unsafe {
            match self.side() {
                None => &*core::ptr::with_exposed_provenance(self.0),
                Some(block) => (*block).info,
            }
        }
    }
}
