#[cfg(feature = "with-bigdecimal")]
use sea_orm::prelude::BigDecimal;
#[cfg(feature = "with-rust_decimal")]
use sea_orm::prelude::Decimal;

/// More digits than any database keeps. Beyond, an exponent saves gigabytes of zeros for a number such as `1e999999999`.
#[cfg(feature = "with-bigdecimal")]
const MAX_ZEROS: u64 = 200_000;

#[cfg(feature = "with-bigdecimal")]
pub(super) fn write_big(value: &BigDecimal) -> String {
    if value.fractional_digit_count().unsigned_abs() > MAX_ZEROS {
        value.to_scientific_notation()
    } else {
        value.to_plain_string()
    }
}

#[cfg(feature = "with-bigdecimal")]
pub(super) fn read_big(text: &str) -> Option<BigDecimal> {
    starts_as_number(text).then(|| text.parse().ok()).flatten()
}

#[cfg(feature = "with-rust_decimal")]
pub(super) fn read(text: &str) -> Option<Decimal> {
    // `from_str` would round what does not fit.
    starts_as_number(text).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

/// Both crates also take `_1`, `.5` and the like, which nobody writes here.
#[cfg(any(feature = "with-rust_decimal", feature = "with-bigdecimal"))]
fn starts_as_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && !text.contains('_')
}
