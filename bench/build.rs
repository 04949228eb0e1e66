//! Compiles what is not in Rust. Where a compiler or a library is missing, a `cfg` is not set, and its contenders are absent.

fn main() {
    compile_heap();
    compile_boehm();
}

/// The C++ heap.
fn compile_heap() {
    println!("cargo::rustc-check-cfg=cfg(cpp)");
    println!("cargo::rerun-if-changed=c/heap.cpp");
    let built = cc::Build::new()
        .cpp(true)
        .file("c/heap.cpp")
        .std("c++17")
        .opt_level(3)
        .cargo_warnings(false)
        .try_compile("heap");
    if built.is_ok() {
        println!("cargo::rustc-cfg=cpp");
    }
}

/// The programs of Boehm's collector, where that is installed.
fn compile_boehm() {
    println!("cargo::rustc-check-cfg=cfg(boehm)");
    for file in ["build.rs", "c/boehm.c", "c/boehm_probe.c"] {
        println!("cargo::rerun-if-changed={file}");
    }
    // A file that does not exist counts as changed: this runs again until the collector is there.
    println!("cargo::rerun-if-changed=/usr/include/gc/gc.h");
    let probe = cc::Build::new()
        .file("c/boehm_probe.c")
        .cargo_metadata(false)
        .cargo_warnings(false)
        .try_compile("probe");
    if probe.is_err() {
        return;
    }
    cc::Build::new().file("c/boehm.c").compile("boehm_programs");
    println!("cargo::rustc-link-lib=gc");
    println!("cargo::rustc-cfg=boehm");
}
