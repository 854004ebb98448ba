//! [`Sample`]: figures of several rounds, and what they come to.

/// Figures of several rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The quartiles.
    pub(crate) fn spread(&self) -> (f64, f64) {
        (self.quantile(0.25), self.quantile(0.75))
    }

    /// What it is over `base`, round by round.
    pub(crate) fn over(&self, base: &Sample) -> Sample {
        Sample(self.0.iter().zip(&base.0).map(|(figure, base)| figure - base).collect())
    }

    /// What it is as a part of `base`, round by round.
    pub(crate) fn divided_by(&self, base: &Sample) -> Sample {
        Sample(self.0.iter().zip(&base.0).map(|(figure, base)| figure / base).collect())
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }
}
