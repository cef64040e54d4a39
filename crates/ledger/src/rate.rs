//! The arithmetic of the shared start rate.

/// The gap between two starts for a rate that is no positive number: one a second, as it must not be none.
const FALLBACK_MICROS: i64 = 1_000_000;

/// The longest gap: a day, so that one reservation under an absurd rate cannot block all starts for ever.
const LONGEST_MICROS: f64 = 86_400e6;

/// The gap between two starts at `per_second`, in microseconds.
pub(crate) fn gap_micros(per_second: f64) -> i64 {
    if per_second.is_nan() || per_second <= 0.0 {
        return FALLBACK_MICROS;
    }
    (1e6 / per_second).min(LONGEST_MICROS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_the_rates_reciprocal_within_bounds() {
        for (per_second, gap) in [
            (20.0, 50_000),
            (0.5, 2_000_000),
            (1e9, 0),
            (f64::INFINITY, 0),
            (1e-9, 86_400_000_000),
        ] {
            assert_eq!(gap_micros(per_second), gap, "{per_second}");
        }
        for none in [0.0, -3.0, f64::NAN] {
            assert_eq!(gap_micros(none), FALLBACK_MICROS);
        }
    }
}
