//! Lists that are longer than a page of the API.

use jiff::SignedDuration;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::Testbed;
use redrive_ledger::{BatchEnd, BatchOpening, Ledger, SqlLedger};

use super::site::{Site, Way};
use super::ways::both_ways;

both_ways!(a_long_list_of_batches_is_whole);

/// A page and a little more.
const MANY: i64 = 510;

async fn a_long_list_of_batches_is_whole(way: Way) {
    let testbed = Testbed::connect("long").await;
    let site = Site::on(&testbed).by(way);
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    let begin = SystemClock.now() - SignedDuration::from_hours(24);
    for number in 0..MANY {
        let opening = BatchOpening {
            batch: format!("batch-{number}").as_str().into(),
            workflow_id: format!("reprocessing-batch-{number}"),
            started_at: begin + SignedDuration::from_secs(number),
            one_order: false,
        };
        ledger.open_batch(&opening).await.unwrap();
        let (end, at) = (BatchEnd::default(), opening.started_at);
        ledger.finish_batch(&opening.batch, &end, at).await.unwrap();
    }
    ledger.close().await;
    for limit in [3, 505, 1_000] {
        let listed = site.run(&format!("batches list --limit {limit} -o json"));
        let listed = listed.well().json();
        let ids = listed.as_array().unwrap().iter();
        let ids: Vec<&str> = ids
            .map(|batch| batch["result"]["batchId"].as_str().unwrap())
            .collect();
        let newest = (0..MANY).rev().take(limit);
        let expected: Vec<String> = newest.map(|number| format!("batch-{number}")).collect();
        assert_eq!(ids, expected);
    }
}
