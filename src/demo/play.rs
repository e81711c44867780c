//! Plays a script against a server of this process, over loopback, as its people would.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Step;
use crate::evidence::Method;
use crate::identity;
use crate::manifest::reminders;
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::problem::Problem;

/// Why a script stopped.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server did not do what the script foresaw.
    #[error("step {number} ({who} POST {path}) was answered {status}: {answer}")]
    Refused {
        /// Which step.
        number: usize,
        /// Login.
        who: String,
        /// Path.
        path: String,
        /// HTTP status.
        status: u16,
        /// What came.
        answer: String,
    },
    /// A name that no answer gave.
    #[error("step {0} names {1}, which nothing made")]
    Unbound(usize, String),
    /// The way to the server.
    #[error("the loopback connection failed: {0}")]
    Http(#[from] reqwest::Error),
    /// No session could be opened.
    #[error("no session for {0}: {1}")]
    Session(String, Problem),
    /// The day's reminders.
    #[error("the day's reminders failed: {0}")]
    Reminders(Problem),
}

/// How long a token is used before another session is opened; less than its life.
const TOKEN_USED_FOR: Duration = Duration::minutes(14);

struct Player<'a> {
    app: &'a App,
    client: reqwest::Client,
    url: &'a str,
    password: &'a str,
    names: HashMap<String, Uuid>,
    versions: HashMap<Uuid, i64>,
    tokens: HashMap<String, (String, DateTime<Utc>)>,
}

/// Plays the steps; `progress` hears how many are done.
///
/// The first administrator must be there already, bound as `user:platform` in `known`. Sessions are opened without a
/// password, as only code in this process can, so nothing is hashed for each of them.
///
/// # Errors
/// The first step that is not answered as foreseen.
pub async fn play(
    app: &App,
    url: &str,
    password: &str,
    known: HashMap<String, Uuid>,
    steps: &[Step],
    mut progress: impl FnMut(usize),
) -> Result<(), Trouble> {
    let client = reqwest::Client::new();
    let mut player = Player { app, client, url, password, names: known, versions: HashMap::new(), tokens: HashMap::new() };
    let mut today = None;
    for (number, step) in steps.iter().enumerate() {
        player.app.clock.set(step.at);
        // Reminders go out with the first step of a day, not when a job happens to look: the same world from the same seed.
        if today.replace(legal_day(step.at)) != Some(legal_day(step.at)) {
            reminders::run(app).await.map_err(Trouble::Reminders)?;
        }
        player.step(number, step).await?;
        progress(number + 1);
    }
    Ok(())
}

impl Player<'_> {
    async fn step(&mut self, number: usize, step: &Step) -> Result<(), Trouble> {
        let path = self.path(number, &step.path)?;
        let mut body = step.body.clone();
        self.fill(number, step, &mut body).await?;
        let mut request = self.client.post(format!("{}/api/v1{path}", self.url)).header("Idempotency-Key", format!("demo-{number}")).json(&body);
        if !step.who.is_empty() {
            request = request.bearer_auth(self.token(&step.who).await?);
        }
        if let Some(on) = &step.seen {
            let version = self.versions.get(&self.id(number, on)?).copied().unwrap_or_default();
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status >= 300 {
            return Err(Trouble::Refused { number, who: step.who.clone(), path, status, answer: text });
        }
        for done in answer["done"].as_array().into_iter().flatten() {
            if let (Some(subject), Some(version)) = (done["subject_id"].as_str().and_then(|text| text.parse().ok()), done["version"].as_i64()) {
                self.versions.insert(subject, version);
            }
        }
        for (pointer, name) in &step.binds {
            let id = answer.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse().ok());
            self.names.insert(name.clone(), id.ok_or_else(|| Trouble::Unbound(number, name.clone()))?);
        }
        Ok(())
    }

    fn id(&self, number: usize, name: &str) -> Result<Uuid, Trouble> {
        self.names.get(name).copied().ok_or_else(|| Trouble::Unbound(number, name.to_owned()))
    }

    fn path(&self, number: usize, path: &str) -> Result<String, Trouble> {
        let parts: Result<Vec<String>, Trouble> = path
            .split('/')
            .map(|part| part.strip_prefix('$').map_or_else(|| Ok(part.to_owned()), |name| self.id(number, name).map(|id| id.to_string())))
            .collect();
        Ok(parts?.join("/"))
    }

    /// Puts what is known by now in the place of names.
    async fn fill(&mut self, number: usize, step: &Step, body: &mut Value) -> Result<(), Trouble> {
        let mut places = Vec::new();
        collect(body, String::new(), &mut places);
        for (pointer, name) in places {
            let value = match name.split_once(':') {
                None if name == "password" => json!(self.password),
                Some(("token", login)) => json!(self.token(login).await?),
                Some((what @ ("accepted" | "refused"), of)) => self.decided(number, step, what, of).await?,
                _ => json!(self.id(number, &name)?),
            };
            if let Some(place) = body.pointer_mut(&pointer) {
                *place = value;
            }
        }
        Ok(())
    }

    /// What the receiver accepted or refused of a line (`m:12:0`), read as the one who needs it would.
    async fn decided(&mut self, number: usize, step: &Step, what: &str, of: &str) -> Result<Value, Trouble> {
        let unbound = || Trouble::Unbound(number, of.to_owned());
        let (name, line) = of.rsplit_once(':').ok_or_else(unbound)?;
        let (id, token) = (self.id(number, name)?, self.token(&step.who).await?);
        let document: Value = self.client.get(format!("{}/api/v1/manifests/{id}", self.url)).bearer_auth(token).send().await?.json().await?;
        let lines = document.pointer("/parts/verdict/0/content/lines").ok_or_else(unbound)?;
        let line = &lines[line.parse::<usize>().map_err(|_| unbound())?];
        let (weighed, accepted) = (line["weighed_g"].as_i64().ok_or_else(unbound)?, line["accepted_g"].as_i64().ok_or_else(unbound)?);
        Ok(json!(if what == "accepted" { accepted } else { weighed - accepted }))
    }

    async fn token(&mut self, login: &str) -> Result<String, Trouble> {
        let now = self.app.clock.now();
        if let Some((token, since)) = self.tokens.get(login)
            && now - *since < TOKEN_USED_FOR
        {
            return Ok(token.clone());
        }
        let user = self.id(0, &format!("user:{login}"))?;
        let failed = |problem| Trouble::Session(login.to_owned(), problem);
        let session = identity::acts::open_only_session(self.app, user, Method::Password).await.map_err(failed)?;
        self.tokens.insert(login.to_owned(), (session.access_token.clone(), now));
        Ok(session.access_token)
    }
}

fn collect(value: &Value, pointer: String, places: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => places.extend(text.strip_prefix('$').map(|name| (pointer, name.to_owned()))),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| collect(item, format!("{pointer}/{index}"), places)),
        Value::Object(members) => members.iter().for_each(|(name, member)| collect(member, format!("{pointer}/{name}"), places)),
        _ => {}
    }
}
