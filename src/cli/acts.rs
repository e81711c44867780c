//! `liandan acts`: the act table, the rule table and the state machine as a page that a lawyer can read.
//!
//! The page is printed from the very tables that the program obeys; `docs/acts.md` is the checked-in print, and a test
//! compares the two.

use std::collections::BTreeSet;

use super::Failure;
use crate::identity::Role;
use crate::manifest::table::{ACTS, Act, ActClass, ActRule, Effect, REQUIREMENTS, Relation, Rule, State};

/// Titles and grades of laws, the same file that the catalogue loads.
const LAWS: &str = include_str!("../catalogue/data/laws.csv");

/// What each act does to the state; `None` stands for the beginning. Acts that are not here change no state.
const TRANSITIONS: &[(Option<State>, Act, State)] = &[
    (None, Act::Issue, State::Issued),
    (None, Act::SendOn, State::Issued),
    (None, Act::BackEnter, State::InTransit),
    (None, Act::BackEnter, State::Arrived),
    (None, Act::BackEnter, State::Received),
    (Some(State::Issued), Act::Release, State::Offered),
    (Some(State::Issued), Act::Cancel, State::Cancelled),
    (Some(State::Issued), Act::Receive, State::Received),
    (Some(State::Offered), Act::TakeOver, State::InTransit),
    (Some(State::Offered), Act::Withdraw, State::Issued),
    (Some(State::Offered), Act::Withdraw, State::InTransit),
    (Some(State::Offered), Act::RefuseTakeOver, State::Issued),
    (Some(State::Offered), Act::RefuseTakeOver, State::InTransit),
    (Some(State::Offered), Act::Receive, State::Received),
    (Some(State::InTransit), Act::HandOver, State::Offered),
    (Some(State::InTransit), Act::Arrive, State::Arrived),
    (Some(State::InTransit), Act::NotReceived, State::InTransit),
    (Some(State::InTransit), Act::Receive, State::Received),
    (Some(State::InTransit), Act::TurnBack, State::Refused),
    (Some(State::Arrived), Act::NotReceived, State::InTransit),
    (Some(State::Arrived), Act::Receive, State::Received),
    (Some(State::Received), Act::Confirm, State::Confirmed),
    (Some(State::Received), Act::Confirm, State::PartlyConfirmed),
    (Some(State::Received), Act::Confirm, State::Refused),
    (Some(State::Refused), Act::TurnBack, State::Refused),
    (Some(State::Confirmed), Act::RecordTreatment, State::Confirmed),
    (Some(State::Confirmed), Act::RecordTreatment, State::Treated),
    (Some(State::PartlyConfirmed), Act::RecordTreatment, State::PartlyConfirmed),
    (Some(State::PartlyConfirmed), Act::RecordTreatment, State::Treated),
];

/// Prints the page.
///
/// # Errors
/// When the program's own list of laws cannot be read.
pub fn print() -> Result<(), Failure> {
    super::write_out(&page()?)
}

/// The page. The same tables always give the same bytes.
fn page() -> Result<String, Failure> {
    let mut text = String::from(
        "# 联单操作与规则 · Acts and rules of a manifest\n\n\
         本页由程序打印（`liandan acts`），与程序执行的是同一张表，请勿手工修改。\n\
         This page is printed by the program (`liandan acts`) from the tables that it obeys; do not edit it.\n\n",
    );
    acts_table(&mut text);
    rules_table(&mut text);
    state_machine(&mut text);
    articles_table(&mut text)?;
    Ok(text)
}

fn acts_table(text: &mut String) {
    text.push_str(
        "## 1 操作 · Acts\n\n\
         - 关口操作 gate：车辆仍停在原处，法律不允许时可以拒绝 (the lorry stands still; the law may refuse)。\n\
         - 事实操作 fact：事情已经发生，绝不因法律、账户、超期或他人缺签而拒绝，只作标记 (it has happened; never refused for law, only flagged)。\n\
         - 其他 other：既非关口也非事实，须在线进行 (neither; done online)。\n\
         - 系统外单位无人登录：其部分由移出人、接受人或持有人中系统内单位的签字人代录，须写明依据（`proxy`）；系统外移出人的 `issue`、`back_enter` 由接受人的 clerk 或 signatory 代录，并须有国家联单编号或纸质联单编号 (nobody of a unit outside the system logs in: a signatory of the consignor, receiver or holder enters its part and names the source; `issue` and `back_enter` of such a consignor are the receiver's, with a number that proves the manifest)。\n\n\
         | 操作 act | 名称 name | 类别 class | 可进行的状态 states | 由谁 by | 封存 sealed part | 条文 articles |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for rule in ACTS {
        let sealed = rule.seals.map_or_else(|| "–".to_owned(), |part| format!("`{}`", part.as_str()));
        text.push_str(&format!(
            "| `{}` | {} · {} | {} | {} | {} | {sealed} | {} |\n",
            rule.act.as_str(),
            rule.zh,
            rule.en,
            class(rule.class),
            states(rule),
            signers(rule),
            keys(rule.law),
        ));
    }
    text.push('\n');
}

