//! Money: integer minor units and a currency. Never a float, never two currencies in one sum.

use std::{fmt, str::FromStr};

/// ISO 4217 code of three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, example = "PEN")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only capital ASCII letters are let in")
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl FromStr for Currency {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(format!("expected an ISO 4217 code such as PEN, got {text:?}")),
        }
    }
}
crate::text_column!(Currency);

/// An amount in minor units (céntimos, cents, centavos) of a currency; negative is a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Money {
    /// Minor units.
    #[schema(example = 8900)]
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Why two amounts could not be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Amounts of different currencies.
    #[error("cannot combine {0} with {1}")]
    Currencies(Currency, Currency),
    /// Beyond ±9.2 × 10^18 minor units.
    #[error("the amount is out of range")]
    Overflow,
}

impl Money {
    /// Minor units of a currency.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }
    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }
    /// Sum of two amounts of one currency.
    ///
    /// # Errors
    /// Different currencies, or overflow.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies(self.currency, other.currency));
        }
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
    /// Difference of two amounts of one currency.
    ///
    /// # Errors
    /// Different currencies, or overflow.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        let amount = other.amount.checked_neg().ok_or(MoneyError::Overflow)?;
        self.plus(Self { amount, ..other })
    }
}
