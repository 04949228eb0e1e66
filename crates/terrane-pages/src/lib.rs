//! Pages from the operating system: reserve, commit, chunks, the address map, fault injection.
//!
//! Memory passes through two states. *Reserved* address space belongs to us and costs nothing; *committed*
//! memory in it can be used. All of it comes from a [`PageSource`]:
//!
//! | Source | Where from |
//! |---|---|
//! | `OsPages` | the operating system (feature `os`, on Unix and Windows) |
//! | `HugeTlbPages` | Linux's pool of huge pages (feature `os`) |
//! | `WasmPages` | WebAssembly's linear memory |
//! | [`HeapPages`] | the global allocator: works everywhere, also under `no_std` |
//! | [`FaultyPages`] | another source, with failures injected on demand |
//! | `BudgetedPages` | another source, with what is committed charged to a budget (feature `std`) |
//!
//! On top of a source stand three owners of memory: [`AddressRange`], one contiguous range; [`ChunkSpace`],
//! which hands out aligned 4 MiB chunks and answers "whose is this address" in a few instructions; and [`PageBuffer`], bytes on
//! pages of their own.
//!
//! Beside that, what the system says about memory: [`MachineMemory`] and [`PageTrial`] for people, [`system_limit`] and [`PressureMonitor`] for
//! budgets, [`PressureWatcher`] for who wants to be told; and [`Populator`], a thread that has pages ready before they are touched. And two allocators that charge a budget: [`BudgetedGlobal`] and
//! `BudgetedAllocator` (feature `allocator-api2`).
//!
//! Without default features the crate is `no_std` (with `alloc`) and depends on nothing but `terrane-base`.
//!
//! ```
//! use terrane_pages::{AddressRange, system_pages};
//!
//! let source = system_pages();
//! let page = source.page_size();
//! let range = AddressRange::reserve(source, 1 << 30, page)?; // a GiB of addresses, no memory yet
//! range.commit(0, page)?;
//! // SAFETY: the first page was just committed and nobody else knows of it.
//! assert_eq!(unsafe { range.base().read() }, 0);
//! # Ok::<(), terrane_pages::PageError>(())
//! ```
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(feature = "allocator-api2")]
mod budgeted_allocator;
#[cfg(feature = "std")]
mod budgeted_global;
#[cfg(feature = "std")]
mod budgeted_pages;
mod chunk_table;
mod chunks;
mod error;
mod faulty;
#[cfg(any(target_arch = "wasm32", test))]
mod grow_only;
mod heap;
mod huge;
#[cfg(all(feature = "os", target_os = "linux"))]
mod hugetlb;
#[cfg(feature = "os")]
mod machine;
#[cfg(all(feature = "os", unix))]
mod os;
mod page_buffer;
#[cfg(feature = "std")]
mod populator;
#[cfg(feature = "os")]
mod pressure;
#[cfg(feature = "os")]
mod process;
mod range;
mod scattered;
mod source;
#[cfg(feature = "os")]
mod trial;
#[cfg(target_arch = "wasm32")]
mod wasm;
#[cfg(all(feature = "os", windows))]
mod windows;
mod zeroed;

#[cfg(feature = "allocator-api2")]
pub use budgeted_allocator::BudgetedAllocator;
#[cfg(feature = "std")]
pub use budgeted_global::BudgetedGlobal;
#[cfg(feature = "std")]
pub use budgeted_pages::BudgetedPages;
pub use chunks::{CHUNK_SIZE, ChunkSpace, Owner};
pub use error::{PageError, PageOperation};
pub use faulty::FaultyPages;
pub use heap::HeapPages;
pub use huge::{HUGE_PAGE_SIZE, HugePages};
#[cfg(all(feature = "os", target_os = "linux"))]
pub use hugetlb::HugeTlbPages;
#[cfg(feature = "os")]
pub use machine::{HugePool, LockLimit, MachineMemory, Overcommit, TransparentHugePages, usable_memory};
#[cfg(all(feature = "os", unix))]
pub use os::OsPages;
pub use page_buffer::PageBuffer;
#[cfg(feature = "std")]
pub use populator::Populator;
#[cfg(feature = "os")]
pub use pressure::{
    Cgroup, CgroupLimits, MemoryEvents, ParseStallError, PressureMonitor, PressureWatcher, StallShares,
    system_limit,
};
#[cfg(feature = "os")]
pub use process::{ProcessMemory, process_memory, resident_bytes_within};
pub use range::AddressRange;
pub use source::{PageSource, system_pages};
#[cfg(feature = "os")]
pub use trial::PageTrial;
#[cfg(target_arch = "wasm32")]
pub use wasm::WasmPages;
#[cfg(all(feature = "os", windows))]
pub use windows::OsPages;
