//! What Prometheus reads: each number, and that the document names each of them.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{StatusCode, header};
use redrive_core::decide::BatchRules;
use redrive_core::ids::Home;
use redrive_core::moment::Moment;
use redrive_ledger::{BatchEnd, BatchOpening, ClaimRequest, Commit, Outcome};

use crate::promtool::root;
use crate::world::{World, at, on_both, request};

/// A batch has started one order again, given one up and been refused one; two are dead letters of a person's making.
async fn seen(world: &World) {
    let orders = ["A1", "A2", "A3", "A4", "A5", "A6"];
    let failed = orders.map(|order| (order, "shipping_failed"));
    world.failed(&failed).await;
    world.failed(&[("B1", "slam_failed")]).await;
    world.park("A5", 70).await;
    world.park("B1", 80).await;
    let opening = BatchOpening {
        batch: "b1".into(),
        workflow_id: "reprocessing-batch-1".into(),
        started_at: at(90),
        one_order: false,
    };
    let ledger = &world.ledger;
    ledger.open_batch(&opening).await.unwrap();
    let outcomes = [
        Outcome::Restarted("a-run-of-ours".into()),
        Outcome::Gone,
        Outcome::ItemError {
            message: "no such queue".into(),
        },
        Outcome::AnswerUnknown,
    ];
    let policy = &world.app.ops.records.policy;
    let moment = Moment {
        now: at(91),
        seed: 7,
    };
    let wanted = ClaimRequest {
        batch: "b1".into(),
        chunk: 0,
        limit: outcomes.len() as u32,
        due_by: at(91),
        rules: BatchRules::default(),
        only: None,
        operation: None,
    };
    let home: Home = world.app.ops.records.reader.home().await.unwrap().unwrap();
    let claimed = ledger.claim(policy, &home, &wanted, moment).await.unwrap();
    assert_eq!(claimed.fresh.len(), outcomes.len());
    let commits = claimed.fresh.iter().zip(outcomes);
    let commits: Vec<Commit> = commits
        .map(|(order, outcome)| Commit {
            pk: order.pk,
            fence: order.fence,
            outcome,
        })
        .collect();
    let (batch, end) = ("b1".into(), BatchEnd::default());
    let committed = ledger.commit(policy, &batch, 0, &commits, moment);
    committed.await.unwrap();
    ledger.finish_batch(&batch, &end, at(95)).await.unwrap();
}

/// The lines of a scrape, sorted: within a family they come in any order.
pub async fn scraped(world: &World) -> Vec<String> {
    let scrape = request("GET", "/metrics", Body::empty());
    let (head, text) = world.answered(scrape).await;
    assert_eq!(head.status, StatusCode::OK, "{text}");
    let kind = head.headers[header::CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

on_both!(prometheus_reads_the_numbers);
async fn prometheus_reads_the_numbers(world: World) {
    seen(&world).await;
    insta::assert_snapshot!("metrics", scraped(&world).await.join("\n"));
}

/// A metric's name in a query, its type, and the names of its labels.
type Metric = (String, String, BTreeSet<String>);

/// The metrics of a scrape. A histogram's are told as one.
fn told(lines: &[String]) -> BTreeSet<Metric> {
    let types: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    let samples = lines.iter().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let family = |suffix: &str| name.strip_suffix(suffix).unwrap_or(name);
            let mine = |(of, kind): &&(&str, &str)| match *kind {
                "histogram" => ["_bucket", "_sum", "_count"].map(family).contains(of),
                "counter" => family("_total") == *of,
                _ => name == *of,
            };
            let (family, kind) = types.iter().find(mine).expect("every metric has its type");
            let named = if *kind == "histogram" { *family } else { name };
            let labels = labels.trim_end_matches('}').split("\",");
            let labels = labels.filter_map(|label| label.split_once('='));
            let labels = labels
                .map(|(label, _)| label.to_owned())
                .filter(|label| label != "le");
            (named.to_owned(), (*kind).to_owned(), labels.collect())
        })
        .collect()
}

/// The metrics of the document's tables: `| name | type | labels | meaning |`.
fn documented() -> BTreeSet<Metric> {
    let page = std::fs::read_to_string(root().join("docs/METRICS.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let labels = cells
            .get(2)?
            .split(',')
            .map(|label| label.trim().trim_matches('`'));
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
        name.starts_with("redrive_").then(|| {
            let (name, kind) = (name.to_owned(), cells[1].to_owned());
            (name, kind, labels.collect())
        })
    };
    page.lines().filter_map(row).collect()
}

on_both!(the_document_names_every_metric_and_no_other);
async fn the_document_names_every_metric_and_no_other(world: World) {
    seen(&world).await;
    let told = told(&scraped(&world).await);
    let documented = documented();
    let only = |one: &BTreeSet<Metric>, other| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(
        only(&told, &documented),
        [],
        "told, and not in docs/METRICS.md"
    );
    assert_eq!(
        only(&documented, &told),
        [],
        "in docs/METRICS.md, and not told"
    );
}

on_both!(a_new_ledger_has_numbers_too);
async fn a_new_ledger_has_numbers_too(world: World) {
    let lines = scraped(&world).await;
    for line in [
        "redrive_orders{state=\"waiting\"} 0",
        "redrive_oldest_due_order_age_seconds 0.0",
        "redrive_recovery_seconds_count 0",
    ] {
        assert!(
            lines.iter().any(|told| told == line),
            "{line} in {lines:#?}"
        );
    }
    let of_batches = lines.iter().filter(|line| line.contains("batch_"));
    assert_eq!(of_batches.count(), 0, "no batch has ended: {lines:#?}");
}
