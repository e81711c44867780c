//! Labels of containers (危险废物标签, HJ 1276): plain data to paper, a page a label, in the size that the container asks for.
//!
//! The text of the standard is not held (`hj_1276_2022`): fields, sizes and colour are those that label software and district
//! offices use (R 6.1, 6.2). The warning signs of the hazards are not drawn, their words and letters stand in their place.
//! Medical waste wears the marks of `hj_421_2008` instead. No clock and no database here.

use chrono::{DateTime, NaiveDate, Utc};

use crate::catalogue::Hazards;
use crate::platform::lang::Lang;
use crate::platform::mass::{Grams, tonnes_text};
use crate::platform::sheet::{Ink, Mark, Page, Qr, Sheet, SheetError, clean, pdf, width, wrap};

/// Ground of a label: RGB(255, 150, 0).
pub const ORANGE: Ink = Ink(255, 150, 0);

/// Largest container of a 100 mm label. Unit: litres.
pub const SMALL_MAX_L: i32 = 50;
/// Largest container of a 150 mm label; beyond it two labels of 200 mm stand on opposite sides. Unit: litres.
pub const MIDDLE_MAX_L: i32 = 450;

/// What stands on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// 废物名称.
    pub name: String,
    /// 废物类别, for example HW08.
    pub category: String,
    /// 废物代码.
    pub code: String,
    /// 废物形态, in words.
    pub form: String,
    /// 主要成分.
    pub components: String,
    /// 有害成分.
    pub harmful: String,
    /// 危险特性, in the letters of the catalogue.
    pub hazards: String,
    /// 注意事项.
    pub precautions: String,
    /// 数字识别码.
    pub digital_code: String,
    /// What the code beside it holds: the digital code or an address that leads to it.
    pub qr: String,
    /// 产生或收集单位.
    pub unit: String,
    /// 联系人和联系方式.
    pub contact: String,
    /// 产生（收集）日期.
    pub generated_on: NaiveDate,
    /// 废物重量; none before the container was weighed.
    pub mass_g: Option<Grams>,
    /// 备注.
    pub note: String,
    /// Volume of the container; decides size and number. Unit: litres.
    pub capacity_litres: i32,
}

impl Label {
    /// Side of the label. Unit: 0.01 mm.
    #[must_use]
    pub const fn side(&self) -> i32 {
        if self.capacity_litres <= SMALL_MAX_L {
            10_000
        } else if self.capacity_litres <= MIDDLE_MAX_L {
            15_000
        } else {
            20_000
        }
    }
    /// How many a container wears.
    #[must_use]
    pub const fn copies(&self) -> i32 {
        if self.capacity_litres > MIDDLE_MAX_L { 2 } else { 1 }
    }
}

/// Labels as pages, in the order given; those of one container follow each other.
#[must_use]
pub fn label_sheet(labels: &[Label], lang: Lang, made_at: DateTime<Utc>) -> Sheet {
    let pages = labels.iter().flat_map(|label| (1..=label.copies()).map(move |copy| page(label, copy, lang))).collect();
    let title = match lang {
        Lang::ZhCn => "危险废物标签",
        Lang::En => "Hazardous waste labels",
    };
    Sheet { title: title.into(), language: lang.tag(), made_at, pages }
}

/// Labels as PDF.
///
/// # Errors
/// As [`pdf`]; never for what stands on a label.
pub fn label_pdf(labels: &[Label], lang: Lang, made_at: DateTime<Utc>) -> Result<Vec<u8>, SheetError> {
    pdf(&label_sheet(labels, lang, made_at))
}

/// A field: its frame on a label of 100 mm, its name in both languages, what stands in it.
struct Field<'a> {
    frame: [i32; 4],
    name: (&'static str, &'static str),
    text: &'a str,
}

