//! Languages that an ISP offers its people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Languages that every page and every notice has words in.
pub(crate) const LOCALES: &[&str] = &["es-419", "en", "pt-BR"];

/// Some of the languages that there are, at least one; each once, in their usual order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[schema(value_type = Vec<String>, example = json!(["es-419", "en"]))]
pub struct Languages(Vec<&'static str>);

/// A list that names another language, or none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one or more of es-419, en and pt-BR")]
pub struct NoLanguages;

impl Languages {
    /// Whether one is among them.
    pub fn contain(&self, locale: &str) -> bool {
        self.0.contains(&locale)
    }
    /// As they are kept: separated by commas.
    pub(super) fn to_column(&self) -> String {
        self.0.join(",")
    }
}

impl Default for Languages {
    /// All that there are.
    fn default() -> Self {
        Self(LOCALES.to_vec())
    }
}

impl TryFrom<Vec<String>> for Languages {
    type Error = NoLanguages;
    fn try_from(wanted: Vec<String>) -> Result<Self, NoLanguages> {
        if wanted.is_empty() || wanted.iter().any(|one| !LOCALES.contains(&one.as_str())) {
            return Err(NoLanguages);
        }
        Ok(Self(LOCALES.iter().copied().filter(|known| wanted.iter().any(|one| one == known)).collect()))
    }
}

impl TryFrom<String> for Languages {
    type Error = NoLanguages;
    fn try_from(column: String) -> Result<Self, NoLanguages> {
        Self::try_from(column.split(',').map(str::to_owned).collect::<Vec<_>>())
    }
}

impl From<Languages> for Vec<String> {
    fn from(languages: Languages) -> Self {
        languages.0.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_come_back_as_they_were_kept() {
        let some: Languages = serde_json::from_str(r#"["pt-BR", "es-419", "pt-BR"]"#).unwrap();
        assert_eq!(some.to_column(), "es-419,pt-BR");
        assert_eq!(Languages::try_from(some.to_column()).unwrap(), some);
        assert!(some.contain("pt-BR") && !some.contain("en"));
        assert_eq!(serde_json::to_string(&some).unwrap(), r#"["es-419","pt-BR"]"#);
        for wrong in ["[]", r#"["fr"]"#, r#"["es"]"#] {
            assert!(serde_json::from_str::<Languages>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Languages::default().to_column(), "es-419,en,pt-BR");
    }
}
