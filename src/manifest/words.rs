//! What the forms call things (表单用语), in both languages: words for paper and for the public page. No clock and no I/O here.

use super::parts::{Attribute, Basis, Decision, Hirer, RefusalReason};
use super::table::State;
use crate::catalogue::Hazards;
use crate::ledger::WasteForm;
use crate::platform::lang::Lang;
use crate::platform::problem::Text;

/// A word in both languages.
type Word = (&'static str, &'static str);

/// The one for this language.
#[must_use]
pub const fn say(word: Word, lang: Lang) -> &'static str {
    match lang {
        Lang::ZhCn => word.0,
        Lang::En => word.1,
    }
}

/// 联单状态.
#[must_use]
pub const fn state(state: State) -> Word {
    match state {
        State::Issued => ("待交付", "issued, not yet handed over"),
        State::Offered => ("已交付，待接运", "handed over, not yet taken over"),
        State::InTransit => ("运输中", "on the road"),
        State::Arrived => ("已到达，待入厂", "arrived, not yet received"),
        State::Received => ("已入厂，待确认", "received, not yet confirmed"),
        State::Confirmed => ("已确认接受", "confirmed"),
        State::PartlyConfirmed => ("部分接受", "partly accepted"),
        State::Refused => ("已拒收", "refused"),
        State::Treated => ("已利用处置", "used or disposed of"),
        State::Cancelled => ("已取消", "cancelled"),
    }
}

/// 形态.
#[must_use]
pub const fn form(form: WasteForm) -> Word {
    match form {
        WasteForm::Solid => ("固态", "solid"),
        WasteForm::SemiSolid => ("半固态", "semi-solid"),
        WasteForm::Liquid => ("液态", "liquid"),
        WasteForm::Gas => ("气态", "gas"),
        WasteForm::Other => ("其他", "other"),
    }
}

/// 计量依据.
#[must_use]
pub const fn basis(basis: Basis) -> Word {
    match basis {
        Basis::Scale => ("地磅", "weighbridge"),
        Basis::Containers => ("逐件称重", "each container weighed"),
        Basis::PublicScale => ("社会公用衡器", "public scale"),
        Basis::Meter => ("计量装置", "meter"),
        Basis::Apportioned => ("净重分摊", "share of the net weight"),
        Basis::Estimated => ("估算", "estimated"),
    }
}

/// 托运人.
#[must_use]
pub const fn hirer(hirer: Hirer) -> Word {
    match hirer {
        Hirer::Consignor => ("移出人", "consignor"),
        Hirer::Receiver => ("接受人", "receiver"),
    }
}

/// 接受人处理意见.
#[must_use]
pub const fn decision(decision: Decision) -> Word {
    match decision {
        Decision::All => ("接受", "accepted"),
        Decision::Part => ("部分接受", "partly accepted"),
        Decision::None => ("拒绝接受", "refused"),
    }
}

/// 不符的属性.
#[must_use]
pub const fn attribute(attribute: Attribute) -> Word {
    match attribute {
        Attribute::Name => ("名称", "name"),
        Attribute::Mass => ("数量", "mass"),
        Attribute::Hazard => ("特性", "hazard"),
        Attribute::Form => ("形态", "form"),
        Attribute::Packaging => ("包装方式", "packaging"),
    }
}

/// 拒绝原因.
#[must_use]
pub const fn refusal_reason(reason: RefusalReason) -> Word {
    match reason {
        RefusalReason::DiffersFromManifest => ("与联单不符", "differs from the manifest"),
        RefusalReason::OutsideLicence => ("超出许可范围", "outside the licence"),
        RefusalReason::PackagingOrLabel => ("包装破损或标签缺失", "packaging or label"),
        RefusalReason::NotTreatable => ("不能利用处置", "cannot be treated"),
        RefusalReason::NoCapacity => ("贮存能力不足", "no capacity"),
        RefusalReason::Other => ("其他", "other"),
    }
}

/// 危险特性 in words; letters that are none of the catalogue's say nothing.
#[must_use]
pub fn hazards(letters: &str) -> Text {
    letters.parse::<Hazards>().map_or_else(|_| Text::new("", ""), |hazards| hazards.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_is_kept_apart_from_what_may_be() {
        for (letters, zh) in [
            ("T", "毒性"),
            ("T,I", "毒性，可能另有易燃性"),
            ("T/In", "毒性、感染性中的一种或几种"),
            ("C,T,I", "腐蚀性，可能另有毒性、易燃性"),
            ("X", ""),
        ] {
            assert_eq!(hazards(letters).say(Lang::ZhCn), zh, "{letters}");
        }
    }
}
