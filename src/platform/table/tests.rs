//! Files as people send them, and cells as they type them.

use std::io::{Cursor, Write as _};

use chrono::{NaiveDate, NaiveDateTime};
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::json;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::cell::{self, Cell, Choice};
use super::file::{self, COLUMNS_MAX, Grid, ROWS_MAX};
use super::template::{self, BookRow, Column, Kind, Sheet};
use super::write::{Out, csv_row};
use super::{CellFault, Choices, FileFault};
use crate::platform::lang::Lang;
use crate::platform::mass::{Grams, MassUnit, tonnes_text};

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn tonnes(written: &str) -> Result<Option<i64>, CellFault> {
    cell::mass(&text(written), MassUnit::T).map(|read| read.map(|read| read.value.get()))
}

#[test]
fn a_mass_is_read_as_people_type_it() {
    for (written, grams) in [
        ("1.25", 1_250_000),
        ("１２．５", 12_500_000),
        ("1,25", 1_250_000),
        ("1，25", 1_250_000),
        ("1。25", 1_250_000),
        ("0,250", 250_000),
        ("1,250", 1_250_000_000),
        ("1 250", 1_250_000_000),
        ("1\u{a0}250.5", 1_250_500_000),
        ("12,345.678", 12_345_678_000),
        ("12.345,678", 12_345_678_000),
        ("1.25吨", 1_250_000),
        ("1.25 t", 1_250_000),
        ("300kg", 300_000),
        ("２５０公斤", 250_000),
        ("0.5千克", 500),
        ("12g", 12),
        (" '1.5 ", 1_500_000),
        ("’1.5", 1_500_000),
        (".5", 500_000),
        ("5.", 5_000_000),
        ("007", 7_000_000),
        ("1.2500000", 1_250_000),
        ("+3", 3_000_000),
        ("0", 0),
        ("\u{200b}2\u{feff}", 2_000_000),
    ] {
        assert_eq!(tonnes(written), Ok(Some(grams)), "{written}");
    }
    for blank in ["", "  ", "\u{3000}", "/", "—", "-", "——"] {
        assert_eq!(tonnes(blank), Ok(None), "{blank}");
    }
}

#[test]
fn what_can_be_meant_in_two_ways_or_none_is_named() {
    assert!(matches!(tonnes("1 25"), Err(CellFault::TwoReadings { one, other, .. }) if one == "125" && other == "1.25"));
    assert!(matches!(tonnes("1,25,000"), Err(CellFault::TwoReadings { one, other, .. }) if one == "125000" && other == "125.000"));
    for (written, code) in [
        ("-1", "cell-negative"),
        ("－１", "cell-negative"),
        ("0.0000001", "cell-too-precise"),
        ("0.3333333", "cell-too-precise"),
        ("1000001", "cell-too-large"),
        ("300斤", "cell-unknown-unit"),
        ("5%", "cell-unknown-unit"),
        ("约1.25", "cell-not-a-number"),
        ("1.25/2", "cell-not-a-number"),
        ("一吨", "cell-not-a-number"),
        ("1e3", "cell-not-a-number"),
        (".", "cell-not-a-number"),
        (",", "cell-not-a-number"),
    ] {
        assert_eq!(tonnes(written).unwrap_err().code(), code, "{written}");
    }
    assert_eq!(cell::mass(&Cell::Error("#REF!".into()), MassUnit::T).unwrap_err().code(), "cell-error-value");
}

