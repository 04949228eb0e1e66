//! Compiles the programs of Boehm's collector, where that is installed. Where it is not, `cfg(boehm)` is not set, and
//! its contenders are absent.

fn main() {
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
