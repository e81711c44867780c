//! The way to PostgreSQL: one pool, one kind of hand-written statement that is prepared once.
//!
//! Hot statements are plain SQL in a [`Sql`] value, because `diesel::sql_query` is never cached and a
//! miss costs two round trips and a parse.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::problem::Problem;

/// The role that every pooled connection takes: no DDL, no change of evidence.
pub const APP_ROLE: &str = "liandan_app";

/// A connection taken from the pool.
pub type Conn = Object<AsyncPgConnection>;

/// Limits that the server sets on each connection.
#[derive(Debug, Clone)]
pub struct DbSettings {
    /// Connections in the pool; 8 to 16 for two cores, since a small pool beats many backends.
    pub connections: usize,
    /// How long a request waits for a connection before 503.
    pub wait: Duration,
}

impl Default for DbSettings {
    fn default() -> Self {
        Self { connections: 16, wait: Duration::from_secs(5) }
    }
}

/// What a new connection has to know before its first request.
pub type Prepare = fn(&mut AsyncPgConnection) -> BoxFuture<'_, diesel::QueryResult<()>>;

/// The pool.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    counts: Arc<Counts>,
}

/// How many statements went out: counted for the metrics, and the hook that lets a test count round trips.
#[derive(Default)]
pub struct Counts {
    statements: Counter,
    round_trips: Counter,
    prepared: Counter,
}

impl Counts {
    /// Statements sent since the start, those of transactions' begin and end included.
    pub fn statements(&self) -> u64 {
        self.statements.get()
    }
    /// Round trips since the start: statements sent while another was under way on the same connection travel with it.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.get()
    }
    /// Statements newly prepared since the start; flat once the hot paths are warm.
    pub fn prepared(&self) -> u64 {
        self.prepared.get()
    }
    /// Shows the counters among the metrics.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("database_statements", "Statements sent", self.statements.clone());
        registry.register("database_round_trips", "Round trips to the database", self.round_trips.clone());
        registry.register(
            "database_statements_prepared",
            "Statements that were not in a connection's cache; flat once the hot paths are warm",
            self.prepared.clone(),
        );
    }
}

/// How busy the pool is at this moment.
#[derive(Debug, Clone, Copy)]
pub struct PoolLoad {
    /// Connections taken.
    pub in_use: usize,
    /// Requests that wait for one.
    pub waiting: usize,
    /// Connections that there may be.
    pub max: usize,
}

impl Db {
    /// Opens a pool; connections are made when first needed, and `prepare` is run on each.
    ///
    /// # Errors
    /// When the pool cannot be built from these settings.
    pub fn open(url: &str, settings: &DbSettings, prepare: Prepare) -> Result<Self, Problem> {
        let counts = Arc::new(Counts::default());
        let mut config = ManagerConfig::default();
        // The default sends a SELECT 1 at each checkout, a third of the throughput of a hot read.
        config.recycling_method = RecyclingMethod::Fast;
        let counted = counts.clone();
        config.custom_setup = Box::new(move |url| {
            let counted = counted.clone();
            async move {
                let mut conn = AsyncPgConnection::establish(url).await?;
                let mut under_way = 0_u32;
                conn.set_instrumentation(move |event: diesel::connection::InstrumentationEvent<'_>| match event {
                    diesel::connection::InstrumentationEvent::StartQuery { .. } => {
                        counted.statements.inc();
                        if under_way == 0 {
                            counted.round_trips.inc();
                        }
                        under_way += 1;
                    }
                    diesel::connection::InstrumentationEvent::FinishQuery { .. } => under_way = under_way.saturating_sub(1),
                    diesel::connection::InstrumentationEvent::CacheQuery { .. } => {
                        counted.prepared.inc();
                    }
                    _ => {}
                });
                // Statements are written so that one plan serves all values; planning each anew cost more than running it.
                conn.batch_execute(&format!(
                    "SET ROLE {APP_ROLE}; SET TIME ZONE 'UTC'; SET statement_timeout = '15s'; SET lock_timeout = '5s'; \
                     SET idle_in_transaction_session_timeout = '30s'; SET client_connection_check_interval = '5s'; \
                     SET plan_cache_mode = 'force_generic_plan'; SET jit = off"
                ))
                .await
                .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                prepare(&mut conn).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(conn)
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .wait_timeout(Some(settings.wait))
            .create_timeout(Some(settings.wait))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| Problem::internal(&error))?;
        Ok(Self { pool, counts })
    }

    /// A connection, or 503 when none is free in time.
    ///
    /// # Errors
    /// `busy` (503 with Retry-After).
    pub async fn get(&self) -> Result<Conn, Problem> {
        self.pool.get().await.map_err(|error| {
            tracing::warn!(%error, "no database connection");
            Problem::busy()
        })
    }

    /// How busy the pool is.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        let status = self.pool.status();
        PoolLoad { in_use: status.size.saturating_sub(status.available), waiting: status.waiting, max: status.max_size }
    }

    /// The counters of this pool.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// A hand-written statement with `$n` placeholders, cached under its text.
#[derive(Debug, Clone, Copy)]
pub struct Sql(pub &'static str);

/// A [`Sql`] with its values, given in the order `$1`, `$2`, …
///
/// One type for all statements: as a type of its own for each, with a level for each value, half of the program's compile
/// time went into them.
pub struct Statement<'v> {
    text: &'static str,
    values: Vec<Box<dyn Bind + Send + 'v>>,
}

/// A value that knows how to be sent.
trait Bind {
    fn push<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// A value and the SQL type that it is sent as.
struct Value<St, V> {
    value: V,
    sql_type: PhantomData<fn() -> St>,
}

impl<St, V> Bind for Value<St, V>
where
    Pg: HasSqlType<St>,
    V: ToSql<St, Pg>,
{
    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param_value_only(&self.value)
    }
}

impl Sql {
    /// Binds `$1`.
    pub fn bind<'v, St, V>(self, value: V) -> Statement<'v>
    where
        Pg: HasSqlType<St>,
        V: ToSql<St, Pg> + Send + 'v,
        St: 'v,
    {
        Statement { text: self.0, values: Vec::new() }.bind(value)
    }
}

impl<'v> Statement<'v> {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind<St, V>(mut self, value: V) -> Self
    where
        Pg: HasSqlType<St>,
        V: ToSql<St, Pg> + Send + 'v,
        St: 'v,
    {
        self.values.push(Box::new(Value { value, sql_type: PhantomData }));
        self
    }
}

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}
impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.text);
        self.values.iter().try_for_each(|value| value.push(out.reborrow()))
    }
}

impl QueryId for Sql {
    type QueryId = ();
    // The text itself is the key of the statement cache.
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl Query for Sql {
    type SqlType = Untyped;
}
impl Query for Statement<'_> {
    type SqlType = Untyped;
}
impl<C> diesel::RunQueryDsl<C> for Sql {}
impl<C> diesel::RunQueryDsl<C> for Statement<'_> {}

/// One text column, for statements that answer with a document.
#[derive(diesel::QueryableByName, Debug)]
pub struct TextRow {
    /// The document.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub doc: String,
}

/// Whether a database error is a lock that could not be had in time.
#[must_use]
pub fn is_lock_timeout(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error};
    matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, info)
        if info.message().contains("lock timeout") || info.message().contains("statement timeout"))
}
