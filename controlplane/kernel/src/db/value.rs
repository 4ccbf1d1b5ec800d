//! Values bound to statements: the five kinds that both databases store alike.

use serde::{Deserialize, Serialize};

/// A bound value. The kind is known even when it is NULL, which PostgreSQL demands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// TEXT.
    Text(Option<String>),
    /// BIGINT: whole numbers, money in minor units, instants in Unix ms.
    Int(Option<i64>),
    /// DOUBLE PRECISION: geographic coordinates only, never money.
    Real(Option<f64>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// BYTEA.
    Bytes(Option<Vec<u8>>),
}

/// A type with a column kind of its own, so that its absence is a NULL of that kind.
pub trait Column: Into<Value> {
    /// NULL of the kind.
    const NULL: Value;
}

impl<T: Column> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(T::NULL, Into::into)
    }
}
impl<'v, T> From<&'v Option<T>> for Value
where
    &'v T: Column,
{
    fn from(value: &'v Option<T>) -> Self {
        value.as_ref().into()
    }
}

/// A text that both databases keep: PostgreSQL refuses U+0000, which a device may have said. It is told apart no more from U+FFFD, as
/// what cannot be read is everywhere; people are told of it before (`http`).
fn kept(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

macro_rules! columns {
    ($($kind:ident: $($plain:ty => $convert:expr),+;)+) => {$($(
        impl From<$plain> for Value {
            fn from(value: $plain) -> Self {
                Self::$kind(Some(($convert)(value)))
            }
        }
        impl Column for $plain {
            const NULL: Value = Value::$kind(None);
        }
    )+)+};
}
columns! {
    Text: String => kept, &str => |v: &str| kept(v.to_owned()), &String => |v: &String| kept(v.clone());
    Int: i64 => |v| v, i32 => i64::from, u32 => i64::from, u16 => i64::from;
    Real: f64 => |v| v;
    Bool: bool => |v| v;
    Bytes: Vec<u8> => |v| v, &[u8] => |v: &[u8]| v.to_vec(), &Vec<u8> => |v: &Vec<u8>| v.clone();
}

/// Makes a type with `Display` and `FromStr` a TEXT column, a JSON string and a bound value.
#[macro_export]
macro_rules! text_column {
    ($name:ty) => {
        impl<DB: ::sqlx::Database> ::sqlx::Type<DB> for $name
        where
            String: ::sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <String as ::sqlx::Type<DB>>::type_info()
            }
            fn compatible(ty: &DB::TypeInfo) -> bool {
                <String as ::sqlx::Type<DB>>::compatible(ty)
            }
        }
        impl<'r, DB: ::sqlx::Database> ::sqlx::Decode<'r, DB> for $name
        where
            &'r str: ::sqlx::Decode<'r, DB>,
        {
            fn decode(
                value: <DB as ::sqlx::Database>::ValueRef<'r>,
            ) -> Result<Self, ::sqlx::error::BoxDynError> {
                let text = <&str as ::sqlx::Decode<'r, DB>>::decode(value)?;
                text.parse::<$name>().map_err(|error| ::std::string::ToString::to_string(&error).into())
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as ::serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(::serde::de::Error::custom)
            }
        }
        impl From<$name> for $crate::db::Value {
            fn from(value: $name) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }
        impl From<&$name> for $crate::db::Value {
            fn from(value: &$name) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }
        impl $crate::db::Column for $name {
            const NULL: $crate::db::Value = $crate::db::Value::Text(None);
        }
        impl $crate::db::Column for &$name {
            const NULL: $crate::db::Value = $crate::db::Value::Text(None);
        }
    };
}

/// Declares a closed set of words: an enum, its texts in JSON, in the database and in the OpenAPI document.
#[macro_export]
macro_rules! text_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::utoipa::ToSchema)]
        $(#[$doc])*
        $vis enum $name {
            $($(#[$vdoc])* #[schema(rename = $text)] $variant,)+
        }
        impl $name {
            /// All values, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words of all values, for the declaration of a list.
            pub const WORDS: &'static [&'static str] = &[$($text),+];
            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl ::std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!(concat!("expected one of ", $($text, " ",)+ "but got {:?}"), text)),
                }
            }
        }
        $crate::text_column!($name);
    };
}
