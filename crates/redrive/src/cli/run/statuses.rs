//! A failure status that nobody has heard of is probably mistyped; but an order may bring it any moment.

use redrive_core::suggest::did_you_mean;
use redrive_engine::ops::Ops;

use crate::printer::Printer;

/// Warns of each that neither the ledger nor the policy knows.
pub(super) async fn warn_of_unknown(
    ops: &Ops,
    statuses: &[String],
    printer: &Printer,
) -> anyhow::Result<()> {
    if statuses.is_empty() {
        return Ok(());
    }
    let known = ops.failure_statuses().await?;
    for status in statuses.iter().filter(|status| !known.contains(status)) {
        printer.warn(unknown(status, &known));
    }
    Ok(())
}

fn unknown(status: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    format!(
        "no order has had the failure status {status:?}, and the policy does not name it{}.",
        did_you_mean(status, &known)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_status_is_recognised() {
        let known = ["shipping_failed", "slam_failed"].map(str::to_owned);
        assert_eq!(
            unknown("shiping_failed", &known),
            "no order has had the failure status \"shiping_failed\", and the policy does not name it (did you mean \
             \"shipping_failed\"?)."
        );
    }
}
