//! [`Scale`]: from values to places of a plot.

/// From values to places of a plot, linear or logarithmic. What lies outside is drawn at the edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    is_logarithmic: bool,
    values: (f64, f64),
    places: (f64, f64),
}

impl Scale {
    /// From 0 to `greatest`.
    pub(super) fn linear(greatest: f64, places: (f64, f64)) -> Scale {
        let greatest = if greatest > 0.0 { greatest } else { 1.0 };
        Scale { is_logarithmic: false, values: (0.0, greatest), places }
    }

    /// From the least to the greatest of some positive values, with a little room at both ends.
    pub(super) fn logarithmic(
        values: impl IntoIterator<Item = f64>,
        places: (f64, f64),
    ) -> Option<Scale> {
        let values = values.into_iter().filter(|value| *value > 0.0 && value.is_finite());
        let (least, greatest) = values
            .fold((f64::INFINITY, 0.0_f64), |(least, greatest), value| {
                (least.min(value), greatest.max(value))
            });
        let values = (least / 1.06, greatest * 1.06);
        (least <= greatest).then_some(Scale { is_logarithmic: true, values, places })
    }

    /// Where a value is drawn.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (least, greatest) = self.values;
        let value = value.clamp(least, greatest);
        let part = if self.is_logarithmic {
            (value / least).ln() / (greatest / least).ln()
        } else {
            (value - least) / (greatest - least)
        };
        self.places.0 + part * (self.places.1 - self.places.0)
    }

    /// Values to be marked, which are `apart` from each other at least, and round.
    pub(super) fn ticks(&self, apart: f64) -> Vec<f64> {
        let (least, greatest) = self.values;
        let candidates: Vec<f64> = if self.is_logarithmic {
            // The roundest first: others are only taken where there is room.
            let decades = least.log10().floor() as i32..=greatest.log10().ceil() as i32;
            let of = |factor: f64| decades.clone().map(move |decade| factor * 10_f64.powi(decade));
            let factors = [1.0, 2.0, 5.0, 3.0, 1.5, 7.0, 1.2, 4.0, 1.1, 1.3, 1.4, 9.0, 8.0, 6.0];
            // Over many decades, these alone tell how long one is.
            let factors = if greatest / least > 100.0 { &factors[..1] } else { &factors[..] };
            factors.iter().copied().flat_map(of).collect()
        } else {
            let steps = ((self.places.1 - self.places.0).abs() / apart).max(1.0);
            let step = round_up((greatest - least) / steps);
            (0..=steps as u32 + 1).map(|number| f64::from(number) * step).collect()
        };
        let mut ticks = Vec::<f64>::new();
        for candidate in candidates {
            let has_room = |tick: &f64| (self.at(*tick) - self.at(candidate)).abs() >= apart;
            let is_inside = (least..=greatest).contains(&candidate);
            if is_inside && ticks.iter().all(has_room) {
                ticks.push(candidate);
            }
        }
        ticks.sort_by(f64::total_cmp);
        ticks
    }
}

/// The next number that is 1, 2 or 5, times a power of 10.
fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0].into_iter();
    factors.map(|factor| factor * power).find(|it| *it >= number).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn a_linear_scale_has_round_ticks_that_are_apart() {
        let scale = Scale::linear(470.0, (0.0, 100.0));
        assert_eq!(scale.ticks(20.0), [0.0, 100.0, 200.0, 300.0, 400.0]);
        assert_eq!(scale.at(235.0), 50.0);
        assert_eq!(scale.at(1e9), 100.0);
    }

    #[test]
    fn a_logarithmic_scale_has_decades_first() {
        let scale = Scale::logarithmic([1000.0, 900_000.0], (0.0, 300.0)).unwrap();
        assert_eq!(scale.ticks(60.0), [1000.0, 10_000.0, 100_000.0]);
        let narrow = Scale::logarithmic([0.9, 1.6], (0.0, 200.0)).unwrap().ticks(30.0);
        assert!(narrow.contains(&1.0) && narrow.len() >= 3, "{narrow:?}");
    }

    #[test]
    fn there_is_no_scale_without_values_and_no_place_that_is_no_number() {
        assert!(Scale::logarithmic([0.0, f64::NAN], (0.0, 1.0)).is_none());
        let single = Scale::logarithmic([5.0], (0.0, 10.0)).unwrap();
        assert!(single.at(5.0).is_finite() && single.at(0.0).is_finite());
        assert!(Scale::linear(0.0, (0.0, 10.0)).at(0.0).is_finite());
    }
}
