//! Tries the pages of WebAssembly inside WebAssembly:
//!
//! ```sh
//! cargo build -p terrane-pages --example wasm_pages --target wasm32-unknown-unknown
//! node -e "WebAssembly.instantiate(require('fs').readFileSync(
//!     'target/wasm32-unknown-unknown/debug/examples/wasm_pages.wasm')).then(({instance}) =>
//!     process.exit(instance.exports.failed_check()))"
//! ```
//!
//! `failed_check` is 0 when all is well, otherwise the number of the check that failed. On other targets it tries the best source there.

use terrane_pages::{AddressRange, PageSource, system_pages};

/// The number of the first check that failed, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn failed_check() -> u32 {
    let source = system_pages();
    let page = source.page_size();
    if cfg!(target_arch = "wasm32") && page != 64 << 10 {
        return 1;
    }
    let Ok(first) = AddressRange::reserve(source.clone(), 4 * page, 4 * page) else { return 2 };
    let start = first.base().addr().get();
    if !start.is_multiple_of(4 * page) {
        return 3;
    }
    if !is_usable(&first) {
        return 4;
    }
    // The allocator of the program grows the same memory in between.
    let between = vec![0xAAu8; 8 * page];
    drop(first);
    let Ok(again) = AddressRange::reserve(source.clone(), 4 * page, 4 * page) else { return 5 };
    if cfg!(target_arch = "wasm32") && again.base().addr().get() != start {
        return 6;
    }
    if !is_usable(&again) {
        return 7;
    }
    if between.iter().any(|byte| *byte != 0xAA) {
        return 8;
    }
    // More than there are addresses: four GiB and what is there already.
    if cfg!(target_arch = "wasm32") {
        let many = [(); 4].map(|()| AddressRange::reserve(source.clone(), 1 << 30, page));
        if many.iter().all(Result::is_ok) {
            return 9;
        }
    }
    0
}

/// Whether all of it is zero when it is committed, can be written, and is zero again after a decommit.
fn is_usable(range: &AddressRange) -> bool {
    let (base, size) = (range.base().as_ptr(), range.size());
    if range.commit(0, size).is_err() {
        return false;
    }
    // SAFETY: all of it is committed, and nobody else knows of it; the slice ends before the decommit.
    unsafe {
        let bytes = core::slice::from_raw_parts_mut(base, size);
        let was_zero = bytes.iter().all(|byte| *byte == 0);
        bytes.fill(0xDB);
        was_zero
            && range.decommit(0, size).is_ok()
            && range.commit(0, size).is_ok()
            && core::slice::from_raw_parts(base, size).iter().all(|byte| *byte == 0)
    }
}
