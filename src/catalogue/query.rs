//! Query parameters read with sentences of our own: an unknown, repeated or unreadable one is named.

use actix_web::HttpRequest;
use actix_web::web::Query;
use chrono::{Datelike, NaiveDate};

use crate::platform::problem::{Problem, Text};

/// The query of one request, with known names only.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query that may hold these names.
    ///
    /// # Errors
    /// `bad-parameter` for an unknown or repeated name and for control characters.
    pub fn read(request: &HttpRequest, names: &[&str]) -> Result<Self, Problem> {
        Self::parse(request.query_string(), names)
    }

    fn parse(query: &str, names: &[&str]) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|_| Problem::parameter("query", Text::new("查询参数无法读取", "The query cannot be read")))?
            .into_inner();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                let known = if names.is_empty() { "–".into() } else { names.join(", ") };
                let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(Problem::parameter(
                    &shown,
                    Text::new(format!("没有此参数；可用：{known}"), format!("No such parameter; there are: {known}")),
                ));
            }
            if pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Problem::parameter(name, Text::new("参数只能出现一次", "The parameter may occur only once")));
            }
            if value.chars().any(char::is_control) {
                return Err(Problem::parameter(name, Text::new("不得含控制字符", "It must hold no control character")));
            }
        }
        Ok(Self(pairs))
    }

    /// A text between two lengths, without blanks at its ends.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn text(&self, name: &str, min: usize, max: usize) -> Result<Option<&str>, Problem> {
        let Some((_, value)) = self.0.iter().find(|(key, _)| key == name) else { return Ok(None) };
        let value = value.trim();
        if (min..=max).contains(&value.chars().count()) {
            return Ok(Some(value));
        }
        Err(Problem::parameter(name, Text::new(format!("须为 {min} 至 {max} 个字符"), format!("Give {min} to {max} characters"))))
    }

    /// A day, or the given one.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn day(&self, name: &str, otherwise: NaiveDate) -> Result<NaiveDate, Problem> {
        let Some((_, value)) = self.0.iter().find(|(key, _)| key == name) else { return Ok(otherwise) };
        Some(value)
            .filter(|value| value.len() == 10)
            .and_then(|value| value.parse::<NaiveDate>().ok())
            .filter(|day| (1900..=2200).contains(&day.year()))
            .ok_or_else(|| Problem::parameter(name, Text::new("须为日期，例如 2026-11-23", "It must be a day, for example 2026-11-23")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_parameters_are_named() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let name_of = |problem: Problem| problem.extra["parameter"].as_str().unwrap_or_default().to_owned();
        let read = |query: &str| Parameters::parse(query, &["q", "on"]);
        assert_eq!(name_of(read("x=1").err().unwrap()), "x");
        assert_eq!(name_of(read("q=1&q=2").err().unwrap()), "q");
        assert_eq!(name_of(read("q=%00").err().unwrap()), "q");
        assert_eq!(read("q=%E5%BA%9F+").unwrap().text("q", 1, 60).unwrap(), Some("废"));
        assert!(read("q=+").unwrap().text("q", 1, 60).is_err() && read("").unwrap().text("q", 1, 60).unwrap().is_none());
        assert!(read("q=%FF").is_ok() && read("&&=").is_err());
        assert_eq!(read("").unwrap().day("on", today).unwrap(), today);
        assert_eq!(read("on=2024-02-29").unwrap().day("on", today).unwrap().to_string(), "2024-02-29");
        for wrong in ["on=2025-02-29", "on=", "on=2026-1-1", "on=+262142-01-01", "on=2026-11-23T00:00:00Z"] {
            assert_eq!(name_of(read(wrong).unwrap().day("on", today).err().unwrap()), "on", "{wrong}");
        }
    }
}
