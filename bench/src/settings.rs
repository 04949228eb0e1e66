//! A rival in several settings.
//!
//! Some libraries have settings that change their speed, and which is the fastest depends on the program. A rival is
//! measured at its best: in each of its settings, and the fastest counts. Each setting gives figures of its own for the
//! copies of its loop, so that the choice is made on medians over all rounds (see [`crate::orchestrator`]).

use crate::row::{Measurement, Mode};

/// Measures a program in one setting.
pub type Setting = fn(Mode) -> Measurement;

/// Measures in each of the settings, one after the other.
///
/// # Panics
///
/// When two settings compute different results.
pub fn each_of<const SETTINGS: usize>(
    settings: [Setting; SETTINGS],
) -> impl Fn(Mode) -> Measurement + 'static {
    move |mode| {
        let mut all: Option<Measurement> = None;
        for setting in settings {
            let measurement = setting(mode);
            let Some(all) = &mut all else {
                all = Some(measurement);
                continue;
            };
            assert_eq!(all.checksum, measurement.checksum, "two settings compute different results");
            all.ns_by_copy.extend(measurement.ns_by_copy);
        }
        all.expect("a rival has at least one setting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_all_settings_are_kept() {
        let slow: Setting = |_| Measurement { ns_by_copy: vec![2.0, 3.0], checksum: 7 };
        let fast: Setting = |_| Measurement { ns_by_copy: vec![1.0], checksum: 7 };
        let measurement = each_of([slow, fast])(Mode::Quick);
        assert_eq!(measurement, Measurement { ns_by_copy: vec![2.0, 3.0, 1.0], checksum: 7 });
    }

    #[test]
    #[should_panic(expected = "different results")]
    fn a_setting_that_computes_something_else_is_noticed() {
        let one: Setting = |_| Measurement { ns_by_copy: vec![1.0], checksum: 1 };
        let two: Setting = |_| Measurement { ns_by_copy: vec![1.0], checksum: 2 };
        let _ = each_of([one, two])(Mode::Quick);
    }
}
