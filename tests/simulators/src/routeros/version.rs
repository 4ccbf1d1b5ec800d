//! What differs between RouterOS versions: a *personality* is chosen by one version number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A RouterOS version, such as 6.49.10 or 7.18.2. Ordered as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// A version from its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// From 6.43 on `/login` takes name and password; before, it answers with a challenge.
    pub fn plain_login(self) -> bool {
        self >= Self::new(6, 43, 0)
    }

    /// From 7.18 on a print without rows says `!empty` before `!done`.
    pub fn says_empty(self) -> bool {
        self >= Self::new(7, 18, 0)
    }

    /// From 7.10 on dates read `2006-01-02`; before, `jan/02/2006`.
    pub fn iso_dates(self) -> bool {
        self >= Self::new(7, 10, 0)
    }

    /// Version 7 and later.
    pub fn is_v7(self) -> bool {
        self.major >= 7
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::new(7, 18, 2)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(f, ".{}", self.patch) } else { Ok(()) }
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split('.').map(str::parse::<u16>);
        let wrong = || format!("not a RouterOS version: {text}");
        let mut next = || numbers.next().transpose().map_err(|_| wrong());
        let (major, minor, patch) = (next()?, next()?, next()?);
        let version =
            Self::new(major.ok_or_else(wrong)?, minor.ok_or_else(wrong)?, patch.unwrap_or_default());
        if numbers.next().is_some() { Err(wrong()) } else { Ok(version) }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personalities() {
        let at = |text: &str| text.parse::<Version>().expect("valid");
        assert!(!at("6.42").plain_login() && at("6.43").plain_login());
        assert!(!at("7.17").says_empty() && at("7.18").says_empty());
        assert!(!at("7.9").iso_dates() && at("7.10").iso_dates(), "10 is after 9");
        assert_eq!(at("7.18.2").to_string(), "7.18.2");
        assert_eq!(at("6.49").to_string(), "6.49");
        assert!("7".parse::<Version>().is_err() && "7.1.2.3".parse::<Version>().is_err());
    }
}
