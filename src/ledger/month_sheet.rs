//! The ledger of a month on paper (危险废物管理台账, HJ 1259 tables B.1 to B.5): plain data to paper.
//!
//! A table without rows is printed all the same, with 无: whoever reads it sees that nothing was left out. Masses are tonnes,
//! exact to the gram. No clock and no database here. Legal source: `hj_1259_2022/6.3`.

use chrono::{DateTime, Utc};

use crate::platform::calendar::local_text;
use crate::platform::mass::{Grams, tonnes_text};
use crate::platform::sheet::{Cell, Flow, Format, Ink, Margins, Row, Sheet, SheetError, Table, pdf, size};

/// A waste as every table names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waste {
    /// 名称.
    pub name: String,
    /// 类别.
    pub category: String,
    /// 代码.
    pub code: String,
}

/// What every entry has (批次、时间、废物、容器、数量).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 批次编码.
    pub batch: String,
    /// 时间.
    pub at: DateTime<Utc>,
    /// 废物.
    pub waste: Waste,
    /// 容器/包装编码.
    pub container_codes: String,
    /// 容器/包装类型.
    pub container_kind: String,
    /// 容器/包装数量.
    pub containers: i64,
    /// 数量. Unit: grams.
    pub mass_g: Grams,
    /// What is no first entry: corrected, entered late, converted from a volume.
    pub note: String,
}

/// 表B.1 产生.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Common part.
    pub entry: Entry,
    /// 产生设施编码.
    pub facility: String,
    /// 经办人.
    pub clerk: String,
    /// 去向.
    pub goes_to: String,
}

/// 表B.2 入库.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Common part.
    pub entry: Entry,
    /// 贮存设施编码.
    pub facility: String,
    /// 贮存设施类型.
    pub facility_kind: String,
    /// 运送部门经办人.
    pub carried_by: String,
    /// 贮存部门经办人.
    pub kept_by: String,
    /// 产生批次编码.
    pub from_batch: String,
}

/// 表B.3 出库.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    /// Common part.
    pub entry: Entry,
    /// 贮存设施编码.
    pub facility: String,
    /// 贮存设施类型.
    pub facility_kind: String,
    /// 出库部门经办人.
    pub given_by: String,
    /// 运送部门经办人.
    pub carried_by: String,
    /// 入库批次编码.
    pub from_batch: String,
    /// 去向.
    pub goes_to: String,
}

/// 表B.4 自行利用/处置.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTreated {
    /// Common part.
    pub entry: Entry,
    /// 自行利用/处置设施编码.
    pub facility: String,
    /// 自行利用/处置方式.
    pub method: String,
    /// 完毕时间.
    pub done_at: Option<DateTime<Utc>>,
    /// 经办人.
    pub clerk: String,
    /// 产生或出库批次编码.
    pub from_batch: String,
}

/// 表B.5 委外利用/处置.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrusted {
    /// Common part.
    pub entry: Entry,
    /// 利用/处置方式.
    pub method: String,
    /// 接收单位类型.
    pub receiver_kind: String,
    /// 接收单位名称.
    pub receiver: String,
    /// 许可证编码 or 出口核准通知单编号.
    pub permit: String,
    /// 产生或出库批次编码.
    pub from_batch: String,
}

/// A waste over the month (结存). Unit: grams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// 废物.
    pub waste: Waste,
    /// 期初结存.
    pub opening_g: Grams,
    /// 本期产生.
    pub generated_g: Grams,
    /// 自行利用处置.
    pub own_g: Grams,
    /// 委外利用处置.
    pub outside_g: Grams,
    /// 期末结存.
    pub closing_g: Grams,
}

impl Stock {
    /// Whether opening and generation are what went and what is left. Legal source: `hj_1259_2022/6.3`.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.opening_g.get() + self.generated_g.get() == self.own_g.get() + self.outside_g.get() + self.closing_g.get()
    }
}

