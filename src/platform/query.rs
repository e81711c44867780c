//! A query string beside the parameters of its operation in the contract: every fault with its parameter.
//!
//! Asked only when a reader has refused the query, since it stops at the first fault and names none.

use actix_web::{HttpRequest, web};
use serde_json::{Map, Value, json};

use super::app::App;
use super::shape::{Fault, FaultDetail, check_schema, validator};

/// What is wrong with the query of a request; the pointer of each fault is `/` and the parameter's name.
#[must_use]
pub fn faults(app: &App, request: &HttpRequest) -> Vec<Fault> {
    let Some(pattern) = request.match_pattern() else { return Vec::new() };
    let method = request.method().as_str().to_ascii_lowercase();
    let Some(schema) = schema_of(&app.contract, &pattern, &method) else { return Vec::new() };
    let Ok(pairs) = web::Query::<Vec<(String, String)>>::from_query(request.query_string()) else { return Vec::new() };
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for (name, text) in pairs.into_inner() {
        let value = read(&schema["properties"][&name], text);
        if values.insert(name.clone(), value).is_some() {
            faults.push(Fault::new(format!("/{name}"), FaultDetail::DuplicateKey { key: name }));
        }
    }
    if let Ok(validator) = validator(&schema, &app.formats) {
        faults.extend(check_schema(&validator, &Value::Object(values)));
    }
    faults
}

/// The query parameters of an operation as one object. A named schema is put in its place: none of them names a further one.
fn schema_of(contract: &Value, pattern: &str, method: &str) -> Option<Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let parameters = contract["paths"][pattern][method]["parameters"].as_array().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
        let name = parameter["name"].as_str()?;
        let schema = match parameter["schema"]["$ref"].as_str() {
            Some(named) => contract.pointer(named.strip_prefix('#')?)?,
            None => &parameter["schema"],
        };
        properties.insert(name.to_owned(), schema.clone());
        if parameter["required"] == true {
            required.push(name);
        }
    }
    Some(json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }))
}

/// A query holds texts only; one that reads as what the schema wants is taken for it.
fn read(schema: &Value, text: String) -> Value {
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if types.contains(&"integer")
        && let Ok(number) = text.parse::<i64>()
    {
        return number.into();
    }
    if types.contains(&"boolean")
        && let Ok(truth) = text.parse::<bool>()
    {
        return truth.into();
    }
    Value::String(text)
}
