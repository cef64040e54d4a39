//! The machine that the figures hold for.

use std::fs;
use std::thread;

use serde::Serialize;

/// The machine, and what was measured on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of its cores this process may use.
    pub cores: usize,
    /// Its memory, in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: String,
    /// How this program was built: `release`, `debug`.
    pub build: &'static str,
    /// The program's version.
    pub version: &'static str,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let memory = value_of(&read("/proc/meminfo"), "MemTotal");
        let memory = memory.split_whitespace().next().map(str::parse::<u64>);
        Self {
            processor: value_of(&read("/proc/cpuinfo"), "model name"),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory.and_then(Result::ok).unwrap_or_default() / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// In words.
    pub fn sentence(&self) -> String {
        let Self {
            processor,
            cores,
            memory_mib,
            kernel,
            build,
            ..
        } = self;
        format!(
            "{cores} cores of {processor}, {:.0} GiB, Linux {kernel}; a {build} build",
            *memory_mib as f64 / 1024.0
        )
    }
}

/// The value of the first line `name: value`.
fn value_of(text: &str, name: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.trim() == name);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_stands_behind_its_name() {
        let text = "vendor_id\t: X\nmodel name\t: Some CPU\nmodel name\t: Other\n";
        assert_eq!(value_of(text, "model name"), "Some CPU");
        assert_eq!(value_of(text, "nothing"), "");
    }

    #[test]
    fn this_machine_is_told_in_a_sentence() {
        let here = Machine::here();
        assert!(here.cores >= 1 && here.memory_mib > 0, "{here:?}");
        assert!(here.sentence().contains(" cores of "));
    }
}