/// The ledger of a site in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthLedger {
    /// 单位名称.
    pub unit: String,
    /// 统一社会信用代码.
    pub uscc: String,
    /// 场所.
    pub site: String,
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// 结存, a waste a row.
    pub stocks: Vec<Stock>,
    /// 表B.1.
    pub generated: Vec<Generated>,
    /// 表B.2.
    pub stored: Vec<Stored>,
    /// 表B.3.
    pub taken_out: Vec<TakenOut>,
    /// 表B.4.
    pub own_treated: Vec<OwnTreated>,
    /// 表B.5.
    pub entrusted: Vec<Entrusted>,
}

/// The ledger as PDF.
///
/// # Errors
/// As [`pdf`]; never for what stands in the ledger.
pub fn ledger_month_pdf(ledger: &MonthLedger, made_at: DateTime<Utc>) -> Result<Vec<u8>, SheetError> {
    pdf(&ledger_month_sheet(ledger, made_at))
}

/// The ledger laid out: stock first, then the five tables.
#[must_use]
pub fn ledger_month_sheet(ledger: &MonthLedger, made_at: DateTime<Utc>) -> Sheet {
    let title = format!("危险废物管理台账　{} 年 {} 月", ledger.year, ledger.month);
    let footer = format!("{}　{}　{} 年 {} 月　{} 打印（北京时间）", ledger.unit, ledger.site, ledger.year, ledger.month, local_text(made_at));
    let mut flow = Flow::new(Format::A4_ACROSS, Margins::SHEET, Vec::new(), &footer);
    flow.centred(&title, size::TITLE, Ink::BLACK, 0);
    flow.text(&format!("单位：{}（{}）　场所：{}　计量单位：吨", ledger.unit, ledger.uscc, ledger.site), size::TEXT, Ink::BLACK, false, 0);
    flow.space(200);
    stocks(&mut flow, &ledger.stocks);
    let rows = ledger.generated.iter().map(|one| (&one.entry, vec![one.facility.clone(), one.clerk.clone(), one.goes_to.clone()]));
    entries(
        &mut flow,
        "表B.1　危险废物产生环节记录表",
        ["产生批次编码", "产生时间", "产生量"],
        &[("产生危险废物设施编码", 3_200), ("经办人", 2_000), ("去向", 3_500)],
        rows,
    );
    let rows = ledger.stored.iter().map(|one| {
        (&one.entry, vec![one.facility.clone(), one.facility_kind.clone(), one.carried_by.clone(), one.kept_by.clone(), one.from_batch.clone()])
    });
    let columns = [("贮存设施编码", 1_900), ("贮存设施类型", 1_700), ("运送部门经办人", 1_500), ("贮存部门经办人", 1_500), ("产生批次编码", 2_300)];
    entries(&mut flow, "表B.2　危险废物入库环节记录表", ["入库批次编码", "入库时间", "入库量"], &columns, rows);
    let rows = ledger.taken_out.iter().map(|one| {
        let place = [one.facility.clone(), one.facility_kind.clone(), one.given_by.clone(), one.carried_by.clone()];
        (&one.entry, place.into_iter().chain([one.from_batch.clone(), one.goes_to.clone()]).collect())
    });
    let columns = [
        ("贮存设施编码", 1_600),
        ("贮存设施类型", 1_300),
        ("出库部门经办人", 1_300),
        ("运送部门经办人", 1_300),
        ("入库批次编码", 2_000),
        ("去向", 1_500),
    ];
    entries(&mut flow, "表B.3　危险废物出库环节记录表", ["出库批次编码", "出库时间", "出库量"], &columns, rows);
    let rows = ledger.own_treated.iter().map(|one| {
        let done_at = one.done_at.map(local_text).unwrap_or_default();
        (&one.entry, vec![one.facility.clone(), one.method.clone(), done_at, one.clerk.clone(), one.from_batch.clone()])
    });
    let columns = [("自行利用/处置设施编码", 2_000), ("方式", 1_300), ("完毕时间", 1_900), ("经办人", 1_400), ("产生/出库批次编码", 2_300)];
    entries(&mut flow, "表B.4　危险废物自行利用/处置环节记录表", ["批次编码", "时间", "利用/处置量"], &columns, rows);
    let rows = ledger.entrusted.iter().map(|one| {
        (&one.entry, vec![one.method.clone(), one.receiver_kind.clone(), one.receiver.clone(), one.permit.clone(), one.from_batch.clone()])
    });
    let columns =
        [("方式", 1_100), ("接收单位类型", 1_500), ("接收单位名称", 2_300), ("许可证编码/出口核准通知单编号", 2_000), ("产生/出库批次编码", 2_000)];
    entries(&mut flow, "表B.5　危险废物委外利用/处置记录表", ["委外批次编码", "出厂时间", "委外量"], &columns, rows);
    flow.finish(&title, "zh-CN", made_at)
}

