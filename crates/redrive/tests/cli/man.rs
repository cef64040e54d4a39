//! `redrive man`.

use super::site::{Site, exists};

#[test]
fn the_first_page_is_printed() {
    let page = Site::without_server().run("man").well().stdout;
    assert!(page.contains(".TH redrive 1"), "{page}");
    for part in ["redrive\\-dlq(1)", "Exit codes:"] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn every_command_has_a_page_in_the_folder() {
    let site = Site::without_server();
    let written = site.run("man --dir pages/man1").well().stdout;
    for page in [
        "redrive.1",
        "redrive-dlq.1",
        "redrive-dlq-retry.1",
        "redrive-config-show.1",
    ] {
        assert!(exists(&site.path("pages/man1").join(page)), "{page}");
        assert!(
            written
                .lines()
                .any(|line| line == format!("pages/man1/{page}")),
            "{page} in {written}"
        );
    }
    assert!(!written.contains("help"), "{written}");
    let retry = std::fs::read_to_string(site.path("pages/man1/redrive-dlq-retry.1")).unwrap();
    assert!(retry.contains("redrive dlq retry"), "{retry}");
    let files = &site.run("man --dir pages/man1 -o json").well().json()["files"];
    assert_eq!(files.as_array().unwrap().len(), written.lines().count());
}

#[test]
fn a_folder_that_cannot_be_written_is_the_users_error() {
    let site = Site::without_server();
    site.write("file", "");
    let ran = site.run("man --dir file/pages");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("error: cannot write the manual into file/pages: "),
        "{ran:?}"
    );
}
