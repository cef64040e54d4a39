//! Start requests: lines of keys, and beside them the bytes.

use redrive_core::ids::RunId;
use serde::Serialize;

use super::list;
use crate::OrderPk;
use crate::edit::Requests;
use crate::folio::Folio;

/// The most bytes that are sent together, but for a single request that is longer.
const BYTES_TOGETHER: usize = 1 << 20;

/// Start requests that are written together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SavedRequests<'a> {
    lines: Vec<RequestLine<'a>>,
    /// The requests, one after the other.
    pub bytes: Vec<u8>,
}

/// Whose request it is, and where it stands among the bytes.
#[derive(Debug, PartialEq, Serialize)]
struct RequestLine<'a> {
    order_pk: OrderPk,
    run_id: &'a str,
    /// Counted from 1, as SQL counts.
    first_byte: usize,
    length: usize,
}

impl<'a> SavedRequests<'a> {
    /// Whose they are, and where each stands.
    pub fn lines(&self) -> String {
        list(&self.lines)
    }

    fn add(&mut self, order_pk: OrderPk, run: &'a RunId, request: &[u8]) {
        self.lines.push(RequestLine {
            order_pk,
            run_id: run.as_str(),
            first_byte: self.bytes.len() + 1,
            length: request.len(),
        });
        self.bytes.extend_from_slice(request);
    }
}

/// Start requests to save: those of failed runs, and of failures that wait.
pub(crate) fn saved_requests(folios: &[Folio]) -> Vec<SavedRequests<'_>> {
    let kept = folios
        .iter()
        .filter(|folio| folio.requests != Requests::Drop);
    let saved = kept.flat_map(|folio| {
        let row = &folio.order.row;
        folio.failures.iter().filter_map(|(seen, pending)| {
            let needed = *pending || seen.row.run_id == row.failed_run;
            let request = seen.request.as_deref().filter(|_| needed)?;
            Some((row.pk, &seen.row.run_id, request))
        })
    });
    portions(saved, BYTES_TOGETHER)
}

/// The requests in portions of at most `most` bytes, or of one request.
fn portions<'a>(
    requests: impl Iterator<Item = (OrderPk, &'a RunId, &'a [u8])>,
    most: usize,
) -> Vec<SavedRequests<'a>> {
    let mut portions = Vec::new();
    let mut last = SavedRequests::default();
    for (order_pk, run, request) in requests {
        if last.bytes.len() + request.len() > most {
            portions.push(std::mem::take(&mut last));
        }
        last.add(order_pk, run, request);
    }
    portions.push(last);
    portions.retain(|portion| !portion.lines.is_empty());
    portions
}

/// Orders whose start requests are dropped, all of them or all but those that may be needed.
pub(crate) fn requests(folios: &[Folio], what: Requests) -> Vec<OrderPk> {
    let asked = folios.iter().filter(|folio| folio.requests == what);
    asked.map(|folio| folio.order.row.pk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_travel_together_up_to_a_size_and_longer_ones_alone() {
        let runs: Vec<RunId> = ["a", "b", "c", "d"].map(RunId::from).into();
        let bytes: [&[u8]; 4] = [b"12", b"345", b"6789012", b""];
        let requests = || {
            let each = runs.iter().zip(bytes).enumerate();
            each.map(|(i, (run, bytes))| (i as i64 + 1, run, bytes))
        };
        let sent: Vec<(String, Vec<u8>)> = portions(requests(), 5)
            .into_iter()
            .map(|portion| (portion.lines(), portion.bytes))
            .collect();
        let line = |pk: i64, run: &str, first: usize, length: usize| {
            format!(
                r#"{{"order_pk":{pk},"run_id":"{run}","first_byte":{first},"length":{length}}}"#
            )
        };
        assert_eq!(
            sent,
            [
                (
                    format!("[{},{}]", line(1, "a", 1, 2), line(2, "b", 3, 3)),
                    b"12345".to_vec()
                ),
                (format!("[{}]", line(3, "c", 1, 7)), b"6789012".to_vec()),
                (format!("[{}]", line(4, "d", 1, 0)), Vec::new()),
            ]
        );
        assert_eq!(portions(requests().take(0), 5), []);
    }
}