fn page(label: &Label, copy: i32, lang: Lang) -> Page {
    let side = label.side();
    let mut paper = Paper { side, marks: Vec::new() };
    paper.frame([0, 0, 10_000, 10_000], Some(ORANGE), false);
    paper.frame([200, 200, 9_600, 9_600], None, true);
    paper.text([200, 250, 9_600, 1_150], "危险废物", 900, true, true);

    let mass = label.mass_g.map(|mass| format!("{} t", tonnes_text(mass))).unwrap_or_default();
    let day = label.generated_on.to_string();
    let hazards = label.hazards.parse::<Hazards>().map(|hazards| hazards.words().say(lang).to_owned()).unwrap_or_default();
    let note = if label.copies() > 1 { format!("{}　（{copy}/{}）", label.note, label.copies()) } else { label.note.clone() };
    let fields = [
        Field { frame: [200, 1_400, 6_100, 900], name: ("废物名称", "Waste"), text: &label.name },
        Field { frame: [200, 2_300, 3_050, 650], name: ("废物类别", "Category"), text: &label.category },
        Field { frame: [3_250, 2_300, 3_050, 650], name: ("废物形态", "Form"), text: &label.form },
        Field { frame: [200, 2_950, 6_100, 650], name: ("废物代码", "Code"), text: &label.code },
        Field { frame: [200, 3_600, 6_100, 750], name: ("主要成分", "Components"), text: &label.components },
        Field { frame: [200, 4_350, 6_100, 750], name: ("有害成分", "Harmful"), text: &label.harmful },
        Field { frame: [200, 5_100, 9_600, 1_000], name: ("注意事项", "Precautions"), text: &label.precautions },
        Field { frame: [200, 6_100, 9_600, 700], name: ("数字识别码", "Digital code"), text: &label.digital_code },
        Field { frame: [200, 6_800, 6_700, 850], name: ("产生/收集单位", "Unit"), text: &label.unit },
        Field { frame: [200, 7_650, 6_700, 700], name: ("联系人和联系方式", "Contact"), text: &label.contact },
        Field { frame: [200, 8_350, 3_350, 700], name: ("产生日期", "Date"), text: &day },
        Field { frame: [3_550, 8_350, 3_350, 700], name: ("废物重量", "Mass"), text: &mass },
        Field { frame: [200, 9_050, 6_700, 750], name: ("备注", "Note"), text: &note },
    ];
    for field in &fields {
        paper.frame(field.frame, None, true);
        let name = match lang {
            Lang::ZhCn => field.name.0.to_owned(),
            Lang::En => format!("{} {}", field.name.0, field.name.1),
        };
        paper.field(field.frame, &name, field.text);
    }
    paper.frame([6_300, 1_400, 3_500, 3_700], None, true);
    let name = if lang == Lang::En { "危险特性 Hazards" } else { "危险特性" };
    paper.text([6_300, 1_450, 3_500, 500], name, 300, true, true);
    paper.text([6_400, 1_950, 3_300, 1_500], &label.hazards, 1_000, true, true);
    paper.text([6_400, 3_450, 3_300, 1_600], &hazards, 420, true, true);
    paper.frame([6_900, 6_800, 2_900, 3_000], Some(Ink::WHITE), true);
    if let Some(code) = Qr::of(&label.qr) {
        let [x, y, edge, _] = paper.scaled([6_950, 6_900, 2_800, 2_800]);
        paper.marks.push(Mark::Qr { x, y, side: edge, code });
    }
    Page { width: side, height: side, marks: paper.marks }
}

/// A label under way; its frames are those of 100 mm and grow with its side.
struct Paper {
    side: i32,
    marks: Vec<Mark>,
}

/// The smallest text that a reader at arm's length still reads. Unit: 0.01 mm on a label of 100 mm.
const SIZE_MIN: i32 = 170;

impl Paper {
    fn scaled(&self, frame: [i32; 4]) -> [i32; 4] {
        frame.map(|length| length * self.side / 10_000)
    }

    fn frame(&mut self, frame: [i32; 4], fill: Option<Ink>, has_line: bool) {
        let [x, y, w, h] = self.scaled(frame);
        let line = has_line.then_some((Ink::BLACK, 25 * self.side / 10_000));
        self.marks.push(Mark::Box { x, y, w, h, fill, line });
    }

    /// The name of a field in small letters, what stands in it beside it, as large as it fits.
    fn field(&mut self, frame: [i32; 4], name: &str, text: &str) {
        let [x, y, w, h] = frame;
        let size = 240;
        let taken = width(name, size) + 160;
        self.text([x + 80, y, taken - 80, h], name, size, true, false);
        self.text([x + taken, y, (w - taken - 60).max(500), h], text, 320, false, false);
    }

    /// Text as large as it fits into a frame, in the middle of its height. What does not fit in the smallest size ends in …;
    /// the code beside it leads to the whole.
    fn text(&mut self, frame: [i32; 4], text: &str, largest: i32, is_bold: bool, is_centred: bool) {
        let text = clean(text);
        if text.is_empty() {
            return;
        }
        let [x, y, w, h] = frame;
        let fits = |size: i32| {
            let lines = wrap(&text, size, w);
            (leading(size) * count(&lines) <= h - 60).then_some((size, lines))
        };
        let (size, lines) = (SIZE_MIN..=largest).rev().step_by(10).find_map(fits).unwrap_or_else(|| {
            let room = usize::try_from((h - 60) / leading(SIZE_MIN)).unwrap_or(1).max(1);
            let mut lines = wrap(&text, SIZE_MIN, w - SIZE_MIN);
            lines.truncate(room);
            if let Some(last) = lines.last_mut() {
                last.push('…');
            }
            (SIZE_MIN, lines)
        });
        let mut line_y = y + (h - leading(size) * count(&lines)) / 2;
        for line in lines {
            line_y += leading(size);
            let line_x = if is_centred { x + ((w - width(&line, size)) / 2).max(0) } else { x };
            let [at_x, at_y, printed, _] = self.scaled([line_x, line_y - leading(size) * 28 / 100, size, 0]);
            self.marks.push(Mark::Text { x: at_x, y: at_y, size: printed, text: line, ink: Ink::BLACK, is_bold, turn: 0 });
        }
    }
}