#[test]
fn how_a_cell_was_read_is_told_where_it_is_not_plain() {
    let how = |written: &str| cell::mass(&text(written), MassUnit::T).unwrap().unwrap().how.map(|how| how.zh.into_owned());
    assert_eq!(how("1.25"), None);
    assert_eq!(how("1,250").as_deref(), Some("“1,250”按“1250 t”读取"));
    assert_eq!(how("300kg").as_deref(), Some("“300kg”按“0.3 t”读取"));
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_day_is_read_as_people_write_it() {
    let read = |cell: &Cell| cell::day(cell).map(|read| read.map(|read| read.value));
    for written in [
        "2026-11-24",
        "2026/11/24",
        "2026.11.24",
        "20261124",
        "2026年11月24日",
        "2026年11月24号",
        "２０２６年１１月２４日",
        "2026-11-24 10:30",
        "2026年11月24日 10时30分",
        "2026/11/24T10:30:00",
        " 2026-11-24\u{a0}",
        "46350",
    ] {
        assert_eq!(read(&text(written)), Ok(Some(day("2026-11-24"))), "{written}");
    }
    assert_eq!(read(&text("2026/1/5")), Ok(Some(day("2026-01-05"))));
    assert_eq!(read(&Cell::Number("46350".into())), Ok(Some(day("2026-11-24"))));
    assert_eq!(read(&Cell::Number("20261124".into())), Ok(Some(day("2026-11-24"))));
    for (written, code) in [
        ("2026-02-30", "cell-no-such-day"),
        ("20261340", "cell-no-such-day"),
        ("11/24/2026", "cell-year-not-first"),
        ("24.11.26", "cell-year-not-first"),
        ("明天", "cell-not-a-day"),
        ("2026", "cell-not-a-day"),
        ("2026-11-24 25:00", "cell-not-a-day"),
    ] {
        assert_eq!(read(&text(written)).unwrap_err().code(), code, "{written}");
    }
    assert_eq!(read(&Cell::Number("12".into())).unwrap_err().code(), "cell-not-a-day");
    let at: NaiveDateTime = "2026-11-24T10:30:05".parse().unwrap();
    assert_eq!(cell::moment(&text("2026年11月24日10时30分5秒")).unwrap().unwrap().value, at);
}

#[test]
fn serial_numbers_count_from_either_epoch() {
    let moment = |serial: &str, is_1904| Cell::of_serial(serial, is_1904).map(|cell| cell.shown());
    assert_eq!(moment("46350", false).as_deref(), Some("2026-11-24"));
    assert_eq!(moment("44888", true).as_deref(), Some("2026-11-24"));
    assert_eq!(moment("46350.4375", false).as_deref(), Some("2026-11-24 10:30:00"));
    assert_eq!(moment("46349.9999999", false).as_deref(), Some("2026-11-24"));
    assert_eq!(moment("61", false).as_deref(), Some("1900-03-01"));
    assert_eq!(moment("2958466", false), None);
    assert_eq!(moment("-1", false), None);
}

#[test]
fn a_code_that_became_a_day_is_named_as_such() {
    assert_eq!(cell::code(&text("９００－２４９－０８"), 20).unwrap().unwrap().value, "900-249-08");
    assert_eq!(cell::code(&text("900—249—08 "), 20).unwrap().unwrap().value, "900-249-08");
    assert_eq!(cell::code(&text("辽b12345"), 20).unwrap().unwrap().value, "辽B12345");
    assert_eq!(cell::code(&Cell::Number("90024908".into()), 20).unwrap().unwrap().value, "90024908");
    let became = Cell::of_serial("46350", false).unwrap();
    let fault = cell::code(&became, 20).unwrap_err();
    assert_eq!(fault.code(), "cell-turned-into-day");
    assert!(fault.text().zh.contains("2026-11-24"));
}

#[test]
fn words_of_a_list_are_found_in_both_languages_and_widths() {
    let list = [
        Choice { value: "truck".into(), label: crate::platform::problem::Text::new("货车", "truck (rigid)") },
        Choice::same("R9", "R9 废油再提炼"),
        Choice::same("a", "一"),
        Choice::same("b", "一"),
    ];
    let read = |written: &str| cell::choice(&text(written), &list).map(|read| read.map(|read| read.value));
    assert_eq!(read("货车"), Ok(Some("truck".into())));
    assert_eq!(read("Truck"), Ok(Some("truck".into())));
    assert_eq!(read("ｒ９"), Ok(Some("R9".into())));
    assert_eq!(read("一").unwrap_err().code(), "cell-several-in-list");
    assert_eq!(read("船").unwrap_err().code(), "cell-not-in-list");
    let yes = |written: &str| cell::yes_no(&text(written)).map(|read| read.map(|read| read.value));
    assert_eq!((yes("是"), yes("Ｎｏ"), yes("")), (Ok(Some(true)), Ok(Some(false)), Ok(None)));
    assert!(yes("也许").is_err());
    assert_eq!(cell::whole(&text("２０２６年"), 1990, 2200).unwrap().unwrap().value, 2026);
    assert_eq!(cell::whole(&text("2026.5"), 1990, 2200).unwrap_err().code(), "cell-not-whole");
    assert_eq!(cell::whole(&text("26"), 1990, 2200).unwrap_err().code(), "cell-out-of-bounds");
}

proptest! {
    #[test]
    fn any_text_is_survived_by_every_reader(written in ".{0,40}") {
        let cell = text(&written);
        let _ = (cell::mass(&cell, MassUnit::T), cell::day(&cell), cell::code(&cell, 20), cell::text(&cell, 20), cell::whole(&cell, 0, 9), cell::yes_no(&cell));
    }

    #[test]
    fn figures_and_marks_are_survived(written in "[0-9,. /年月日:kgt吨'-]{0,20}") {
        let cell = text(&written);
        let _ = (cell::mass(&cell, MassUnit::T), cell::day(&cell), cell::moment(&cell), cell::whole(&cell, 0, 9));
    }

    #[test]
    fn a_mass_comes_back_to_the_gram_in_every_dress(g in 0_i64..=1_000_000_000_000) {
        let grams = Grams::try_from(g).unwrap();
        let plain = tonnes_text(grams);
        let wide: String = plain.chars().map(|c| if c == '.' { '．' } else { char::from_u32(u32::from(c) + 0xFEE0).unwrap() }).collect();
        for written in [plain.clone(), format!("{plain}吨"), format!("{plain} t"), wide, format!("{g}克"), format!("'{plain}")] {
            prop_assert_eq!(tonnes(&written), Ok(Some(g)), "{}", written);
        }
        // As a spreadsheet keeps it: a binary float.
        let kept = super::excel::decimal_text(super::excel::number_of(&plain).unwrap()).unwrap();
        let read = cell::mass(&Cell::Number(kept), MassUnit::T).unwrap().unwrap();
        prop_assert_eq!((read.value, read.how), (grams, None));
    }

    #[test]
    fn thousands_parted_by_commas_are_thousands(whole in 1_000_i64..1_000_000) {
        let written = format!("{},{:03}", whole / 1_000, whole % 1_000);
        prop_assert_eq!(tonnes(&written), Ok(Some(whole * 1_000_000)));
    }

    #[test]
    fn any_day_comes_back_in_every_dress(offset in 0_u64..70_000) {
        let day = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + chrono::Days::new(offset);
        for format in ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d", "%Y.%-m.%-d"] {
            let written = day.format(format).to_string();
            prop_assert_eq!(cell::day(&text(&written)).unwrap().unwrap().value, day, "{}", written);
        }
    }
}

