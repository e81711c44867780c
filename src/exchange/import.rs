//! One file, row by row: what a row means, whether it changes anything, and the act that does it.
//!
//! A row that says what already stands does nothing, so a file sent twice changes nothing, and a job that is run again after
//! its process died goes on where it was. A row changes only what its sender saw, or what nobody but he changed since.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::{self, Outcome, RowDone};
use super::kinds::{Import, Known, Present, RowProblem, content_of};
use super::official;
use crate::evidence;
use crate::identity::{Actor, Standing};
use crate::platform::app::App;
use crate::platform::call::Call;
use crate::platform::jobs::{self, Taken};
use crate::platform::lang::Lang;
use crate::platform::problem::{Kind, Problem, Text};
use crate::platform::table::{Filled, RowFault, SheetRow, file};

/// Rows between two signs of life.
const ROWS_BETWEEN: usize = 25;
/// Events that are looked through for somebody else's.
const EVENTS_LOOKED_THROUGH: i32 = 50;
/// How a job that brings in a table is called; behind it stands the kind.
const JOB: &str = "import_";

/// Kinds of problem of this room: what a row may meet beside its cells and its act.
pub static KINDS: [Kind; 6] = [
    Kind::new(422, "row-unknown", "行键不属于本单位", "The row's key is none of your unit"),
    Kind::new(422, "row-locked", "已有行的灰色列不可修改，请另起新行", "Grey cells of a row that exists do not change; begin a new row"),
    Kind::new(422, "row-twice", "同一内容在文件中出现两次且不一致", "The file says one thing twice, and differently"),
    Kind::new(412, "row-stale", "您下载之后，此行已被他人修改", "Somebody changed it after you took the template"),
    Kind::new(
        409,
        "row-exists",
        "已有相同的记录且内容不同，请下载模板后修改",
        "It exists with other contents; take the template and change it there",
    ),
    Kind::new(409, "row-issued", "此自编号已成为联单", "This number became a manifest"),
];

/// What a job needs beside its file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// By whose right.
    pub standing: Standing,
    /// The language of its answer.
    pub lang: Lang,
    /// Whether nothing is kept.
    pub check: bool,
}

/// The name of the job that brings in a kind.
#[must_use]
pub fn job_name(kind: Import) -> String {
    format!("{JOB}{}", kind.name())
}

/// Reads a file of a kind, in a thread for such work.
///
/// # Errors
/// What is wrong with the file as a whole.
pub async fn read(kind: Import, bytes: Vec<u8>) -> Result<Filled, Problem> {
    let reading = web::block(move || {
        let sheet = kind.sheet();
        sheet.filled(&file::read(&bytes, &crate::platform::table::write::sheet_name(sheet.title.0))?)
    });
    reading.await.map_err(|error| Problem::internal(&error))?
}

/// Runs the next job that waits, to its end; gives how many there were.
///
/// # Errors
/// As the database. The job is then taken again when its lease is over.
pub async fn run_next(app: &Arc<App>) -> Result<usize, Problem> {
    let Some(mut job) = jobs::take(app).await? else { return Ok(0) };
    let input = std::mem::take(&mut job.input);
    match run(app, &job, input).await {
        Ok(()) => {}
        // The database is away: whoever takes the job next goes on.
        Err(problem) if problem.status >= 500 => return Err(problem),
        Err(problem) => {
            let why = json!({ "code": problem.code, "message": { "zh-CN": problem.detail.zh, "en": problem.detail.en } });
            job.fail(app, &why).await?;
        }
    }
    Ok(1)
}

