//! By whose right work is done that outlives its request: kept with the work, and asked again at every step of it.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::domain::Actor;
use super::store;
use crate::evidence::Method;
use crate::platform::calendar::legal_day;
use crate::platform::problem::{Problem, kinds};

/// A credential by its place in the database; no secret is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    session: Option<Uuid>,
    membership: Option<Uuid>,
    method: Method,
    /// Hash of an API key, in hexadecimal digits.
    api_key: Option<String>,
}

impl Standing {
    /// What an actor stands on.
    ///
    /// # Errors
    /// 403 for a one-time code, which is for one act here and now.
    pub fn of(actor: &Actor) -> Result<Self, Problem> {
        if actor.by_code.is_some() {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let api_key = actor.api_key.as_ref().map(|key| hex::encode(&key.hash));
        Ok(Self { session: actor.session, membership: actor.membership, method: actor.method, api_key })
    }

    /// The actor, with the rights of this moment.
    ///
    /// # Errors
    /// 401 when session, membership or key ended.
    pub async fn actor(&self, conn: &AsyncPgConnection, now: DateTime<Utc>) -> Result<Actor, Problem> {
        let actor = match (self.session, &self.api_key) {
            (Some(session), _) => store::actor_of_session(conn, session, self.membership, self.method, now, legal_day(now)).await?,
            (None, Some(key)) => store::actor_of_key(conn, &hex::decode(key).map_err(|error| Problem::internal(&error))?, now).await?,
            (None, None) => None,
        };
        actor.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))
    }
}