/// A workbook made with other hands than ours would be no better test: the format is the same.
fn workbook(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet());
    workbook.save_to_buffer().unwrap()
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_is_read_with_its_numbers_days_and_merged_cells() {
    let bytes = workbook(|sheet| {
        sheet.merge_range(0, 0, 2, 0, "一厂", &Format::new()).unwrap();
        sheet.write_number(0, 1, 0.1 + 0.2).unwrap();
        let format = Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_datetime_with_format(1, 1, ExcelDateTime::from_ymd(2026, 11, 24).unwrap(), &format).unwrap();
        sheet.write_boolean(2, 1, true).unwrap();
        sheet.write_string(2, 2, "'0123").unwrap();
    });
    let grid = file::read(&bytes, "").unwrap();
    assert_eq!(grid.rows.len(), 3);
    for row in 0..3 {
        assert_eq!(grid.cell(row, 0), &text("一厂"));
    }
    assert_eq!(grid.cell(0, 1), &Cell::Number("0.3".into()));
    assert_eq!(grid.cell(1, 1).shown(), "2026-11-24");
    assert_eq!((grid.cell(2, 1), grid.cell(9, 9)), (&Cell::Bool(true), &Cell::Empty));
    assert_eq!(cell::text(grid.cell(2, 2), 10).unwrap().unwrap().value, "0123");
}

