//! [Trace context](https://www.w3.org/TR/trace-context/) of the W3C.

use http::HeaderMap;

use super::header::{self, TRACEPARENT};

/// The trace id of a valid `traceparent`, of whatever version. Anything else has none.
pub(super) fn trace_id(headers: &HeaderMap) -> Option<String> {
    let value = header::single(headers, TRACEPARENT)?.to_str().ok()?;
    let mut fields = value.splitn(5, '-');
    let version = fields.next()?;
    let [trace_id, parent_id, flags] = [fields.next()?, fields.next()?, fields.next()?];
    // Later versions may add fields; this one ends with the flags.
    let complete = version != "00" || fields.next().is_none();
    let valid = complete
        && is_hex(version, 2)
        && version != "ff"
        && is_id(trace_id, 32)
        && is_id(parent_id, 16)
        && is_hex(flags, 2);
    valid.then(|| trace_id.to_owned())
}

fn is_id(text: &str, digits: usize) -> bool {
    is_hex(text, digits) && text.bytes().any(|digit| digit != b'0')
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        trace_id(&headers)
    }

    #[test]
    fn a_valid_one_gives_its_trace_id() {
        let known = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(of(&known).as_deref(), Some(TRACE));
        let later = format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later");
        assert_eq!(of(&later).as_deref(), Some(TRACE));
    }

    #[test]
    fn an_invalid_one_gives_none() {
        let zeros = "0".repeat(32);
        for invalid in [
            String::new(),
            "00".to_owned(),
            TRACE.to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("0-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-0x"),
            format!("00-{TRACE}0-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(of(&invalid), None, "{invalid}");
        }
    }

    #[test]
    fn two_that_differ_give_none() {
        let mut headers = HeaderMap::new();
        for parent in ["00f067aa0ba902b7", "00f067aa0ba902b8"] {
            let value = format!("00-{TRACE}-{parent}-01");
            headers.append(TRACEPARENT, HeaderValue::from_str(&value).unwrap());
        }
        assert_eq!(trace_id(&headers), None);
    }
}
