//! The page of the configuration is what the code makes of it.

use std::path::Path;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for the page to be written by a variable"
)]
fn the_page_of_the_configuration_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIGURATION.md");
    let made = redrive::config::markdown();
    if std::env::var_os("REDRIVE_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(page.parent().unwrap()).unwrap();
        std::fs::write(&page, &made).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == made,
        "docs/CONFIGURATION.md is not what the code says. Write it anew, and read what changes: \
         REDRIVE_WRITE_DOCS=1 cargo test -p redrive --test cli docs::"
    );
}