fn rules_table(text: &mut String) {
    text.push_str(
        "## 2 规则 · Rules\n\n\
         - 拒绝 refuse：不得进行 (may not go on)。\n\
         - 须确认 must_confirm：须在 `confirmed` 中逐项说明理由方可进行 (goes on only with a reason in `confirmed`)。\n\
         - 警示 warn：进行，记入事件 (goes on, stored in the event)。\n\
         - 标记 flag：进行，记入事件，并在联单上留下标记 (goes on, stored, and a flag on the manifest)。\n\n\
         规则对未列出的操作不起作用 (a rule has no say in an act that it does not name)。\n\n\
         | 代码 code | 标题 | title | 条文 articles | 对各操作的效果 effect on acts |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for rule in REQUIREMENTS {
        text.push_str(&format!("| `{}` | {} | {} | {} | {} |\n", rule.kind.code, rule.kind.zh, rule.kind.en, keys(rule.law), effects(rule)));
    }
    text.push('\n');
}

fn effects(rule: &Rule) -> String {
    // In the order of the act table, not of the rule's own line, so that two rules compare at a glance.
    let named = ACTS.iter().filter_map(|act| Some((act.act, rule.effect(act.act)?)));
    named.map(|(act, effect)| format!("`{}` {}", act.as_str(), effect_words(effect))).collect::<Vec<_>>().join("<br>")
}

fn state_machine(text: &mut String) {
    text.push_str("## 3 状态 · States\n\n```mermaid\nstateDiagram-v2\n");
    for state in State::ALL {
        text.push_str(&format!("    {0} : {1} {0}\n", state.as_str(), state_zh(state)));
    }
    for (from, act, to) in TRANSITIONS {
        text.push_str(&format!("    {} --> {} : {}\n", from.map_or("[*]", State::as_str), to.as_str(), act.as_str()));
    }
    for state in State::ALL.into_iter().filter(|state| is_last(*state)) {
        text.push_str(&format!("    {} --> [*]\n", state.as_str()));
    }
    let still: Vec<String> =
        ACTS.iter().filter(|rule| !TRANSITIONS.iter().any(|(_, act, _)| *act == rule.act)).map(|rule| format!("`{}`", rule.act.as_str())).collect();
    text.push_str(&format!(
        "```\n\n\
         - 不改变状态的操作 acts that change no state: {}。\n\
         - `void` 只作标记，联单及其状态保留 (a mark; nothing is deleted)。\n\
         - `send_on` 为拒收的量另立新联单，原联单状态不变 (begins a linked manifest; the refused one keeps its state)。\n\
         - `turn_back` 用于途中：接受人未让入厂，联单以 refused 结束，整车货物另立新联单，由承运人持有 (from the road: the load was turned away; it goes on under a linked manifest, the carrier holds it)。\n\
         - 更正（`correct`、`agree`）改动接受意见时，可在 confirmed、partly_confirmed、refused 之间变化 (a correction of the verdict may move among these three)。\n\
         - `withdraw` 与 `refuse_take_over`：第 1 段回到 issued，其后各段回到 in_transit (leg 1 goes back to issued, later legs to in_transit)。\n\n",
        still.join(", ")
    ));
}

/// Where nothing leads on. A refused load goes on under its linked manifest.
fn is_last(state: State) -> bool {
    !TRANSITIONS.iter().any(|(from, _, to)| *from == Some(state) && *to != state)
}

fn articles_table(text: &mut String) -> Result<(), Failure> {
    text.push_str(
        "## 4 条文 · Articles\n\n\
         文本等级 grade：official 官方文本；two_copies 两份一致的副本；single_copy 单一副本，作出决定前须核对官方文本 (read the official text before a decision)。\n\n\
         | 键 key | 法律 law | 条 article | 文本等级 grade |\n| --- | --- | --- | --- |\n",
    );
    let cited: BTreeSet<&str> = ACTS.iter().flat_map(|rule| rule.law).chain(REQUIREMENTS.iter().flat_map(|rule| rule.law)).copied().collect();
    let mut reader = csv::Reader::from_reader(LAWS.as_bytes());
    let laws = reader.records().collect::<Result<Vec<_>, _>>()?;
    for key in cited {
        let (law, article) = key.split_once('/').unwrap_or((key, ""));
        let row = laws.iter().find(|row| row.get(0) == Some(law));
        let title = row.and_then(|row| row.get(1)).unwrap_or("–");
        let grade = row.and_then(|row| row.get(3)).filter(|grade| !grade.is_empty()).unwrap_or("未收录文本 text not held");
        text.push_str(&format!("| `{key}` | {title} | {article} | {grade} |\n"));
    }
    Ok(())
}

