//! Every list as a file: all its pages, one chunk after the other, in bounded memory.
//!
//! The columns are those of the list's own schema in the contract; the caller of [`send`] gives their titles and their
//! order. A connection is held for a chunk and not longer. A file that cannot be finished is cut off, so that nobody takes
//! half of it for the whole.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use utoipa::ToSchema;
use uuid::Uuid;

use super::write::{BOM, Out, RowWriter, WriteError, csv_row};
use crate::platform::app::App;
use crate::platform::calendar::{legal_day, wall_clock};
use crate::platform::lang::Lang;
use crate::platform::mass::{Grams, tonnes_text};
use crate::platform::problem::{Problem, Text};

/// Unit: rows of a chunk.
pub const CHUNK: i64 = 2_000;
/// Workbooks made at once by one process; more are told to come again. A finished one that is only being sent is none.
const WORKBOOKS_AT_ONCE: usize = 4;
/// The same for text, which takes a chunk of memory each and waits for its reader.
const TEXTS_AT_ONCE: usize = 32;
/// How long a file may take; a reader that stands still keeps nobody else waiting for longer.
const TAKES_AT_MOST: Duration = Duration::from_secs(15 * 60);
/// Unit: bytes of a piece of a finished file.
const PIECE: usize = 65_536;
/// The media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// The media type of text in columns.
pub const CSV: &str = "text/csv; charset=utf-8";

/// What a list may be had as, beside pages of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Text in columns, UTF-8 with its mark.
    Csv,
    /// A workbook.
    Xlsx,
}

/// A title of a column, and where it stands among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// The words.
    pub text: Text,
    /// Its place.
    pub place: usize,
}

/// How a value of a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Tonnes,
    Moment,
}

struct ExportColumn {
    key: String,
    title: String,
    shape: Shape,
}

/// The columns of a schema: its members, a mass also in tonnes, an instant by the clock of Beijing.
fn columns_of(contract: &Value, schema: &Value, title_of: impl Fn(&str) -> Option<Title>, lang: Lang) -> Vec<ExportColumn> {
    let mut members: Vec<(usize, String, Value)> = members_of(contract, schema, 0)
        .into_iter()
        .map(|(key, schema)| (title_of(&key).map_or(usize::MAX, |title| title.place), key, schema))
        .collect();
    members.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    members.dedup_by(|one, other| one.1 == other.1);
    let mut columns = Vec::new();
    for (_, key, schema) in members {
        let title = title_of(&key).map_or_else(|| key.clone(), |title| title.text.say(lang).to_owned());
        let behind = |zh: &str, en: &str| match lang {
            Lang::ZhCn => format!("{title}（{zh}）"),
            Lang::En => format!("{title} ({en})"),
        };
        if key.ends_with("_g") {
            columns.push(ExportColumn { title: behind("克", "g"), key: key.clone(), shape: Shape::Plain });
            columns.push(ExportColumn { title: behind("吨", "t"), key, shape: Shape::Tonnes });
        } else if schema["format"] == "date-time" {
            columns.push(ExportColumn { title: behind("北京时间", "UTC+8"), key, shape: Shape::Moment });
        } else {
            columns.push(ExportColumn { title, key, shape: Shape::Plain });
        }
    }
    columns
}

/// The members of a schema, those of what it is made of included.
fn members_of(contract: &Value, schema: &Value, depth: u8) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    if depth > 4 {
        return found;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        found.extend(members_of(contract, &contract["components"]["schemas"][name], depth + 1));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(members_of(contract, part, depth + 1));
    }
    found.extend(schema["properties"].as_object().into_iter().flatten().map(|(key, schema)| (key.clone(), schema.clone())));
    found
}

