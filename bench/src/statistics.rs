//! Medians.

/// The median; of an even number of figures, the mean of the two in the middle.
///
/// # Panics
///
/// On an empty slice and on a figure that is not a number: neither is a measurement.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    assert!(!figures.is_empty(), "a median needs at least one figure");
    assert!(figures.iter().all(|figure| !figure.is_nan()), "a figure is not a number");
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// How far the figures lie apart: (largest − smallest) / median.
///
/// # Panics
///
/// As [`median`].
#[must_use]
pub fn spread(figures: &[f64]) -> f64 {
    let middle = median(figures);
    let largest = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = figures.iter().copied().fold(f64::INFINITY, f64::min);
    (largest - smallest) / middle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-12
    }

    #[test]
    fn the_median_ignores_order_and_outliers() {
        assert!(close(median(&[3.0]), 3.0));
        assert!(close(median(&[9.0, 1.0, 1e9]), 9.0));
        assert!(close(median(&[4.0, 1.0, 2.0, 1e9]), 3.0));
    }

    #[test]
    fn the_spread_is_relative_to_the_median() {
        assert!(close(spread(&[5.0, 5.0]), 0.0));
        assert!(close(spread(&[8.0, 10.0, 13.0]), 0.5));
    }

    #[test]
    #[should_panic(expected = "at least one figure")]
    fn no_figures_have_no_median() {
        let _ = median(&[]);
    }

    #[test]
    #[should_panic(expected = "not a number")]
    fn nan_is_no_figure() {
        let _ = median(&[1.0, f64::NAN]);
    }
}
