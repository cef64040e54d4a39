//! Figures: what was measured, several times each, and what it is to reach.

use serde::Serialize;

/// What the median is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reach {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// A row of the table: what is measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it is to reach, where it is to reach anything.
    pub reach: Option<Reach>,
}

impl Row {
    /// A row that is told and need not reach anything.
    pub fn new(id: impl Into<String>, title: impl Into<String>, unit: &'static str) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            unit,
            reach: None,
        }
    }

    /// The row, with what it is to reach.
    pub fn reaching(self, reach: Reach) -> Self {
        Self {
            reach: Some(reach),
            ..self
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    /// The row's name for programs.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it is counted in.
    pub unit: &'static str,
    /// The median.
    pub median: f64,
    /// Every sample, in the order of the runs.
    pub samples: Vec<f64>,
    /// What the median is to reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Whether it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
}

/// The figures so far, in the order in which their rows came first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    rows: Vec<(Row, Vec<f64>)>,
}

impl Figures {
    /// Adds a sample.
    pub fn add(&mut self, row: Row, sample: f64) {
        match self.rows.iter_mut().find(|(known, _)| known.id == row.id) {
            Some((_, samples)) => samples.push(sample),
            None => self.rows.push((row, vec![sample])),
        }
    }

    /// The figures.
    pub fn all(&self) -> Vec<Figure> {
        self.rows
            .iter()
            .map(|(row, samples)| figure(row, samples))
            .collect()
    }
}

fn figure(row: &Row, samples: &[f64]) -> Figure {
    let median = quantile(samples, 0.5);
    Figure {
        id: row.id.clone(),
        title: row.title.clone(),
        unit: row.unit,
        median,
        samples: samples.to_vec(),
        reach: row.reach,
        reached: row.reach.map(|reach| match reach {
            Reach::AtLeast(least) => median >= least,
            Reach::AtMost(most) => median <= most,
        }),
    }
}

/// The sample below which a share `q` of them lies; between two, what lies between. 0 of none.
pub(crate) fn quantile(samples: &[f64], q: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        assert_eq!(quantile(&[1.0, 2.0], 0.99), 1.99);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn a_figure_is_its_median_held_to_its_reach() {
        let mut figures = Figures::default();
        let rate = || Row::new("rate", "rate", "orders/s").reaching(Reach::AtLeast(2.0));
        let cost = || Row::new("cost", "cost", "ms").reaching(Reach::AtMost(2.0));
        for sample in [1.0, 9.0, 2.0] {
            figures.add(rate(), sample);
            figures.add(cost(), sample + 1.0);
        }
        let [rate, cost] = figures.all().try_into().unwrap();
        assert_eq!((rate.median, rate.reached), (2.0, Some(true)));
        assert_eq!((cost.median, cost.reached), (3.0, Some(false)));
        assert_eq!(rate.samples, [1.0, 9.0, 2.0]);
    }
}
