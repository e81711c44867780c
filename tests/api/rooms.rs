//! The house: imports point left only, and rooms between the same two arrows never import each other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// From left to right; each line stands between two arrows.
const HOUSE: &[&[&str]] = &[
    &["platform"],
    &["evidence"],
    &["identity"],
    &["catalogue"],
    &["registry"],
    &["ledger"],
    &["filing"],
    &["manifest"],
    &["general", "medical"],
    &["alerts"],
    &["trajectory"],
    &["supervision"],
    &["credit"],
    &["exchange", "disclosure", "reports", "console"],
    &["demo"],
    &["cli"],
];
/// Files beside the rooms. `schema` is printed and belongs to all; the list of routes is for those who serve it.
const FOR_ALL: &[&str] = &["schema"];
const FOR_THE_LAST: &[&str] = &["contract"];

fn place(room: &str) -> Option<usize> {
    HOUSE.iter().position(|rooms| rooms.contains(&room))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Every name that follows `crate::`, in `use` lines and in paths, those in braces included.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let name = |text: &str| text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for letter in list.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(name(&item));
                    item.clear();
                }
                _ => item.push(letter),
            }
        }
        names.insert(name(&item));
    }
    names.remove("");
    names
}

#[test]
fn imports_point_left_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&src).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let room = folder.file_name().unwrap().to_string_lossy().into_owned();
        let Some(own) = place(&room) else {
            wrong.push(format!("{room} has no place in the house"));
            continue;
        };
        for file in sources(&folder) {
            for name in imports(&std::fs::read_to_string(&file).unwrap()) {
                let fine = name == room
                    || FOR_ALL.contains(&name.as_str())
                    || place(&name).is_some_and(|other| other < own)
                    || (FOR_THE_LAST.contains(&name.as_str()) && own == HOUSE.len() - 1);
                if !fine {
                    wrong.push(format!("{} imports {name}", file.strip_prefix(&src).unwrap().display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_way_to_name_a_room_is_seen() {
    let text = "use crate::{evidence, identity::{Actor, Role}, platform::app};\nfn f() -> crate::ledger::Lot {}\n// crate::manifest\nuse crate::filing as f;";
    assert_eq!(imports(text).into_iter().collect::<Vec<_>>(), ["evidence", "filing", "identity", "ledger", "platform"]);
}
