//! The public page of a manifest (查验页): what whoever holds its sheet by the road may know, in words, shape and colour.
//!
//! No account, no script, nothing loaded from elsewhere. Invariants: no person's name and no mass stands here; without a
//! national number it never says 有效; what is unknown, forged or unreadable looks the same, byte for byte.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::store::Stored;
use super::table::State;
use super::token::{Numbered, Token, number_of, plates_of};
use super::words;
use crate::platform::app::NumberMode;
use crate::platform::calendar::local_text;
use crate::platform::lang::Lang;
use crate::platform::sheet::is_invisible;

/// What the page says of a manifest, above all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// 有效, and not yet on the road.
    Valid,
    /// 有效, on the road.
    InTransit,
    /// 已送达.
    Delivered,
    /// 已拒收: it must not be unloaded here, and goes back on a manifest of its own.
    Refused,
    /// 作废 or 取消.
    Void,
    /// The sheet is older than it may be.
    Expired,
    /// 尚无国家联单号.
    Unnumbered,
    /// 演示·非国家联单.
    Demonstration,
    /// Not ours.
    Unknown,
}

impl Standing {
    /// Every standing of a manifest that is ours.
    pub const OURS: [Self; 8] =
        [Self::Valid, Self::InTransit, Self::Delivered, Self::Refused, Self::Void, Self::Expired, Self::Unnumbered, Self::Demonstration];

    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::InTransit => "in_transit",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Void => "void",
            Self::Expired => "expired",
            Self::Unnumbered => "unnumbered",
            Self::Demonstration => "demonstration",
            Self::Unknown => "unknown",
        }
    }

    /// What a manifest is, seen with a token at an instant. What ended it comes before all else, then the age of the sheet,
    /// then whether it is a national manifest at all.
    #[must_use]
    pub fn of(stored: &Stored, token: &Token, numbers: NumberMode, now: DateTime<Utc>) -> Self {
        if stored.is_void || stored.record.state == State::Cancelled {
            return Self::Void;
        }
        if now >= token.expires_at {
            return Self::Expired;
        }
        if numbers == NumberMode::Local {
            return Self::Demonstration;
        }
        if stored.official_no.is_none() {
            return Self::Unnumbered;
        }
        match stored.record.state {
            State::Issued | State::Offered => Self::Valid,
            State::InTransit | State::Arrived => Self::InTransit,
            State::Received | State::Confirmed | State::PartlyConfirmed | State::Treated => Self::Delivered,
            State::Refused => Self::Refused,
            State::Cancelled => Self::Void,
        }
    }

    const fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Valid => ("有效", "VALID"),
            Self::InTransit => ("有效·运输中", "VALID, IN TRANSIT"),
            Self::Delivered => ("已送达", "DELIVERED"),
            Self::Refused => ("已拒收", "REFUSED"),
            Self::Void => ("作废", "VOID"),
            Self::Expired => ("凭证已过期", "EXPIRED"),
            Self::Unnumbered => ("尚无国家联单号", "NO NATIONAL NUMBER"),
            Self::Demonstration => ("演示·非国家联单", "DEMONSTRATION, NOT A NATIONAL MANIFEST"),
            Self::Unknown => ("无法识别", "UNKNOWN"),
        }
    }

    const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::Valid => ("联单已签发，货物尚未起运。", "The manifest is issued; the load has not left yet."),
            Self::InTransit => ("货物应在下列车辆上。", "The load should be on the vehicle below."),
            Self::Delivered => {
                ("货物已由接受人收进，车上不应再有此联单的货物。", "The receiver has the load; none of it should be on a vehicle any more.")
            }
            Self::Refused => {
                ("接受人拒收或途中退回；货物须另有退回或改送联单方可运输。", "The load was refused; it travels only under another manifest.")
            }
            Self::Void => ("此联单已作废或取消，不得据此运输。", "The manifest was voided or cancelled; nothing may travel under it."),
            Self::Expired => (
                "此单据已超过计划到达后 24 小时，内容不再显示；请要求出示新打印的单据。",
                "This sheet is older than 24 hours after the planned arrival. Ask for a fresh one.",
            ),
            Self::Unnumbered => (
                "国家系统的联单号尚未登记，此单据不能作为国家联单的证明。",
                "The number of the national system is not recorded, so this sheet proves no manifest.",
            ),
            Self::Demonstration => (
                "此为演示数据，不是国家危险废物转移联单，不具法律效力。",
                "These are demonstration data and no national manifest; they have no legal effect.",
            ),
            Self::Unknown => (
                "本平台没有签发过此凭证，或凭证不完整。请核对二维码并向主管部门核实。",
                "This installation never issued such a token, or it is incomplete. Check the code, and ask the authority.",
            ),
        }
    }

    /// Ground and shape; each standing differs in both, so that nobody needs to tell colours apart.
    const fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Valid => ("#0b6b2e", "<circle cx='32' cy='32' r='28'/><path class='m' d='M18 33l10 10 18-22'/>"),
            Self::InTransit => ("#0b4f9c", "<path d='M4 14h34v-10l24 28-24 28v-10H4z'/>"),
            Self::Delivered => ("#3b3f46", "<path d='M6 6h52v52H6z'/><path class='m' d='M18 33l10 10 18-22'/>"),
            Self::Refused => ("#8a3b00", "<path d='M60 14H26V4L2 32l24 28V50h34z'/>"),
            Self::Void => ("#a40000", "<path d='M20 4h24l16 16v24L44 60H20L4 44V20z'/><path class='m' d='M20 20l24 24M44 20L20 44'/>"),
            Self::Expired => ("#5b4b00", "<path d='M10 4h44L36 32l18 28H10l18-28z'/>"),
            Self::Unnumbered => ("#7a4a00", "<path d='M32 4l30 54H2z'/><path class='m' d='M32 24v16M32 48v3'/>"),
            Self::Demonstration => ("#5a2a82", "<path d='M32 2l30 30-30 30L2 32z'/><path class='m' d='M20 32h24'/>"),
            Self::Unknown => ("#4a4a4a", "<circle cx='32' cy='32' r='28'/><path class='m' d='M24 24c0-12 18-12 18 0 0 8-9 7-9 15M33 47v3'/>"),
        }
    }
}

