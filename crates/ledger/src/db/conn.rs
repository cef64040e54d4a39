//! A connection to either database, alone or in a transaction.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Database, Error, Postgres, SqlStr, Sqlite, Transaction};

use super::value::{bind_postgres, bind_sqlite};
use super::{Row, Statement, Value};

type Result<T> = std::result::Result<T, Error>;

/// A connection.
pub(crate) enum Conn {
    Sqlite(Held<Sqlite>),
    Postgres(Held<Postgres>),
}

/// Whether a transaction is open on it.
pub(crate) enum Held<DB: Database> {
    Alone(PoolConnection<DB>),
    InTransaction(Transaction<'static, DB>),
}

impl<DB: Database> Held<DB> {
    /// The connection itself.
    pub fn conn(&mut self) -> &mut DB::Connection {
        match self {
            Self::Alone(conn) => conn,
            Self::InTransaction(tx) => tx,
        }
    }

    async fn commit(self) -> Result<()> {
        match self {
            Self::Alone(_) => Ok(()),
            Self::InTransaction(tx) => tx.commit().await,
        }
    }

    async fn rollback(self) -> Result<()> {
        match self {
            Self::Alone(_) => Ok(()),
            Self::InTransaction(tx) => tx.rollback().await,
        }
    }
}

impl Conn {
    /// One to SQLite.
    pub fn sqlite(conn: PoolConnection<Sqlite>) -> Self {
        Self::Sqlite(Held::Alone(conn))
    }

    /// One to PostgreSQL.
    pub fn postgres(conn: PoolConnection<Postgres>) -> Self {
        Self::Postgres(Held::Alone(conn))
    }

    /// All rows.
    pub async fn all(
        &mut self,
        statement: impl Into<Statement>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>> {
        self.fetch(statement.into(), args).await
    }

    /// The one row that there is.
    pub async fn one(&mut self, statement: impl Into<Statement>, args: Vec<Value>) -> Result<Row> {
        let row = self.maybe(statement, args).await?;
        row.ok_or(Error::RowNotFound)
    }

    /// The first row, if there is one.
    pub async fn maybe(
        &mut self,
        statement: impl Into<Statement>,
        args: Vec<Value>,
    ) -> Result<Option<Row>> {
        let rows = self.fetch(statement.into(), args).await?;
        Ok(rows.into_iter().next())
    }

    /// Runs it for what it does. Returns how many rows it has changed.
    pub async fn run(&mut self, statement: impl Into<Statement>, args: Vec<Value>) -> Result<u64> {
        self.execute(statement.into(), args).await
    }

    /// Whether it is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    async fn fetch(&mut self, statement: Statement, args: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(held) => {
                let query = for_sqlite(statement.for_sqlite(), args);
                let rows = query.fetch_all(held.conn()).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(held) => {
                let query = for_postgres(statement.for_postgres(), args);
                let rows = query.fetch_all(held.conn()).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    async fn execute(&mut self, statement: Statement, args: Vec<Value>) -> Result<u64> {
        match self {
            Self::Sqlite(held) => {
                let query = for_sqlite(statement.for_sqlite(), args);
                Ok(query.execute(held.conn()).await?.rows_affected())
            }
            Self::Postgres(held) => {
                let query = for_postgres(statement.for_postgres(), args);
                Ok(query.execute(held.conn()).await?.rows_affected())
            }
        }
    }
}

fn for_sqlite(text: SqlStr, args: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(text), bind_sqlite)
}

fn for_postgres(text: SqlStr, args: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(text), bind_postgres)
}

/// A transaction that writes. Dropped, it has changed nothing.
pub(crate) struct Tx(Conn);

impl Tx {
    /// One on SQLite.
    pub fn sqlite(tx: Transaction<'static, Sqlite>) -> Self {
        Self(Conn::Sqlite(Held::InTransaction(tx)))
    }

    /// One on PostgreSQL.
    pub fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self(Conn::Postgres(Held::InTransaction(tx)))
    }

    /// Makes it last.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            Conn::Sqlite(held) => held.commit().await,
            Conn::Postgres(held) => held.commit().await,
        }
    }

    /// Ends it with nothing changed. What it has locked is free then; dropped, it is a moment later only, and
    /// who takes what nobody has locked would pass it over.
    pub async fn end(self) -> Result<()> {
        match self.0 {
            Conn::Sqlite(held) => held.rollback().await,
            Conn::Postgres(held) => held.rollback().await,
        }
    }

    /// Waits until no other transaction holds the lock `name`, and holds it until this one ends. In SQLite a writer is alone
    /// already.
    pub async fn lock(&mut self, name: &str) -> Result<()> {
        if self.is_postgres() {
            self.run(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                vec![Value::from(format!("redrive {name}"))],
            )
            .await?;
        }
        Ok(())
    }

    /// Does not wait for the disk when it commits: for what may be lost in a crash.
    pub async fn may_be_lost(&mut self) -> Result<()> {
        if self.is_postgres() {
            self.run("SET LOCAL synchronous_commit = off", Vec::new())
                .await?;
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
