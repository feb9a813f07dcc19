//! Whether a measure grows: the line with the least squares through its samples.

/// The slope of that line, per unit of the first coordinate; `None` for less than two places.
#[expect(clippy::cast_precision_loss, reason = "a run has some hundred samples")]
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let rise: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (spread > 0.0).then(|| rise / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_line_and_noise_around_it_changes_nothing() {
        let line = [(0.0, 10.0), (1.0, 12.0), (2.0, 14.0), (3.0, 16.0)];
        assert_eq!(slope(&line), Some(2.0));
        let noisy = [(0.0, 11.0), (1.0, 9.0), (2.0, 9.0), (3.0, 11.0)];
        assert_eq!(slope(&noisy), Some(0.0));
    }

    #[test]
    fn a_single_place_has_no_slope() {
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
