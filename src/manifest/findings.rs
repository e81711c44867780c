//! What rules find, and what an act makes of it: refuse, demand a confirmation, or go on with a warning.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::table::{Act, Effect, Rule};
use crate::catalogue::in_force_on;
use crate::platform::problem::{Fault, Problem, Text, kinds};

/// Something that a rule found.
#[derive(Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// JSON pointer of its cause; empty for the whole.
    pub pointer: String,
    /// The sentence with the facts.
    pub text: Text,
    /// A ready body or other help.
    pub help: Option<Value>,
}

/// The caller confirms a warning (确认警示) and says why.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Code of the warning.
    #[schema(max_length = 60)]
    pub code: String,
    /// Why the act goes on.
    #[schema(min_length = 2, max_length = 400)]
    pub reason: String,
}

/// Findings of one act.
#[derive(Default)]
pub struct Findings(Vec<Finding>);

/// Findings that did not stop the act.
pub struct Passed {
    /// For `warnings`.
    pub warnings: Vec<Value>,
    /// For the header.
    pub flags: Vec<&'static str>,
    /// Legal keys that were applied.
    pub law: Vec<&'static str>,
}

impl Findings {
    /// Adds one with its own sentence.
    pub fn add(&mut self, rule: &'static Rule, pointer: impl Into<String>, zh: impl Into<String>, en: impl Into<String>) {
        self.0.push(Finding { rule, pointer: pointer.into(), text: Text::new(zh.into(), en.into()), help: None });
    }
    /// Adds one that says no more than its rule.
    pub fn plain(&mut self, rule: &'static Rule, pointer: impl Into<String>) {
        self.add(rule, pointer, rule.kind.zh, rule.kind.en);
    }
    /// Adds one with a ready body.
    pub fn with_help(&mut self, rule: &'static Rule, pointer: impl Into<String>, zh: impl Into<String>, en: impl Into<String>, help: Value) {
        self.0.push(Finding { rule, pointer: pointer.into(), text: Text::new(zh.into(), en.into()), help: Some(help) });
    }

    /// Judges all findings by their effect on this act, and cites the articles in force on the day that decides.
    ///
    /// # Errors
    /// 422 with every refusal and every warning that is not confirmed, nothing hidden behind another.
    pub fn judge(self, act: Act, confirmed: &[Confirmation], day: NaiveDate) -> Result<Passed, Problem> {
        let mut passed = Passed { warnings: Vec::new(), flags: Vec::new(), law: in_force_on(act.rule().law, day) };
        let (mut refused, mut unconfirmed, mut help) = (Vec::new(), Vec::new(), Vec::new());
        for finding in self.0 {
            // A rule that does not name the act has no say in it.
            let Some(effect) = finding.rule.effect(act) else { continue };
            let confirmation = confirmed.iter().find(|one| one.code == finding.rule.kind.code);
            match effect {
                Effect::Refuse => refused.push(finding),
                Effect::MustConfirm if confirmation.is_none() => unconfirmed.push(finding),
                Effect::MustConfirm | Effect::Warn | Effect::Flag => {
                    if effect == Effect::Flag && !passed.flags.contains(&finding.rule.kind.code) {
                        passed.flags.push(finding.rule.kind.code);
                    }
                    passed.law.extend(in_force_on(finding.rule.law, day));
                    passed.warnings.push(warning(&finding, effect, confirmation, day));
                }
            }
        }
        passed.law.sort_unstable();
        passed.law.dedup();
        if refused.is_empty() && unconfirmed.is_empty() {
            return Ok(passed);
        }
        let mut problem = match refused.as_slice() {
            [] => Problem::of(&kinds::CONFIRM_NEEDED),
            [only] if unconfirmed.is_empty() => Problem::new(&only.rule.kind, only.text.clone()),
            _ => Problem::of(&kinds::RULES),
        };
        for finding in refused.into_iter().chain(unconfirmed) {
            help.extend(finding.help);
            problem.errors.push(Fault {
                pointer: finding.pointer,
                code: finding.rule.kind.code,
                message: finding.text,
                law: in_force_on(finding.rule.law, day),
            });
        }
        if !help.is_empty() {
            problem.extra.insert("help".into(), Value::Array(help));
        }
        Err(problem)
    }
}

fn warning(finding: &Finding, effect: Effect, confirmation: Option<&Confirmation>, day: NaiveDate) -> Value {
    let mut warning = json!({
        "code": finding.rule.kind.code,
        "effect": effect.as_str(),
        "pointer": finding.pointer,
        "message": { "zh-CN": finding.text.zh, "en": finding.text.en },
        "legal": in_force_on(finding.rule.law, day),
    });
    if let (Effect::MustConfirm, Some(confirmation)) = (effect, confirmation) {
        warning["confirmed_because"] = json!(confirmation.reason);
    }
    warning
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn a_refusal_rests_on_the_law_of_the_day_that_decides() {
        let cited = |month: u32, day: u32| {
            let mut findings = Findings::default();
            findings.plain(&table::RECEIVER_NOT_LICENSED, "/lines/0");
            let refused = findings.judge(Act::Issue, &[], NaiveDate::from_ymd_opt(2026, month, day).unwrap());
            refused.err().unwrap().errors.remove(0).law
        };
        assert_eq!(cited(8, 14), ["solid_waste_law_2020/80", "hw_licence_2016/15"]);
        assert_eq!(cited(8, 15), ["eco_code_2026/534", "hw_licence_2016/15"]);
    }
}
