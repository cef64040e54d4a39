//! The pictures of the pages in the docs: taken anew by `make screenshots`, and looked after by a test.

use std::path::{Path, PathBuf};

use crate::live::Live;
use crate::look::{DESK, Look, NIGHT, PHONE};
use crate::past;
use crate::scene::Scene;

/// The name of each, the page, and how it is looked at.
const PICTURES: [(&str, &str, Look); 4] = [
    ("overview", "/", DESK),
    ("overview-dark", "/", NIGHT),
    ("overview-phone", "/", PHONE),
    ("dead-letters", "/dead-letters", DESK),
];
/// No picture has more bytes.
const MOST: usize = 300_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The width and height of a PNG, which stand in its first chunk.
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?));
    png.starts_with(b"\x89PNG\r\n").then_some(())?;
    Some((number(16)?, number(20)?))
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for the pictures to be taken by a variable"
)]
async fn the_pictures_are_there_and_light() {
    let scene = Scene::set("[schedule]\ninterval = \"15m\"\n", &[]).await;
    past::write(&scene.site.path("redrive.db")).await;
    let live = Live::on(scene);
    let folder = root().join("docs/images");
    live.browse(DESK, async |browser| {
        for (name, page, look) in PICTURES {
            browser.look(look).await;
            browser.goto(page).await;
            browser.says("Dead letters").await;
            let taken = browser.picture().await;
            let path = folder.join(name).with_extension("png");
            if std::env::var_os("REDRIVE_WRITE_DOCS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &taken).unwrap();
            }
            let kept = std::fs::read(&path).unwrap_or_default();
            let wanted = (look.width * look.scale, look.height * look.scale);
            assert_eq!(size(&taken), Some(wanted));
            assert_eq!(
                size(&kept),
                Some(wanted),
                "{name}: take it anew with `make screenshots`"
            );
            assert!(kept.len() <= MOST, "{name} has {} bytes", kept.len());
        }
    })
    .await;
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(
        readme.contains("](docs/images/overview.png)"),
        "the README shows the overview"
    );
}