const fn leading(size: i32) -> i32 {
    size * 12 / 10
}

fn count(lines: &[String]) -> i32 {
    i32::try_from(lines.len()).unwrap_or(i32::MAX / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(capacity_litres: i32) -> Label {
        Label {
            name: "废矿物油".into(),
            category: "HW08".into(),
            code: "900-249-08".into(),
            form: "液态".into(),
            components: "矿物油、水".into(),
            harmful: "石油烃、苯系物".into(),
            hazards: "T,I".into(),
            precautions: "远离火种、热源；禁止与氧化剂混放；泄漏时用吸附棉围堵".into(),
            digital_code: "91210213MA0000001G900249082026112300001".into(),
            qr: "91210213MA0000001G900249082026112300001".into(),
            unit: "大连金州化工有限公司一号厂区".into(),
            contact: "李四 0411-87000000".into(),
            generated_on: NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
            mass_g: Some(Grams::try_from(180_250).unwrap()),
            note: "三车间".into(),
            capacity_litres,
        }
    }

    #[test]
    fn the_container_decides_size_and_number() {
        for (litres, side, copies) in [(1, 10_000, 1), (50, 10_000, 1), (51, 15_000, 1), (450, 15_000, 1), (451, 20_000, 2), (1_000, 20_000, 2)] {
            let sheet = label_sheet(&[label(litres)], Lang::ZhCn, DateTime::UNIX_EPOCH);
            assert_eq!(sheet.pages.len(), usize::try_from(copies).unwrap(), "{litres}");
            assert!(sheet.pages.iter().all(|page| (page.width, page.height) == (side, side)), "{litres}");
        }
    }

    #[test]
    fn every_field_stands_on_an_orange_ground() {
        let sheet = label_sheet(&[label(30)], Lang::ZhCn, DateTime::UNIX_EPOCH);
        assert_eq!(sheet.pages[0].marks[0], Mark::Box { x: 0, y: 0, w: 10_000, h: 10_000, fill: Some(Ink(255, 150, 0)), line: None });
        let text = sheet.text().replace('\n', "");
        for field in [
            "危险废物",
            "废物名称",
            "废矿物油",
            "HW08",
            "900-249-08",
            "液态",
            "主要成分",
            "有害成分",
            "石油烃、苯系物",
            "危险特性",
            "毒性，可能另有易燃性",
            "注意事项",
            "数字识别码",
            "91210213MA0000001G900249082026112300001",
            "产生/收集单位",
            "联系人和联系方式",
            "2026-11-23",
            "0.18025 t",
            "三车间",
        ] {
            assert!(text.contains(field), "{field} in {text}");
        }
        assert!(sheet.pages[0].marks.iter().any(|mark| matches!(mark, Mark::Qr { .. })));
    }

    #[test]
    fn the_longest_texts_stay_inside_the_label() {
        let long =
            Label {
                name: "废".repeat(200), precautions: "远离火种".repeat(100), unit: "厂".repeat(120), contact: "联".repeat(100), ..label(30)
            };
        for lang in [Lang::ZhCn, Lang::En] {
            for page in label_sheet(&[long.clone(), Label { capacity_litres: 1_000, ..long.clone() }], lang, DateTime::UNIX_EPOCH).pages {
                for mark in &page.marks {
                    if let Mark::Text { x, y, size, text, .. } = mark {
                        assert!(*x > 0 && x + width(text, *size) <= page.width && *y < page.height && *y > 0, "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn labels_become_a_file() {
        let labels = label_pdf(&[label(30), label(200), label(1_000)], Lang::ZhCn, DateTime::UNIX_EPOCH).unwrap();
        assert!(labels.starts_with(b"%PDF"));
        if let Ok(folder) = std::env::var("LIANDAN_SHEETS") {
            std::fs::write(std::path::Path::new(&folder).join("labels.pdf"), labels).unwrap();
        }
    }
}
