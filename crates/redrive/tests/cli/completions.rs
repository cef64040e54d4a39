//! `redrive completions`.

use super::site::Site;

#[test]
fn every_shell_gets_its_own() {
    let site = Site::without_server();
    for (shell, part) in [
        ("bash", "complete -F _redrive"),
        ("zsh", "#compdef redrive"),
        ("fish", "complete -c redrive"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = site.run(&format!("completions {shell}")).well();
        assert!(ran.stdout.contains(part), "{shell}: {}", ran.stdout);
        assert!(ran.stdout.contains("escalate"), "{shell}");
        assert_eq!(ran.stderr, "");
    }
    let json = site.run("completions fish -o json").well().json();
    assert_eq!(json["shell"], "fish");
}

#[test]
fn a_shell_that_nobody_knows_is_the_users_error() {
    let ran = Site::without_server().run("completions tcsh");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr
            .contains("[possible values: bash, elvish, fish, powershell, zsh]"),
        "{ran:?}"
    );
}
