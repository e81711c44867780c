//! Why the ledger says no. Arithmetic and identity only: what was measured is a fact, and no law refuses a record of it.

use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text};

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $(($($field:ident: $type:ty),*))? = $status:literal $code:literal $zh:literal $en:literal $(=> $zh_text:literal, $en_text:literal)?;)*) => {
        /// Why an act of the ledger is refused.
        #[derive(Debug, thiserror::Error)]
        pub enum LedgerRefusal {
            $($(#[$doc])* #[error($code)] $name $({ $(#[doc = "As the sentence says."] $field: $type),* })?),*
        }

        /// Kinds of problem of this room.
        pub static KINDS: &[Kind] = &[$(Kind::new($status, $code, $zh, $en)),*];

        impl LedgerRefusal {
            const fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code),* }
            }
        }

        impl Refusal for LedgerRefusal {
            fn kind(&self) -> &'static Kind {
                let code = self.code();
                // Every variant has its kind in the list above; the first keeps this total without a panic.
                KINDS.iter().find(|kind| kind.code == code).unwrap_or(&KINDS[0])
            }
            fn text(&self) -> Text {
                match self {
                    $(Self::$name $({ $($field),* })? => refusals!(@text self, $($zh_text, $en_text)?)),*
                }
            }
        }
    };
    (@text $self:ident, $zh:literal, $en:literal) => { Text::new(format!($zh), format!($en)) };
    (@text $self:ident,) => { Text::new($self.kind().zh, $self.kind().en) };
}

