//! The two languages of answers: Chinese by default, English on request.
//!
//! No clock and no I/O here.

use serde::{Deserialize, Serialize};

/// A language that every sentence for a client exists in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lang {
    /// Chinese (简体中文), the default: the users are clerks, drivers and officers of Dalian.
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English, for programmers of other systems.
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// Chooses the language from an `Accept-Language` header: English only where it is preferred.
    ///
    /// Follows the quality values of RFC 9110, section 12.5.4: `*` stands for a language that is not named, `q=0`
    /// excludes one. Equal quality, an unreadable header or none of our languages give Chinese.
    pub fn from_accept_language(header: &str) -> Self {
        let (mut chinese, mut english, mut any) = (None::<u16>, None::<u16>, 0_u16);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let Some(quality) = quality(parts) else {
                continue;
            };
            let primary = tag.split('-').next().unwrap_or_default();
            if primary.eq_ignore_ascii_case("zh") {
                chinese = chinese.max(Some(quality));
            } else if primary.eq_ignore_ascii_case("en") {
                english = english.max(Some(quality));
            } else if tag == "*" {
                any = any.max(quality);
            }
        }
        if english.unwrap_or(any) > chinese.unwrap_or(any) { Self::En } else { Self::ZhCn }
    }

    /// The language tag (BCP 47), as `Content-Language` carries it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }
}

/// The quality in thousandths; `None` where it cannot be read, so that the range is ignored.
fn quality<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let mut quality = 1_000;
    for parameter in parameters {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("q") {
            quality = thousandths(value.trim())?;
        }
    }
    Some(quality)
}

fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_the_default() {
        for header in ["", "zh-CN,zh;q=0.9,en;q=0.8", "*", "fr", "zh, en", "en;q=0.8, zh;q=0.8", ";;,q=", "en;q=abc", "en;q=1.5"] {
            assert_eq!(Lang::from_accept_language(header), Lang::ZhCn, "{header}");
        }
    }

    #[test]
    fn english_needs_a_higher_quality() {
        for header in ["en", "EN-us", "en-GB,en;q=0.9", "fr, en;q=0.1", "zh;q=0.801, en; q=0.802", "zh;q=0, *", "en,*;q=0.5"] {
            assert_eq!(Lang::from_accept_language(header), Lang::En, "{header}");
        }
        assert_eq!(Lang::from_accept_language("zh;q=0.802, en;q=0.801"), Lang::ZhCn);
        assert_eq!(Lang::from_accept_language("en;q=0, *"), Lang::ZhCn);
        assert_eq!(Lang::from_accept_language("en;q=0.5, *;q=0.8"), Lang::ZhCn);
    }
}