async fn run(app: &Arc<App>, job: &Taken, input: Vec<u8>) -> Result<(), Problem> {
    let request: Request = serde_json::from_value(job.request.clone()).map_err(|error| Problem::internal(&error))?;
    if job.kind == official::JOB {
        return official::run(app, job, &request, input).await;
    }
    let kind = Import::of(job.kind.trim_start_matches(JOB))?;
    let filled = read(kind, input).await?;
    let (actor, mut known) = {
        let mut conn = app.db.get().await?;
        let actor = request.standing.actor(&conn, app.clock.now()).await?;
        let unit = kind.unit_of(&actor)?;
        if unit != job.unit_id {
            return Err(Problem::not_found());
        }
        (actor, kind.known(&mut conn, unit).await?)
    };
    let mut done = Vec::with_capacity(filled.rows.len());
    let mut said: HashMap<String, (usize, Map<String, Value>)> = HashMap::new();
    for (place, row) in filled.rows.iter().enumerate() {
        if place % ROWS_BETWEEN == 0 && !job.progress(app, place).await? {
            tracing::info!(job = %job.id, "another process goes on with the job");
            return Ok(());
        }
        let sent = Sent { app, job: job.id, kind, actor: &actor, request: &request, filled: &filled, row };
        done.push(sent.deal_with(&mut known, &mut said).await?);
    }
    let articles = answer::articles(app, &done).await?;
    let result = answer::result(kind, &request, &filled, &done);
    let name = format!("{}-result-{}.xlsx", kind.name(), crate::platform::calendar::legal_day(app.clock.now()).format("%Y%m%d"));
    let lang = request.lang;
    let book = web::block(move || answer::book(kind, lang, request.check, &known, &filled, &done, &articles));
    let book = book.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    job.finish(app, &jobs::Answer { result: &result, file: Some((&name, &book)) }).await
}

/// A row with all that it came with.
struct Sent<'a> {
    app: &'a Arc<App>,
    job: Uuid,
    kind: Import,
    actor: &'a Actor,
    request: &'a Request,
    filled: &'a Filled,
    row: &'a SheetRow,
}

/// What is to be done for a row.
enum Step {
    /// It stands as it says.
    Nothing(Uuid),
    /// It is new.
    Record,
    /// This thing is changed, upon this version.
    Change(Uuid, i64),
}

fn fault(kind: &'static Kind, message: Text) -> RowFault {
    RowFault { column: None, code: kind.code.to_owned(), message, law: Vec::new() }
}

fn plain(kind: &'static Kind) -> RowFault {
    fault(kind, Text::new(kind.zh, kind.en))
}

