//! Query strings: read like bodies, against the schema of their own type, so that every fault is named with its parameter.

use std::any::TypeId;
use std::sync::{Arc, PoisonError};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::{Ready, ready};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::app::App;
use super::problem::Problem;
use super::shape::{self, Fault, FaultDetail};

/// The query of a request. Blanks at the ends of a value do not count.
pub struct Query<T>(pub T);

/// The query of an operation that takes none.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

/// The parameters of an operation as the schema of one object.
struct Parameters {
    schema: Value,
    validator: jsonschema::Validator,
}

impl<T: DeserializeOwned + IntoParams + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::broken("no App in app_data"));
        ready(app.and_then(|app| read(app, request.query_string())).map(Self))
    }
}

/// Reads a query string; a parameter that the operation does not know is a fault like any other.
///
/// # Errors
/// 400 with all faults.
pub fn read<T: DeserializeOwned + IntoParams + 'static>(app: &App, query: &str) -> Result<T, Problem> {
    let parameters = parameters_of::<T>(app)?;
    if let Some(byte) = broken_escape(query) {
        return Err(Problem::query(vec![Fault::new("", FaultDetail::NotUtf8 { byte })]));
    }
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map(web::Query::into_inner).unwrap_or_default();
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for (name, text) in pairs {
        if let Some(control) = text.chars().find(|character| character.is_control()) {
            faults.push(Fault::new(format!("/{name}"), FaultDetail::ControlCharacter { code_point: control.into() }));
        }
        let value = value_of(&parameters.schema["properties"][&name], text.trim());
        if values.insert(name.clone(), value).is_some() {
            faults.push(Fault::new(format!("/{name}"), FaultDetail::DuplicateKey { key: name }));
        }
    }
    let values = Value::Object(values);
    faults.extend(shape::check_schema(&parameters.validator, &values));
    if !faults.is_empty() {
        return Err(Problem::query(faults));
    }
    serde_json::from_value(values).map_err(|error| Problem::query(vec![Fault::value("", &error.to_string())]))
}

/// Where an escape begins that is not two hexadecimal digits, or a byte that is not UTF-8; read as they are, they would be
/// taken for another text.
fn broken_escape(query: &str) -> Option<usize> {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    let raw = query.as_bytes();
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        places.push(at);
        if *byte == b'%' {
            let digits = raw.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            let Some(value) = digits.and_then(|digits| hex::decode(digits).ok()) else { return Some(at) };
            bytes.extend(value);
            at += 3;
        } else {
            bytes.push(*byte);
            at += 1;
        }
    }
    let error = std::str::from_utf8(&bytes).err()?;
    places.get(error.valid_up_to()).copied()
}

/// A query holds texts only; one that reads as what the schema wants is taken for it.
fn value_of(schema: &Value, text: &str) -> Value {
    let wants = |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind));
    let number = wants("integer").then(|| text.parse::<i64>().ok()).flatten().map(Value::from);
    let truth = || wants("boolean").then(|| text.parse::<bool>().ok()).flatten().map(Value::from);
    number.or_else(truth).unwrap_or_else(|| text.into())
}

fn parameters_of<T: IntoParams + 'static>(app: &App) -> Result<Arc<Parameters>, Problem> {
    let shelf = app.shelf::<std::sync::RwLock<std::collections::HashMap<TypeId, Arc<Parameters>>>>();
    let key = TypeId::of::<T>();
    if let Some(found) = shelf.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(found.clone());
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for parameter in T::into_params(|| None) {
        let schema = serde_json::to_value(&parameter.schema).map_err(|error| Problem::internal(&error))?;
        // A named schema is put in its place, so that the whole contract need not be compiled for three parameters.
        let named = schema["$ref"].as_str().and_then(|named| app.contract.pointer(named.strip_prefix('#')?).cloned());
        if parameter.required == utoipa::openapi::Required::True {
            required.push(parameter.name.clone());
        }
        properties.insert(parameter.name, named.unwrap_or(schema));
    }
    let schema = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let validator = shape::validator(&schema, &app.formats).map_err(|error| {
        tracing::error!(%error, "the schema of a query does not compile");
        Problem::broken("a query has no schema")
    })?;
    let made = Arc::new(Parameters { schema, validator });
    shelf.write().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
    Ok(made)
}