impl ExportColumn {
    fn out(&self, row: &Value, lang: Lang) -> Out {
        match (&row[&self.key], self.shape) {
            (Value::Null, _) => Out::Empty,
            (Value::Number(grams), Shape::Tonnes) => {
                grams.as_i64().and_then(|grams| Grams::try_from(grams).ok()).map_or(Out::Empty, |grams| Out::Number(tonnes_text(grams)))
            }
            (Value::String(text), Shape::Moment) => Out::Text(match DateTime::parse_from_rfc3339(text) {
                Ok(at) => super::cell::moment_text(wall_clock(at.with_timezone(&Utc))),
                Err(_) => text.clone(),
            }),
            (Value::Number(number), _) => Out::Number(number.to_string()),
            (Value::String(text), _) => Out::Text(text.clone()),
            (Value::Bool(yes), _) => Out::Text(
                match (lang, yes) {
                    (Lang::ZhCn, true) => "是",
                    (Lang::ZhCn, false) => "否",
                    (Lang::En, true) => "yes",
                    (Lang::En, false) => "no",
                }
                .to_owned(),
            ),
            (Value::Array(all), _) if all.iter().all(Value::is_string) => {
                Out::Text(all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "))
            }
            (other, _) => Out::Text(other.to_string()),
        }
    }
}

/// Gives the rows older than one, at most so many.
pub type Next<R> = Box<dyn FnMut(Option<Uuid>, i64) -> LocalBoxFuture<'static, Result<Vec<R>, Problem>>>;

/// Where the rows of a list come from, and as what they are sent.
struct Source<R> {
    next: Next<R>,
    id_of: fn(&R) -> Uuid,
    columns: Vec<ExportColumn>,
    lang: Lang,
    before: Option<Uuid>,
    is_over: bool,
    until: Instant,
    // Dropped when the file is made or its reader is gone, which gives its place back.
    _place: oneshot::Sender<()>,
}

impl<R: Serialize> Source<R> {
    /// The next rows as cells; none when there are no more.
    async fn chunk(&mut self) -> Result<Vec<Vec<Out>>, Problem> {
        if self.is_over {
            return Ok(Vec::new());
        }
        if Instant::now() > self.until {
            tracing::info!("a file took too long and is cut off");
            return Err(Problem::busy());
        }
        let rows = (self.next)(self.before, CHUNK).await?;
        self.before = rows.last().map(self.id_of).or(self.before);
        self.is_over = i64::try_from(rows.len()).unwrap_or(CHUNK) < CHUNK;
        rows.iter()
            .map(|row| {
                let row = serde_json::to_value(row).map_err(|error| Problem::internal(&error))?;
                Ok(self.columns.iter().map(|column| column.out(&row, self.lang)).collect())
            })
            .collect()
    }
    fn titles(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.title.clone()).collect()
    }
}

/// The files under way.
struct Places {
    workbooks: Arc<Semaphore>,
    texts: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self { workbooks: Arc::new(Semaphore::new(WORKBOOKS_AT_ONCE)), texts: Arc::new(Semaphore::new(TEXTS_AT_ONCE)) }
    }
}

impl Places {
    /// Takes a place, which is given back with what this gives, or when the time is over: a body that nobody reads is never
    /// looked at again, and would keep its place for ever.
    fn take(&self, format: FileFormat) -> Result<oneshot::Sender<()>, Problem> {
        let places = match format {
            FileFormat::Csv => &self.texts,
            FileFormat::Xlsx => &self.workbooks,
        };
        let place = places.clone().try_acquire_owned().map_err(|_| Problem { retry_after: Some(5), ..Problem::busy() })?;
        let (held, given_back) = oneshot::channel::<()>();
        actix_web::rt::spawn(async move {
            let _ = tokio::time::timeout(TAKES_AT_MOST, given_back).await;
            drop(place);
        });
        Ok(held)
    }
}

/// What a list is called, and how it is shown.
pub struct Export<R> {
    /// Its operation in the contract.
    pub name: &'static str,
    /// As what it is wanted.
    pub format: FileFormat,
    /// The language of the titles.
    pub lang: Lang,
    /// Titles of the members of a row.
    pub title_of: fn(&str) -> Option<Title>,
    /// Rows, newest first.
    pub next: Next<R>,
    /// The key of a row.
    pub id_of: fn(&R) -> Uuid,
}

/// Whether a file is asked for: all of a list, so neither a place nor a length goes with it.
///
/// # Errors
/// 400 for `cursor` or `limit` beside `format`.
pub fn wanted(format: Option<FileFormat>, cursor: Option<&str>, limit: Option<i64>) -> Result<Option<FileFormat>, Problem> {
    let beside = cursor.map(|_| "cursor").or(limit.map(|_| "limit"));
    match (format, beside) {
        (Some(_), Some(name)) => Err(Problem::parameter(
            name,
            Text::new("导出文件包含全部数据，不能与 cursor 或 limit 同用", "A file holds the whole list; neither cursor nor limit goes with it"),
        )),
        (format, _) => Ok(format),
    }
}