fn keys(law: &[&str]) -> String {
    if law.is_empty() { "–".to_owned() } else { law.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join("<br>") }
}

fn states(rule: &ActRule) -> String {
    let missing: Vec<State> = State::ALL.into_iter().filter(|state| !rule.from.contains(state)).collect();
    match (rule.from, missing.as_slice()) {
        ([], _) => "新建 begins a manifest".to_owned(),
        (_, [one]) => format!("除 {} 外 all but {}", state_zh(*one), one.as_str()),
        (from, _) => from.iter().map(|state| format!("{} {}", state_zh(*state), state.as_str())).collect::<Vec<_>>().join("<br>"),
    }
}

/// Relation by relation, in the order of the table, with the roles of each.
fn signers(rule: &ActRule) -> String {
    let mut relations: Vec<(Relation, Vec<String>)> = Vec::new();
    for (relation, role) in rule.by {
        let words = format!("{} {}", role_zh(*role), role.as_str());
        match relations.iter_mut().find(|(one, _)| one == relation) {
            Some((_, roles)) => roles.push(words),
            None => relations.push((*relation, vec![words])),
        }
    }
    let lines = relations.iter().map(|(relation, roles)| format!("{} {}: {}", relation_zh(*relation), relation.as_str(), roles.join(", ")));
    lines.collect::<Vec<_>>().join("<br>")
}

const fn class(class: ActClass) -> &'static str {
    match class {
        ActClass::Gate => "关口 gate",
        ActClass::Fact => "事实 fact",
        ActClass::Other => "其他 other",
    }
}

const fn effect_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Refuse => "**拒绝 refuse**",
        Effect::MustConfirm => "须确认 must_confirm",
        Effect::Warn => "警示 warn",
        Effect::Flag => "标记 flag",
    }
}

const fn state_zh(state: State) -> &'static str {
    match state {
        State::Issued => "已提交",
        State::Offered => "已交付待接运",
        State::InTransit => "运输中",
        State::Arrived => "已到达",
        State::Received => "已入厂待确认",
        State::Confirmed => "已确认接受",
        State::PartlyConfirmed => "部分接受",
        State::Refused => "已拒收",
        State::Treated => "已利用处置",
        State::Cancelled => "已取消",
    }
}

const fn relation_zh(relation: Relation) -> &'static str {
    match relation {
        Relation::Consignor => "移出人",
        Relation::Carrier => "承运人",
        Relation::Receiver => "接受人",
        Relation::Holder => "持有人",
        Relation::OfficerOfDeparture => "移出地主管部门",
        Relation::OfficerOfReceipt => "接受地主管部门",
        Relation::OfficerOfPlace => "事故发生地主管部门",
    }
}

const fn role_zh(role: Role) -> &'static str {
    match role {
        Role::UnitAdmin => "单位管理员",
        Role::Clerk => "经办人",
        Role::Signatory => "签字人",
        Role::Dispatcher => "调度员",
        Role::Driver => "驾驶员",
        Role::Weigher => "司磅员",
        Role::Viewer => "查看人员",
        Role::Inspector => "执法检查人员",
        Role::Manager => "负责人",
        Role::PlatformAdmin => "平台管理员",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_page_is_the_printed_one() {
        assert!(page().unwrap() == include_str!("../../docs/acts.md"), "print it again: liandan acts > docs/acts.md");
    }

    #[test]
    fn every_arrow_starts_where_the_act_table_has_it() {
        for (from, act, _) in TRANSITIONS {
            match from {
                Some(state) => assert!(act.rule().from.contains(state), "{act:?} from {state:?}"),
                None => assert!(act.rule().from.is_empty() || *act == Act::SendOn, "{act:?}"),
            }
        }
        // And every state that the table gives an act that moves has its arrow.
        for rule in ACTS.iter().filter(|rule| TRANSITIONS.iter().any(|(from, act, _)| *act == rule.act && from.is_some())) {
            for state in rule.from {
                assert!(TRANSITIONS.iter().any(|(from, act, _)| *from == Some(*state) && *act == rule.act), "{:?} from {state:?}", rule.act);
            }
        }
    }

    #[test]
    fn every_state_can_be_reached() {
        for state in State::ALL {
            assert!(TRANSITIONS.iter().any(|(_, _, to)| *to == state), "{state:?}");
        }
    }
}
