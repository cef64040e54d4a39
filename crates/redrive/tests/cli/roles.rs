//! What a server lets whom do: the command line shows a token, and is told no in a sentence.

use redrive_fulfillment::testbed::Testbed;

use super::site::{Ran, Site, Stays};

/// A server that asks who it is, and the secrets of a viewer, an operator and an admin.
struct Asking {
    site: Site,
    url: String,
    secrets: [String; 3],
    _serve: Stays,
}

const VIEWER: usize = 0;
const OPERATOR: usize = 1;
const ADMIN: usize = 2;

impl Asking {
    async fn new() -> Self {
        let testbed = Testbed::connect("roles").await;
        let site = Site::on(&testbed);
        site.run("migrate").well();
        let secrets = [
            ("viewer", "board"),
            ("operator", "night"),
            ("admin", "root"),
        ];
        let secrets = secrets.map(|(role, name)| {
            let create = format!("token create --role {role} --name {name} -o json");
            let made = site.run(&create).well().json();
            made["secret"].as_str().unwrap().to_owned()
        });
        site.write("redrive.toml", "[web]\naccess = \"tokens\"\n");
        let serve = site.start("serve -o json");
        let api = serve.read_json()["api"].as_str().unwrap().to_owned();
        Self {
            site,
            url: api.strip_suffix("/api/v1").unwrap().to_owned(),
            secrets,
            _serve: serve,
        }
    }

    /// What one of them is told, or one who shows `token`.
    fn told(&self, token: &str, command: &str) -> Ran {
        let shown = format!("REDRIVE_SERVER={} REDRIVE_TOKEN={token}", self.url);
        self.site.run_line(&format!("{shown} redrive {command}"))
    }

    #[track_caller]
    fn may(&self, who: usize, command: &str) -> String {
        self.told(&self.secrets[who], command).well().stdout
    }

    #[track_caller]
    fn may_not(&self, who: usize, command: &str, why: &str) {
        let refused = self.told(&self.secrets[who], command);
        assert_eq!(
            (refused.code, refused.stdout.trim_end()),
            (Some(1), format!("error: {why}").as_str()),
            "{command}"
        );
    }
}

#[tokio::test]
async fn each_may_what_the_role_is_for_and_is_named_in_the_audit_trail() {
    let asking = Asking::new().await;
    let known_to_nobody = asking.told("redrive_0", "limits show");
    assert_eq!(known_to_nobody.code, Some(1), "{known_to_nobody:?}");
    assert!(
        known_to_nobody.stdout.contains("hint: set REDRIVE_TOKEN"),
        "{known_to_nobody:?}"
    );

    assert!(asking.may(VIEWER, "limits show").contains("visibility"));
    asking.may_not(
        VIEWER,
        "halt --reason stocktaking",
        "\"board\" is a token of role viewer, and this takes one of role operator or above",
    );
    asking.may(OPERATOR, "halt --reason stocktaking");
    asking.may(OPERATOR, "unhalt --by carol");
    let limits = "\"night\" is a token of role operator, and this takes one of role admin or above";
    for command in ["limits set starts 7", "limits reset starts", "token list"] {
        asking.may_not(OPERATOR, command, limits);
    }
    asking.may(ADMIN, "limits set starts 7");
    let made = asking.may(
        ADMIN,
        "token create --role viewer --name lobby --reason wall",
    );
    assert!(
        made.contains("Token  lobby (viewer)\nSecret redrive_"),
        "{made}"
    );
    assert!(
        asking
            .may(ADMIN, "token list")
            .contains("ann (through root)")
    );
    asking.may(ADMIN, "token revoke lobby --reason off-the-wall");

    let audit = asking.site.run("audit list -o json").well().json();
    let acts: Vec<_> = audit.as_array().unwrap().iter().take(5).collect();
    let acts: Vec<_> = acts
        .iter()
        .map(|act| ["actor", "action", "reason"].map(|key| act[key].as_str().unwrap()))
        .collect();
    assert_eq!(
        acts,
        [
            ["ann (through root)", "revoke_token", "off-the-wall"],
            ["ann (through root)", "create_token", "wall"],
            ["ann (through root)", "set_limit", ""],
            ["carol (through night)", "unhalt", ""],
            ["ann (through night)", "halt", "stocktaking"],
        ]
    );
}
