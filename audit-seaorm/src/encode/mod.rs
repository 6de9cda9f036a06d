//! Database values as JSON: readable, and exact in both directions.
//!
//! An audit entry keeps column values as JSON. [`encode`] writes one [`sea_orm::Value`], [`decode`] gives the same
//! value back, led by the type of the column, ready for
//! [`ActiveModelTrait::try_set`](sea_orm::ActiveModelTrait::try_set). [`same_value`] tells whether two values are
//! equal, which is how a change is told from a rewrite of the same value.
//!
//! | value | JSON |
//! |---|---|
//! | SQL `NULL` | `null` |
//! | `bool`, integers up to `u64::MAX` | `true`, `18446744073709551615` |
//! | `f32`, `f64` | the shortest number that reads back the same: `0.1`; `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0"` |
//! | text, `char`, enums | string |
//! | bytes | lower-case hex: `"00ff"` |
//! | UUID | `"67e55044-10b1-426f-9247-bb680e5fe0c8"` |
//! | decimals | plain digits, trailing zeros kept: `"0.1000"` |
//! | date | `"2024-02-29"`; before year 0 and after 9999 with a sign: `"-0044-03-15"`, `"+12024-01-01"` |
//! | time | `"12:34:56.123456"`; nine digits only where six would lose something |
//! | date and time | `"2024-02-29T12:34:56.123456"` |
//! | moment | `"2024-02-29T12:34:56.123456Z"`, always in UTC |
//! | IP network | `"10.0.0.1/32"` |
//! | MAC address | `"aa:bb:cc:dd:ee:ff"` |
//! | array, vector | array, element by element |
//! | JSON | itself |
//!
//! # The one escape
//!
//! `{"$json": "…"}`, an object with this single key, holds a value as the text of its JSON. It stands for what could
//! not be told apart or could not be stored otherwise:
//!
//! * JSON `null` in a JSON column, which is not SQL `NULL`: `{"$json": "null"}`;
//! * a JSON document that is itself an object with the only key `$json`;
//! * a text, or a whole JSON document, equal to `"[REDACTED]"`, the mark of a redacted value;
//! * anything that contains the character U+0000, which `jsonb` refuses;
//! * a JSON document nested deeper than 30 levels: `MariaDB` takes 31, and the entry adds one.
//!
//! # What is not kept
//!
//! The offset of a moment: `DateTime<FixedOffset>` and `OffsetDateTime` come back as the same moment in UTC. The sign
//! of a decimal zero and a negative scale of a `BigDecimal` (`1E+3` comes back as `1000`).
//!
//! # Exact floats
//!
//! Reading a float from JSON text is exact only with the `float_roundtrip` feature of `serde_json`, which this crate
//! turns on. Code in another process that reads entries needs it too.
//!
//! # Secrets
//!
//! No error of this module contains a value, or a part of one.

mod calendar;
mod chrono_types;
mod decimal;
mod error;
mod escape;
mod float;
pub(crate) mod hex;
mod network;
mod reader;
mod same;
mod scalar;
mod shape;
#[cfg(test)]
mod tests;
#[cfg(feature = "with-time")]
mod time_types;
mod writer;

pub use self::{
    error::{DecodeError, EncodeError},
    reader::decode,
    same::same_value,
    writer::encode,
};
pub(crate) use self::{reader::decode_as, shape::Shape};
