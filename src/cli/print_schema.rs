//! `liandan print-schema`: src/schema.rs from the catalogue of a migrated database.
//!
//! An own query, because the diesel command line needs libpq. The order is that of the names and columns, so that the
//! same migrations always print the same text. The file is kept to be read and compared; the program does not compile it,
//! because statements are written by hand and sixty tables of macros cost as much as half of all other code.

use std::fmt::Write;

use diesel::sql_types::{Array, Bool, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::Failure;
use super::boot::Database;
use super::settings::Place;
use crate::platform::db::Sql;
use crate::platform::migrate::{self, Direction};

#[derive(diesel::QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
    #[diesel(sql_type = Text)]
    type_name: String,
    #[diesel(sql_type = Bool)]
    is_array: bool,
    #[diesel(sql_type = Bool)]
    is_nullable: bool,
    #[diesel(sql_type = Array<Text>)]
    key: Vec<String>,
}

// Partitions are left out: they come and go, and their parent stands for them.
const COLUMNS: Sql = Sql("SELECT c.relname::text AS table, a.attname::text AS column, coalesce(e.typname, t.typname)::text AS type_name, \
     e.oid IS NOT NULL AS is_array, NOT a.attnotnull AS is_nullable, \
     coalesce((SELECT array_agg(k.attname::text ORDER BY i.place) FROM pg_index x, unnest(x.indkey) WITH ORDINALITY i (attnum, place), pg_attribute k \
       WHERE x.indrelid = c.oid AND x.indisprimary AND k.attrelid = c.oid AND k.attnum = i.attnum), '{}') AS key \
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' \
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '__diesel_schema_migrations' \
     ORDER BY c.relname COLLATE \"C\", a.attnum");

const HEAD: &str = "//! The tables. Printed by `liandan print-schema`; never edited.\n\n\
     #![expect(missing_docs, reason = \"the migrations say what each table and column is for\")]\n";

/// Prints the text of src/schema.rs.
///
/// # Errors
/// When there is no database, or a column has a type that is not known here.
pub fn run() -> Result<(), Failure> {
    let text = if let Some(url) = Place::of(std::env::temp_dir()).database_url {
        printed(&url)?
    } else {
        let folder = std::env::temp_dir().join(format!("liandan-print-schema-{}", std::process::id()));
        let text = printed_from_nothing(folder.clone());
        // Best effort: what is left in the folder for temporary files harms nobody.
        let _ = std::fs::remove_dir_all(folder);
        text?
    };
    super::write_out(&text)
}

fn printed_from_nothing(folder: std::path::PathBuf) -> Result<String, Failure> {
    let database = Database::throw_away(folder)?;
    migrate::run(&database.url, Direction::Up)?;
    let text = printed(&database.url)?;
    database.stop()?;
    Ok(text)
}

fn printed(url: &str) -> Result<String, Failure> {
    let rows: Vec<ColumnRow> = actix_web::rt::System::new().block_on(async {
        let mut owner = AsyncPgConnection::establish(url).await?;
        Ok::<_, Failure>(COLUMNS.load(&mut owner).await?)
    })?;
    written(&rows)
}

fn written(rows: &[ColumnRow]) -> Result<String, Failure> {
    let mut text = String::from(HEAD);
    for table in rows.chunk_by(|a, b| a.table == b.table) {
        let Some(first) = table.first() else { continue };
        if first.key.is_empty() {
            write!(text, "\n// {} has no primary key.\n", first.table)?;
            continue;
        }
        write!(text, "\ndiesel::table! {{\n    {} ({}) {{\n", first.table, first.key.join(", "))?;
        for row in table {
            let mut kind = diesel_type(&row.type_name)
                .ok_or_else(|| {
                    Failure::new(format!("{}.{} has the type {}, which print-schema does not know", row.table, row.column, row.type_name))
                })?
                .to_owned();
            if row.is_array {
                kind = format!("Array<{kind}>");
            }
            if row.is_nullable {
                kind = format!("Nullable<{kind}>");
            }
            if is_reserved(&row.column) {
                writeln!(text, "        #[sql_name = \"{0}\"]\n        {0}_ -> {kind},", row.column)?;
            } else {
                writeln!(text, "        {} -> {kind},", row.column)?;
            }
        }
        text.push_str("    }\n}\n");
    }
    Ok(text)
}

fn diesel_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "bool" => "Bool",
        "bpchar" => "Bpchar",
        "bytea" => "Bytea",
        "date" => "Date",
        "float4" => "Float4",
        "float8" => "Float8",
        "inet" => "Inet",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "interval" => "Interval",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "numeric" => "Numeric",
        "oid" => "Oid",
        "text" => "Text",
        "time" => "Time",
        "timestamp" => "Timestamp",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        "varchar" => "Varchar",
        _ => return None,
    })
}

/// Words of Rust that a column may be called; the macro wants another name for them.
fn is_reserved(column: &str) -> bool {
    matches!(
        column,
        "as" | "box"
            | "break"
            | "const"
            | "continue"
            | "do"
            | "else"
            | "enum"
            | "final"
            | "fn"
            | "for"
            | "gen"
            | "if"
            | "impl"
            | "in"
            | "let"
            | "loop"
            | "macro"
            | "match"
            | "mod"
            | "move"
            | "mut"
            | "override"
            | "priv"
            | "pub"
            | "ref"
            | "return"
            | "static"
            | "struct"
            | "trait"
            | "try"
            | "type"
            | "typeof"
            | "unsafe"
            | "use"
            | "virtual"
            | "where"
            | "while"
            | "yield"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(table: &str, column: &str, type_name: &str, is_array: bool, is_nullable: bool) -> ColumnRow {
        let key = if table == "bare" { vec![] } else { vec!["id".to_owned(), "day".to_owned()] };
        ColumnRow { table: table.into(), column: column.into(), type_name: type_name.into(), is_array, is_nullable, key }
    }

    #[test]
    fn a_table_is_written_as_the_macro_wants_it() {
        let rows = [
            column("bare", "n", "int4", false, false),
            column("things", "id", "uuid", false, false),
            column("things", "day", "date", false, false),
            column("things", "roles", "text", true, true),
            column("things", "type", "text", false, false),
        ];
        let expected = "\n// bare has no primary key.\n\n\
            diesel::table! {\n    things (id, day) {\n        id -> Uuid,\n        day -> Date,\n        roles -> Nullable<Array<Text>>,\n        \
            #[sql_name = \"type\"]\n        type_ -> Text,\n    }\n}\n";
        assert_eq!(written(&rows).map_err(|failure| failure.message), Ok(format!("{HEAD}{expected}")));
    }

    #[test]
    fn a_type_without_a_counterpart_is_named() {
        let failure = written(&[column("things", "place", "point", false, false)]).map_err(|failure| failure.message);
        assert_eq!(failure, Err("things.place has the type point, which print-schema does not know".to_owned()));
    }
}
