//! That the API keeps to its own description, whatever it is asked. `schemathesis` reads the description, asks for everything in it,
//! rightly and wrongly, and checks each answer; what it finds is a failure here.
//!
//! The first 200 questions of each operation are always the same. `make fuzz-api` asks as many as it is told, and others each time; it
//! says by which seed, and asks the same again by that one.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use redrive_fulfillment::puppet::{Move, Puppet};
use redrive_web::Serving;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use tokio::process::Command;
use utoipa::openapi::PathItem;

use crate::world::{On, TYPE, World};

const QUEUE: &str = "orders";
/// How many examples of each operation, by hand.
const BY_HAND: &str = "REDRIVE_FUZZ_EXAMPLES";
/// By which seed, by hand; by default by another each time.
const SEED: &str = "REDRIVE_FUZZ_SEED";
/// How many otherwise.
const EXAMPLES: &str = "200";

#[tokio::test]
async fn the_api_keeps_to_its_description_on_sqlite() {
    fuzz(World::alive_on("api-fuzz-s", On::Sqlite).await).await;
}

#[tokio::test]
async fn the_api_keeps_to_its_description_on_postgres() {
    fuzz(World::alive_on("api-fuzz-p", On::Postgres).await).await;
}

async fn fuzz(world: World) {
    let tool = tool();
    let worker = world.worker().await;
    let _puppet = orders(&world).await;
    let address = "127.0.0.1:0".parse().unwrap();
    let serving = Serving::start(world.app.clone(), address).await.unwrap();
    let description = format!("http://{}/api/v1/openapi.json", serving.address());
    let (status, told) = asked(&tool, &description).await;
    let said = told.as_deref().unwrap_or("what it said stands above");
    assert!(status.success(), "{status}\n{said}");
    let all = operations();
    assert!(
        told.is_none_or(|told| told.contains(&format!("Tested: {all}\n"))),
        "it has not asked for everything"
    );
    serving.stop().await.unwrap();
    worker.stop().await.unwrap();
}

/// How many operations there are.
fn operations() -> usize {
    let paths = redrive_web::openapi().paths.paths;
    let each = |item: PathItem| {
        [item.get, item.put, item.post, item.delete, item.patch]
            .into_iter()
            .flatten()
            .count()
    };
    paths.into_values().map(each).sum()
}

/// Orders for it to ask about, as schemathesis.toml names them: `A` that only the ledger knows, `B` that have failed for good
/// reasons, and one that runs.
async fn orders(world: &World) -> Puppet {
    let known: Vec<String> = (1..=12).map(|number| format!("A{number}")).collect();
    let statuses = ["shipping_failed", "slam_failed", "address_invalid"];
    let known: Vec<(&str, &str)> = known
        .iter()
        .map(String::as_str)
        .zip(statuses.into_iter().cycle())
        .collect();
    world.failed(&known).await;
    for (minute, (order, _)) in (70..).zip(&known[..8]) {
        world.park(order, minute).await;
    }
    let bed = &world.bed;
    let puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |task| {
        match task.workflow_id.as_str() {
            "order-B4" => Move::Nothing,
            _ => Move::fail("shipping_failed", "no carrier"),
        }
    });
    for number in 1..=4 {
        let workflow_id = format!("order-B{number}");
        bed.start(bed.start_request(&workflow_id, TYPE, QUEUE))
            .await;
        if number < 4 {
            bed.await_status(&workflow_id, WorkflowExecutionStatus::Failed)
                .await;
        }
    }
    puppet
}

/// Lets it ask. Returns how it ended, and what it said where nobody looks on.
#[expect(
    clippy::disallowed_methods,
    reason = "how much is asked by hand is said to the test"
)]
async fn asked(tool: &Path, description: &str) -> (ExitStatus, Option<String>) {
    let by_hand = std::env::var(BY_HAND).ok();
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.toml");
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(tool);
    command.current_dir(&folder).stdin(Stdio::null());
    command.arg("--config-file").arg(settings);
    command.args(["run", description, "--no-color"]);
    let examples = by_hand.as_deref().unwrap_or(EXAMPLES);
    command.args(["--max-examples", examples]);
    if by_hand.is_some() {
        if let Ok(seed) = std::env::var(SEED) {
            command.args(["--seed", &seed]);
        }
        // Whoever runs it by hand sees how far it is.
        let status = command.status().await.unwrap();
        return (status, None);
    }
    let output = command
        .arg("--generation-deterministic")
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status, Some(told))
}

/// The program, where `make setup` puts it.
#[expect(
    clippy::disallowed_methods,
    reason = "the tool folder is named to the test as to everything else"
)]
fn tool() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tools = std::env::var_os("TOOLS_DIR").map_or_else(|| root.join(".tools"), PathBuf::from);
    let tool = tools.join("schemathesis/bin/schemathesis");
    assert!(
        tool.is_file(),
        "there is no {}: install Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv), and run `make setup`",
        tool.display()
    );
    tool
}