/// Sends a list as a file.
///
/// # Errors
/// 503 beyond the files that are made at once; what the first chunk refuses.
pub async fn send<R: Serialize + ToSchema + 'static>(app: &App, export: Export<R>) -> Result<HttpResponse, Problem> {
    let place = app.shelf::<Places>().take(export.format)?;
    let schema = serde_json::to_value(R::schema()).map_err(|error| Problem::internal(&error))?;
    let columns = columns_of(&app.contract, &schema, export.title_of, export.lang);
    let mut source = Source {
        next: export.next,
        id_of: export.id_of,
        columns,
        lang: export.lang,
        before: None,
        is_over: false,
        until: Instant::now() + TAKES_AT_MOST,
        _place: place,
    };
    // Before the head is sent, so that what goes wrong at once is told as a problem.
    let first = source.chunk().await?;
    let list = export.name.trim_start_matches("list_");
    let day = legal_day(app.clock.now()).format("%Y%m%d");
    let (kind, ending) = match export.format {
        FileFormat::Csv => (CSV, "csv"),
        FileFormat::Xlsx => (XLSX, "xlsx"),
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{list}-{day}.{ending}\"")));
    Ok(match export.format {
        FileFormat::Csv => response.streaming(as_csv(source, first)),
        FileFormat::Xlsx => {
            let folder = spool(app)?;
            response.streaming(pieces(as_workbook(source, first, folder, list.to_owned()).await?))
        }
    })
}

/// Where files lie until they are sent; they have no name there and end with the process.
///
/// # Errors
/// As the disk.
pub fn spool(app: &App) -> Result<PathBuf, Problem> {
    let folder = app.data.join("spool");
    std::fs::create_dir_all(&folder).map_err(|error| Problem::internal(&error))?;
    Ok(folder)
}

fn as_csv<R: Serialize + 'static>(source: Source<R>, first: Vec<Vec<Out>>) -> impl futures_util::Stream<Item = Result<Bytes, Problem>> {
    let mut head = BOM.to_vec();
    csv_row(&mut head, &source.titles().into_iter().map(Out::Text).collect::<Vec<_>>());
    for row in &first {
        csv_row(&mut head, row);
    }
    let head = futures_util::stream::once(async move { Ok(Bytes::from(head)) });
    let rest = futures_util::stream::try_unfold(source, |mut source| async move {
        let rows = source.chunk().await?;
        let mut text = Vec::new();
        for row in &rows {
            csv_row(&mut text, row);
        }
        Ok((!rows.is_empty()).then(|| (Bytes::from(text), source)))
    });
    futures_util::StreamExt::chain(head, rest)
}

/// Writes the workbook in a thread of its own; whoever leaves meanwhile ends it.
async fn as_workbook<R: Serialize>(mut source: Source<R>, first: Vec<Vec<Out>>, folder: PathBuf, name: String) -> Result<File, Problem> {
    let (give, mut take) = mpsc::channel::<Vec<Vec<Out>>>(1);
    let titles = source.titles();
    let writing = web::block(move || {
        let mut writer = RowWriter::new(&folder, &name, titles)?;
        while let Some(rows) = take.blocking_recv() {
            // An empty chunk is the end; a channel that merely closes is a reader that left.
            if rows.is_empty() {
                return writer.finish(&folder).map(Some);
            }
            for row in &rows {
                writer.row(row)?;
            }
        }
        Ok::<_, WriteError>(None)
    });
    let feeding = async move {
        let mut rows = first;
        loop {
            let is_last = rows.is_empty();
            if give.send(rows).await.is_err() || is_last {
                return Ok::<(), Problem>(());
            }
            rows = source.chunk().await?;
        }
    };
    let (fed, written) = futures_util::join!(feeding, writing);
    fed?;
    let written = written.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    written.ok_or_else(|| Problem::broken("a workbook was not finished"))
}

/// A file piece by piece.
pub fn pieces(file: File) -> impl futures_util::Stream<Item = Result<Bytes, Problem>> {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let read = web::block(move || {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    })
}
