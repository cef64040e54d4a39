//! Who has to sign in: nobody is let in by another's name, who looks may not act, and who acts may.

use crate::browser::Browser;
use crate::live::Live;
use crate::look::DESK;
use crate::pages::is_whole;
use crate::scene::Scene;
use crate::site::Site;

const BY_TOKEN: &str = "[schedule]\ninterval = \"168h\"\n[web]\naccess = \"tokens\"\n";

/// The secret of a new token.
fn token(site: &Site, role: &str, name: &str) -> String {
    let made = site.run(&format!("token create --role {role} --name {name} -o json"));
    made.well().json()["secret"].as_str().unwrap().to_owned()
}

async fn sign_in(browser: &Browser, secret: &str) {
    browser.fill("Token", secret).await;
    browser.press("Sign in").await;
}

/// The browser itself has told of just one answer, of that status.
async fn was_answered(browser: &Browser, status: &str) {
    let complaints = browser.complaints().await;
    assert!(
        complaints.len() == 1 && complaints[0].contains(status),
        "{complaints:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_look_operators_act_and_strangers_sign_in() {
    let scene = Scene::set(BY_TOKEN, &[("A1", "shipping_failed")]).await;
    scene.site.run("migrate").well();
    let vera = token(&scene.site, "viewer", "vera");
    let otto = token(&scene.site, "operator", "otto");
    let live = Live::on(scene);
    live.redrive("run --status taken-in-only");
    let state = || live.redrive("orders show A1 -o json").json()["state"].clone();

    live.browse(DESK, async |browser| {
        browser.goto("/orders/A1").await;
        is_whole(browser, "Sign in", "Sign in").await;
        sign_in(browser, "redrive_nobody").await;
        browser
            .says("This token is not known, or was revoked.")
            .await;
        was_answered(browser, "401").await;

        sign_in(browser, &vera).await;
        browser.says("Order A1").await;
        assert_eq!(browser.place().await, "/orders/A1", "where the way led");
        assert!(browser.text("footer").await.contains("Signed in as vera"));
        browser.press("To the dead letter queue").await;
        browser.says("\"vera\" is a token of role viewer").await;
        was_answered(browser, "403").await;
        assert_eq!(state(), "failed", "nothing was done");

        browser.press("Sign out").await;
        browser.says("Sign in").await;
        browser.goto("/orders/A1").await;
        sign_in(browser, &otto).await;
        browser.says("Order A1").await;
        is_whole(browser, "A1", "Order A1").await;
        browser.press("To the dead letter queue").await;
        browser.says("It is in the dead letter queue").await;
        assert_eq!(state(), "dead_lettered");
        assert!(live.redrive("audit list --by otto").stdout.contains("A1"));

        live.redrive("token revoke otto --reason gone");
        browser.goto("/dead-letters").await;
        browser.says("Your token").await;
    })
    .await;
}