/// A manifest as the page shows it.
pub struct View<'a> {
    /// The manifest.
    pub stored: &'a Stored,
    /// What the sheet carries.
    pub token: &'a Token,
    /// What is said above all.
    pub standing: Standing,
    /// District of departure.
    pub departure: String,
    /// District of destination.
    pub destination: String,
    /// Looks on this legal day, this one among them.
    pub looks_today: i64,
    /// When it was looked at.
    pub now: DateTime<Utc>,
}

const STYLE: &str = "body{font-family:sans-serif;margin:0 auto;max-width:36em;padding:0 1em 2em;color:#111;background:#fff;line-height:1.5}\
.sign{display:flex;gap:1em;align-items:center;color:#fff;padding:1em;margin:1em 0;border-radius:.5em}\
.sign svg{width:4em;height:4em;flex:none;fill:#fff}.sign .m{fill:none;stroke:#000;stroke-width:7}\
.sign b{font-size:1.6em;line-height:1.2;display:block}.plate{font-size:2em;font-weight:bold;letter-spacing:.1em}\
dt{color:#555;margin-top:.8em}dd{margin:0}table{border-collapse:collapse;width:100%}\
td,th{border:1px solid #888;padding:.3em;text-align:left;vertical-align:top}\
.warn{border:3px solid #a40000;padding:.5em;font-weight:bold}footer{color:#555;font-size:.85em;margin-top:2em}";

/// The style of all pages, with the ground of each standing; always the same, for its hash stands in the policy.
fn style() -> String {
    let all = Standing::OURS.into_iter().chain([Standing::Unknown]);
    all.fold(STYLE.to_owned(), |mut style, one| {
        let _ = write!(style, ".{}{{background:{}}}", one.as_str(), one.sign().0);
        style
    })
}

