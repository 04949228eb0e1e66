//! Measures what belongs on the system's allocator. Started by `bench`.

use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: System = System;

fn main() -> ExitCode {
    bench::child::main(bench::row::Home::Glibc)
}