refusals! {
    /// Not a site of the actor's unit, or none at all.
    SiteNotOwn = 422 "ledger-site-not-own" "不是本单位的场所" "It is no site of your unit";
    /// Later than now.
    HappenedInFuture = 422 "happened-in-future" "发生时间晚于现在" "It would have happened in the future";
    /// Not a facility of the site, or of another kind than the entry needs.
    FacilityUnfit = 422 "facility-unfit" "设施不属于该场所，或类型不符" "The facility is not of this site, or of another kind";
    /// A store must be named.
    FacilityMissing = 422 "facility-missing" "须填写设施" "The facility is missing";
    /// Neither a mass nor containers that tell it.
    MassMissing = 422 "mass-missing" "须填写数量" "The mass is missing";
    /// Nothing.
    NothingEntered = 422 "nothing-entered" "数量须大于零" "The mass must be above zero";
    /// The containers say another sum.
    MassesDoNotAddUp(sum_g: i64, mass_g: i64) = 422 "masses-do-not-add-up" "容器重量之和与数量不符" "The containers do not add up to the mass"
        => "容器合计 {sum_g} 克，数量为 {mass_g} 克", "The containers hold {sum_g} g, the mass is {mass_g} g";
    /// A field that this kind of entry does not have.
    NotForThisKind = 422 "not-for-this-kind" "此类台账记录没有这一项" "This kind of entry has no such field";
    /// Neither the container nor its label.
    ContainerUnnamed = 422 "container-unnamed" "须填写容器编号或数字识别码" "Name the container or the code on its label";
    /// The same container twice in one entry.
    ContainerGivenTwice = 422 "container-given-twice" "同一容器重复填写" "A container is given twice";
    /// No such container of the unit.
    ContainerUnknown = 422 "container-unknown" "本单位没有此容器" "Your unit has no such container";
    /// It stands on another site, or is out of use.
    ContainerNotHere(code: String) = 409 "container-not-here" "容器不在该场所或已停用" "The container is not on this site, or out of use"
        => "容器 {code} 不在该场所或已停用", "Container {code} is not on this site, or out of use";
    /// What is in it was entered before.
    CountedTwice(code: String, batch: String, filling: String) = 409 "counted-twice" "该容器已装有登记过的废物，不得重复登记" "The container is filled: what is in it was entered before"
        => "容器 {code} 已由 {batch} 登记装填（{filling}），不得重复登记", "Container {code} was filled by {batch} ({filling}) and is not empty since";
    /// A container that is filled once only.
    NotReusable(code: String) = 409 "container-not-reusable" "一次性容器已用过" "The container is for one filling only, and was filled before"
        => "容器 {code} 为一次性容器，已用过", "Container {code} is for one filling only, and was filled before";
    /// No such filling here.
    FillingUnknown = 422 "filling-unknown" "没有此数字识别码或容器为空" "There is no such filling, or the container is empty";
    /// It is on another site, or on the road.
    FillingNotHere(code: String) = 409 "filling-not-here" "该容器内废物不在此场所" "The filling is not on this site"
        => "{code} 不在此场所", "{code} is not on this site";
    /// It is on a manifest that has not ended.
    FillingOnManifest(code: String, manifest: String) = 409 "filling-on-manifest" "该容器内废物已在另一未完结的联单上" "The filling is on another manifest that has not ended"
        => "{code} 已在联单 {manifest} 上", "{code} is on manifest {manifest}";
    /// An entry took the last of it.
    FillingTaken(code: String, batch: String) = 409 "filling-taken" "该容器内废物已被取出" "The filling was taken before"
        => "{code} 已由 {batch} 取出", "{code} was taken by {batch}";
    /// Its label says another waste.
    FillingOfOtherCode(code: String, waste: String) = 422 "filling-of-other-code" "废物代码与标签不符" "The label says another waste code"
        => "{code} 的标签为 {waste}", "The label of {code} says {waste}";
    /// More than there is.
    MoreThanThere(want_g: i64, left_g: i64, batches: String) = 422 "more-than-is-there" "数量大于库存" "More than is there"
        => "需 {want_g} 克，台账仅有 {left_g} 克；最近取用：{batches}", "{want_g} g are wanted, the ledger holds {left_g} g; taken last by: {batches}";
    /// A treatment or a way outside without its method.
    MethodMissing = 422 "method-missing" "须填写利用处置方式" "The method is missing";
    /// The method is not in the list, or of the other group.
    MethodUnfit = 422 "method-unfit" "利用处置方式不存在或与环节不符" "The method is not in the list, or is of the other group";
    /// Whoever receives must be named.
    ReceiverMissing = 422 "receiver-missing" "须填写接收单位" "The receiver is missing";
    /// A source that is no entry of the site.
    SourceUnknown = 422 "source-unknown" "来源批次不是该场所的台账记录" "A source is no entry of this site";
    /// A stock is counted today.
    CountedAnotherDay = 422 "counted-another-day" "盘点须当日登记" "A count is entered on the day on which it was made";
    /// It was reversed before.
    EntryReversed = 409 "entry-reversed" "该记录已更正" "The entry was corrected before";
    /// A reversal cannot be reversed.
    EntryIsReversal = 409 "entry-is-reversal" "更正记录不得再更正，请登记新记录" "A reversal stands; enter a new entry";
    /// A manifest made it.
    EntryOfManifest(manifest: String) = 409 "entry-of-manifest" "该记录由联单产生，请更正联单" "A manifest made the entry; correct the manifest"
        => "该记录由联单 {manifest} 产生，请更正联单", "Manifest {manifest} made the entry; correct the manifest";
    /// What it made has left.
    EntryInTheWay(batches: String) = 409 "entry-in-the-way" "后续记录已取用，须先更正后续记录" "Later entries took what it made; correct them first"
        => "已被 {batches} 取用，须先更正这些记录", "{batches} took what it made; correct them first";
    /// A correction says the same again.
    OtherSite = 422 "correction-of-other-site" "更正后的记录须属于同一场所" "The right entry must be of the same site";
    /// Only what is filled again goes home on a custody note.
    EmptyIsWaste(code: String) = 422 "empty-is-waste" "一次性空容器按废物转移，不用交接单" "A container for one filling is waste when it is empty: it goes on a manifest"
        => "容器 {code} 为一次性容器，空后按废物转移", "Container {code} is for one filling: empty, it is waste and goes on a manifest";
    /// The way home is to the owner.
    NotItsOwner(code: String) = 422 "custody-not-to-owner" "空容器须交还其所属单位" "Empties go back to the unit that they belong to"
        => "容器 {code} 不属于接收单位", "Container {code} does not belong to the receiving unit";
    /// The note has ended.
    CustodyEnded = 409 "custody-received" "该交接单已接收" "The custody note was received before";
    /// Sent in the future.
    SentInFuture = 422 "sent-in-future" "交接日期晚于今天" "It would have been sent in the future";
    /// It holds something, or is out of use already.
    NotRetirable(code: String) = 409 "container-not-retirable" "容器装有废物或已停用" "The container is filled, or out of use already"
        => "容器 {code} 装有废物或已停用", "Container {code} is filled, or out of use already";
    /// A client id twice in a batch.
    ClientIdTwice(client_id: String) = 422 "client-id-twice" "同一批次内 client_id 重复" "A client_id stands twice in the batch"
        => "client_id {client_id} 重复", "The client_id {client_id} stands twice";
}

/// One refusal at its place.
pub(super) fn refuse(pointer: impl Into<String>, refusal: LedgerRefusal) -> Problem {
    let mut refusals = Refusals::none();
    refusals.add(pointer, refusal);
    refusals.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_kind_of_its_own() {
        let codes: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
        let refusal = LedgerRefusal::MoreThanThere { want_g: 5, left_g: 3, batches: "HWWWLY20261123001".into() };
        assert_eq!(refusal.kind().code, "more-than-is-there");
        assert!(refusal.text().en.contains("3 g") && refusal.text().zh.contains("HWWWLY20261123001"));
    }
}