impl Sent<'_> {
    async fn deal_with(&self, known: &mut Known, said: &mut HashMap<String, (usize, Map<String, Value>)>) -> Result<RowDone, Problem> {
        let typed = self.kind.sheet().typed(self.row, &known.choices);
        let mut done = RowDone { values: typed.values, faults: typed.faults, readings: typed.readings, ..RowDone::default() };
        self.kind.tidy(&mut done.values);
        if !done.faults.is_empty() {
            return Ok(done);
        }
        let step = match self.step(known, said, &mut done.values).await? {
            Ok(step) => step,
            Err(fault) => {
                done.faults.push(fault);
                return Ok(done);
            }
        };
        let of = match step {
            Step::Nothing(id) => {
                let version = known.present.get(&id).map(|present| present.version);
                return Ok(RowDone { outcome: Outcome::Unchanged, id: Some(id), version, ..done });
            }
            Step::Record => None,
            Step::Change(id, _) => known.present.get(&id).cloned(),
        };
        let seen = if let Step::Change(_, seen) = step { Some(seen) } else { None };
        let call = self.call(seen, &done.values);
        match self.kind.act(&call, self.actor, known, &done.values, of.as_ref()).await {
            Ok(acted) => {
                done.outcome = if of.is_some() { Outcome::Changed } else { Outcome::Recorded };
                done.before = of.as_ref().map(|present| present.values.clone());
                // In check mode the new thing is gone again, and so is its version.
                done.told = acted.told;
                if let (Some(id), Some(version), false) = (acted.id, acted.version, self.request.check) {
                    (done.id, done.version) = (Some(id), Some(version));
                    let mut values = of.as_ref().map(|present| present.values.clone()).unwrap_or_default();
                    values.extend(done.values.clone());
                    let beside = of.as_ref().map(|present| present.beside.clone()).unwrap_or_default();
                    known.put(self.kind, Present { id, version, values, beside, written: None, became: None });
                } else {
                    (done.id, done.version) = (of.as_ref().map(|present| present.id), of.as_ref().map(|present| present.version));
                }
            }
            Err(RowProblem::Cell(fault)) => done.faults.push(fault),
            Err(RowProblem::Act(problem)) if problem.status >= 500 => return Err(*problem),
            Err(RowProblem::Act(problem)) => done.faults.extend(self.faults_of(&problem)),
        }
        Ok(done)
    }

    /// What a row means among what there is. A column that the file does not have leaves its value as it stands.
    async fn step(
        &self,
        known: &Known,
        said: &mut HashMap<String, (usize, Map<String, Value>)>,
        values: &mut Map<String, Value>,
    ) -> Result<Result<Step, RowFault>, Problem> {
        let of_key = match self.row.key.as_deref().map(|key| key.parse::<Uuid>().ok().and_then(|id| known.present.get(&id))) {
            Some(None) => return Ok(Err(plain(&KINDS[0]))),
            Some(Some(present)) => Some(present),
            None => None,
        };
        let identity = self.kind.identity(values);
        if of_key.is_some_and(|present| self.kind.identity(&present.values) != identity) {
            return Ok(Err(plain(&KINDS[1])));
        }
        let present = of_key.or_else(|| known.meant(self.kind, values));
        for (column, letter) in self.kind.sheet().columns.iter().zip(&self.filled.letters) {
            if letter.is_none()
                && let Some(value) = present.and_then(|present| present.values.get(column.key))
            {
                values.insert(column.key.to_owned(), value.clone());
            }
        }
        if let Some((row, before)) = said.get(&identity) {
            let (zh, en) = (format!("第 {row} 行已写明同一事项，内容不同"), format!("Row {row} says it already, and differently"));
            if before != values {
                return Ok(Err(fault(&KINDS[2], Text::new(zh, en))));
            }
        } else {
            said.insert(identity, (self.row.no, values.clone()));
        }
        let Some(present) = present else { return Ok(Ok(Step::Record)) };
        if let Some(number) = &present.became {
            // The same row again is no news; another one under its number would be taken for done.
            if present.written.as_ref().is_some_and(|written| written.content == content_of(values)) {
                return Ok(Ok(Step::Nothing(present.id)));
            }
            let (zh, en) = (format!("此自编号已成为联单 {number}，请另编一个"), format!("This number became the manifest {number}; take another"));
            return Ok(Err(fault(&KINDS[5], Text::new(zh, en))));
        }
        let differs = |key: &str| values.get(key) != present.values.get(key);
        let is_read = |column: &&crate::platform::table::Column| column.kind != crate::platform::table::Kind::Shown;
        if !self.kind.sheet().columns.iter().filter(is_read).any(|column| differs(column.key)) {
            return Ok(Ok(Step::Nothing(present.id)));
        }
        // Without a key the row knows no version: it may change what its sender wrote last.
        let seen = if of_key.is_some() { self.row.version.unwrap_or(0) } else { present.version - 1 };
        let is_own = present.written.as_ref().is_some_and(|written| written.by == self.actor.user && written.version == present.version);
        if seen >= present.version || is_own || self.nobody_else_since(present.id, seen).await? {
            return Ok(Ok(Step::Change(present.id, present.version)));
        }
        Ok(Err(plain(if of_key.is_some() { &KINDS[3] } else { &KINDS[4] })))
    }

    /// Whether all that came to a thing after a version came from whoever sent this file.
    async fn nobody_else_since(&self, id: Uuid, version: i64) -> Result<bool, Problem> {
        let mut conn = self.app.db.get().await?;
        let events = evidence::events_of(&mut conn, id, version.max(0), EVENTS_LOOKED_THROUGH).await?;
        let since: Vec<_> = events.iter().filter(|event| event.version > version).collect();
        if since.is_empty() || i32::try_from(events.len()).unwrap_or(EVENTS_LOOKED_THROUGH) >= EVENTS_LOOKED_THROUGH {
            return Ok(false);
        }
        for event in since {
            if event.document()?["actor"] != json!(self.actor.user) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn call(&self, seen: Option<i64>, values: &Map<String, Value>) -> Call {
        let key = format!("{}/{}", self.job, self.row.no);
        let mut hash = Sha256::new();
        for part in ["import", &key, &Value::Object(values.clone()).to_string()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Call {
            app: self.app.clone(),
            lang: self.request.lang,
            // The job is the request that the events name.
            request_id: self.job,
            now: self.app.clock.now(),
            check: self.request.check,
            key,
            seen,
            fingerprint: hash.finalize().into(),
        }
    }

    fn faults_of(&self, problem: &Problem) -> Vec<RowFault> {
        if problem.errors.is_empty() {
            return vec![RowFault { column: None, code: problem.code.to_owned(), message: problem.detail.clone(), law: Vec::new() }];
        }
        let faults = problem.errors.iter();
        faults
            .map(|fault| RowFault {
                column: self.kind.column_of(&fault.pointer),
                code: fault.code.to_owned(),
                message: fault.message.clone(),
                law: fault.law.clone(),
            })
            .collect()
    }
}