fn stocks(flow: &mut Flow, stocks: &[Stock]) {
    let mut table = Table::new([5_700, 1_800, 2_800, 3_200, 3_200, 3_200, 3_200, 3_600]);
    table.head.push(Row::heading([Cell::part("结存（期初结存 + 产生 = 自行利用处置 + 委外利用处置 + 期末结存）").over(8)]));
    table.head.push(Row::of(["名称", "类别", "代码", "期初结存", "产生", "自行利用处置", "委外利用处置", "期末结存"].map(Cell::label)));
    for stock in stocks {
        let closing = tonnes_text(stock.closing_g);
        let closing = if stock.balances() { closing } else { format!("{closing}\n（不平）") };
        table.row([
            Cell::value(stock.waste.name.as_str()),
            Cell::middle(stock.waste.category.as_str()),
            Cell::middle(stock.waste.code.as_str()),
            Cell::number(tonnes_text(stock.opening_g)),
            Cell::number(tonnes_text(stock.generated_g)),
            Cell::number(tonnes_text(stock.own_g)),
            Cell::number(tonnes_text(stock.outside_g)),
            Cell::number(closing),
        ]);
    }
    if stocks.is_empty() {
        table.row([Cell::middle("无").over(8)]);
    }
    flow.table(&table);
    flow.space(400);
}

/// Columns before those of the table's own: batch, time, waste, containers, mass.
const COMMON: [i32; 9] = [2_800, 1_900, 2_900, 1_150, 1_900, 2_400, 1_500, 950, 1_900];

