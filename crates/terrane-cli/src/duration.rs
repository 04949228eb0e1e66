//! Durations as people read them: three digits and a unit.

/// `812 ns`, `12.3 µs`, `4.56 ms`, `1.23 s`.
pub(crate) fn display(nanoseconds: u64) -> String {
    let (unit, divisor) = match nanoseconds {
        0..=999 => return format!("{nanoseconds} ns"),
        1_000..=999_499 => ("µs", 1e3),
        999_500..=999_499_999 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = nanoseconds as f64 / divisor;
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::display;

    #[test]
    fn three_digits_and_a_unit() {
        for (nanoseconds, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (9_996_000, "10.0 ms"),
            (456_000_000, "456 ms"),
            (999_600_000, "1.00 s"),
            (1_234_000_000, "1.23 s"),
            (83_000_000_000, "83.0 s"),
        ] {
            assert_eq!(display(nanoseconds), text);
        }
    }
}
