//! What a process has cost, as Linux keeps it in `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, anyhow};
use nix::unistd::{SysconfVar, sysconf};

/// The processor time of a process so far, user and system, over all its threads, those that ended too.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = read(pid, "stat")?;
    let ticks = ticks(&stat).with_context(|| format!("/proc/{pid}/stat is not understood"))?;
    let a_second = sysconf(SysconfVar::CLK_TCK)?.context("the length of a tick is not known")?;
    Ok(Duration::from_secs_f64(ticks as f64 / a_second as f64))
}

/// The most memory that a process has had in RAM at once, in bytes.
pub(crate) fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    let status = read(pid, "status")?;
    let kib = kib(&status, "VmHWM:").with_context(|| format!("/proc/{pid}/status has no VmHWM"))?;
    Ok(kib * 1024)
}

/// The memory that a process has in RAM now, in bytes.
pub(crate) fn memory(pid: u32) -> anyhow::Result<u64> {
    let status = read(pid, "status")?;
    let kib = kib(&status, "VmRSS:").with_context(|| format!("/proc/{pid}/status has no VmRSS"))?;
    Ok(kib * 1024)
}

fn read(pid: u32, name: &str) -> anyhow::Result<String> {
    fs::read_to_string(format!("/proc/{pid}/{name}"))
        .map_err(|error| anyhow!("what process {pid} costs is read from Linux's /proc: {error}"))
}

/// Fields 14 and 15; the second field is a name in brackets that may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_brackets_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 3 0 100 1 1";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn this_process_costs_something() {
        let own = std::process::id();
        assert!(memory(own).unwrap() > 1024 * 1024);
        assert!(peak_memory(own).unwrap() >= memory(own).unwrap());
        assert!(cpu(own).unwrap() < Duration::from_secs(3600));
    }
}
