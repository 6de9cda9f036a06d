use serde_json::Number;

/// Compares the decimal numbers that the texts denote: a float stored as `1.152921504606847e18` comes
/// back from a `jsonb` column as the integer with exactly these digits, which as a binary number is
/// another one.
pub(crate) fn same_number(a: &Number, b: &Number) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (a.to_string(), b.to_string());
    match (Decimal::parse(&a), Decimal::parse(&b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// A decimal number without leading or trailing zeros.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    significand: String,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let kept = digits.trim_end_matches('0');
        let cut = digits.len() - kept.len();
        let exponent = exponent
            .parse::<i64>()
            .ok()?
            .checked_sub_unsigned(fraction.len().try_into().ok()?)?
            .checked_add_unsigned(cut.try_into().ok()?)?;
        let significand = kept.trim_start_matches('0').to_owned();
        let zero = significand.is_empty();
        Some(Self {
            negative: negative && !zero,
            significand,
            exponent: if zero { 0 } else { exponent },
        })
    }
}
