//! [`Sample`]: figures of several rounds, and what they come to.

/// Figures of several rounds.
///
/// A figure that is no number, as that of a round in which nothing was done, keeps its place, so
/// that rounds still belong together, and counts for nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Sample {
        Sample(figures.into_iter().collect())
    }
}

impl Sample {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The figures that are numbers, in ascending order.
    pub(crate) fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.0.iter().copied().filter(|it| it.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// Not a number if there is none.
    pub(crate) fn median(&self) -> f64 {
        quantile(&self.sorted(), 0.5)
    }

    /// The quartiles. Not numbers if there is none.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (quantile(&sorted, 0.25), quantile(&sorted, 0.75))
    }

    /// What it is over `base`, round by round.
    pub(crate) fn over(&self, base: &Sample) -> Sample {
        self.0.iter().zip(&base.0).map(|(figure, base)| figure - base).collect()
    }

    /// What it is as a part of `base`, round by round.
    pub(crate) fn divided_by(&self, base: &Sample) -> Sample {
        self.0.iter().zip(&base.0).map(|(figure, base)| figure / base).collect()
    }
}

/// The value below which such a part lies: between two figures, in proportion.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = last as f64 * part;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::Sample;

    fn sample(figures: &[f64]) -> Sample {
        figures.iter().copied().collect()
    }

    #[test]
    fn the_median_of_an_odd_number_is_the_one_in_the_middle() {
        assert_eq!(sample(&[5.0, 1.0, 9.0, 3.0, 7.0]).median(), 5.0);
        assert_eq!(sample(&[4.0]).median(), 4.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(sample(&[4.0, 1.0, 2.0, 9.0]).median(), 3.0);
    }

    #[test]
    fn quartiles_are_those_of_the_textbook() {
        assert_eq!(sample(&[5.0, 1.0, 4.0, 2.0, 3.0]).spread(), (2.0, 4.0));
        assert_eq!(sample(&[1.0, 2.0, 3.0, 4.0]).spread(), (1.75, 3.25));
        assert_eq!(sample(&[8.0]).spread(), (8.0, 8.0));
    }

    #[test]
    fn what_is_no_number_keeps_its_place_and_counts_for_nothing() {
        let ratio = sample(&[2.0, f64::NAN, 6.0]).divided_by(&sample(&[1.0, 1.0, 2.0]));
        assert_eq!(ratio.sorted(), [2.0, 3.0]);
        assert_eq!(sample(&[f64::INFINITY, 2.0]).median(), 2.0);
        assert!(sample(&[f64::NAN]).median().is_nan());
        assert!(sample(&[]).spread().0.is_nan());
    }

    #[test]
    fn ratios_and_differences_are_made_round_by_round() {
        let (figures, base) = (sample(&[2.0, 30.0, 4.0]), sample(&[1.0, 10.0, 2.0, 7.0]));
        assert_eq!(figures.divided_by(&base).sorted(), [2.0, 2.0, 3.0]);
        assert_eq!(figures.over(&base).sorted(), [1.0, 2.0, 20.0]);
    }
}
