//! Prometheus' own tool, which checks and tests rules.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs it; it must be content.
#[track_caller]
pub fn promtool(arguments: &[&str], of: &Path) {
    let ran = run(arguments, of);
    let (told, complained) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(
        ran.status.success(),
        "promtool {arguments:?} {}:\n{told}{complained}",
        of.display()
    );
}

/// Whether it is content.
pub fn is_content(arguments: &[&str], of: &Path) -> bool {
    run(arguments, of).status.success()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no binary that could hand them the tool's folder"
)]
fn run(arguments: &[&str], of: &Path) -> Output {
    let tools = std::env::var_os("TOOLS_DIR").map_or_else(|| root().join(".tools"), PathBuf::from);
    let fetched = Some(tools.join("promtool")).filter(|fetched| fetched.exists());
    let tool = fetched.unwrap_or_else(|| "promtool".into());
    match Command::new(tool).args(arguments).arg(of).output() {
        Ok(ran) => ran,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!(
                "there is no promtool: run `make setup`, or install it (Debian: apt-get install prometheus)"
            )
        }
        Err(error) => panic!("promtool does not run: {error}"),
    }
}
