//! What the HTTP side keeps.

use redrive_ledger::{Answer, Begun};

use super::world::{World, at};

#[tokio::test]
async fn a_repeated_request_gets_the_answer_of_the_first() {
    let world = World::new().await;
    let desk = &world.desk;
    let begin = |key: &'static str, digest: &'static str, second| async move {
        desk.begin_request(key, digest, at(second)).await.unwrap()
    };
    assert_eq!(begin("k", "d", 0).await, Begun::New);
    assert_eq!(begin("k", "d", 1).await, Begun::UnderWay);
    assert_eq!(begin("k", "other", 1).await, Begun::Another);
    assert_eq!(
        begin("k2", "d", 1).await,
        Begun::New,
        "another key is another request"
    );
    let answer = Answer {
        status: 201,
        body: "{\"a\": 'b'}".into(),
    };
    desk.end_request("k", Some(&answer)).await.unwrap();
    assert_eq!(begin("k", "d", 2).await, Begun::Answered(answer.clone()));
    assert_eq!(begin("k", "other", 2).await, Begun::Another);

    // One that came to nothing may come again, and so may one whose process has died.
    desk.end_request("k2", None).await.unwrap();
    assert_eq!(begin("k2", "d", 3).await, Begun::New);
    assert_eq!(begin("k2", "d", 122).await, Begun::UnderWay);
    assert_eq!(begin("k2", "d", 124).await, Begun::New);

    let day = 24 * 60 * 60;
    assert_eq!(begin("k", "d", day).await, Begun::Answered(answer));
    assert_eq!(
        begin("k", "other", day + 1).await,
        Begun::New,
        "it is forgotten"
    );
}
