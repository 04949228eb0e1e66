//! Text that may be a program: read, expanded, analysed. It is not run, since it need not end.

/// Explains the bytes as if they were a program's text.
///
/// # Panics
/// Never, if all is well: what is no program is an error.
pub fn scheme(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    _ = aurora::explain(&aurora::Source::new("fuzz.scm", text));
}