#[test]
fn text_in_columns_is_read_in_either_encoding() {
    let rows = "代码,数量\r\n900-249-08,\"1,25\"\r\n";
    let gb = encoding_rs::GB18030.encode(rows).0.into_owned();
    let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(rows.replace(",数量", "\t数量").encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [rows.as_bytes().to_vec(), [b"\xEF\xBB\xBF", rows.as_bytes()].concat(), gb] {
        let grid = file::read(&bytes, "").unwrap();
        assert_eq!((grid.cell(0, 0), grid.cell(1, 1)), (&text("代码"), &text("1,25")));
    }
    assert_eq!(file::read(&wide, "").unwrap().cell(0, 1), &text("数量"));
    assert_eq!(file::read(b"\xFFabc\xFF\xFF\x80", ""), Err(FileFault::UnknownEncoding));
}

#[test]
fn each_misuse_has_its_own_name() {
    let zeros = vec![b' '; 90_000_000];
    // Four hundred thousand styles that do not even compress well.
    let noise: Vec<u8> = (0..400_000_u32).flat_map(|n| format!("<xf a=\"{}\"/>", n.wrapping_mul(2_654_435_761)).into_bytes()).collect();
    let columns = workbook(|sheet| {
        sheet.write_string(0, 299, "x").unwrap();
    });
    let rows = workbook(|sheet| {
        sheet.write_string(1_048_575, 0, "x").unwrap();
    });
    let long = workbook(|sheet| {
        sheet.write_string(0, 0, "长".repeat(2_001)).unwrap();
    });
    let two_million: Vec<u8> = b"a,b\n".repeat(2_000_000);
    let truncated = workbook(|sheet| {
        sheet.write_string(0, 0, "x").unwrap();
    });
    let broken_xml = archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
        (
            "xl/_rels/workbook.xml.rels",
            b"<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\" Type=\"worksheet\"/></Relationships>",
        ),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c t=\"n\"><v>1</w></c>"),
    ]);
    let many: Vec<(String, &[u8])> = (0..300).map(|n| (format!("xl/{n}.xml"), &b"x"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let locked: Vec<u8> =
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1].into_iter().chain("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, fault) in [
        (archive(&[("xl/workbook.xml", b""), ("xl/worksheets/sheet1.xml", &zeros)]), FileFault::Bomb),
        (archive(&many), FileFault::Bomb),
        (archive(&[("xl/workbook.xml", b"<x/>"), ("xl\\Styles.xml", &noise)]), FileFault::Bomb),
        (archive(&[("xl/workbook.xml", b"<x/>"), ("xl/vbaProject.bin", b"x")]), FileFault::Macros),
        (archive(&[("word/document.xml", b"<x/>")]), FileFault::NotATable),
        (archive(&[("xl/workbook.bin", b"x")]), FileFault::OldFormat),
        (broken_xml, FileFault::Broken),
        (truncated[..truncated.len() / 2].to_vec(), FileFault::Broken),
        (columns, FileFault::TooManyColumns(COLUMNS_MAX)),
        (rows, FileFault::TooManyRows(ROWS_MAX)),
        (two_million, FileFault::TooManyRows(ROWS_MAX)),
        (long, FileFault::TooMuchText),
        (locked, FileFault::Locked),
        (vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], FileFault::OldFormat),
        (b"MZ\x90\x00\x03".to_vec(), FileFault::NotATable),
        (b"\x7fELF\x02".to_vec(), FileFault::NotATable),
        (b"%PDF-1.7".to_vec(), FileFault::NotATable),
        (b"<html><table>".to_vec(), FileFault::OldFormat),
        (Vec::new(), FileFault::NotATable),
    ] {
        assert_eq!(file::read(&bytes, "").map(|grid| grid.rows.len()), Err(fault));
    }
}