/// What a browser may do with the page: show it, in its one style.
#[must_use]
pub fn content_security_policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(style().as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

/// The page of what is not ours.
#[must_use]
pub fn unknown(lang: Lang) -> String {
    frame(Standing::Unknown, lang, "")
}

/// The page of a manifest.
#[must_use]
pub fn shown(view: &View<'_>, lang: Lang) -> String {
    let mut body = String::new();
    let say = |zh: &'static str, en: &'static str| words::say((zh, en), lang);
    let mut entry = |name: &str, value: &str| {
        let _ = write!(body, "<dt>{name}</dt><dd>{value}</dd>");
    };
    let (stored, record) = (view.stored, &view.stored.record);
    let number = match (view.standing, number_of(stored)) {
        // An expired sheet shows what it carries itself, and nothing of what happened since.
        (Standing::Expired, _) => view.token.number.clone(),
        (_, number) => number,
    };
    let numbered = match &number {
        Numbered::National(digits) => format!("{}（{}）", escaped(digits), say("国家联单编号", "national number")),
        Numbered::Local(digits) => format!("{}（{}）", escaped(digits), say("演示·非国家联单", "demonstration, not a national manifest")),
        Numbered::Not => say("尚无国家联单号", "no national number").to_owned(),
    };
    entry(say("联单编号", "Number"), &numbered);
    if view.standing == Standing::Expired {
        return frame(view.standing, lang, &format!("<dl>{body}</dl>{}", foot(view, lang)));
    }
    if let Some(paper_no) = record.release.as_ref().and_then(|release| release.paper_no.as_deref()) {
        entry(say("纸质联单编号", "Number of the paper manifest"), &escaped(paper_no));
    }
    entry(say("状态", "State"), words::say(words::state(record.state), lang));
    let plates = plates_of(record);
    let plate = if plates.is_empty() { say("尚未派车", "no vehicle named yet").to_owned() } else { escaped(&plates.join("、")) };
    entry(say("应为车辆", "The vehicle should be"), &format!("<span class=\"plate\">{plate}</span>"));
    if view.token.plates != plates && !view.token.plates.is_empty() {
        let printed = escaped(&view.token.plates.join("、"));
        let note = say("打印单据时的车辆不同，已换车或重新派车", "When the sheet was printed it was another vehicle");
        entry(say("单据上的车辆", "Vehicle on the sheet"), &format!("<span class=\"warn\">{printed}：{note}</span>"));
    }
    entry(say("移出地", "From"), &escaped(&view.departure));
    entry(say("接受地", "To"), &escaped(&view.destination));
    let phone = &record.consignment.departure().phone;
    entry(say("应急联系电话", "Emergency phone"), &format!("<span class=\"plate\">{}</span>", escaped(phone)));
    let rows: String = record.consignment.lines.iter().take(LINES_MAX).fold(String::new(), |mut rows, line| {
        let hazards = words::hazards(&line.hazards);
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}（{}）</td><td>{}</td></tr>",
            escaped(&line.name),
            line.waste_code,
            escaped(&line.hazards),
            hazards.say(lang),
            words::say(words::form(line.form), lang)
        );
        rows
    });
    let more = record.consignment.lines.len().saturating_sub(LINES_MAX);
    let more = if more == 0 { String::new() } else { format!("<p>{}{more}</p>", say("另有废物种数：", "Further wastes: ")) };
    let table = format!(
        "<table><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr>{rows}</table>{more}",
        say("废物名称", "Waste"),
        say("废物代码", "Code"),
        say("危险特性", "Hazards"),
        say("形态", "Form")
    );
    frame(view.standing, lang, &format!("<dl>{body}</dl>{table}{}", foot(view, lang)))
}

/// Lines on the page; a lorry with more is told their number, so that the page stays small on a bad connection.
const LINES_MAX: usize = 40;

fn foot(view: &View<'_>, lang: Lang) -> String {
    let (looks, at) = (view.looks_today, local_text(view.now));
    match lang {
        Lang::ZhCn => {
            format!("<footer><p>今日查询 {looks} 次（含本次）。次数异常多时，单据可能被复印使用。</p><p>查询时间 {at}（北京时间）</p></footer>")
        }
        Lang::En => {
            format!(
                "<footer><p>Looked up {looks} times today, this time included. Many more than expected may mean a copied sheet.</p><p>{at} (Beijing time)</p></footer>"
            )
        }
    }
}

fn frame(standing: Standing, lang: Lang, body: &str) -> String {
    let (word, sentence) = (words::say(standing.word(), lang), words::say(standing.sentence(), lang));
    let (shape, style) = (standing.sign().1, style());
    let title = words::say(("危险废物转移联单查验", "Look-up of a waste transfer manifest"), lang);
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{word} · {title}</title><style>{style}</style></head><body><h1>{title}</h1>\
         <div class=\"sign {}\"><svg viewBox=\"0 0 64 64\" role=\"img\" aria-label=\"{word}\">{shape}</svg><div><b>{word}</b>{sentence}</div></div>\
         {body}</body></html>",
        lang.tag(),
        standing.as_str(),
    )
}

/// Text inside HTML; what shows nothing or turns the direction of writing is left out, so that no name reads as another one.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_invisible(*character)) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_standings_share_word_colour_or_shape() {
        let all: Vec<Standing> = Standing::OURS.into_iter().chain([Standing::Unknown]).collect();
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert_ne!(one.word().0, other.word().0);
                assert_ne!(one.word().1, other.word().1);
                assert_ne!(one.sign().0, other.sign().0, "{one:?} {other:?}");
                assert_ne!(one.sign().1, other.sign().1, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn only_what_has_a_national_number_is_called_valid() {
        for standing in [Standing::Unnumbered, Standing::Demonstration, Standing::Void, Standing::Expired, Standing::Unknown, Standing::Refused] {
            for lang in [Lang::ZhCn, Lang::En] {
                let page = frame(standing, lang, "");
                assert!(!page.contains("有效") && !page.contains("VALID"), "{standing:?}");
            }
        }
    }

    #[test]
    fn names_cannot_break_out_nor_turn_the_direction() {
        assert_eq!(escaped("<b a='1'>&\"\u{202e}x"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;x");
    }
}
