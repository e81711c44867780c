use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::platform::lang::Lang;

fn faults(text: &str) -> Vec<(String, &'static str)> {
    let faults = scan(text.as_bytes(), &Limits::DEFAULT).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn at(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

#[test]
fn plain_json_passes() {
    for text in ["{}", " [ ] ", "null", "-0.5e+3", r#"{"a":[1,2,{"b":"\u4e2d\ud83d\ude00\n\t"}],"c":{"a":1}}"#, "\t\"危险废物\"\r\n", "0"] {
        assert_eq!(faults(text), [], "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        "  ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "{\"a\" 1}",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "NaN",
        "tru",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a\nb\"",
        "{} {}",
        "[1],",
        "\u{feff}{}",
        "]",
        "[}",
        "{\"a\":}",
        "//x\n1",
        "\"\\u+123\"",
        "--1",
        "\u{a0}1",
    ] {
        assert_eq!(faults(text).last().map(|fault| fault.1), Some("not-json"), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
    assert_eq!(scan(b"\"\xff\"", &Limits::DEFAULT).unwrap_err()[0].detail, FaultDetail::NotUtf8 { byte: 1 });
    let fault = &scan("{\n  \"名\": x}".as_bytes(), &Limits::DEFAULT).unwrap_err()[0];
    assert_eq!(fault.detail, FaultDetail::NotJson { line: 2, column: 8, problem: Syntax::UnexpectedCharacter('x') });
    assert_eq!(fault.pointer, "/名");
}

#[test]
fn a_key_twice_is_found_at_every_level() {
    assert_eq!(faults(r#"{"a":1,"a":2}"#), at("/a", "duplicate-key"));
    assert_eq!(faults(r#"{"a":1,"\u0061":2}"#), at("/a", "duplicate-key"));
    assert_eq!(
        faults(r#"{"x":[0,{"m/n~":1,"m/n~":{"k":1,"k":1}}]}"#),
        [at("/x/1/m~1n~0", "duplicate-key"), at("/x/1/m~1n~0/k", "duplicate-key")].concat()
    );
    assert_eq!(faults(r#"{"":1,"":2}"#), at("/", "duplicate-key"));
    assert_eq!(faults(r#"[{"a":1},{"a":1}]"#), []);
    assert_eq!(faults(r#"{"a":{"a":1}}"#), []);
}

#[test]
fn depth_32_passes_and_33_does_not() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(faults(&nested(32)), []);
    assert_eq!(faults(&nested(33)), at(&"/0".repeat(32), "too-deep"));
    assert_eq!(faults(&"[".repeat(100_000)), at(&"/0".repeat(32), "too-deep"));
    assert_eq!(faults(&"{\"a\":".repeat(100_000)), at(&"/a".repeat(32), "too-deep"));
}

#[test]
fn length_is_counted_in_decoded_characters() {
    let text = |chars: usize| format!("{{\"t\":\"{}\"}}", "危".repeat(chars));
    assert_eq!(faults(&text(20_000)), []);
    assert_eq!(faults(&text(20_001)), at("/t", "too-long"));
    assert_eq!(faults(&format!("\"{}\"", "\\ud83d\\ude00".repeat(20_000))), []);
    assert_eq!(faults(&format!("\"{}\"", "\\u0041".repeat(20_001))), at("", "too-long"));
    let key = |chars: usize| format!("{{\"o\":{{\"{}\":1}}}}", "k".repeat(chars));
    assert_eq!(faults(&key(200)), []);
    assert_eq!(faults(&key(201)), at("/o", "too-long"));
}

#[test]
fn arrays_hold_5000_items() {
    let array = |items: usize| format!("{{\"a\":[{}]}}", vec!["1"; items].join(","));
    assert_eq!(faults(&array(5_000)), []);
    assert_eq!(faults(&array(5_001)), at("/a", "too-many-items"));
    assert_eq!(faults(&array(6_000)), at("/a", "too-many-items"));
}

#[test]
fn control_characters_are_refused_but_line_feed_and_tab() {
    for code in (0..=0x1f).chain(0x7f..=0x9f) {
        let expected = if code == 9 || code == 10 { vec![] } else { at("/0", "control-character") };
        assert_eq!(faults(&format!("[\"x\\u{code:04x}\"]")), expected, "{code:x}");
    }
    assert_eq!(faults("[\"\u{7f}\"]"), at("/0", "control-character"));
    assert_eq!(faults("[\"\u{80}\"]"), at("/0", "control-character"));
    assert_eq!(faults("[\"\u{a0}\\u0020~\"]"), []);
    assert_eq!(faults(r#"{"a\u0000":1}"#), at("", "control-character"));
    assert_eq!(faults(r#""\r""#), at("", "control-character"));
}

#[test]
fn characters_that_nobody_sees_are_refused_raw_and_escaped() {
    // Overrides, isolates and marks of direction, without width, fillers, separators, tags.
    for character in "\u{202e}\u{202a}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{200b}\u{2060}\u{feff}\u{ad}\u{3164}\u{2028}\u{e0041}".chars() {
        let mut units = [0; 2];
        let escaped: String = character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
        for text in [character.to_string(), escaped] {
            assert_eq!(faults(&format!("{{\"name\":[\"金州{text}化工\"]}}")), at("/name/0", "invisible-character"), "{character:?}");
            assert_eq!(faults(&format!("{{\"a{text}\":1}}")), at("", "invisible-character"), "{character:?}");
        }
    }
    // What people type: full-width and no-break blanks, rare Han characters with a selector, Mongolian, Uyghur with a joiner, emoji.
    let typed = [
        "大连　金州",
        "a\u{a0}b",
        "\u{20bb7}野家",
        "葛\u{e0100}",
        "\u{1821}\u{180b}\u{180e}",
        "خەت\u{200c}لار",
        "👨\u{200d}🔧",
        "·—…《》",
        "\u{e000}",
    ];
    for text in typed {
        assert_eq!(faults(&format!("[\"{text}\"]")), [], "{text}");
    }
    let fault = &scan("\"a\u{202e}\"".as_bytes(), &Limits::DEFAULT).unwrap_err()[0];
    assert!(fault.message(Lang::ZhCn).contains("U+202E") && fault.message(Lang::En).contains("U+202E"));
}

#[test]
fn a_text_that_must_have_a_character_must_have_one_that_is_seen() {
    let schema = json!({"type": "object", "properties": {
        "must": {"type": "string", "minLength": 1},
        "may": {"type": "string"},
        "or": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/Text"}]},
        "all": {"type": "array", "items": {"$ref": "#/$defs/Text"}},
        "pattern": {"type": "string", "pattern": r"\S"},
    }, "$defs": {"Text": {"type": ["string", "null"], "minLength": 2}}});
    let joiners = "\u{200d}\u{fe0f}";
    for blank in ["   ", "　　", "\n\t", "\u{a0}\u{2003}", joiners, "\u{2800}\u{2800}", "\u{202e}\u{200b}"] {
        for member in ["must", "or"] {
            assert_eq!(schema_faults(&schema, &json!({ member: blank })), at(&format!("/{member}"), "blank"), "{blank:?}");
        }
        assert_eq!(schema_faults(&schema, &json!({ "all": ["甲乙", blank] })), at("/all/1", "blank"), "{blank:?}");
        assert_eq!(schema_faults(&schema, &json!({ "may": blank })), [], "{blank:?}");
    }
    assert_eq!(schema_faults(&schema, &json!({ "pattern": " " })), at("/pattern", "blank"));
    assert_eq!(schema_faults(&schema, &json!({ "must": "" })), at("/must", "too-short"));
    for text in ["-", " 油 ", "　油", "\u{fe0f}1"] {
        assert_eq!(schema_faults(&schema, &json!({ "must": text, "pattern": text })), [], "{text:?}");
    }
}

#[test]
fn numbers_are_read_exactly_or_refused() {
    for text in ["9223372036854775807", "18446744073709551615", "-9223372036854775808", "1e308", &format!("0.{}", "1".repeat(62))] {
        assert_eq!(faults(text), [], "{text}");
    }
    for text in ["18446744073709551616", "-9223372036854775809", "1e309"] {
        assert_eq!(faults(text), at("", "number-out-of-range"), "{text}");
    }
    assert_eq!(faults(&format!("0.{}", "1".repeat(63))), at("", "too-long"));
}

#[test]
fn faults_are_collected_and_bounded() {
    assert_eq!(faults(r#"{"a":1,"a":"\u0001","b":[}"#), [at("/a", "duplicate-key"), at("/a", "control-character"), at("/b/0", "not-json")].concat());
    assert_eq!(faults(&format!("[{}]", vec!["\"\\u0000\""; 1_000].join(","))).len(), FAULTS_MAX);
}

proptest! {
    #[test]
    fn what_passes_can_be_read(text in r#"([\[\]{},:"]|"a"|"b":|-?[0-9]{1,3}|\.|e|true|null| |\\|u00|\\ud83d){0,12}"#) {
        let read = serde_json::from_str::<Value>(&text).is_ok();
        match scan(text.as_bytes(), &Limits::DEFAULT) {
            Ok(()) => prop_assert!(read),
            Err(faults) => prop_assert!(!read || faults.iter().all(|fault| fault.code != "not-json")),
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if scan(&bytes, &Limits::DEFAULT).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }
}

fn schema_faults(schema: &Value, value: &Value) -> Vec<(String, &'static str)> {
    let validator = validator(schema, &[("even-length", |text| text.len() % 2 == 0)]).unwrap();
    let faults = check_schema(&validator, value);
    for fault in &faults {
        assert!(fault.message(Lang::En).ends_with('.') && fault.message(Lang::ZhCn).ends_with('。'), "{fault:?}");
    }
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn body() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["unit", "lines"],
        "properties": {
            "unit": {"type": "string", "format": "uuid"},
            "note": {"type": ["string", "null"], "maxLength": 5, "minLength": 2},
            "stream": {"type": "string", "enum": ["hazardous", "medical"]},
            "code": {"type": "string", "pattern": "^[0-9]{3}$"},
            "even": {"type": "string", "format": "even-length"},
            "lines": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/$defs/Line"}},
        },
        "$defs": {
            "Line": {"type": "object", "additionalProperties": false, "required": ["mass"],
                "properties": {"mass": {"$ref": "#/$defs/Mass"}, "act": {"$ref": "#/$defs/Act"}, "why": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/Why"}]}}},
            "Mass": {"oneOf": [
                {"type": "integer", "minimum": 0, "maximum": 100},
                {"type": "object", "additionalProperties": false, "required": ["v", "u"],
                    "properties": {"v": {"type": "string", "pattern": "^[0-9]+$"}, "u": {"type": "string", "enum": ["t"]}}},
                {"type": "object", "additionalProperties": false, "required": ["v", "u"],
                    "properties": {"v": {"type": "string", "pattern": "^[0-9]{2}$"}, "u": {"type": "string", "enum": ["kg"]}}},
            ]},
            "Act": {"oneOf": [
                {"type": "object", "required": ["kind", "by"], "properties": {"kind": {"const": "take"}, "by": {"type": "string"}}},
                {"type": "object", "required": ["kind", "on"], "properties": {"kind": {"const": "give"}, "on": {"type": "string"}}},
            ]},
            "Why": {"type": "object", "required": ["reason"], "properties": {"reason": {"type": "string"}}},
        }
    })
}

#[test]
fn every_fault_is_named_with_its_place() {
    let sent = json!({
        "extra": 1, "m/n": 2, "note": "123456", "stream": "general", "code": "12", "even": "odd",
        "lines": [{"mass": 5}, {"mas": 5}, {"mass": 1}],
    });
    let mut found = schema_faults(&body(), &sent);
    found.sort();
    let expected = [
        ("/code", "wrong-format"),
        ("/even", "wrong-format"),
        ("/extra", "unknown-field"),
        ("/lines", "too-many-items"),
        ("/lines/1/mas", "unknown-field"),
        ("/lines/1/mass", "missing-field"),
        ("/m~1n", "unknown-field"),
        ("/note", "too-long"),
        ("/stream", "not-allowed-value"),
        ("/unit", "missing-field"),
    ];
    assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    let good = json!({"unit": "0190a5e0-0000-7000-8000-000000000000", "note": null, "lines": [{"mass": {"v": "12", "u": "kg"}, "why": null}]});
    assert_eq!(schema_faults(&body(), &good), []);
}

#[test]
fn the_likely_form_is_explained() {
    let line = |line: Value| schema_faults(&body(), &json!({"unit": "0190a5e0-0000-7000-8000-000000000000", "lines": [line]}));
    assert_eq!(line(json!({"mass": -1})), at("/lines/0/mass", "too-small"));
    assert_eq!(line(json!({"mass": 101})), at("/lines/0/mass", "too-large"));
    assert_eq!(line(json!({"mass": "5 t"})), at("/lines/0/mass", "wrong-type"));
    assert_eq!(line(json!({"mass": 1.5})), at("/lines/0/mass", "wrong-type"));
    assert_eq!(line(json!({"mass": {"v": "1,5", "u": "t"}})), at("/lines/0/mass/v", "wrong-format"));
    assert_eq!(line(json!({"mass": {"v": "1", "u": "kg"}})), at("/lines/0/mass/v", "wrong-format"));
    assert_eq!(line(json!({"mass": {"v": "1", "u": "lb"}})), at("/lines/0/mass/u", "not-allowed-value"));
    assert_eq!(line(json!({"mass": {"v": "1"}})), at("/lines/0/mass/u", "missing-field"));
    assert_eq!(line(json!({"mass": {"v": 1, "u": "t"}})), at("/lines/0/mass/v", "wrong-type"));
    assert_eq!(line(json!({"mass": 1, "act": {"kind": "give"}})), at("/lines/0/act/on", "missing-field"));
    assert_eq!(line(json!({"mass": 1, "act": {"by": "x"}})), at("/lines/0/act/kind", "missing-field"));
    assert_eq!(line(json!({"mass": 1, "act": {"kind": "lose"}})), at("/lines/0/act/kind", "not-allowed-value"));
    assert_eq!(line(json!({"mass": 1, "why": {"reason": 5}})), at("/lines/0/why/reason", "wrong-type"));
    assert_eq!(line(json!({"mass": 1, "why": {}})), at("/lines/0/why/reason", "missing-field"));
    let validator = validator(&body(), &[]).unwrap();
    let faults = check_schema(&validator, &json!({"unit": 1, "lines": [{"mass": true}]}));
    assert_eq!(faults[0].message(Lang::ZhCn), "类型应为整数或对象，实为布尔值。");
    assert_eq!(faults[0].message(Lang::En), "Must be integer or object, not boolean.");
}

#[test]
fn a_named_format_hides_the_pattern_beside_it() {
    let schema = json!({"type": "string", "pattern": "^[0-9A-Z]{18}$", "format": "uscc"});
    let validator = validator(&schema, &[("uscc", |_| false)]).unwrap();
    let faults = check_schema(&validator, &json!("x"));
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message(Lang::ZhCn), "应为统一社会信用代码（18 位，校验码须正确）。");
}

#[test]
fn an_object_that_may_hold_nothing_names_each_member() {
    let empty = json!({"type": "object", "properties": {"o": {"type": "object", "additionalProperties": false}, "no": false}});
    let found = schema_faults(&empty, &json!({"o": {"a": 1, "b/c": 2}, "no": 3}));
    assert_eq!(found, [at("/no", "unknown-field"), at("/o/a", "unknown-field"), at("/o/b~1c", "unknown-field")].concat());
}

#[test]
fn schema_faults_are_bounded() {
    let schema = json!({"type": "array", "items": {"type": "string"}});
    let many = Value::from(vec![1; 1_000]);
    assert_eq!(schema_faults(&schema, &many).len(), FAULTS_MAX);
    let closed = json!({"oneOf": [{"type": "null"}, {"type": "object", "additionalProperties": false}]});
    let members: serde_json::Map<String, Value> = (0..100_000).map(|n| (n.to_string(), Value::Null)).collect();
    assert_eq!(schema_faults(&closed, &Value::Object(members)).len(), FAULTS_MAX);
}
