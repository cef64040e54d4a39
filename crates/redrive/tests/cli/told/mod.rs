//! What every command that needs a server says, or that sets things up: text, JSON and exit code, as snapshots that are read.
//!
//! A command that changes something is given to two scenes that are alike: one is told in text, the other in JSON.

mod asking;
mod batches;
mod operations;
mod retry;
mod run;
mod schedule;
mod setup;

use super::scene::Scene;
use super::site::Site;
use super::tape::Tape;

/// A tape for two scenes, and their sites.
fn tape(scenes: &[Scene; 2]) -> (Tape, [&Site; 2]) {
    let sites = [&scenes[0].site, &scenes[1].site];
    let testbeds = [&scenes[0].testbed, &scenes[1].testbed];
    (Tape::at(&sites, &testbeds), sites)
}

/// Runs a command on both sites, untold.
fn both(sites: &[&Site; 2], command: &str) {
    for site in sites {
        site.run(command).well();
    }
}
