use std::net::IpAddr;

use http::{HeaderMap, header::FORWARDED};

use super::address::{self, trim};
use crate::web::header::X_FORWARDED_FOR;

/// The header in which trusted proxies say for whom they ask.
///
/// It is one of the two and never both: a proxy that writes one of them passes the other on as the
/// client sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// `x-forwarded-for: client, proxy`, which nearly all write.
    #[default]
    XForwardedFor,
    /// `forwarded: for=client;proto=https, for=proxy`, as in RFC 7239.
    Forwarded,
}

impl ProxyHeader {
    /// The addresses in it, the nearest first, up to the first entry that has none.
    pub(super) fn hops(self, headers: &HeaderMap) -> impl Iterator<Item = IpAddr> {
        let (name, hop): (_, fn(&str) -> Option<IpAddr>) = match self {
            Self::XForwardedFor => (X_FORWARDED_FOR, address::parse),
            Self::Forwarded => (FORWARDED, forwarded_for),
        };
        let lines = headers.get_all(name).into_iter().rev();
        let entries = lines.flat_map(|line| split_unquoted(line.as_bytes(), b','));
        entries.map_while(move |entry| hop(str::from_utf8(entry).ok()?))
    }
}

/// The parts of `text` from right to left. A separator between quotes is none.
///
/// From the right, because what stands there comes from a trusted proxy and is well-formed. Nothing that
/// the client has sent to its left, such as a quote left open or bytes that are not text, can swallow it.
fn split_unquoted(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    text.rsplit(move |byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    })
}

/// The address of an element such as `for="[2001:db8::1]:80";proto=https`. One that is hidden (`_x`,
/// `unknown`), missing or given twice is none.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut node = None;
    for pair in split_unquoted(element.as_bytes(), b';') {
        let pair = trim(str::from_utf8(pair).ok()?);
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        if trim(name).eq_ignore_ascii_case("for") && node.replace(trim(value)).is_some() {
            return None;
        }
    }
    let node = node?;
    match node.strip_prefix('"') {
        Some(quoted) => address::parse(quoted.strip_suffix('"')?),
        None => address::parse(node),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn hops(lines: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, line.parse().unwrap());
        }
        ProxyHeader::Forwarded.hops(&headers).map(|hop| hop.to_string()).collect()
    }

    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(hops(&[r#"For="[2001:db8:cafe::17]:4711""#]), ["2001:db8:cafe::17"]);
        assert_eq!(hops(&["for=192.0.2.60;proto=http;by=203.0.113.43"]), ["192.0.2.60"]);
        assert_eq!(hops(&["for=192.0.2.43, for=198.51.100.17"]), ["198.51.100.17", "192.0.2.43"]);
        assert_eq!(
            hops(&[r#"for=192.0.2.43, for="[2001:db8:cafe::17]""#, "for=198.51.100.17"]),
            ["198.51.100.17", "2001:db8:cafe::17", "192.0.2.43"]
        );
        assert_eq!(hops(&[r#"for="192.0.2.43:47011""#]), ["192.0.2.43"]);
        assert_eq!(hops(&[r#"for=192.0.2.1;ext="a,b;for=x";;"#]), ["192.0.2.1"]);
        for hidden in [r#"for="_gazonk""#, "for=_SEVKISEK", "for=unknown", "proto=http", "", "for"]
        {
            assert!(hops(&["for=6.6.6.6", hidden]).is_empty(), "{hidden}");
        }
    }

    #[test]
    fn what_a_client_sends_swallows_nothing_that_a_proxy_adds() {
        for sent in [
            r#"for="6.6.6.6"#,
            r#"for=6.6.6.6;by=""#,
            r#"""#,
            r#"\""#,
            "for=6.6.6.6;for=7.7.7.7",
            ",;=",
        ] {
            let line = format!(r#"{sent}, for="[2001:db8::9]:1";by="[2001:db8::1]""#);
            assert_eq!(hops(&[&line])[0], "2001:db8::9", "{sent}");
        }
    }

    #[test]
    fn twice_is_not_at_all() {
        assert!(hops(&["for=192.0.2.1;for=192.0.2.2"]).is_empty());
        assert!(hops(&[r#"for="192.0.2.1"#]).is_empty());
        assert!(hops(&[r#"for="192.0.2.1\"""#]).is_empty());
    }

    proptest! {
        #[test]
        fn a_proxy_has_the_last_word(
            sent in prop::collection::vec(prop_oneof![b' '..=b'~', 0x80..=0xff_u8], 0..20),
            telling in "[\",;=\\\\for 1.:]{0,20}",
            ip: std::net::Ipv6Addr,
        ) {
            for (header, name, added) in [
                (ProxyHeader::Forwarded, FORWARDED, format!("for=\"[{ip}]:80\";by=\"[::1]\"")),
                (ProxyHeader::XForwardedFor, X_FORWARDED_FOR, ip.to_string()),
            ] {
                let line = [&sent, telling.as_bytes(), b", ", added.as_bytes()].concat();
                let headers = HeaderMap::from_iter([(name, HeaderValue::from_bytes(&line).unwrap())]);
                let nearest = header.hops(&headers).next();
                prop_assert_eq!(nearest, Some(IpAddr::V6(ip).to_canonical()));
            }
        }
    }
}
