//! The copy for a rehearsal: a file that tells what the database tells, made without a right to write there.

use std::sync::Arc;

use redrive_ledger::{DeadLetterFilter, GroupFilter, Ledger, LedgerUrl, Reader, SqlLedger};
use redrive_test_postgres::Database;
use sqlx::{Connection, PgConnection};

use crate::conformance::world::{World, at, first_failure, made, request};
use crate::factory;

#[tokio::test]
async fn a_copy_tells_what_the_database_tells() {
    let database = Database::new().await;
    let ledger = Arc::new(factory::open(&database).await);
    let world = World::on(Default::default(), made(&ledger, ())).await;
    world.ledger.bind(&world.home).await.unwrap();
    // More than one page.
    let orders: Vec<_> = (0..1_100)
        .map(|n| first_failure(&format!("o{n:04}")))
        .collect();
    world.observe(&orders).await;
    world.open("b1").await;
    world.restart("o0001", "o0001-1", "b1").await;
    world.finish("b1").await;

    // Who may only read may rehearse.
    let mut admin = PgConnection::connect(&database.url()).await.unwrap();
    let reader = format!("reader_{}", uuid::Uuid::new_v4().simple());
    for statement in [
        format!("CREATE ROLE {reader} LOGIN PASSWORD 'test' IN ROLE pg_read_all_data"),
        format!("REVOKE ALL ON SCHEMA public FROM {reader}"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut admin)
            .await
            .unwrap();
    }
    let as_reader = database.url().replace("redrive:", &format!("{reader}:"));
    let reading = SqlLedger::open(LedgerUrl::parse(&as_reader).unwrap())
        .await
        .unwrap();
    assert!(reading.bind(&world.home).await.is_ok(), "it reads the home");
    let folder = tempfile::tempdir().unwrap();
    let copy = reading.copy_to(folder.path()).await.unwrap();
    reading.close().await;
    let gone = format!("DROP ROLE {reader}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(gone))
        .execute(&mut admin)
        .await
        .unwrap();

    let theirs = copy.ledger.stories_after(None, 2_000).await.unwrap();
    let ours = world.ledger.stories_after(None, 2_000).await.unwrap();
    assert_eq!(ours.len(), 1_103);
    assert_eq!(theirs, ours);
    let (since, all) = (at(-86_400), DeadLetterFilter::default());
    assert_eq!(
        copy.reader.overview(since).await.unwrap(),
        world.reader.overview(since).await.unwrap()
    );
    assert_eq!(
        copy.reader
            .failure_groups(&GroupFilter::default(), 9)
            .await
            .unwrap(),
        world
            .reader
            .failure_groups(&GroupFilter::default(), 9)
            .await
            .unwrap()
    );
    let shipping = ["0123456789abcdef".to_owned()];
    let hours = copy.reader.failure_hours(&shipping, since).await.unwrap();
    assert!(!hours.is_empty());
    assert_eq!(
        hours,
        world.reader.failure_hours(&shipping, since).await.unwrap()
    );
    assert_eq!(
        copy.reader.dead_letters(&all, 0, 9).await.unwrap(),
        world.reader.dead_letters(&all, 0, 9).await.unwrap()
    );
    assert_eq!(
        copy.reader.dead_letter_stats().await.unwrap(),
        world.reader.dead_letter_stats().await.unwrap()
    );
    assert_eq!(
        copy.reader.daily(since).await.unwrap(),
        world.reader.daily(since).await.unwrap()
    );
    assert_eq!(
        copy.ledger.batches(9).await.unwrap(),
        world.ledger.batches(9).await.unwrap()
    );
    assert_eq!(copy.reader.home().await.unwrap(), Some(world.home.clone()));
    let pk = world.order("o0002").await.pk;
    assert_eq!(
        copy.ledger.start_request(pk).await.unwrap(),
        Some(request("o0002"))
    );
}
