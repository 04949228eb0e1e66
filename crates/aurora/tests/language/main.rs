//! The language: programs and what they must print, as they are and under stress.

mod data;
mod forms;

use aurora::{Engine, Options, Source};

/// The output of a program, and the failure after it, if any.
pub(crate) fn output(text: &str, options: Options) -> String {
    let mut engine = Engine::new(options).expect("an engine can be made");
    let (output, result) = engine.run_captured(&Source::new("t.scm", text));
    match result {
        Ok(()) => output,
        Err(failure) => format!("{output}!! {failure}"),
    }
}

/// Checks each program, as it is and under stress.
pub(crate) fn check(table: &[(&str, &str)]) {
    let stressed = Options::default().with_gc_stress(std::num::NonZeroU64::new(3)).with_gc_verify(true);
    for (program, expected) in table {
        assert_eq!(output(program, Options::default()), *expected, "{program}");
        assert_eq!(output(program, stressed.clone()), *expected, "under stress: {program}");
    }
}
