//! What is printed, and what a stranger by the road sees of it.

use serde_json::{Value, json};

use crate::district::{District, Manifest};
use crate::harness::World;
use crate::pdf;

/// Where a person can look at what the tests print: set `LIANDAN_SHEETS` to a folder.
fn keep(name: &str, bytes: &[u8]) {
    if let Ok(folder) = std::env::var("LIANDAN_SHEETS") {
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

/// The text of a sheet without line breaks, which depend on widths.
async fn sheet(world: &World, district: &District, manifest: &Manifest, name: &str) -> String {
    let answer = world.get(district.plant.who("clerk"), &format!("/api/v1/manifests/{}/{name}.pdf", manifest.id)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"), "{}", answer.json);
    keep(&format!("{name}-{}.pdf", world.next()), &answer.bytes);
    pdf::text(&answer.bytes).replace('\n', "")
}

#[actix_web::test]
async fn the_sheet_has_the_three_parts_of_the_form_with_masses_in_tonnes_and_the_signers_names() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let mut manifest = district.issue(&world, 1_200_001).await;
    manifest.declared_g = 1_200_001;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let text = sheet(&world, &district, &manifest, "sheet").await;
    for field in [
        "危险废物转移联单",
        "第一部分",
        "单位名称",
        "应急联系电话",
        "单位地址",
        "经办人",
        "联系电话",
        "交付时间",
        "废物名称",
        "废物代码",
        "危险特性",
        "形态",
        "有害成分名称",
        "包装方式",
        "包装数量",
        "移出量（吨）",
        "第二部分",
        "营运证件号",
        "驾驶员",
        "运输工具",
        "牌号",
        "运输起点",
        "实际起运时间",
        "经由地",
        "运输终点",
        "实际到达时间",
        "第三部分",
        "接受时间",
        "是否存在重大差异",
        "接受人处理意见",
        "接受量（吨）",
        "演示·非国家联单",
        "1.200001",
        "900-249-08",
        "辽B12345",
        "吸附棉、围堵、报告 0411-12369",
        "2026-11-23 10:00",
        "石油烃",
        "液态",
    ] {
        assert!(text.contains(field), "{field} is missing in {text}");
    }
}