#[test]
fn a_directory_that_lies_about_sizes_is_found_out() {
    let mut bytes = archive(&[("xl/workbook.xml", &vec![b' '; 5_000_000])]);
    // The size in the central directory: four bytes at 24 after its mark.
    let at = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    bytes[at + 24..at + 28].copy_from_slice(&10_u32.to_le_bytes());
    assert!(matches!(file::read(&bytes, ""), Err(FileFault::Bomb | FileFault::Broken)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_damaged_workbook_is_survived(at in 0_usize..2_000, byte in any::<u8>()) {
        let mut bytes = workbook(|sheet| {
            sheet.write_string(0, 0, "代码").unwrap();
            sheet.write_number(1, 0, 1.5).unwrap();
        });
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = file::read(&bytes, "");
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = file::read(&bytes, "");
    }
}

#[test]
fn nothing_typed_becomes_a_formula_in_somebody_elses_spreadsheet() {
    let mut out = Vec::new();
    let cells = ["=1+1", "+86 411", "-5", "@SUM(A1)", "\tx", "＝cmd", "  =1", "a=1", "he said \"=1\", and left"];
    csv_row(&mut out, &cells.map(|cell| Out::Text(cell.into())));
    csv_row(&mut out, &[Out::Number("-5".into()), Out::Empty, Out::Text("x".into())]);
    assert_eq!(String::from_utf8(out).unwrap(), "'=1+1,'+86 411,'-5,'@SUM(A1),'\tx,'＝cmd,'  =1,a=1,\"he said \"\"=1\"\", and left\"\r\n-5,,x\r\n");
    // What was marked is read without its mark.
    assert_eq!(cell::text(&text("'=1+1"), 20).unwrap().unwrap().value, "=1+1");
}

const SHEET: Sheet = Sheet {
    name: "things",
    title: ("事物", "Things"),
    help: ("请勿改动灰色单元格", "Leave grey cells as they are"),
    columns: &[
        Column { key: "code", title: ("代码", "Code"), kind: Kind::Code(12), required: true, locked: true },
        Column { key: "shown", title: ("说明", "About"), kind: Kind::Shown, required: false, locked: true },
        Column { key: "kind", title: ("类型", "Kind"), kind: Kind::List, required: true, locked: false },
        Column { key: "planned_g", title: ("计划量（吨）", "Planned (t)"), kind: Kind::Mass(MassUnit::T), required: true, locked: false },
        Column { key: "on", title: ("日期", "Day"), kind: Kind::Day, required: false, locked: false },
    ],
};

fn choices() -> Choices {
    let many = (0..300).map(|n| Choice::same(format!("k{n}"), format!("第 {n} 类")));
    Choices::from([("kind", many.collect())])
}

fn filled(bytes: &[u8]) -> template::Filled {
    SHEET.filled(&file::read(bytes, "").unwrap()).unwrap()
}

#[test]
fn a_template_comes_back_with_its_keys_versions_and_values() {
    let row = BookRow {
        key: Some("0199".into()),
        version: Some(3),
        exists: true,
        cells: vec![
            Out::Text("900-249-08".into()),
            Out::Text("废矿物油".into()),
            Out::Text("第 299 类".into()),
            Out::Number("1.25".into()),
            Out::Text("2026-11-24".into()),
        ],
        ..BookRow::default()
    };
    for lang in [Lang::ZhCn, Lang::En] {
        let bytes = template::book(&SHEET, lang, &choices(), std::slice::from_ref(&row)).unwrap();
        let filled = filled(&bytes);
        assert_eq!((filled.rows.len(), filled.ignored.len()), (1, 0));
        let back = &filled.rows[0];
        assert_eq!((back.no, back.key.as_deref(), back.version), (3, Some("0199"), Some(3)));
        let typed = SHEET.typed(back, &choices());
        assert!(typed.faults.is_empty(), "{:?}", typed.faults);
        let expected = json!({ "code": "900-249-08", "kind": "k299", "planned_g": 1_250_000, "on": "2026-11-24" });
        assert_eq!(json!(typed.values), expected);
        assert_eq!(filled.letters[3].as_deref(), Some("F"));
    }
}

#[test]
fn faults_name_the_cell_and_an_answer_can_be_sent_in_again() {
    let csv = "代码,类型,计划量（吨）,日期,备注\r\n900-249-08,第 1 类,\"1,25吨\",2026年11月24日,x\r\n,第 999 类,很多,\r\n,,,,\r\n";
    let filled = filled(csv.as_bytes());
    assert_eq!(filled.ignored, ["备注"]);
    assert_eq!(filled.rows.iter().map(|row| row.no).collect::<Vec<_>>(), [2, 3]);
    let good = SHEET.typed(&filled.rows[0], &choices());
    assert!(good.faults.is_empty());
    assert_eq!(good.readings.len(), 2);
    let bad = SHEET.typed(&filled.rows[1], &choices());
    let codes: Vec<(Option<&str>, &str)> = bad.faults.iter().map(|fault| (fault.column, fault.code.as_str())).collect();
    assert_eq!(codes, [(Some("code"), "cell-missing"), (Some("kind"), "cell-not-in-list"), (Some("planned_g"), "cell-not-a-number")]);
    let answer = BookRow {
        cells: vec![Out::Text("900-249-08".into()), Out::Empty, Out::Text("第 1 类".into()), Out::Number("1.25".into()), Out::Empty],
        marks: vec![template::Mark::None, template::Mark::None, template::Mark::Bad],
        result: Some("已登记".into()),
        ..BookRow::default()
    };
    let bytes = template::book(&SHEET, Lang::ZhCn, &choices(), &[answer]).unwrap();
    let again = SHEET.filled(&file::read(&bytes, "").unwrap()).unwrap();
    assert_eq!((again.rows.len(), again.ignored), (1, Vec::new()));
}

#[test]
fn a_table_without_its_columns_is_told_what_it_lacks() {
    let refused = |csv: &str| SHEET.filled(&file::read(csv.as_bytes(), "").unwrap()).unwrap_err();
    let problem = refused("代码,日期\r\n900-249-08,2026-11-24\r\n");
    assert_eq!(problem.code, "table-no-header");
    assert!(problem.detail.zh.contains("类型") && problem.detail.zh.contains("计划量"));
    assert_eq!(refused("a,b\r\n1,2\r\n").code, "table-no-header");
    assert_eq!(refused("代码,代码,类型,计划量（吨）\r\n1,2,3,4\r\n").code, "table-no-header");
    assert_eq!(refused("代码,类型,计划量（吨）\r\n").code, "table-no-rows");
    assert_eq!(SHEET.filled(&Grid::default()).unwrap_err().code, "table-no-header");
}
