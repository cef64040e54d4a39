//! What axe-core finds wrong with a page for those who read it another way, or use no mouse.

use serde_json::Value;

use crate::browser::{Browser, variable};

/// The variable that names its file.
const AXE: &str = "REDRIVE_TEST_AXE";

/// What keeps people out, by axe-core's own judgement.
const GRAVE: [&str; 2] = ["serious", "critical"];

/// Judges the page once it is given itself as `arguments[0]`. What is live stays as it is from then on, so that what is judged is
/// there until the end.
const JUDGE: &str = "
    const done = arguments[0];
    window.fetch = () => new Promise(() => {});
    axe.run(document, { resultTypes: ['violations'] })
        .then(judged => done(judged.violations), error => done(String(error)));";

/// Gives the page what [`findings`] needs.
pub async fn bring(browser: &Browser) {
    let axe = std::fs::read_to_string(variable(AXE)).unwrap();
    browser.run(&axe, Vec::new()).await;
}

/// Each grave finding in a sentence.
pub async fn findings(browser: &Browser) -> Vec<String> {
    let judged = browser.run_to_end(JUDGE, Vec::new()).await;
    let violations = judged
        .as_array()
        .unwrap_or_else(|| panic!("axe-core fails: {judged}"));
    let grave = violations
        .iter()
        .filter(|one| GRAVE.iter().any(|impact| one["impact"] == *impact));
    grave.map(told).collect()
}

fn told(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().unwrap().iter();
    let nodes: Vec<String> = nodes
        .map(|node| format!("{} ({})", node["html"], node["failureSummary"]))
        .collect();
    format!(
        "{}: {}: {}",
        violation["impact"],
        violation["help"],
        nodes.join("; ")
    )
}
