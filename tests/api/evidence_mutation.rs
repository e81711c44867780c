//! Evidence under attack: every single field of an exported file is changed, plainly and with all hashes made to fit again.

use liandan::evidence::{Evidence, KeySet, Verdict, canonical, content_hash, event_hash, verify};
use serde_json::{Value, json};

use crate::district::District;
use crate::harness::World;

/// A whole life's file with the keys to check it.
async fn exported() -> (Value, KeySet) {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "treated").await;
    let file = world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/evidence", manifest.id)).await.ok();
    let keys = KeySet::parse(&world.get((), "/.well-known/liandan-keys").await.ok());
    (file, keys)
}

/// Pointers to every value that is no container, and to every container too: it may be emptied.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{pointer}/{index}"), found)),
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found));
        }
        _ => {}
    }
}

/// The changes of one place that keep its type, and its absence.
fn changes(document: &Value, pointer: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut with = |value: Value| {
        let mut changed = document.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        all.push(changed);
    };
    match document.pointer(pointer).unwrap() {
        Value::String(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            match letters.last_mut() {
                Some(last) => *last = if *last == '0' { '1' } else { '0' },
                None => letters.push('0'),
            }
            with(json!(letters.into_iter().collect::<String>()));
        }
        Value::Number(number) => with(json!(number.as_i64().unwrap() + 1)),
        Value::Bool(flag) => with(json!(!flag)),
        Value::Null => with(json!(0)),
        Value::Array(items) if items.len() > 1 => {
            with(json!(items[1..]));
            with(json!(items[..items.len() - 1]));
            let mut swapped = items.clone();
            swapped.swap(0, 1);
            with(json!(swapped));
        }
        Value::Array(items) => {
            if !items.is_empty() {
                with(json!([]));
            }
        }
        Value::Object(_) => {}
    }
    if let Some((parent, name)) = pointer.rsplit_once('/') {
        let name = name.replace("~1", "/").replace("~0", "~");
        let mut changed = document.clone();
        if let Some(object) = changed.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(&name);
            all.push(changed);
        }
    }
    all
}

fn every_change(document: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    places(document, "", &mut found);
    found.into_iter().flat_map(|pointer| changes(document, &pointer).into_iter().map(move |changed| (pointer.clone(), changed))).collect()
}

/// `None` where it is no evidence file any more, which a reader notices before any check.
fn verdict(file: &Value, keys: Option<&KeySet>) -> Option<Verdict> {
    serde_json::from_value::<Evidence>(file.clone()).ok().map(|evidence| verify(&evidence, keys))
}

/// All that somebody without the private key can make fit again: part hashes in the events, event hashes, chains, heads.
fn rehash(file: &mut Value) {
    let parts: Vec<Value> = file["parts"].as_array().unwrap().clone();
    for chain in file["chains"].as_array_mut().unwrap() {
        let subject = chain["subject_id"].clone();
        let mut prev = String::new();
        for event in chain["events"].as_array_mut().unwrap() {
            let mut document: Value = serde_json::from_str(event["bytes"].as_str().unwrap()).unwrap();
            for (name, hash) in document["sealed"].as_object_mut().into_iter().flatten() {
                if let Some(part) = parts.iter().find(|part| part["name"] == *name && part["subject_id"] == subject) {
                    *hash = json!(hex::encode(content_hash(part["bytes"].as_str().unwrap().as_bytes())));
                }
            }
            let bytes = String::from_utf8(canonical(&document).unwrap()).unwrap();
            if prev.is_empty() {
                prev = event["prev_hash"].as_str().unwrap().to_owned();
            }
            let hash = hex::encode(event_hash(&hex::decode(&prev).unwrap(), bytes.as_bytes()));
            (event["bytes"], event["prev_hash"], event["hash"]) = (json!(bytes), json!(prev), json!(hash));
            prev = hash;
        }
        chain["head"]["hash"] = json!(prev);
    }
}

/// Files whose sealed text at `pointer` is changed in one field.
fn inside(file: &Value, pointer: &str) -> Vec<(String, Value)> {
    let document: Value = serde_json::from_str(file.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
    let put = |(place, changed): (String, Value)| {
        let mut copy = file.clone();
        *copy.pointer_mut(pointer).unwrap() = json!(String::from_utf8(canonical(&changed).unwrap()).unwrap());
        (format!("{pointer} {place}"), copy)
    };
    every_change(&document).into_iter().map(put).collect()
}

fn sealed_texts(file: &Value) -> Vec<String> {
    let mut all: Vec<String> = (0..file["parts"].as_array().unwrap().len()).map(|index| format!("/parts/{index}/bytes")).collect();
    for (chain, events) in file["chains"].as_array().unwrap().iter().enumerate() {
        all.extend((0..events["events"].as_array().unwrap().len()).map(|event| format!("/chains/{chain}/events/{event}/bytes")));
    }
    all
}

#[actix_web::test]
async fn no_single_field_of_an_exported_file_can_be_changed_unseen() {
    let (file, keys) = exported().await;
    assert_eq!(verdict(&file, Some(&keys)), Some(Verdict::Valid));
    let changed = every_change(&file);
    assert!(changed.len() > 150, "{} changes", changed.len());
    for (place, copy) in changed {
        assert_ne!(verdict(&copy, Some(&keys)), Some(Verdict::Valid), "{place}");
    }
}

#[actix_web::test]
async fn no_single_field_inside_a_sealed_text_can_be_changed_unseen() {
    let (file, keys) = exported().await;
    let mut tried = 0;
    for pointer in sealed_texts(&file) {
        for (place, copy) in inside(&file, &pointer) {
            tried += 1;
            // Plainly changed, it contradicts its own hash: that needs no keys.
            assert!(matches!(verdict(&copy, None), None | Some(Verdict::Tampered(_))), "{place}");
            assert_ne!(verdict(&copy, Some(&keys)), Some(Verdict::Valid), "{place}");
        }
    }
    assert!(tried > 400, "{tried} changes");
}

#[actix_web::test]
async fn hashes_made_to_fit_again_do_not_help_without_the_private_key() {
    let (file, keys) = exported().await;
    let mut same = file.clone();
    rehash(&mut same);
    assert_eq!(same, file, "rehashing an unchanged file changes nothing");
    let mut consistent = 0;
    for pointer in sealed_texts(&file) {
        for (place, mut copy) in inside(&file, &pointer) {
            rehash(&mut copy);
            if copy == file {
                // The change was a hash that rehashing put right.
                continue;
            }
            consistent += usize::from(verdict(&copy, None) == Some(Verdict::NotAuthenticated));
            assert!(matches!(verdict(&copy, Some(&keys)), None | Some(Verdict::Tampered(_) | Verdict::Incomplete(_))), "{place}");
            // The head is signed too: a file without its own signature is still not to be forged.
            if let Some(Verdict::Tampered(wrong)) = verdict(&copy, Some(&keys)) {
                assert!(wrong.iter().any(|line| line.contains("head")), "{place}: {wrong:?}");
            }
        }
    }
    assert!(consistent > 100, "{consistent} forgeries are consistent in themselves, so the keys decide");
}
