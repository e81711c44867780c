//! A body that is JSON, beside the schema of its operation: every fault with its place.

use std::collections::HashSet;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use super::FAULTS_MAX;
use super::fault::{Fault, FaultDetail, format_words, push_segment};
use super::text::has_content;

/// Levels of `oneOf` inside `oneOf` that are followed.
const BRANCH_DEPTH_MAX: usize = 16;

/// A text format that a schema names and that a pattern cannot express, such as a check digit.
pub type FormatCheck = (&'static str, fn(&str) -> bool);

/// The format of a text that must have content and has no other format; [`filled`] puts it there.
const FILLED: &str = "filled";

/// Makes the validator of an operation: formats are asserted, ours among them, and a text of at least one character must
/// say something. That is not left to each schema, where it would be forgotten.
///
/// # Errors
/// The schema itself is not valid; the text says where.
pub fn validator(schema: &Value, formats: &[FormatCheck]) -> Result<Validator, String> {
    let mut options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    for (name, accepts) in formats {
        options = options.with_format(*name, *accepts);
    }
    let mut schema = schema.clone();
    filled(&mut schema);
    options
        .with_format(FILLED, |text| text.is_empty() || has_content(text))
        .build(&schema)
        .map_err(|error| format!("{}: {error}", error.schema_path()))
}

/// Demands content of every text that must have a character. Of the empty one `minLength` speaks already.
fn filled(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let least = members.get("minLength").and_then(Value::as_u64).unwrap_or(0);
            if least > 0 && !members.contains_key("format") {
                members.insert("format".into(), FILLED.into());
            }
            members.values_mut().for_each(filled);
        }
        Value::Array(items) => items.iter_mut().for_each(filled),
        _ => {}
    }
}

/// Lists what is wrong with a body that its reader refused, up to [`FAULTS_MAX`] faults.
///
/// Where a place may have one of several forms, the faults are those of the form that was most likely meant.
pub fn check_schema(validator: &Validator, value: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        if faults.len() >= FAULTS_MAX {
            break;
        }
        explain(&error, value, 0, &mut faults);
    }
    faults.truncate(FAULTS_MAX);
    drop_repeats(&mut faults);
    faults
}

/// One sentence a place and kind is enough: a named format says more than the pattern beside it.
fn drop_repeats(faults: &mut Vec<Fault>) {
    let named: HashSet<String> = faults
        .iter()
        .filter(|fault| matches!(&fault.detail, FaultDetail::WrongFormat { format } if format_words(format).is_some()))
        .map(|fault| fault.pointer.clone())
        .collect();
    let mut seen = Vec::<Fault>::new();
    faults.retain(|fault| {
        let shadowed =
            matches!(&fault.detail, FaultDetail::WrongFormat { format } if format_words(format).is_none()) && named.contains(&fault.pointer);
        let keep = !shadowed && !seen.contains(fault);
        if keep {
            seen.push(fault.clone());
        }
        keep
    });
}

fn explain(error: &ValidationError<'_>, root: &Value, depth: usize, faults: &mut Vec<Fault>) {
    use ValidationErrorKind as Kind;
    let place = error.instance_path().as_str();
    let member = |name: &str| {
        let mut pointer = place.to_owned();
        push_segment(&mut pointer, name);
        pointer
    };
    let detail = match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            faults.extend(unexpected.iter().take(FAULTS_MAX).map(|name| Fault::new(member(name), FaultDetail::UnknownField { name: name.clone() })));
            return;
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            faults.push(Fault::new(member(name), FaultDetail::MissingField { name: name.to_owned() }));
            return;
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            if depth < BRANCH_DEPTH_MAX {
                let branches = context.iter().map(|errors| Branch::read(errors, root, place, depth + 1)).collect();
                faults.extend(Branch::most_likely(branches, place));
                return;
            }
            FaultDetail::NoForm
        }
        Kind::OneOfMultipleValid { .. } => FaultDetail::AmbiguousForm,
        Kind::FalseSchema => {
            // An object that may hold nothing: the validator stops at its first member and gives the object's place.
            let object = root.pointer(place).and_then(Value::as_object);
            if let Some(object) = object.filter(|_| error.schema_path().as_str().ends_with("/additionalProperties")) {
                let unknown = object.keys().take(FAULTS_MAX).map(|name| Fault::new(member(name), FaultDetail::UnknownField { name: name.clone() }));
                faults.extend(unknown);
                return;
            }
            let name = error.instance_path().iter().last().map(|segment| segment.to_string());
            FaultDetail::UnknownField { name: name.unwrap_or_default() }
        }
        Kind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(kind) => vec![*kind],
                TypeKind::Multiple(kinds) => kinds.iter().collect(),
            };
            FaultDetail::WrongType { expected, found: found_type(error.instance()) }
        }
        Kind::Enum { options } => match options.as_ref() {
            Value::Array(options) => FaultDetail::NotAllowedValue { allowed: options.iter().map(plain).collect() },
            other => FaultDetail::NotAllowedValue { allowed: vec![plain(other)] },
        },
        Kind::Constant { expected_value } => FaultDetail::NotAllowedValue { allowed: vec![plain(expected_value)] },
        Kind::Minimum { limit } => FaultDetail::TooSmall { min: limit.to_string(), exclusive: false },
        Kind::ExclusiveMinimum { limit } => FaultDetail::TooSmall { min: limit.to_string(), exclusive: true },
        Kind::Maximum { limit } => FaultDetail::TooLarge { max: limit.to_string(), exclusive: false },
        Kind::ExclusiveMaximum { limit } => FaultDetail::TooLarge { max: limit.to_string(), exclusive: true },
        Kind::MultipleOf { multiple_of } => FaultDetail::NotMultiple { of: multiple_of.to_string() },
        Kind::MaxLength { limit } => FaultDetail::TooLong { max: *limit },
        Kind::MinLength { limit } => FaultDetail::TooShort { min: *limit },
        Kind::MaxItems { limit } => FaultDetail::TooManyItems { max: *limit },
        Kind::AdditionalItems { limit } => FaultDetail::TooManyItems { max: *limit as u64 },
        Kind::MinItems { limit } => FaultDetail::TooFewItems { min: *limit },
        Kind::MaxProperties { limit } => FaultDetail::TooManyMembers { max: *limit },
        Kind::MinProperties { limit } => FaultDetail::TooFewMembers { min: *limit },
        Kind::UniqueItems => FaultDetail::DuplicateItems,
        Kind::Format { format } if format == FILLED => FaultDetail::Blank,
        Kind::Format { format } => FaultDetail::WrongFormat { format: format.clone() },
        // The contract says of some texts that they must hold more than blanks; in words it is the same.
        Kind::Pattern { pattern } if pattern == r"\S" => FaultDetail::Blank,
        Kind::Pattern { pattern } => FaultDetail::WrongFormat { format: pattern.clone() },
        other => FaultDetail::Refused { keyword: other.keyword().to_owned() },
    };
    faults.push(Fault::new(place, detail));
}

