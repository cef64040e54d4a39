//! Who may come in over HTTP.

use redrive_ledger::{AuditFilter, NewAuditEvent, Role};

use super::world::{World, at};

fn ann() -> NewAuditEvent {
    NewAuditEvent {
        actor: "ann".into(),
        reason: "for the night shift".into(),
    }
}

#[tokio::test]
async fn a_token_is_known_by_its_hash_until_it_is_removed() {
    let world = World::new().await;
    let desk = &world.desk;
    let add = |name, role, hash| async move {
        let added = desk.add_token(name, role, hash, &ann(), at(0)).await;
        added.unwrap()
    };
    let made = add("night", Role::Operator, "h1").await.unwrap();
    assert_eq!(
        (made.name.as_str(), made.role, made.created_by.as_str()),
        ("night", Role::Operator, "ann")
    );
    assert_eq!(made.created_at, at(0));
    assert_eq!(
        add("night", Role::Admin, "h2").await,
        None,
        "the name is taken"
    );
    assert_eq!(desk.token("h2").await.unwrap(), None);
    assert_eq!(desk.token("h1").await.unwrap(), Some(made.clone()));
    let viewer = add("board", Role::Viewer, "h3").await.unwrap();
    assert_eq!(desk.tokens().await.unwrap(), [viewer, made]);

    assert!(desk.remove_token("night", &ann(), at(1)).await.unwrap());
    assert!(!desk.remove_token("night", &ann(), at(2)).await.unwrap());
    assert_eq!(desk.token("h1").await.unwrap(), None);
    assert!(add("night", Role::Viewer, "h4").await.is_some());

    let acts = world.reader.audit(&AuditFilter::default(), 10).await;
    let acts: Vec<_> = acts
        .unwrap()
        .into_iter()
        .filter(|act| act.action.ends_with("_token"))
        .map(|act| format!("{} {}", act.action, act.detail.unwrap_or_default()))
        .collect();
    let mut sorted = acts.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "create_token board, viewer",
            "create_token night, operator",
            "create_token night, viewer",
            "revoke_token night",
        ]
    );
}

#[tokio::test]
async fn a_session_ends_by_itself_by_its_owner_and_with_its_token() {
    let world = World::new().await;
    let desk = &world.desk;
    let ann = ann();
    let made = desk.add_token("night", Role::Operator, "h1", &ann, at(0));
    let token = made.await.unwrap();
    let begin = |hash, second| async move {
        let begun = desk.begin_session(hash, "night", at(second + 60), at(second));
        begun.await.unwrap()
    };
    let of = |hash, second| async move { desk.session(hash, at(second)).await.unwrap() };
    assert!(begin("s1", 0).await);
    assert_eq!(of("s1", 59).await, token);
    assert_eq!(of("s1", 60).await, None, "its time is over");
    assert_eq!(of("h1", 1).await, None, "a token's hash is no session's");

    assert!(begin("s2", 70).await);
    desk.end_session("s2").await.unwrap();
    assert_eq!(of("s2", 71).await, None);

    assert!(begin("s3", 80).await);
    assert!(desk.remove_token("night", &ann, at(81)).await.unwrap());
    assert_eq!(of("s3", 82).await, None);
    assert!(!begin("s4", 83).await, "there is no such token");
}