/// A table of entries; its own columns share what the common ones leave of the page.
fn entries<'a>(
    flow: &mut Flow,
    title: &str,
    [batch, at, mass]: [&str; 3],
    own: &[(&str, i32)],
    rows: impl Iterator<Item = (&'a Entry, Vec<String>)>,
) {
    let free = flow.room() - COMMON.iter().sum::<i32>();
    let wanted: i32 = own.iter().map(|(_, width)| width).sum::<i32>().max(1);
    let widths = own.iter().map(|(_, width)| width * free / wanted);
    let columns: Vec<i32> = COMMON.into_iter().chain(widths).collect();
    let count = columns.len();
    let mut table = Table::new(columns);
    table.size = size::NOTE;
    table.head.push(Row::heading([Cell::part(title).over(count)]));
    let mass = format!("{mass}（吨）");
    let names = [batch, at, "名称", "类别", "代码", "容器/包装编码", "容器/包装类型", "容器/包装数量", mass.as_str()];
    table.head.push(Row::of(names.into_iter().chain(own.iter().map(|(name, _)| *name)).map(Cell::label)));
    let mut masses = Vec::new();
    for (entry, own) in rows {
        masses.push(entry.mass_g);
        let mass = tonnes_text(entry.mass_g);
        let common = [
            Cell::value(if entry.note.is_empty() { entry.batch.clone() } else { format!("{}\n（{}）", entry.batch, entry.note) }),
            Cell::middle(local_text(entry.at)),
            Cell::value(entry.waste.name.as_str()),
            Cell::middle(entry.waste.category.as_str()),
            Cell::middle(entry.waste.code.as_str()),
            Cell::value(entry.container_codes.as_str()),
            Cell::value(entry.container_kind.as_str()),
            Cell::number(entry.containers.to_string()),
            Cell::number(mass),
        ];
        table.row(common.into_iter().chain(own.into_iter().map(Cell::value)));
    }
    match (masses.len(), Grams::sum(masses)) {
        (0, _) => table.row([Cell::middle("无").over(count)]),
        (entries, sum) => table.row([
            Cell::label(format!("合计　{entries} 笔")).over(8),
            Cell::number(sum.map(tonnes_text).unwrap_or_default()),
            Cell::value("").over(count - COMMON.len()),
        ]),
    }
    flow.table(&table);
    flow.space(400);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(grams: i64) -> Grams {
        Grams::try_from(grams).unwrap()
    }

    fn entry(batch: &str, mass_g: i64) -> Entry {
        Entry {
            batch: batch.into(),
            at: "2026-11-23T02:00:00Z".parse().unwrap(),
            waste: Waste { name: "废矿物油".into(), category: "HW08".into(), code: "900-249-08".into() },
            container_codes: "91210213MA0000001G900249082026112300001".into(),
            container_kind: "200 L 铁桶".into(),
            containers: 1,
            mass_g: grams(mass_g),
            note: String::new(),
        }
    }

    fn ledger(entries: usize) -> MonthLedger {
        let generated = (1..=entries).map(|number| Generated {
            entry: entry(&format!("HWCS20261123{number:03}"), 1_000_001),
            facility: "MF0001".into(),
            clerk: "李四".into(),
            goes_to: "一号贮存库".into(),
        });
        MonthLedger {
            unit: "大连金州化工有限公司".into(),
            uscc: "91210213MA0000001G".into(),
            site: "一号厂区".into(),
            year: 2026,
            month: 11,
            stocks: vec![Stock {
                waste: entry("", 0).waste,
                opening_g: grams(500_000),
                generated_g: grams(1_000_001),
                own_g: Grams::ZERO,
                outside_g: grams(1_200_000),
                closing_g: grams(300_001),
            }],
            generated: generated.collect(),
            stored: Vec::new(),
            taken_out: Vec::new(),
            own_treated: Vec::new(),
            entrusted: vec![Entrusted {
                entry: entry("HWWWLY20261123001", 1_200_000),
                method: "R9".into(),
                receiver_kind: "危险废物经营许可证持有单位".into(),
                receiver: "处置中心".into(),
                permit: "LN2102130001".into(),
                from_batch: "HWCK20261123001".into(),
            }],
        }
    }

    #[test]
    fn the_five_tables_stand_there_with_their_sums_even_where_nothing_was() {
        let text = ledger_month_sheet(&ledger(3), DateTime::UNIX_EPOCH).text();
        for table in ["表B.1", "表B.2", "表B.3", "表B.4", "表B.5", "3.000003", "合计　3 笔", "0.300001", "HWWWLY20261123001", "R9"] {
            assert!(text.replace('\n', "").contains(table), "{table} is missing");
        }
        assert_eq!(text.lines().filter(|line| *line == "无").count(), 3);
        assert!(!text.contains("不平"));
    }

    #[test]
    fn a_month_of_many_entries_repeats_its_heads_and_loses_none() {
        let sheet = ledger_month_sheet(&ledger(200), DateTime::UNIX_EPOCH);
        let text = sheet.text();
        assert!(sheet.pages.len() > 5, "{}", sheet.pages.len());
        for number in 1..=200 {
            assert!(text.contains(&format!("HWCS20261123{number:03}")), "{number}");
        }
        assert!(text.matches("表B.1").count() > 5);
        let printed = ledger_month_pdf(&ledger(200), DateTime::UNIX_EPOCH).unwrap();
        assert!(printed.starts_with(b"%PDF"));
        if let Ok(folder) = std::env::var("LIANDAN_SHEETS") {
            std::fs::write(std::path::Path::new(&folder).join("month.pdf"), printed).unwrap();
        }
    }

    #[test]
    fn a_gram_too_little_is_said() {
        let mut ledger = ledger(1);
        ledger.stocks[0].closing_g = grams(300_000);
        assert!(ledger_month_sheet(&ledger, DateTime::UNIX_EPOCH).text().contains("不平"));
    }
}