/// The type as a person would name it: 5 is an integer, not a number.
fn found_type(value: &Value) -> JsonType {
    if value.is_i64() || value.is_u64() { JsonType::Integer } else { JsonType::from(value) }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One of several allowed forms, with what is wrong if it was meant.
struct Branch {
    faults: Vec<Fault>,
    /// How unlikely it was meant: 2 another JSON type, 1 another tag, 0 neither.
    tier: u8,
    /// Members missing or unknown at the place itself; a form that was meant has most of its members.
    strange_members: usize,
}

impl Branch {
    fn read(errors: &[ValidationError<'_>], root: &Value, place: &str, depth: usize) -> Self {
        let mut faults = Vec::new();
        for error in errors.iter().take(FAULTS_MAX) {
            explain(error, root, depth, &mut faults);
        }
        let tier = faults.iter().map(|fault| Self::tier(fault, place)).max().unwrap_or(0);
        let strange_members = faults
            .iter()
            .filter(|fault| matches!(fault.detail, FaultDetail::MissingField { .. } | FaultDetail::UnknownField { .. }))
            .filter(|fault| is_member(&fault.pointer, place))
            .count();
        Self { faults, tier, strange_members }
    }

    fn tier(fault: &Fault, place: &str) -> u8 {
        match &fault.detail {
            FaultDetail::WrongType { .. } if fault.pointer == place => 2,
            FaultDetail::NotAllowedValue { .. } if fault.pointer == place => 1,
            // A member with one single allowed value is a tag.
            FaultDetail::NotAllowedValue { allowed } if allowed.len() == 1 && is_member(&fault.pointer, place) => 1,
            _ => 0,
        }
    }

    /// The faults of the form that was most likely meant; of forms equally likely, those that they share.
    fn most_likely(branches: Vec<Self>, place: &str) -> Vec<Fault> {
        let rank = |branch: &Self| (branch.tier, branch.strange_members, branch.faults.len());
        let Some(best) = branches.iter().map(rank).min() else {
            return vec![Fault::new(place, FaultDetail::NoForm)];
        };
        if best.0 > 0 {
            let likely: Vec<Self> = branches.into_iter().filter(|branch| branch.tier == best.0).collect();
            return Self::merged(&likely, best.0, place);
        }
        let mut likely = branches.into_iter().filter(|branch| rank(branch) == best);
        let mut shared = likely.next().map(|branch| branch.faults).unwrap_or_default();
        for other in likely {
            shared.retain(|fault| other.faults.contains(fault));
        }
        if shared.is_empty() { vec![Fault::new(place, FaultDetail::NoForm)] } else { shared }
    }

    /// No form has the type (or the tag) that was sent: says which ones there are, all in one fault.
    fn merged(branches: &[Self], tier: u8, place: &str) -> Vec<Fault> {
        let (mut types, mut found, mut values, mut tag) = (Vec::new(), None, Vec::new(), None::<&str>);
        for fault in branches.iter().flat_map(|branch| &branch.faults).filter(|fault| Self::tier(fault, place) == tier) {
            match &fault.detail {
                FaultDetail::WrongType { expected, found: seen } => {
                    found = Some(*seen);
                    add_new(&mut types, expected);
                }
                FaultDetail::NotAllowedValue { allowed } if tag.is_none_or(|tag| tag == fault.pointer) => {
                    tag = Some(&fault.pointer);
                    add_new(&mut values, allowed);
                }
                _ => {}
            }
        }
        vec![match (found, tag) {
            (Some(found), _) => Fault::new(place, FaultDetail::WrongType { expected: types, found }),
            (None, Some(tag)) => Fault::new(tag, FaultDetail::NotAllowedValue { allowed: values }),
            (None, None) => Fault::new(place, FaultDetail::NoForm),
        }]
    }
}

fn add_new<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}

fn is_member(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).and_then(|rest| rest.strip_prefix('/')).is_some_and(|name| !name.contains('/'))
}
