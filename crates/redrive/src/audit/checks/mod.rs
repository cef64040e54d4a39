//! The checks: pure functions from the records and the books to findings. Each has a test that breaks a record and sees
//! it found.

mod attempts;
mod batches;
mod duplicated;
mod lost;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use super::finding::{Audit, Compared};
use super::records::{Books, Records};

/// All checks.
pub fn check(records: &Records, books: &Books) -> Audit {
    let mut findings = lost::check(records, books);
    findings.extend(duplicated::check(records, books));
    findings.extend(attempts::check(records, books));
    findings.extend(batches::check(records, books));
    Audit::of(findings, compared(records, books))
}

fn compared(records: &Records, books: &Books) -> Compared {
    let attempts = books.stories.iter().map(|story| story.attempts.len());
    Compared {
        orders: records.latest.len(),
        runs: records.runs.len(),
        restarts: records.restarts().len(),
        stages: records.performed.len(),
        attempts: attempts.sum(),
        batches: books.batches.len(),
    }
}
