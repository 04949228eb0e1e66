//! The default heap limit: three quarters of what the machine has, or of what the control group allows where that is less. A program that runs
//! away then ends with an error instead of taking the machine with it.

use std::path::Path;

use terrane_base::Bytes;
use terrane_pages::usable_memory;

/// Three quarters of the memory that this process can hope for; `None` where the system does not say.
pub(crate) fn default_heap_limit() -> Option<Bytes> {
    usable_memory(Path::new("/")).map(|usable| Bytes::new(usable.as_u64() / 4 * 3))
}
