use http::{HeaderMap, HeaderName};

use super::header;

/// The longest request id that is taken from a client.
const MAX_BYTES: usize = 128;

/// The client's request id, if there is one and it is visible ASCII of a length that an id has.
///
/// It is not cut: the beginning of an id is another id.
pub(super) fn from_client(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = header::single(headers, name)?.as_bytes();
    let usable = (1..=MAX_BYTES).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    if usable { String::from_utf8(value.to_vec()).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{super::header::X_REQUEST_ID, *};

    fn taken(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
        }
        from_client(&headers, &X_REQUEST_ID)
    }

    #[test]
    fn an_id_is_visible_ascii_of_at_most_128_bytes() {
        assert_eq!(taken(&[b"req-1/{x}"]).as_deref(), Some("req-1/{x}"));
        assert_eq!(taken(&[&[b'a'; 128]]), Some("a".repeat(128)));
        for unusable in [&[b'a'; 129][..], b"", b"a b", b"a\tb", "ü".as_bytes(), b"\xff"] {
            assert_eq!(taken(&[unusable]), None);
        }
    }

    #[test]
    fn the_same_id_twice_is_one_and_two_are_none() {
        assert_eq!(taken(&[b"req-1", b"req-1"]).as_deref(), Some("req-1"));
        assert_eq!(taken(&[b"req-1", b"req-2"]), None);
        assert_eq!(taken(&[]), None);
    }
}
