//! Blank forms for an outage (停网备用联单): the official form with the consignor's name and a paper number, printed the
//! evening before and filled in by hand. The number is made here and registered nowhere: it becomes one manifest's when that
//! one is released on it or entered from it, and no other's after that. Legal source: `decree_23_2021/20`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::identity::UnitRow;
use crate::platform::app::NumberMode;
use crate::platform::calendar::{legal_day, local_text};
use crate::platform::sheet::{Cell, Flow, Format, Ink, Margins, Qr, Row, Sheet, Stamp, Table, size};

/// Forms printed at once.
pub const BLANKS_MAX: u32 = 50;

/// Letters and digits that nobody takes for each other when he reads them by the road (Crockford's 32).
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Forty random bits: of a million forms of one day no two are likely to share a number, and one consignor prints few.
const SIGNS_IN_NUMBER: u32 = 8;
/// Lines for wastes on a form.
const LINES: usize = 3;
/// Unit: 0.01 mm.
const WRITING: i32 = 800;
const CODE_SIDE: i32 = 2_600;

/// The number of a paper that is printed now, from the random end of a new id.
#[must_use]
pub fn paper_no(id: Uuid, at: DateTime<Utc>) -> String {
    let random = id.as_u128();
    let signs = (0..SIGNS_IN_NUMBER).map(|nth| char::from(SIGNS[usize::try_from(random >> (5 * nth) & 31).unwrap_or_default()]));
    format!("ZZ-{}-{}", legal_day(at).format("%Y%m%d"), signs.collect::<String>())
}

/// A form a page, each with a number of its own.
#[must_use]
pub fn blank_sheet(unit: &UnitRow, numbers: &[String], mode: NumberMode, made_at: DateTime<Utc>) -> Sheet {
    let is_demonstration = mode == NumberMode::Local;
    let stamps = if is_demonstration { vec![Stamp { words: "演示·非国家联单".into(), ink: Ink::PALE_RED }] } else { Vec::new() };
    let footer = format!("联单 Liandan　{}　{} 打印（北京时间）", unit.name, local_text(made_at));
    let mut flow = Flow::new(Format::A4, Margins::SHEET, stamps, &footer);
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            flow.new_page();
        }
        form(&mut flow, unit, number, is_demonstration);
    }
    flow.finish("停网备用联单", "zh-CN", made_at)
}

fn form(flow: &mut Flow, unit: &UnitRow, number: &str, is_demonstration: bool) {
    if let Some(code) = Qr::of(number) {
        flow.code_at_right(Margins::SHEET.above - 200, CODE_SIDE, code);
    }
    flow.centred("危险废物转移联单（停网备用）", size::TITLE, Ink::BLACK, CODE_SIDE);
    flow.text(&format!("纸质联单编号：{number}"), size::HEADING, Ink::BLACK, true, CODE_SIDE);
    let rule = "仅在停网期间使用；转移活动完成后十个工作日内在信息系统中补录（《危险废物转移管理办法》第二十条）。国家联单编号：";
    flow.text(rule, size::CELL, Ink::BLACK, false, CODE_SIDE);
    if is_demonstration {
        flow.banner("演示·非国家联单：不具法律效力", size::TEXT, Ink::RED, true);
    }
    flow.space(200);

    let twelve = || Table::new([1_500; 12]);
    let mut first = twelve();
    part(&mut first, "第一部分　危险废物移出信息（由移出人填写）");
    fields(&mut first, &[("单位名称", 2, &unit.name, 4), ("应急联系电话", 2, &unit.contact_phone, 4)]);
    fields(&mut first, &[("单位地址", 2, &unit.address, 10)]);
    fields(&mut first, &[("经办人", 2, "", 2), ("联系电话", 2, "", 2), ("交付时间", 2, "", 2)]);
    flow.table(&first);
    let names = ["序号", "废物名称", "废物代码", "危险特性", "形态", "有害成分名称", "包装方式", "包装数量", "移出量（吨）"];
    lines(flow, &[800, 3_300, 2_100, 1_500, 1_000, 2_400, 2_300, 1_500, 3_100], &names);
    let mut end = twelve();
    fields(&mut end, &[("应急措施", 2, "", 10)]);
    fields(&mut end, &[("交付签名", 2, "", 10)]);
    flow.table(&end);
    flow.space(150);

    let mut second = twelve();
    part(&mut second, "第二部分　危险废物运输信息（由承运人填写）");
    fields(&mut second, &[("单位名称", 2, "", 4), ("营运证件号", 2, "", 4)]);
    fields(&mut second, &[("单位地址", 2, "", 4), ("联系电话", 2, "", 4)]);
    fields(&mut second, &[("驾驶员", 2, "", 2), ("联系电话", 2, "", 2), ("押运员", 2, "", 2)]);
    fields(&mut second, &[("运输工具", 2, "", 2), ("牌号", 2, "", 2), ("危货运单编号", 2, "", 2)]);
    fields(&mut second, &[("运输起点", 2, "", 4), ("实际起运时间", 2, "", 4)]);
    fields(&mut second, &[("经由地", 2, "", 10)]);
    fields(&mut second, &[("运输终点", 2, "", 4), ("实际到达时间", 2, "", 4)]);
    fields(&mut second, &[("接运签名", 2, "", 4), ("到达签名", 2, "", 4)]);
    flow.table(&second);
    flow.space(150);

    let mut third = twelve();
    part(&mut third, "第三部分　危险废物接受信息（由接受人填写）");
    fields(&mut third, &[("单位名称", 2, "", 4), ("危险废物经营许可证编号", 2, "", 4)]);
    fields(&mut third, &[("单位地址", 2, "", 10)]);
    fields(&mut third, &[("经办人", 2, "", 2), ("联系电话", 2, "", 2), ("接受时间", 2, "", 2)]);
    flow.table(&third);
    let names = ["序号", "废物名称", "废物代码", "是否存在重大差异", "接受人处理意见", "拟利用处置方式", "接受量（吨）"];
    lines(flow, &[800, 3_000, 2_200, 2_800, 4_000, 2_000, 3_200], &names);
    let mut end = twelve();
    fields(&mut end, &[("接受签名", 2, "", 10)]);
    flow.table(&end);
}

fn part(table: &mut Table, name: &str) {
    table.rows.push(Row::heading([Cell::part(name).over(12)]));
}

fn fields(table: &mut Table, fields: &[(&str, usize, &str, usize)]) {
    let cells = fields.iter().flat_map(|(name, wide, value, room)| [Cell::label(*name).over(*wide), Cell::value(*value).over(*room)]);
    table.rows.push(Row::of(cells).high(WRITING));
}

fn lines(flow: &mut Flow, columns: &[i32], names: &[&str]) {
    let mut table = Table::new(columns);
    table.head.push(Row::of(names.iter().map(|name| Cell::label(*name))));
    for number in 1..=LINES {
        let cells = [Cell::middle(number.to_string())].into_iter().chain(names.iter().skip(1).map(|_| Cell::value("")));
        table.rows.push(Row::of(cells).high(WRITING));
    }
    flow.table(&table);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_papers_are_short_readable_and_apart() {
        let at = "2026-11-23T02:00:00Z".parse().unwrap_or_default();
        let (one, other) = (paper_no(Uuid::from_u128(1), at), paper_no(Uuid::from_u128(1 << 39), at));
        assert_eq!((one.as_str(), other.as_str()), ("ZZ-20261123-10000000", "ZZ-20261123-0000000G"));
        assert_eq!(paper_no(Uuid::from_u128(1 << 40), at), paper_no(Uuid::nil(), at), "only the random end counts");
    }
}
